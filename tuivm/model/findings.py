"""What a preflight found: each finding with what it is about, why it matters, and what to do."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class Severity(StrEnum):
    ERROR = "error"
    """It would fail, or harm: it stops."""
    WARNING = "warning"
    """Each is accepted by itself."""
    NOTE = "note"


class Finding(NamedTuple):
    """id: stable, for scripts and tests ("name-taken"). field: the spec's, dotted as in its TOML
    file ("guest.name", "disk.0.bus"), "" for the whole."""

    id: str
    severity: Severity
    what: str
    why: str = ""
    remedy: str = ""
    field: str = ""
