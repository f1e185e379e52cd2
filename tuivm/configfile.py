"""Writes the configuration file: comments and order are kept, the file is replaced in one step.

Apart from `config`, because what keeps comments takes a while to import and only writers need it.
"""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import AoT

from tuivm.config import ConfigError, faults_of, name_fault, uri_fault
from tuivm.model.hosts import HostSpec


def add_host(path: Path, spec: HostSpec) -> None:
    """Add a host at the end of the file. Raises ConfigError."""
    if fault := uri_fault(spec.uri) or name_fault(spec.name):
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
    if faults := faults_of({section: {rest: plain} if rest else plain}):
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
