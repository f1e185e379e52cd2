"""What all documents of ours have in common: their head, and values that are as they should be.

The functions on values raise TypeError or ValueError for one that is not.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

T = TypeVar("T")
Document = dict[str, Any]


class DocumentError(Exception):
    """Text is no document of the kind, or not one that this version reads; says in words why."""


def read(source: str, kind: str, schema: int, of: Callable[[Document], T]) -> T:
    """What `of` makes of the document in a text. kind: "tuivm comparison". Raises DocumentError."""
    try:
        found = json.loads(source)
    except (ValueError, RecursionError) as error:
        raise DocumentError(f"it is not JSON: {error}") from error
    if not isinstance(found, dict) or found.get("kind") != kind:
        raise DocumentError(f"it is JSON, but no {kind.removeprefix('tuivm ')} of tuivm")
    if found.get("schema") != schema:
        raise DocumentError(
            f"its schema is {found.get('schema')!r}; this version of tuivm reads {schema}"
        )
    try:
        return of(found)
    except KeyError as error:
        raise DocumentError(f"it has no {error}") from error
    except (TypeError, ValueError, IndexError, OverflowError) as error:
        raise DocumentError(f"a value in it is not as it should be: {error}") from error


def timestamp(at: float) -> str:
    """1700000000.25 -> "2023-11-14T22:13:20.250Z"."""
    said = datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")
    return said.replace("+00:00", "Z")


def table(found: object) -> Document:
    if not isinstance(found, dict):
        raise TypeError(f"{_short(found)} is no object")
    return found


def items(found: object) -> Sequence[Any]:
    if not isinstance(found, list):
        raise TypeError(f"{_short(found)} is no list")
    return found


def text(found: object) -> str:
    if not isinstance(found, str):
        raise TypeError(f"{_short(found)} is no text")
    return found


def number(found: object) -> float:
    """Nothing that is measured here can be negative."""
    if isinstance(found, bool) or not isinstance(found, int | float) or not math.isfinite(found):
        raise TypeError(f"{_short(found)} is no number")
    if found < 0:
        raise ValueError(f"{found} is less than 0")
    return float(found)


def number_or_none(found: object) -> float | None:
    return None if found is None else number(found)


def positive(found: object) -> float:
    given = number(found)
    if given <= 0:
        raise ValueError(f"{given} is not more than 0")
    return given


def flag(found: object) -> bool:
    if not isinstance(found, bool):
        raise TypeError(f"{_short(found)} is neither true nor false")
    return found


def whole(found: object) -> int:
    """A whole number from 0 on."""
    if isinstance(found, bool) or not isinstance(found, int) or found < 0:
        raise TypeError(f"{_short(found)} is no whole number")
    return found


def _short(found: object) -> str:
    return repr(found)[:40]
