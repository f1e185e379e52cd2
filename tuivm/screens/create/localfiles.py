"""Files of this machine, which a guest's source may be uploaded from. Reads: never on the loop."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from textual.suggester import Suggester

from tuivm.background import off_the_loop
from tuivm.model.findings import Finding, Severity
from tuivm.model.spec import FileRef, Spec

_MOST = 2000
"""Entries of a directory that are looked at to complete a name."""


def local_findings(spec: Spec) -> tuple[Finding, ...]:
    """What is wrong with the files of this machine that a spec names."""
    return tuple(_findings(spec))


def _findings(spec: Spec) -> Iterator[Finding]:
    source = spec.source
    files = (("source", source.file), ("source.kernel", source.kernel))
    for key, file in (*files, ("source.initrd", source.initrd)):
        if file.local and (fault := upload_fault(file.local)):
            remedy = "Give the file's full path on this machine"
            yield Finding("local-file", Severity.ERROR, fault, "", remedy, f"{key}.local")


def upload_fault(path: str) -> str:
    """Why a file of this machine cannot be uploaded, "" when it can."""
    try:
        # A NUL in it is a ValueError.
        file = Path(path)
        status = file.stat()
        if stat.S_ISDIR(status.st_mode):
            return f"{path} is a directory"
        if not stat.S_ISREG(status.st_mode) and not stat.S_ISBLK(status.st_mode):
            return f"{path} is no file"
        if stat.S_ISREG(status.st_mode) and not status.st_size:
            return f"{path} is empty"
        with file.open("rb"):
            return ""
    except (OSError, ValueError) as error:
        return f"{path}: {getattr(error, 'strerror', None) or error}"


def completion(path: str) -> str | None:
    """The path as far as the only, or the first, entry of its directory that begins like it."""
    typed, slash, name = path.rpartition("/")
    if not slash or not path.startswith("/"):
        return None
    try:
        with os.scandir(typed + slash) as entries:
            found = [
                entry.name + ("/" if entry.is_dir() else "")
                for _, entry in zip(range(_MOST), entries, strict=False)
                if entry.name.startswith(name) and (name or not entry.name.startswith("."))
            ]
    except (OSError, ValueError):
        return None
    return typed + slash + min(found) if found else None


class PathSuggester(Suggester):
    """Completes paths of this machine; the right arrow takes what it suggests."""

    def __init__(self) -> None:
        super().__init__(use_cache=False, case_sensitive=True)

    async def get_suggestion(self, value: str) -> str | None:
        found = await off_the_loop(partial(completion, value)) if value else None
        return found if found and found != value and found.startswith(value) else None


def public_keys(home: Path) -> tuple[tuple[str, str], ...]:
    """(file's name, key) of the public SSH keys that a person has."""
    found = []
    try:
        for path in sorted((home / ".ssh").glob("*.pub")):
            lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
            found += [(path.name, line.strip()) for line in lines[:1] if line.strip()]
    except OSError:
        return ()
    return tuple(found)


def named(file: FileRef) -> str:
    """A file in words, "" for none."""
    if file.volume:
        return f"{file.pool}/{file.volume}" if file.pool else file.volume
    return file.path or file.local
