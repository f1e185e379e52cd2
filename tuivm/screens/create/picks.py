"""From what a host offers to what fields, rows and dialogs of the wizard show."""

from __future__ import annotations

from collections.abc import Iterable

from textual.content import Content

from tuivm.model.devices import DeviceClass
from tuivm.model.findings import Finding, Severity
from tuivm.model.units import visible
from tuivm.preflight.choices_machine import Pick
from tuivm.preflight.defaults import complete
from tuivm.screens.create.draft import Draft, owner, worst
from tuivm.screens.create.fields import Field
from tuivm.screens.dialogs.choose import Choice


def completed(draft: Draft) -> Draft:
    """The draft with the defaults of its very spec, which may be a moment behind."""
    if draft.offer is None:
        return draft
    return draft._replace(full=complete(draft.spec, draft.offer, draft.caps, draft.os))


def choices(picks: Iterable[Pick]) -> list[Choice]:
    """For a field; what is refused stands there with its reason."""
    return [Choice(one.value, one.label, one.note, one.refusal, one.cls) for one in picks]


def class_mark(cls: DeviceClass | None, *, ascii_only: bool) -> tuple[str, str]:
    """(glyph, style) of a device's class; a blank where it is not known."""
    if cls is None:
        return " ", ""
    return cls.letter if ascii_only else cls.glyph, f"$class-{cls.value}"


def finding_mark(findings: Iterable[Finding], key: str, *, ascii_only: bool) -> tuple[str, str]:
    """(glyph, style) of the gravest finding about a row; blank for none."""
    severity = worst(one for one in findings if owner(one.field, (key,)))
    if severity is Severity.ERROR:
        return "x" if ascii_only else "✖", "$state-bad"
    if severity is Severity.WARNING:
        return "!" if ascii_only else "▲", "$warning"
    return " ", ""


def hand_out(fields: Iterable[Field], findings: Iterable[Finding]) -> None:
    """Give each field what was found about it."""
    mine = {field.key: field for field in fields}
    found: dict[str, list[Finding]] = {key: [] for key in mine}
    for finding in findings:
        if key := owner(finding.field, mine):
            found[key].append(finding)
    for key, field in mine.items():
        field.set_findings(found[key])


def joined(*parts: str) -> Content:
    """Parts of a row, two blanks between them; empty ones are left out."""
    return Content(visible("  ".join(part for part in parts if part)))
