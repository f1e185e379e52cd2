"""The wizard's step "Disks": rows, the dialog of one disk, bad input at each field."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Button

from tests.ui.create_support import (
    DEBIAN,
    GIB,
    NASTY,
    NASTY_SHOWN,
    OFFER,
    POOLS,
    WINDOWS,
    StepApp,
    closed,
    draft,
    focus,
    opened,
    typed,
)
from tests.ui.dialog_support import screen_text
from tests.ui.dialog_support import words as shown
from tuivm.model.findings import Finding, Severity
from tuivm.model.offers import Pool, Volume
from tuivm.model.oses import OsInfo
from tuivm.model.spec import Disk, DiskKind, FileRef, NewVolume, Source, SourceKind, Spec
from tuivm.screens.create.draft import Draft
from tuivm.screens.create.edit_disk import EditDisk
from tuivm.screens.create.step_disks import DisksStep

SIZE = (80, 24)
ISO = Source(SourceKind.ISO, FileRef(pool="default", volume="virtio-win.iso"))
BASE = FileRef(pool="default", volume="base.qcow2")


def start(spec: Spec | None = None, os: OsInfo = DEBIAN, **more: Any) -> Draft:
    return draft(spec or Spec(name="web", source=ISO), os=os, **more)


async def edit(app: StepApp, pilot: Pilot[Any], key: str = "space") -> EditDisk:
    await pilot.press(key)
    await opened(app, pilot)
    assert isinstance(app.dialog, EditDisk)
    return app.dialog


def disks(app: StepApp) -> tuple[Disk, ...]:
    assert app.spec.disks is not None
    return app.spec.disks


async def test_the_defaults_are_shown_with_their_classes() -> None:
    app = StepApp(DisksStep, start())
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        assert "◆ virtio-blk 20G qcow2 new web.qcow2 in default" in shown(app)
        assert "▣ SATA (AHCI) 1.0G iso CD-ROM: virtio-win.iso in default" in shown(app)
        assert "◆ paravirtual: virtio-blk" in shown(app)
        await pilot.press("down")
        assert "▣ emulated: SATA (AHCI)" in shown(app)
        assert "Comes with the source" in shown(app)
    assert app.spec.disks is None


async def test_nothing_but_ascii() -> None:
    app = StepApp(DisksStep, start(), ascii_only=True)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        assert "V virtio-blk" in shown(app)
        assert screen_text(app).isascii()
        await edit(app, pilot)
        assert screen_text(app).isascii()
        assert "< V virtio-blk >" in shown(app)


async def test_a_disk_is_added_by_keys_and_removed_again() -> None:
    app = StepApp(DisksStep, start())
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        await edit(app, pilot, "a")
        await typed(app, pilot, "disk.1.new.size", "5G")
        await pilot.press("enter")
        await closed(app, pilot)
        assert disks(app) == (Disk(new=NewVolume()), Disk(new=NewVolume(size=5 * GIB)))
        assert "5.0G qcow2 new web-2.qcow2" in shown(app)
        await pilot.press("x")
        assert disks(app) == (Disk(new=NewVolume()),)
        await pilot.press("up", "x")
        assert app.spec.disks == ()
        assert "CD-ROM: virtio-win.iso" in shown(app)


async def test_the_sources_disk_stays_but_its_bus_can_be_changed() -> None:
    app = StepApp(DisksStep, start())
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        await pilot.press("down", "x")
        assert "It comes with the source" in shown(app)
        assert app.spec.disks is None
        await edit(app, pilot)
        await focus(app, pilot, "disk.1.bus")
        await pilot.press("right")
        assert "USB storage" in shown(app)
        await pilot.press("enter")
        await closed(app, pilot)
        assert disks(app)[1] == Disk(DiskKind.CDROM, ISO.file, bus="usb", readonly=True)
        assert shown(app).count("virtio-win.iso") == 2, "a row, and what is said of it"


async def test_escape_keeps_things_as_they_were() -> None:
    app = StepApp(DisksStep, start())
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        await edit(app, pilot)
        await typed(app, pilot, "disk.0.new.size", "5G")
        await pilot.press("escape")
        await closed(app, pilot)
    assert app.spec.disks is None


async def test_an_existing_volume_shows_who_uses_it() -> None:
    app = StepApp(DisksStep, start())
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        dialog = await edit(app, pilot, "a")
        await focus(app, pilot, "disk.1")
        await pilot.press("right")
        assert "Which volume?" in shown(app)
        assert dialog.query_one("#ok", Button).disabled
        await pilot.press("enter")
        assert app.screen is dialog
        await focus(app, pilot, "disk.1.volume")
        await pilot.press("space")
        await pilot.pause()
        assert "db.qcow2 in default 40G qcow2 used by db-1" in shown(app)
        await pilot.press("end", "enter")
        await pilot.pause()
        await pilot.press("enter")
        await closed(app, pilot)
        assert disks(app)[1] == Disk(file=FileRef(pool="default", volume="db.qcow2"))
        assert "also used by db-1" in shown(app), "the cursor is on the new row"


async def test_an_overlay_needs_what_it_lies_over() -> None:
    app = StepApp(DisksStep, start())
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        await edit(app, pilot, "a")
        await focus(app, pilot, "disk.1")
        await pilot.press("right", "right")
        assert "Which volume?" in shown(app)
        await focus(app, pilot, "disk.1.volume")
        await pilot.press("right", "enter")
        await closed(app, pilot)
        assert disks(app)[1] == Disk(file=BASE, new=NewVolume(), overlay=True)
        assert "overlay over base.qcow2" in shown(app)


async def test_an_empty_cdrom_drive() -> None:
    app = StepApp(DisksStep, start(Spec(name="web")))
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        await edit(app, pilot, "a")
        await focus(app, pilot, "disk.1.kind")
        await pilot.press("right")
        assert "an empty drive" in shown(app)
        await pilot.press("enter")
        await closed(app, pilot)
        assert disks(app)[1] == Disk(DiskKind.CDROM)
        assert "CD-ROM: empty drive" in shown(app)


async def test_windows_gets_what_it_has_drivers_for_first() -> None:
    app = StepApp(DisksStep, start(os=WINDOWS))
    async with app.run_test(size=(100, 40)) as pilot:
        await pilot.pause()
        await edit(app, pilot)
        await focus(app, pilot, "disk.0.bus")
        await pilot.press("space")
        await pilot.pause()
        text = shown(app)
        assert text.index("▣ SATA (AHCI) drivers") < text.index("◆ virtio-blk Microsoft Windows 10")
        assert "brings no driver for it" in text
        assert "▣ IDE (PIIX) off: q35 has no IDE controller" in text


BAD: dict[str, tuple[tuple[str, str], ...]] = {
    "new.size": (
        ("-5", "is not a size"),
        ("9" * 30, "at most"),
        ("٢٠G", "is not a size"),
        ("20 bananas", "is not a size"),
        ("0", "at least"),
        ("8E8", "is not a size"),
    ),
    "new.name": (("a/b", "no / in it"), ("..", "no / in it"), ("x" * 300, "255"), ("\x1b", "seen")),
    "serial": (("x" * 37, "at most 36"), ("säge", "at most 36"), ("a;b", "at most 36")),
}


@pytest.mark.parametrize(
    ("field", "text", "why"),
    [(field, text, why) for field, cases in BAD.items() for text, why in cases],
)
async def test_bad_input(field: str, text: str, why: str) -> None:
    app = StepApp(DisksStep, start())
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        dialog = await edit(app, pilot)
        await typed(app, pilot, f"disk.0.{field}", text)
        assert "✖ error:" in shown(app)
        assert why in shown(app)
        assert dialog.query_one("#ok", Button).disabled
        await pilot.press("enter")
        assert app.screen is dialog
        await typed(app, pilot, f"disk.0.{field}", "")
        assert "✖ error:" not in shown(app)
        await pilot.press("enter")
        await closed(app, pilot)
    assert disks(app) == (Disk(new=NewVolume()),)


async def test_a_path_has_to_be_one() -> None:
    app = StepApp(DisksStep, start())
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        await edit(app, pilot, "a")
        await focus(app, pilot, "disk.1")
        await pilot.press("right", "right", "right")
        assert "Which file or block device" in shown(app)
        for text, why in (
            ("images/a", "begins with /"),
            ("/" + "x" * 5000, "longer than any path"),
            ("/a\x00b", "cannot be seen"),
        ):
            await typed(app, pilot, "disk.1.path", text)
            assert why in shown(app)
        await typed(app, pilot, "disk.1.path", "/dev/vg/data")
        await pilot.press("enter")
        await closed(app, pilot)
    assert disks(app)[1] == Disk(file=FileRef(path="/dev/vg/data"))


async def test_more_than_the_pool_has_is_said_at_once() -> None:
    app = StepApp(DisksStep, start())
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        dialog = await edit(app, pilot)
        await typed(app, pilot, "disk.0.new.size", "900G")
        assert "900G is more than the 104G free in default" in shown(app)
        assert not dialog.query_one("#ok", Button).disabled


async def test_findings_stand_at_the_row_and_at_the_field() -> None:
    found = (
        Finding("too-large", Severity.ERROR, "larger than its pool", field="disk.0.new.size"),
        Finding("old", Severity.WARNING, "slow drive", field="disk.1"),
    )
    app = StepApp(DisksStep, start(findings=found))
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        assert "✖◆ virtio-blk" in shown(app)
        assert "▲▣ SATA" in shown(app)
        assert "✖ error: larger than its pool" in shown(app)
        await edit(app, pilot)
        assert "✖ error: larger than its pool" in shown(app)
        await typed(app, pilot, "disk.0.new.size", "5G")
        assert "larger than its pool" not in shown(app)


async def test_a_pool_that_vanishes_keeps_what_was_said() -> None:
    spec = Spec(name="web", disks=(Disk(new=NewVolume(pool="fast", size=GIB)),))
    app = StepApp(DisksStep, start(spec))
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        assert "in fast" in shown(app)
        app.hear(app.draft._replace(offer=OFFER._replace(pools=POOLS[:1])))
        await pilot.pause()
        assert "in fast" in shown(app)
        await edit(app, pilot)
        assert "‹ fast ›" in shown(app)
        await pilot.press("escape")
        app.hear(app.draft._replace(offer=OFFER._replace(pools=())))
        await pilot.pause()
        await edit(app, pilot)
        await pilot.press("enter")
        await closed(app, pilot)
    assert app.spec.disks == spec.disks


async def test_names_from_outside_are_shown_safely() -> None:
    volume = Volume(NASTY, "/x", GIB, GIB, NASTY, used_by=(NASTY,))
    offer = OFFER._replace(pools=(Pool(NASTY, "dir", True, NASTY, 9 * GIB, 9 * GIB, (volume,)),))
    spec = Spec(name="web", disks=(Disk(file=FileRef(pool=NASTY, volume=NASTY)),))
    app = StepApp(DisksStep, start(spec, offer=offer))
    async with app.run_test(size=(120, 30)) as pilot:
        await pilot.pause()
        assert NASTY_SHOWN in screen_text(app)
        await edit(app, pilot)
        assert NASTY_SHOWN in screen_text(app)


async def test_a_copied_guest_has_its_own_disks() -> None:
    spec = Spec(name="web", source=Source(SourceKind.COPY, guest="db-1"))
    app = StepApp(DisksStep, start(spec))
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        assert "Each disk of db-1 is copied" in shown(app)


async def test_a_host_that_was_not_heard_yet() -> None:
    app = StepApp(DisksStep, draft(Spec(name="web"), offer=None))
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        await pilot.press("a")
        await pilot.pause()
        screen_text(app)


@pytest.mark.parametrize("size", [(80, 24), (160, 48)], ids=["80x24", "160x48"])
@pytest.mark.parametrize("keys", [(), ("space",)], ids=["list", "dialog"])
def test_picture(  # type: ignore[no-untyped-def]
    snap_compare, size: tuple[int, int], keys: tuple[str, ...]
) -> None:
    app = StepApp(DisksStep, start())

    async def act(pilot: Pilot[Any]) -> None:
        await pilot.pause()
        await pilot.press(*keys)
        await pilot.pause()

    run_before: Callable[[Pilot[Any]], Awaitable[None]] = act
    assert snap_compare(app, terminal_size=size, run_before=run_before)
