"""Small helpers that every check shares: how a finding is made, how its parts are worded."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import ip_address

from tuivm.model.findings import Finding, Severity
from tuivm.model.units import visible

_LONGEST = 60
_ORDER = tuple(Severity)


def error(id_: str, field: str, what: str, why: str = "", remedy: str = "") -> Finding:
    return Finding(id_, Severity.ERROR, what, why, remedy, field)


def warning(id_: str, field: str, what: str, why: str = "", remedy: str = "") -> Finding:
    return Finding(id_, Severity.WARNING, what, why, remedy, field)


def note(id_: str, field: str, what: str, why: str = "", remedy: str = "") -> Finding:
    return Finding(id_, Severity.NOTE, what, why, remedy, field)


def shown(text: str, longest: int = _LONGEST) -> str:
    """Text from outside, as it may stand in a sentence: one line, not too long."""
    clean = visible(text)
    return clean if len(clean) <= longest else f"{clean[: longest - 1]}…"


def counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def has_control(text: str) -> bool:
    """It has characters that XML cannot hold, or that would end a line."""
    return any(_control(ord(char)) for char in text)


def is_address(text: str) -> bool:
    """An IPv4 or IPv6 address, without a prefix length."""
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def worst_first(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Each once; a note that is true of several fields, at the first of them."""
    notes: dict[tuple[str, str], Finding] = {}
    kept = [
        finding
        for finding in dict.fromkeys(findings)
        if finding.severity is not Severity.NOTE
        or notes.setdefault((finding.id, finding.what), finding) is finding
    ]
    return tuple(sorted(kept, key=lambda finding: _ORDER.index(finding.severity)))


def _control(code: int) -> bool:
    surrogate = 0xD800 <= code < 0xE000
    return code < 0x20 or 0x7F <= code < 0xA0 or surrogate or code in (0xFFFE, 0xFFFF)
