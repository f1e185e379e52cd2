"""What is being done to which guest now: shown in its row while it lasts. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from tuivm.model.guests import GuestKey

SHUTDOWN_PATIENCE = 60.0
"""Seconds a guest is given to react to a shutdown request before the person is asked."""


@dataclass(frozen=True, slots=True)
class Activity:
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
    """At most one activity a guest: the newest."""

    def __init__(self) -> None:
        self._by_guest: dict[GuestKey, Activity] = {}

    def begin(self, key: GuestKey, activity: Activity) -> None:
        self._by_guest[key] = activity

    def end(self, key: GuestKey) -> None:
        self._by_guest.pop(key, None)

    def text(self, key: GuestKey, now: float) -> str:
        activity = self._by_guest.get(key)
        return activity.text(now) if activity else ""

    def get(self, key: GuestKey) -> Activity | None:
        return self._by_guest.get(key)

    def waiting(self) -> tuple[GuestKey, ...]:
        """Guests for whose reaction to a shutdown somebody waits."""
        return tuple(key for key, value in self._by_guest.items() if value.until is not None)

    def overdue(self, now: float) -> tuple[GuestKey, ...]:
        return tuple(
            key
            for key, value in self._by_guest.items()
            if value.until is not None and value.until <= now
        )
