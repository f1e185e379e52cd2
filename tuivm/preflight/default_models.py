"""Buses and models of devices by class: paravirtual first, where OS and host have it."""

from __future__ import annotations

from tuivm.model.devices import DeviceClass
from tuivm.model.offers import DomainCaps
from tuivm.model.oses import OsInfo
from tuivm.model.spec import DiskKind, Machine
from tuivm.preflight.default_machine import is_express, is_i440fx, is_q35
from tuivm.preflight.drivers import drives

_S390 = "s390x"


def disk_bus(
    kind: DiskKind, machine: Machine, caps: DomainCaps, os: OsInfo, cls: DeviceClass
) -> str:
    """A bus of this class that the host offers and the OS has drivers for; where there is none, of
    the other class. "" where the host offers nothing that is known here."""
    if kind is DiskKind.CDROM:
        return _first_offered(_cdrom_buses(machine, os), machine, caps)
    virtual = _first_offered(_paravirtual_buses(machine, os), machine, caps)
    emulated = _first_offered(_emulated_buses(machine), machine, caps)
    return (emulated or virtual) if cls is DeviceClass.EMULATED else (virtual or emulated)


def nic_model(machine: Machine, os: OsInfo, cls: DeviceClass) -> str:
    """As `disk_bus`; domain capabilities do not list the models of NICs."""
    virtual = _paravirtual_nic(machine, os)
    emulated = _emulated_nic(machine, os)
    return (emulated or virtual) if cls is DeviceClass.EMULATED else (virtual or emulated)


def offered_buses(machine: Machine, caps: DomainCaps) -> tuple[str, ...]:
    """The buses for disks that can be offered, paravirtual first; libvirt lists some that a
    machine refuses (IDE on q35). () where the host does not say."""
    known = ("virtio", "scsi", "xen", "nvme", "sata", "ide", "usb", "sd", "fdc")
    listed = [bus for bus in known if bus in caps.disk_buses]
    listed += [bus for bus in caps.disk_buses if bus not in listed]
    return tuple(bus for bus in listed if not refused_bus(bus, machine))


def refused_bus(bus: str, machine: Machine) -> str:
    """Why this machine has no such bus, "" when it has."""
    if bus == "ide" and not is_i440fx(machine.machine) and machine.virt_type != "xen":
        if is_q35(machine.machine):
            return "q35 has no IDE controller, and libvirt refuses one there"
        if machine.arch not in {"ppc64", "ppc", "mips", "mipsel", "mips64", "mips64el"}:
            return f"the machine {machine.machine or machine.arch} has no IDE controller"
    if bus in {"sata", "usb", "ide"} and machine.arch == _S390:
        return "s390x has no such controller: its disks are virtio"
    return ""


def _first_offered(buses: tuple[str, ...], machine: Machine, caps: DomainCaps) -> str:
    for bus in buses:
        if caps.disk_buses and bus not in caps.disk_buses:
            continue
        if not refused_bus(bus, machine):
            return bus
    return ""


def _paravirtual_buses(machine: Machine, os: OsInfo) -> tuple[str, ...]:
    if machine.virt_type == "xen":
        return ("xen",)
    modern = is_express(machine.arch, machine.machine)
    buses = []
    if drives(os, "block", modern=modern) is not False:
        buses.append("virtio")
    if drives(os, "scsi", modern=modern) is not False:
        buses.append("scsi")
    return tuple(buses)


def _emulated_buses(machine: Machine) -> tuple[str, ...]:
    if machine.arch == _S390:
        return ()
    if is_i440fx(machine.machine) or machine.virt_type == "xen":
        return ("ide", "sata", "usb")
    return ("sata", "ide", "usb")


def _cdrom_buses(machine: Machine, os: OsInfo) -> tuple[str, ...]:
    if machine.virt_type == "xen":
        return ("ide", "xen")
    if is_q35(machine.machine):
        return ("sata", "scsi", "usb")
    if is_i440fx(machine.machine):
        return ("ide", "sata", "scsi")
    modern = is_express(machine.arch, machine.machine)
    if drives(os, "scsi", modern=modern) is False:
        return ("sata", "usb", "scsi")
    return ("scsi", "sata", "usb", "ide")


def _paravirtual_nic(machine: Machine, os: OsInfo) -> str:
    if machine.virt_type == "xen":
        return "netfront"
    modern = is_express(machine.arch, machine.machine)
    return "virtio" if drives(os, "net", modern=modern) is not False else ""


def _emulated_nic(machine: Machine, os: OsInfo) -> str:
    if machine.arch == _S390:
        return ""
    express = is_express(machine.arch, machine.machine)
    order: tuple[str, ...] = ("e1000", "rtl8139", "pcnet", "ne2k_pci")
    if express:
        order = ("e1000e", *order)
    known = [model for model in order if model in os.devices]
    return known[0] if known else order[0]
