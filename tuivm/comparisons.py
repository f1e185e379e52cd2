"""Comparisons that a person saved: one JSON file each, the document of docs/comparison.md."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import NamedTuple

import platformdirs

from tuivm import kept
from tuivm.kept import KeptError
from tuivm.model.recorded import Recorded
from tuivm.model.units import visible
from tuivm.reports import DocumentError, from_json, to_json


class ComparisonError(Exception):
    """Saving, reading or removing did not work; the text is a sentence for a person."""


class Saved(NamedTuple):
    """A file in the directory. name: what `load` and `remove` take. taken: s since the epoch.
    devices: how many. problem: why it cannot be read, "" when it can."""

    name: str
    path: Path
    taken: float | None = None
    devices: int = 0
    problem: str = ""


def directory() -> Path:
    """Where they are kept."""
    return platformdirs.user_data_path("tuivm") / "comparisons"


def file_name(name: str) -> str:
    """Safe for any file system, without ".json"; itself when it is already. Two names never share
    a file: one that had to be changed ends with a part of its hash."""
    return kept.file_name(name, "comparison")


def save(name: str, recorded: Recorded, *, replace: bool = False, into: Path | None = None) -> Path:
    """Write it whole or not at all, readable by its owner alone; gives the path.

    replace: over one of the same name, which is refused otherwise. into: instead of `directory()`.
    Raises ComparisonError.
    """
    if not name.strip():
        raise ComparisonError("A comparison needs a name.")
    path = (into or directory()) / f"{file_name(name)}.json"
    if path.exists() and not replace:
        raise ComparisonError(f"A comparison {visible(name)!r} is already saved.")
    try:
        kept.write(path, to_json(dataclasses.replace(recorded, name=name)))
    except KeptError as error:
        raise ComparisonError(str(error)) from error
    return path


def load(name: str, *, into: Path | None = None) -> Recorded:
    """Read one back. Raises ComparisonError, also for a broken or foreign file."""
    return _read(_existing(name, into))


def remove(name: str, *, into: Path | None = None) -> None:
    """Delete its file. Raises ComparisonError."""
    path = _existing(name, into)
    try:
        kept.delete(path)
    except KeptError as error:
        raise ComparisonError(str(error)) from error


def listed(*, into: Path | None = None) -> list[Saved]:
    """All files, by name; those that cannot be read say why. Reads each: not for the UI thread.
    Raises ComparisonError when the directory itself cannot be read."""
    try:
        return [_listed(path) for path in kept.paths(into or directory())]
    except KeptError as error:
        raise ComparisonError(str(error)) from error


def _listed(path: Path) -> Saved:
    try:
        recorded = _read(path)
    except ComparisonError as error:
        return Saved(path.stem, path, problem=str(error))
    # A file that was copied or renamed by hand goes by its own name.
    name = recorded.name if file_name(recorded.name) == path.stem else path.stem
    return Saved(name, path, recorded.taken, len(recorded.comparison.rows))


def _existing(name: str, into: Path | None) -> Path:
    """By the name it was saved under, or by that of its file."""
    path = kept.existing(into or directory(), (file_name(name), name))
    if path is None:
        raise ComparisonError(f"There is no saved comparison {visible(name)!r}.")
    return path


def _read(path: Path) -> Recorded:
    try:
        return from_json(kept.read(path, "a comparison"))
    except KeptError as error:
        raise ComparisonError(str(error)) from error
    except DocumentError as error:
        raise ComparisonError(f"{visible(str(path))} cannot be read: {error}.") from error
