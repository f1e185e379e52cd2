"""`tuivm check`: can this machine virtualize, and what to do if not."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TextIO

from tuivm.cli import Exit
from tuivm.headless.documents import SCHEMA, Document
from tuivm.headless.show import Hosts
from tuivm.headless.table import Column, Table
from tuivm.model.hosts import HostState, Problem
from tuivm.model.snapshot import HostSnapshot
from tuivm.model.units import visible
from tuivm.preflight.host_check import DaemonFacts, HostCheckFacts, checks


@dataclass(frozen=True, slots=True)
class Verdict:
    """words: the whole check in one sentence."""

    can_run_guests: bool
    words: str


def daemons(found: Hosts) -> tuple[DaemonFacts, ...]:
    """What connecting to the hosts tells of their daemons."""
    return tuple(
        DaemonFacts(
            uri=(snapshot.facts.uri if snapshot.facts else "") or spec.uri,
            problem=_one_line(spec.name, snapshot),
            driver=snapshot.facts.driver if snapshot.facts else "",
            version=snapshot.facts.libvirt_version if snapshot.facts else "",
        )
        for spec, snapshot in found
    )


def _one_line(name: str, snapshot: HostSnapshot) -> Problem | None:
    if snapshot.state is HostState.UP:
        return None
    problem = snapshot.problem or Problem(f"{name} is {snapshot.state.value}")
    return problem._replace(reason=" ".join(problem.reason.split()))


def verdict(facts: HostCheckFacts, found: Hosts) -> Verdict:
    """Whether guests can run: a daemon answers, and there is something to run them with."""
    up = [snapshot.facts for _, snapshot in found if snapshot.state is HostState.UP]
    answering = [host for host in up if host is not None and host.driver.upper() != "TEST"]
    if not answering:
        return Verdict(False, "guests cannot run: no libvirt daemon answers")
    if all(host.driver.upper() == "QEMU" for host in answering) and facts.emulators == ():
        return Verdict(False, "guests cannot run: there is no QEMU")
    kinds = {kind for host in answering for kind in host.virt_types}
    if kinds and kinds <= {"qemu"}:
        return Verdict(
            True, "guests can run, but translated (TCG), many times slower than with KVM"
        )
    return Verdict(True, "guests can run")


def show(facts: HostCheckFacts, found: Hosts, out: TextIO, *, as_json: bool) -> Exit:
    """Print each judgement with its reason and remedy, and the verdict."""
    judged = checks(facts)
    result = verdict(facts, found)
    if as_json:
        document: Document = {
            "schema": SCHEMA,
            "can_run_guests": result.can_run_guests,
            "verdict": result.words,
            "checks": [
                {
                    "name": check.name,
                    "state": check.state.value,
                    "reason": check.reason,
                    "remedy": check.remedy,
                }
                for check in judged
            ],
        }
        json.dump(document, out, indent=2)
        out.write("\n")
    else:
        table = Table(Column("CHECK"), Column("STATE"), Column("REASON"))
        lines = table.all_lines([[item.name, item.state.value, item.reason] for item in judged])
        out.write(f"{lines[0]}\n")
        for check, line in zip(judged, lines[1:], strict=True):
            out.write(f"{line}\n")
            for remedy in check.remedy.splitlines():
                out.write(f"    remedy: {visible(remedy)}\n")
        out.write(f"{result.words}\n")
    return Exit.FINE if result.can_run_guests else Exit.FAILED
