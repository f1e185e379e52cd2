"""Sizes as people type them; otherwise as in a spec's file."""

from __future__ import annotations

from tuivm.tomltable import parse_size, write_size

__all__ = ["typed_size", "write_size"]


def typed_size(text: str, unit: str) -> int | None:
    """Bytes: as in a spec's file ("20 GiB", "512M"), with small letters too ("20g"), and a number
    alone is in `unit`. None for what is no size."""
    text = text.strip()
    if text[-1:].isdigit():
        return parse_size(f"{text} {unit}")
    if text[-1:].isalpha() and not text[-2:-1].isalpha():
        text = text.upper()
    return parse_size(text)
