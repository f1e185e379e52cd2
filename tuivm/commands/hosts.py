"""Commands of the hosts place itself: its pages, and lists of what a host has."""

from __future__ import annotations

from tuivm.commands.base import HOSTS, ScreenCommand


class HostsCommand(ScreenCommand):
    """One that only the hosts place has."""

    places = frozenset({HOSTS})
    group = "hosts"


class NextPage(HostsCommand):
    """The next page on the host: overview, PCI, USB, mediated devices, SCSI, NICs, storage, …"""

    id = "screen.next_page"
    label = "page"
    keys = ("tab",)
    footer = 24


class PreviousPage(HostsCommand):
    """The page before this one."""

    id = "screen.previous_page"
    label = "previous page"
    keys = ("shift+tab",)


class HostChart(HostsCommand):
    """Show the host's memory in the chart, or its CPUs."""

    id = "screen.host_chart"
    label = "chart"
    keys = ("m",)
    footer = 25


class FilterRows(HostsCommand):
    """Show only the rows with these words in any column; -word: only those without it."""

    id = "screen.filter_rows"
    label = "filter"
    keys = ("slash",)


class Mark(HostsCommand):
    """Mark the highlighted device, or no longer: all that are marked are attached at once."""

    id = "screen.mark"
    label = "mark"
    keys = ("space",)


class MarkGroup(HostsCommand):
    """Mark all devices of the IOMMU group that the highlighted one is in; bridges stay."""

    id = "screen.mark_group"
    label = "mark group"
    keys = ("asterisk",)


class Unfold(HostsCommand):
    """Show what is under the highlighted row (VFs, a bus, volumes), or fold it away."""

    id = "screen.unfold"
    label = "fold"
    keys = ("enter",)


class TurnTree(HostsCommand):
    """Show PCI devices by IOMMU group, or by bus: what hangs on which bridge."""

    id = "screen.turn_tree"
    label = "group/bus"
    keys = ("t",)


HOSTS_COMMANDS = (
    NextPage,
    PreviousPage,
    HostChart,
    FilterRows,
    Mark,
    MarkGroup,
    Unfold,
    TurnTree,
)
