"""What only an action needs: loaded by the thread that carries it out, not at the start."""

from __future__ import annotations

from typing import TYPE_CHECKING

import libvirt

from tuivm.model.hosts import Problem
from tuivm.model.ports import DefinitionAnswer, DeletionLookup
from tuivm.model.requests import Outcome, Request

if TYPE_CHECKING:
    from tuivm.model.consoles import ConsoleAnswer
    from tuivm.model.inside import Inside


def perform(conn: libvirt.virConnect, uuid: str, request: Request) -> Outcome:
    from tuivm.hypervisor import actions  # noqa: PLC0415

    return actions.perform(conn, uuid, request)


def look_up(conn: libvirt.virConnect, uuid: str) -> DeletionLookup:
    from tuivm.hypervisor import deletion  # noqa: PLC0415

    return deletion.look_up(conn, uuid)


def definition(conn: libvirt.virConnect, uuid: str) -> DefinitionAnswer:
    from tuivm.hypervisor.definition import look_up as look  # noqa: PLC0415

    return DefinitionAnswer(look(conn, uuid))


def look_inside(conn: libvirt.virConnect, uuid: str, what: str) -> Inside:
    from tuivm.hypervisor import inside  # noqa: PLC0415

    try:
        return inside.look_inside(conn.lookupByUUIDString(uuid))
    except (TimeoutError, ValueError) as error:
        return not_inside(Problem(what, str(error)))


def not_inside(problem: Problem) -> Inside:
    from tuivm.model.inside import Inside  # noqa: PLC0415

    return Inside(problem=problem)


def no_console(problem: Problem) -> ConsoleAnswer:
    from tuivm.model.consoles import ConsoleAnswer  # noqa: PLC0415

    return ConsoleAnswer(problem=problem)
