"""What was found about something that is about to be done: errors stop, each warning is accepted
by itself, and what only somebody who knows better may do is typed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from textual import on
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input, Static

from tuivm.model.findings import Finding, Severity
from tuivm.preflight.attaching import accept_key
from tuivm.screens.dialogs.base import Tick, field, plain

_SIGNS = {Severity.ERROR: ("✖", "x"), Severity.WARNING: ("▲", "!"), Severity.NOTE: ("·", "-")}
_ORDER = (Severity.ERROR, Severity.WARNING, Severity.NOTE)


class _Accept(Tick):
    """The tick of one warning."""

    def __init__(self, finding: Finding, label: Content, *, accepted: bool) -> None:
        super().__init__(label, accepted)
        self.finding = finding
        self.add_class("gap", "warning")


class _Proof(Input):
    """Where an address is typed."""

    def __init__(self, address: str, typed: str) -> None:
        super().__init__(typed, compact=True)
        self.address = address


def _reasons(finding: Finding) -> Content:
    lines = [line for line in (finding.why, finding.remedy and f"do: {finding.remedy}") if line]
    return Content("\n").join([plain(line) for line in lines])


def _shape(findings: Sequence[Finding]) -> list[tuple[str, Severity, bool]]:
    """Findings with the same one are shown by the same widgets."""
    return [(accept_key(one), one.severity, bool(_reasons(one))) for one in findings]


def _about(widget: Widget) -> str | None:
    if isinstance(widget, _Accept):
        return accept_key(widget.finding)
    return widget.address if isinstance(widget, _Proof) else None


class FindingList(Vertical):
    """Findings may change while it is shown: what was accepted stays so as long as the same is
    found; the reasons may have other numbers by then."""

    DEFAULT_CSS = """
    FindingList { height: auto; width: 100%; }
    FindingList > Static { height: auto; width: 100%; }
    FindingList .what { padding-left: 4; }
    FindingList .why { padding-left: 4; color: $text-muted; }
    FindingList .field > Static { width: 10; }
    """

    class Changed(Message):
        """A warning was accepted or no longer is, or something was typed."""

    def __init__(self) -> None:
        super().__init__()
        self._findings: tuple[Finding, ...] = ()
        self._overrides: tuple[str, ...] = ()
        self._accepted: set[str] = set()
        self._typed: dict[str, str] = {}

    @property
    def accepted(self) -> frozenset[str]:
        """`accept_key`s of those that were."""
        return frozenset(map(accept_key, self._findings)) & self._accepted

    @property
    def overridden(self) -> frozenset[str]:
        """Addresses that were typed as they are."""
        return frozenset(one for one in self._overrides if self._typed.get(one, "").strip() == one)

    @property
    def untyped(self) -> tuple[str, ...]:
        """Addresses that may be typed and were not."""
        return tuple(one for one in self._overrides if one not in self.overridden)

    def show(self, findings: Iterable[Finding], overrides: Sequence[str] = ()) -> None:
        """overrides: addresses that may be typed in spite of the errors."""
        ordered = tuple(sorted(findings, key=lambda one: _ORDER.index(one.severity)))
        if (ordered, tuple(overrides)) == (self._findings, self._overrides):
            return
        same = (_shape(ordered), tuple(overrides)) == (_shape(self._findings), self._overrides)
        self._findings, self._overrides = ordered, tuple(overrides)
        if same:
            # Only figures in the reasons are others: nobody's next key may go astray for that.
            told = [_reasons(finding) for finding in ordered if _reasons(finding)]
            for widget, text in zip(self.query(".why").results(Static), told, strict=True):
                widget.update(text)
            return
        had = self._focused()
        # No ids: those that go are still there when the new ones come.
        self.remove_children()
        self.mount_all([part for finding in ordered for part in self._parts(finding)])
        for address in self._overrides:
            words = f"To do it all the same, type the device's address, {address}:"
            entry = field("Address", _Proof(address, self._typed.get(address, "")))
            self.mount(Static(plain(words, "bold"), classes="gap"), entry)
        self.call_after_refresh(self._keep_focus, had)

    def _focused(self) -> str | None:
        """What the focus is on in here."""
        widget = self.screen.focused
        if widget is None or self not in widget.ancestors:
            return None
        return _about(widget)

    def _keep_focus(self, had: str | None) -> None:
        for widget in self.query("_Accept, _Proof"):
            if had is not None and _about(widget) == had:
                widget.focus()
        focused = self.screen.focused
        if focused is not None and self in focused.ancestors:
            # It may have been reached before it had its place.
            focused.scroll_visible(animate=False)

    def _parts(self, finding: Finding) -> list[Widget]:
        sign = _SIGNS[finding.severity][self.app.has_class("-ascii")]
        made: list[Widget] = []
        if finding.severity is Severity.WARNING:
            # A tick is one row, and what it accepts may be more.
            label = plain(f"{sign} accept this warning:")
            made.append(_Accept(finding, label, accepted=accept_key(finding) in self._accepted))
            made.append(Static(plain(finding.what), classes="what"))
        else:
            style = "$error" if finding.severity is Severity.ERROR else ""
            text = f"{sign} {finding.severity.value}: {finding.what}"
            made.append(Static(plain(text, style), classes="gap"))
        if reasons := _reasons(finding):
            made.append(Static(reasons, classes="why"))
        return made

    @on(Tick.Changed)
    def _ticked(self, event: Tick.Changed) -> None:
        event.stop()
        if isinstance(event.checkbox, _Accept):
            key = accept_key(event.checkbox.finding)
            (self._accepted.add if event.value else self._accepted.discard)(key)
            self.post_message(self.Changed())

    @on(Input.Changed)
    def _typing(self, event: Input.Changed) -> None:
        event.stop()
        if isinstance(event.input, _Proof):
            self._typed[event.input.address] = event.value
            self.post_message(self.Changed())


def missing_words(refusals: Sequence[Finding], untyped: Sequence[str]) -> str:
    """What still stands in the way, "" for nothing. untyped: see `FindingList`."""
    errors = [one for one in refusals if one.severity is Severity.ERROR]
    if any(one.field not in untyped for one in errors):
        return "An error stands in the way: see above what to do."
    if errors:
        return f"Not yet: {errors[0].field} has to be typed exactly, or it stays as it is."
    left = len(refusals)
    if not left:
        return ""
    return f"{left} warning{'s are' if left > 1 else ' is'} not accepted yet (Space on each)."
