"""Runs of the Lab that were kept: one JSON file each, the document of docs/lab.md."""

from __future__ import annotations

import time
from itertools import count
from pathlib import Path

import platformdirs

from tuivm import kept
from tuivm.kept import KeptError
from tuivm.model.lab import KeptRun, LabRun
from tuivm.model.units import visible
from tuivm.reports import DocumentError
from tuivm.reports.lab import lab_from_json, lab_to_json


class LabRunError(Exception):
    """Keeping, reading or removing did not work; the text is a sentence for a person."""


def directory() -> Path:
    """Where they are kept."""
    return platformdirs.user_data_path("tuivm") / "lab"


def file_name(name: str) -> str:
    """As `tuivm.kept.file_name`."""
    return kept.file_name(name, "run")


def new_name(at: float | None = None, *, into: Path | None = None) -> str:
    """A name that is free: "lab-2026-11-23-1". at: s since the epoch, else now; its local day."""
    day = time.strftime("%Y-%m-%d", time.localtime(at))
    names = (f"lab-{day}-{number}" for number in count(1))
    return next(name for name in names if not _path(name, into).exists())


def check_free(name: str, *, into: Path | None = None) -> None:
    """Raises LabRunError for a name that is empty or taken: before a run, not after it."""
    if not name.strip():
        raise LabRunError("A run needs a name.")
    if _path(name, into).exists():
        raise LabRunError(f"A run {visible(name)!r} is already kept.")


def save(run: LabRun, *, replace: bool = False, into: Path | None = None) -> Path:
    """Write it under its own name, whole or not at all, readable by its owner alone; gives the
    path.

    replace: over one of the same name, which is refused otherwise. into: instead of `directory()`.
    Raises LabRunError.
    """
    if not (replace and run.name.strip()):
        check_free(run.name, into=into)
    path = _path(run.name, into)
    try:
        kept.write(path, lab_to_json(run))
    except KeptError as error:
        raise LabRunError(str(error)) from error
    return path


def load(name: str, *, into: Path | None = None) -> LabRun:
    """Read one back. Raises LabRunError, also for a broken or foreign file."""
    return _read(_existing(name, into))


def find(name: str, *, into: Path | None = None) -> LabRun:
    """As `load`, or from a file anywhere: one that was exported as JSON, on this host or another.
    What is kept comes first. Raises LabRunError."""
    path = kept.existing(into or directory(), (file_name(name), name))
    if path is None and name and (Path(name).exists() or Path(name).name != name):
        path = Path(name)
    if path is None:
        raise LabRunError(f"There is no kept run {visible(name)!r}, nor a file that is called so.")
    return _read(path)


def adopt(path: Path, *, into: Path | None = None) -> LabRun:
    """Keep what was exported as JSON, here or on another host, and give it as it is kept: under its
    own name, or one like it that is free. What is kept already is not kept twice. Raises
    LabRunError."""
    run = _read(path)
    stem = name = run.name.strip() or "lab"
    number = 1
    while _path(name, into).exists() and not _is(_path(name, into), run._replace(name=name)):
        number += 1
        name = f"{stem}-{number}"
    mine = run._replace(name=name)
    if not _path(name, into).exists():
        save(mine, into=into)
    return mine


def _is(path: Path, run: LabRun) -> bool:
    try:
        return _read(path) == run
    except LabRunError:
        return False


def remove(name: str, *, into: Path | None = None) -> None:
    """Delete its file. Raises LabRunError."""
    path = _existing(name, into)
    try:
        kept.delete(path)
    except KeptError as error:
        raise LabRunError(str(error)) from error


def listed(*, into: Path | None = None) -> list[KeptRun]:
    """All of them, newest first; those that cannot be read come last and say why. Reads each: not
    for the UI thread. Raises LabRunError when the directory itself cannot be read."""
    try:
        found = [_listed(path) for path in kept.paths(into or directory())]
    except KeptError as error:
        raise LabRunError(str(error)) from error
    return sorted(found, key=lambda one: (one.taken is None, -(one.taken or 0.0)))


def _listed(path: Path) -> KeptRun:
    try:
        run = _read(path)
    except LabRunError as error:
        return KeptRun(path.stem, str(path), problem=str(error))
    # A file that was copied or renamed by hand goes by its own name.
    name = run.name if file_name(run.name) == path.stem else path.stem
    return KeptRun(
        name,
        str(path),
        run.taken,
        run.host.name,
        run.host.accelerator,
        run.plan.experiments,
        run.complete,
    )


def _path(name: str, into: Path | None) -> Path:
    return (into or directory()) / f"{file_name(name)}.json"


def _existing(name: str, into: Path | None) -> Path:
    """By the name it was kept under, or by that of its file."""
    path = kept.existing(into or directory(), (file_name(name), name))
    if path is None:
        raise LabRunError(f"There is no kept run {visible(name)!r}.")
    return path


def _read(path: Path) -> LabRun:
    try:
        return lab_from_json(kept.read(path, "a run of the Lab"))
    except KeptError as error:
        raise LabRunError(str(error)) from error
    except DocumentError as error:
        raise LabRunError(f"{visible(str(path))} cannot be read: {error}.") from error
