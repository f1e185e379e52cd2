"""The lines about a host beside the table."""

from __future__ import annotations

import pytest
from rich.cells import cell_len

from tuivm.model.hosts import HostSpec, HostState, Problem
from tuivm.model.store import HostStatus
from tuivm.widgets.hostlist import host_lines


def _lines(name: str, width: int, *, ascii_only: bool = False) -> list[str]:
    problem = Problem("cannot connect", cause="nothing listens at that address and port")
    spec = HostSpec(name, "qemu+tcp://x/system")
    status = HostStatus(spec, HostState.LOST, problem, retry_in=12.0)
    lines = host_lines(status, 2, width, ascii_only=ascii_only)
    return ["".join(text for text, _ in line) for line in lines]


@pytest.mark.parametrize("name", ["a", "storage-rack-7.example.org", "\u6f22\u5b57" * 9])
def test_a_long_name_does_not_push_the_state_aside(name: str) -> None:
    first, second = _lines(name, 25)
    assert first.endswith("  lost, retry 12 s" if len(name) == 1 else "  retry 12 s")
    assert cell_len(first) <= 25
    assert cell_len(second) <= 25
    assert second.endswith("\u2026")


def test_in_ascii_too() -> None:
    first, second = _lines("storage-rack-7.example.org", 25, ascii_only=True)
    assert first == "x storage-ra~  retry 12 s"
    assert (first + second).isascii()
