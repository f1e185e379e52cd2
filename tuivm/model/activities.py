"""What is being done to which guest now: shown in its row while it lasts. Pure."""

from __future__ import annotations

from typing import NamedTuple

from tuivm.model.guests import GuestKey

SHUTDOWN_PATIENCE = 60.0
"""Seconds a guest is given to react to a shutdown request before the person is asked."""


class Activity(NamedTuple):
    """label: "shutting down". until: monotonic seconds at which patience ends, None for never."""

    label: str
    started: float
    until: float | None = None

    def text(self, now: float) -> str:
        """What the row shows: first the seconds left where there is a limit, as rows are cut."""
        if self.until is None:
            return self.label
        return f"{max(0.0, self.until - now):.0f}s {self.label}"


class Activities:
    """What is being done to each guest, in the order in which it began.

    Actions on one guest may overlap, so an activity ends as the object that it began as. There is
    at most one for whose end somebody waits: a new wait takes the place of the one before.
    """

    def __init__(self) -> None:
        self._by_guest: dict[GuestKey, tuple[Activity, ...]] = {}

    def begin(self, key: GuestKey, activity: Activity) -> None:
        if activity.until is not None and (waited := self.wait(key)) is not None:
            self.end(key, waited)
        self._by_guest[key] = (*self._by_guest.get(key, ()), activity)

    def end(self, key: GuestKey, activity: Activity) -> None:
        """Nothing happens where it has ended before."""
        left = tuple(one for one in self._by_guest.get(key, ()) if one is not activity)
        if left:
            self._by_guest[key] = left
        else:
            self._by_guest.pop(key, None)

    def text(self, key: GuestKey, now: float) -> str:
        """What the row shows: the newest, "" when nothing is being done."""
        activity = self.get(key)
        return activity.text(now) if activity else ""

    def get(self, key: GuestKey) -> Activity | None:
        """The newest."""
        activities = self._by_guest.get(key)
        return activities[-1] if activities else None

    def wait(self, key: GuestKey) -> Activity | None:
        """The one for whose end somebody waits."""
        activities = self._by_guest.get(key, ())
        return next((one for one in activities if one.until is not None), None)

    def waiting(self) -> tuple[GuestKey, ...]:
        """Guests for whose reaction to a shutdown somebody waits."""
        return tuple(key for key in self._by_guest if self.wait(key) is not None)

    def overdue(self, now: float) -> tuple[GuestKey, ...]:
        waits = ((key, self.wait(key)) for key in self._by_guest)
        return tuple(
            key
            for key, wait in waits
            if wait is not None and wait.until is not None and wait.until <= now
        )
