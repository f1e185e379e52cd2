"""Documents that a person keeps: one JSON file each in a directory, written whole or not at all."""

from __future__ import annotations

import hashlib
import os
import re
import stat
import tempfile
from pathlib import Path

from tuivm.model.units import visible

LARGEST = 64 * 1024 * 1024
"""Bytes: no document of ours comes near; a larger file is not read."""
_UNSAFE = re.compile(r"[^\w.-]+")
_LONGEST = 60


class KeptError(Exception):
    """A file could not be written, read or removed; the text is a sentence for a person."""


def file_name(name: str, empty: str) -> str:
    """Safe for any file system, without ".json"; itself when it is already. Two names never share
    a file: one that had to be changed ends with a part of its hash. empty: for a name of which
    nothing is left."""
    safe = _UNSAFE.sub("-", name.strip()).lstrip(".-")[:_LONGEST] or empty
    if safe == name:
        return safe
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()
    return f"{safe}-{digest[:8]}"


def existing(place: Path, names: tuple[str, ...]) -> Path | None:
    """The first of these files, named without ".json", that is there."""
    for name in names:
        path = place / f"{name}.json"
        if path.parent == place and path.is_file():
            return path
    return None


def write(path: Path, text: str) -> None:
    """Readable by its owner alone, in a directory that is made where it is missing. Raises
    KeptError."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _replace(path, text)
    except OSError as error:
        raise _failed("save", path, error) from error


def read(path: Path, what: str) -> str:
    """Its text. what: "a comparison", for the error. Raises KeptError."""
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            # To read a pipe would take for ever.
            raise KeptError(f"{visible(str(path))} is no file.")
        if status.st_size > LARGEST:
            raise KeptError(f"{visible(str(path))} is too large to be {what}.")
        return path.read_text("utf-8")
    except OSError as error:
        raise _failed("read", path, error) from error
    except UnicodeDecodeError as error:
        raise KeptError(f"{visible(str(path))} cannot be read: {error}.") from error


def delete(path: Path) -> None:
    """Raises KeptError."""
    try:
        path.unlink()
    except OSError as error:
        raise _failed("remove", path, error) from error


def paths(place: Path) -> list[Path]:
    """All documents in a directory, by name; none where it is not there. Raises KeptError."""
    try:
        found = sorted(path for path in place.iterdir() if path.suffix == ".json")
    except FileNotFoundError:
        return []
    except OSError as error:
        raise _failed("list", place, error) from error
    return [path for path in found if not path.name.startswith(".")]


def _replace(path: Path, text: str) -> None:
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


def _failed(verb: str, path: Path, error: OSError) -> KeptError:
    return KeptError(f"Cannot {verb} {visible(str(path))}: {error.strerror or error}.")
