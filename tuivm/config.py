"""The configuration file: TOML in, frozen records out; described in docs/configuration.md.

Reading never fails: whatever is wrong in the file is said in a sentence, the default stands in
for it, and the rest counts. `configfile` writes it.
"""

from __future__ import annotations

import difflib
import math
import tomllib
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import platformdirs

from tuivm.model.hosts import HostSpec
from tuivm.model.uris import check_uri, parse_uri, resolve_alias, short_name

INTERVAL_RANGE = (0.2, 3600.0)
CHART_WINDOW_RANGE = (30.0, 86400.0)
_NO_ALIASES: Mapping[str, str] = MappingProxyType({})


class ConfigError(Exception):
    """The file cannot be changed; the message says why and can be shown as it is."""


class Config(NamedTuple):
    """What a person set, with the defaults for what they did not.

    interval: seconds between two samples of a host that has none of its own. columns: ids of the
    guest table's columns in order, () for those that fit. sort: a column id, with "-" before it
    for descending. chart_window: seconds of history that a chart shows. keys: command id -> keys,
    as `keymap.resolve` takes them.
    """

    hosts: tuple[HostSpec, ...] = ()
    theme: str = "dark"
    ascii: bool = False
    slow: bool = False
    interval: float = 1.0
    columns: tuple[str, ...] = ()
    sort: str = "name"
    group_by_host: bool = False
    chart_window: float = 300.0
    keys: Mapping[str, str] = MappingProxyType({})


class Loaded(NamedTuple):
    """path: the file that was read, or would have been. problems: sentences, each with the file
    and the key."""

    config: Config
    path: Path
    problems: tuple[str, ...] = ()


def default_path() -> Path:
    return platformdirs.user_config_path("tuivm") / "config.toml"


def load(
    path: Path | None = None,
    *,
    columns: Collection[str] = (),
    themes: Collection[str] = (),
    aliases: Mapping[str, str] = _NO_ALIASES,
) -> Loaded:
    """Read the file at `path`, or the default one, which need not exist.

    columns, themes: the ids that exist; when given, others are reported and left out. aliases:
    libvirt.conf's, which a host may have for its URI.
    """
    where = path or default_path()
    try:
        table = tomllib.loads(where.read_text(encoding="utf-8"))
    except FileNotFoundError:
        missing = (f"{where}: there is no such file",) if path else ()
        return Loaded(Config(), where, missing)
    except OSError as error:
        return Loaded(Config(), where, (f"{where}: cannot be read: {error.strerror}",))
    except UnicodeDecodeError:
        return Loaded(Config(), where, (f"{where}: is not UTF-8 text",))
    except tomllib.TOMLDecodeError as error:
        return Loaded(Config(), where, (f"{where}: is not valid TOML: {error}",))
    faults: list[str] = []
    config = _read(table, columns, themes, faults, aliases)
    return Loaded(config, where, tuple(f"{where}: {fault}" for fault in faults))


def faults_of(table: Mapping[str, Any]) -> list[str]:
    """Sentences about what is wrong in a table as it stands in the file."""
    faults: list[str] = []
    _read(table, (), (), faults)
    return faults


def _read(
    table: Mapping[str, Any],
    columns: Collection[str],
    themes: Collection[str],
    faults: list[str],
    aliases: Mapping[str, str] = _NO_ALIASES,
) -> Config:
    readers: dict[str, Callable[[str, Any], Any]] = {
        "theme": lambda key, value: _one_of(key, _text(key, value), themes),
        "ascii": _flag,
        "slow": _flag,
        "interval": lambda key, value: _number(key, value, INTERVAL_RANGE),
        "columns": lambda key, value: _columns(key, value, columns),
        "sort": lambda key, value: _sort(key, value, columns),
        "group_by_host": _flag,
        "chart_window": lambda key, value: _number(key, value, CHART_WINDOW_RANGE),
    }
    values: dict[str, Any] = {}
    for key, value in table.items():
        if key in readers:
            try:
                values[key] = readers[key](key, value)
            except _BadValueError as bad:
                faults.append(str(bad))
        elif key not in ("host", "keys"):
            faults.append(_unknown(key, (*readers, "host", "keys")))
    config = Config(**values, keys=_keys(table.get("keys", {}), faults))
    return config._replace(hosts=_hosts(table.get("host", []), config.interval, faults, aliases))


def _hosts(
    found: object, interval: float, faults: list[str], aliases: Mapping[str, str]
) -> tuple[HostSpec, ...]:
    if not isinstance(found, list) or not all(isinstance(host, dict) for host in found):
        faults.append("host: must be tables, each begun with [[host]]")
        return ()
    hosts: dict[str, HostSpec] = {}
    for number, host in enumerate(found, 1):
        label = _label(number, host.get("name"))
        try:
            spec = _host(host, label, interval, faults, aliases)
        except _BadValueError as bad:
            faults.append(f"{bad}; the host is left out")
            continue
        if spec.name in hosts:
            faults.append(
                f'{label}: name: there is a host "{spec.name}" already; this one is left out'
            )
            continue
        hosts[spec.name] = spec
    return tuple(hosts.values())


def _label(number: int, name: object) -> str:
    """How a host of the file is called in a problem: by its place, and its name if it has one."""
    shown = isinstance(name, str) and not name_fault(name)
    return f'host {number} "{name}"' if shown else f"host {number}"


def _host(
    host: dict[str, Any],
    label: str,
    interval: float,
    faults: list[str],
    aliases: Mapping[str, str],
) -> HostSpec:
    known = ("name", "uri", "readonly", "interval")
    faults += [f"{label}: {_unknown(key, known)}" for key in host if key not in known]
    if "uri" not in host:
        raise _BadValueError(f"{label}: uri: is missing")
    written = _text(f"{label}: uri", host["uri"])
    uri = resolve_alias(written, aliases)
    if fault := uri_fault(uri):
        raise _BadValueError(f"{label}: uri: {fault}")
    name = _text(f"{label}: name", host.get("name", short_name(written)))
    if fault := name_fault(name):
        raise _BadValueError(f"{label}: name: {fault}")
    # A wrong value here must not open a connection that may change things: the host goes.
    readonly = _flag(f"{label}: readonly", host.get("readonly", False))
    try:
        interval = _number(f"{label}: interval", host.get("interval", interval), INTERVAL_RANGE)
    except _BadValueError as bad:
        faults.append(str(bad))
    return HostSpec(name, uri, readonly, interval)


def _keys(found: object, faults: list[str]) -> dict[str, str]:
    if not isinstance(found, dict):
        faults.append("keys: must be a table, begun with [keys]")
        return {}
    keys: dict[str, str] = {}
    for command, value in _flat(found):
        if isinstance(value, str):
            keys[command] = value
        else:
            faults.append(f'keys.{command}: must be a string such as "x" or "f5,ctrl+x"')
    return keys


def _flat(table: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """guest.start = "x" without quotes is a table in a table: both ways of writing it count."""
    for key, value in table.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


class _BadValueError(Exception):
    """A sentence: the key, what is wrong, what is allowed."""


def _text(key: str, value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise _BadValueError(f"{key}: must be a string that is not empty, not {_shown(value)}")
    return value.strip()


def _flag(key: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise _BadValueError(f"{key}: must be true or false, not {_shown(value)}")
    return value


def _number(key: str, value: object, allowed: tuple[float, float]) -> float:
    low, high = allowed
    if (
        isinstance(value, bool)
        or not isinstance(value, int | float)
        or not math.isfinite(value)
        or not low <= value <= high
    ):
        raise _BadValueError(
            f"{key}: must be a number of seconds from {low:g} to {high:g}, not {_shown(value)}"
        )
    return float(value)


def _one_of(key: str, value: str, allowed: Collection[str]) -> str:
    if allowed and value not in allowed:
        raise _BadValueError(
            f'{key}: "{value}" is not known{_hint(value, allowed)};'
            f" allowed are {', '.join(allowed)}"
        )
    return value


def _columns(key: str, value: object, allowed: Collection[str]) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise _BadValueError(f"{key}: must be a list of column names, not {_shown(value)}")
    names = [_one_of(key, _text(key, name), allowed) for name in value]
    if len(set(names)) != len(names):
        raise _BadValueError(f"{key}: names a column twice")
    return tuple(names)


def _sort(key: str, value: object, allowed: Collection[str]) -> str:
    text = _text(key, value)
    _one_of(key, text.removeprefix("-"), allowed)
    return text


def uri_fault(text: str) -> str:
    """Why the file must not name this URI, "" when it may."""
    uri = parse_uri(text)
    if uri is not None and ":" in uri.user:
        # libvirt does not read it, and no secret belongs in this file.
        return "must not hold a password"
    problem = check_uri(text)
    return f"{problem.reason}; {problem.remedy}" if problem else ""


def name_fault(name: str) -> str:
    """Why no host can be called this, "" when one can."""
    return "" if name.strip() and name.isprintable() else "must be printable text"


def _unknown(key: str, known: Collection[str]) -> str:
    return f"{key}: is not known{_hint(key, known)}"


def _hint(word: str, known: Collection[str]) -> str:
    close = difflib.get_close_matches(word, known, 1)
    return f', did you mean "{close[0]}"?' if close else ""


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:37]}..."
