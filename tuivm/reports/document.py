"""The JSON document of a comparison, written and read back; described in docs/comparison.md."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from tuivm.model.comparison import MEASURES, Comparison, DeviceRef, Figure, Row, Unfair
from tuivm.model.devices import Backing, DeviceClass, DeviceKind
from tuivm.model.guests import GuestKey
from tuivm.model.recorded import Recorded

SCHEMA = 1
"""Grows when a key is removed or changes its meaning; new keys may come without."""
KIND = "tuivm comparison"
_IDS = tuple(measure.id for measure in MEASURES)
Document = dict[str, Any]


class DocumentError(Exception):
    """Text is no comparison, or not one that this version reads; says in words why."""


def to_json(recorded: Recorded) -> str:
    """One document, ASCII, with a newline at its end."""
    text = json.dumps(_document(recorded), allow_nan=False, separators=(",", ":"))
    return text.replace('{"host":', '\n{"host":') + "\n"


def from_json(text: str) -> Recorded:
    """What `to_json` wrote. Keys that are not known are ignored. Raises DocumentError."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DocumentError(f"it is not JSON: {error}") from error
    if not isinstance(found, dict) or found.get("kind") != KIND:
        raise DocumentError("it is JSON, but no comparison of tuivm")
    if found.get("schema") != SCHEMA:
        raise DocumentError(
            f"its schema is {found.get('schema')!r}; this version of tuivm reads {SCHEMA}"
        )
    try:
        return _recorded(found)
    except KeyError as error:
        raise DocumentError(f"it has no {error}") from error
    except (TypeError, ValueError, IndexError, OverflowError) as error:
        raise DocumentError(f"a value in it is not as it should be: {error}") from error


def timestamp(at: float) -> str:
    """1700000000.25 -> "2023-11-14T22:13:20.250Z"."""
    text = datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


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
    rows = [_read_row(_table(one)) for one in _list(found["rows"])]
    refs = [row.ref for row in rows]
    baseline = found["baseline"]
    taken = datetime.fromisoformat(_text(found["taken"])).timestamp()
    comparison = Comparison(
        rows=tuple(rows),
        baseline=None if baseline is None else refs[_place(baseline)],
        seconds=_positive(found["seconds"]),
        unfair=tuple(
            Unfair(_text(one["reason"]), tuple(refs[_place(place)] for place in _list(one["rows"])))
            for one in map(_table, _list(found["unfair"]))
        ),
    )
    return Recorded(
        comparison,
        taken=round(taken, 3),
        step=_positive(found["step"]),
        series=_read_series(found),
        name=_text(found["name"]),
    )


def _read_series(found: Document) -> dict[str, tuple[tuple[float, ...], ...]]:
    every = [_table(_table(one)["series"]) for one in _list(found["rows"])]
    names = [name for name in _IDS if all(name in one for one in every)] if every else _IDS
    return {name: tuple(_line(one[name]) for one in every) for name in names}


def _line(values: object) -> tuple[float, ...]:
    return tuple(math.nan if value is None else _number(value) for value in _list(values))


def _read_row(found: Document) -> Row:
    guest = GuestKey(_text(found["host"]), _text(found["uuid"]))
    return Row(
        ref=DeviceRef(guest, DeviceKind(found["kind"]), _text(found["target"])),
        guest=_text(found["guest"]),
        host=guest.host,
        model=_text(found["model"]),
        cls=DeviceClass(found["class"]),
        note=_text(found["note"]),
        backing=None if found["backing"] is None else _read_backing(_table(found["backing"])),
        figures=_read_figures(found["figures"]),
        ratios=_read_figures(found["ratios"]),
        best=_ids(found["best"]),
        worst=_ids(found["worst"]),
        seconds=_number(found["measured"]),
        reading=_number_or_none(found["reading"]),
        virt_type=_text(found["virt_type"]),
        vcpus=0 if found["vcpus"] is None else _place(found["vcpus"]),
        mac=_text(found["mac"]),
    )


def _read_backing(found: Document) -> Backing:
    texts = ("kind", "format", "cache", "io", "discard", "iothread", "vhost")
    return Backing(
        **{name: _text(found[name]) for name in texts},
        throttled=found["throttled"] is True,
        queues=_place(found["queues"]),
    )


def _read_figures(found: object) -> dict[str, Figure]:
    return {
        name: Figure(
            mean=_number_or_none(one["mean"]),
            low=_number_or_none(one["low"]),
            high=_number_or_none(one["high"]),
            note=_text(one["note"]),
        )
        for name, one in ((name, _table(value)) for name, value in _table(found).items())
        if name in _IDS
    }


def _ids(found: object) -> frozenset[str]:
    return frozenset(name for name in _list(found) if name in _IDS)


def _table(found: object) -> Document:
    if not isinstance(found, dict):
        raise TypeError(f"{_short(found)} is no object")
    return found


def _list(found: object) -> Sequence[Any]:
    if not isinstance(found, list):
        raise TypeError(f"{_short(found)} is no list")
    return found


def _text(found: object) -> str:
    if not isinstance(found, str):
        raise TypeError(f"{_short(found)} is no text")
    return found


def _number(found: object) -> float:
    """Nothing that is measured here can be negative."""
    if isinstance(found, bool) or not isinstance(found, int | float) or not math.isfinite(found):
        raise TypeError(f"{_short(found)} is no number")
    if found < 0:
        raise ValueError(f"{found} is less than 0")
    return float(found)


def _number_or_none(found: object) -> float | None:
    return None if found is None else _number(found)


def _positive(found: object) -> float:
    number = _number(found)
    if number <= 0:
        raise ValueError(f"{number} is not more than 0")
    return number


def _place(found: object) -> int:
    """A whole number from 0 on."""
    if isinstance(found, bool) or not isinstance(found, int) or found < 0:
        raise TypeError(f"{_short(found)} is no whole number")
    return found


def _short(found: object) -> str:
    return repr(found)[:40]
