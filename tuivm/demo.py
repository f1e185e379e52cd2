"""`tuivm demo`: two live guests, one paravirtual and one emulated, compared; removed at the end."""

from __future__ import annotations

import argparse
import gc
import os
import shlex
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, NoReturn

from tuivm import config, environment, logs, targets
from tuivm.cli import Exit
from tuivm.model.guests import GuestKey
from tuivm.model.hosts import HostSpec
from tuivm.model.ports import Groups
from tuivm.model.units import visible
from tuivm.options import Options

if TYPE_CHECKING:
    from tuivm.lab.demo import Demo
    from tuivm.lab.ports import LabHost

SECONDS = 5
"""Without a terminal, so many seconds of figures are printed."""
SESSION, SYSTEM = "qemu:///session", "qemu:///system"

Interface = Callable[[Options, Sequence[GuestKey]], int]
"""Opens the user interface on these guests; returns the exit code."""


def run_demo(arguments: argparse.Namespace, options: Options, interface: Interface) -> int:
    """Start both guests, show them, and remove them whatever happens."""
    from tuivm.hypervisor.labhost import open_lab_host  # noqa: PLC0415 - loads libvirt
    from tuivm.lab import appliance  # noqa: PLC0415 - for this alone
    from tuivm.lab.demo import Demo  # noqa: PLC0415 - for this alone
    from tuivm.lab.ports import LabError  # noqa: PLC0415 - for this alone

    gc.enable()
    if options.log_path is not None and (warning := logs.start(options.log_path)):
        say(warning)
    if not options.connections:
        # The person's own: no root is needed for it.
        options = options._replace(connections=(SYSTEM if targets.is_root() else SESSION,))
    try:
        specs = _specs(options)
    except targets.TargetError as error:
        problem = error.problem
        say(f"{problem.what}: {problem.reason}\n  remedy: {problem.remedy}")
        return Exit.USAGE
    # Nothing is measured to the limit, which is what fio is for.
    build = partial(
        appliance.build, kernel=arguments.kernel, modules=arguments.modules, with_fio=False
    )
    for number in (signal.SIGTERM, signal.SIGHUP):
        # nohup's stays ignored.
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, leave)
    try:
        host = open_lab_host(specs[0])
    except LabError as error:
        _tell(error)
        return Exit.UNREACHABLE
    demo = Demo(host, build, say=say)
    code: int = Exit.FAILED
    try:
        code = _show(host, demo, specs, options, interface)
    except LabError as error:
        _tell(error)
    except KeyboardInterrupt:
        code = Exit.INTERRUPTED
    finally:
        # Each step of what follows has a deadline of its own.
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        signal.signal(signal.SIGINT, hold_on)
        try:
            demo.close()
        except LabError as error:
            _tell(error)
            code = code or Exit.FAILED
        host.close()
    return code


def _show(
    host: LabHost,
    demo: Demo,
    specs: Sequence[HostSpec],
    options: Options,
    interface: Interface,
) -> int:
    """Raises LabError."""
    _offer_leftovers(host, specs[0])
    made = demo.start(host.abilities())
    if not on_terminal():
        return _print(options, specs[:1])
    keys = [GuestKey(specs[0].name, one.uuid) for one in made]
    return interface(options._replace(notices=tuple(demo.remarks)), keys)


def leave(number: int, _frame: object) -> NoReturn:
    raise SystemExit(128 + number)


def hold_on(number: int, _frame: object) -> None:
    """Who presses Ctrl+C twice does not mean what goes on by then."""
    say("still removing; Ctrl+C again leaves the rest, which the next start finds")
    signal.signal(number, signal.default_int_handler)


def on_terminal() -> bool:
    # Textual draws on standard error.
    return all(stream.isatty() for stream in (sys.stdin, sys.stdout, sys.stderr))


def _offer_leftovers(host: LabHost, spec: HostSpec) -> None:
    """What a killed run left, of a lab or of a demo. Raises LabError."""
    found = host.leftovers()
    if not found:
        return
    things = "1 thing" if len(found) == 1 else f"{len(found)} things"
    say(f"an earlier run that was killed left {things} on {spec.name}:")
    for one in found:
        say(f"  {one.kind} {one.name} ({one.detail})" if one.detail else f"  {one.kind} {one.name}")
    if not on_terminal():
        connect = f" -c {shlex.quote(spec.uri)}" if spec.uri else ""
        say(f"`tuivm{connect} lab clean` removes them")
    elif _agreed():
        host.clean(found)
        say("removed")


def _agreed() -> bool:
    sys.stderr.write("Remove this before the demo begins? [y/N] ")
    sys.stderr.flush()
    # Not `input`, which would write to standard output what asks.
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _specs(options: Options) -> tuple[HostSpec, ...]:
    conf = targets.read_libvirt_conf(os.environ, root=targets.is_root())
    loaded = config.load(options.config_path, aliases=conf.aliases)
    for problem in loaded.problems:
        say(problem)
    return targets.choose(options, loaded.config.hosts, conf, os.environ)


def _print(options: Options, specs: Sequence[HostSpec]) -> int:
    """What the screen would show, for a while."""
    from tuivm.headless import stats  # noqa: PLC0415 - without a terminal alone
    from tuivm.hypervisor.maker import LibvirtHosts  # noqa: PLC0415 - loads libvirt

    ascii_only = options.ascii or environment.wants_ascii(os.environ)
    lines = stats.TableLines(sys.stdout, by_host=False, brief=False, ascii_only=ascii_only)
    return stats.StatsRun(
        specs,
        LibvirtHosts(),
        lines,
        sys.stderr,
        groups=Groups.LIST,
        interval=1.0,
        count=SECONDS,
        timeout=10.0,
    ).run()


def _tell(error: object) -> None:
    what, reason, remedy = (getattr(error, name, "") for name in ("what", "reason", "remedy"))
    say("\n".join(filter(None, (what, reason, f"  remedy: {remedy}" if remedy else ""))))


def say(text: str) -> None:
    lines = "\n".join(map(visible, text.splitlines()))
    # A terminal that was closed is no reason to leave the guests.
    with suppress(OSError):
        sys.stderr.write(f"tuivm demo: {lines}\n")
        sys.stderr.flush()
