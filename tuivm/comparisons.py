"""Comparisons that a person saved: one JSON file each, the document of docs/comparison.md."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import re
import stat
import tempfile
from pathlib import Path
from typing import NamedTuple

import platformdirs

from tuivm.model.recorded import Recorded
from tuivm.model.units import visible
from tuivm.reports import DocumentError, from_json, to_json

LARGEST = 64 * 1024 * 1024
"""Bytes: no comparison of ours comes near; a larger file is not read."""
_UNSAFE = re.compile(r"[^\w.-]+")
_LONGEST = 60


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
    safe = _UNSAFE.sub("-", name.strip()).lstrip(".-")[:_LONGEST] or "comparison"
    if safe == name:
        return safe
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()
    return f"{safe}-{digest[:8]}"


def save(name: str, recorded: Recorded, *, replace: bool = False, into: Path | None = None) -> Path:
    """Write it whole or not at all, readable by its owner alone; gives the path.

    replace: over one of the same name, which is refused otherwise. into: instead of `directory()`.
    Raises ComparisonError.
    """
    if not name.strip():
        raise ComparisonError("A comparison needs a name.")
    place = into or directory()
    path = place / f"{file_name(name)}.json"
    if path.exists() and not replace:
        raise ComparisonError(f"A comparison {visible(name)!r} is already saved.")
    try:
        place.mkdir(parents=True, exist_ok=True)
        _write(path, to_json(dataclasses.replace(recorded, name=name)))
    except OSError as error:
        raise ComparisonError(_failed("save", path, error)) from error
    return path


def load(name: str, *, into: Path | None = None) -> Recorded:
    """Read one back. Raises ComparisonError, also for a broken or foreign file."""
    return _read(_existing(name, into))


def remove(name: str, *, into: Path | None = None) -> None:
    """Delete its file. Raises ComparisonError."""
    path = _existing(name, into)
    try:
        path.unlink()
    except OSError as error:
        raise ComparisonError(_failed("remove", path, error)) from error


def listed(*, into: Path | None = None) -> list[Saved]:
    """All files, by name; those that cannot be read say why. Reads each: not for the UI thread.
    Raises ComparisonError when the directory itself cannot be read."""
    place = into or directory()
    try:
        paths = sorted(path for path in place.iterdir() if path.suffix == ".json")
    except FileNotFoundError:
        return []
    except OSError as error:
        raise ComparisonError(_failed("list", place, error)) from error
    return [_listed(path) for path in paths if not path.name.startswith(".")]


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
    place = into or directory()
    for stem in (file_name(name), name):
        path = place / f"{stem}.json"
        if path.parent == place and path.is_file():
            return path
    raise ComparisonError(f"There is no saved comparison {visible(name)!r}.")


def _read(path: Path) -> Recorded:
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            # To read a pipe would take for ever.
            raise ComparisonError(f"{visible(str(path))} is no file.")
        if status.st_size > LARGEST:
            raise ComparisonError(f"{visible(str(path))} is too large to be a comparison.")
        return from_json(path.read_text("utf-8"))
    except OSError as error:
        raise ComparisonError(_failed("read", path, error)) from error
    except (DocumentError, UnicodeDecodeError) as error:
        raise ComparisonError(f"{visible(str(path))} cannot be read: {error}.") from error


def _write(path: Path, text: str) -> None:
    """Into a file beside it, then over it: a full disk leaves the old one as it was."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".part")
    part = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _failed(verb: str, path: Path, error: OSError) -> str:
    return f"Cannot {verb} {visible(str(path))}: {error.strerror or error}."
