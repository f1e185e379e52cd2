"""`tuivm lab run` and `clean`, and the way to the commands about results that were kept."""

from __future__ import annotations

import argparse
import os
import shlex
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, TextIO

from tuivm import environment, labruns
from tuivm.cli import Exit
from tuivm.headless import labkept
from tuivm.headless.labprogress import ProgressLine
from tuivm.headless.waiting import POLL, signals_as_exceptions, wait_for
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

if TYPE_CHECKING:
    from tuivm.laboratory import Running

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
    """What the command line asks for. Raises LabPortError for a model that has no part in it."""
    experiments = [Experiment(lesson) for lesson in dict.fromkeys(arguments.lesson)]
    of_models = _experiments_of(arguments.models or ())
    if not (arguments.storage or arguments.network):
        experiments = [one for one in of_models.values() if one not in experiments] + experiments
    if arguments.network:
        experiments.insert(0, Experiment.NETWORK)
    if arguments.storage or not experiments:
        experiments.insert(0, Experiment.STORAGE)
    for model, experiment in of_models.items():
        if experiment not in experiments:
            raise LabPortError(f"{model} is compared in {experiment.value}: ask for that too.")
    backings = {}
    if arguments.backing:
        backings[Experiment.STORAGE] = Backing(arguments.backing)
        backings[Experiment.IOTHREAD] = Backing(arguments.backing)
    if arguments.nic_backing:
        backings[Experiment.NETWORK] = Backing(arguments.nic_backing)
    return LabRequest(
        experiments=tuple(dict.fromkeys(experiments)),
        length=Length.FULL if arguments.full else Length.QUICK,
        models=arguments.models,
        backings=backings,
        passthrough=tuple(arguments.passthrough),
        accelerator={"kvm": "kvm", "tcg": "qemu"}.get(arguments.accelerator, ""),
        seed=arguments.seed,
    )


def _experiments_of(models: Sequence[str]) -> dict[str, Experiment]:
    """By model; without those that are not known, of which the plan will complain."""
    from tuivm.lab.models import BY_ID  # noqa: PLC0415 - for this command alone

    return {one: BY_ID[one].subject.experiment for one in models if one in BY_ID}


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

    request = request_of(arguments)
    if arguments.name is not None:
        labruns.check_free(arguments.name)
    build = partial(appliance.build, kernel=arguments.kernel, modules=arguments.modules)
    lab = Laboratory(specs, build=build)
    host = specs[0].name
    line = ProgressLine(err)
    line.note(f"Asking {host} what it can do")
    offer = wait_for(lab.offer(host))
    if offer.problem:
        raise LabPortError(offer.problem)
    _tell_leftovers(lab, specs[0], line)
    plan = lab.plan(offer, request)
    _tell_plan(offer, plan, line)
    heard: SimpleQueue[Progress] = SimpleQueue()
    with signals_as_exceptions():
        running = lab.begin(offer, plan, heard.put, arguments.name or "")
        try:
            last = _follow(heard, line)
        finally:
            # On Ctrl+C, and also where nobody reads what is said any more: guests must not stay.
            if not running.over:
                running.stop()
                _tell_stopping(running, line)
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


def _tell_stopping(running: Running, line: ProgressLine) -> None:
    """Wait until everything is removed; whether anybody reads of it or not."""
    with suppress(BrokenPipeError):
        line.note("Stopping: the guests are being removed")
    removed = running.wait(CLEANING)
    with suppress(BrokenPipeError):
        if not removed:
            line.note("Not all was removed in time: `tuivm lab clean` does it")
        elif running.last.phase is Phase.FAILED:
            # Perhaps that the result could not be kept.
            line.note(running.last.problem)
        elif any(one.round for one in running.last.run.trials):
            line.note(f"What was measured so far is kept as {running.last.run.name}")


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
    left = wait_for(lab.leftovers(spec.name))
    if left:
        things = _number(len(left), "thing")
        connect = f" -c {shlex.quote(spec.uri)}" if spec.uri else ""
        line.note(
            f"A lab that ended badly left {things} on {spec.name} ({_named(left)}): "
            f"`tuivm{connect} lab clean` removes them"
        )


def _tell_plan(offer: LabOffer, plan: Plan, line: ProgressLine) -> None:
    what = ", ".join(one.value for one in plan.experiments)
    line.note(
        f"{what}: {_number(len(plan.subjects), 'model')}, {_number(plan.rounds, 'round')}, "
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
    asked = []
    code = Exit.FINE
    for spec in specs:
        try:
            left = wait_for(lab.leftovers(spec.name))
            found.extend(left)
            asked.append(visible(spec.name))
        except LabPortError as error:
            code = labkept.complain(error, err)
    if not found:
        if asked:
            out.write(f"No lab that has ended left anything on {', '.join(asked)}.\n")
        return code
    for one in found:
        detail = f" ({one.detail})" if one.detail else ""
        out.write(visible(f"{one.host}: {one.kind} {one.name}{detail}") + "\n")
    out.flush()
    if not arguments.yes and not _agreed(len(found), err):
        out.write("Nothing was removed.\n")
        return Exit.FAILED
    wait_for(lab.clean(tuple(found)))
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


def _number(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _named(left: Sequence[Leftover]) -> str:
    names = ", ".join(one.name for one in left[:3])
    return names if len(left) <= 3 else f"{names} …"
