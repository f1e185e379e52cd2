"""From the history to what the time chart draws. No widget is touched here."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import NamedTuple

from tuivm.model.devices import Device, DeviceClass, DeviceKind
from tuivm.model.guests import GuestKey
from tuivm.model.history import History, SeriesKey
from tuivm.model.store import HOST_LOAD, GuestView, Store
from tuivm.model.units import byte_count, percent, visible
from tuivm.widgets.timechart import ChartData, ChartSeries
from tuivm.widgets.window import Window

METRICS = ("cpu", "memory", "disk", "net")

_TITLES = {"cpu": "CPU", "memory": "memory", "disk": "disks", "net": "network"}


class _Line(NamedTuple):
    key: SeriesKey
    label: str
    role: str
    glyph: str = ""


def no_chart(window: Window) -> ChartData:
    """When nothing is highlighted."""
    return ChartData("", "%", window.step, window.end_bucket, (), None, "nothing is highlighted")


def guest_chart(
    store: Store, view: GuestView, metric: str, window: Window, *, ascii_only: bool
) -> ChartData:
    """The chart of one guest: its CPU, memory, disks or network."""
    lines = list(_guest_lines(view, metric, ascii_only=ascii_only))
    name = visible(view.guest.name)
    note = _guest_note(view, metric, lines)
    unit = "%" if metric == "cpu" else "B" if metric == "memory" else "B/s"
    top = 100.0 if metric == "cpu" else _memory_top(view) if metric == "memory" else None
    title = _title(name, _TITLES[metric], window, ascii_only=ascii_only)
    return _chart(store.history, lines, window, title=title, unit=unit, top=top, note=note)


def host_chart(
    store: Store, host: str, metric: str, window: Window, *, ascii_only: bool
) -> ChartData:
    """The load of a host: CPU or memory, in percent of what it has."""
    name = "CPU" if metric == "cpu" else "memory"
    lines = [_Line(SeriesKey(GuestKey(host, HOST_LOAD), metric), name, "series-1")]
    title = _title(visible(host), name, window, ascii_only=ascii_only)
    return _chart(store.history, lines, window, title=title, unit="%", top=100.0)


def class_chart(store: Store, metric: str, window: Window, *, ascii_only: bool) -> ChartData:
    """I/O of all guests, one line a device class."""
    what = f"{_TITLES[metric]}, by class"
    title = _title("all guests", what, window, ascii_only=ascii_only)
    directions = ("net.rx", "net.tx") if metric == "net" else ("disk.read", "disk.write")
    series = []
    for cls in DeviceClass:
        keys = [
            SeriesKey(GuestKey(host, HOST_LOAD), direction, cls.value)
            for host in store.host_names
            for direction in directions
        ]
        values = _sum(store.history, keys, window)
        latest = _last(values)
        series.append(
            ChartSeries(
                label=cls.value,
                values=values,
                role=cls.value,
                glyph=cls.letter if ascii_only else cls.glyph,
                value=byte_count(None if math.isnan(latest) else latest),
            )
        )
    return ChartData(title, "B/s", window.step, window.end_bucket, tuple(series), None, "")


def _guest_lines(view: GuestView, metric: str, *, ascii_only: bool) -> Iterable[_Line]:
    if metric in ("cpu", "memory"):
        label = "CPU" if metric == "cpu" else "memory"
        if metric == "memory" and view.rates and view.rates.memory_source:
            label = "used" if view.rates.memory_source == "guest" else "RSS"
        yield _Line(SeriesKey(view.key, metric), label, "series-1")
        return
    kind = DeviceKind.DISK if metric == "disk" else DeviceKind.NIC
    directions = ("read", "write") if metric == "disk" else ("rx", "tx")
    devices = view.guest.details.devices if view.guest.details else ()
    counted = [device for device in devices if device.kind is kind and device.counted]
    number = 0
    for device in counted:
        glyph = device.cls.letter if ascii_only else device.cls.glyph
        for direction in directions:
            number = number % 6 + 1
            key = SeriesKey(view.key, f"{metric}.{direction}", device.target)
            label = f"{visible(device.target)} {direction}"
            yield _Line(key, label, f"series-{number}", glyph)


def _guest_note(view: GuestView, metric: str, lines: list[_Line]) -> str:
    if not view.guest.state.active:
        return f"{visible(view.guest.name)} is {view.guest.state_word}"
    if lines or view.guest.details is None:
        return ""
    devices: tuple[Device, ...] = view.guest.details.devices
    kind = DeviceKind.DISK if metric == "disk" else DeviceKind.NIC
    mine = [device for device in devices if device.kind is kind]
    what = "disk" if metric == "disk" else "network interface"
    if not mine:
        return f"it has no {what}"
    if all(device.cls is DeviceClass.PHYSICAL for device in mine):
        return "passed through: its I/O bypasses the VMM, nothing counts it here"
    return f"libvirt has no counters for its {what}"


def _memory_top(view: GuestView) -> float | None:
    total = view.rates.memory_total_kib if view.rates else None
    return None if total is None else total * 1024.0


def _chart(
    history: History,
    lines: list[_Line],
    window: Window,
    *,
    title: str,
    unit: str,
    top: float | None,
    note: str = "",
) -> ChartData:
    show: Callable[[float], str] = percent if unit == "%" else byte_count
    series = []
    for line in lines:
        values = tuple(history.means(line.key, window.end, window.step, window.count))
        latest = _last(values)
        text = "" if math.isnan(latest) else show(latest)
        series.append(ChartSeries(line.label, values, line.role, line.glyph, text))
    peak = max((v for one in series for v in one.values if not math.isnan(v)), default=0.0)
    # The history rounds: all of the memory may read as a little more than all.
    if top is not None and peak > top * 1.001:
        top = None
    return ChartData(title, unit, window.step, window.end_bucket, tuple(series), top, note)


def _sum(history: History, keys: Iterable[SeriesKey], window: Window) -> tuple[float, ...]:
    """Bucket by bucket, over all keys; NaN where none of them has a value."""
    totals = [math.nan] * window.count
    for key in keys:
        means = history.means(key, window.end, window.step, window.count)
        for place, mean in enumerate(means):
            if not math.isnan(mean):
                before = totals[place]
                totals[place] = mean if math.isnan(before) else before + mean
    return tuple(totals)


def _last(values: tuple[float, ...]) -> float:
    """The newest value; the very last buckets may not have been filled yet."""
    return next((value for value in reversed(values) if not math.isnan(value)), math.nan)


def _title(name: str, what: str, window: Window, *, ascii_only: bool) -> str:
    minutes = round(window.span / 60)
    span = f"{minutes} min" if minutes >= 1 else f"{window.span:.0f} s"
    return (" - " if ascii_only else " · ").join((name, what, span))
