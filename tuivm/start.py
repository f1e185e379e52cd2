"""Starts the user interface on libvirt's hosts and sees to it that it ends, whatever hangs."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import select
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import wait
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from tuivm import config, targets
from tuivm.early import EarlyHosts
from tuivm.hypervisor.maker import LibvirtHosts
from tuivm.model.guests import GuestKey
from tuivm.model.hosts import HostSpec
from tuivm.options import Options

if TYPE_CHECKING:
    from tuivm.app import TuivmApp

GRACE = 1.5
"""Seconds that an ordered end may take after a signal before the process just ends."""
LAB_GRACE = 10.0
"""Seconds that the Lab or the demo may take to remove its guests; the next start finds the rest."""
CREATION_GRACE = 10.0
"""Seconds that a creation may take to remove what it made; what is left then has to go by hand."""
WATCH_EVERY = 1.0


def run(options: Options, demo: Sequence[GuestKey] | str = ()) -> int:
    """Open the user interface; returns the exit code. The environment is settled already.

    demo: the guests of `tuivm demo`, the name of the host of `tuivm demo --host`, () for neither.
    """
    problems = list(options.notices)
    specs: tuple[HostSpec, ...] = ()
    conf = targets.read_libvirt_conf(os.environ, root=targets.is_root())
    settings = config.load(options.config_path, aliases=conf.aliases).config
    try:
        slow = options.slow or settings.slow
        specs = targets.choose(options, settings.hosts, conf, os.environ, slow=slow)
    except targets.TargetError as error:
        problem = error.problem
        problems.append(f"{problem.what}: {problem.reason}\n{problem.remedy}")
    hosts = EarlyHosts(LibvirtHosts(), specs)
    # Late: the hosts answer while all this is imported.
    from tuivm.app import TuivmApp  # noqa: PLC0415
    from tuivm.model.columns import COLUMNS  # noqa: PLC0415
    from tuivm.themes import load_themes  # noqa: PLC0415

    themes = load_themes()
    names = tuple(theme.name for theme in themes.themes)
    columns = tuple(column.id for column in COLUMNS)
    loaded = config.load(options.config_path, columns=columns, themes=names, aliases=conf.aliases)
    make: Callable[..., TuivmApp] = TuivmApp
    if isinstance(demo, str):
        from tuivm.hostdemoapp import HostDemoApp  # noqa: PLC0415 - for the demo alone

        make = partial(HostDemoApp, demo)
    elif demo:
        from tuivm.demoapp import DemoApp  # noqa: PLC0415 - for the demo alone

        make = partial(DemoApp, demo)
    app = make(hosts, specs, options, loaded, problems=problems, themes=themes)
    # What there is now stays: later collections need not walk through it, nor keys wait for that.
    gc.freeze()
    gc.enable()
    code = asyncio.run(_run(app))
    # The terminal is the shell's again; the Lab's guests still have to go.
    if not app.lab_desk.wait(0.0):
        _say("tuivm: removing what the lab made\n")
        app.lab_desk.wait(LAB_GRACE)
    # They were told to stop when the hosts were closed.
    if left := [run.result for run in app.creations]:
        _say("tuivm: removing what was made for a guest that is not complete\n")
        if wait(left, CREATION_GRACE).not_done:
            _say("tuivm: that takes too long: some of its volumes may be left\n")
    # After a crash there is no result, only Textual's own code.
    return (app.return_code or 0) if code is None else code


def _say(text: str) -> None:
    """What comes after it has to be done all the same where the terminal is gone."""
    with suppress(OSError):
        sys.stderr.write(text)
        sys.stderr.flush()


async def _run(app: TuivmApp) -> int | None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGHUP, signal.SIGTERM):
        loop.add_signal_handler(number, _end, app, number)
    watch = loop.create_task(_watch_terminal(app))
    try:
        return await app.run_async()
    finally:
        watch.cancel()


async def _watch_terminal(app: TuivmApp) -> None:
    """End when the terminal is gone and nobody sends SIGHUP (tuivm did not lead its session).

    Textual's input thread would read the end of the file for ever, at a whole core.
    """
    poll = select.poll()
    poll.register(sys.__stdin__.fileno() if sys.__stdin__ else 0, select.POLLHUP)
    while not any(events & (select.POLLHUP | select.POLLNVAL) for _, events in poll.poll(0)):
        await asyncio.sleep(WATCH_EVERY)
    _end(app, signal.SIGHUP)


def _end(app: TuivmApp, number: signal.Signals) -> None:
    """The terminal went away, or somebody wants us to end: guests are not touched."""
    code = 128 + number
    logging.getLogger("tuivm").info("ended by %s", number.name)
    # A terminal that is gone takes no more output, and what cannot be written would hold us.
    grace = GRACE + LAB_GRACE if app.owns_guests else GRACE
    for run in app.creations:
        run.cancel()
        grace = max(grace, GRACE + CREATION_GRACE)
    timer = threading.Timer(grace, os._exit, (code,))
    timer.daemon = True
    timer.start()
    app.exit(code)
