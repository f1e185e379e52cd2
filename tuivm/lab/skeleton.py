"""What all guests of the Lab have in common: a small machine that boots the appliance."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple, Protocol

from lxml import etree

from tuivm.domainxml.parse import Element
from tuivm.lab.mark import mark_xml
from tuivm.lab.parts import element
from tuivm.lab.ports import CHANNEL, HostAbilities

QEMU_NS = "http://libvirt.org/schemas/domain/qemu/1.0"
_LOOPBACK = "127.0.0.1"
_MAXIMUM_CPU = (7, 1, 0)
"""libvirt from which a TCG guest may have every feature that TCG knows."""


class Appliance(Protocol):
    """What a guest runs."""

    @property
    def memory_mib(self) -> int: ...

    @property
    def cmdline(self) -> str: ...


class System(NamedTuple):
    """What a guest is made of besides its devices. kernel, initrd: paths on the host. metadata:
    elements beside the Lab's mark."""

    name: str
    title: str
    accelerator: str
    machine: str
    kernel: str
    initrd: str
    iothreads: int = 0
    metadata: tuple[Element, ...] = ()


def domain_of(
    system: System,
    devices: Iterable[Element],
    *,
    run: str,
    appliance: Appliance,
    abilities: HostAbilities,
) -> Element:
    """A guest's definition with these devices, a console and the line to the appliance."""
    cpu = {"kvm": "host-passthrough"}.get(system.accelerator, "maximum")
    named = cpu != "maximum" or abilities.libvirt_version >= _MAXIMUM_CPU
    emulator = [element("emulator", abilities.emulator)] if abilities.emulator else []
    root: Element = etree.Element("domain", type=system.accelerator, nsmap={"qemu": QEMU_NS})
    root.extend(
        [
            element("name", system.name),
            element("title", system.title),
            element("metadata", etree.fromstring(mark_xml(run)), *system.metadata),
            element("memory", str(appliance.memory_mib), unit="MiB"),
            _vcpu(system.accelerator),
            *([element("iothreads", str(system.iothreads))] if system.iothreads else []),
            element(
                "os",
                element("type", "hvm", arch="x86_64", machine=system.machine),
                element("kernel", system.kernel),
                element("initrd", system.initrd),
                element("cmdline", appliance.cmdline),
            ),
            element("features", element("acpi"), element("apic")),
            *([element("cpu", mode=cpu)] if named else []),
            element("clock", offset="utc"),
            element("on_poweroff", "destroy"),
            element("on_reboot", "destroy"),
            element("on_crash", "destroy"),
            element(
                "devices",
                *emulator,
                *devices,
                element("serial", type="pty"),
                element("channel", element("target", type="virtio", name=CHANNEL), type="unix"),
                element("memballoon", model="none"),
            ),
        ]
    )
    return root


def _vcpu(accelerator: str) -> Element:
    """One vCPU; under TCG with room for another one, which never comes.

    QEMU before 8.1 leaves the memory barriers out of the code of a TCG guest that can have one vCPU
    alone, though its devices work on other threads (fixed by QEMU's commit c914d46d0a). Driver and
    device then miss each other's word: an NVMe disk with several requests in flight stands still
    for ever when the driver did not ring a doorbell that the controller was waiting for.
    """
    if accelerator == "kvm":
        return element("vcpu", "1")
    return element("vcpu", "2", current="1")


def udp_source(local: int, remote: int) -> Element:
    """`<source>` of a NIC that speaks to another one over the host's loopback. UDP ports."""
    return element(
        "source",
        element("local", address=_LOOPBACK, port=str(local)),
        address=_LOOPBACK,
        port=str(remote),
    )
