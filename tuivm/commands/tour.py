"""The guided tour."""

from __future__ import annotations

from tuivm.commands.program import ProgramCommand


class Tour(ProgramCommand):
    """A guided tour of eight stops, each at the real thing on the screen."""

    id = "program.tour"
    label = "guided tour"
    keys = ("f3",)


TOUR_COMMANDS = (Tour,)
