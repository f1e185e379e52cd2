"""What is asked of a host itself, and of its devices: carried out, recorded and told."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import TYPE_CHECKING, TypeVar

from tuivm import logs
from tuivm.jobs import problem_text, user_name
from tuivm.model.hosts import Problem
from tuivm.model.requests import Outcome

if TYPE_CHECKING:
    from tuivm.commands.base import Desk
    from tuivm.model.hostrequests import HostRequest

T = TypeVar("T")
SLOW = 1.0
"""Seconds after which a person wonders whether the key was heard."""


async def said_if_slow(desk: Desk, asked: Awaitable[T], text: str) -> T:
    """Wait for an answer; one that takes its time is said to be waited for."""
    waited = asyncio.ensure_future(asked)
    done, _ = await asyncio.wait([waited], timeout=SLOW)
    if not done:
        desk.say(text)
    return await waited


async def act_on_host(desk: Desk, host: str, label: str, request: HostRequest) -> Outcome:
    """See `Desk.act_on_host`. Each step is told; of a problem all that is known."""
    port = desk.host(host)
    if port is None:
        gone = f"{host} is no longer in the list of hosts"
        outcome = Outcome(Problem(f"{label}: not done", gone))
    else:
        asked = asyncio.wrap_future(port.devices().act(request))
        outcome = await said_if_slow(desk, asked, f"{host}: {label}")
        problem = outcome.problem
        result = "done" if problem is None else f"failed: {problem.reason or problem.what}"
        logs.audit_host(user_name(), host, port.spec.uri, request, result)
    if outcome.problem is not None:
        desk.say(f"{host}: {problem_text(outcome)}", bad=True)
    else:
        steps = [step.what + (f" ({step.reason})" if step.reason else "") for step in outcome.steps]
        desk.say(f"{host}: " + ("; ".join(steps) or f"{label}: done"))
    return outcome
