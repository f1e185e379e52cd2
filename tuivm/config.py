"""The configuration file: TOML in, frozen dataclasses out; described in docs/configuration.md.

Reading never fails: whatever is wrong in the file is said in a sentence, the default stands in
for it, and the rest counts. Writing keeps comments and order, and replaces the file in one step.
"""

from __future__ import annotations

import difflib
import math
import os
import stat
import tempfile
import tomllib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import platformdirs
import tomlkit
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import AoT

from tuivm.model.hosts import HostSpec
from tuivm.model.uris import check_uri, parse_uri, short_name

INTERVAL_RANGE = (0.2, 3600.0)
CHART_WINDOW_RANGE = (30.0, 86400.0)


class ConfigError(Exception):
    """The file cannot be changed; the message says why and can be shown as it is."""


@dataclass(frozen=True, slots=True)
class Config:
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
    keys: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Loaded:
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
) -> Loaded:
    """Read the file at `path`, or the default one, which need not exist.

    columns, themes: the ids that exist; when given, others are reported and left out.
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
    config = _read(table, columns, themes, faults)
    return Loaded(config, where, tuple(f"{where}: {fault}" for fault in faults))


def add_host(path: Path, spec: HostSpec) -> None:
    """Add a host at the end of the file. Raises ConfigError."""
    if fault := _uri_fault(spec.uri) or _name_fault(spec.name):
        raise ConfigError(f'host "{spec.name}" cannot be saved: {fault}')

    def change(document: tomlkit.TOMLDocument) -> None:
        hosts = _host_tables(document, path)
        if any(host.get("name") == spec.name for host in hosts):
            raise ConfigError(f'{path}: there is a host "{spec.name}" already')
        table = tomlkit.table()
        table["name"] = spec.name
        table["uri"] = spec.uri
        if spec.readonly:
            table["readonly"] = True
        if spec.interval != HostSpec("", "").interval:
            table["interval"] = spec.interval
        if not isinstance(hosts, AoT):
            hosts = tomlkit.aot()
            document["host"] = hosts
        hosts.append(table)

    _edit(path, change)


def remove_host(path: Path, name: str) -> None:
    """Take a host out of the file. Raises ConfigError, also when the host is not in it."""

    def change(document: tomlkit.TOMLDocument) -> None:
        hosts = _host_tables(document, path)
        found = [index for index, host in enumerate(hosts) if host.get("name") == name]
        if not found:
            raise ConfigError(f'{path}: there is no host "{name}"')
        for index in reversed(found):
            del hosts[index]
        if not hosts:
            del document["host"]

    _edit(path, change)


def set_value(path: Path, key: str, value: str | bool | float | Sequence[str]) -> None:
    """Set one top-level key, or a key of a command ("keys.guest.start"). Raises ConfigError."""
    section, _, rest = key.partition(".")
    plain = value if isinstance(value, str | bool | int | float) else list(value)
    faults: list[str] = []
    _read({section: {rest: plain} if rest else plain}, (), (), faults)
    if faults:
        raise ConfigError(f"not saved: {faults[0]}")

    def change(document: tomlkit.TOMLDocument) -> None:
        if not rest:
            document[section] = plain
            return
        if section not in document:
            document[section] = tomlkit.table()
        table: Any = document[section]
        if not isinstance(table, dict):
            raise ConfigError(f"{path}: {section}: must be a table")
        table, last = _innermost(table, rest)
        table[last] = plain

    _edit(path, change)


def _innermost(table: Any, key: str) -> tuple[Any, str]:
    """Where "guest.start" stands or belongs: under that name, or as a table in a table."""
    head, _, rest = key.partition(".")
    if key not in table and rest and isinstance(table.get(head), dict):
        return _innermost(table[head], rest)
    return table, key


def _read(
    table: Mapping[str, Any],
    columns: Collection[str],
    themes: Collection[str],
    faults: list[str],
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
    return replace(config, hosts=_hosts(table.get("host", []), config.interval, faults))


def _hosts(found: object, interval: float, faults: list[str]) -> tuple[HostSpec, ...]:
    if not isinstance(found, list) or not all(isinstance(host, dict) for host in found):
        faults.append("host: must be tables, each begun with [[host]]")
        return ()
    hosts: dict[str, HostSpec] = {}
    for number, host in enumerate(found, 1):
        label = f"host {number}"
        try:
            spec = _host(host, label, interval, faults)
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


def _host(host: dict[str, Any], label: str, interval: float, faults: list[str]) -> HostSpec:
    known = ("name", "uri", "readonly", "interval")
    faults += [f"{label}: {_unknown(key, known)}" for key in host if key not in known]
    if "uri" not in host:
        raise _BadValueError(f"{label}: uri: is missing")
    uri = _text(f"{label}: uri", host["uri"])
    if fault := _uri_fault(uri):
        raise _BadValueError(f"{label}: uri: {fault}")
    name = _text(f"{label}: name", host.get("name", short_name(uri)))
    if fault := _name_fault(name):
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


def _uri_fault(text: str) -> str:
    uri = parse_uri(text)
    if uri is not None and ":" in uri.user:
        # libvirt does not read it, and no secret belongs in this file.
        return "must not hold a password"
    # Without "://" it may be an alias of libvirt.conf, which libvirt resolves.
    if "://" in text and (problem := check_uri(text)):
        return f"{problem.reason}; {problem.remedy}"
    return "" if text.isprintable() else "must not hold control characters"


def _name_fault(name: str) -> str:
    return "" if name.strip() and name.isprintable() else "must be printable text"


def _unknown(key: str, known: Collection[str]) -> str:
    return f"{key}: is not known{_hint(key, known)}"


def _hint(word: str, known: Collection[str]) -> str:
    close = difflib.get_close_matches(word, known, 1)
    return f', did you mean "{close[0]}"?' if close else ""


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:37]}..."


def _host_tables(document: tomlkit.TOMLDocument, path: Path) -> Any:
    hosts = document.get("host", [])
    if not isinstance(hosts, list) or not all(isinstance(host, dict) for host in hosts):
        raise ConfigError(f"{path}: host: must be tables, each begun with [[host]]")
    if hosts and not isinstance(hosts, AoT):
        raise ConfigError(f"{path}: host: write each host as its own [[host]] table first")
    return hosts


def _edit(path: Path, change: Callable[[tomlkit.TOMLDocument], None]) -> None:
    """Read, change and replace the file; on any failure the old one stays as it was."""
    # A link (to a dotfiles checkout, say) stays a link: what it points at is replaced.
    target = path.resolve()
    try:
        try:
            # newline="" keeps the line ends that the file has.
            with target.open(encoding="utf-8", newline="") as file:
                text = file.read()
            mode = stat.S_IMODE(target.stat().st_mode)
        except FileNotFoundError:
            text, mode = "", 0o600
            target.parent.mkdir(parents=True, exist_ok=True)
        document = tomlkit.parse(text)
        change(document)
        _replace(target, tomlkit.dumps(document), mode)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be written: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: is not UTF-8 text, so it is left alone") from error
    except TOMLKitError as error:
        raise ConfigError(f"{path}: is not valid TOML, so it is left alone: {error}") from error


def _replace(target: Path, text: str, mode: int) -> None:
    descriptor, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
            file.write(text)
            file.flush()
            os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
        temporary.replace(target)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
