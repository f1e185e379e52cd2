"""What the compare place compares: who chose it, the figures as of now, and what was opened."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from tuivm.model.choices import Candidate, baseline_of, candidates, first_choice, follow
from tuivm.model.comparing import compare
from tuivm.model.comparison import MEASURES, Comparison, DeviceRef, Row
from tuivm.model.devices import Device, DeviceKind
from tuivm.model.guests import GuestKey, GuestState
from tuivm.model.history import FINE_SLOTS
from tuivm.model.iomix import LEAST
from tuivm.model.readings import device_of
from tuivm.model.recorded import Recorded, record
from tuivm.model.store import Store

_VALUES_A_SECOND = 4_000
"""So many values of the history may go into figures each second, which takes about 10 ms: a
comparison of more is computed less often."""
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

    def choose(self, refs: Iterable[DeviceRef], baseline: DeviceRef | None = None) -> None:
        """Compare these from now on; with the baseline that suits best when none is given."""
        self.refs = tuple(dict.fromkeys(refs))
        self.baseline = baseline or baseline_of(self._store, self.refs)
        self.automatic = not self.refs

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

    def compute(self, now: float, end: float, seconds: float, *, held: bool) -> Comparison:
        """The figures of the `seconds` up to `end`; as they were, when they are as good as new.

        held: the end stands still.
        """
        if self.automatic and not (self.refs and self._busy()):
            self.refs, self.baseline = first_choice(self._store)
        there = [self._now(ref) for ref in self.refs]
        asked = (self.refs, self.baseline, seconds, end if held else None, *there)
        values = len(self.refs) * min(seconds, FINE_SLOTS) * len(MEASURES)
        lasts = int(max(_SHARE * seconds, values / _VALUES_A_SECOND))
        if asked != self._asked or (not held and now - self._computed_at >= max(1, lasts)):
            self._follow()
            self.figures = compare(
                self._store, self.refs, self.baseline, end, seconds, known=self.figures.rows
            )
            self._asked, self._computed_at = asked, now
        return self.figures

    def kept(self, now: float, wall: float) -> Recorded | None:
        """The figures with their series, to be saved; None when nothing is compared.

        wall: clock time now, in s since the epoch.
        """
        if not self.figures.rows:
            return None
        return record(self._store, self.figures, wall - (now - self.figures.end))

    def _now(self, ref: DeviceRef) -> tuple[Device | None, GuestState | None]:
        view = self._store.guest(ref.guest)
        return device_of(self._store, ref), view.guest.state if view else None

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
