"""Carries requests out on many guests, side by side, and tells how each went."""

from __future__ import annotations

import asyncio
import getpass
from collections.abc import Callable, Sequence

from tuivm import logs
from tuivm.model.activities import Activities, Activity
from tuivm.model.guests import GuestKey
from tuivm.model.hosts import Problem
from tuivm.model.ports import HostPort
from tuivm.model.requests import Outcome, Request
from tuivm.model.store import GuestView

Order = tuple[GuestView, Request]


def user_name() -> str:
    """Who sits in front of this program, for the log."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


class Jobs:
    """One action on some guests. Each result is reported as it comes, in any order.

    host: finds a host by name. now: monotonic seconds.
    """

    def __init__(
        self,
        host: Callable[[str], HostPort | None],
        now: Callable[[], float],
        activities: Activities,
    ) -> None:
        self._host = host
        self._now = now
        self._activities = activities
        self._user = user_name()

    async def run(
        self,
        label: str,
        orders: Sequence[Order],
        patience: float | None,
        *,
        began: Callable[[], None],
        ended: Callable[[GuestView, Outcome], None],
    ) -> None:
        """began is called once, when all activities are noted and no host has been asked yet."""
        begun = [Activity(label, self._now()) for _ in orders]
        for (view, _), activity in zip(orders, begun, strict=True):
            self._activities.begin(view.key, activity)
        began()
        await asyncio.gather(
            *(
                self._one(activity, order, patience, ended)
                for activity, order in zip(begun, orders, strict=True)
            )
        )

    async def _one(
        self,
        activity: Activity,
        order: Order,
        patience: float | None,
        ended: Callable[[GuestView, Outcome], None],
    ) -> None:
        view, request = order
        outcome = await self._ask_host(view.key, request)
        self._activities.end(view.key, activity)
        if outcome.ok and patience is not None:
            now = self._now()
            self._activities.begin(view.key, Activity(activity.label, now, now + patience))
        self._log(view, request, outcome)
        ended(view, outcome)

    async def _ask_host(self, key: GuestKey, request: Request) -> Outcome:
        host = self._host(key.host)
        if host is None:
            return Outcome(Problem("not done", f"{key.host} is no longer in the list of hosts"))
        return await asyncio.wrap_future(host.act(key.uuid, request))

    def _log(self, view: GuestView, request: Request, outcome: Outcome) -> None:
        problem = outcome.problem
        host = self._host(view.key.host)
        logs.audit(
            self._user,
            host.spec.uri if host else view.key.host,
            view.key,
            type(request).__name__,
            "done" if problem is None else f"failed: {problem.reason or problem.what}",
            name=view.guest.name,
        )


def problem_text(outcome: Outcome) -> str:
    """What failed, libvirt's words, the likely cause, what to do, and what was done before."""
    problem = outcome.problem or Problem("")
    lines = [f"{problem.what}: {problem.reason}" if problem.reason else problem.what]
    lines += [f"cause: {problem.cause}"] if problem.cause else []
    lines += [f"what to do: {problem.remedy}"] if problem.remedy else []
    for step in outcome.steps:
        lines.append(f"{'done' if step.done else 'not done'}: {step.what} {step.reason}".rstrip())
    return "\n".join(lines)
