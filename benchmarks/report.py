"""The table: a row for each thing measured, with what it is compared to and its budget."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import libvirt

DOCUMENT = Path(__file__).parents[1] / "docs/benchmarks.md"
_HEADINGS = ("what", "figure", "compared to", "ratio", "budget", "met")


@dataclass(frozen=True)
class Row:
    """met: None where there is no budget for it."""

    what: str
    figure: str
    against: str = ""
    ratio: float | None = None
    budget: str = ""
    met: bool | None = None

    @property
    def cells(self) -> tuple[str, ...]:
        ratio = "" if self.ratio is None else f"{self.ratio:.2f}"
        met = {True: "yes", False: "NO", None: ""}[self.met]
        return self.what, self.figure, self.against, ratio, self.budget, met


def as_text(rows: Iterable[Row]) -> str:
    """Aligned, for a terminal."""
    table = [_HEADINGS, *(row.cells for row in rows)]
    widths = [max(len(line[n]) for line in table) for n in range(len(_HEADINGS))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in table
    )


def as_markdown(rows: Iterable[Row]) -> str:
    lines = ["| " + " | ".join(_HEADINGS) + " |", "| --- " * len(_HEADINGS) + "|"]
    lines += ["| " + " | ".join(row.cells) + " |" for row in rows]
    return "\n".join(lines)


def machine() -> str:
    """What it was measured on, in a sentence."""
    library = libvirt.getVersion()
    libvirts = f"{library // 1_000_000}.{library // 1000 % 1000}.{library % 1000}"
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    return (
        f"{time.strftime('%Y-%m-%d')}: {_cpu_model()}, {os.cpu_count()} CPUs, {memory:.0f} GiB, "
        f"Linux {platform.release().split('-')[0]}, Python {platform.python_version()}, "
        f"Textual {version('textual')}, libvirt {libvirts}, nice {os.nice(0)}."
    )


def _cpu_model() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()


def write(rows: Iterable[Row], notes: str) -> None:
    """Put the table into docs/benchmarks.md."""
    text = f"{notes}\n## Figures\n\n{machine()}\n\n{as_markdown(rows)}\n"
    DOCUMENT.write_text(text, encoding="utf-8")
