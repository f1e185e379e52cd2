"""What a person can do: one class an action."""

from __future__ import annotations

from tuivm.commands.base import CommandType
from tuivm.commands.charts import CHART_COMMANDS
from tuivm.commands.compare import COMPARE_COMMANDS
from tuivm.commands.create import CREATE_COMMANDS
from tuivm.commands.devices import DEVICE_COMMANDS
from tuivm.commands.guests import GUEST_COMMANDS
from tuivm.commands.hosts import HOSTS_COMMANDS
from tuivm.commands.lab import LAB_COMMANDS
from tuivm.commands.lifecycle import LIFECYCLE
from tuivm.commands.program import (
    HOST_COMMANDS,
    PLACES,
    PROGRAM_COMMANDS,
    TABLE_COMMANDS,
)
from tuivm.commands.tour import TOUR_COMMANDS

COMMANDS: tuple[CommandType, ...] = (
    *PLACES,
    *LIFECYCLE,
    *CREATE_COMMANDS,
    *GUEST_COMMANDS,
    *TABLE_COMMANDS,
    *CHART_COMMANDS,
    *COMPARE_COMMANDS,
    *LAB_COMMANDS,
    *HOSTS_COMMANDS,
    *DEVICE_COMMANDS,
    *HOST_COMMANDS,
    *PROGRAM_COMMANDS,
    *TOUR_COMMANDS,
)
"""Every command, in the order of the help screen."""

BY_ID: dict[str, CommandType] = {command.id: command for command in COMMANDS}
