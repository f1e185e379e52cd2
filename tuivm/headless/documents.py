"""The JSON documents: one stable schema, described in docs/json.md.

Sizes are bytes, times are UTC in ISO 8601 with milliseconds, rates are per second, null means
"not reported". A key is never left out.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from tuivm.model.devices import Device, count_classes
from tuivm.model.guests import Guest, GuestDetails
from tuivm.model.hosts import HostFacts, HostLoad, HostSpec, Problem
from tuivm.model.rates import DiskRates, GuestRates, NicRates
from tuivm.model.snapshot import HostSnapshot
from tuivm.model.store import GuestView

SCHEMA = 1
"""Grows when a key is removed or changes its meaning; new keys may come without."""

Document = dict[str, Any]


def hosts_document(hosts: list[tuple[HostSpec, HostSnapshot]]) -> Document:
    return {"schema": SCHEMA, "hosts": [host(spec, snapshot) for spec, snapshot in hosts]}


def guests_document(hosts: list[tuple[HostSpec, HostSnapshot]]) -> Document:
    return {
        "schema": SCHEMA,
        "guests": [guest(one) for _, snapshot in hosts for one in ordered(snapshot)],
        "unreachable": [
            {"host": spec.name, "uri": spec.uri, "problem": problem(snapshot.problem)}
            for spec, snapshot in hosts
            if snapshot.problem is not None
        ],
    }


def ordered(snapshot: HostSnapshot) -> list[Guest]:
    """The guests of a host by name, as people look for them."""
    return sorted(snapshot.guests.values(), key=lambda one: (one.name.casefold(), one.key.uuid))


def host(spec: HostSpec, snapshot: HostSnapshot) -> Document:
    facts = snapshot.facts or HostFacts()
    load = snapshot.load or HostLoad()
    return {
        "name": spec.name,
        "uri": facts.uri or spec.uri,
        "state": snapshot.state.value,
        "problem": problem(snapshot.problem),
        "readonly": spec.readonly or snapshot.readonly,
        "local": facts.local if snapshot.facts else None,
        "hostname": facts.hostname or None,
        "driver": facts.driver or None,
        "hypervisor_version": facts.hypervisor_version or None,
        "libvirt_version": facts.libvirt_version or None,
        "arch": facts.arch or None,
        "cpu_model": facts.cpu_model or None,
        "cpus": facts.cpus,
        "sockets": facts.sockets,
        "cores": facts.cores,
        "threads": facts.threads,
        "numa_nodes": facts.numa_nodes,
        "mhz": facts.mhz,
        "memory": _bytes(facts.memory_kib),
        "virt_types": list(facts.virt_types),
        "cpu_percent": _round(load.cpu_percent, 1),
        "memory_used": _bytes(load.memory_used_kib),
        "guests": len(snapshot.guests) if snapshot.facts else None,
        "guests_active": (
            sum(one.state.active for one in snapshot.guests.values()) if snapshot.facts else None
        ),
    }


def problem(found: Problem | None) -> Document | None:
    if found is None:
        return None
    return {
        "what": found.what,
        "reason": found.reason,
        "cause": found.cause,
        "remedy": found.remedy,
    }


def guest(one: Guest) -> Document:
    details = one.details
    known = details or GuestDetails()
    classes = count_classes(known.devices)
    return {
        "host": one.key.host,
        "uuid": one.key.uuid,
        "name": one.name,
        "title": known.title,
        "state": one.state.value,
        "reason": one.reason,
        "active": one.state.active,
        "id": one.domain_id,
        "persistent": one.persistent,
        "autostart": one.autostart,
        "managed_save": one.managed_save,
        "vcpus": known.vcpus or None,
        "vcpus_max": known.vcpus_max or None,
        "memory": _bytes(known.memory_kib or None),
        "memory_max": _bytes(known.memory_max_kib or None),
        "virt_type": known.stack.virt_type or None,
        "arch": known.stack.arch or None,
        "machine": known.stack.machine or None,
        "firmware": known.stack.firmware or None,
        "cpu": known.stack.cpu or None,
        "classes": {cls.value: number for cls, number in classes.items()} if details else None,
        "devices": [device(each) for each in details.devices] if details else None,
    }


def device(one: Device) -> Document:
    return {
        "kind": one.kind.value,
        "target": one.target,
        "model": one.model,
        "class": one.cls.value,
        "note": one.note,
        "bus": one.bus or None,
        "source": one.source or None,
        "address": one.address or None,
    }


def stats(view: GuestView, rates: GuestRates, at: float) -> Document:
    """One guest's rates over the `rates.seconds` up to `at` (s since the epoch)."""
    source = rates.memory_source
    return {
        "schema": SCHEMA,
        "time": timestamp(at),
        "seconds": round(rates.seconds, 3),
        "host": view.key.host,
        "uuid": view.key.uuid,
        "name": view.guest.name,
        "state": view.guest.state.value,
        "cpus_busy": _round(rates.cpu, 4),
        "cpu_percent": _round(view.cpu_percent, 2),
        "host_cpu_percent": _round(view.host_cpu_percent, 2),
        "memory_used": _bytes(rates.memory_kib),
        "memory_total": _bytes(rates.memory_total_kib),
        "memory_source": None if source is None else source.value,
        "disk_read": _round(rates.disk_read, 1),
        "disk_write": _round(rates.disk_write, 1),
        "net_rx": _round(rates.net_rx, 1),
        "net_tx": _round(rates.net_tx, 1),
        "disks": None if rates.disks is None else [_disk(disk) for disk in rates.disks],
        "nics": None if rates.nics is None else [_nic(nic) for nic in rates.nics],
    }


def _disk(disk: DiskRates) -> Document:
    return {
        "target": disk.name,
        "read": _round(disk.rd_bytes, 1),
        "write": _round(disk.wr_bytes, 1),
        "reads": _round(disk.rd_reqs, 2),
        "writes": _round(disk.wr_reqs, 2),
        "flushes": _round(disk.fl_reqs, 2),
        "read_ns": _round(disk.rd_latency_ns, 0),
        "write_ns": _round(disk.wr_latency_ns, 0),
    }


def _nic(nic: NicRates) -> Document:
    return {
        "target": nic.name,
        "rx": _round(nic.rx_bytes, 1),
        "tx": _round(nic.tx_bytes, 1),
        "rx_packets": _round(nic.rx_pkts, 2),
        "tx_packets": _round(nic.tx_pkts, 2),
        "errors": _round(nic.errs, 2),
        "drops": _round(nic.drops, 2),
    }


def timestamp(at: float) -> str:
    """1700000000.25 -> "2023-11-14T22:13:20.250Z"."""
    text = datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def _bytes(kib: int | None) -> int | None:
    return None if kib is None else kib * 1024


def _round(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)
