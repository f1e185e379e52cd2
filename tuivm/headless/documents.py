"""The JSON documents: one stable schema, described in docs/json.md.

Sizes are bytes, times are UTC in ISO 8601 with milliseconds, rates are per second, null means
"not reported". A key is never left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from tuivm.model.comparing import BYPASSES
from tuivm.model.devices import Device, DeviceClass, DeviceKind, count_classes
from tuivm.model.guests import Guest, GuestDetails
from tuivm.model.hosts import HostFacts, HostLoad, HostSpec, Problem
from tuivm.model.iomix import alike, io_mix, io_spans
from tuivm.model.rates import (
    CostRates,
    DiskRates,
    GuestRates,
    MemoryRates,
    NicRates,
    VcpuRates,
)
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
    devices = view.guest.details.devices if view.guest.details else ()
    known = {(each.kind, each.target): each for each in devices}
    disks, nics = rates.disks, rates.nics
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
        "memory": None if rates.memory is None else _memory(rates.memory),
        "disk_read": _round(rates.disk_read, 1),
        "disk_write": _round(rates.disk_write, 1),
        "net_rx": _round(rates.net_rx, 1),
        "net_tx": _round(rates.net_tx, 1),
        "disks": None
        if disks is None
        else [_disk(disk, known.get((DeviceKind.DISK, disk.name))) for disk in disks],
        "nics": None
        if nics is None
        else [_nic(nic, known.get((DeviceKind.NIC, nic.name))) for nic in nics],
        "uncounted": None
        if view.guest.details is None
        else [_uncounted(each, rates) for each in devices if goes_uncounted(each)],
        "vcpus": None if rates.vcpus is None else [_vcpu(vcpu) for vcpu in rates.vcpus],
        "exits": _each(rates.exits),
        "io": _io(view, rates),
        "host_cost": None if rates.cost is None else _cost(rates.cost),
        "spans": {
            "cpu": round(rates.cpu_span, 3),
            "memory": round(rates.memory_span, 3),
            "disks": round(rates.disk_span, 3),
            "nics": round(rates.nic_span, 3),
            "vcpus": round(rates.vcpu_span, 3),
            "host_cost": round(rates.cost_span, 3),
            "agent": round(rates.agent_span, 3),
        },
    }


def _memory(memory: MemoryRates) -> Document:
    return {
        "balloon": _bytes(memory.current),
        "rss": _bytes(memory.rss),
        "available": _bytes(memory.available),
        "unused": _bytes(memory.unused),
        "usable": _bytes(memory.usable),
        "swap_in": _round(memory.swap_in, 1),
        "swap_out": _round(memory.swap_out, 1),
        "major_faults": _round(memory.major_faults, 2),
        "minor_faults": _round(memory.minor_faults, 2),
    }


def _disk(disk: DiskRates, device: Device | None) -> Document:
    return {
        "target": disk.name,
        **_class(device),
        "read": _round(disk.rd_bytes, 1),
        "write": _round(disk.wr_bytes, 1),
        "reads": _round(disk.rd_reqs, 2),
        "writes": _round(disk.wr_reqs, 2),
        "flushes": _round(disk.fl_reqs, 2),
        "read_ns": _round(disk.rd_latency_ns, 0),
        "write_ns": _round(disk.wr_latency_ns, 0),
        "flush_ns": _round(disk.fl_latency_ns, 0),
        "read_size": _size(disk.rd_bytes, disk.rd_reqs),
        "write_size": _size(disk.wr_bytes, disk.wr_reqs),
        "errors": _round(disk.errors, 2),
        "allocation": disk.allocation,
        "capacity": disk.capacity,
        "physical": disk.physical,
    }


def _nic(nic: NicRates, device: Device | None) -> Document:
    return {
        "target": nic.name,
        **_class(device),
        "rx": _round(nic.rx_bytes, 1),
        "tx": _round(nic.tx_bytes, 1),
        "rx_packets": _round(nic.rx_pkts, 2),
        "tx_packets": _round(nic.tx_pkts, 2),
        "errors": _round(nic.errs, 2),
        "drops": _round(nic.drops, 2),
    }


def _class(device: Device | None) -> Document:
    """None where the XML has not been read, or was read before the device was plugged in."""
    return {
        "model": device.model if device else None,
        "class": device.cls.value if device else None,
    }


def _size(rate: float | None, requests: float | None) -> float | None:
    return round(rate / requests, 1) if rate is not None and requests else None


def goes_uncounted(one: Device) -> bool:
    """It does I/O of which libvirt counts nothing."""
    does_io = one.kind in (DeviceKind.DISK, DeviceKind.NIC, DeviceKind.HOSTDEV)
    return does_io and not one.counted


def _uncounted(one: Device, rates: GuestRates) -> Document:
    told = {nic.name: nic for nic in rates.agent.nics} if rates.agent else {}
    nic, cost = told.get(one.target), rates.cost
    passes = one.cls is DeviceClass.PHYSICAL or BYPASSES in one.note
    return {
        "kind": one.kind.value,
        "target": one.target,
        "model": one.model,
        "class": one.cls.value,
        "note": one.note,
        "source": one.source or None,
        "counted": False,
        "why": BYPASSES if passes else "libvirt counts nothing of it",
        "interrupts": _round(cost.interrupts.get(one.source), 2) if cost else None,
        "agent": None if nic is None else _nic(nic, one),
    }


def _vcpu(vcpu: VcpuRates) -> Document:
    return {
        "number": vcpu.number,
        "cpu_percent": _percent(vcpu.cpu),
        "wait_percent": _percent(vcpu.wait),
        "delay_percent": _percent(vcpu.delay),
        "halted": vcpu.halted,
        "exits": _each(vcpu.exits),
    }


def _io(view: GuestView, rates: GuestRates) -> Document | None:
    """As the history has it: per I/O only what was measured over the same time as the I/O."""
    details, spans = view.guest.details, io_spans(rates)
    if details is None or not spans:
        return None
    mix = io_mix(details.devices, rates)
    measured = {disk.name for disk in rates.disks or ()} | {nic.name for nic in rates.nics or ()}
    counted = {each.cls for each in details.devices if each.counted and each.target in measured}
    exits = mix.exits_per_io if alike(rates.vcpu_span, spans) else None
    cpu_ns = mix.cpu_ns_per_io if alike(rates.cost_span, spans) else None
    return {
        "ios": {
            cls.value: round(mix.ios.get(cls, 0.0), 2) if cls in counted else None
            for cls in DeviceClass
        },
        "class": mix.cls.value if mix.cls else None,
        "mixed": mix.mixed,
        "devices": sorted(mix.devices),
        "exits_per_io": _round(exits, 3),
        "cpu_ns_per_io": _round(cpu_ns, 0),
    }


def _cost(cost: CostRates) -> Document:
    roles: dict[str, float] = {}
    for thread in cost.threads:
        roles[thread.role.value] = roles.get(thread.role.value, 0.0) + thread.cpu
    return {
        "vmm_cpus": _round(cost.vmm, 4),
        "roles": [{"role": role, "cpus": round(cpus, 4)} for role, cpus in roles.items()],
        "threads": [
            {
                "role": thread.role.value,
                "name": thread.name,
                "cpus": round(thread.cpu, 4),
                "vmm_cpus": _round(thread.vmm, 4),
            }
            for thread in cost.threads
        ],
    }


def timestamp(at: float) -> str:
    """1700000000.25 -> "2023-11-14T22:13:20.250Z"."""
    text = datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def _bytes(kib: int | None) -> int | None:
    return None if kib is None else kib * 1024


def _round(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)


def _percent(share: float | None) -> float | None:
    return None if share is None else round(100.0 * share, 2)


def _each(rates: Mapping[str, float]) -> dict[str, float] | None:
    """By name; None where nothing is reported."""
    return {name: round(rate, 2) for name, rate in rates.items()} or None
