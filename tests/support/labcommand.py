"""`tuivm lab …` in a process of its own, with as few and short trials as there can be.

What is counted, cleaned up and said does not depend on how long the Lab measures.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

_HASTY = """
from tuivm.entry import main
from tuivm.lab import bench, experiments, schedule
from tuivm.model.lab import Length
bench.ENOUGH = 0.0
schedule.SHORTEST = 0.0
experiments.ROUNDS = dict.fromkeys(Length, 1)
experiments.MEASURING = {one: dict.fromkeys(experiments.MEASURING[one], 1.0) for one in Length}
"""
_RUN = "\nmain()\n"
DEADLINE = 240.0
"""Seconds after which a command counts as hung."""


class LabCommand:
    """home: where results, configuration and logs go; the appliance comes from the user's cache."""

    def __init__(self, home: Path, uri: str) -> None:
        self.home = home
        self.uri = uri

    def start(self, *arguments: str, first: str = "") -> subprocess.Popen[str]:
        """The command on its way; its standard error is a pipe. first: Python that runs before."""
        return subprocess.Popen(
            [sys.executable, "-c", _HASTY + first + _RUN, "-c", self.uri, "lab", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=self._environ(),
        )

    def __call__(self, *arguments: str, first: str = "") -> subprocess.CompletedProcess[str]:
        process = self.start(*arguments, first=first)
        with process:
            try:
                out, err = process.communicate(timeout=DEADLINE)
            except subprocess.TimeoutExpired:
                process.kill()
                raise
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    @property
    def kept(self) -> list[Path]:
        """Files of results."""
        return sorted((self.home / "data/tuivm/lab").glob("*"))

    def _environ(self) -> dict[str, str]:
        """Nothing of the person who runs the tests but the cache, where the appliance is."""
        taken = ("PATH", "LANG", "LD_LIBRARY_PATH", "XDG_CACHE_HOME", "HOME")
        kept = {name: value for name, value in os.environ.items() if name in taken}
        homes = {f"XDG_{name.upper()}_HOME": str(self.home / name) for name in ("data", "config")}
        return {**kept, **homes, "XDG_STATE_HOME": str(self.home / "state")}


def wait_for(process: subprocess.Popen[str], words: str) -> str:
    """What was said on standard error up to the first line with these words."""
    assert process.stderr is not None
    said = ""
    for line in process.stderr:
        said += line
        if words in line:
            return said
    raise AssertionError(f"{words!r} was never said: {said}")
