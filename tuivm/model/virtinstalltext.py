"""How virt-install's options are written: key=value, with commas between."""

from __future__ import annotations

import re
from collections.abc import Mapping

_PLAIN = re.compile(r"[^\s,\"'\\]*")


def said(parts: Mapping[str, object]) -> str:
    """ "key=value,key=value" of those that are not "", None or False; True is "yes". The key "" is
    for the value that comes first and has none."""
    return ",".join(
        f"{key}={_written(value)}" if key else _written(value)
        for key, value in parts.items()
        if value not in ("", None) and value is not False
    )


def option(name: str, parts: Mapping[str, object]) -> tuple[str, ...]:
    """The option with its parts, () where none of them says anything."""
    text = said(parts)
    return (name, text) if text else ()


def _written(value: object) -> str:
    """As Python's shlex reads it back, which virt-install splits its options with."""
    text = "yes" if value is True else str(value)
    if _PLAIN.fullmatch(text):
        return text
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
