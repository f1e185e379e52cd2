"""`tuivm stats`: the samplers and the store of the screens, printed as lines."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Protocol, TextIO

from tuivm.cli import Exit
from tuivm.headless import documents
from tuivm.headless.show import problem_lines
from tuivm.headless.table import Column, Table
from tuivm.model.devices import DeviceKind
from tuivm.model.hosts import HostSpec, HostState, Problem
from tuivm.model.ports import Groups, HostMaker, HostPort, Sinks, View
from tuivm.model.rates import DiskRates, GuestRates, MemorySource
from tuivm.model.snapshot import HostSnapshot
from tuivm.model.store import GuestView, Store
from tuivm.model.units import byte_count, count, kib, nanoseconds, percent, visible

POLL = 0.2
"""Seconds that a host may be silent before its deadlines are looked at again."""
HEADING_EVERY = 24
"""Rows after which a table that never ends repeats its heading."""


@dataclass(slots=True)
class _Watched:
    """One host while it is watched.

    heard: monotonic seconds of the last sign of life. patience: seconds of silence until it counts
    as unreachable. ticks: how often it was printed. done: nothing more is awaited of it.
    """

    spec: HostSpec
    port: HostPort
    heard: float
    patience: float
    up_since: float | None = None
    ticks: int = 0
    active: frozenset[str] = frozenset()
    down: bool = False
    done: bool = False


class StatsRun:
    """Samples all hosts side by side, each at its own pace, and prints what arrives.

    groups: what is asked for. interval: seconds between two samples. count: how often each host
    is printed; None is for ever, unless no host can be reached to begin with. timeout: seconds of
    silence after which a host counts as unreachable.
    """

    def __init__(
        self,
        specs: Sequence[HostSpec],
        maker: HostMaker,
        lines: Lines,
        err: TextIO,
        *,
        groups: Groups = Groups.LIST,
        interval: float,
        count: int | None,
        timeout: float,
    ) -> None:
        self._inbox: SimpleQueue[HostSnapshot] = SimpleQueue()
        self._store = Store()
        self._lines = lines
        self._err = err
        self._groups = groups
        self._interval = interval
        self._count = count
        self._timeout = timeout
        self._trouble = False
        self._hosts: dict[str, _Watched] = {}
        sinks = Sinks(snapshot=self._inbox.put)
        for spec in specs:
            timed = spec._replace(interval=interval)
            self._store.add_host(timed)
            self._hosts[spec.name] = _Watched(
                timed, maker.make(timed, sinks), time.monotonic(), timeout
            )

    def run(self) -> Exit:
        """Print until done. KeyboardInterrupt and BrokenPipeError pass through."""
        for host in self._hosts.values():
            self._watch(host, frozenset())
            host.port.start()
        try:
            while self._pending():
                self._step()
        finally:
            for host in self._hosts.values():
                host.port.close()
        return Exit.UNREACHABLE if self._trouble else Exit.FINE

    def _pending(self) -> bool:
        hosts = self._hosts.values()
        if self._count is None:
            return not all(host.down and host.up_since is None for host in hosts)
        return not all(host.done for host in hosts)

    def _step(self) -> None:
        try:
            snapshot = self._inbox.get(timeout=POLL)
        except Empty:
            pass
        else:
            self._take(self._hosts[snapshot.host], snapshot)
        now = time.monotonic()
        for host in self._hosts.values():
            self._judge(host, now)

    def _take(self, host: _Watched, snapshot: HostSnapshot) -> None:
        if host.done:
            return
        if snapshot.state in (HostState.LOST, HostState.FAILED):
            self._mark_down(host, snapshot)
        if snapshot.state is not HostState.UP:
            return
        host.heard = time.monotonic()
        host.patience = self._timeout + max(self._interval, snapshot.interval)
        host.down = False
        if host.up_since is None:
            host.up_since = host.heard
        self._store.apply(snapshot)
        active = frozenset(uuid for uuid, guest in snapshot.guests.items() if guest.state.active)
        if active != host.active:
            self._watch(host, active)
        sampled = self._sampled(host, snapshot)
        if sampled:
            self._lines.write(sampled)
            host.ticks += 1

    def _watch(self, host: _Watched, active: frozenset[str]) -> None:
        host.active = active
        host.port.watch(View(guests=active, groups=self._groups, interval=self._interval))

    def _sampled(
        self, host: _Watched, snapshot: HostSnapshot
    ) -> list[tuple[GuestView, GuestRates]]:
        """The guests that this snapshot brought rates for, by name."""
        views = [
            view
            for view in self._store.guests_of(host.spec.name)
            if view.key.uuid in snapshot.samples and view.rates is not None
        ]
        views.sort(key=lambda view: (view.guest.name.casefold(), view.key.uuid))
        return [(view, view.rates) for view in views if view.rates and view.rates.seconds > 0]

    def _judge(self, host: _Watched, now: float) -> None:
        """Decide whether a host has been watched for long enough, and what its silence means."""
        if host.done:
            return
        if self._count is not None:
            host.done = host.ticks >= self._count or host.down or self._in_vain(host, now)
        if not host.done and not host.down and now - host.heard > host.patience:
            words = f"{host.spec.name} did not answer within {host.patience:g} s"
            silent = HostSnapshot(host.spec.name, now, HostState.STALE, problem=Problem(words))
            self._mark_down(host, silent)

    def _in_vain(self, host: _Watched, now: float) -> bool:
        """Nothing to print, so there is nothing to count but the time."""
        if host.up_since is None or self._count is None or (host.active and host.ticks):
            return False
        enough = host.up_since + self._count * self._interval
        if not host.active:
            return now >= enough
        if now < enough + self._timeout:
            return False
        self._complain([f"tuivm: {visible(host.spec.name)} reports no statistics of its guests"])
        return True

    def _mark_down(self, host: _Watched, snapshot: HostSnapshot) -> None:
        if host.down:
            return
        host.down = self._trouble = True
        self._complain(problem_lines(host.spec, snapshot))

    def _complain(self, lines: list[str]) -> None:
        self._err.writelines(f"{line}\n" for line in lines)
        self._err.flush()


class Lines(Protocol):
    """Where rates are printed."""

    def write(self, sampled: list[tuple[GuestView, GuestRates]]) -> None: ...


class JsonLines:
    """One JSON object a line, one line a guest."""

    def __init__(self, out: TextIO) -> None:
        self._out = out

    def write(self, sampled: list[tuple[GuestView, GuestRates]]) -> None:
        for view, rates in sampled:
            document = documents.stats(view, rates, _wall_clock(rates.at))
            self._out.write(json.dumps(document, separators=(",", ":")) + "\n")
        self._out.flush()


class TableLines:
    """One aligned row a guest and, unless `brief`, a row a device under it; the heading comes back
    now and then. by_host: rows name their host."""

    def __init__(
        self, out: TextIO, *, by_host: bool = True, brief: bool = False, ascii_only: bool = False
    ) -> None:
        self._out = out
        self._by_host = by_host
        self._brief = brief
        self._ascii_only = ascii_only
        self._rows = 0
        self._next_heading = 0
        # Numbers are given the room that most need, so that columns do not move.
        self._table = Table(
            Column("TIME    "),
            *([Column("HOST")] if by_host else []),
            Column("NAME" if brief else "NAME, DEVICE"),
            Column("CPU%", number=True),
            Column("  MEM", number=True),
            Column("READ", number=True),
            Column("WRITE", number=True),
            Column("  RX", number=True),
            Column("  TX", number=True),
            *([] if brief else [Column(" IO/s", number=True), Column("LATENCY", number=True)]),
        )

    def write(self, sampled: list[tuple[GuestView, GuestRates]]) -> None:
        rows = [row for view, rates in sampled for row in self._guest(view, rates)]
        lines = self._table.lines(rows)
        if self._rows >= self._next_heading:
            lines.insert(0, self._table.heading())
            self._next_heading = self._rows + HEADING_EVERY
        self._rows += len(rows)
        self._out.writelines(f"{line}\n" for line in lines)
        self._out.flush()

    def _guest(self, view: GuestView, rates: GuestRates) -> list[list[str]]:
        clock = time.strftime("%H:%M:%S", time.localtime(_wall_clock(rates.at)))
        start = [clock, view.key.host] if self._by_host else [clock]
        resident = rates.memory_source is MemorySource.RSS
        memory = f"{'~' if resident else ''}{kib(rates.memory_kib)}"
        sums = [rates.disk_read, rates.disk_write, rates.net_rx, rates.net_tx]
        row = [*start, view.guest.name, percent(view.cpu_percent), memory, *map(byte_count, sums)]
        if self._brief:
            return [row]
        details = view.guest.details
        signs = {
            (each.kind, each.target): each.cls.letter if self._ascii_only else each.cls.glyph
            for each in (details.devices if details else ())
        }
        told = rates.agent.nics if rates.agent else ()
        rows = [[*row, "", ""]]
        for disk in rates.disks or ():
            name = f"  {signs.get((DeviceKind.DISK, disk.name), '?')} {disk.name}"
            moved = map(byte_count, (disk.rd_bytes, disk.wr_bytes))
            requests = count(_sum(disk.rd_reqs, disk.wr_reqs))
            latency = nanoseconds(_latency_ns(disk))
            rows.append([*start, name, "", "", *moved, "", "", requests, latency])
        for nic in (*(rates.nics or ()), *told):
            name = f"  {signs.get((DeviceKind.NIC, nic.name), '?')} {nic.name}"
            moved = map(byte_count, (nic.rx_bytes, nic.tx_bytes))
            packets = count(_sum(nic.rx_pkts, nic.tx_pkts))
            rows.append([*start, name, "", "", "", "", *moved, packets, ""])
        return rows


def _latency_ns(disk: DiskRates) -> float | None:
    """Of a request, reads and writes together; None when there was none."""
    both = ((disk.rd_latency_ns, disk.rd_reqs), (disk.wr_latency_ns, disk.wr_reqs))
    timed = [(each, reqs) for each, reqs in both if each is not None and reqs]
    requests = sum(reqs for _, reqs in timed)
    return sum(each * reqs for each, reqs in timed) / requests if requests else None


def _sum(one: float | None, other: float | None) -> float | None:
    known = [each for each in (one, other) if each is not None]
    return sum(known) if known else None


def _wall_clock(at: float) -> float:
    """Seconds since the epoch of a monotonic moment."""
    return time.time() - (time.monotonic() - at)
