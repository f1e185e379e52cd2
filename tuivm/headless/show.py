"""`tuivm hosts` and `tuivm list`: one look at all hosts, printed."""

from __future__ import annotations

import json
from typing import TextIO

from tuivm.cli import Exit
from tuivm.headless import documents
from tuivm.headless.table import Column, Table
from tuivm.model.devices import Device, DeviceClass, count_classes
from tuivm.model.guests import Guest
from tuivm.model.hosts import HostFacts, HostLoad, HostSpec, HostState, Problem
from tuivm.model.snapshot import HostSnapshot
from tuivm.model.units import kib, percent, visible

Hosts = list[tuple[HostSpec, HostSnapshot]]


def hosts(found: Hosts, out: TextIO, err: TextIO, *, as_json: bool) -> Exit:
    """Print how each host is doing; what is wrong with it goes to `err` too."""
    if as_json:
        _dump(documents.hosts_document(found), out)
    else:
        table = Table(
            Column("NAME"),
            Column("STATE"),
            Column("HYPERVISOR"),
            Column("LIBVIRT"),
            Column("ARCH"),
            Column("CPUS", number=True),
            Column("CPU%", number=True),
            Column("USED", number=True),
            Column("MEMORY", number=True),
            Column("GUESTS", number=True),
            Column("URI"),
        )
        _print(table.all_lines([_host_row(spec, snapshot) for spec, snapshot in found]), out)
    return complain(found, err)


def guests(
    found: Hosts, out: TextIO, err: TextIO, *, as_json: bool, brief: bool, ascii_only: bool
) -> Exit:
    """Print the guests of all hosts: a line each and, unless `brief`, one for each device."""
    if as_json:
        _dump(documents.guests_document(found), out)
        return complain(found, err)
    listed = [one for _, snapshot in found for one in documents.ordered(snapshot)]
    table = Table(
        Column("NAME"),
        Column("HOST"),
        Column("STATE"),
        Column("VCPUS", number=True),
        Column("MEMORY", number=True),
        Column("DEVICES"),
    )
    lines = table.all_lines([_guest_row(one, ascii_only=ascii_only) for one in listed])
    if brief:
        _print(lines, out)
        return complain(found, err)
    under = Table(
        Column("KIND"),
        Column("TARGET"),
        Column("MODEL"),
        Column("CLASS"),
        Column("SOURCE", missing=""),
        indent="  ",
    )
    rows = [[_device_row(each, ascii_only=ascii_only) for each in _devices(one)] for one in listed]
    heading, *flat = under.all_lines([row for group in rows for row in group])
    _print([lines[0], heading] if flat else lines[:1], out)
    rest = iter(flat)
    for line, group in zip(lines[1:], rows, strict=True):
        _print([line, *(next(rest) for _ in group)], out)
    return complain(found, err)


def complain(found: Hosts, err: TextIO) -> Exit:
    """Say on `err` which hosts could not be reached, why, and what to do."""
    # A host that is up and has a problem was not read whole in time: what is printed of it is
    # not all there is, so that is no success either.
    unreachable = [
        (spec, snapshot)
        for spec, snapshot in found
        if snapshot.state is not HostState.UP or snapshot.problem is not None
    ]
    for spec, snapshot in unreachable:
        _print(problem_lines(spec, snapshot), err)
    return Exit.UNREACHABLE if unreachable else Exit.FINE


def problem_lines(spec: HostSpec, snapshot: HostSnapshot) -> list[str]:
    """What is wrong with a host, as `lines_of` says it."""
    return lines_of(spec, snapshot.problem or Problem(f"{spec.name} is {snapshot.state.value}"))


def lines_of(spec: HostSpec, problem: Problem) -> list[str]:
    """A host's problem: the first line says what failed, the others why and what to do."""
    where = f" ({spec.uri})" if spec.uri else ""
    lines = [f"tuivm: {spec.name}{where}: {problem.what}"]
    for label, text in (
        ("reason", problem.reason),
        ("cause", problem.cause),
        ("remedy", problem.remedy),
    ):
        parts = text.splitlines()
        lines += [f"  {label}: {parts[0]}", *(f"    {part}" for part in parts[1:])] if parts else []
    return [visible(line) for line in lines]


def _host_row(spec: HostSpec, snapshot: HostSnapshot) -> list[str]:
    facts = snapshot.facts or HostFacts()
    load = snapshot.load or HostLoad()
    active = sum(one.state.active for one in snapshot.guests.values())
    return [
        spec.name,
        snapshot.state.value,
        f"{facts.driver} {facts.hypervisor_version}".strip(),
        facts.libvirt_version,
        facts.arch,
        "" if facts.cpus is None else str(facts.cpus),
        percent(load.cpu_percent),
        kib(load.memory_used_kib),
        kib(facts.memory_kib),
        f"{active}/{len(snapshot.guests)}" if snapshot.facts else "",
        facts.uri or spec.uri,
    ]


def _guest_row(one: Guest, *, ascii_only: bool) -> list[str]:
    details = one.details
    return [
        one.name,
        one.key.host,
        one.state_word,
        str(details.vcpus) if details and details.vcpus else "",
        kib(details.memory_kib) if details and details.memory_kib else "",
        " ".join(
            f"{_sign(cls, ascii_only=ascii_only)}{number}"
            for cls, number in count_classes(_devices(one)).items()
            if number
        ),
    ]


def _devices(one: Guest) -> tuple[Device, ...]:
    return one.details.devices if one.details else ()


def _device_row(device: Device, *, ascii_only: bool) -> list[str]:
    cls = f"{_sign(device.cls, ascii_only=ascii_only)} {device.cls.value}"
    cls = f"{cls} ({device.note})" if device.note else cls
    return [device.kind.value, device.target, device.model, cls, device.source]


def _sign(cls: DeviceClass, *, ascii_only: bool) -> str:
    return cls.letter if ascii_only else cls.glyph


def _dump(document: documents.Document, out: TextIO) -> None:
    # ASCII: names from outside can then neither move the cursor nor break a script's decoder.
    json.dump(document, out, indent=2)
    out.write("\n")


def _print(lines: list[str], out: TextIO) -> None:
    out.writelines(f"{line}\n" for line in lines)
