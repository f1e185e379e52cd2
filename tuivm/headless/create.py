"""`tuivm create SPEC`: a guest from a spec in a file, with the same preflight as the wizard."""

from __future__ import annotations

import argparse
import json
import shlex
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, TextIO

from tuivm.cli import Exit
from tuivm.headless import documents
from tuivm.headless.statusline import StatusLine
from tuivm.headless.waiting import POLL, signals_as_exceptions, wait_for
from tuivm.model.createports import CreatePort, CreationRun
from tuivm.model.creation import Created, CreationPlan, CreationProgress, VolumeOrder
from tuivm.model.findings import Finding, Severity
from tuivm.model.hosts import HostSpec, Problem
from tuivm.model.spec import Spec
from tuivm.model.units import byte_count, visible
from tuivm.specfile import SpecError, load

if TYPE_CHECKING:
    from tuivm.creation import Drawn

CLEANING = 120.0
"""Seconds that a creation which was stopped has to remove what it made: a call that cannot be
broken off, such as the copy of a disk, comes to its end first."""


def create_command(
    arguments: argparse.Namespace,
    specs: Sequence[HostSpec],
    port: Callable[[HostSpec], CreatePort],
    out: TextIO,
    err: TextIO,
) -> Exit:
    """Carry out `tuivm create …`. port: the way to create guests on a host."""
    if len(specs) != 1:
        names = ", ".join(visible(spec.name) for spec in specs)
        err.write(f"tuivm: a guest is created on one host: name one of {names} with -c\n")
        return Exit.USAGE
    try:
        spec = _read(arguments.spec)
    except (OSError, UnicodeDecodeError, SpecError) as error:
        words = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        err.writelines(
            f"tuivm: {visible(line)}\n" for line in f"{arguments.spec}: {words}".split("\n")
        )
        return Exit.USAGE
    if arguments.start is not None:
        spec = spec._replace(start=arguments.start)
    return _Command(arguments, specs[0], port(specs[0]), out, err).run(spec)


def _read(name: str) -> Spec:
    text = sys.stdin.read() if name == "-" else Path(name).read_text(encoding="utf-8")
    return load(text)


class _Command:
    def __init__(
        self,
        arguments: argparse.Namespace,
        host: HostSpec,
        port: CreatePort,
        out: TextIO,
        err: TextIO,
    ) -> None:
        from tuivm.creation import Creation  # noqa: PLC0415 - for this command alone

        self._arguments = arguments
        self._host = host
        self._creation = Creation(port)
        self._out = out
        self._line = StatusLine(err)

    def run(self, spec: Spec) -> Exit:
        line = self._line
        line.say(f"Asking {self._host.name} what it offers", log=False)
        drawn = wait_for(self._creation.draw(spec))
        line.end()
        plan = drawn.plan
        if plan is None:
            self._complain(drawn.problem or Problem(f"{self._host.name} did not answer"))
            self._tell(drawn, None)
            return Exit.UNREACHABLE if drawn.offer is None else Exit.FAILED
        for finding in drawn.findings:
            self._show(finding)
        if _stops(drawn.findings):
            self._tell(drawn, None)
            return Exit.FAILED
        if self._arguments.print_xml:
            self._out.write(plan.xml if plan.xml.endswith("\n") else f"{plan.xml}\n")
            return Exit.FINE
        if self._arguments.dry_run:
            self._tell(drawn, None)
            return Exit.FINE
        if not self._accepted(drawn.findings):
            self._tell(drawn, None)
            return Exit.FAILED
        created = self._create(plan)
        self._tell(drawn, created)
        return Exit.FINE if created.problem is None else Exit.FAILED

    def _accepted(self, findings: Sequence[Finding]) -> bool:
        """Every warning is accepted: beforehand, or by a person who is asked, one by one."""
        asked = self._arguments.spec != "-" and sys.stdin.isatty()
        for finding in findings:
            if finding.severity is not Severity.WARNING or self._arguments.yes:
                continue
            if finding.id in self._arguments.accept:
                continue
            if not asked:
                self._line.note(
                    f"nobody accepted the warning: --accept {finding.id} does, or --yes"
                )
                return False
            self._line.ask(f"Accept this: {finding.what}? [y/N] ")
            if sys.stdin.readline().strip().lower() not in ("y", "yes"):
                return False
        return True

    def _create(self, plan: CreationPlan) -> Created:
        # Written by this thread alone: where nobody reads any more, that must not end the other's.
        heard: SimpleQueue[CreationProgress] = SimpleQueue()
        with signals_as_exceptions():
            run = self._creation.create(plan, heard.put)
            try:
                self._follow(run, heard)
                return run.result.result()
            finally:
                if not run.result.done():
                    self._stop(run)
                with suppress(BrokenPipeError):
                    self._line.end()

    def _follow(self, run: CreationRun, heard: SimpleQueue[CreationProgress]) -> None:
        said = ""
        while True:
            # Asked first: what is said before the end is heard by then.
            over = run.result.done()
            try:
                progress = heard.get(block=not over, timeout=POLL)
            except Empty:
                if over:
                    return
                continue
            self._line.say(_words(progress), log=progress.now != said)
            said = progress.now

    def _stop(self, run: CreationRun) -> None:
        """Wait until what was made is removed, whether anybody reads of it or not."""
        run.cancel()
        with suppress(BrokenPipeError):
            self._line.note("Stopping: what was made is being removed")
        try:
            created = run.result.result(CLEANING)
        except TimeoutError:
            with suppress(BrokenPipeError):
                self._line.note("Not all was removed in time")
            return
        with suppress(BrokenPipeError):
            self._tell_left(created)
            if created.problem is None:
                self._line.note(f"{created.name} had been created before it could be stopped")

    def _tell(self, drawn: Drawn, created: Created | None) -> None:
        """What there is to say on standard output, and what failed on the other."""
        if created is not None and created.problem is not None:
            self._complain(created.problem)
            for step in created.steps:
                self._line.note(f"{step.what}: {step.reason}" if not step.done else step.what)
            self._tell_left(created)
        if self._arguments.json:
            json.dump(_document(self._host, drawn, created), self._out, indent=2)
            self._out.write("\n")
        elif created is not None and created.problem is None:
            state = ", and it runs" if created.started else ""
            text = f"Created {created.name} on {self._host.name} ({created.uuid}){state}."
            self._out.write(f"{visible(text)}\n")
        elif self._arguments.dry_run and drawn.plan is not None and not _stops(drawn.findings):
            self._out.writelines(f"{visible(line)}\n" for line in _outline(drawn.plan))

    def _tell_left(self, created: Created) -> None:
        for words in created.left:
            self._line.note(f"not removed: {words}")

    def _complain(self, problem: Problem) -> None:
        reason = f": {problem.reason}" if problem.reason else ""
        self._line.note(f"{problem.what}{reason}")
        if problem.cause:
            self._line.more(f"likely cause: {problem.cause}")
        if problem.remedy:
            self._line.more(f"remedy: {problem.remedy}")

    def _show(self, finding: Finding) -> None:
        field = f" ({finding.field})" if finding.field else ""
        self._line.note(f"{finding.severity.value}: {finding.what}{field} [{finding.id}]")
        if finding.why:
            self._line.more(f"why: {finding.why}")
        if finding.remedy:
            self._line.more(f"remedy: {finding.remedy}")


def _stops(findings: Sequence[Finding]) -> bool:
    return any(finding.severity is Severity.ERROR for finding in findings)


def _words(progress: CreationProgress) -> str:
    """ "Filling images/web.qcow2  42 %, 12M of 30M"."""
    if progress.done is None:
        return progress.now
    if not progress.total:
        return f"{progress.now}  {byte_count(progress.done)}"
    share = progress.done / progress.total
    sizes = f"{byte_count(progress.done)} of {byte_count(progress.total)}"
    return f"{progress.now}  {share:.0%}, {sizes}"


def _outline(plan: CreationPlan) -> list[str]:
    """What would be done, a line each, and what does the same."""
    lines = [f"make the pool {pool.name} in {pool.path}" for pool in plan.pools]
    lines += [_ordered(order) for order in plan.volumes]
    lines.append(f"define {plan.spec.name}")
    if plan.spec.autostart:
        lines.append(f"start {plan.spec.name} with its host")
    if plan.spec.start:
        lines.append(f"start {plan.spec.name}")
    lines += [f"after the first boot: remove {one.path or one.volume}" for one in plan.temporary]
    if plan.command:
        lines += ["", shlex.join(plan.command)]
    return lines


def _ordered(order: VolumeOrder) -> str:
    placed = order.placed
    name = f"{placed.pool}/{placed.volume}"
    size = f" of {byte_count(order.capacity)}" if order.capacity else ""
    if order.upload:
        return f"upload {order.upload} to {name}"
    if order.fetch:
        return f"fetch {order.fetch} into {name}"
    if order.seed is not None:
        return f"make cloud-init's seed {name}"
    if order.clone is not None:
        return f"copy {order.clone.path or order.clone.volume} to {name}"
    over = order.backing
    below = f" over {over.path or over.volume}" if over is not None else ""
    return f"make {name}{size}{below}"


def _document(host: HostSpec, drawn: Drawn, created: Created | None) -> dict[str, Any]:
    plan = drawn.plan
    problem = drawn.problem if created is None else created.problem
    return {
        "schema": documents.SCHEMA,
        "host": host.name,
        "name": plan.spec.name if plan is not None else None,
        "uuid": plan.spec.uuid or None if plan is not None else None,
        "created": created is not None and created.problem is None,
        "started": created is not None and created.started,
        "problem": documents.problem(problem),
        "findings": [
            {
                "id": one.id,
                "severity": one.severity.value,
                "what": one.what,
                "why": one.why or None,
                "remedy": one.remedy or None,
                "field": one.field or None,
            }
            for one in drawn.findings
        ],
        "volumes": [
            {
                "pool": order.placed.pool,
                "name": order.placed.volume,
                "path": order.placed.path or None,
                "format": order.placed.format,
                "capacity": order.capacity or None,
            }
            for order in (plan.volumes if plan is not None else ())
        ],
        "xml": plan.xml or None if plan is not None else None,
        "first_xml": plan.first_xml or None if plan is not None else None,
        "command": list(plan.command) if plan is not None else [],
        "steps": [
            {"what": step.what, "done": step.done, "reason": step.reason or None}
            for step in (created.steps if created is not None else ())
        ],
        "left": list(created.left) if created is not None else [],
    }
