"""The columns of the guest table: what each shows of a guest, and how it sorts. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import partial
from typing import NamedTuple

from tuivm.model.devices import DeviceClass, count_classes
from tuivm.model.guests import Guest, GuestState
from tuivm.model.rates import GuestRates, MemorySource
from tuivm.model.store import GuestView
from tuivm.model.table import Cell, Column, Part
from tuivm.model.units import byte_count, duration, kib, percent, visible

_number = partial(Column, align="right", descending=True)

COLUMNS: tuple[Column, ...] = (
    Column("state", "STATE", 9, 11, priority=75, hint="running, paused, off, saved and so on"),
    Column("state.short", "S", 1, priority=99, short_for="state"),
    Column("name", "NAME", 14, 20, 1, 48, priority=100, comfort=75, hint="name and title"),
    Column("host", "HOST", 6, 10, 1, 20, priority=60, hint="the host it runs on"),
    _number("vcpus", "vCPU", 4, priority=80, hint="virtual CPUs it has now"),
    _number("cpu", "CPU %", 5, priority=95, hint="busy share of its own vCPUs"),
    _number("host_cpu", "HOST %", 6, priority=40, hint="busy share of all CPUs of the host"),
    _number("memory", "MEMORY", 10, priority=76, hint="used / given; ~ is resident on the host"),
    _number("memory.short", "MEM", 5, priority=93, short_for="memory"),
    _number("disk", "DISK r/w", 9, priority=74, hint="bytes read / written per second"),
    _number("disk.short", "DISK", 4, priority=90, short_for="disk"),
    _number("net", "NET rx/tx", 9, priority=73, hint="bytes received / sent per second"),
    _number("net.short", "NET", 4, priority=91, short_for="net"),
    Column("devices", "DEVICES", 9, 14, priority=78, hint="devices of each class", descending=True),
    _number("uptime", "UPTIME", 7, priority=50, hint="since its process started"),
    Column("ip", "IP", 15, 18, 1, 39, priority=48, hint="IP addresses"),
    Column("autostart", "AUTO", 4, priority=30, hint="starts with the host"),
    Column("persistent", "KEPT", 4, priority=20, hint="defined for good; no: gone when it stops"),
    Column("saved", "SAVED", 5, priority=25, hint="memory saved to disk, restored at start"),
)

_STATE_ROLES = {
    GuestState.RUNNING: "running",
    GuestState.BLOCKED: "running",
    GuestState.PAUSED: "paused",
    GuestState.SUSPENDED: "paused",
    GuestState.SHUTTING_DOWN: "changing",
    GuestState.OFF: "off",
    GuestState.CRASHED: "bad",
    GuestState.UNKNOWN: "dim",
}
_STATE_ORDER = tuple(_STATE_ROLES)
_NOT_REPORTED: Cell = (("-", "dim"),)
_NUMBERS = re.compile("([0-9]+)")


def state_role(guest: Guest) -> str:
    """The role (colour) its state is shown with, always beside its glyph and word."""
    return "paused" if guest.saved else _STATE_ROLES[guest.state]


class _Context(NamedTuple):
    ascii: bool
    now: float
    busy: str
    stale: bool


def cells(
    view: GuestView,
    column_id: str,
    *,
    ascii: bool,  # noqa: A002 - the word that the whole program uses for it
    now: float,
    busy: str = "",
    stale: bool = False,
) -> Cell:
    """What one column shows of a guest. KeyError for a column that is not one of `COLUMNS`.

    now: wall clock, seconds since the epoch. busy: what is being done to it ("starting"), shown in
    place of the state. stale: its host does not answer, so everything is old.
    A guest without a process shows nothing where rates would be; what is not reported shows "-".
    """
    cell = _CELLS[column_id](view, _Context(ascii, now, visible(busy), stale))
    if stale:
        return tuple((text, "dim") for text, _ in cell)
    return cell


def row_cells(
    view: GuestView,
    *,
    ascii: bool,  # noqa: A002 - as above
    now: float,
    busy: str = "",
    stale: bool = False,
) -> tuple[Cell, ...]:
    """The cells of all `COLUMNS`, in their order."""
    return tuple(
        cells(view, column.id, ascii=ascii, now=now, busy=busy, stale=stale) for column in COLUMNS
    )


def _state(view: GuestView, context: _Context) -> Cell:
    glyph, word, role = _state_parts(view, context)
    return ((glyph, role), (f" {word}", role))


def _state_short(view: GuestView, context: _Context) -> Cell:
    glyph, _, role = _state_parts(view, context)
    return ((glyph, role),)


def _state_parts(view: GuestView, context: _Context) -> tuple[str, str, str]:
    if context.busy:
        return "~" if context.ascii else "↻", context.busy, "changing"
    guest = view.guest
    glyph = "?" if context.stale else guest.state_glyph(ascii=context.ascii)
    return glyph, guest.state_word, state_role(guest)


def _name(view: GuestView, _: _Context) -> Cell:
    name = (visible(view.guest.name), "")
    title = view.guest.details.title if view.guest.details else ""
    return (name, (f" {visible(title)}", "dim")) if title else (name,)


def _host(view: GuestView, _: _Context) -> Cell:
    return ((visible(view.key.host), ""),)


def _vcpus(view: GuestView, _: _Context) -> Cell:
    details = view.guest.details
    return ((str(details.vcpus), ""),) if details and details.vcpus else _NOT_REPORTED


def _cpu(view: GuestView, _: _Context) -> Cell:
    return _live(view, None if view.cpu_percent is None else percent(view.cpu_percent))


def _host_cpu(view: GuestView, _: _Context) -> Cell:
    share = view.host_cpu_percent
    return _live(view, None if share is None else percent(share))


def _live(view: GuestView, text: str | None) -> Cell:
    """Nothing for a guest without a process, "-" for a figure that is not reported."""
    if not view.guest.state.active:
        return ()
    return _NOT_REPORTED if text is None else ((text, ""),)


def _memory(view: GuestView, _: _Context) -> Cell:
    rates = view.rates
    if rates is None or (rates.memory_kib is None and rates.memory_total_kib is None):
        return _live(view, None)
    return _live(view, f"{_memory_used(rates)}/{kib(rates.memory_total_kib)}")


def _memory_short(view: GuestView, _: _Context) -> Cell:
    rates = view.rates
    return _live(view, None if rates is None or rates.memory_kib is None else _memory_used(rates))


def _memory_used(rates: GuestRates) -> str:
    mark = "~" if rates.memory_source is MemorySource.RSS else ""
    return mark + kib(rates.memory_kib)


def _disk(view: GuestView, _: _Context) -> Cell:
    rates = view.rates
    return _pair(view, rates.disk_read, rates.disk_write) if rates else _live(view, None)


def _net(view: GuestView, _: _Context) -> Cell:
    rates = view.rates
    return _pair(view, rates.net_rx, rates.net_tx) if rates else _live(view, None)


def _pair(view: GuestView, one: float | None, other: float | None) -> Cell:
    if one is None and other is None:
        return _live(view, None)
    if not one and not other and view.guest.state.active:
        return ((f"{byte_count(one)}/{byte_count(other)}", "dim"),)
    return _live(view, f"{byte_count(one)}/{byte_count(other)}")


def _disk_short(view: GuestView, _: _Context) -> Cell:
    return _live(view, _sum_text(_disk_sum(view)))


def _net_short(view: GuestView, _: _Context) -> Cell:
    return _live(view, _sum_text(_net_sum(view)))


def _sum_text(value: float | None) -> str | None:
    return None if value is None else byte_count(value)


def _devices(view: GuestView, context: _Context) -> Cell:
    details = view.guest.details
    if details is None:
        return _NOT_REPORTED
    parts: list[Part] = []
    for cls, number in count_classes(details.devices).items():
        if number:
            space = " " if parts else ""
            glyph = cls.letter if context.ascii else cls.glyph
            parts.append((f"{space}{glyph}{number}", cls.value))
    notes = {device.note.split(",")[0] for device in details.devices if device.note}
    if notes:
        parts.append((f" {visible(' '.join(sorted(notes)))}", DeviceClass.PHYSICAL.value))
    return tuple(parts)


def _uptime(view: GuestView, context: _Context) -> Cell:
    started = view.guest.started_at
    return _live(view, None if started is None else duration(context.now - started))


def _ip(view: GuestView, _: _Context) -> Cell:
    addresses = view.guest.addresses
    if not addresses:
        return _live(view, None)
    more = f" +{len(addresses) - 1}" if len(addresses) > 1 else ""
    return ((visible(addresses[0]), ""), (more, "dim"))


def _yes_no(value: bool | None) -> Cell:
    if value is None:
        return _NOT_REPORTED
    return (("yes", ""),) if value else (("no", "dim"),)


_CELLS: dict[str, Callable[[GuestView, _Context], Cell]] = {
    "state": _state,
    "state.short": _state_short,
    "name": _name,
    "host": _host,
    "vcpus": _vcpus,
    "cpu": _cpu,
    "host_cpu": _host_cpu,
    "memory": _memory,
    "memory.short": _memory_short,
    "disk": _disk,
    "disk.short": _disk_short,
    "net": _net,
    "net.short": _net_short,
    "devices": _devices,
    "uptime": _uptime,
    "ip": _ip,
    "autostart": lambda view, _: _yes_no(view.guest.autostart),
    "persistent": lambda view, _: _yes_no(view.guest.persistent),
    "saved": lambda view, _: _yes_no(view.guest.managed_save),
}


NaturalKey = tuple[tuple[int, int, str], ...]


def natural_key(text: str) -> NaturalKey:
    """Sorts "vm2" before "vm10" and knows no upper case. Numbers of any length compare."""
    key = []
    for chunk in _NUMBERS.split(text.casefold()):
        if chunk[:1].isdecimal() and chunk.isascii():
            digits = chunk.lstrip("0")
            key.append((0, len(digits), digits))
        elif chunk:
            key.append((1, 0, chunk))
    return tuple(key)


SortValue = float | NaturalKey
SortKey = tuple[bool, SortValue, NaturalKey, str, str]


def sort_key(view: GuestView, column_id: str) -> SortKey:
    """For `sorted`: by the column, what has no value last, equals by name, host and UUID.

    The id of a short column sorts as the column it stands in for. KeyError if there is no such.
    """
    value = _SORT_VALUES[column_id.removesuffix(".short")](view)
    ties = (natural_key(view.guest.name), view.key.host, view.key.uuid)
    return (value is None, 0.0 if value is None else value, *ties)


def sort_views(
    views: Iterable[GuestView], column_id: str, *, descending: bool = False
) -> list[GuestView]:
    """Sorted by a column; what has no value is last either way, equals are by name either way."""
    keyed = [(sort_key(view, column_id), view) for view in views]
    keyed.sort(key=lambda pair: pair[0])
    if descending:
        # Python's sort is stable, so equals stay in the order of their names.
        keyed.sort(key=lambda pair: pair[0][:2], reverse=True)
        keyed.sort(key=lambda pair: pair[0][0])
    return [view for _, view in keyed]


def _sum(one: float | None, other: float | None) -> float | None:
    known = [value for value in (one, other) if value is not None]
    return sum(known) if known else None


def _disk_sum(view: GuestView) -> float | None:
    return _sum(view.rates.disk_read, view.rates.disk_write) if view.rates else None


def _net_sum(view: GuestView) -> float | None:
    return _sum(view.rates.net_rx, view.rates.net_tx) if view.rates else None


def _started(view: GuestView) -> float | None:
    """Long uptime is high, so the start counts backwards."""
    started = view.guest.started_at
    return -started if started is not None and view.guest.state.active else None


_SORT_VALUES: dict[str, Callable[[GuestView], SortValue | None]] = {
    # A saved guest comes just before those that are off.
    "state": lambda view: _STATE_ORDER.index(view.guest.state) - view.guest.saved / 2,
    "name": lambda view: natural_key(view.guest.name),
    "host": lambda view: natural_key(view.key.host),
    "vcpus": lambda view: (view.guest.details.vcpus or None) if view.guest.details else None,
    "cpu": lambda view: view.cpu_percent,
    "host_cpu": lambda view: view.host_cpu_percent,
    "memory": lambda view: view.rates.memory_kib if view.rates else None,
    "disk": _disk_sum,
    "net": _net_sum,
    "devices": lambda view: len(view.guest.details.devices) if view.guest.details else None,
    "uptime": _started,
    "ip": lambda view: natural_key(view.guest.addresses[0]) if view.guest.addresses else None,
    "autostart": lambda view: _flag(view.guest.autostart),
    "persistent": lambda view: _flag(view.guest.persistent),
    "saved": lambda view: _flag(view.guest.managed_save),
}


def _flag(value: bool | None) -> float | None:
    return None if value is None else float(not value)
