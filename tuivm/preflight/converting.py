"""What speaks against changing a guest's devices to another model, and what to see to first. Pure.

The conditions are QEMU's and libvirt's (formatdomain; what a machine type has is asked of the
domain capabilities), and those of operating systems: a system boots from a virtio disk when its
initramfs has the driver and nothing names the disk by what it was called before.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from tuivm.domainxml.parse import child_attr, parse_domain, text
from tuivm.domainxml.read import read_details
from tuivm.model.conversion import (
    Changed,
    Conversion,
    Definition,
)
from tuivm.model.devices import Device, DeviceClass, DeviceKind
from tuivm.model.findings import Finding, Severity
from tuivm.model.guests import Guest
from tuivm.model.oses import GENERIC, OsInfo
from tuivm.model.upgrades import Drivers, GuestOs, guest_os
from tuivm.preflight.drivers import drives, windows

_SERIAL_MOST = 20
"""Characters of a serial number that virtio-blk hands over (VIRTIO_BLK_ID_BYTES)."""


class _Driver(NamedTuple):
    """function: osinfo's name of it, after "virtio-". module: Linux's. windows: virtio-win's."""

    function: str
    module: str
    windows: str


_DRIVERS = {
    "virtio-blk": _Driver("block", "virtio_blk", "viostor"),
    "virtio-scsi": _Driver("scsi", "virtio_scsi", "vioscsi"),
    "virtio-net": _Driver("net", "virtio_net", "NetKVM"),
    "virtio-gpu": _Driver("gpu", "virtio_gpu", "viogpudo"),
}
"""Of a device's model."""


def check(
    conversion: Conversion, guest: Guest, definition: Definition, info: OsInfo = GENERIC
) -> tuple[Finding, ...]:
    """What was found, errors first. guest: as it is now. info: what osinfo-db knows of its OS."""
    found: list[Finding] = []
    for changed in conversion.changed:
        os = _os_for(changed.after, guest, info)
        found += _of_drivers(changed, os, conversion)
        if changed.before.kind is DeviceKind.DISK and not changed.before.removable:
            found += _of_disk(changed, guest, os, conversion)
        elif changed.before.kind is DeviceKind.NIC:
            found.append(_of_name(changed))
        found += _of_dropped(changed)
    found += _of_guest(conversion, guest, definition)
    order = list(Severity)
    # Two disks that change in the same way say the same.
    once: dict[tuple[str, str], Finding] = {}
    for one in found:
        once.setdefault((one.id, one.what), one)
    return tuple(sorted(once.values(), key=lambda one: order.index(one.severity)))


def _os_for(device: Device, guest: Guest, info: OsInfo) -> GuestOs:
    """The guest's OS, and whether it has a driver for a device: by osinfo-db where that tells."""
    known = guest_os(guest)
    driver = _DRIVERS.get(device.model)
    if driver is None or not info.known:
        return known
    there = drives(info, driver.function)
    drivers = known.drivers if there is None else Drivers.HERE if there else Drivers.NONE
    if there is False and windows(info):
        drivers = Drivers.TO_INSTALL
    return GuestOs(info.name, drivers, "libosinfo metadata")


def _of_drivers(changed: Changed, os: GuestOs, conversion: Conversion) -> Iterator[Finding]:
    after = changed.after
    driver = _DRIVERS.get(after.model)
    if driver is None or changed.before.cls is DeviceClass.PARAVIRTUAL:
        return
    what, who = _names(changed), os.name or "the guest's OS"
    if os.drivers is Drivers.NONE:
        yield Finding(
            "no-drivers",
            Severity.ERROR,
            f"{what}: {who} has no driver for {after.model}",
            f"by its {os.source}: it would not find the {after.kind.value} any more",
            "leave it as it is; if the metadata is out of date, correct that first",
            after.target,
        )
    elif os.drivers is Drivers.TO_INSTALL:
        yield _windows(changed, who, driver.windows, conversion)
    elif os.drivers is Drivers.UNKNOWN:
        yield Finding(
            "drivers-unknown",
            Severity.WARNING,
            f"{what}: nothing tells whether the guest has a driver for {after.model}",
            "neither libosinfo metadata in its definition nor a guest agent names its OS",
            f"Linux: `modinfo {driver.module}` in the guest; Windows: virtio-win's"
            f" {driver.windows} has to be installed first",
            after.target,
        )


def _windows(changed: Changed, who: str, driver: str, conversion: Conversion) -> Finding:
    kind, what = changed.after.kind, _names(changed)
    if kind is DeviceKind.DISK:
        others = [
            device
            for device in read_details(conversion.was).devices
            if device.kind is DeviceKind.DISK and device.model == changed.after.model
        ]
        if others:
            return Finding(
                "drivers-to-check",
                Severity.WARNING if changed.boots else Severity.NOTE,
                f"{what}: {who} has a {changed.after.model} disk already ({others[0].target})",
                "where Windows shows that disk, the driver is installed and starts at boot",
                "see in Windows' Disk Management that it is there",
                changed.after.target,
            )
        remedy = (
            f"add a second, small {changed.after.model} disk, boot, install virtio-win ({driver}), "
            "see the small disk in Disk Management, and only then change this one"
        )
        why = "without the driver Windows stops with INACCESSIBLE_BOOT_DEVICE"
    elif kind is DeviceKind.NIC:
        remedy = f"install virtio-win ({driver}) in the guest first; note its IP settings"
        why = "without the driver it has no network; a fixed address has to be set again"
    else:
        remedy = f"install virtio-win ({driver}) in the guest first"
        why = "without the driver the screen keeps the firmware's resolution"
    text = f"{what}: {who} needs virtio-win's driver first"
    return Finding("drivers-to-install", Severity.WARNING, text, why, remedy, changed.after.target)


def _of_disk(
    changed: Changed, guest: Guest, os: GuestOs, conversion: Conversion
) -> Iterator[Finding]:
    before, after = changed.before, changed.after
    linux = os.drivers in (Drivers.HERE, Drivers.UNKNOWN)
    if changed.boots and linux and after.model in _DRIVERS:
        module = _DRIVERS[after.model].module
        yield Finding(
            "boots-from-it",
            Severity.WARNING,
            f"the guest boots from {before.target}: its initramfs must contain {module}",
            "one that was built for the old hardware alone (dracut hostonly, MODULES=dep) lacks it",
            f"in the guest: `lsinitrd | grep {module}` or `lsinitramfs /boot/initrd.img-$(uname -r)"
            f" | grep {module}`; else add the driver and build it again. Going back to"
            f" {before.bus or before.model} mends a guest that does not boot",
            after.target,
        )
    elif changed.boots and after.cls is DeviceClass.EMULATED:
        yield Finding(
            "boots-from-it",
            Severity.WARNING,
            f"the guest boots from {before.target}: its initramfs must contain the driver of"
            f" {after.model}",
            "one that was built for the old hardware alone lacks it",
            "boot the fallback or rescue initramfs if the new one does not find the disk",
            after.target,
        )
    if after.model == "virtio-blk" and len(serial := _serial(conversion, after)) > _SERIAL_MOST:
        yield Finding(
            "serial-cut",
            Severity.WARNING,
            f"{before.target}: its serial number is cut to {_SERIAL_MOST} characters",
            f"virtio-blk hands over {serial[:_SERIAL_MOST]!r}, and /dev/disk/by-id is made of it",
            "virtio-scsi hands over all of it",
            after.target,
        )
    if linux and _prefix(before.target) != _prefix(after.target):
        yield Finding(
            "disk-names",
            Severity.WARNING,
            f"/dev/{_prefix(before.target)}X is called /dev/{_prefix(after.target)}X in the guest",
            "it does not boot when fstab or the boot loader name partitions so",
            "in the guest: `grep -n /dev/[hs]d /etc/fstab /etc/default/grub /boot/grub*/grub.cfg`;"
            " use UUID= instead",
            after.target,
        )
    if changed.boots and guest.details and "UEFI" in guest.details.stack.firmware:
        yield Finding(
            "uefi-entry",
            Severity.NOTE,
            "UEFI's boot entry may name the old controller",
            "the firmware then looks for the partition by its GUID, or for EFI/BOOT/BOOT*.EFI",
            "if it ends in the firmware's shell: choose the file by its boot manager, once",
            after.target,
        )


def _serial(conversion: Conversion, device: Device) -> str:
    for disk in parse_domain(conversion.xml).iterfind("devices/disk"):
        if child_attr(disk, "target", "dev") == device.target:
            return text(disk, "serial")
    return ""


def _prefix(target: str) -> str:
    return target[:2]


def _of_name(changed: Changed) -> Finding:
    if not changed.moved:
        return Finding(
            "nic-name-stays",
            Severity.NOTE,
            f"{_names(changed)}: MAC and PCI address stay, and with them its name in most guests",
            "names such as enp1s0 are made of the PCI address",
            field=changed.after.target,
        )
    return Finding(
        "nic-name",
        Severity.WARNING,
        f"{_names(changed)}: its name in the guest will change",
        "it gets another PCI address, and names such as enp1s0 are made of that; the MAC stays",
        "bind the guest's network settings to the MAC (netplan: match; networkd: [Match]"
        " MACAddress=), or have its console at hand",
        changed.after.target,
    )


def _of_dropped(changed: Changed) -> Iterator[Finding]:
    if changed.dropped:
        yield Finding(
            "settings-dropped",
            Severity.NOTE,
            f"{_names(changed)}: {'; '.join(changed.dropped)} goes",
            f"{changed.after.model} has no such setting",
            field=changed.after.target,
        )


def _of_guest(conversion: Conversion, guest: Guest, definition: Definition) -> Iterator[Finding]:
    if guest.state.active:
        yield Finding(
            "next-boot",
            Severity.NOTE,
            "takes effect at the next boot",
            "QEMU has to be started anew: a reboot inside the guest is not enough",
            "shut the guest down and start it",
        )
    if definition.saved:
        yield Finding(
            "saved-memory",
            Severity.WARNING,
            "the guest's memory is saved: its next start goes on with the old devices",
            "what is saved knows the drivers of the old ones",
            "start it, and shut it down from inside; the start after that has the new devices",
        )
    if definition.snapshots:
        yield Finding(
            "snapshots",
            Severity.WARNING,
            f"it has snapshots ({_some(definition.snapshots)}) with the old devices",
            "going back to one brings the old definition back, and those of a running guest"
            " cannot be gone back to while it runs with other devices",
            "delete those that are no longer needed, or take a new one afterwards",
        )
    elif definition.snapshots is None:
        yield Finding(
            "snapshots-unknown",
            Severity.NOTE,
            "whether it has snapshots could not be asked",
            "going back to one brings the old definition back",
        )
    for name in conversion.command_line:
        yield Finding(
            "command-line",
            Severity.WARNING,
            f"its kernel command line names {name}",
            "that disk will have another name",
            "root=UUID=… in the guest's <cmdline>, before or after this",
        )
    if conversion.boot_order:
        yield Finding(
            "boot-order",
            Severity.NOTE,
            "the boot order moves from <os> to the devices themselves",
            "among the disks of its new bus it would no longer be the first, and another disk"
            " would be booted",
        )


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(names[:3])
    return shown if len(names) <= 3 else f"{shown} and {len(names) - 3} more"


def _names(changed: Changed) -> str:
    before = changed.before
    return f"{before.kind.value} {before.mac or before.target}"
