"""Reads the tables of a page of docs and holds documents to them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

DOCUMENT = Path(__file__).parents[2] / "docs" / "json.md"
COMPARISON = DOCUMENT.with_name("comparison.md")
_PLAIN: dict[str, type | tuple[type, ...]] = {
    "string": str,
    "number": (int, float),
    "boolean": bool,
}


def read(page: Path = DOCUMENT) -> dict[str, dict[str, str]]:
    """Heading -> key -> type, as the page says."""
    tables: dict[str, dict[str, str]] = {}
    heading = ""
    for line in page.read_text("utf-8").splitlines():
        if line.startswith("#"):
            heading = line.lstrip("# ")
        found = re.match(r"\| `(\w+)` \| ([^|]+) \|", line)
        if found:
            tables.setdefault(heading, {})[found[1]] = found[2].strip()
    return tables


def faults(value: Any, kind: str, tables: dict[str, dict[str, str]], where: str = "$") -> list[str]:
    """What in a value differs from what the page says of its kind."""
    if kind.endswith(" or null"):
        if value is None:
            return []
        return faults(value, kind.removesuffix(" or null"), tables, where)
    if kind.startswith("list of "):
        if not isinstance(value, list):
            return [f"{where}: is no list"]
        inner = kind.removeprefix("list of ").strip("()")
        return [
            fault
            for number, item in enumerate(value)
            for fault in faults(item, inner, tables, f"{where}[{number}]")
        ]
    if kind.startswith("map of "):
        if not isinstance(value, dict):
            return [f"{where}: is no map"]
        inner = kind.removeprefix("map of ")
        return [
            fault
            for key, item in value.items()
            for fault in faults(item, inner, tables, f"{where}.{key}")
        ]
    if kind in _PLAIN:
        fits = isinstance(value, _PLAIN[kind]) and (kind == "boolean") == isinstance(value, bool)
        return [] if fits else [f"{where}: {value!r} is no {kind}"]
    if not isinstance(value, dict):
        return [f"{where}: is no {kind}"]
    expected = tables[kind]
    found = [f"{where}: {key} is missing" for key in expected if key not in value]
    found += [f"{where}: {key} is not documented" for key in value if key not in expected]
    for key in value.keys() & expected.keys():
        found += faults(value[key], expected[key], tables, f"{where}.{key}")
    return found
