"""What stands where guests would: what was looked for, what was found, and what to press."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from textual.content import Content

from tuivm.model.hosts import HostState
from tuivm.model.store import HostStatus
from tuivm.model.units import visible


def welcome(
    statuses: Sequence[HostStatus], key_text: Callable[[str], str], problems: Sequence[str] = ()
) -> Content:
    """For a table without a single guest. key_text: the key of a command, by its id.

    problems: what went wrong at the start, shown where there is no host: it may be the reason.
    """
    parts: list[tuple[str, str]] = []
    if not statuses:
        parts.append(("No host is known.\n\n", "bold"))
        for problem in problems:
            lines = "\n".join(visible(line) for line in problem.splitlines())
            parts.append((f"{lines}\n\n", "$state-bad"))
        parts.append((f"{key_text('host.add')}  add a host by its libvirt URI\n", ""))
    for status in statuses:
        parts += _about(status)
    trouble = any(status.state in (HostState.LOST, HostState.FAILED) for status in statuses)
    if trouble:
        parts.append((f"{key_text('host.retry')}  try again now\n", ""))
    if statuses:
        parts.append((f"{key_text('host.add')}  add a host     ", ""))
        parts.append((f"{key_text('program.help')}  all keys     ", ""))
        parts.append((f"{key_text('program.quit')}  quit", ""))
    return Content.assemble(*parts)


def _about(status: HostStatus) -> list[tuple[str, str]]:
    name = visible(f"{status.spec.name}  {status.spec.uri}")
    parts: list[tuple[str, str]] = [(f"{name}\n", "bold")]
    if status.state is HostState.UP:
        parts.append(("is up and has no guest yet.\n", ""))
        parts.append(("A guest defined by any libvirt tool shows here at once.\n\n", "$quiet"))
        return parts
    if status.state is HostState.CONNECTING:
        parts.append(("connecting\n\n", "$quiet"))
        return parts
    problem = status.problem
    parts.append((f"{status.state.value}\n", "$state-bad"))
    for text, style in (
        (problem.reason if problem else "", ""),
        (problem.cause if problem else "", "$quiet"),
        (problem.remedy if problem else "", "bold"),
    ):
        if text:
            lines = "\n".join(visible(line) for line in text.splitlines())
            parts.append((f"{lines}\n", style))
    parts.append(("\n", ""))
    return parts
