"""Notices: what was said, when and about what."""

from __future__ import annotations

from typing import NamedTuple


class Notice(NamedTuple):
    """at: seconds since the epoch. host and guest: names, "" where it is about neither."""

    at: float
    text: str
    host: str = ""
    guest: str = ""
    bad: bool = False
