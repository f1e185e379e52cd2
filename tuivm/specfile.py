"""A guest's spec as a TOML file: docs/specs/README.md documents every key."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Any, NamedTuple

import tomlkit

from tuivm.model.spec import (
    CloudInit,
    CloudNetwork,
    Disk,
    DiskKind,
    FileRef,
    Firmware,
    Forward,
    Graphics,
    Machine,
    NewVolume,
    Nic,
    NicKind,
    NumaCell,
    Passed,
    PassKind,
    Preset,
    Source,
    SourceKind,
    Spec,
    Topology,
)
from tuivm.tomltable import Table, TableError, document, write_size

KIB = 1024

SpecError = TableError
"""What `load` raises: its text names the line and the key."""


def load(text: str) -> Spec:
    """Raises SpecError: no TOML, an unknown key, a value of the wrong kind. What the values mean on
    a host is left to the preflight."""
    top = document(text)
    guest = top.table("guest")
    disks = tuple(map(_disk, top.tables("disk")))
    nics = tuple(map(_nic, top.tables("nic")))
    spec = Spec(
        name=guest.text("name"),
        source=_source(top.table("source")),
        title=guest.text("title"),
        description=guest.text("description"),
        os=guest.text("os"),
        vcpus=guest.count("vcpus"),
        memory_kib=guest.size("memory", step=KIB),
        memory_max_kib=guest.size("memory_max", step=KIB),
        autostart=guest.flag("autostart", False),
        preset=guest.choice("preset", Preset, Preset.PARAVIRTUAL),
        machine=_machine(top.table("machine")),
        disks=disks if "disk" in top else None,
        nics=nics if "nic" in top else None,
        passed=tuple(map(_passed, top.tables("passthrough"))),
        graphics=guest.choice("graphics", Graphics, Graphics.DEFAULT),
        start=guest.flag("start", True),
        uuid=guest.text("uuid"),
    )
    guest.end()
    top.end()
    return spec


def _source(table: Table) -> Source:
    # A file that says nothing of its source is one that was cut off, not one that wants EMPTY.
    source = Source(
        kind=table.choice("kind", SourceKind, None),
        file=_file(table),
        url=table.text("url"),
        kernel=_file_table(table.table("kernel")),
        initrd=_file_table(table.table("initrd")),
        cmdline=table.text("cmdline"),
        guest=table.text("guest"),
        cloud=_cloud(table.table("cloud")),
    )
    table.end()
    return source


def _file(table: Table) -> FileRef:
    return FileRef(
        path=table.text("path"),
        pool=table.text("pool"),
        volume=table.text("volume"),
        local=table.text("local"),
    )


def _file_table(table: Table) -> FileRef:
    file = _file(table)
    table.end()
    return file


def _cloud(table: Table) -> CloudInit:
    network = table.table("network")
    cloud = CloudInit(
        user=table.text("user"),
        password=table.text("password"),
        ssh_keys=table.texts("ssh_keys"),
        hostname=table.text("hostname"),
        packages=table.texts("packages"),
        network=CloudNetwork(
            address=network.text("address"),
            gateway=network.text("gateway"),
            dns=network.texts("dns"),
        ),
        user_data=table.text("user_data"),
    )
    network.end()
    table.end()
    return cloud


def _machine(table: Table) -> Machine:
    topology = table.table("topology")
    machine = Machine(
        virt_type=table.text("virt_type"),
        arch=table.text("arch"),
        machine=table.text("machine"),
        firmware=table.choice("firmware", Firmware, Firmware.DEFAULT),
        tpm=table.maybe("tpm"),
        cpu=table.text("cpu"),
        nested=table.maybe("nested"),
        viommu=table.text("viommu"),
        hugepages=table.flag("hugepages", False),
        page_kib=table.size("page_size", step=KIB),
        topology=Topology(
            sockets=topology.count("sockets"),
            cores=topology.count("cores"),
            threads=topology.count("threads"),
        ),
        numa=tuple(map(_numa, table.tables("numa"))),
        pins=table.texts("pins"),
        emulator_pin=table.text("emulator_pin"),
        hide_hypervisor=table.flag("hide_hypervisor", False),
        vendor_id=table.text("vendor_id"),
    )
    topology.end()
    table.end()
    return machine


def _numa(table: Table) -> NumaCell:
    cell = NumaCell(
        cpus=table.text("cpus"),
        memory_kib=table.size("memory", step=KIB),
        host_node=table.text("host_node"),
    )
    table.end()
    return cell


def _disk(table: Table) -> Disk:
    new = table.table("new")
    volume = NewVolume(
        pool=new.text("pool"),
        name=new.text("name"),
        size=new.size("size"),
        format=new.text("format"),
        preallocation=new.text("preallocation"),
    )
    new.end()
    disk = Disk(
        kind=table.choice("kind", DiskKind, DiskKind.DISK),
        file=_file(table),
        new=volume if "new" in table else None,
        overlay=table.flag("overlay", False),
        bus=table.text("bus"),
        cache=table.text("cache"),
        io=table.text("io"),
        discard=table.text("discard"),
        iothread=table.flag("iothread", False),
        readonly=table.flag("readonly", False),
        shareable=table.flag("shareable", False),
        serial=table.text("serial"),
    )
    table.end()
    return disk


def _nic(table: Table) -> Nic:
    nic = Nic(
        kind=table.choice("kind", NicKind, NicKind.DEFAULT),
        source=table.text("source"),
        model=table.text("model"),
        mac=table.text("mac"),
        forwards=tuple(map(_forward, table.tables("forwards"))),
    )
    table.end()
    return nic


def _forward(table: Table) -> Forward:
    forward = Forward(
        host_port=table.count("host_port", None),
        guest_port=table.count("guest_port", None),
        protocol=table.text("protocol", "tcp"),
        host_address=table.text("host_address"),
    )
    table.end()
    return forward


def _passed(table: Table) -> Passed:
    passed = Passed(
        kind=table.choice("kind", PassKind, None),
        device=table.text("device"),
        nodedev=table.text("nodedev"),
        rom_file=table.text("rom_file"),
        rom_bar=table.maybe("rom_bar"),
        override=table.text("override"),
    )
    table.end()
    return passed


_GUEST = (
    *("name", "title", "description", "os", "vcpus", "memory", "memory_max"),
    *("autostart", "preset", "graphics", "start", "uuid"),
)


def dump(spec: Spec) -> str:
    """What `load` reads back as the same spec; only what is not by default. Secrets are written as
    they are: whoever keeps the file hashes a password first."""
    tables: dict[str, Any] = {
        "guest": _said(
            spec,
            _GUEST,
            {"memory": "memory_kib", "memory_max": "memory_max_kib"},
        ),
        # Its kind is written even where it is the default one: `load` wants it said.
        "source": {"kind": str(spec.source.kind), **_said_source(spec.source)},
        "machine": _said_machine(spec.machine),
    }
    if spec.disks is not None:
        tables["disk"] = [_said_disk(disk) for disk in spec.disks]
    if spec.nics is not None:
        tables["nic"] = [_said_nic(nic) for nic in spec.nics]
    if spec.passed:
        tables["passthrough"] = [_said(one, one._fields) for one in spec.passed]
    return tomlkit.dumps({key: value for key, value in tables.items() if value != {}})


def _said(
    record: NamedTuple, keys: Iterable[str], fields: Mapping[str, str] = MappingProxyType({})
) -> dict[str, Any]:
    """The keys whose fields are not by default. fields: of the keys that are called otherwise."""
    said: dict[str, Any] = {}
    for key in keys:
        field = fields.get(key, key)
        value = getattr(record, field)
        if field in record._field_defaults and value == record._field_defaults[field]:
            continue
        if field.endswith("_kib"):
            value = write_size(value * KIB)
        elif isinstance(value, tuple):
            value = list(value)
        elif isinstance(value, str) and "\n" in value and "\r" not in value:
            value = tomlkit.string(value, multiline=True)
        elif isinstance(value, StrEnum):
            value = str(value)
        said[key] = value
    return said


def _and(said: dict[str, Any], **parts: Any) -> dict[str, Any]:
    """With those tables and lists of tables that are not empty."""
    return said | {key: part for key, part in parts.items() if part}


def _said_source(source: Source) -> dict[str, Any]:
    cloud = source.cloud
    return _and(
        _said_file(source.file) | _said(source, ("url", "cmdline", "guest")),
        kernel=_said_file(source.kernel),
        initrd=_said_file(source.initrd),
        cloud=_and(
            _said(cloud, ("user", "password", "ssh_keys", "hostname", "packages", "user_data")),
            network=_said(cloud.network, CloudNetwork._fields),
        ),
    )


def _said_file(file: FileRef) -> dict[str, Any]:
    return _said(file, FileRef._fields)


def _said_machine(machine: Machine) -> dict[str, Any]:
    keys: tuple[str, ...] = (
        "virt_type",
        "arch",
        "machine",
        "firmware",
        "tpm",
        "cpu",
        "nested",
        "viommu",
    )
    keys += ("hugepages", "page_size", "pins", "emulator_pin", "hide_hypervisor", "vendor_id")
    return _and(
        _said(machine, keys, {"page_size": "page_kib"}),
        topology=_said(machine.topology, Topology._fields),
        numa=[
            _said(cell, ("cpus", "memory", "host_node"), {"memory": "memory_kib"})
            for cell in machine.numa
        ],
    )


def _said_disk(disk: Disk) -> dict[str, Any]:
    keys = ("overlay", "bus", "cache", "io", "discard", "iothread", "readonly", "shareable")
    said = _said(disk, ("kind",)) | _said_file(disk.file) | _said(disk, (*keys, "serial"))
    if disk.new is not None:
        said["new"] = _said(disk.new, ("pool", "name", "format", "preallocation"))
        if disk.new.size:
            said["new"]["size"] = write_size(disk.new.size)
    return said


def _said_nic(nic: Nic) -> dict[str, Any]:
    return _and(
        _said(nic, ("kind", "source", "model", "mac")),
        forwards=[_said(one, Forward._fields) for one in nic.forwards],
    )
