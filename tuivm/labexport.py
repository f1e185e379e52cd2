"""Runs of the Lab as documents."""

from __future__ import annotations

from pathlib import Path

from tuivm.model.lab import LabRun
from tuivm.model.labports import LabPortError
from tuivm.model.units import visible
from tuivm.reports.lab import lab_to_json, lab_to_markdown, lab_to_svg, runs_to_markdown

FORMS = {"json": lab_to_json, "md": lab_to_markdown, "svg": lab_to_svg}


def text_of(run: LabRun, form: str) -> str:
    """A run as "json", "md" or "svg"."""
    return FORMS[form](run)


def export(run: LabRun, form: str, path: Path) -> Path:
    """Write it into a new file. Raises LabPortError, also when the file is there already."""
    return _write(text_of(run, form), path)


def export_pair(first: LabRun, second: LabRun, path: Path) -> Path:
    """Two runs beside each other as Markdown; as `export`."""
    return _write(runs_to_markdown(first, second), path)


def _write(text: str, path: Path) -> Path:
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError as error:
        raise LabPortError(f"{visible(str(path))} is there already: not replaced.") from error
    except OSError as error:
        reason = error.strerror or str(error)
        raise LabPortError(f"Cannot write {visible(str(path))}: {reason}.") from error
    return path
