"""What is asked of a host itself, and of its devices: carried out, recorded and told."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from tuivm import logs
from tuivm.jobs import problem_text, user_name
from tuivm.model.hosts import Problem
from tuivm.model.requests import Outcome

if TYPE_CHECKING:
    from tuivm.commands.base import Desk
    from tuivm.model.hostrequests import HostRequest


async def act_on_host(desk: Desk, host: str, label: str, request: HostRequest) -> Outcome:
    """See `Desk.act_on_host`. Each step is told; of a problem all that is known."""
    port = desk.host(host)
    if port is None:
        gone = f"{host} is no longer in the list of hosts"
        outcome = Outcome(Problem(f"{label}: not done", gone))
    else:
        outcome = await asyncio.wrap_future(port.devices().act(request))
        problem = outcome.problem
        result = "done" if problem is None else f"failed: {problem.reason or problem.what}"
        logs.audit_host(user_name(), host, port.spec.uri, request, result)
    if outcome.problem is not None:
        desk.say(f"{host}: {problem_text(outcome)}", bad=True)
    else:
        steps = [step.what + (f" ({step.reason})" if step.reason else "") for step in outcome.steps]
        desk.say(f"{host}: " + ("; ".join(steps) or f"{label}: done"))
    return outcome
