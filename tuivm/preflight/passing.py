"""May this device of the host's be passed through? What is not known is never taken for safe."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Iterable, Iterator
from enum import StrEnum
from typing import NamedTuple

from tuivm.model.findings import Finding, Severity
from tuivm.model.offers import HostDevice, HostOffer
from tuivm.model.spec import Passed, PassKind, Spec
from tuivm.model.units import visible
from tuivm.preflight.asking import error, shown, warning, worst_first
from tuivm.preflight.groups import BRIDGES, PCI, Group, Surroundings
from tuivm.preflight.iommu import iommu_findings
from tuivm.preflight.passing_costs import costs

_ROOT_HUB = "1d6b:"
_HUB = "09"
_LONGEST = 160
"""Letters of one word on a device: a command in it must stay whole."""
_GUEST = "guest "
"""How users begin that are guests: "guest web", "guest web (off)"."""

Key = tuple[str, str]
"""Kind and address of a device."""


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
    asked = [one for passed in spec.passed for one in find_devices(passed, offer)] if spec else ()
    return judge(device, offer, Surroundings(offer.devices), asked=asked)


def verdicts(offer: HostOffer, spec: Spec | None = None) -> dict[Key, Verdict]:
    """Of all devices of a host, by kind and address: for many, as quick as for one."""
    asked = [one for passed in spec.passed for one in find_devices(passed, offer)] if spec else ()
    around = Surroundings(offer.devices)
    return {
        (device.kind, device.address): judge(device, offer, around, asked=asked)
        for device in offer.devices
    }


def judge(
    device: HostDevice,
    offer: HostOffer,
    around: Surroundings,
    *,
    asked: Iterable[HostDevice] = (),
    guest: str = "",
    held: Collection[Key] = (),
) -> Verdict:
    """asked: all that the guest is to get, this one too if it is settled that it shall. guest: the
    name of the one that is to get them, whose own use of a device is no other's. held: what that
    guest has already."""
    name = shown(f"{device.address} {device.product or device.vendor}".strip())
    if against := _impossible(device, offer, around):
        why, instead = against
        found = error("pass-impossible", "", f"{name} cannot be passed through", why, instead)
        return Verdict(VerdictKind.IMPOSSIBLE, f"not possible: {why}", (found,))
    case = _Case(device, name, offer, around.group(device), around)
    given = {(one.kind, one.address) for one in asked}
    said = [
        *_lost(case),
        *_users(case, guest),
        *_unknowns(case),
        *_together(case, given, held),
    ]
    findings = worst_first((*(one.finding for one in said), *costs(device, case.functions, offer)))
    stops = [one for one in said if one.finding.severity is Severity.ERROR]
    override = bool(stops) and all(one.override for one in stops)
    for kind in (VerdictKind.HURTS, VerdictKind.IN_USE, VerdictKind.UNKNOWN):
        for one in said:
            if one.kind is kind:
                return Verdict(kind, one.words, findings, override)
    for one in said:
        return Verdict(one.kind, one.words, findings, override)
    return Verdict(VerdictKind.FREE, "free", findings)


class _Said(NamedTuple):
    kind: VerdictKind
    words: str
    finding: Finding
    override: bool = False


class _Case:
    """A device, and all that would go with it, or that would have to."""

    def __init__(
        self,
        device: HostDevice,
        name: str,
        offer: HostOffer,
        group: Group,
        around: Surroundings,
    ) -> None:
        self.device, self.name, self.offer, self.group = device, name, offer, group
        self.functions = tuple(around.functions(device))
        carried = [one for member in (device, *group.known) for one in around.carried(member)]
        by_key = {(one.kind, one.address): one for one in (device, *group.known, *carried)}
        self.together = tuple(by_key.values())

    def said(self, what: str) -> list[tuple[HostDevice, str]]:
        """Words of this attribute, each with the first device that they are of: what is on a
        device is told of it and of what it carries alike."""
        owners: dict[str, HostDevice] = {}
        for one in self.together:
            for word in getattr(one, what):
                owners.setdefault(word, one)
        return [(one, word) for word, one in owners.items()]

    def may_override(self, word: str) -> bool:
        """Whoever it is said of may be taken in spite of it."""
        return all(
            word in one.overridable
            for one in self.together
            if word in (*one.critical, *one.used_by)
        )

    def told(self, owner: HostDevice, word: str) -> str:
        return word if owner is self.device else f"{word} ({owner.address})"


def _lost(case: _Case) -> list[_Said]:
    lost = {case.told(one, word): case.may_override(word) for one, word in case.said("critical")}
    for member in case.group.bound:
        if member.class_.startswith(BRIDGES):
            lost[f"a bridge of the host's is in its group ({member.address})"] = False
    if not lost:
        return []
    found = error(
        "pass-critical",
        "",
        f"without {case.name} the host would lose something: {_list(lost)}",
        "a device that is passed through is gone from the host",
        "choose another device",
    )
    words = f"would hurt the host: {_list(lost)}"
    return [_Said(VerdictKind.HURTS, words, found, all(lost.values()))]


def _users(case: _Case, guest: str) -> list[_Said]:
    """guest: whose own use does not count."""
    active = {f"{_GUEST}{name}" for name, _uuid, active in case.offer.guests if active}
    own = {f"{_GUEST}{guest}"} if guest else set()
    if guest and f"{_GUEST}{guest} (off)" not in active:
        own.add(f"{_GUEST}{guest} (off)")
    used = [(one, word) for one, word in case.said("used_by") if word not in own]
    if not used:
        return []
    off = {f"{_GUEST}{name} (off)" for name, _uuid, active in case.offer.guests if not active}
    # Of a guest with a name that ends so.
    off -= active
    idle = all(word in off for _, word in used)
    why = "it would be taken from its user"
    if idle:
        why = "only one guest at a time can run with it"
    elif any(word.startswith(_GUEST) for _, word in used):
        why = "only one guest at a time can have it, and libvirt refuses a second"
    users = list(dict.fromkeys(case.told(one, word) for one, word in used))
    found = (warning if idle else error)(
        "pass-used",
        "",
        f"{case.name} is in use: {_list(users)}",
        why,
        "do not run both at a time" if idle else "take it from there first",
    )
    may = all(case.may_override(word) and not word.startswith(_GUEST) for _, word in used)
    return [_Said(VerdictKind.IN_USE, f"in use by {_list(users, ', ')}", found, may)]


def _unknowns(case: _Case) -> list[_Said]:
    told = [case.told(one, word) for one, word in case.said("unknown")]
    if case.device.kind == PCI and case.device.iommu_group is None:
        told.append("what Xen cannot keep apart from it: xl pci-assignable-list")
    unknown = list(dict.fromkeys((*told, *case.group.unknown)))
    if not unknown:
        return []
    # Whoever types the address says that they have looked.
    found = error(
        "pass-unknown",
        "",
        f"whether {case.name} is free could not be found out: {_list(unknown)}",
        "what is not known is not taken for safe: what is passed through is gone from the host",
        f"look on the host first: {_list(_commands(unknown))}",
    )
    words = f"not known whether it is free: {_list(unknown[:1])}"
    return [_Said(VerdictKind.UNKNOWN, words, found, override=True)]


def _commands(unknown: Iterable[str]) -> list[str]:
    """Of what is not known, each ending with the command that tells."""
    commands = (words.rpartition(": ")[2] for words in unknown if ": " in words)
    return list(dict.fromkeys(commands)) or ["who uses it"]


def _together(case: _Case, given: Collection[Key], held: Collection[Key]) -> list[_Said]:
    others = [
        one
        for one in case.group.bound
        if (one.kind, one.address) not in given and (one.kind, one.address) not in held
    ]
    if not others:
        return []
    members = _list([_member_words(one) for one in others], ", ")
    settled = (case.device.kind, case.device.address) in given
    make = error if settled else warning
    found = make(
        "pass-group",
        "",
        f"{case.name} goes with its whole IOMMU group or not at all: {members}",
        "nothing on their way to the IOMMU (no ACS in a switch or root port) keeps one's DMA from "
        "the other, so VFIO takes the group only when the host's drivers have none of it",
        "pass the others through too, or take them from their drivers (virsh nodedev-detach); a "
        "slot whose root port has ACS has a group of its own",
    )
    return [_Said(VerdictKind.WITH_GROUP, f"free with its group: {members}", found)]


def _list(words: Iterable[str], between: str = "; ") -> str:
    return between.join(shown(word, _LONGEST) for word in words)


def _impossible(
    device: HostDevice, offer: HostOffer, around: Surroundings
) -> tuple[str, str] | None:
    """(why, what to do), None where nothing speaks against it."""
    match device.kind:
        case "pci":
            return _impossible_pci(device, offer)
        case "usb" if device.ids.startswith(_ROOT_HUB) or device.class_.startswith(_HUB):
            root = device.ids.startswith(_ROOT_HUB)
            what = "a root hub: the USB controller itself" if root else "a hub"
            return f"it is {what}", "pass what is plugged into it, one by one"
        case "mdev" if device.active is False:
            start = f"virsh nodedev-start {shlex.quote(visible(device.nodedev))}"
            return "it is not started, so there is no device yet", start
        case "net":
            return _impossible_net(around.owner(device))
    if device.kind not in {"usb", "mdev", "scsi"}:
        return f"no way to pass on a device of kind {shown(device.kind)}", ""
    return None


def _impossible_net(owner: HostDevice | None) -> tuple[str, str]:
    if owner is None or owner.kind not in {PCI, "usb"}:
        return "it is an interface, not a device", "connect the guest to it: a bridge, or macvtap"
    whose = shown(f"{owner.address} {owner.product}".strip())
    return f"it is an interface of {whose}, not a device", f"pass {whose}"


def _is_xen(offer: HostOffer) -> bool:
    """Xen has the IOMMU to itself: its first domain knows of no groups."""
    return offer.driver.lower() == "xen"


def _impossible_pci(device: HostDevice, offer: HostOffer) -> tuple[str, str] | None:
    if offer.session:
        why = "an ordinary user's libvirt may not take PCI devices from the host"
        return why, "a guest of qemu:///system"
    if device.class_.startswith(BRIDGES):
        return "it is a bridge of the host's, not a device", ""
    if device.iommu_group is None and not _is_xen(offer):
        found = iommu_findings(offer.iommu, local=offer.local)
        stops = [one for one in found if one.severity is not Severity.NOTE]
        why = stops[0].what if stops else "the host's IOMMU is off or missing"
        return f"it is in no IOMMU group: {why}", found[0].remedy if found else ""
    return None


def _member_words(device: HostDevice) -> str:
    driver = f"({device.driver})" if device.driver else ""
    return " ".join(part for part in (device.address, device.product, driver) if part)


def named_so(passed: Passed, device: HostDevice, offer: HostOffer) -> Iterator[Finding]:
    """What comes of naming the device in this way."""
    name = shown(passed.device)
    if passed.kind is PassKind.VF and not device.physical_function:
        yield error(
            "pass-vf",
            "",
            f"{name} is no virtual function",
            "",
            'kind = "pci" is for a whole device',
        )
    if passed.kind is PassKind.USB_PORT:
        yield warning(
            "usb-port",
            "",
            "libvirt finds a USB device by the number that it has now",
            "plugged out and in again, it has another one, and the guest does not start",
            "by vendor:product, where no two are alike",
        )
    if offer.session and device.kind == "usb":
        yield warning(
            "usb-session",
            "",
            f"QEMU has to be allowed to open /dev/bus/usb for {name}",
            "an ordinary user is not, unless udev says so",
            "a udev rule with TAG+=uaccess or a group for this device",
        )


def names(passed: Passed, device: HostDevice) -> bool:
    """Is this the device that was asked for? Two that are alike may both be."""
    if passed.nodedev and passed.nodedev == device.nodedev:
        return True
    if passed.kind is PassKind.USB:
        return device.kind == "usb" and passed.device.lower() == device.ids.lower()
    kinds = {PassKind.USB_PORT: "usb", PassKind.MDEV: "mdev", PassKind.SCSI: "scsi"}
    kind = kinds.get(passed.kind, PCI)
    return device.kind == kind and passed.device.lower() == device.address.lower()


def find_devices(passed: Passed, offer: HostOffer) -> tuple[HostDevice, ...]:
    """The devices that were asked for by this: several where USB devices are alike."""
    return tuple(device for device in offer.devices if names(passed, device))
