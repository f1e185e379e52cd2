"""`tuivm devices`: the devices of the hosts, and whether they may be passed through."""

from __future__ import annotations

import json
import re
import shutil
import textwrap
import time
from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import wait
from typing import TextIO

from rich.cells import cell_len, set_cell_size

from tuivm.cli import DEVICE_KINDS, Exit
from tuivm.headless.devicedocuments import devices_document, name
from tuivm.headless.show import lines_of
from tuivm.headless.table import Column, Table
from tuivm.model.createports import Offered
from tuivm.model.findings import Finding, Severity
from tuivm.model.hosts import HostSpec, Problem
from tuivm.model.offers import HostDevice
from tuivm.model.ports import HostMaker, Sinks
from tuivm.model.units import visible
from tuivm.preflight.iommu import iommu_findings
from tuivm.preflight.passing import Verdict, verdict

Found = Sequence[tuple[HostSpec, Offered]]
Judged = tuple[HostSpec, HostDevice, Verdict]

_INDENT = " " * 4
_NUMBERS = re.compile(r"(\d+)")


def ask(
    specs: Sequence[HostSpec], maker: HostMaker, *, timeout: float
) -> list[tuple[HostSpec, Offered]]:
    """Every host's devices, all asked side by side. A host that does not answer within `timeout`
    seconds has a problem."""
    sinks = Sinks(snapshot=lambda _snapshot: None)
    hosts = [maker.make(spec, sinks) for spec in specs]
    asked = [(spec, host.devices().devices()) for spec, host in zip(specs, hosts, strict=True)]
    until = time.monotonic() + timeout
    found = []
    for spec, future in asked:
        if wait([future], max(0.0, until - time.monotonic())).done:
            found.append((spec, future.result()))
        else:
            words = f"it did not answer within {timeout:g} s"
            late = Problem(
                f"cannot ask {spec.name} for its devices", words, remedy="try a longer --timeout"
            )
            found.append((spec, Offered(problem=late)))
    for host in hosts:
        host.close()
    return found


def show(found: Found, out: TextIO, err: TextIO, *, kinds: Collection[str], as_json: bool) -> Exit:
    """Print the devices of these kinds. What is wrong with a host or its IOMMU goes to `err`."""
    judged = list(_judged(found, kinds))
    advice = {
        spec.name: iommu_findings(offered.offer.iommu, local=offered.offer.local)
        for spec, offered in found
        if offered.offer is not None
    }
    if as_json:
        # ASCII: names from outside can then neither move the cursor nor break a script's decoder.
        json.dump(devices_document(found, judged, advice), out, indent=2)
        out.write("\n")
    else:
        _print(_lines(judged, out, by_host=len(found) > 1), out)
    for spec, offered in found:
        if offered.problem is not None:
            _print(lines_of(spec, offered.problem), err)
        elif offered.offer is not None and not as_json:
            _print(_remarks(spec, offered.offer.remarks, advice[spec.name]), err)
    return Exit.UNREACHABLE if any(one.problem is not None for _, one in found) else Exit.FINE


def _judged(found: Found, kinds: Collection[str]) -> Iterator[Judged]:
    """Host by host, kind by kind; PCI devices by IOMMU group, all by address."""
    for spec, offered in found:
        offer = offered.offer
        if offer is None:
            continue
        listed = [one for one in offer.devices if one.kind in kinds]
        for device in sorted(listed, key=_place):
            yield spec, device, verdict(device, offer)


def _place(one: HostDevice) -> tuple[int, int, list[str | int]]:
    kind = DEVICE_KINDS.index(one.kind) if one.kind in DEVICE_KINDS else len(DEVICE_KINDS)
    group = -1 if one.iommu_group is None else one.iommu_group
    # "1-10" comes after "1-2".
    parts = [int(part) if part.isdecimal() else part for part in _NUMBERS.split(one.address)]
    return kind, group, parts


def _lines(judged: Sequence[Judged], out: TextIO, *, by_host: bool) -> list[str]:
    """A table; where that is wider than the terminal, the verdict goes under each device."""
    columns = [
        Column("KIND"),
        Column("ADDRESS"),
        Column("GROUP", number=True),
        Column("DRIVER"),
        Column("NAME"),
    ]
    if by_host:
        columns.insert(0, Column("HOST"))
    rows = [_row(one, by_host=by_host) for one in judged]
    verdicts = [visible(one.words) for _, _, one in judged]
    whole = Table(*columns, Column("VERDICT")).all_lines(
        [[*row, words] for row, words in zip(rows, verdicts, strict=True)]
    )
    width = shutil.get_terminal_size().columns if out.isatty() else 0
    if not width or max(map(cell_len, whole)) <= width:
        return whole
    head, *lines = Table(*columns).all_lines(rows)
    folded = [_cut(f"{head}, VERDICT", width)]
    for line, words in zip(lines, verdicts, strict=True):
        folded.append(_cut(line, width))
        folded += textwrap.wrap(
            words, max(width, 20), initial_indent=_INDENT, subsequent_indent=_INDENT
        )
    return folded


def _cut(line: str, width: int) -> str:
    """What does not fit is the end of a name: the address tells which device it is."""
    return line if cell_len(line) <= width else set_cell_size(line, width - 1) + "…"


def _row(one: Judged, *, by_host: bool) -> list[str]:
    spec, device, _ = one
    group = "" if device.iommu_group is None else str(device.iommu_group)
    what = name(device) or device.ids
    row = [device.kind, device.address, group, device.driver, what]
    return [spec.name, *row] if by_host else row


def _remarks(spec: HostSpec, remarks: Sequence[str], advice: Sequence[Finding]) -> list[str]:
    lines = [f"tuivm: {spec.name}: {remark}" for remark in remarks]
    for one in advice:
        if one.severity is Severity.NOTE:
            continue
        lines.append(f"tuivm: {spec.name}: {one.what}")
        lines += [
            f"  {label}: {text}"
            for label, text in (("why", one.why), ("remedy", one.remedy))
            if text
        ]
    return [visible(line) for line in lines]


def _print(lines: Sequence[str], out: TextIO) -> None:
    out.writelines(f"{line}\n" for line in lines)
