"""Commands on the program, the places and the hosts."""

from __future__ import annotations

from tuivm.commands.base import (
    COMPARE,
    EVERYWHERE,
    GUEST,
    GUESTS,
    HOSTS,
    LAB,
    Command,
    Desk,
    Place,
    ScreenCommand,
)

TABLES = frozenset({GUESTS, HOSTS})


class ProgramCommand(Command):
    """A command that the program itself carries out: `perform(<its id>)`."""

    async def run(self, desk: Desk, place: Place) -> None:
        del place
        desk.perform(self.id)


class GoGuests(ProgramCommand):
    """All guests of all hosts in one table."""

    id = "place.guests"
    label = "guests"
    keys = ("1",)
    group = "places"


class GoCompare(ProgramCommand):
    """Devices side by side, live: what each delivers and costs; and the fleet by device class."""

    id = "place.compare"
    label = "compare"
    keys = ("2",)
    group = "places"


class GoHosts(ProgramCommand):
    """The hosts: their state, what they are made of, how busy they are."""

    id = "place.hosts"
    label = "hosts"
    keys = ("3",)
    group = "places"


class GoLab(ProgramCommand):
    """Measure the device models on a host, or go through a lesson on them; the kept results."""

    id = "place.lab"
    label = "lab"
    keys = ("L",)
    group = "places"


class Open(ScreenCommand):
    """Open what is highlighted."""

    id = "screen.open"
    label = "open"
    keys = ("enter",)
    places = frozenset({GUESTS, COMPARE, LAB})
    footer_places = frozenset({GUESTS})
    group = "table"
    footer = 10


class Back(ScreenCommand):
    """Go back: close the filter, clear the selection, leave the guest."""

    id = "screen.back"
    label = "back"
    keys = ("escape",)
    footer = 5
    footer_places = frozenset({GUEST})
    places = EVERYWHERE
    group = "table"


class Filter(ScreenCommand):
    """Show only what matches: words, class:emulated, is:running, host:rack7, -not."""

    id = "screen.filter"
    label = "filter"
    keys = ("slash",)
    places = frozenset({GUESTS})
    group = "table"
    footer = 22


class Sort(ScreenCommand):
    """Choose the column to sort by; the same one again turns the order round."""

    id = "screen.sort"
    label = "sort"
    keys = ("o",)
    places = frozenset({GUESTS})
    group = "table"
    footer = 52


class Columns(ScreenCommand):
    """Choose which columns the table shows, and in which order."""

    id = "screen.columns"
    label = "columns"
    keys = ("C",)
    places = frozenset({GUESTS})
    group = "table"


class GroupByHost(ScreenCommand):
    """Put the guests of each host under a heading of its own, or all in one list."""

    id = "screen.group"
    label = "group by host"
    keys = ("t",)
    places = frozenset({GUESTS})
    group = "table"


class ToggleHosts(ScreenCommand):
    """Show or hide the hosts beside the table; by itself it shows where there is room."""

    id = "screen.hosts_pane"
    label = "hosts pane"
    keys = ("backslash",)
    places = TABLES
    group = "table"


class FocusLeft(ScreenCommand):
    """Move to the hosts on the left."""

    id = "screen.focus_left"
    label = "to hosts"
    keys = ("h", "left")
    places = TABLES
    group = "table"


class FocusRight(ScreenCommand):
    """Move to what stands on the right of the hosts."""

    id = "screen.focus_right"
    label = "to the right"
    keys = ("l", "right")
    places = TABLES
    group = "table"


class Select(ScreenCommand):
    """Select the highlighted guest, or no longer; actions go to all that are selected."""

    id = "screen.select"
    label = "select"
    keys = ("space",)
    places = frozenset({GUESTS})
    group = "table"
    footer = 45


class SelectAll(ScreenCommand):
    """Select every guest that is shown."""

    id = "screen.select_all"
    label = "select all"
    keys = ("asterisk",)
    places = frozenset({GUESTS})
    group = "table"


class InvertSelection(ScreenCommand):
    """Select what is not selected, and the other way round."""

    id = "screen.invert"
    label = "invert selection"
    keys = ("i",)
    places = frozenset({GUESTS})
    group = "table"


class Explain(Command):
    """What the highlighted thing is in virtualization terms, its XML, and the virsh command."""

    id = "program.explain"
    label = "explain"
    keys = ("e",)
    footer = 40

    async def run(self, desk: Desk, place: Place) -> None:
        await desk.explain(place)


class Retry(Command):
    """Try to reach the host again now, without waiting."""

    id = "host.retry"
    label = "retry"
    keys = ("r",)
    footer = 61
    footer_places = frozenset({HOSTS})
    group = "hosts"

    def refusal(self, desk: Desk, place: Place) -> str:
        del place
        return "" if desk.store.host_names else "no host is known"

    async def run(self, desk: Desk, place: Place) -> None:
        host = place.target_host()
        waiting = [
            status.spec.name
            for status in desk.store.statuses(desk.now())
            if status.state.value in ("lost", "failed", "stale", "connecting")
        ]
        names = [host.spec.name] if host and host.spec.name in waiting else waiting
        for name in names:
            desk.retry(name)
        desk.say(f"trying {', '.join(names)} again" if names else "every host is up")


class AddHost(Command):
    """Add a host by its libvirt URI, tried out first; it is kept in the config file."""

    id = "host.add"
    label = "add host"
    keys = ("A", "plus")
    footer = 60
    footer_places = frozenset({HOSTS})
    group = "hosts"

    async def run(self, desk: Desk, place: Place) -> None:
        del place
        await desk.add_host()


class RemoveHost(Command):
    """Take a host out of the list and the config file. Nothing changes on the host itself."""

    id = "host.remove"
    label = "remove host"
    keys = ("minus",)
    places = TABLES
    group = "hosts"

    def refusal(self, desk: Desk, place: Place) -> str:
        del desk
        return "" if place.target_host() else "no host is highlighted"

    async def run(self, desk: Desk, place: Place) -> None:
        host = place.target_host()
        if host is None:
            return
        lines = (f"{host.spec.name}  {host.spec.uri}", "", "Nothing changes on the host itself.")
        from tuivm.screens.dialogs.confirm import Confirm  # noqa: PLC0415 - when it opens

        if await desk.ask(Confirm("Remove from the list", lines, "Remove", dangerous=False)):
            desk.remove_host(host.spec.name)


class Palette(ProgramCommand):
    """Find any command by its name."""

    id = "program.palette"
    label = "command"
    keys = ("colon", "ctrl+p")
    footer = 26


class Help(ProgramCommand):
    """The keys of this place."""

    id = "program.help"
    label = "help"
    keys = ("question_mark", "f1")
    footer = 90


class Notices(ProgramCommand):
    """The last notices: what was done to which guest, and what failed."""

    id = "program.notices"
    label = "notices"
    keys = ("exclamation_mark",)


class ChangeTheme(ProgramCommand):
    """Choose another theme."""

    id = "program.theme"
    label = "theme"
    keys = ("T",)


class Picture(ProgramCommand):
    """Write what is on the screen to an SVG file in the present directory."""

    id = "program.picture"
    label = "picture"
    keys = ("ctrl+s",)


class SuspendProgram(ProgramCommand):
    """Back to the shell; `fg` brings tuivm back."""

    id = "program.suspend"
    label = "to the shell"
    keys = ("ctrl+z",)


class Quit(ProgramCommand):
    """Leave at once, whatever hangs. Guests are not touched."""

    id = "program.quit"
    label = "quit"
    keys = ("q", "ctrl+q")
    footer = 99


PLACES = (GoGuests, GoCompare, GoHosts, GoLab)
TABLE_COMMANDS = (
    Open,
    Back,
    Filter,
    Sort,
    GroupByHost,
    Columns,
    Select,
    SelectAll,
    InvertSelection,
    ToggleHosts,
    FocusLeft,
    FocusRight,
)
HOST_COMMANDS = (Retry, AddHost, RemoveHost)
PROGRAM_COMMANDS = (Explain, Palette, Help, Notices, ChangeTheme, Picture, SuspendProgram, Quit)
