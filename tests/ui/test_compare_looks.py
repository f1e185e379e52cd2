"""Pictures of the compare place: both pages, both sizes, in colour, without, and in ASCII."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.pilot import Pilot

from tests.support.simhost import LEGACY, VIRTIO, SimHost
from tests.ui.support import Rig, make_app
from tuivm.model.devices import Backing, Device, DeviceClass, DeviceKind
from tuivm.model.guests import GuestStack, GuestState
from tuivm.options import Options
from tuivm.screens.compare import CompareScreen
from tuivm.widgets.livetable import LiveTable

SATA = Device(DeviceKind.DISK, DeviceClass.EMULATED, "sata-hd", "sda", "sata", counted=True)
LUN = Device(DeviceKind.DISK, DeviceClass.PHYSICAL, "scsi-block", "sdb", "scsi", note="LUN")


def fleet(host: SimHost) -> None:
    none, back = Backing("file", "raw", cache="none"), Backing("file", "qcow2", cache="writeback")
    os = GuestStack("kvm", "x86_64", "pc", "BIOS", os_id="http://debian.org/debian/12")
    windows = os._replace(os_id="http://microsoft.com/win/10")
    host.add_guest("web", devices=(VIRTIO[0]._replace(backing=none), VIRTIO[1], LUN))
    host.add_guest("db", devices=(LEGACY[0]._replace(backing=back), LEGACY[1], SATA), stack=os)
    host.add_guest("win11", GuestState.OFF, devices=LEGACY, stack=windows)
    host.add_guest("appliance", devices=(SATA,))


COLOUR, MONOCHROME, ASCII = Options(), Options(theme="monochrome"), Options(ascii=True)
SMALL, WIDE = (80, 24), (160, 48)
LATENCY, EXITS = ("2", "tab", "tab"), ("2", "tab", "tab", "tab")
PICTURES: dict[str, tuple[tuple[str, ...], str, tuple[int, int], Options]] = {
    "latency-small": (LATENCY, "▸latency", SMALL, COLOUR),
    "latency-wide": (LATENCY, "▸latency", WIDE, COLOUR),
    "latency-small-monochrome": (LATENCY, "▸latency", SMALL, MONOCHROME),
    "latency-wide-monochrome": (LATENCY, "▸latency", WIDE, MONOCHROME),
    "latency-small-ascii": (LATENCY, ">latency", SMALL, ASCII),
    "latency-wide-ascii": (LATENCY, ">latency", WIDE, ASCII),
    "exits-small": (EXITS, "▸exits", SMALL, COLOUR),
    "choose-small": (("2", "a"), "every busy disk", SMALL, COLOUR),
    "explain-wide": ((*LATENCY, "e"), "block.N", WIDE, COLOUR),
    "classes-small": (("2", "c"), "could be", SMALL, COLOUR),
    "classes-wide": (("2", "c"), "could be", WIDE, COLOUR),
    "classes-small-ascii": (("2", "c"), "could be", SMALL, ASCII),
}
"""name: keys, what is then on the screen, size, options."""


@pytest.mark.parametrize("name", PICTURES)
def test_picture(snap_compare, tmp_path: Path, name: str) -> None:  # type: ignore[no-untyped-def]
    keys, text, size, options = PICTURES[name]
    app, maker = make_app(tmp_path, fleet, options=options)

    async def act(pilot: Pilot[int]) -> None:
        rig = Rig(app, pilot, maker)
        await rig.press("2", "left_square_bracket")
        await rig.tick(35)
        await rig.press(*keys)
        await rig.tick(2)
        await rig.until(lambda: text in rig.text)
        # A table that grew is laid out with the next frame.
        await rig.until(lambda: all(table.size.height > 2 for table in tables(rig)))

    assert snap_compare(app, terminal_size=size, run_before=act)


def tables(rig: Rig) -> list[LiveTable]:
    place = next(s for s in rig.app.screen_stack if isinstance(s, CompareScreen))
    return [table for table in place.query(LiveTable) if table.display]
