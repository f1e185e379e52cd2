"""What the wizard shows around a step: the list of steps with their states, and the summary."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import Enum
from typing import NamedTuple

from textual.content import Content

from tuivm.model.devices import DeviceClass
from tuivm.model.findings import Finding, Severity
from tuivm.model.spec import Disk, DiskKind, Firmware, Graphics, Nic, NicKind, SourceKind, Spec
from tuivm.model.units import byte_count, kib, visible
from tuivm.preflight.choices_disk import bus_class
from tuivm.preflight.choices_nic import model_class
from tuivm.screens.create.draft import Draft, owner, worst
from tuivm.screens.create.localfiles import named
from tuivm.screens.create.step import Step


class State(Enum):
    """Glyph, ASCII glyph, word, style."""

    HERE = ("▶", ">", "here", "bold $accent")
    ERROR = ("✖", "x", "error", "bold $state-bad")
    WARNING = ("▲", "!", "warning", "$warning")
    DONE = ("✓", "+", "done", "$success")
    DEFAULT = ("·", ".", "default", "$quiet")


class Marked(NamedTuple):
    """A step as the list shows it. here: it is the one in front."""

    title: str
    state: State
    here: bool


def step_of(finding: Finding, steps: Sequence[Step]) -> Step | None:
    """The step that a finding belongs to: the one with the longest key that fits."""
    keys = {key: step for step in steps for key in step.keys}
    key = owner(finding.field, keys)
    return keys[key] if key else None


def state_of(step: Step, draft: Draft, found: Iterable[Finding]) -> State:
    """found: of this step alone, what is typed wrong in its fields included."""
    gravest = worst(found)
    if gravest is Severity.ERROR:
        return State.ERROR
    if gravest is Severity.WARNING:
        return State.WARNING
    return State.DONE if step.said(draft) else State.DEFAULT


def steps_line(marked: Sequence[Marked], width: int, *, ascii_only: bool) -> Content:
    """All steps on one line; the state's word goes with the one in front, if there is room."""
    parts: list[Content] = []
    for number, one in enumerate(marked, 1):
        glyph, plain, _, style = one.state.value
        look = "bold" if one.here else ""
        title = f"{number} {one.title}" if width >= 100 else one.title
        # Where one is must be seen without colours too.
        title = f"[{title}]" if one.here else title
        mark = plain if ascii_only else glyph
        parts.append(Content.assemble((f" {mark} ", style), (title, look)))
    return Content("").join(parts)


def steps_list(marked: Sequence[Marked], *, ascii_only: bool) -> Content:
    """A line each, with the state's word."""
    lines = []
    for number, one in enumerate(marked, 1):
        glyph, plain, word, style = one.state.value
        mark = plain if ascii_only else glyph
        here = (">" if ascii_only else "▶") if one.here else " "
        lines.append(
            Content.assemble(
                (f"{here} ", "bold $accent"),
                (f"{mark} ", style),
                (f"{number} {one.title}", "bold reverse" if one.here else ""),
                (f"\n      {word}", style),
            )
        )
    return Content("\n").join(lines)


def summary(draft: Draft, *, ascii_only: bool = False) -> list[tuple[str, str]]:
    """(label, what) of the guest as it would be made now."""
    full = draft.full if draft.offer is not None else draft.spec
    lines = [
        ("name", full.name or "not named yet"),
        ("OS", draft.os.name),
        ("source", _source(full)),
        ("CPU", f"{_count(full.vcpus, 'vCPU')} {full.machine.cpu}".strip()),
        ("memory", kib(full.memory_kib) if full.memory_kib else "not known yet"),
        ("machine", _machine(full)),
        ("disks", ", ".join(_disk(one, ascii_only) for one in full.disks or ()) or "no disk"),
        (
            "network",
            ", ".join(_nic(one, draft, ascii_only) for one in full.nics or ()) or "no network",
        ),
    ]
    if full.passed:
        mark = _mark(DeviceClass.PHYSICAL, ascii_only)
        lines.append(("passed", ", ".join(f"{mark}{one.kind} {one.device}" for one in full.passed)))
    lines.append(("console", _graphics(full)))
    copied = full.source.kind is SourceKind.COPY
    if copied:
        # All else is the other guest's, and its XML says it.
        return [("name", full.name), ("source", f"as {full.source.guest or 'no guest yet'}")]
    if draft.offer is None:
        return [line for line in lines if line[0] in ("name", "source")]
    return lines


def summary_lines(draft: Draft, *, ascii_only: bool) -> Content:
    return Content("\n").join(
        [
            Content.assemble((f"{label:<8}", "$quiet"), (visible(what), ""))
            for label, what in summary(draft, ascii_only=ascii_only)
        ]
    )


def summary_short(draft: Draft, *, ascii_only: bool) -> Content:
    """In two or three lines, for small terminals."""
    said = dict(summary(draft, ascii_only=ascii_only))
    names = ["name", "OS", "CPU", "memory", "machine"] if "CPU" in said else ["name", "source"]
    first = [said.get(key, "") for key in names]
    second = [said.get(key, "") for key in ("disks", "network", "passed")]
    lines = [
        visible(", ".join(part for part in parts if part))
        for parts in (first, second)
        if any(parts)
    ]
    return Content("\n").join([Content(line) for line in lines])


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'s' if number != 1 else ''}" if number else ""


def _source(spec: Spec) -> str:
    source = spec.source
    match source.kind:
        case SourceKind.TREE:
            what = source.url
        case SourceKind.COPY:
            what = source.guest
        case SourceKind.KERNEL:
            what = named(source.kernel)
        case SourceKind.PXE | SourceKind.EMPTY:
            what = ""
        case _:
            what = named(source.file)
    return f"{source.kind}: {what}" if what else source.kind.value


def _machine(spec: Spec) -> str:
    machine = spec.machine
    firmware = {Firmware.UEFI: "UEFI", Firmware.UEFI_SECURE: "UEFI Secure Boot"}
    parts = [
        {"qemu": "TCG", "kvm": "KVM"}.get(machine.virt_type, machine.virt_type),
        machine.arch,
        machine.machine,
        firmware.get(machine.firmware, "BIOS" if machine.firmware else ""),
        "TPM" if machine.tpm else "",
        "nested" if machine.nested else "",
    ]
    return " ".join(part for part in parts if part)


def _mark(cls: DeviceClass | None, ascii_only: bool) -> str:
    if cls is None:
        return ""
    return f"{cls.letter if ascii_only else cls.glyph} "


def _disk(disk: Disk, ascii_only: bool) -> str:
    kind = "CD" if disk.kind is DiskKind.CDROM else disk.bus
    if disk.overlay and any(disk.file):
        what = f"over {named(disk.file).rsplit('/', 1)[-1]}"
    elif disk.new is not None and disk.new.size:
        what = f"{byte_count(disk.new.size)} new"
    else:
        what = named(disk.file).rsplit("/", 1)[-1] or "empty"
    bus = f" {disk.bus}" if disk.kind is DiskKind.CDROM else ""
    return f"{_mark(bus_class(disk.bus), ascii_only)}{kind}{bus} {what}".strip()


def _nic(nic: Nic, draft: Draft, ascii_only: bool) -> str:
    kind = "user mode" if nic.kind is NicKind.USER else nic.kind.value
    mark = _mark(model_class(nic, draft.offered), ascii_only)
    return mark + " ".join(part for part in (nic.model, nic.source or kind) if part)


def _graphics(spec: Spec) -> str:
    if spec.graphics in (Graphics.DEFAULT, Graphics.NONE):
        return "serial"
    return f"serial, {spec.graphics.value.upper()}"
