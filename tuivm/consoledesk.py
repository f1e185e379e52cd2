"""Opening a guest's serial console: what is asked, the terminal that is lent, and the way back."""

from __future__ import annotations

import asyncio
import os
import shlex
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar, cast

from textual.app import SuspendNotSupported

from tuivm.background import off_the_loop
from tuivm.domainxml.views import views
from tuivm.flow import Flow
from tuivm.model.consoles import ConsoleAnswer, ConsoleLine, ConsoleSinks, Views
from tuivm.model.hosts import HostSpec, Problem
from tuivm.model.ports import HostPort
from tuivm.model.requests import Resume, Start
from tuivm.model.store import GuestView
from tuivm.model.units import visible
from tuivm.screens.dialogs.confirm import Confirm
from tuivm.screens.dialogs.look_at import LookAt
from tuivm.screens.explaining import virsh
from tuivm.terminal import Ended, TerminalLoan

if TYPE_CHECKING:
    from tuivm.app import TuivmApp
    from tuivm.desk import DeskApp

T = TypeVar("T")


def terminal_fds() -> tuple[int, int]:
    """Where keys come from and where the user interface draws."""
    keys, screen = sys.__stdin__, sys.__stderr__
    return (keys.fileno() if keys else 0, screen.fileno() if screen else 2)


async def lend_terminal(app: DeskApp, use: Callable[[], T]) -> T:
    """Have `use`, on a thread of its own, run with the terminal as it was before the program.

    Everything but painting goes on meanwhile. Raises SuspendNotSupported where there is none.
    """
    app.lent = True
    try:
        with app.batch_update(), app.suspend():
            return await off_the_loop(use)
    finally:
        app.lent = False
        # Whoever had the terminal also had its answers.
        cast("TuivmApp", app).flow = Flow()


class Consoles:
    """One console, from the question to the way back."""

    def __init__(self, app: DeskApp) -> None:
        self._app = app

    async def open(self, guest: GuestView) -> None:
        host = self._app.host(guest.key.host)
        if host is None:
            return
        off = not guest.guest.state.active
        answer = await asyncio.wrap_future(host.domain_xml(guest.key.uuid, inactive=off))
        if answer.problem is not None:
            self._refused(guest, answer.problem)
            return
        try:
            found = views(answer.text)
        except ValueError as error:
            self._app.say(f"cannot read its definition: {error}", bad=True, about=guest)
            return
        commands = elsewhere(guest, host.spec, found)
        dialog = LookAt(guest.guest.name, found, off=off, commands=commands)
        device = await self._app.ask(dialog)
        if device is None:
            return
        if off and not await self._done(host, guest, Start(paused=True)):
            return
        await self._connect(host, guest, device, started=off)

    async def _connect(
        self, host: HostPort, guest: GuestView, device: str, *, started: bool
    ) -> None:
        loan = TerminalLoan(*terminal_fds(), linux=os.environ.get("TERM") == "linux")
        line: ConsoleLine | None = None
        try:
            answer = await self._line(host, guest, device, ConsoleSinks(loan.got, loan.ended))
            line = answer.line
            # It was started paused, so that nothing that it says is lost.
            resumed = not started or await self._done(host, guest, Resume())
            if line is not None and resumed:
                await self._lend(guest, loan, line)
            elif answer.problem is not None:
                self._refused(guest, answer.problem)
        finally:
            if line is not None:
                line.close()
            loan.stop()

    async def _line(
        self, host: HostPort, guest: GuestView, device: str, sinks: ConsoleSinks
    ) -> ConsoleAnswer:
        """Open it; one that somebody else may have is taken only when that is asked for."""
        uuid = guest.key.uuid
        answer = await asyncio.wrap_future(host.console(uuid, device, sinks))
        if not answer.taken or answer.problem is None:
            return answer
        lines = (
            f"{guest.guest.label}  on {guest.key.host}",
            answer.problem.reason,
            "",
            "If somebody else has it open, taking it throws them out.",
        )
        if not await self._app.ask(Confirm("Take the console?", lines, "Take it", dangerous=True)):
            return answer._replace(problem=None)
        return await asyncio.wrap_future(host.console(uuid, device, sinks, force=True))

    async def _lend(self, guest: GuestView, loan: TerminalLoan, line: ConsoleLine) -> None:
        name, host = visible(guest.guest.name), visible(guest.key.host)
        greeting = f"Console of {name} on {host}. Ctrl+] comes back to tuivm."

        def use() -> Ended:
            try:
                return loan.run(greeting, line.send)
            finally:
                loan.close()

        try:
            ended = await lend_terminal(self._app, use)
        except SuspendNotSupported:
            loan.close()
            self._app.say("the console needs a terminal of its own", bad=True, about=guest)
            return
        finally:
            loan.stop()
            loan.restore()
        if not ended.left:
            why = f": {ended.why}" if ended.why else ""
            self._app.say(f"its console was closed{why}", bad=bool(ended.why), about=guest)

    async def _done(self, host: HostPort, guest: GuestView, request: Start | Resume) -> bool:
        outcome = await asyncio.wrap_future(host.act(guest.key.uuid, request))
        if outcome.problem is not None:
            self._refused(guest, outcome.problem)
        return outcome.ok

    def _refused(self, guest: GuestView, problem: Problem) -> None:
        lines = (f"{problem.what}: {problem.reason}", problem.cause, problem.remedy)
        text = "\n".join(line for line in lines if line)
        self._app.say(text, bad=True, about=guest)


def elsewhere(guest: GuestView, spec: HostSpec, found: Views) -> tuple[str, ...]:
    """Commands for another terminal or a desktop; the first adds a console where there is none."""
    uuid = guest.key.uuid
    connect = ("--connect", spec.uri) if spec.uri else ()
    commands = []
    if any(not port.refusal for port in found.ports):
        commands.append(virsh(spec, "console", uuid))
    else:
        commands.append(shlex.join(["virt-xml", *connect, uuid, "--add-device", "--serial", "pty"]))
    if found.displays:
        commands.append(shlex.join(["virt-viewer", *connect, uuid]))
        commands.append(virsh(spec, "domdisplay", uuid))
    return tuple(commands)
