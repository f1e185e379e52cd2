"""Domain XML of the Lab's guests: each holds all that is compared in it, beside each other."""

from __future__ import annotations

from typing import NamedTuple

from lxml import etree

from tuivm.domainxml.parse import Element
from tuivm.lab import models
from tuivm.lab.availability import machine
from tuivm.lab.labdisks import file_disk, null_disk
from tuivm.lab.parts import DISK_BYTES, Files, Parts, Where, element
from tuivm.lab.ports import PREFIX, HostAbilities
from tuivm.lab.skeleton import QEMU_NS, Appliance, System, domain_of, udp_source
from tuivm.model.devices import DeviceClass
from tuivm.model.lab import Backing, Experiment, Plan, Subject

__all__ = ["DISK_BYTES", "QEMU_NS", "Files", "GuestSpec", "Where", "guests"]


class GuestSpec(NamedTuple):
    """A guest to be started. subjects: where each of those it holds is, by id. machine: its type,
    as libvirt was asked for it."""

    name: str
    xml: str
    experiment: Experiment
    accelerator: str
    subjects: dict[str, Where]
    machine: str = ""


def guests(
    plan: Plan, appliance: Appliance, files: Files, run: str, abilities: HostAbilities
) -> tuple[GuestSpec, ...]:
    """All guests of a plan: one an experiment, and in the lessons one a machine type or an
    accelerator. run: its id, a plain name. Raises LabError for what cannot be said in XML."""
    made = []
    for experiment in plan.experiments:
        groups: dict[tuple[str, str], list[Subject]] = {}
        for subject in plan.subjects:
            if subject.experiment is experiment:
                model = models.BY_ID.get(subject.id)
                own = (model.machine, model.accelerator) if model else ("", "")
                groups.setdefault(own, []).append(subject)
        for (own_machine, own_accelerator), subjects in groups.items():
            accelerator = own_accelerator or plan.accelerator
            parts = Parts(own_machine or machine(abilities, experiment))
            making = _Making(parts, accelerator, plan.backings[experiment], files)
            places = _places(making, subjects)
            word = {"kvm": "kvm", "qemu": "tcg"}.get(own_accelerator, own_machine)
            name = "-".join(filter(None, (f"{PREFIX}{run}", experiment.value, word)))
            root = _domain(making, name, run, appliance, abilities)
            xml = etree.tostring(root, encoding="unicode", pretty_print=True)
            made.append(GuestSpec(name, xml, experiment, accelerator, places, parts.machine))
    return tuple(made)


class _Making(NamedTuple):
    """A guest that is being made."""

    parts: Parts
    accelerator: str
    backing: Backing
    files: Files


def _places(making: _Making, subjects: list[Subject]) -> dict[str, Where]:
    """Gives the guest the devices of all its subjects."""
    parts, places = making.parts, {}
    for number, subject in enumerate(subjects):
        if subject.id.startswith(models.PASSTHROUGH):
            places[subject.id] = parts.passed(subject.id.removeprefix(models.PASSTHROUGH))
        elif subject.experiment is Experiment.NETWORK:
            nic = models.BY_ID[subject.id].nic
            places[subject.id] = _nics(making, subject, nic, number)
        elif subject.experiment is Experiment.MACHINE:
            emulated = subject.cls is DeviceClass.EMULATED
            disk = null_disk(parts, subject.id, "ahci" if emulated else "virtio-blk")
            nic = "e1000" if emulated else "virtio"
            nics = _nics(making._replace(backing=Backing.SOCKET), subject, nic, number)
            places[subject.id] = nics._replace(serial=disk.serial)
        else:
            places[subject.id] = _disk(making, subject)
    return places


def _disk(making: _Making, subject: Subject) -> Where:
    model = models.BY_ID[subject.id]
    storage = subject.experiment is Experiment.STORAGE and model.bus != "virtio"
    kind = subject.id if storage else "virtio-blk"
    if making.backing is Backing.FILE:
        path = making.files.disks[subject.id]
        return file_disk(making.parts, subject.id, kind, path, iothread=model.iothread)
    return null_disk(making.parts, subject.id, kind, iothread=model.iothread)


def _nics(making: _Making, subject: Subject, nic: str, number: int) -> Where:
    """The NIC and its peer, joined by nothing else than each other."""
    group = list(Experiment).index(subject.experiment)
    mac, peer = (f"52:54:00:4c:{group:02x}:{2 * number + one:02x}" for one in (0, 1))
    vhost = subject.id in models.BY_ID and models.BY_ID[subject.id].vhost
    if making.backing is Backing.TAP:
        network = making.files.networks[subject.id]
        making.parts.devices += [
            _interface("network", mac, nic, element("source", network=network), vhost=vhost),
            _interface("network", peer, "virtio", element("source", network=network)),
        ]
    else:
        here, there = next(making.files.ports), next(making.files.ports)
        making.parts.devices += [
            _interface("udp", mac, nic, udp_source(here, there)),
            _interface("udp", peer, "virtio", udp_source(there, here)),
        ]
    return Where(mac=mac, peer=peer)


def _interface(kind: str, mac: str, nic: str, source: Element, *, vhost: bool = False) -> Element:
    interface = element(
        "interface", element("mac", address=mac), source, element("model", type=nic), type=kind
    )
    if nic == "virtio":
        interface.append(element("driver", name="vhost" if vhost else "qemu"))
    # Nothing boots from it, and the file with its boot code may not be installed.
    interface.append(element("rom", enabled="no"))
    return interface


def _domain(
    making: _Making, name: str, run: str, appliance: Appliance, abilities: HostAbilities
) -> Element:
    parts = making.parts
    # libvirt gives a machine a USB controller unless told not to.
    if not any(one.tag == "controller" and one.get("type") == "usb" for one in parts.devices):
        parts.devices.append(element("controller", type="usb", model="none"))
    system = System(
        name,
        "tuivm lab guest: gone when its run is",
        making.accelerator,
        parts.machine,
        making.files.kernel,
        making.files.initrd,
        parts.iothreads,
    )
    root = domain_of(system, parts.devices, run=run, appliance=appliance, abilities=abilities)
    if parts.arguments:
        root.append(parts.command_line(QEMU_NS))
    return root
