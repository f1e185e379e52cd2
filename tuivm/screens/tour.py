"""The guided tour: eight stops, each at a thing of the guests and hosts that are really there."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING, NamedTuple

from rich.cells import cell_len
from textual.containers import VerticalScroll
from textual.geometry import Region
from textual.widget import Widget

from tuivm.model.devices import DeviceClass, DeviceKind
from tuivm.model.hosts import HostFacts
from tuivm.model.store import GuestView
from tuivm.model.units import visible
from tuivm.screens import tourwords
from tuivm.screens.dialogs.callout import MARK, Callout, Step
from tuivm.screens.guest import GuestScreen
from tuivm.screens.hostpages.overview import OverviewPage
from tuivm.screens.hosts import HostsScreen
from tuivm.widgets.itemlist import ItemList
from tuivm.widgets.livetable import LiveTable

if TYPE_CHECKING:
    from tuivm.app import TuivmApp

_UNCUT = 8
"""Letters of a name that no table cuts."""
_GAP = re.compile(rf" {{{MARK + 2},}}| {{{MARK + 1},}}$")
"""Room for a mark with a blank before it, and one behind it where something follows."""
_ROUND, _ROUNDS = 0.02, 100
"""Seconds, and how often: a place is there long before that, and if not the tour goes on."""


class Stop(NamedTuple):
    """place: where it is. words: of the scene; a line a paragraph. widget, needle: the thing is the
    first line of that widget with that text. item: that line of an `ItemList`, where it is one.
    guest: whose screen is opened, on the place "guest".
    """

    title: str
    place: str
    words: Callable[[Scene], list[str]]
    widget: str
    needle: Callable[[Scene], str]
    item: Hashable = None
    guest: DeviceClass = DeviceClass.PARAVIRTUAL


class Scene(NamedTuple):
    """What the tour speaks of. by_class: a guest for each class, with a disk or NIC of that class
    if there is any; host: that of the first of them, or of the first host.
    """

    host: str
    facts: HostFacts
    guests: tuple[GuestView, ...]
    by_class: dict[DeviceClass, GuestView]
    ascii_only: bool = False

    def guest(self, cls: DeviceClass) -> GuestView | None:
        return self.by_class.get(cls) or (self.guests[0] if self.guests else None)

    def name(self, cls: DeviceClass = DeviceClass.PARAVIRTUAL) -> str:
        view = self.guest(cls)
        return visible(view.guest.name) if view else ""

    def glyph(self, cls: DeviceClass) -> str:
        return cls.letter if self.ascii_only else cls.glyph

    def head(self, cls: DeviceClass) -> str:
        """As a guest's screen writes it over its devices of a class."""
        return f"{self.glyph(cls)} {cls.value}"

    def target(self, cls: DeviceClass) -> str:
        """The disk or NIC of that class, by which the compare place names it."""
        view = self.guest(cls)
        details = view.guest.details if view else None
        names = [one.target for one in details.devices if one.cls is cls] if details else []
        return next((name for name in names if name), "")


STOPS = (
    Stop("Host and guest", "guests", tourwords.host_and_guest, "LiveTable", Scene.name),
    Stop(
        "Hypervisor and VMM",
        "guest",
        tourwords.hypervisor,
        "ItemList",
        lambda _: "hypervisor",
        "hypervisor",
    ),
    Stop(
        "Machine and firmware",
        "guest",
        tourwords.machine,
        "ItemList",
        lambda _: "machine",
        "machine",
    ),
    Stop(
        "Emulated devices",
        "guest",
        tourwords.emulated,
        "ItemList",
        lambda scene: scene.head(DeviceClass.EMULATED),
        DeviceClass.EMULATED,
        guest=DeviceClass.EMULATED,
    ),
    Stop(
        "Paravirtual devices",
        "compare",
        tourwords.paravirtual,
        "#devices",
        lambda scene: scene.glyph(DeviceClass.PARAVIRTUAL),
    ),
    Stop(
        "Passthrough, IOMMU groups",
        "hosts",
        tourwords.passthrough,
        "#facts",
        lambda _: "IOMMU",
        ("iommu", "IOMMU", 0),
    ),
    Stop(
        "VFs: a device in parts",
        "hosts",
        tourwords.functions,
        "#facts",
        lambda _: "SR-IOV",
        ("sriov", "SR-IOV", 0),
    ),
    Stop(
        "Nested virtualization",
        "hosts",
        tourwords.nested,
        "#facts",
        # The label: other lines may speak of it too.
        lambda _: "nested  ",
        ("nested", "nested", 0),
    ),
)


def scene_of(app: TuivmApp) -> Scene:
    """As things are now: guests come and go while the tour is on."""
    running = [view for view in app.store.guests.values() if view.guest.state.active]
    running.sort(key=lambda view: (view.key.host, view.guest.name))
    by_class: dict[DeviceClass, GuestView] = {}
    for cls in DeviceClass:
        best = max(running, key=lambda view: _share(view, cls), default=None)
        if best is not None and _share(best, cls):
            by_class[cls] = best
    first = by_class.get(DeviceClass.PARAVIRTUAL) or next(iter(running), None)
    names = app.store.host_names
    host = first.key.host if first else next(iter(names), "")
    snapshot = app.store.snapshot(host) if host else None
    facts = (snapshot.facts if snapshot else None) or HostFacts()
    return Scene(host, facts, tuple(running), by_class, app.ascii_only)


def _share(view: GuestView, cls: DeviceClass) -> float:
    """Of its disks and NICs, those of the class."""
    devices = view.guest.details.devices if view.guest.details else ()
    doing = [one for one in devices if one.kind in (DeviceKind.DISK, DeviceKind.NIC)]
    doing += [one for one in devices if one.kind is DeviceKind.HOSTDEV]
    return sum(one.cls is cls for one in doing) / len(doing) if doing else 0.0


class Tour:
    """Leads through the stops until the person leaves."""

    def __init__(self, app: TuivmApp) -> None:
        self._app = app

    async def run(self) -> None:
        at = 0
        while at < len(STOPS):
            stop = STOPS[at]
            await self._go(stop)
            step = await self._app.push_screen_wait(self._callout(at, stop))
            if step is Step.QUIT:
                self._app.perform("program.quit")
                return
            if step is None:
                break
            at = max(0, at + step.value)
        self._close_guest()

    async def _go(self, stop: Stop) -> None:
        """To the place of a stop; what is over the guests from the stop before is closed."""
        view = scene_of(self._app).guest(stop.guest)
        self._close_guest()
        self._app.perform(f"place.{'guests' if stop.place == 'guest' else stop.place}")
        await self._arrived("guests" if stop.place == "guest" else stop.place)
        if isinstance(self._app.screen, HostsScreen):
            self._app.screen.action_page(OverviewPage.page)
        if view is None:
            return
        if stop.place == "guest":
            await self._app.push_screen(GuestScreen(view.key))
        elif stop.place == "guests":
            for table in self._app.screen.query(LiveTable):
                table.move_to(view.key)

    async def _arrived(self, place: str) -> None:
        """A place that is gone to for the first time is made first."""
        for _ in range(_ROUNDS):
            here = self._app.place_in_front()
            if here is not None and here.place == place and here.is_mounted:
                return
            await asyncio.sleep(_ROUND)

    def _close_guest(self) -> None:
        if isinstance(self._app.screen, GuestScreen):
            self._app.perform("place.guests")

    def _callout(self, at: int, stop: Stop) -> Callout:
        def find() -> Region | None:
            scene = scene_of(self._app)
            needle = stop.needle(scene)
            place = self._app.place_in_front()
            if place is None or not needle:
                return None
            for widget in place.query(stop.widget):
                if isinstance(widget, ItemList):
                    widget.move_to(stop.item)
                if not widget.display:
                    continue
                view = scene.guest(stop.guest) if stop.place == "guests" else None
                if view is not None and isinstance(widget, LiveTable):
                    line = row_of(widget, view.key, needle)
                else:
                    line = line_of(widget, needle)
                if line is not None:
                    return line
            return None

        title = f"{at + 1}/{len(STOPS)}  {stop.title}"
        words = stop.words(scene_of(self._app))
        return Callout(title, words, find, last=at == len(STOPS) - 1)


def line_of(widget: Widget, needle: str) -> Region | None:
    """Where on the screen a mark has room on the widget's first line with that text, scrolled to if
    need be; None where the line is not seen."""
    for y in range(widget.size.height):
        text = widget.render_line(y).text
        if needle in text:
            inside = widget.content_region
            line = Region(inside.x, inside.y + y, inside.width, 1)
            if widget.screen.find_widget(widget).visible_region.contains_region(line):
                return _room(line, text, text.index(needle) + len(needle))
            if isinstance(widget.parent, VerticalScroll):
                widget.parent.scroll_to_region(Region(0, y, 1, 1), animate=False)
            return None
    return None


def row_of(table: LiveTable, key: Hashable, name: str) -> Region | None:
    """The same on a row of a table, behind a name that may be cut there."""
    for number, row in enumerate(table.rows):
        y = 1 + number - table.scroll_offset.y
        if row.key == key and 0 < y < table.size.height:
            inside = table.content_region
            line = Region(inside.x, inside.y + y, inside.width, 1)
            text = table.render_line(y).text
            return _room(line, text, max(0, text.find(name[:_UNCUT])))
    return None


def _room(line: Region, text: str, start: int) -> Region:
    """Behind the first thing after `start` that blanks enough follow, else at the end."""
    gap = _GAP.search(text.ljust(line.width), start)
    last = line.width - MARK
    at = min(cell_len(text[: gap.start()]) + 1, last) if gap else last
    return Region(line.x + max(0, at), line.y, MARK, 1)
