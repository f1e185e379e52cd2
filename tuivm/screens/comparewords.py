"""Words for `explain` in the compare place: a row, a measure, what is unfair, an upgrade."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence

from tuivm.model import metrics
from tuivm.model.comparison import MEASURES, Comparison, DeviceRef, Measure, Row
from tuivm.model.devices import Device, DeviceClass, DeviceKind
from tuivm.model.guests import GuestKey
from tuivm.model.hosts import HostSpec
from tuivm.model.store import GuestView
from tuivm.model.units import visible
from tuivm.reports.words import HOW, backing_text, figure_text, ratio_text, where
from tuivm.screens.byclass import Candidate
from tuivm.screens.comparetable import BY_ID, mark_of
from tuivm.screens.explaining import Explanation, explain_class, virsh

_METRICS = {
    DeviceKind.DISK: {
        "throughput": ("disk.read", "disk.write"),
        "iops": ("disk.reads", "disk.writes"),
        "latency": ("disk.read_ns", "disk.write_ns"),
        "exits": ("io.exits",),
        "cpu": ("io.cpu",),
    },
    DeviceKind.NIC: {
        "throughput": ("net.rx", "net.tx"),
        "iops": ("net.rx_pkts", "net.tx_pkts"),
        "latency": (),
        "exits": ("io.exits",),
        "cpu": ("io.cpu",),
    },
}
_MEANINGS = {
    "throughput": "Bytes per second, both ways added up.",
    "iops": "Requests (of a NIC: packets) per second, both ways added up.",
    "latency": "Mean time of a request, reads and writes each weighted by their number. A NIC has "
    "none: nothing at the host's end of the wire knows when a packet was asked for.",
}
_TRAPS = (
    "Under TCG a trap costs no more than any other access of the guest, so the times of an "
    "emulated and a paravirtual device are nearly equal or even reversed, and no exits are "
    "counted. What differs there too is the number of register accesses for a 4 KiB read: virtio "
    "1 notification, AHCI 7, USB storage 24, IDE 26."
)
_CLASSES = (
    "Why the classes differ: an emulated device has the guest access its registers, and each "
    "access exits to the VMM; virtio hands over a batch of requests with one notification; a "
    "passed-through device is driven directly, without any exit to the VMM."
)
_NAMED = 20
"""Guests that are listed by name at most."""


def explain_row(
    comparison: Comparison,
    ref: DeviceRef,
    measure: str,
    spec: HostSpec | None,
    device: Device | None,
) -> Explanation:
    """A device's figures in full, what the measure means, and all that is unfair.

    spec, device: None for what is no longer there.
    """
    index, row = next((i, row) for i, row in enumerate(comparison.rows) if row.ref == ref)
    known = [row.model, f"on {row.host}", row.note, backing_text(row.backing)]
    parts = [f"{mark_of(index)} {where(row)}: {', '.join(filter(None, known))}.", ""]
    parts += [_figures(row, one) for one in MEASURES]
    parts += ["", *unfair_lines(comparison), ""]
    parts += [*_measure(BY_ID[measure], row.ref.kind), "", explain_class(row.cls)]
    if any(one.virt_type == "qemu" for one in comparison.rows):
        parts += ["", _TRAPS]
    parts += ["", HOW]
    command = "" if spec is None else _command(row, measure, spec)
    title = f"{where(row)}: {BY_ID[measure].title}"
    return Explanation(title, "\n".join(parts), command, ref.guest, device)


def unfair_lines(comparison: Comparison) -> list[str]:
    """Every reason with the marks of the rows that it speaks of."""
    if not comparison.unfair:
        fair = "Nothing was found that makes it unfair."
        return [fair if len(comparison.rows) > 1 else "One device alone is no comparison."]
    number = len(comparison.unfair)
    reasons = "is 1 reason" if number == 1 else f"are {number} reasons"
    head = f"There {reasons} why it is not fair:"
    return [head, *(f"! {marks(comparison, one.refs)}  {one.reason}" for one in comparison.unfair)]


def unfair_notes(comparison: Comparison, key: str, *, ascii_only: bool) -> list[str]:
    """For the place itself: how many reasons there are, then each of them on a line.

    key: what shows them in full.
    """
    number, sign = len(comparison.unfair), "!" if ascii_only else "⚠"
    if not number:
        return []
    head = f"{sign} not fair: {number} reason{'' if number == 1 else 's'} ({key}: in full)"
    reasons = (
        f"{sign} {marks(comparison, one.refs)}: {visible(one.reason)}" for one in comparison.unfair
    )
    return [head, *reasons]


def marks(comparison: Comparison, refs: Iterable[DeviceRef]) -> str:
    """The marks of rows, in their order; "all" for all of them."""
    named = set(refs)
    found = [mark_of(i) for i, row in enumerate(comparison.rows) if row.ref in named]
    return "all" if len(found) == len(comparison.rows) else " ".join(found)


def explain_measure(measure: str) -> Explanation:
    """A measure, while no device is highlighted."""
    one = BY_ID[measure]
    parts = [*_measure(one, DeviceKind.DISK), "", HOW]
    return Explanation(one.title, "\n".join(parts))


def explain_upgrade(
    one: Candidate, unknown: Sequence[GuestView], specs: Mapping[str, HostSpec]
) -> Explanation:
    """What it would take to make a device virtio, and what can go wrong.

    unknown: guests of which that cannot be said. specs: by name of the host.
    """
    spec = specs.get(one.view.key.host)
    view, upgrade = one.view, one.upgrade
    device, os = upgrade.device, upgrade.os
    parts = [
        f"{device.target} of {view.guest.name} is {device.model}, emulated. Its OS is {os.name} "
        f"(from the {os.source}), which {os.drivers.value}: it could be {upgrade.to}.",
        "",
        f"What it takes: {upgrade.change}",
        f"The risk: {upgrade.risk}",
        "",
        _CLASSES,
    ]
    if unknown:
        parts += ["", *_unknown(unknown), f"  {_tell_os(unknown[0].key, specs)}"]
    command = "" if spec is None else virsh(spec, "edit", view.key.uuid)
    title = f"{device.target} of {view.guest.name}: {device.model} to {upgrade.to}"
    return Explanation(title, "\n".join(parts), command, view.key, device)


def explain_unknown(unknown: Sequence[GuestView], specs: Mapping[str, HostSpec]) -> Explanation:
    """Guests whose OS nobody has told, at least one, and how to tell it."""
    text, command = "\n".join(_unknown(unknown)), _tell_os(unknown[0].key, specs)
    return Explanation("Guests whose OS is not known", text, command)


def explain_classes() -> Explanation:
    """The classes themselves."""
    parts = [*(explain_class(cls) for cls in DeviceClass), "", _CLASSES]
    return Explanation("Device classes", "\n".join(parts))


def _unknown(unknown: Sequence[GuestView]) -> list[str]:
    names = [f"{one.guest.name} on {one.key.host}" for one in unknown[:_NAMED]]
    if len(unknown) > _NAMED:
        names.append(f"and {len(unknown) - _NAMED} more")
    return [
        f"These have emulated disks or NICs, and their OS is not known: {', '.join(names)}.",
        "It is read from the libosinfo metadata in the domain XML, which virt-install and "
        "virt-manager write, else from the guest agent. To write it for a guest (any OS that "
        "`virt-install --osinfo list` names):",
    ]


def _tell_os(guest: GuestKey, specs: Mapping[str, HostSpec]) -> str:
    spec = specs.get(guest.host)
    connect = ("--connect", spec.uri) if spec and spec.uri else ()
    words = ["virt-xml", *connect, guest.uuid, "--edit", "--metadata", "os_name=debian12"]
    return shlex.join(words)


def _figures(row: Row, measure: Measure) -> str:
    figure = figure_text(row.figures.get(measure.id), measure)
    ratio = ratio_text(row.ratios.get(measure.id))
    rank = "best" if measure.id in row.best else "worst" if measure.id in row.worst else ""
    line = f"  {measure.title}: {figure or 'not reported'}"
    if ratio and ratio != figure:
        line += f"; {'' if ratio.startswith('baseline') else 'ratio '}{ratio}"
    return f"{line}; {rank}" if rank else line


def _measure(measure: Measure, kind: DeviceKind) -> list[str]:
    ids = _METRICS.get(kind, _METRICS[DeviceKind.DISK])[measure.id]
    found = [metrics.BY_ID[name] for name in ids]
    better = "more" if measure.more else "less"
    meaning = _MEANINGS.get(measure.id) or " ".join(one.meaning for one in found)
    parts = [f"{measure.title} ({better} is better): {meaning}"]
    if found:
        parts.append(f"From: {', '.join(dict.fromkeys(one.field for one in found))}.")
        parts.append(f"A good value: {found[0].good}")
        if found[0].why:
            parts.append(f"Why the classes differ: {found[0].why}")
    return parts


def _command(row: Row, measure: str, spec: HostSpec) -> str:
    group = "--interface" if row.ref.kind is DeviceKind.NIC else "--block"
    groups = ["--vcpu", group] if measure == "exits" else [group]
    return virsh(spec, "domstats", *groups, row.ref.guest.uuid)
