"""Commands of the Lab place."""

from __future__ import annotations

from tuivm.commands.base import LAB, ScreenCommand


class LabCommand(ScreenCommand):
    """One that only the Lab place has."""

    places = frozenset({LAB})
    group = "lab"


class LabPick(LabCommand):
    """Tick what is highlighted, or take its next value; while a run goes on: pause it, or go on."""

    id = "screen.pick"
    label = "pick/pause"
    keys = ("space", "p")
    footer = 12


class LabStart(LabCommand):
    """Start the measurements that are chosen, or those of the lesson that is open."""

    id = "screen.start"
    label = "start"
    keys = ("s",)
    footer = 11


class LabStop(LabCommand):
    """Stop the run that goes on and keep what it has; on a kept run: remove it. Both ask first."""

    id = "screen.stop"
    label = "stop/remove"
    keys = ("x", "delete")
    footer = 13


class LabNext(LabCommand):
    """Show the next measure of a result; among the choices: take the next value."""

    id = "screen.next_measure"
    label = "measure"
    keys = ("tab", "right", "l")
    footer = 14


class LabPrevious(LabCommand):
    """Show the measure before this one; among the choices: take the value before."""

    id = "screen.previous_measure"
    label = "previous measure"
    keys = ("shift+tab", "left", "h")


class LabCompare(LabCommand):
    """Compare two kept runs: those that are ticked, or the one that is open with the ticked one."""

    id = "screen.compare_runs"
    label = "compare runs"
    keys = ("percent_sign",)
    footer = 62


class LabExport(LabCommand):
    """Write a run to a file: JSON, Markdown, or a picture (SVG); two compared ones: Markdown."""

    id = "screen.export_run"
    label = "export"
    keys = ("E",)
    footer = 61


class LabOpenFile(LabCommand):
    """Keep and show a run that was exported as JSON, here or on another host."""

    id = "screen.open_run_file"
    label = "open file"
    keys = ("O",)
    footer = 63


class LabClean(LabCommand):
    """Look for what a run that crashed left on the host, and offer to remove it."""

    id = "screen.leftovers"
    label = "leftovers"
    keys = ("X",)


LAB_COMMANDS = (
    LabStart,
    LabPick,
    LabStop,
    LabNext,
    LabPrevious,
    LabCompare,
    LabExport,
    LabOpenFile,
    LabClean,
)
