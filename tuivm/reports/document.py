"""The JSON document of a comparison, written and read back; described in docs/comparison.md."""

from __future__ import annotations

import json
import math
from datetime import datetime

from tuivm.model.comparison import MEASURES, Comparison, DeviceRef, Figure, Row, Unfair
from tuivm.model.devices import Backing, DeviceClass, DeviceKind
from tuivm.model.guests import GuestKey
from tuivm.model.recorded import Recorded
from tuivm.reports import checks
from tuivm.reports.checks import Document, timestamp

SCHEMA = 1
"""Grows when a key is removed or changes its meaning; new keys may come without."""
KIND = "tuivm comparison"
_IDS = tuple(measure.id for measure in MEASURES)


def to_json(recorded: Recorded) -> str:
    """One document, ASCII, with a newline at its end."""
    text = json.dumps(_document(recorded), allow_nan=False, separators=(",", ":"))
    return text.replace('{"host":', '\n{"host":') + "\n"


def from_json(text: str) -> Recorded:
    """What `to_json` wrote. Keys that are not known are ignored. Raises DocumentError."""
    return checks.read(text, KIND, SCHEMA, _recorded)


def _document(recorded: Recorded) -> Document:
    comparison = recorded.comparison
    refs = [row.ref for row in comparison.rows]
    places = {ref: place for place, ref in enumerate(refs)}
    return {
        "kind": KIND,
        "schema": SCHEMA,
        "name": recorded.name,
        "taken": timestamp(recorded.taken),
        "seconds": comparison.seconds,
        "step": recorded.step,
        "baseline": None if comparison.baseline is None else places[comparison.baseline],
        "measures": [
            {"id": one.id, "title": one.title, "unit": one.unit, "more_is_better": one.more}
            for one in MEASURES
        ],
        "unfair": [
            {"reason": one.reason, "rows": [places[ref] for ref in one.refs]}
            for one in comparison.unfair
        ],
        "rows": [
            _row(row, {name: lines[place] for name, lines in recorded.series.items()})
            for place, row in enumerate(comparison.rows)
        ],
    }


def _row(row: Row, series: dict[str, tuple[float, ...]]) -> Document:
    return {
        "host": row.ref.guest.host,
        "uuid": row.ref.guest.uuid,
        "kind": row.ref.kind.value,
        "target": row.ref.target,
        "mac": row.mac,
        "guest": row.guest,
        "model": row.model,
        "class": row.cls.value,
        "note": row.note,
        "backing": row.backing._asdict() if row.backing else None,
        "virt_type": row.virt_type,
        "vcpus": row.vcpus or None,
        "measured": row.seconds,
        "reading": row.reading,
        "figures": {name: _figure(one) for name, one in row.figures.items()},
        "ratios": {name: _figure(one) for name, one in row.ratios.items()},
        "best": sorted(row.best),
        "worst": sorted(row.worst),
        "series": {
            name: [None if math.isnan(value) else value for value in line]
            for name, line in series.items()
        },
    }


def _figure(figure: Figure) -> Document:
    return {"mean": figure.mean, "low": figure.low, "high": figure.high, "note": figure.note}


def _recorded(found: Document) -> Recorded:
    rows = [_read_row(checks.table(one)) for one in checks.items(found["rows"])]
    refs = [row.ref for row in rows]
    baseline = found["baseline"]
    taken = datetime.fromisoformat(checks.text(found["taken"])).timestamp()
    comparison = Comparison(
        rows=tuple(rows),
        baseline=None if baseline is None else refs[checks.whole(baseline)],
        seconds=checks.positive(found["seconds"]),
        unfair=tuple(
            Unfair(
                checks.text(one["reason"]),
                tuple(refs[checks.whole(place)] for place in checks.items(one["rows"])),
            )
            for one in map(checks.table, checks.items(found["unfair"]))
        ),
    )
    return Recorded(
        comparison,
        taken=round(taken, 3),
        step=checks.positive(found["step"]),
        series=_read_series(found),
        name=checks.text(found["name"]),
    )


def _read_series(found: Document) -> dict[str, tuple[tuple[float, ...], ...]]:
    every = [checks.table(checks.table(one)["series"]) for one in checks.items(found["rows"])]
    names = [name for name in _IDS if all(name in one for one in every)] if every else _IDS
    return {name: tuple(_line(one[name]) for one in every) for name in names}


def _line(values: object) -> tuple[float, ...]:
    return tuple(
        math.nan if value is None else checks.number(value) for value in checks.items(values)
    )


def _read_row(found: Document) -> Row:
    guest = GuestKey(checks.text(found["host"]), checks.text(found["uuid"]))
    return Row(
        ref=DeviceRef(guest, DeviceKind(found["kind"]), checks.text(found["target"])),
        guest=checks.text(found["guest"]),
        host=guest.host,
        model=checks.text(found["model"]),
        cls=DeviceClass(found["class"]),
        note=checks.text(found["note"]),
        backing=None if found["backing"] is None else _read_backing(checks.table(found["backing"])),
        figures=_read_figures(found["figures"]),
        ratios=_read_figures(found["ratios"]),
        best=_ids(found["best"]),
        worst=_ids(found["worst"]),
        seconds=checks.number(found["measured"]),
        reading=checks.number_or_none(found["reading"]),
        virt_type=checks.text(found["virt_type"]),
        vcpus=0 if found["vcpus"] is None else checks.whole(found["vcpus"]),
        mac=checks.text(found["mac"]),
    )


def _read_backing(found: Document) -> Backing:
    texts = ("kind", "format", "cache", "io", "discard", "iothread", "vhost")
    return Backing(
        **{name: checks.text(found[name]) for name in texts},
        throttled=found["throttled"] is True,
        queues=checks.whole(found["queues"]),
    )


def _read_figures(found: object) -> dict[str, Figure]:
    return {
        name: Figure(
            mean=checks.number_or_none(one["mean"]),
            low=checks.number_or_none(one["low"]),
            high=checks.number_or_none(one["high"]),
            note=checks.text(one["note"]),
        )
        for name, one in (
            (name, checks.table(value)) for name, value in checks.table(found).items()
        )
        if name in _IDS
    }


def _ids(found: object) -> frozenset[str]:
    return frozenset(name for name in checks.items(found) if name in _IDS)
