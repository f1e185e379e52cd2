"""What a host offers the Lab."""

from __future__ import annotations

import logging
import platform
import uuid
from pathlib import Path
from typing import NamedTuple

import libvirt
from lxml import etree

from tuivm.domainxml.parse import Element, attr, parse_xml, text
from tuivm.hypervisor.facts import version_text
from tuivm.hypervisor.labcalls import tolerated
from tuivm.hypervisor.labguest import end_guest, qmp
from tuivm.hypervisor.labspare import given_away, read_node, spare_devices
from tuivm.lab.mark import mark_of, mark_xml
from tuivm.lab.ports import PREFIX, HostAbilities, LabError, MachineCaps, SpareDevice
from tuivm.model.hosts import HostSpec
from tuivm.model.lab import LabHostRecord

_log = logging.getLogger(__name__)

MACHINES = ("pc", "q35")
_ACCELERATORS = ("kvm", "qemu")
"""Fastest first."""
PROBE_MIB = 16


class Platform(NamedTuple):
    """Of the capabilities document: what guests of the host's own architecture can be."""

    arch: str
    cpu: str
    emulator: str
    accelerators: tuple[str, ...]
    machines: frozenset[str]
    hypervisor_flag: bool
    """The host's CPU, as libvirt describes it, says that it is a guest's."""


def read_platform(xml: str) -> Platform:
    """Raises ValueError for what is no capabilities document, or has no such guests."""
    root = parse_xml(xml, "capabilities")
    arch = text(root, "host/cpu/arch")
    features = {attr(one, "name") for one in root.iterfind("host/cpu/feature")}
    for guest in root.iterfind("guest"):
        found = guest.find("arch")
        if text(guest, "os_type") != "hvm" or found is None or attr(found, "name") != arch:
            continue
        kinds = {attr(domain, "type") for domain in found.iterfind("domain")}
        machines = {machine for one in found.iter("machine") for machine in _names(one)}
        return Platform(
            arch,
            text(root, "host/cpu/model"),
            text(found, "emulator"),
            tuple(kind for kind in _ACCELERATORS if kind in kinds),
            frozenset(machines - {""}),
            "hypervisor" in features,
        )
    raise ValueError(f"no QEMU for {arch or 'its own architecture'}")


def _names(machine: Element) -> tuple[str, str]:
    return (machine.text or "").strip(), attr(machine, "canonical")


def read_machine(xml: str) -> MachineCaps:
    """Of a domain capabilities document; nothing for anything else."""
    try:
        root = parse_xml(xml, "domainCapabilities")
    except ValueError:
        return MachineCaps()
    hostdev = frozenset(_values(root, "devices/hostdev", "subsysType"))
    # There, but empty: without VFIO no PCI device can be handed to a guest.
    backend = root.find("devices/hostdev/enum[@name='pciBackend']")
    return MachineCaps(
        frozenset(_values(root, "devices/disk", "bus")),
        usb_hostdev="usb" in hostdev,
        pci_hostdev="pci" in hostdev and (backend is None or backend.find("value") is not None),
    )


def _values(root: Element, path: str, enum: str) -> list[str]:
    return [
        (value.text or "").strip() for value in root.iterfind(f"{path}/enum[@name='{enum}']/value")
    ]


def virtualized(cpuinfo: str) -> bool | None:
    """Of /proc/cpuinfo on x86: the CPU's "hypervisor" flag; None where it has no flags."""
    for line in cpuinfo.splitlines():
        name, colon, flags = line.partition(":")
        if colon and name.strip() == "flags":
            return "hypervisor" in flags.split()
    return None


def version_parts(number: int) -> tuple[int, int, int]:
    """libvirt's 1000000 * major + 1000 * minor + release."""
    return number // 1_000_000, number // 1000 % 1000, number % 1000


def ask_abilities(
    conn: libvirt.virConnect, spec: HostSpec, *, local: bool, session: bool
) -> HostAbilities:
    """Without `models`. Raises libvirtError, and LabError for a host without QEMU."""
    try:
        if conn.getType() != "QEMU":
            raise LabError("the Lab needs QEMU", f"{spec.name} is run by {conn.getType()}")
        host = read_platform(conn.getCapabilities())
    except ValueError as error:
        raise LabError(
            f"{spec.name} cannot run lab guests", str(error), "install QEMU for its architecture"
        ) from error
    if not host.accelerators:
        raise LabError(f"{spec.name} cannot run lab guests", "it offers neither KVM nor TCG")
    caps = {}
    for accelerator in host.accelerators:
        for machine in MACHINES:
            if machine in host.machines:
                caps[accelerator, machine] = _machine(conn, host, machine, accelerator)
    qemu, library = tolerated(conn.getVersion, 0), tolerated(conn.getLibVersion, 0)
    return HostAbilities(
        record=_record(conn, spec, host, qemu, library, local=local),
        local=local,
        session=session,
        accelerators=host.accelerators,
        emulator=host.emulator,
        machines=host.machines,
        caps=caps,
        qemu_version=version_parts(qemu),
        libvirt_version=version_parts(library),
        tap=not session and tolerated(lambda: conn.listAllNetworks(0) is not None, False),
        vhost_net=Path("/dev/vhost-net").exists() if local else None,
        spare=() if session else _spare(conn),
    )


def _machine(
    conn: libvirt.virConnect, host: Platform, machine: str, accelerator: str
) -> MachineCaps:
    return read_machine(
        tolerated(
            lambda: conn.getDomainCapabilities(host.emulator, host.arch, machine, accelerator), ""
        )
    )


def _record(
    conn: libvirt.virConnect,
    spec: HostSpec,
    host: Platform,
    qemu: int,
    library: int,
    *,
    local: bool,
) -> LabHostRecord:
    cpuinfo = _text("/proc/cpuinfo") if local else ""
    nothing: list[object] = []
    info = tolerated(conn.getInfo, nothing)
    return LabHostRecord(
        name=spec.name,
        uri=tolerated(conn.getURI, spec.uri),
        hypervisor=f"QEMU {version_text(qemu)}" if qemu else "QEMU",
        libvirt=version_text(library),
        kernel=platform.release() if local else "",
        cpu=cpu_name(cpuinfo) or host.cpu,
        cpus=int(str(info[2])) if len(info) > 2 else None,
        arch=host.arch,
        virtualized=virtualized(cpuinfo) if local else (host.hypervisor_flag or None),
    )


def cpu_name(cpuinfo: str) -> str:
    """The first "model name" of /proc/cpuinfo; "" where there is none."""
    for line in cpuinfo.splitlines():
        name, _, value = line.partition(":")
        if name.strip() == "model name":
            return " ".join(value.split())
    return ""


def _spare(conn: libvirt.virConnect) -> tuple[SpareDevice, ...]:
    try:
        devices = conn.listAllDevices(libvirt.VIR_CONNECT_LIST_NODE_DEVICES_CAP_PCI_DEV)
        guests = conn.listAllDomains(0)
        # Of a guest that cannot be read it is not known what it uses: then nothing is spare.
        used = [given_away(xml) for guest in guests for xml in _both(guest)]
        nodes = [read_node(device.XMLDesc(0)) for device in devices]
    except libvirt.libvirtError as error:
        _log.info("lab: PCI devices cannot be looked at: %s", error)
        return ()
    return spare_devices(
        [node for node in nodes if node is not None], frozenset[str]().union(*used)
    )


def _both(guest: libvirt.virDomain) -> tuple[str, ...]:
    """As it runs and as it is defined."""
    flags = (0, libvirt.VIR_DOMAIN_XML_INACTIVE) if guest.isPersistent() else (0,)
    return tuple(guest.XMLDesc(flag) for flag in flags)


def ask_models(conn: libvirt.virConnect, abilities: HostAbilities) -> frozenset[str] | None:
    """Every type of that QEMU; None where it could not be asked.

    Asked of a guest that is paused and never runs, so that a KVM which does not work is no matter.
    """
    # TCG where there is the choice: on some hosts each start with KVM takes half a minute.
    kind = abilities.accelerators[-1]
    machine = next((name for name in MACHINES if name in abilities.machines), "")
    xml = probe_xml(kind, abilities.record.arch, machine, abilities.emulator)
    domain = None
    try:
        domain = conn.createXML(
            xml, libvirt.VIR_DOMAIN_START_PAUSED | libvirt.VIR_DOMAIN_START_AUTODESTROY
        )
        # Not devices alone: an I/O thread is none.
        found = qmp(domain, "qom-list-types", {"abstract": False})
    except (libvirt.libvirtError, LabError) as error:
        _log.warning("lab: device models cannot be asked for: %s", error)
        return None
    finally:
        if domain is not None:
            end_guest(domain)
    return type_names(found)


def type_names(answer: object) -> frozenset[str] | None:
    """Of `qom-list-types`' answer, a list of objects with a name each."""
    if not isinstance(answer, list):
        return None
    names = (entry.get("name") for entry in answer if isinstance(entry, dict))
    return frozenset(name for name in names if isinstance(name, str))


def probe_xml(kind: str, arch: str, machine: str, emulator: str) -> str:
    mark = mark_of("probe")
    root = etree.Element("domain", type=kind)
    etree.SubElement(root, "name").text = f"{PREFIX}probe-{uuid.uuid4().hex[:12]}"
    etree.SubElement(root, "metadata").append(etree.fromstring(mark_xml(mark.run, mark)))
    etree.SubElement(root, "memory", unit="MiB").text = str(PROBE_MIB)
    etree.SubElement(root, "vcpu").text = "1"
    kernel = etree.SubElement(etree.SubElement(root, "os"), "type", arch=arch)
    kernel.text = "hvm"
    if machine:
        kernel.set("machine", machine)
    devices = etree.SubElement(root, "devices")
    if emulator:
        etree.SubElement(devices, "emulator").text = emulator
    etree.SubElement(devices, "controller", type="usb", model="none")
    etree.SubElement(devices, "memballoon", model="none")
    return etree.tostring(root, encoding="unicode")


def _text(path: str) -> str:
    try:
        return Path(path).read_text(errors="replace")
    except OSError:
        return ""
