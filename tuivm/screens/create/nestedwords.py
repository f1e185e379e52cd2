"""What the step "Machine" says of nested virtualization: conditions, costs, depth, the check."""

from __future__ import annotations

from typing import NamedTuple

from textual.content import Content

from tuivm.model.units import visible
from tuivm.preflight.nested import Condition, conditions, costs, depth_words, inside_check
from tuivm.screens.create.draft import Draft

_LOOKS = {
    True: ("✓", "+", "met", "$state-running"),
    False: ("✖", "x", "unmet", "$state-bad"),
    None: ("?", "?", "unknown", "$warning"),
}
"""Of a condition: glyph, ASCII glyph, word, style."""


class NestedWords(NamedTuple):
    """note: behind the switch. The rest is under it, and empty while it is off."""

    note: str
    conditions: Content = Content()
    costs: Content = Content()


def nested_words(draft: Draft, *, ascii_only: bool) -> NestedWords:
    """All of it, for the switch as it stands."""
    if draft.offer is None:
        return NestedWords("the guest may run guests of its own")
    full = draft.full
    asked = full._replace(machine=full.machine._replace(nested=True))
    found = conditions(asked, draft.offer, draft.caps)
    note = _in_short(found)
    if not full.machine.nested:
        return NestedWords(note)
    states = [_line(condition, ascii_only=ascii_only) for condition in found]
    told = [("costs", cost) for cost in costs(asked, draft.offer)]
    told += [("depth", depth_words(draft.offer)), ("check inside", inside_check(draft.os))]
    lines = [Content.assemble((f"{label}: ", "bold"), visible(text)) for label, text in told]
    return NestedWords(note, Content("\n").join(states), Content("\n").join(lines))


def _in_short(found: tuple[Condition, ...]) -> str:
    bad = [one for one in found if one.met is False]
    unknown = [one for one in found if one.met is None]
    if bad:
        return f"{len(bad)} of {len(found)} conditions unmet: not that {bad[0].words}"
    if unknown:
        return f"{len(unknown)} of {len(found)} conditions cannot be looked at"
    return f"all {len(found)} conditions are met"


def _line(condition: Condition, *, ascii_only: bool) -> Content:
    glyph, plain, word, style = _LOOKS[condition.met]
    parts: list[tuple[str, str] | str] = [
        (f"{plain if ascii_only else glyph} {word:<7} ", style),
        visible(condition.words),
    ]
    if condition.met:
        # What is met needs no words, and a small terminal has no room for them.
        return Content.assemble(*parts)
    if condition.why:
        parts.append(f": {visible(condition.why)}")
    if condition.remedy:
        parts.append((f". Remedy: {visible(condition.remedy)}", "bold"))
    return Content.assemble(*parts)
