"""Fixtures of the tests on a real terminal: the program, and the private libvirt of the others."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.live.conftest import _quiet_libvirt, fresh_rig, guest_factory, rig, root
from tests.support.terminal import Terminal

__all__ = ["_quiet_libvirt", "fresh_rig", "guest_factory", "rig", "root"]

OpenProgram = Callable[..., Terminal]

# What the person who runs the tests has set must not decide how the program looks or what it opens.
_UNSET = ("NO_COLOR", "COLUMNS", "LINES", "LIBVIRT_DEFAULT_URI", "TMUX", "TERM_PROGRAM")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """The home of the person at the terminal."""
    directory = tmp_path / "home"
    directory.mkdir()
    return directory


@pytest.fixture
def config_file(home: Path) -> Path:
    """Where the program keeps its settings; not there at the start."""
    return home / ".config/tuivm/config.toml"


@pytest.fixture
def program(home: Path) -> Iterator[OpenProgram]:
    """Starts the program on a terminal: `program("-c", URI, env={…}, rate=…)`.

    Keywords are those of `Terminal`. It has a home of its own, and is ended with the test.
    """
    own = {
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home / ".config"),
        "XDG_STATE_HOME": str(home / ".local/state"),
        "XDG_DATA_HOME": str(home / ".local/share"),
        "XDG_CACHE_HOME": str(home / ".cache"),
        "LC_ALL": "C.UTF-8",
        **dict.fromkeys(_UNSET),
    }
    with ExitStack() as opened:

        def start(
            *arguments: str, env: dict[str, str | None] | None = None, **terminal: Any
        ) -> Terminal:
            argv = [sys.executable, "-m", "tuivm", *arguments]
            return opened.enter_context(Terminal(argv, env={**own, **(env or {})}, **terminal))

        yield start
