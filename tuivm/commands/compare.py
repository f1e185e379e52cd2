"""Commands of the compare place, and the way there from a guest."""

from __future__ import annotations

from tuivm.commands.base import COMPARE, GUEST, GUESTS, Command, Desk, Place, ScreenCommand


class CompareCommand(ScreenCommand):
    """One that only the compare place has."""

    places = frozenset({COMPARE})
    group = "compare"


class ChooseDevices(CompareCommand):
    """Choose the devices to compare: any disks and NICs of any guests, or a ready-made choice."""

    id = "screen.choose_devices"
    label = "choose"
    keys = ("a",)
    footer = 11


class ByClass(CompareCommand):
    """The whole fleet by device class, and which guests could leave emulated devices; or back."""

    id = "screen.by_class"
    label = "by class"
    keys = ("c",)
    footer = 12


class Baseline(CompareCommand):
    """Take the highlighted device as the one that all ratios are to."""

    id = "screen.baseline"
    label = "baseline"
    keys = ("b",)
    footer = 13


class TakeOut(CompareCommand):
    """Take the highlighted device out of the comparison. Nothing changes in its guest."""

    id = "screen.take_out"
    label = "take out"
    keys = ("x", "delete")


class SaveIt(CompareCommand):
    """Save the comparison under a name, with what was measured, to open it again later."""

    id = "screen.save"
    label = "save"
    keys = ("W",)
    footer = 62


class OpenSaved(CompareCommand):
    """Open a saved comparison, or delete one."""

    id = "screen.open_saved"
    label = "open saved"
    keys = ("O",)
    footer = 63


class ExportIt(CompareCommand):
    """Write the comparison to a file: JSON, CSV, Markdown, or a picture (SVG)."""

    id = "screen.export"
    label = "export"
    keys = ("E",)
    footer = 61


class ShowRecorded(CompareCommand):
    """Show what was recorded when the opened comparison was saved, or what is measured now."""

    id = "screen.recorded"
    label = "recorded/live"
    keys = ("R",)


class CompareGuests(Command):
    """Compare the disks of the guest, or of all selected ones; their NICs where there is none."""

    id = "guests.compare"
    label = "compare"
    keys = ("percent_sign",)
    places = frozenset({GUESTS, GUEST})
    group = "compare"

    def refusal(self, desk: Desk, place: Place) -> str:
        del desk
        return "" if place.target_guests() else "no guest is highlighted"

    async def run(self, desk: Desk, place: Place) -> None:
        desk.compare([view.key for view in place.target_guests()])


COMPARE_COMMANDS = (
    ChooseDevices,
    ByClass,
    Baseline,
    TakeOut,
    SaveIt,
    OpenSaved,
    ExportIt,
    ShowRecorded,
    CompareGuests,
)
