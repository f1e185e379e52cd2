"""`tuivm demo`: two live guests, one paravirtual and one emulated, compared; removed at the end."""

from __future__ import annotations

import argparse
import gc
import os
import sys
from collections.abc import Callable, Sequence
from functools import partial

from tuivm import config, environment, logs, targets
from tuivm.cli import Exit
from tuivm.model.guests import GuestKey
from tuivm.model.hosts import HostSpec
from tuivm.model.ports import Groups
from tuivm.model.units import visible
from tuivm.options import Options

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
        _say(warning)
    if not options.connections:
        # The person's own: no root is needed for it.
        options = options._replace(connections=(SYSTEM if targets.is_root() else SESSION,))
    try:
        specs = _specs(options)
    except targets.TargetError as error:
        problem = error.problem
        _say(f"{problem.what}: {problem.reason}\n  remedy: {problem.remedy}")
        return Exit.USAGE
    # Nothing is measured to the limit, which is what fio is for.
    build = partial(
        appliance.build, kernel=arguments.kernel, modules=arguments.modules, with_fio=False
    )
    try:
        host = open_lab_host(specs[0])
    except LabError as error:
        _tell(error)
        return Exit.UNREACHABLE
    demo = Demo(host, build, say=_say)
    code: int = Exit.FAILED
    try:
        if found := host.leftovers():
            _say(f"an earlier run left {len(found)} things behind; `tuivm lab clean` removes them")
        made = demo.start(host.abilities())
        keys = [GuestKey(specs[0].name, one.uuid) for one in made]
        if sys.stdin.isatty() and sys.stdout.isatty():
            code = interface(options, keys)
        else:
            code = _print(options, specs[:1])
    except LabError as error:
        _tell(error)
    except KeyboardInterrupt:
        code = Exit.INTERRUPTED
    finally:
        _say("removing the guests of the demo")
        try:
            demo.close()
        except LabError as error:
            _tell(error)
            code = code or Exit.FAILED
        host.close()
    return code


def _specs(options: Options) -> tuple[HostSpec, ...]:
    conf = targets.read_libvirt_conf(os.environ, root=targets.is_root())
    loaded = config.load(options.config_path, aliases=conf.aliases)
    for problem in loaded.problems:
        _say(problem)
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
    _say("\n".join(filter(None, (what, reason, f"  remedy: {remedy}" if remedy else ""))))


def _say(text: str) -> None:
    lines = "\n".join(map(visible, text.splitlines()))
    sys.stderr.write(f"tuivm demo: {lines}\n")
    sys.stderr.flush()
