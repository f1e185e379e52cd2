"""May this device of the host's be passed through? What is not known is never taken for safe."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from tuivm.model.findings import Finding
from tuivm.model.offers import HostDevice, HostOffer
from tuivm.model.spec import Passed, PassKind, Spec
from tuivm.preflight.asking import error, note, shown, warning

_BRIDGE = "0604"
_BRIDGES = "06"
"""PCI's class of bridges; 0604 are PCI-to-PCI bridges, root ports among them. VFIO lets the host
keep those, and what has no driver; any other bridge of a group (ISA) would have to go."""
_ROOT_HUB = "1d6b:"
_PCI = "pci"


class VerdictKind(StrEnum):
    FREE = "free"
    WITH_GROUP = "free with its group"
    UNKNOWN = "not known"
    IN_USE = "in use"
    HURTS = "would hurt the host"
    IMPOSSIBLE = "not possible"


class Verdict(NamedTuple):
    """words: the whole verdict in a line. findings: what passing it through means, without a
    field. override: whoever types the device's address may pass the errors among them."""

    kind: VerdictKind
    words: str
    findings: tuple[Finding, ...] = ()
    override: bool = False


def verdict(device: HostDevice, offer: HostOffer, spec: Spec | None = None) -> Verdict:
    """spec: what else the guest is to get, which may be the other members of the group."""
    name = shown(f"{device.address} {device.vendor} {device.product}".strip())
    if why := _impossible(device, offer):
        found = error("pass-impossible", "", f"{name} cannot be passed through", why)
        return Verdict(VerdictKind.IMPOSSIBLE, f"not possible: {why}", (found,))
    group = _group(device, offer)
    together = (device, *group.known)
    lost = (*_all(together, "critical"), *_bridges(group))
    if lost:
        return _hurts(name, lost)._replace(override=_overridable(together, lost, offer))
    if users := _all(together, "used_by") + _functions_in_use(device, offer):
        return _in_use(name, users, offer)
    if unknown := (*_all(together, "unknown"), *group.unknown):
        words = shown(unknown[0])
        found = warning(
            "pass-unknown",
            "",
            f"whether {name} is free could not be found out",
            "; ".join(map(shown, unknown)),
            "look on the host first: what is passed through is taken away from it",
        )
        return Verdict(VerdictKind.UNKNOWN, f"not known whether it is free: {words}", (found,))
    findings = tuple(_costs(name, device))
    others = [one for one in group.known if one.driver and not _asked(one, spec)]
    if others:
        words = shown(", ".join(_member_words(one) for one in others))
        found = warning(
            "pass-group",
            "",
            f"{name} takes its IOMMU group with it: {words}",
            "the IOMMU cannot keep the members of a group apart, so the host has to give up all",
            "pass the others through too, or do without them while the guest runs",
        )
        kind = VerdictKind.WITH_GROUP
        return Verdict(kind, f"free with its group: {words}", (found, *findings))
    return Verdict(VerdictKind.FREE, "free", findings)


class _Group(NamedTuple):
    """The members besides the device: known ones, and what is not known of the others."""

    known: tuple[HostDevice, ...] = ()
    unknown: tuple[str, ...] = ()


def _group(device: HostDevice, offer: HostOffer) -> _Group:
    """PCI bridges and root ports stay with the host: VFIO lets them."""
    if device.kind != _PCI:
        return _Group()
    by_name = {one.address: one for one in offer.devices if one.kind == _PCI}
    by_name |= {one.nodedev: one for one in offer.devices if one.kind == _PCI and one.nodedev}
    members = [one for one in device.group_members if one not in (device.address, device.nodedev)]
    # A device whose own list is short: who else says that it is of this group.
    members += [
        one.address
        for one in offer.devices
        if one.kind == _PCI
        and one.iommu_group == device.iommu_group
        and one.address != device.address
        and one.address not in members
        and one.nodedev not in members
    ]
    known, unknown = [], []
    for name in members:
        member = by_name.get(name)
        if member is None:
            unknown.append(f"what {name} of its IOMMU group is: lspci -s {name}")
        elif not member.class_:
            unknown.append(f"what kind of a device {name} of its group is: lspci -s {name}")
            known.append(member)
        elif not member.class_.startswith(_BRIDGE):
            known.append(member)
    if not device.group_members:
        unknown.append(f"what else is in its IOMMU group {device.iommu_group}")
    return _Group(tuple(known), tuple(unknown))


def _bridges(group: _Group) -> tuple[str, ...]:
    return tuple(
        f"a bridge of the host's is in its group ({member.address})"
        for member in group.known
        if member.class_.startswith(_BRIDGES) and member.driver
    )


def _impossible(device: HostDevice, offer: HostOffer) -> str:
    if device.kind == _PCI:
        if offer.session:
            return "an ordinary user's libvirt may not take PCI devices from the host"
        if device.iommu_group is None:
            return (
                "it is in no IOMMU group: the host's IOMMU is off (intel_iommu=on, or the "
                "firmware's VT-d or AMD-Vi) or missing"
            )
        if device.class_.startswith(_BRIDGES):
            return "it is a bridge of the host's, not a device"
    if device.kind == "usb" and device.ids.startswith(_ROOT_HUB):
        return "it is a root hub: the USB controller itself"
    if device.kind not in {_PCI, "usb", "mdev"}:
        return f"no way to pass on a device of kind {shown(device.kind)}"
    return ""


def _all(devices: tuple[HostDevice, ...], what: str) -> tuple[str, ...]:
    """Of the device itself as it is, of a member of its group with the member's address."""
    found: list[str] = []
    for number, device in enumerate(devices):
        words: tuple[str, ...] = getattr(device, what)
        found += words if not number else [f"{one} ({device.address})" for one in words]
    return tuple(dict.fromkeys(found))


def _overridable(together: tuple[HostDevice, ...], lost: tuple[str, ...], offer: HostOffer) -> bool:
    """A person who knows better may do without all of it, and nobody else has it."""
    may = {f"{word} ({one.address})" for one in together for word in one.overridable}
    may |= set(together[0].overridable)
    used = any(one.used_by for one in together) or _functions_in_use(together[0], offer)
    return set(lost) <= may and not used


def _hurts(name: str, lost: tuple[str, ...]) -> Verdict:
    words = shown("; ".join(lost))
    found = error(
        "pass-critical",
        "",
        f"without {name} the host would lose something: {words}",
        "a device that is passed through is gone from the host",
        "choose another device",
    )
    return Verdict(VerdictKind.HURTS, f"would hurt the host: {words}", (found,))


def _in_use(name: str, users: tuple[str, ...], offer: HostOffer) -> Verdict:
    words = shown(", ".join(users))
    off = {f"guest {guest} (off)" for guest, _uuid, active in offer.guests if not active}
    idle = all(user in off for user in users)
    make = warning if idle else error
    found = make(
        "pass-used",
        "",
        f"{name} is in use: {words}",
        "only one guest at a time can run with it" if idle else "it would be taken from its user",
        "do not run both at a time" if idle else "take it from there first",
    )
    return Verdict(VerdictKind.IN_USE, f"in use by {words}", (found,))


def _functions_in_use(device: HostDevice, offer: HostOffer) -> tuple[str, ...]:
    """A PF that goes takes its VFs with it."""
    mine = set(device.virtual_functions)
    return tuple(
        f"{user} (its function {one.address})"
        for one in offer.devices
        if one.address in mine
        for user in (*one.used_by, *one.critical)
    )


def _costs(name: str, device: HostDevice) -> list[Finding]:
    if device.kind == "usb":
        return []
    found = [
        note(
            "pass-migration",
            "",
            f"a guest with {name} cannot be saved or migrated",
            "its state is in silicon; and all of the guest's memory is pinned",
        )
    ]
    if device.virtual_functions:
        found.append(
            warning(
                "pass-functions",
                "",
                f"{name} has virtual functions, which go with it",
                "they belong to the host's driver of the physical function",
                "pass one of them through instead",
            )
        )
    return found


def _asked(member: HostDevice, spec: Spec | None) -> bool:
    return spec is not None and any(
        passed.kind in (PassKind.PCI, PassKind.VF) and names(passed, member)
        for passed in spec.passed
    )


def _member_words(device: HostDevice) -> str:
    return " ".join(part for part in (device.address, device.product) if part)


def names(passed: Passed, device: HostDevice) -> bool:
    """Is this the device that was asked for? Two that are alike may both be."""
    if passed.nodedev and passed.nodedev == device.nodedev:
        return True
    if passed.kind is PassKind.USB:
        return device.kind == "usb" and passed.device.lower() == device.ids.lower()
    kinds = {PassKind.USB_PORT: "usb", PassKind.MDEV: "mdev"}
    kind = kinds.get(passed.kind, _PCI)
    return device.kind == kind and passed.device.lower() == device.address.lower()


def find_devices(passed: Passed, offer: HostOffer) -> tuple[HostDevice, ...]:
    """The devices that were asked for by this: several where USB devices are alike."""
    return tuple(device for device in offer.devices if names(passed, device))
