"""A device of the host's in full: what it is, who has it, and what passing it through would mean.
Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from textual.content import Content

from tuivm.model.deviceports import MdevKind
from tuivm.model.devicetree import alike, group_of, is_bridge, short_address
from tuivm.model.devicewords import (
    KINDS,
    class_words,
    device_label,
    device_name,
    link_is_less,
    link_most,
    link_words,
    speed_words,
)
from tuivm.model.findings import Finding, Severity
from tuivm.model.hosts import HostSpec
from tuivm.model.offers import HostDevice, HostOffer
from tuivm.model.units import visible
from tuivm.preflight.passing import Verdict, VerdictKind
from tuivm.screens.explaining import Explanation, virsh

_MOST_LISTED = 12
"""Members or VFs that are listed one by one."""

_VERDICTS = {
    VerdictKind.FREE: ("●", "+", "free", "running"),
    VerdictKind.WITH_GROUP: ("◐", "&", "with group", "changing"),
    VerdictKind.UNKNOWN: ("?", "?", "not known", "paused"),
    VerdictKind.IN_USE: ("■", "#", "in use", "paused"),
    VerdictKind.HURTS: ("✖", "x", "hurts host", "bad"),
    VerdictKind.IMPOSSIBLE: ("-", "-", "impossible", "off"),
}
"""Glyph, what stands for it in ASCII, word, role."""
VERDICT_WORDS = tuple(word for _, _, word, _ in _VERDICTS.values())
_SEVERITIES = {
    Severity.ERROR: ("✖", "x", "$state-bad"),
    Severity.WARNING: ("▲", "!", "$state-paused"),
    Severity.NOTE: ("●", "*", "$quiet"),
}
_WHAT = {
    "pci": (
        "Passed through, a guest drives it itself: its registers are mapped into the guest, and "
        "the IOMMU lets it reach no other memory. What the IOMMU cannot keep apart from it is in "
        "the same IOMMU group, and goes with it or not at all."
    ),
    "usb": (
        "Passed through, QEMU hands the guest's USB requests to it; no IOMMU is needed for that. "
        "It is named by its port, so that another one of the same make is not taken for it."
    ),
    "mdev": (
        "A part of a device that its host driver divides: the guest has its own queues and "
        "registers, the driver keeps the parts from each other."
    ),
    "scsi": (
        "Passed through, the guest's SCSI commands go to the device itself, which is more than a "
        "disk of its blocks: a tape, a changer, persistent reservations."
    ),
    "net": "A network interface of the host's. What is passed through is the PCI device under it.",
}


class Look(NamedTuple):
    """A verdict for a column. role: of a table's."""

    glyph: str
    word: str
    role: str


def look_of(verdict: Verdict, *, ascii_only: bool) -> Look:
    glyph, letter, word, role = _VERDICTS[verdict.kind]
    return Look(letter if ascii_only else glyph, word, role)


def device_detail(
    device: HostDevice, offer: HostOffer, verdict: Verdict | None, *, ascii_only: bool
) -> Content:
    """All of it. The verdict comes first: it is why one looks."""
    lines = [Content.styled(device_label(device), "bold")]
    if verdict is not None:
        lines += _verdict_lines(verdict, ascii_only=ascii_only)
    lines += [_fact(label, value) for label, value in _facts(device, offer) if value]
    if verdict is not None:
        for finding in verdict.findings:
            lines += _finding_lines(finding, ascii_only=ascii_only)
    told = Content("\n").join(lines)
    return Content(told.plain.replace("…", "~"), spans=list(told.spans)) if ascii_only else told


def _verdict_lines(verdict: Verdict, *, ascii_only: bool) -> list[Content]:
    look = look_of(verdict, ascii_only=ascii_only)
    style = f"$state-{look.role}"
    lines = [Content.styled(f"{look.glyph} {visible(verdict.words)}", style)]
    if verdict.override:
        words = "  who knows better may type its address when it is attached"
        lines.append(Content.styled(words, "$quiet"))
    return lines


def _finding_lines(finding: Finding, *, ascii_only: bool) -> list[Content]:
    glyph, letter, style = _SEVERITIES[finding.severity]
    head = f"{letter if ascii_only else glyph} {visible(finding.what)}"
    lines = [Content.styled(head, style)]
    if finding.why:
        lines.append(Content.assemble(("  why     ", "$quiet"), visible(finding.why)))
    lines += [
        Content.assemble(("  remedy  " if not number else "          ", "$quiet"), visible(line))
        for number, line in enumerate(finding.remedy.splitlines())
    ]
    return lines


def _fact(label: str, value: str) -> Content:
    return Content.assemble((f"{label:<10}", "$quiet"), value)


def _facts(device: HostDevice, offer: HostOffer) -> Iterator[tuple[str, str]]:
    words = class_words(device)
    kind = words.full if device.class_ else KINDS.get(device.kind, device.kind)
    code = f" ({visible(device.class_)})" if device.class_ and device.kind in ("pci", "usb") else ""
    yield "is", f"{kind}{code}"
    yield "ids", visible(device.ids)
    yield "driver", visible(device.driver) or "none has it now" * (device.kind == "pci")
    yield "used by", "\n          ".join(map(visible, device.used_by))
    yield "holds", "\n          ".join(map(visible, device.critical))
    yield "not known", "\n          ".join(map(visible, device.unknown))
    if device.kind == "pci":
        yield from _pci_facts(device, offer)
    elif device.kind == "usb":
        yield from _usb_facts(device, offer)
    elif device.kind == "mdev":
        yield from _mdev_facts(device)
    elif device.kind == "net":
        yield "MAC", visible(device.mac)
        yield "link", {None: "not told", True: "up", False: "down"}[device.active]
        yield "speed", speed_words(device.speed)
    yield "serial", visible(device.serial)
    yield "network", visible(", ".join(device.interfaces))
    yield "disks", visible(", ".join(device.blocks))
    yield "node", f"{visible(device.nodedev)}  on {visible(device.parent or 'nothing told')}"


def _pci_facts(device: HostDevice, offer: HostOffer) -> Iterator[tuple[str, str]]:
    group = group_of(device, offer)
    if device.iommu_group is None:
        yield "group", "none"
    elif len(group) > 1:
        others = [one for one in group if one.address != device.address]
        listed = [
            device_label(one) + (" (a bridge: stays)" if is_bridge(one) else "") for one in others
        ]
        yield "group", f"{device.iommu_group}, with {_listed(listed)}"
    else:
        yield "group", f"{device.iommu_group}, alone in it"
    yield "NUMA", "not told" if device.numa_node is None else f"node {device.numa_node}"
    now, most = link_words(device.link), link_most(device.link)
    if now and link_is_less(device.link):
        yield "link", f"{now}, less than the {most} that it can do (it may be resting)"
    else:
        yield "link", now or (f"at most {most}" if most else "")
    resets = device.resets
    yield (
        "reset",
        "not known"
        if resets is None
        else visible(", ".join(resets)) or "none: what one guest leaves in it, the next one finds",
    )
    if device.physical_function:
        yield "VF of", visible(device.physical_function)
    if device.virtual_functions or device.max_functions:
        there = [visible(short_address(one)) for one in device.virtual_functions]
        most_vfs = f" of at most {device.max_functions}" if device.max_functions else ""
        yield "VFs", f"{len(there)}{most_vfs}" + (f": {_listed(there, ', ')}" if there else "")
    if device.mdev_types:
        yield "mdev", f"{len(device.mdev_types)} types can be made"


def _listed(words: list[str], between: str = "\n          ") -> str:
    shown = words[:_MOST_LISTED]
    if len(words) > len(shown):
        shown.append(f"and {len(words) - len(shown)} more")
    return between.join(shown)


def _usb_facts(device: HostDevice, offer: HostOffer) -> Iterator[tuple[str, str]]:
    where = f"bus {device.bus}, device {device.device}, " if device.bus is not None else ""
    yield "port", f"{where}port {visible(device.address)}"
    yield "speed", speed_words(device.speed)
    same = [one for one in alike(device, offer.devices) if one != device.address]
    if same:
        number = "another one" if len(same) == 1 else f"{len(same)} others"
        ports = visible(", ".join(same))
        yield "alike", f"{number} with these ids: {ports}; they are told apart by their port"


def _mdev_facts(device: HostDevice) -> Iterator[tuple[str, str]]:
    yield "type", visible(device.product)
    yield "state", mdev_state(device)
    if device.iommu_group is not None:
        yield "group", str(device.iommu_group)


def mdev_state(device: HostDevice) -> str:
    """Of an instance, in words: "started, defined, autostart"."""
    running = {None: "", True: "started", False: "stopped"}[device.active]
    kept = {None: "", True: "defined", False: "gone when it is stopped"}[device.defined]
    auto = "starts with the host" if device.autostart else ""
    return ", ".join(word for word in (running, kept, auto) if word) or "not told"


def type_detail(kind: MdevKind, made: Iterable[HostDevice]) -> Content:
    """A type of mediated devices on one parent."""
    type_, parent = kind.type, kind.parent
    there = [visible(one.address) for one in made]
    lines = [
        Content.styled(visible(type_.name or type_.id), "bold"),
        _fact("type", visible(type_.id)),
        _fact("API", visible(type_.api) or "not told"),
        _fact("left", f"{type_.available} more can be made"),
        _fact("parent", device_label(parent)),
        _fact("made", _listed(there) if there else "none yet"),
    ]
    return Content("\n").join(lines)


def explain_host_device(
    device: HostDevice, offer: HostOffer, verdict: Verdict | None, spec: HostSpec
) -> Explanation:
    """What it is in virtualization terms, all that is known of it, and the command for the same."""
    name, words = device_name(device), class_words(device)
    kind = KINDS.get(device.kind, device.kind)
    of_class = f", {words.full}" if device.class_ else ""
    text = (
        f"{name} at {visible(device.address)} is a {kind}{of_class}. {_WHAT.get(device.kind, '')}"
    )
    if device.physical_function:
        text += (
            f" It is a VF: a slice of {visible(device.physical_function)} with queues and "
            "registers of its own (physical, partitioned)."
        )
    detail = device_detail(device, offer, verdict, ascii_only=False)
    text = f"{text}\n{detail.plain}"
    return Explanation(device_label(device), text, virsh(spec, "nodedev-dumpxml", device.nodedev))
