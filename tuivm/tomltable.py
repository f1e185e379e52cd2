"""Strict reading of TOML: each value is asked for with its type, what nobody asked for is an error,
and errors name the key and the line."""

from __future__ import annotations

import difflib
import itertools
import operator
import re
import tomllib
from collections.abc import Collection, Iterable, Iterator
from enum import StrEnum
from typing import Any, TypeVar

_Choice = TypeVar("_Choice", bound=StrEnum)
_Path = tuple[str | int, ...]

_UNITS = {
    "": 1,
    "B": 1,
    **{f"{prefix}iB": 1024**power for power, prefix in enumerate("KMGTPE", 1)},
    **{prefix: 1024**power for power, prefix in enumerate("KMGTPE", 1)},
    **{f"{prefix}B": 1000**power for power, prefix in enumerate("KMGTPE", 1)},
}
_SIZE = re.compile(r"(\d+)(?:\.(\d+))?\s*([A-Za-z]*)", re.ASCII)


class TableError(ValueError):
    """key: dotted, the places in lists counted from 0 as findings count them. line: from 1, 0 when
    it cannot be told. what: the rest of the sentence."""

    def __init__(self, key: str, line: int, what: str) -> None:
        self.key, self.line, self.what = key, line, what
        where = f"line {line}: " if line else ""
        super().__init__(f"{where}{key}: {what}" if key else f"{where}{what}")


def document(text: str) -> Table:
    """The whole file. Raises TableError when it is not TOML."""
    try:
        return Table(tomllib.loads(text), text)
    except tomllib.TOMLDecodeError as error:
        # tomllib has the place only in its words, until Python 3.14.
        found = re.search(r" \(at line (\d+), column \d+\)$", str(error))
        line = int(found[1]) if found else len(text.splitlines())
        raise TableError("", line, f"is not valid TOML: {error}") from None
    except RecursionError:
        raise TableError("", 0, "is not valid TOML that can be read: nested too deeply") from None


class Table:
    """One table of the file. Every method takes the value of a key, or gives its default."""

    def __init__(self, values: dict[str, Any], text: str, path: _Path = ()) -> None:
        self._values, self._text, self._path = values, text, path
        self._asked: dict[str, None] = {}

    def __contains__(self, key: str) -> bool:
        return key in self._values

    def fault(self, key: str, what: str) -> TableError:
        """The error to raise; key "" is the table itself."""
        path = (*self._path, key) if key else self._path
        return TableError(".".join(map(str, path)), line_of(self._text, path), what)

    def text(self, key: str, default: str = "") -> str:
        value = self._take(key, default)
        if not isinstance(value, str):
            raise self.fault(key, f"must be text in quotes, not {_shown(value)}")
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        value = self._take(key, [])
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            raise self.fault(key, f"must be a list of texts, not {_shown(value)}")
        return tuple(value)

    def flag(self, key: str, default: bool) -> bool:
        value = self._take(key, default)
        if not isinstance(value, bool):
            raise self.fault(key, f"must be true or false, not {_shown(value)}")
        return value

    def maybe(self, key: str) -> bool | None:
        """None when the key is not there."""
        return self.flag(key, False) if key in self._values else self._take(key, None)

    def count(self, key: str, default: int | None = 0) -> int:
        """A whole number from 0 up; default None: the key must be there."""
        value = self._take(key, default)
        if value is None:
            raise self.fault("", f'"{key}" is missing')
        if not isinstance(value, int) or isinstance(value, bool) or value < 0:
            raise self.fault(key, f"must be a whole number from 0 up, not {_shown(value)}")
        return value

    def size(self, key: str, *, step: int = 1) -> int:
        """Bytes of a text such as "20 GiB", in units of `step` bytes, which it must be whole of;
        0 when the key is not there. A bare number is refused: its unit would be a guess."""
        value = self._take(key, "0")
        size = parse_size(value) if isinstance(value, str) else None
        if size is None:
            raise self.fault(key, f'must be a size such as "2 GiB", not {_shown(value)}')
        if size % step:
            raise self.fault(key, f"must be whole KiB, not {_shown(value)}")
        return size // step

    def choice(self, key: str, kind: type[_Choice], default: _Choice | None) -> _Choice:
        """default None: the key must be there."""
        value = self._take(key, default)
        if value is None:
            raise self.fault("", f'"{key}" is missing; it is one of {_listed(kind)}')
        if not isinstance(value, str) or value not in list(kind):
            near = _near(value, list(kind)) if isinstance(value, str) else ""
            raise self.fault(key, f"must be one of {_listed(kind)}, not {_shown(value)}{near}")
        return kind(value)

    def table(self, key: str) -> Table:
        """An empty one when the key is not there."""
        value = self._take(key, {})
        if not isinstance(value, dict):
            raise self.fault(key, f"must be a table, not {_shown(value)}")
        return Table(value, self._text, (*self._path, key))

    def tables(self, key: str) -> tuple[Table, ...]:
        value = self._take(key, [])
        if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
            raise self.fault(key, f"must be tables, each begun with [[{key}]], not {_shown(value)}")
        return tuple(
            Table(one, self._text, (*self._path, key, number)) for number, one in enumerate(value)
        )

    def end(self) -> None:
        """All that is known was asked for. Raises TableError on the first key that was not."""
        for key in self._values:
            if key not in self._asked:
                raise self.fault(key, f"is not known{_near(key, self._asked)}")

    def _take(self, key: str, default: Any) -> Any:
        self._asked[key] = None
        return self._values.get(key, default)


def parse_size(text: str) -> int | None:
    """Bytes. KiB, MiB, … (or K, M, …) count in 1024s, kB, MB, … in 1000s. None: not a size, or not
    whole bytes."""
    found = _SIZE.fullmatch(text.strip())
    # Longer ones are no size of anything, and int() refuses them past 4300 digits.
    if found is None or len(text) > 64:
        return None
    whole, fraction, name = found[1], found[2] or "", found[3]
    unit = _UNITS.get("KB" if name == "kB" else name)
    if unit is None:
        return None
    size, rest = divmod(int(whole + fraction) * unit, 10 ** len(fraction))
    return None if rest else size


def write_size(size: int) -> str:
    """As `parse_size` reads it, in the greatest unit that it is whole of."""
    for power, prefix in reversed(list(enumerate("KMGTPE", 1))):
        if size and size % 1024**power == 0:
            return f"{size // 1024**power} {prefix}iB"
    return f"{size} B"


def line_of(text: str, path: _Path) -> int:
    """Where the value at this path is written, or else the innermost table around it; 0: nowhere.

    tomllib tells no lines. So each statement is read by itself, and headers are counted.
    """
    counts: dict[_Path, int] = {}
    header: _Path = ()
    best, depth = 0, 0
    for number, statement, table in _statements(text):
        if statement.startswith("["):
            header = here = _header(table, counts)
        else:
            here = (*header, *_keys(table))
        common = sum(1 for _ in itertools.takewhile(bool, map(operator.eq, here, path)))
        if common > depth:
            best, depth = number, common
    return best


def _statements(text: str) -> Iterator[tuple[int, str, dict[str, Any]]]:
    """(its first line, itself, what it says) for each statement of a valid document."""
    start, lines = 1, list[str]()
    for number, line in enumerate(text.split("\n"), 1):
        if not lines:
            start = number
        lines.append(line)
        # A value of several lines ends in one of these; anything else need not be tried.
        if len(lines) > 1 and not re.search(r"[\]}\"']", line):
            continue
        statement = "\n".join(lines).strip()
        try:
            table = tomllib.loads(statement)
        except tomllib.TOMLDecodeError:
            continue
        lines.clear()
        if table:
            yield start, statement, table


def _keys(value: Any) -> tuple[str, ...]:
    """The dotted key of a statement: `a.b = 1` is a table in a table."""
    keys = []
    while isinstance(value, dict) and len(value) == 1:
        (key, value), *_ = value.items()
        keys.append(key)
    return tuple(keys)


def _header(table: dict[str, Any], counts: dict[_Path, int]) -> _Path:
    """The path that a header such as [[disk]] or [disk.new] opens, the place in each list added."""
    path: _Path = ()
    value: Any = table
    while isinstance(value, dict) and value:
        (key, value), *_ = value.items()
        path = (*path, key)
        if isinstance(value, list):
            counts[path] = counts.get(path, -1) + 1
            value = value[0]
        if path in counts:
            path = (*path, counts[path])
    return path


def _listed(kind: Iterable[StrEnum]) -> str:
    return ", ".join(f'"{one}"' for one in kind if one)


def _near(word: str, known: Collection[str]) -> str:
    close = difflib.get_close_matches(word, known, 1)
    return f', did you mean "{close[0]}"?' if close else ""


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:37]}..."
