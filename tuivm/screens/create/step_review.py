"""The wizard's step "Review": what was found, the devices with their classes, XML, and creating."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from typing import ClassVar, NamedTuple

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.widgets import Button, Static

from tuivm.domainxml.classify import devices_of
from tuivm.domainxml.parse import parse_domain
from tuivm.model.devices import Device, DeviceClass, DeviceKind
from tuivm.model.findings import Finding, Severity
from tuivm.model.spec import Spec
from tuivm.model.units import visible
from tuivm.preflight.presets import class_words, device_choices
from tuivm.screens.create.draft import Draft
from tuivm.screens.create.fields import Field, finding_line
from tuivm.screens.create.step import Step
from tuivm.screens.dialogs.base import ButtonRow, button
from tuivm.screens.stack import device_line
from tuivm.widgets.itemlist import ItemList, Line

CREATE, XML, COMMAND, SAVE = "create", "xml", "command", "save"
_SMALL = frozenset({"controller", "hub", "console", "panic", "shmem"})
"""Kinds of devices that only carry others, or that nobody chooses by class."""
_CHOSEN = (DeviceKind.DISK, DeviceKind.NIC, DeviceKind.HOSTDEV)


class Standing(NamedTuple):
    """What the review knows besides the draft. accepted: warnings. problem: typed wrong somewhere.
    edited: the XML was changed by hand. settled: the draft is what the spec comes to."""

    accepted: frozenset[Finding] = frozenset()
    faults: tuple[Finding, ...] = ()
    edited: bool = False
    settled: bool = False


class ReviewList(ItemList):
    """Its ends lead out of it; Space accepts."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "accept", "Accept", show=False),
        Binding("g", "go_to", "Go to the field", show=False),
    ]

    class Chosen(Message):
        def __init__(self, finding: Finding, *, accept: bool) -> None:
            super().__init__()
            self.finding = finding
            self.accept = accept

    def action_accept(self) -> None:
        if isinstance(self.item, Finding):
            accept = self.item.severity is Severity.WARNING
            self.post_message(self.Chosen(self.item, accept=accept))

    def action_go_to(self) -> None:
        if isinstance(self.item, Finding):
            self.post_message(self.Chosen(self.item, accept=False))

    def action_move(self, by: int) -> None:
        before, top = self._row, self.scroll_offset.y
        super().action_move(by)
        if self._row == before and self.scroll_offset.y == top and abs(by) == 1:
            (self.screen.focus_next if by > 0 else self.screen.focus_previous)()


class ReviewStep(Step):
    """Errors stop; each warning is accepted by itself."""

    title = "Review"
    about = "What was found, and what will be made."
    keys: ClassVar[tuple[str, ...]] = ()

    DEFAULT_CSS = """
    ReviewStep { overflow: hidden; }
    ReviewStep ReviewList { height: 1fr; }
    ReviewStep #review-state { height: 1; }
    ReviewStep ButtonRow { height: 1; }
    ReviewStep ButtonRow Button {
        margin-right: 1;
        min-width: 8;
        width: auto;
        padding: 0;
        border: none !important;
        background: $panel !important;
        color: $foreground;
        text-style: none;
        &:focus {
            background: $block-cursor-background !important;
            color: $block-cursor-foreground;
            text-style: bold;
        }
        &:disabled { color: $text-muted; text-style: dim; text-opacity: 1; opacity: 1; }
    }
    """

    class GoTo(Message):
        """A person wants to see the field that a finding is about."""

        def __init__(self, finding: Finding) -> None:
            super().__init__()
            self.finding = finding

    class Accepted(Message):
        """A person accepts a warning, or takes that back."""

        def __init__(self, finding: Finding) -> None:
            super().__init__()
            self.finding = finding

    class Wanted(Message):
        """what: "create", "xml", "command", "save"."""

        def __init__(self, what: str) -> None:
            super().__init__()
            self.what = what

    def __init__(self, draft: Draft, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name for it
        super().__init__(draft, id=id)
        self.standing = Standing()
        self._hurries = False
        """Whether the focus goes to Create as soon as that can be pressed."""
        self._filled_for = 0
        """Columns that the lines were made for."""

    def compose(self) -> ComposeResult:
        yield Static(id="review-state")
        yield ReviewList()
        with ButtonRow():
            yield button("Create", CREATE)
            yield button("XML", XML)
            yield button("virt-install", COMMAND)
            yield button("Save spec", SAVE)

    def on_mount(self) -> None:
        # Not by Resize, which Textual does not always tell of: see `hostpages.base.HostPage`.
        layouts = self.screen.screen_layout_refresh_signal
        layouts.subscribe(self, lambda _: self._laid_out())

    def _laid_out(self) -> None:
        if self._ready and self.size and self.size.width != self._filled_for:
            self.fill(self.draft)

    def stand(self, standing: Standing) -> None:
        """Take what has changed besides the draft; shown with the draft that is shown next."""
        self.standing = standing

    def fill(self, draft: Draft) -> None:
        self._filled_for = self.size.width
        width = max(20, self._filled_for - 3)
        findings = (*self.standing.faults, *draft.findings)
        lines = [
            *_finding_lines(findings, self.standing.accepted, width, ascii_only=self.ascii_only),
            *_device_lines(draft, width, ascii_only=self.ascii_only),
        ]
        self.query_one(ReviewList).set_lines(lines)
        reason = self.refusal
        self.query_one("#review-state", Static).update(
            Content.styled(visible(reason), "$warning")
            if reason
            else Content.styled("Nothing speaks against it: Create makes it.", "$success")
        )
        create = self.query_one(f"#{CREATE}", Button)
        # A button that goes grey hands the focus to the one beside it, which nobody asked for.
        if reason and self.screen.focused is create:
            self.screen.set_focus(self.query_one(ReviewList))
            self._hurries = True
        create.disabled = bool(reason)
        self.query_one(f"#{XML}", Button).disabled = draft.plan is None
        self.query_one(f"#{COMMAND}", Button).disabled = draft.plan is None
        if self._hurries and not self.waiting:
            # Only from the wait: a Space that accepts the last warning must not come to press it.
            self._hurries = False
            if not reason and self.screen.focused is self.query_one(ReviewList):
                create.focus()
            elif reason:
                # What is worst came in front while one waited.
                self.query_one(ReviewList).action_move(-9999)

    @property
    def ascii_only(self) -> bool:
        return self.app.has_class("-ascii")

    @property
    def waiting(self) -> bool:
        """Whether the host, or what follows from the spec, is still awaited."""
        draft = self.draft
        return draft.problem is not None or draft.plan is None or not self.standing.settled

    @property
    def refusal(self) -> str:
        """Why it cannot be made now, "" when it can."""
        draft, standing = self.draft, self.standing
        if draft.problem is not None:
            return "Not yet: the host has to answer first (F5 asks again)."
        errors = [
            one for one in (*standing.faults, *draft.findings) if one.severity is Severity.ERROR
        ]
        if errors:
            return (
                f"Not yet: {len(errors)} {_plural('error', errors)} to mend (g goes to the field)."
            )
        if draft.plan is None or not standing.settled:
            return "Not yet: it is being worked out."
        open_ones = [one for one in warnings(draft) if one not in standing.accepted]
        if open_ones:
            return (
                f"Not yet: {len(open_ones)} {_plural('warning', open_ones)} to accept with Space."
            )
        return ""

    def edited(self, field: Field, draft: Draft) -> Spec:
        del field
        return draft.spec

    def said(self, draft: Draft) -> bool:
        del draft
        return not self.refusal

    def focus_field(self, key: str = "") -> bool:
        del key
        create = self.query_one(f"#{CREATE}", Button)
        self._hurries = create.disabled
        # What is worst is first, and may be new since the last time.
        self.query_one(ReviewList).action_move(-9999)
        (self.query_one(ReviewList) if create.disabled else create).focus()
        return True

    def on_review_list_chosen(self, event: ReviewList.Chosen) -> None:
        event.stop()
        message = self.Accepted if event.accept else self.GoTo
        self.post_message(message(event.finding))

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        event.stop()
        self.post_message(self.Wanted(event.button.id or ""))


def warnings(draft: Draft) -> list[Finding]:
    return [one for one in draft.findings if one.severity is Severity.WARNING]


def _plural(word: str, things: Sequence[object]) -> str:
    return word if len(things) == 1 else f"{word}s"


def _finding_lines(
    findings: Iterable[Finding],
    accepted: frozenset[Finding],
    width: int,
    *,
    ascii_only: bool,
) -> list[Line]:
    order = (Severity.ERROR, Severity.WARNING, Severity.NOTE)
    made = []
    for finding in sorted(findings, key=lambda one: order.index(one.severity)):
        tick = ""
        if finding.severity is Severity.WARNING:
            tick = "[x] accepted, " if finding in accepted else "[ ] "
        text = Content(tick) + finding_line(finding, ascii_only=ascii_only, whole=True)
        # The cursor is on its first line; the rest belongs to it.
        for number, row in enumerate(text.wrap(width)):
            pad = "  " if number else ""
            made.append(Line(Content(pad) + row.rstrip(), finding if not number else None))
    return made or [Line(Content.styled("No findings.", "$quiet"), "none")]


def _device_lines(draft: Draft, width: int, *, ascii_only: bool) -> list[Line]:
    """By class, with what the class means; those that were chosen with what the choice costs or
    gives, then what else the definition has."""
    chosen = device_choices(draft.full, draft.offered)
    devices = [one for one in planned_devices(draft) if one.kind.value not in _SMALL]
    made: list[Line] = []
    for cls in DeviceClass:
        mine = [one for one in chosen if one.cls is cls]
        others = [
            one for one in devices if one.cls is cls and (not chosen or one.kind not in _CHOSEN)
        ]
        if not mine and not others:
            continue
        glyph, style = cls.letter if ascii_only else cls.glyph, f"$class-{cls.value}"
        made += _wrapped(f"{glyph} {cls.value}", f"bold {style}", class_words(cls), width, cls)
        for one in mine:
            made += _wrapped(f"  {glyph} {one.name}", style, one.words, width, one.field)
        for number, device in enumerate(others):
            text = Content.assemble(("  ", ""), (glyph, style), f" {device_line(device)}")
            made.append(Line(text, (cls, number)))
    return made


def _wrapped(head: str, style: str, words: str, width: int, item: Hashable) -> list[Line]:
    """What it is, and behind it what is said of it; the cursor is on its first line."""
    text = Content.assemble((visible(head), style), (f": {visible(words)}" if words else "", ""))
    return [
        Line((Content("    ") if number else Content()) + row.rstrip(), None if number else item)
        for number, row in enumerate(text.wrap(max(20, width - 4)))
    ]


def planned_devices(draft: Draft) -> tuple[Device, ...]:
    """The devices that the plan's definition has; none where there is no good one."""
    if draft.plan is None or not draft.plan.xml:
        return ()
    try:
        return devices_of(parse_domain(draft.plan.xml))
    except ValueError:
        return ()
