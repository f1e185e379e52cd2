"""The hosts beside the table: state, hypervisor, load, guests up of all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tuivm.model.hosts import HostState
from tuivm.model.store import HostStatus
from tuivm.model.units import kib, visible
from tuivm.widgets.tabletext import clip, plain_width

GLYPHS = {
    HostState.UP: ("●", "+", "up"),
    HostState.CONNECTING: ("◌", "~", "changing"),
    HostState.STALE: ("◐", "?", "changing"),
    HostState.LOST: ("✖", "x", "bad"),
    HostState.FAILED: ("✖", "x", "bad"),
}
_ROOMY_LINES = 4
_TIGHT_LINES = 2
_LEAST_NAME = 4
"""Cells of a name that are shown even where its state has to be cut for them."""

Part = tuple[str, str]


def host_glyph(state: HostState, *, ascii_only: bool) -> Part:
    """Glyph and role of a host's state."""
    glyph, letter, role = GLYPHS[state]
    return (letter if ascii_only else glyph), role


def state_words(status: HostStatus) -> str:
    """The state in words, with the seconds that matter: "retry in 12 s"."""
    if status.state is HostState.STALE:
        return f"stale {status.stale_for or 0:.0f} s"
    if status.state in (HostState.LOST, HostState.FAILED) and status.retry_in is not None:
        return f"{status.state.value}, retry {status.retry_in:.0f} s"
    return status.state.value


def platform(status: HostStatus) -> str:
    """Hypervisor and version: "KVM  QEMU 7.2.22"."""
    facts = status.facts
    if facts is None:
        return ""
    hypervisor = "KVM" if "kvm" in facts.virt_types else "TCG" if "qemu" in facts.virt_types else ""
    return f"{hypervisor} {facts.driver} {facts.hypervisor_version}".strip()


def load(status: HostStatus) -> str:
    """Load: "CPU 34 %  8.0G/24G"; what is not reported is left out."""
    if status.load is None:
        return ""
    parts = []
    if status.load.cpu_percent is not None:
        parts.append(f"CPU {status.load.cpu_percent:.0f} %")
    if status.load.memory_used_kib is not None:
        parts.append(f"{kib(status.load.memory_used_kib)}/{kib(status.load.memory_total_kib)}")
    return "  ".join(parts)


def host_lines(status: HostStatus, count: int, width: int, *, ascii_only: bool) -> list[list[Part]]:
    """`count` lines about one host, each a list of (text, role); a long name gives way first."""
    ellipsis = "~" if ascii_only else "…"
    glyph, role = host_glyph(status.state, ascii_only=ascii_only)
    name = plain_width(visible(status.spec.name))
    guests = f"{status.active}/{status.guests}"
    tail = (f"  {guests} up", "quiet")
    if status.state is not HostState.UP:
        words = state_words(status)
        if 2 + cell_len(name) + 2 + cell_len(words) > width:
            # The glyph says lost or failed, too, but nothing else says the rest of the name.
            words = words.rpartition(", ")[2]
        tail = (f"  {words}", role)
        reason = status.problem.cause or status.problem.reason if status.problem else ""
        second = visible(reason) or platform(status)
    else:
        second = load(status)
    room = max(_LEAST_NAME, width - 2 - cell_len(tail[0]))
    first = [(f"{glyph} ", role), (clip(name, room, ellipsis), "name"), tail]
    second = clip(plain_width(second), width - 2, ellipsis)
    lines: list[list[Part]] = [first, [("  ", ""), (second, "quiet")]]
    if count >= _ROOMY_LINES:
        readonly = "read-only  " if status.readonly else ""
        lines.insert(1, [("  ", ""), (readonly + visible(platform(status)), "quiet")])
        lines.append([])
    return lines[:count]


class HostList(ScrollView, can_focus=True):
    """Hosts, one highlighted. Up and down move; the rest is the screen's business."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "hostlist--up",
        "hostlist--changing",
        "hostlist--bad",
        "hostlist--name",
        "hostlist--quiet",
        "hostlist--cursor",
    }
    DEFAULT_CSS = """
    HostList { background: $surface; color: $foreground; scrollbar-size: 1 1; }
    HostList > .hostlist--up { color: $state-running; }
    HostList > .hostlist--changing { color: $state-changing; }
    HostList > .hostlist--bad { color: $state-bad; }
    HostList > .hostlist--name { text-style: bold; }
    HostList > .hostlist--quiet { color: $quiet; }
    HostList > .hostlist--cursor {
        background: $block-cursor-blurred-background;
        color: $block-cursor-blurred-foreground;
        text-style: $block-cursor-blurred-text-style;
    }
    HostList:focus > .hostlist--cursor {
        background: $block-cursor-background;
        color: $block-cursor-foreground;
        text-style: $block-cursor-text-style;
    }
    """
    BINDINGS = [  # noqa: RUF012 - Textual's own form
        ("up,k", "move(-1)", "up"),
        ("down,j", "move(1)", "down"),
    ]

    ascii_only = reactive(False)

    class Highlighted(Message):
        """Another host is highlighted; None when there is none."""

        def __init__(self, host: str | None) -> None:
            super().__init__()
            self.host = host

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name for it
        super().__init__(id=id)
        self._statuses: tuple[HostStatus, ...] = ()
        self._lines: list[list[Part]] = []
        self._cursor: str | None = None

    @property
    def highlighted(self) -> str | None:
        return self._cursor

    def set_hosts(self, statuses: Sequence[HostStatus]) -> None:
        """Show these; only lines that changed are painted."""
        self._statuses = tuple(statuses)
        names = [status.spec.name for status in statuses]
        if self._cursor not in names:
            self._cursor = names[0] if names else None
            self.post_message(self.Highlighted(self._cursor))
        self._rebuild()

    def watch_ascii_only(self) -> None:
        self._rebuild()

    def on_resize(self) -> None:
        self._rebuild()

    @property
    def _each(self) -> int:
        roomy = len(self._statuses) * _ROOMY_LINES <= self.size.height
        return _ROOMY_LINES if roomy else _TIGHT_LINES

    def _rebuild(self) -> None:
        lines = [
            line
            for status in self._statuses
            for line in host_lines(status, self._each, self.size.width, ascii_only=self.ascii_only)
        ]
        old, self._lines = self._lines, lines
        self.virtual_size = Size(self.size.width, len(lines))
        if len(old) != len(lines):
            self.refresh()
            return
        top = self.scroll_offset.y
        for row, (before, after) in enumerate(zip(old, lines, strict=True)):
            if before != after:
                self.refresh(Region(0, row - top, self.size.width, 1))

    def render_line(self, y: int) -> Strip:
        row = y + self.scroll_offset.y
        base = self.rich_style
        if row >= len(self._lines):
            return Strip.blank(self.size.width, base)
        status = self._statuses[row // self._each]
        under_cursor = status.spec.name == self._cursor and row % self._each < _ROOMY_LINES - 1
        if under_cursor:
            # One colour for all of it: no theme has all its roles readable on the cursor.
            base = self.get_component_rich_style("hostlist--cursor")
            segments = [Segment("".join(text for text, _ in self._lines[row]), base)]
        else:
            segments = [Segment(text, base + self._style(role)) for text, role in self._lines[row]]
        return Strip(segments).adjust_cell_length(self.size.width, base)

    def _style(self, role: str) -> Style:
        if not role:
            return Style.null()
        return self.get_component_rich_style(f"hostlist--{role}", partial=True)

    def action_move(self, by: int) -> None:
        names = [status.spec.name for status in self._statuses]
        if self._cursor in names:
            place = min(max(0, names.index(self._cursor) + by), len(names) - 1)
            self._move_to(names[place])

    def on_click(self, event: events.Click) -> None:
        row = (event.y + self.scroll_offset.y) // self._each
        if 0 <= row < len(self._statuses):
            self._move_to(self._statuses[row].spec.name)

    def _move_to(self, name: str) -> None:
        if name == self._cursor:
            return
        self._cursor = name
        names = [status.spec.name for status in self._statuses]
        top = names.index(name) * self._each
        self.scroll_to_region(Region(0, top, 1, self._each), animate=False, force=True)
        self.refresh()
        self.post_message(self.Highlighted(name))
