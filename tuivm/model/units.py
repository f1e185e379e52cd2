"""Numbers as people read them: short, with the unit, the same width where it matters."""

from __future__ import annotations

from unicodedata import category

_KIB = 1024.0


def byte_count(value: float | None, *, missing: str = "-") -> str:
    """1536 -> "1.5K". Binary steps, three significant digits, no "iB" (a heading says that)."""
    if value is None:
        return missing
    size = float(value)
    for suffix in ("", "K", "M", "G", "T", "P"):
        if abs(size) < 999.5 or suffix == "P":
            break
        size /= _KIB
    return f"{size:.0f}{suffix}" if abs(size) >= 9.95 or not suffix else f"{size:.1f}{suffix}"


def kib(value: float | None, *, missing: str = "-") -> str:
    """A figure in KiB, as libvirt gives memory: 2097152 -> "2.0G"."""
    return byte_count(None if value is None else value * _KIB, missing=missing)


def percent(value: float | None, *, missing: str = "-") -> str:
    """34.1 -> "34.1"; three digits and more lose the decimal."""
    if value is None:
        return missing
    return f"{value:.1f}" if abs(value) < 99.95 else f"{value:.0f}"


def count(value: float | None, *, missing: str = "-") -> str:
    """A rate of things: 12345.6 -> "12.3k" (decimal steps)."""
    if value is None:
        return missing
    for suffix in ("", "k", "M", "G"):
        if abs(value) < 999.5 or suffix == "G":
            break
        value /= 1000.0
    if not suffix:
        return f"{value:.0f}" if value >= 9.95 or value == int(value) else f"{value:.1f}"
    return f"{value:.0f}{suffix}" if abs(value) >= 99.5 else f"{value:.1f}{suffix}"


def duration(seconds: float | None, *, missing: str = "-") -> str:
    """Two largest units: 93784 -> "1d 2h", 125 -> "2m 5s"."""
    if seconds is None:
        return missing
    left = max(0, int(seconds))
    units = (("d", 86400), ("h", 3600), ("m", 60), ("s", 1))
    for index, (name, size) in enumerate(units):
        if left >= size or name == "s":
            whole, rest = divmod(left, size)
            if index + 1 == len(units):
                return f"{whole}{name}"
            next_name, next_size = units[index + 1]
            return f"{whole}{name} {rest // next_size}{next_name}"
    return missing


def nanoseconds(value: float | None, *, missing: str = "-") -> str:
    """A latency: 1234567 -> "1.23ms"."""
    if value is None:
        return missing
    for suffix in ("ns", "µs", "ms", "s"):
        if abs(value) < 999.5 or suffix == "s":
            break
        value /= 1000.0
    return f"{value:.0f}{suffix}" if abs(value) >= 999.5 else f"{value:.3g}{suffix}"


def visible(text: str) -> str:
    """Untrusted text on one line: control characters become pictures, what is invisible is marked.

    Covers C0, DEL, C1, line and paragraph separators and Unicode's format characters (bidirectional
    controls, zero-width space, tags …), so that nothing from outside can move the cursor, reorder
    a row or hide. The two joiners stay: scripts and emoji need them.
    """
    return text if text.isprintable() else "".join(map(_picture, text))


_JOINERS = "\u200c\u200d"


def _picture(char: str) -> str:
    code = ord(char)
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "␡"
    if 0x80 <= code <= 0x9F or code in (0x2028, 0x2029, 0xFEFF) or 0xD800 <= code <= 0xDFFF:
        return "�"
    return "⁞" if category(char) == "Cf" and char not in _JOINERS else char
