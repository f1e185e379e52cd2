"""The wizard's step "Passthrough": the tree of the host's devices, verdicts, whole groups."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Button

from tests.ui.create_support import NASTY, NASTY_SHOWN, OFFER, StepApp, draft
from tests.ui.dialog_support import screen_text
from tests.ui.dialog_support import words as shown
from tuivm.model.findings import Finding, Severity
from tuivm.model.offers import HostDevice
from tuivm.model.spec import Passed, PassKind, Preset, Spec
from tuivm.screens.create.choices import ListField
from tuivm.screens.create.devicetree import is_ticked, tree, turned
from tuivm.screens.create.draft import Draft
from tuivm.screens.create.fields import SwitchField, TextField
from tuivm.screens.create.overriding import Override
from tuivm.screens.create.step_passthrough import PassthroughStep

SIZE = (80, 24)


def pci(address: str, group: int | None, **facts: Any) -> HostDevice:
    nodedev = "pci_" + address.replace(":", "_").replace(".", "_")
    members = facts.pop("members", (address,))
    facts = {"vendor": "Intel Corporation", "class_": "020000"} | facts
    return HostDevice("pci", nodedev, address, iommu_group=group, group_members=members, **facts)


GPU_GROUP = ("0000:01:00.0", "0000:01:00.1")
CONSOLE = pci(
    "0000:00:02.0",
    1,
    product="UHD Graphics 620",
    class_="030000",
    driver="i915",
    critical=("it shows the host's console",),
)
GPU = pci(
    GPU_GROUP[0],
    2,
    members=GPU_GROUP,
    vendor="NVIDIA Corporation",
    product="GP104 [GeForce GTX 1080]",
    class_="030000",
    driver="nouveau",
)
GPU_SOUND = pci(
    GPU_GROUP[1],
    2,
    members=GPU_GROUP,
    vendor="NVIDIA Corporation",
    product="GP104 Audio Controller",
    class_="040300",
    driver="snd_hda_intel",
)
PF = pci(
    "0000:03:00.0",
    5,
    product="82599ES",
    driver="ixgbe",
    virtual_functions=("0000:03:10.0",),
    used_by=("the guest db-1",),
)
VF = pci("0000:03:10.0", 6, product="82599 VF", driver="ixgbevf", physical_function=PF.address)
RECEIVER = HostDevice(
    "usb", "usb_1_1", "1-1", "Logitech", "Unifying Receiver", "046d:c52b", bus=1, device=2
)
STICKS = tuple(
    HostDevice("usb", f"usb_1_{n}", f"1-{n}", "SanDisk", "Cruzer", "0781:5530", bus=1, device=n + 1)
    for n in (2, 3)
)
MDEV = HostDevice(
    "mdev", "mdev_x", "4b20d080-1b54-4048-85b3-a6a62d165c01", product="i915-GVTg_V5_4"
)
TAPE = HostDevice("scsi", "scsi_2_0_3_0", "2:0:3:0", "IBM", "ULT3580-TD5")
DEVICES = (*STICKS, RECEIVER, VF, PF, GPU_SOUND, GPU, CONSOLE, MDEV)
GONE = Passed(PassKind.USB, "dead:beef")


def start(
    passed: tuple[Passed, ...] = (),
    devices: tuple[HostDevice, ...] = DEVICES,
    findings: tuple[Finding, ...] = (),
) -> Draft:
    spec = Spec(name="web", passed=passed)
    return draft(spec, OFFER._replace(devices=devices), findings=findings)


async def move_to(app: StepApp, pilot: Pilot[Any], device: HostDevice) -> None:
    app.step.query_one(ListField).move_to(device.nodedev)
    await pilot.pause()


def test_the_tree_has_groups_functions_and_ports() -> None:
    rows = [
        (branch.text or (branch.device.address if branch.device else ""), branch.depth)
        for branch in tree(DEVICES, (GONE,))
    ]
    assert rows == [
        ("PCI, IOMMU group 1", 0),
        ("0000:00:02.0", 0),
        ("PCI, IOMMU group 2", 0),
        ("0000:01:00.0", 0),
        ("0000:01:00.1", 0),
        ("PCI, IOMMU group 5", 0),
        ("0000:03:00.0", 0),
        ("0000:03:10.0", 1),
        ("USB", 0),
        ("1-1", 0),
        ("1-2", 0),
        ("1-3", 0),
        ("mediated devices (mdev)", 0),
        (MDEV.address, 0),
        ("not on this host now", 0),
        ("usb dead:beef", 0),
    ]


def test_a_device_is_said_as_libvirt_has_to_find_it_again() -> None:
    for device, passed in (
        (GPU, Passed(PassKind.PCI, "0000:01:00.0", GPU.nodedev)),
        (VF, Passed(PassKind.VF, "0000:03:10.0", VF.nodedev)),
        (RECEIVER, Passed(PassKind.USB, "046d:c52b", "usb_1_1")),
        (STICKS[0], Passed(PassKind.USB_PORT, "1-2", "usb_1_2")),
        (MDEV, Passed(PassKind.MDEV, MDEV.address, "mdev_x")),
    ):
        ticked = turned((), device, DEVICES)
        assert ticked == (passed,)
        assert [one for one in DEVICES if is_ticked(ticked, one, DEVICES)] == [device]
        assert turned(ticked, device, DEVICES) == ()


def test_vendor_and_product_alone_do_not_tick_two_that_are_alike() -> None:
    said = (Passed(PassKind.USB, "0781:5530"),)
    assert not any(is_ticked(said, one, DEVICES) for one in STICKS)


async def test_each_device_has_its_verdict_in_glyph_and_word() -> None:
    app = StepApp(PassthroughStep, start())
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        text = shown(app)
        assert "- ✖ hurts host 00:02.0 Intel Corporation UHD Graphics 620" in text
        assert "[ ] ◐ with group 01:00.0 NVIDIA Corporation" in text
        assert "- ■ in use 03:00.0 Intel Corporation 82599ES" in text
        assert "[ ] ● free └ 03:10.0 Intel Corporation 82599 VF" in text
        assert "it shows the host's console" in text
        await move_to(app, pilot, PF)
        assert "db-1" in shown(app)


async def test_a_whole_group_is_taken_together_and_says_so() -> None:
    app = StepApp(PassthroughStep, start())
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        await move_to(app, pilot, GPU_SOUND)
        assert "free with its group: 0000:01:00.0 GP104" in shown(app)
        assert "Space takes the whole group." in shown(app)
        assert "no migration, no save, no snapshot with memory" in shown(app)
        await pilot.press("space")
        assert {one.device for one in app.spec.passed} == set(GPU_GROUP)
        assert shown(app).count("[x] ● free") == 2
        assert "With its whole group: 01:00.0" in shown(app)
        await move_to(app, pilot, GPU)
        await pilot.press("x")
        assert app.spec.passed == ()


async def test_what_is_refused_cannot_be_ticked() -> None:
    app = StepApp(PassthroughStep, start())
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        for device in (CONSOLE, PF):
            await move_to(app, pilot, device)
            await pilot.press("space")
            await pilot.press("a")
        assert app.spec.passed == ()
        assert app.specs == []


async def test_what_is_not_known_to_be_free_is_taken_by_those_who_looked() -> None:
    unsure = VF._replace(physical_function="", unknown=("who has it: lspci -k",))
    app = StepApp(PassthroughStep, start(devices=(unsure,)))
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        text = shown(app)
        assert "- ? not known 03:10.0" in text
        assert "What to do: look on the host first: lspci -k" in text
        assert text.count("Space asks for its address") == 1
        await pilot.press("space")
        await pilot.pause()
        assert not app.spec.passed
        await pilot.press(*unsure.address)
        await pilot.pause()
        await pilot.click("#take")
        await pilot.pause()
    assert [one.override for one in app.spec.passed] == [unsure.address]


async def test_a_bridge_in_the_group_stays_with_the_host() -> None:
    bridge = pci("0000:00:01.0", 2, class_="060400", product="PCIe Root Port")
    isa = pci("0000:00:1f.0", 2, class_="060100", product="LPC Controller")
    app = StepApp(PassthroughStep, start(devices=(GPU, GPU_SOUND, bridge, isa)))
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        assert "- - impossible 00:01.0" in shown(app)
        await move_to(app, pilot, GPU)
        await pilot.press("space")
    assert {one.device for one in app.spec.passed} == set(GPU_GROUP)


async def test_what_the_preset_takes_is_shown_and_stays() -> None:
    spec = Spec(name="web", preset=Preset.PASSTHROUGH)
    free = PF._replace(used_by=())
    offer = OFFER._replace(networks=(), devices=(free, VF))
    app = StepApp(PassthroughStep, draft(spec, offer))
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        await move_to(app, pilot, VF)
        assert "[x] ● free └ 03:10.0" in shown(app)
        assert "Taken by the device preset" in shown(app)
        await pilot.press("space")
    assert app.specs == []


async def test_what_was_ticked_and_is_now_in_use_can_be_unticked() -> None:
    app = StepApp(PassthroughStep, start((Passed(PassKind.PCI, PF.address),)))
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        await move_to(app, pilot, PF)
        assert "[x] ■ in use" in shown(app)
        await pilot.press("space")
    assert app.spec.passed == ()


async def test_two_that_are_alike_go_by_their_ports() -> None:
    app = StepApp(PassthroughStep, start())
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        await move_to(app, pilot, STICKS[1])
        assert "Two are alike: this one is known by its port, 1-3." in shown(app)
        await pilot.press("space")
        await move_to(app, pilot, RECEIVER)
        assert "Known by vendor:product 046d:c52b" in shown(app)
        await pilot.press("space")
    assert [(one.kind, one.device) for one in app.spec.passed] == [
        (PassKind.USB_PORT, "1-3"),
        (PassKind.USB, "046d:c52b"),
    ]


async def test_by_keys_alone() -> None:
    app = StepApp(PassthroughStep, start((GONE,)))
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        await pilot.press("end")
        assert "It is not on the host now" in shown(app)
        await pilot.press("space")
        assert not app.spec.passed
        await pilot.press("end", "space")
    assert app.spec.passed == (Passed(PassKind.MDEV, MDEV.address, "mdev_x"),)


async def test_a_scsi_device_goes_by_its_address() -> None:
    app = StepApp(PassthroughStep, start(devices=(TAPE, RECEIVER)))
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        await move_to(app, pilot, TAPE)
        await pilot.press("space")
        assert "[x] ● free 2:0:3:0 IBM ULT3580-TD5" in shown(app)
        assert "not on this host" not in shown(app)
    assert app.spec.passed == (Passed(PassKind.SCSI, TAPE.address, "scsi_2_0_3_0"),)


async def test_without_an_iommu_the_remedy_is_told() -> None:
    devices = (GPU._replace(iommu_group=None, group_members=()), RECEIVER)
    app = StepApp(PassthroughStep, start(devices=devices))
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        text = shown(app)
        assert "intel_iommu=on" in text
        assert "PCI, in no IOMMU group" in text
        assert "- - impossible 01:00.0" in text
        await pilot.press("space")
        assert app.spec.passed == ()
        await move_to(app, pilot, RECEIVER)
        await pilot.press("space")
    assert len(app.spec.passed) == 1


async def test_a_host_without_devices() -> None:
    app = StepApp(PassthroughStep, start(devices=()))
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        assert "The host tells of no devices" in shown(app)
        assert "a adds" not in shown(app)
        await pilot.press("space", "x", "a")
    assert app.specs == []


async def test_a_host_that_was_not_heard_yet() -> None:
    app = StepApp(PassthroughStep, draft(Spec(name="web"), offer=None))
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        assert "not heard yet" in shown(app)


async def test_a_device_that_is_pulled_out_stays_in_sight() -> None:
    app = StepApp(PassthroughStep, start(turned((), RECEIVER, DEVICES)))
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        left = tuple(one for one in DEVICES if one is not RECEIVER)
        app.hear(app.draft._replace(offer=OFFER._replace(devices=left)))
        await pilot.pause()
        assert "not on this host now" in shown(app)
        assert "[x] usb 046d:c52b" in shown(app)


async def test_findings_are_shown() -> None:
    found = (Finding("in-use", Severity.ERROR, "db-1 has it", field="passthrough.0"),)
    app = StepApp(PassthroughStep, start((GONE,), findings=found))
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        assert "✖ error: db-1 has it" in shown(app)


async def test_nothing_but_ascii() -> None:
    app = StepApp(PassthroughStep, start(), ascii_only=True)
    # So that nothing scrolls: bars are the whole program's to choose.
    async with app.run_test(size=(80, 30)) as pilot:
        await pilot.pause()
        await pilot.press("down", "space")
        assert screen_text(app).isascii()
        assert "[x] + free" in shown(app)


async def test_names_from_outside_are_shown_safely() -> None:
    device = RECEIVER._replace(vendor=NASTY, product=NASTY, driver=NASTY, used_by=(NASTY,))
    app = StepApp(PassthroughStep, start(devices=(device,)))
    async with app.run_test(size=(120, 30)) as pilot:
        await pilot.pause()
        assert screen_text(app).count(NASTY_SHOWN) >= 3


async def test_many_devices_scroll_within_their_room() -> None:
    many = tuple(pci(f"0000:{bus:02x}:00.0", bus, product="NIC") for bus in range(4, 104))
    app = StepApp(PassthroughStep, start(devices=many))
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        await pilot.press("end")
        await pilot.pause()
        assert "67:00.0" in shown(app)
        await pilot.press("space")
    assert app.spec.passed[0].device == "0000:67:00.0"


async def test_what_the_host_may_miss_is_taken_by_typing_its_address() -> None:
    route = "the default route goes through it (eth0)"
    nic = pci("0000:05:00.0", 9, product="I210", critical=(route,), overridable=(route,))
    root = pci("0000:06:00.0", 10, product="NVMe", class_="010802", critical=("/ is on it",))
    app = StepApp(PassthroughStep, start(devices=(nic, root)))
    async with app.run_test(size=SIZE) as pilot:
        await move_to(app, pilot, root)
        await pilot.press("space")
        await pilot.pause()
        assert not isinstance(app.screen, Override)
        await move_to(app, pilot, nic)
        assert "Space asks for its address" in shown(app)
        await pilot.press("space")
        await pilot.pause()
        assert isinstance(app.screen, Override)
        assert "default route" in screen_text(app)
        take = app.screen.query_one("#take", Button)
        assert take.disabled
        await pilot.press(*"0000:05:00.1")
        await pilot.pause()
        assert take.disabled, "another address is not this one"
        await pilot.press("backspace", "0")
        await pilot.pause()
        assert not take.disabled
        await pilot.click("#take")
        await pilot.pause()
        assert [(one.device, one.override) for one in app.spec.passed] == [
            (nic.address, nic.address)
        ]
        # Unticked and ticked again, it is typed again.
        await pilot.press("space")
        await pilot.pause()
        assert app.spec.passed == ()


async def test_what_changes_while_its_address_is_typed_is_not_taken() -> None:
    route = "the default route goes through it (eth0)"
    nic = pci("0000:05:00.0", 9, product="I210", critical=(route,), overridable=(route,))
    app = StepApp(PassthroughStep, start(devices=(nic,)))
    async with app.run_test(size=SIZE) as pilot:
        await move_to(app, pilot, nic)
        await pilot.press("space")
        await pilot.pause()
        root = nic._replace(critical=("/ is on it",), overridable=())
        app.hear(app.draft._replace(offer=OFFER._replace(devices=(root,))))
        await pilot.press(*nic.address)
        await pilot.pause()
        await pilot.click("#take")
        await pilot.pause()
        assert app.spec.passed == ()
        (told,) = app._notifications
        assert told.message.startswith("0000:05:00.0 is not taken")


async def test_what_drivers_of_gpus_want_is_asked_with_a_display_alone() -> None:
    app = StepApp(PassthroughStep, start())
    async with app.run_test(size=(100, 40)) as pilot:
        hide, vendor = app.query_one(SwitchField), app.query_one("#vendor", TextField)
        rom = app.query_one("#rom", TextField)
        assert not any(field.display for field in (hide, vendor, rom))
        await move_to(app, pilot, GPU)
        await pilot.press("space")
        await pilot.pause()
        assert hide.display
        hide.focus_editor()
        await pilot.press("space")
        await pilot.pause()
        vendor.focus_editor()
        await pilot.press(*"abc")
        await pilot.pause()
        rom.focus_editor()
        await pilot.press(*"card.rom")
        await pilot.pause()
        assert "a whole path on the host" in shown(app)
        assert [one.rom_file for one in app.spec.passed] == ["", ""], "that is none"
        await pilot.press("home", "slash")
        await pilot.pause()
    assert app.spec.machine.hide_hypervisor
    assert app.spec.machine.vendor_id == "abc"
    roms = {one.device: one.rom_file for one in app.spec.passed}
    assert roms == {GPU.address: "/card.rom", GPU_SOUND.address: ""}


async def test_each_of_two_cards_has_a_rom_of_its_own() -> None:
    both = (
        Passed(PassKind.PCI, GPU.address, rom_file="/a.rom"),
        Passed(PassKind.PCI, CONSOLE.address, rom_file="/b.rom"),
    )
    app = StepApp(PassthroughStep, start(both))
    async with app.run_test(size=(100, 40)) as pilot:
        await pilot.pause()
        assert not app.query_one("#rom", TextField).display
        assert app.query_one("#vendor", TextField).display


@pytest.mark.parametrize("size", [(80, 24), (160, 48)], ids=["80x24", "160x48"])
def test_picture(  # type: ignore[no-untyped-def]
    snap_compare, size: tuple[int, int]
) -> None:
    app = StepApp(PassthroughStep, start())

    async def act(pilot: Pilot[Any]) -> None:
        await pilot.pause()
        await pilot.press("down", "space")
        await pilot.pause()

    run_before: Callable[[Pilot[Any]], Awaitable[None]] = act
    assert snap_compare(app, terminal_size=size, run_before=run_before)
