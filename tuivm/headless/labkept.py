"""`tuivm lab list`, `show`, `compare` and `export`: results that were kept."""

from __future__ import annotations

import argparse
import io
import json
import time
from collections.abc import Iterable
from typing import TextIO

from tuivm import labexport, labruns
from tuivm.cli import Exit
from tuivm.headless.documents import SCHEMA
from tuivm.headless.labtable import compare_lines, run_lines
from tuivm.headless.table import Column, Table
from tuivm.model.lab import KeptRun, LabRun
from tuivm.model.labcompare import RunComparison, RunRow, compare_runs
from tuivm.model.labports import LabPortError, UnreachableError
from tuivm.model.units import visible


def kept(arguments: argparse.Namespace, out: TextIO, *, ascii_only: bool) -> Exit:
    """Carry one of them out. Raises LabRunError and LabPortError."""
    if arguments.lab_command == "list":
        _list(labruns.listed(), out, as_json=arguments.json)
        return Exit.FINE
    run = labruns.find(arguments.name)
    if arguments.lab_command == "show":
        show(run, out, as_json=arguments.json, ascii_only=ascii_only)
    elif arguments.lab_command == "compare":
        found = compare_runs(run, labruns.find(arguments.other))
        _compare(found, out, as_json=arguments.json, ascii_only=ascii_only)
    elif arguments.output is None:
        if isinstance(out, io.TextIOWrapper):
            # Documents are UTF-8, whatever the locale.
            out.reconfigure(encoding="utf-8")
        out.write(labexport.text_of(run, arguments.format))
    else:
        labexport.export(run, arguments.format, arguments.output)
    return Exit.FINE


def show(run: LabRun, out: TextIO, *, as_json: bool, ascii_only: bool) -> None:
    """The whole run as JSON, or tables and words."""
    if as_json:
        out.write(labexport.text_of(run, "json"))
    else:
        _print(run_lines(run, ascii_only=ascii_only), out, ascii_only=ascii_only)


def _print(lines: Iterable[str], out: TextIO, *, ascii_only: bool) -> None:
    # The one sign of units that is not ASCII.
    out.writelines(f"{line.replace('µs', 'us') if ascii_only else line}\n" for line in lines)


def _list(runs: list[KeptRun], out: TextIO, *, as_json: bool) -> None:
    if as_json:
        document = {"schema": SCHEMA, "runs": [_document(one) for one in runs]}
        json.dump(document, out, indent=2)
        out.write("\n")
        return
    table = Table(
        Column("NAME"),
        Column("TAKEN"),
        Column("HOST"),
        Column("RAN AS"),
        Column("EXPERIMENTS"),
        Column("STATE"),
    )
    rows = [
        [
            one.name,
            "" if one.taken is None else time.strftime("%F %H:%M", time.localtime(one.taken)),
            one.host,
            {"kvm": "KVM", "qemu": "TCG"}.get(one.accelerator, one.accelerator),
            ", ".join(each.value for each in one.experiments),
            one.problem or ("complete" if one.complete else "not complete"),
        ]
        for one in runs
    ]
    out.writelines(f"{line}\n" for line in table.all_lines(rows))


def _document(one: KeptRun) -> dict[str, object]:
    return {**one._asdict(), "experiments": [each.value for each in one.experiments]}


def _compare(found: RunComparison, out: TextIO, *, as_json: bool, ascii_only: bool) -> None:
    if not as_json:
        _print(compare_lines(found), out, ascii_only=ascii_only)
        return
    document = {
        "schema": SCHEMA,
        "a": found.a.name,
        "b": found.b.name,
        "differs": list(found.differs),
        "measures": [_row(row) for row in found.rows],
    }
    json.dump(document, out, indent=2)
    out.write("\n")


def _row(row: RunRow) -> dict[str, object]:
    intervals = {"a": row.a, "b": row.b, "ratio": row.ratio}
    intervals |= {"a_ratio": row.a_ratio, "b_ratio": row.b_ratio}
    return {
        "experiment": row.experiment.value,
        "subject": row.subject.id,
        "measure": row.measure.id,
        "unit": row.measure.unit,
        **{name: one._asdict() if one else None for name, one in intervals.items()},
        "verdict": row.verdict.value,
        "agree": row.agree,
    }


def complain(error: LabPortError | labruns.LabRunError, err: TextIO) -> Exit:
    err.writelines(f"tuivm: {visible(line)}\n" for line in str(error).splitlines())
    return Exit.UNREACHABLE if isinstance(error, UnreachableError) else Exit.FAILED
