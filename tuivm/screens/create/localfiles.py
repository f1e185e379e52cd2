"""Files of this machine: paths completed, public keys found. Reads: never on the event loop."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path

from textual.suggester import Suggester

from tuivm.background import off_the_loop
from tuivm.model.spec import FileRef

_MOST = 2000
"""Entries of a directory that are looked at to complete a name."""


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
