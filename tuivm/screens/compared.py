"""What the compare place compares: who chose it, the figures as of now, and the chart's lines."""

from __future__ import annotations

import math
from collections.abc import Generator, Iterable, Sequence
from dataclasses import replace

from tuivm.model.choices import Candidate, baseline_of, candidates, first_choice, follow
from tuivm.model.comparing import comparing, traces, tracing
from tuivm.model.comparison import MEASURES, Comparison, DeviceRef, Row
from tuivm.model.devices import Device, DeviceKind
from tuivm.model.guests import GuestKey, GuestState
from tuivm.model.history import FINE_SLOTS
from tuivm.model.iomix import LEAST
from tuivm.model.readings import device_of
from tuivm.model.recorded import Recorded, recording
from tuivm.model.store import Store
from tuivm.widgets.window import Window

_VALUES_A_SECOND = 15_000
"""So many values of the history may go into figures each second, which takes about 20 ms: a
comparison of more is computed less often."""
_AT_ONCE = 10_000
"""So many can go into them without a key noticing."""
_LINES_AT_ONCE = 6_000
"""As _AT_ONCE, for the lines of one measure: seconds times devices."""
_CHOOSE_EVERY = 3.0
"""Seconds: to find the busiest of a thousand devices takes a while."""
_SHARE = 0.01
"""Of the window: figures need not be newer than that."""
_KINDS = (DeviceKind.DISK, DeviceKind.NIC, DeviceKind.HOSTDEV)


class Compared:
    """The devices, the baseline, and their figures. Times are monotonic seconds.

    automatic: nobody chose anything yet. figures: as last computed; they name what is gone.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self.refs: tuple[DeviceRef, ...] = ()
        self.baseline: DeviceRef | None = None
        self.automatic = True
        self.figures = Comparison()
        self._asked: tuple[object, ...] | None = None
        self._computed_at = 0.0
        self._choose_at = -math.inf

    def choose(self, refs: Iterable[DeviceRef], baseline: DeviceRef | None = None) -> None:
        """Compare these from now on; with the baseline that suits best when none is given."""
        self.refs = tuple(dict.fromkeys(refs))
        self.baseline = baseline or baseline_of(self._store, self.refs)
        self.automatic = not self.refs
        self._choose_at = -math.inf
        self._asked = None

    def set_baseline(self, ref: DeviceRef) -> None:
        self.choose(self.refs, ref)

    def take_out(self, ref: DeviceRef) -> None:
        """Without the last one, the choice is the program's again."""
        baseline = None if ref == self.baseline else self.baseline
        self.choose((one for one in self.refs if one != ref), baseline)

    def reopen(self, recorded: Recorded) -> list[Row]:
        """Compare what a recorded comparison did; the rows whose devices are not there now."""
        then = recorded.comparison
        refs = follow(self._store, then.rows)
        now = {row.ref: ref for row, ref in zip(then.rows, refs, strict=True)}
        self.figures = replace(
            then, rows=tuple(replace(row, ref=now[row.ref]) for row in then.rows)
        )
        self.choose(refs, now[then.baseline] if then.baseline else None)
        return [row for row in self.figures.rows if device_of(self._store, row.ref) is None]

    def due(
        self, now: float, end: float, seconds: float, *, held: bool
    ) -> Generator[None, None, None] | None:
        """The steps of computing the figures of the `seconds` up to `end`, for the caller to take:
        at once if `small`. None: they are under way, or as good as new. The last step replaces
        them, unless by then something else is asked for.

        held: the end stands still.
        """
        self._choose(now)
        there = [self._now(ref) for ref in self.refs]
        asked = (self.refs, self.baseline, seconds, end if held else None, *there)
        lasts = int(max(_SHARE * seconds, self._values(seconds) / _VALUES_A_SECOND))
        if asked == self._asked and (held or now - self._computed_at < max(1, lasts)):
            return None
        self._asked, self._computed_at = asked, now
        return self._compute(asked, end, seconds)

    def small(self, seconds: float) -> bool:
        """Whether the figures of so much time take a few milliseconds only."""
        return self._values(seconds) <= _AT_ONCE

    @property
    def pending(self) -> bool:
        """The figures are not yet of what was chosen."""
        return {row.ref for row in self.figures.rows} != set(self.refs)

    def _compute(
        self, asked: tuple[object, ...], end: float, seconds: float
    ) -> Generator[None, None, None]:
        self._follow()
        known = self.figures.rows
        work = comparing(self._store, self.refs, self.baseline, end, seconds, known=known)
        figures = yield from work
        if self._asked is asked:
            self.figures = figures

    def kept(self, now: float, wall: float) -> Generator[None, None, Recorded] | None:
        """The steps to the figures with their series, to be saved; None when nothing is compared.

        wall: clock time now, in s since the epoch.
        """
        if not self.figures.rows:
            return None
        return recording(self._store, self.figures, wall - (now - self.figures.end))

    def _now(self, ref: DeviceRef) -> tuple[Device | None, GuestState | None]:
        view = self._store.guest(ref.guest)
        return device_of(self._store, ref), view.guest.state if view else None

    def _values(self, seconds: float) -> float:
        return len(self.refs) * min(seconds, FINE_SLOTS) * len(MEASURES)

    def _choose(self, now: float) -> None:
        """While nobody else did."""
        if self.automatic and now >= self._choose_at and not (self.refs and self._busy()):
            self.refs, self.baseline = first_choice(self._store)
            self._choose_at = now + _CHOOSE_EVERY if self.refs else now

    def _busy(self) -> bool:
        figures = [row.figures.get("iops") for row in self.figures.rows]
        return any(one is not None and (one.mean or 0.0) >= LEAST for one in figures)

    def _follow(self) -> None:
        """A NIC that came back under another name goes on in its row."""
        rows = self.figures.rows
        now = {row.ref: ref for row, ref in zip(rows, follow(self._store, rows), strict=True)}
        if any(old != new for old, new in now.items()):
            self.refs = tuple(dict.fromkeys(now.get(ref, ref) for ref in self.refs))
            if self.baseline is not None:
                self.baseline = now.get(self.baseline, self.baseline)


class Lines:
    """The lines of the chart. Those of many devices are read in steps, once a bucket."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._read: tuple[tuple[object, ...], Window, list[list[float]]] | None = None
        self._asked: tuple[object, ...] | None = None
        self._under_way: tuple[object, ...] | None = None

    def due(
        self, of: Comparison, measure: str, window: Window, now: float
    ) -> Generator[None, None, None] | None:
        """The steps of reading them, in place of those before; None when there is nothing to do.

        now: the end of the chart; the last buckets of its window lie ahead of it.
        """
        what = _what(of, measure, window)
        asked = (what, window, now // window.step)
        if _small(of, window) or asked == self._asked or what == self._under_way:
            return None
        self._asked, self._under_way = asked, what
        return self._steps(asked, of, measure, window)

    def window(self, of: Comparison, measure: str, window: Window) -> Window:
        """Of the newest lines that there are, which can be a little older than asked for."""
        mine = None if _small(of, window) else self._of(_what(of, measure, window))
        return mine[0] if mine else window

    def get(self, of: Comparison, measure: str, window: Window) -> list[list[float]] | None:
        """One line a row, in a window that `window` gave; None: not read yet."""
        if _small(of, window):
            return traces(self._store, of, measure, window.end, window.step, window.count)
        mine = self._of(_what(of, measure, window))
        return mine[1] if mine else None

    def _of(self, what: tuple[object, ...]) -> tuple[Window, list[list[float]]] | None:
        return self._read[1:] if self._read and self._read[0] == what else None

    def _steps(
        self, asked: tuple[object, ...], of: Comparison, measure: str, window: Window
    ) -> Generator[None, None, None]:
        lines = yield from tracing(self._store, of, measure, window.end, window.step, window.count)
        if self._asked is asked:
            self._read, self._under_way = (_what(of, measure, window), window, lines), None


def _small(of: Comparison, window: Window) -> bool:
    return len(of.rows) * min(window.span, FINE_SLOTS) <= _LINES_AT_ONCE


def _what(of: Comparison, measure: str, window: Window) -> tuple[object, ...]:
    """Lines of what, whatever the time."""
    rows = ((row.ref, row.cls) for row in of.rows)
    return (measure, window.step, window.count, window.wide, *rows)


def of_guests(store: Store, guests: Sequence[GuestKey]) -> tuple[DeviceRef, ...]:
    """All disks of these guests; without any, their NICs; else what is passed through to them."""
    wanted = set(guests)
    found = [one for one in candidates(store) if one.ref.guest in wanted and _fixed(one)]
    for kind in _KINDS:
        mine = tuple(one.ref for one in found if one.ref.kind is kind)
        if mine:
            return mine
    return ()


def _fixed(one: Candidate) -> bool:
    """Not a drive that nobody uses now."""
    return one.busy or not one.removable
