"""`tuivm lab run` and `clean`, and the way to the commands about results that were kept."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from functools import partial
from queue import Empty, SimpleQueue
from typing import TextIO, TypeVar

from tuivm import environment, labruns
from tuivm.cli import Exit
from tuivm.headless import labkept
from tuivm.headless.labprogress import ProgressLine
from tuivm.model.hosts import HostSpec
from tuivm.model.lab import (
    Backing,
    Experiment,
    LabOffer,
    LabRequest,
    Leftover,
    Length,
    Phase,
    Plan,
    Progress,
)
from tuivm.model.labports import LabPort, LabPortError
from tuivm.model.units import duration, visible
from tuivm.options import Options

T = TypeVar("T")

POLL = 0.5
"""Seconds after which Ctrl+C is seen at the latest."""
CLEANING = 60.0
"""Seconds that a run which was stopped has to remove its guests."""


def lab_command(
    arguments: argparse.Namespace,
    options: Options,
    specs: Callable[[], Sequence[HostSpec]],
    out: TextIO,
    err: TextIO,
) -> Exit:
    """Carry out `tuivm lab …`. specs: the hosts that are meant; may raise TargetError."""
    ascii_only = options.ascii or environment.wants_ascii(os.environ)
    try:
        if arguments.lab_command == "run":
            return _run(arguments, specs(), out, err, ascii_only=ascii_only)
        if arguments.lab_command == "clean":
            return _clean(arguments, specs(), out, err)
        return labkept.kept(arguments, out, ascii_only=ascii_only)
    except (LabPortError, labruns.LabRunError) as error:
        return labkept.complain(error, err)


def request_of(arguments: argparse.Namespace) -> LabRequest:
    """What the command line asks for."""
    experiments = [Experiment(lesson) for lesson in dict.fromkeys(arguments.lesson)]
    if arguments.network:
        experiments.insert(0, Experiment.NETWORK)
    if arguments.storage or not experiments:
        experiments.insert(0, Experiment.STORAGE)
    backings = {}
    if arguments.backing:
        backings[Experiment.STORAGE] = Backing(arguments.backing)
        backings[Experiment.IOTHREAD] = Backing(arguments.backing)
    if arguments.nic_backing:
        backings[Experiment.NETWORK] = Backing(arguments.nic_backing)
    return LabRequest(
        experiments=tuple(experiments),
        length=Length.FULL if arguments.full else Length.QUICK,
        models=arguments.models,
        backings=backings,
        passthrough=tuple(arguments.passthrough),
        accelerator={"kvm": "kvm", "tcg": "qemu"}.get(arguments.accelerator, ""),
        seed=arguments.seed,
    )


def _run(
    arguments: argparse.Namespace,
    specs: Sequence[HostSpec],
    out: TextIO,
    err: TextIO,
    *,
    ascii_only: bool,
) -> Exit:
    if len(specs) != 1:
        names = ", ".join(visible(spec.name) for spec in specs)
        err.write(f"tuivm: the Lab measures one host at a time: name one of {names} with -c\n")
        return Exit.USAGE
    from tuivm.lab import appliance  # noqa: PLC0415 - for this command alone
    from tuivm.laboratory import Laboratory  # noqa: PLC0415 - loads libvirt

    if arguments.name:
        labruns.check_free(arguments.name)
    build = partial(appliance.build, kernel=arguments.kernel, modules=arguments.modules)
    lab = Laboratory(specs, build=build)
    host = specs[0].name
    line = ProgressLine(err)
    line.note(f"Asking {host} what it can do")
    try:
        offer = _result(lab.offer(host))
    except LabPortError as error:
        labkept.complain(error, err)
        return Exit.UNREACHABLE
    if offer.problem:
        raise LabPortError(offer.problem)
    _tell_leftovers(lab, specs[0], line)
    plan = lab.plan(offer, request_of(arguments))
    _tell_plan(offer, plan, line)
    heard: SimpleQueue[Progress] = SimpleQueue()
    running = lab.begin(offer, plan, heard.put, arguments.name or "")
    try:
        last = _follow(heard, line)
    except KeyboardInterrupt:
        running.stop()
        line.note("Stopping: the guests are being removed")
        running.wait(CLEANING)
        line.end()
        return Exit.INTERRUPTED
    line.end()
    if last.phase is Phase.FAILED:
        labkept.complain(LabPortError(last.problem or "the run failed"), err)
    if last.phase is Phase.DONE or any(one.round for one in last.run.trials):
        labkept.show(last.run, out, as_json=arguments.json, ascii_only=ascii_only)
    if last.phase is not Phase.DONE:
        return Exit.FAILED
    if not arguments.json:
        out.write(f"\nKept as {visible(last.run.name)}: tuivm lab show, compare, export\n")
    return Exit.FINE


def _follow(heard: SimpleQueue[Progress], line: ProgressLine) -> Progress:
    """Show a run until its last word."""
    while True:
        try:
            progress = heard.get(timeout=POLL)
        except Empty:
            continue
        if progress.phase in (Phase.DONE, Phase.STOPPED, Phase.FAILED):
            return progress
        line.show(progress)


def _tell_leftovers(lab: LabPort, spec: HostSpec, line: ProgressLine) -> None:
    left = _result(lab.leftovers(spec.name))
    if left:
        things = "1 thing" if len(left) == 1 else f"{len(left)} things"
        connect = f" -c {spec.uri}" if spec.uri else ""
        line.note(
            f"A lab that ended badly left {things} on {spec.name} ({_named(left)}): "
            f"`tuivm{connect} lab clean` removes them"
        )


def _tell_plan(offer: LabOffer, plan: Plan, line: ProgressLine) -> None:
    what = ", ".join(one.value for one in plan.experiments)
    line.note(
        f"{what}: {len(plan.subjects)} models, {plan.rounds} rounds, "
        f"{'KVM' if plan.accelerator == 'kvm' else 'TCG'}, about {duration(plan.seconds)}"
    )
    for experiment, backing in plan.backings.items():
        line.note(f"{experiment.value}: backing {backing.value}")
    for one in plan.omitted:
        line.note(f"left out: {one.subject}: {one.why}")
    for remark in offer.remarks:
        line.note(remark)


def _clean(
    arguments: argparse.Namespace, specs: Sequence[HostSpec], out: TextIO, err: TextIO
) -> Exit:
    """List what was left on each host; remove it once that is agreed to."""
    from tuivm.laboratory import Laboratory  # noqa: PLC0415 - loads libvirt

    lab = Laboratory(specs)
    found: list[Leftover] = []
    code = Exit.FINE
    for spec in specs:
        try:
            left = _result(lab.leftovers(spec.name))
            found.extend(left)
        except LabPortError as error:
            labkept.complain(error, err)
            code = Exit.UNREACHABLE
    if not found:
        out.write("Nothing is left of any lab that is no longer running.\n")
        return code
    for one in found:
        detail = f" ({one.detail})" if one.detail else ""
        out.write(visible(f"{one.host}: {one.kind} {one.name}{detail}") + "\n")
    out.flush()
    if not arguments.yes and not _agreed(len(found), err):
        out.write("Nothing was removed.\n")
        return Exit.FAILED
    _result(lab.clean(tuple(found)))
    out.write(f"Removed: {len(found)}.\n")
    return code


def _agreed(number: int, err: TextIO) -> bool:
    """Ask on the terminal; where there is none, nobody has agreed."""
    err.write(f"Remove {'this' if number == 1 else f'these {number}'}? [y/N] ")
    err.flush()
    try:
        return input().strip().lower() in ("y", "yes")
    except EOFError:
        err.write("\ntuivm: nobody to ask: --yes removes without asking\n")
        return False


def _named(left: Sequence[Leftover]) -> str:
    names = ", ".join(one.name for one in left[:3])
    return names if len(left) <= 3 else f"{names} …"


def _result(future: Future[T]) -> T:
    """Wait for it so that Ctrl+C is heard."""
    while True:
        try:
            return future.result(POLL)
        except TimeoutError:
            if future.done():
                raise
