"""The wizard's step "Machine": what each host offers, nested virtualization, the advanced part."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Button

from tests.ui.create_support import (
    CAPS,
    DEBIAN,
    NASTY,
    NASTY_SHOWN,
    OFFER,
    TCG,
    TCG_CAPS,
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
from tuivm.model.offers import CpuMode, DomainCaps, HostOffer, MachineType, NestingFacts
from tuivm.model.spec import Disk, Firmware, Machine, NewVolume, Nic, NumaCell, Preset, Spec
from tuivm.screens.create.draft import Draft
from tuivm.screens.create.fields import Field
from tuivm.screens.create.step_machine import MachineStep

SIZE = (80, 24)
TALL = (100, 60)


def start(
    machine: Machine | None = None,
    offer: HostOffer = OFFER,
    caps: DomainCaps = CAPS,
    **more: Any,
) -> Draft:
    return draft(Spec(name="web", machine=machine or Machine()), offer, caps, DEBIAN, **more)


def field(app: StepApp, key: str) -> Field:
    return next(one for one in app.step.query(Field) if one.key == key)


async def listed(app: StepApp, pilot: Pilot[Any], key: str) -> str:
    """All choices of a field, as its list shows them."""
    await focus(app, pilot, key)
    await pilot.press("space")
    await opened(app, pilot)
    text = shown(app)
    await pilot.press("escape")
    await closed(app, pilot)
    return text


async def test_defaults_are_shown_as_such() -> None:
    app = StepApp(MachineStep, start())
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        text = shown(app)
        for words in (
            "‹ ◆ Paravirtual (recommended) ›",
            "‹ KVM › default",
            "‹ q35 › default now pc-q35-7.2",
            "‹ BIOS › default",
            "‹ host-passthrough › default",
            "TPM [ ] no default",
        ):
            assert words in text
        assert not app.step.said(app.draft)
    assert app.specs == []


async def test_nothing_but_ascii() -> None:
    app = StepApp(MachineStep, start(Machine(nested=True)), ascii_only=True)
    async with app.run_test(size=TALL) as pilot:
        await pilot.pause()
        assert "< V Paravirtual (recommended) >" in shown(app)
        assert screen_text(app).isascii()


async def test_everything_by_keys_from_top_to_bottom() -> None:
    app = StepApp(MachineStep, start())
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        await pilot.press("right", "down", "right", "down", "down", "right")
        await pilot.press("down", "right", "down", "space", "down", "right")
        await pilot.pause()
    assert app.spec.preset is Preset.EMULATED
    machine = app.spec.machine
    assert machine.virt_type == "qemu"
    assert machine.machine == "pc"
    assert machine.firmware is Firmware.UEFI
    assert machine.tpm is not None
    assert machine.cpu
    assert app.step.said(app.draft)


async def test_a_preset_is_one_click_for_devices_that_were_said_too() -> None:
    said = (Disk(new=NewVolume(size=1 << 30), bus="virtio", serial="A1"),)
    spec = Spec(name="web", disks=said, nics=(Nic(model="virtio"),))
    app = StepApp(MachineStep, draft(spec, os=DEBIAN))
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        await pilot.press("right")
        assert app.spec.preset is Preset.EMULATED
        full = app.draft.full
        assert [(disk.bus, disk.serial) for disk in full.disks or ()] == [("sata", "A1")]
        assert [nic.model for nic in full.nics or ()] == ["e1000e"]


async def test_delete_goes_back_to_the_default() -> None:
    app = StepApp(MachineStep, start(Machine(virt_type="qemu", cpu="maximum", tpm=True)))
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        for key in ("machine.virt_type", "machine.cpu", "machine.tpm"):
            await focus(app, pilot, key)
            await pilot.press("delete")
        await pilot.pause()
    assert app.spec.machine == Machine()


async def test_a_host_without_kvm_says_why_and_goes_by_tcg() -> None:
    app = StepApp(MachineStep, start(offer=TCG, caps=TCG_CAPS))
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        assert "‹ TCG › default QEMU translates every instruction" in shown(app)
        text = await listed(app, pilot, "machine.virt_type")
        assert "KVM off: the host's CPU has neither vmx nor svm" in text
        text = await listed(app, pilot, "machine.firmware")
        assert "UEFI off: the host has no UEFI firmware" in text
        assert "off: the host offers no TPM (swtpm" in shown(app)
        text = await listed(app, pilot, "machine.cpu")
        assert "host-passthrough off:" in text


async def test_models_that_the_host_cannot_run_are_not_taken() -> None:
    app = StepApp(MachineStep, start())
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        text = await listed(app, pilot, "machine.cpu")
        assert "EPYC off: this host's CPU lacks features of it" in text
        await focus(app, pilot, "machine.cpu")
        seen = set()
        for _ in range(8):
            await pilot.press("right")
            seen.add(app.spec.machine.cpu)
    assert "EPYC" not in seen
    assert {"host-model", "maximum", "Skylake-Client", "qemu64", "486"} <= seen


async def test_another_type_forgets_a_machine_that_it_has_not() -> None:
    app = StepApp(MachineStep, start(Machine(virt_type="kvm", machine="q35")))
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        await focus(app, pilot, "machine.arch")
        await pilot.press("right")
        await pilot.pause()
    assert app.spec.machine.arch == "aarch64"
    assert app.spec.machine.machine == ""


async def test_nested_virtualization_has_a_state_for_each_condition() -> None:
    app = StepApp(MachineStep, start())
    async with app.run_test(size=TALL) as pilot:
        await pilot.pause()
        assert "✓ met" not in shown(app)
        await focus(app, pilot, "machine.nested")
        await pilot.press("space")
        await pilot.pause()
        text = shown(app)
        assert "✓ met" in text
        assert "✖ unmet" not in text
        assert "vmx" in text
        assert "depth: this host is no guest" in text
        assert "check inside: " in text
        assert "costs: " in text
        assert app.spec.machine.nested is True
        await pilot.press("space")
        await pilot.pause()
        assert "check inside: " not in shown(app)


async def test_all_that_is_said_of_nesting_can_be_brought_into_view() -> None:
    off = OFFER._replace(nesting=NestingFacts("Intel", True, "kvm_intel", False, 1, "6.1"))
    app = StepApp(MachineStep, start(Machine(nested=True), off))
    async with app.run_test(size=(80, 16)) as pilot:
        await pilot.pause()
        await focus(app, pilot, "machine.nested")
        seen = ""
        for _ in range(3):
            seen += shown(app)
            await pilot.press("down")
            await pilot.pause()
        for words in ("kvm_intel is loaded", "nested=1", "costs: Speed", "check inside: "):
            assert words in seen


async def test_an_unmet_condition_has_its_remedy() -> None:
    off = OFFER._replace(nesting=NestingFacts("Intel", True, "kvm_intel", False, 1, "6.1"))
    app = StepApp(MachineStep, start(Machine(nested=True), off))
    async with app.run_test(size=TALL) as pilot:
        await pilot.pause()
        text = shown(app)
        assert "✖ unmet" in text
        assert "nested=1" in text
        assert "this host is itself a guest, at depth 1" in text


async def test_what_cannot_be_looked_at_is_not_called_met() -> None:
    far = OFFER._replace(nesting=NestingFacts(), local=False)
    silent = CAPS._replace(cpu_modes=(CpuMode("host-passthrough", True),))
    app = StepApp(MachineStep, start(Machine(nested=True), far, silent))
    async with app.run_test(size=TALL) as pilot:
        await pilot.pause()
        assert "? unknown" in shown(app)
        assert "whether this host is a guest itself is not known" in shown(app)


async def test_the_virtual_iommu_says_what_it_needs() -> None:
    app = StepApp(MachineStep, start(Machine(machine="pc")))
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        text = await listed(app, pilot, "machine.viommu")
        assert "intel-iommu off: needs machine type q35" in text
        app.hear(start())
        await pilot.pause()
        text = await listed(app, pilot, "machine.viommu")
        assert "▣ intel-iommu needs q35, the I/O APIC in QEMU (irqchip split)" in text
        await focus(app, pilot, "machine.viommu")
        await pilot.press("right")
    assert app.spec.machine.viommu == "intel"


async def test_advanced_is_closed_until_it_is_wanted() -> None:
    app = StepApp(MachineStep, start())
    async with app.run_test(size=TALL) as pilot:
        await pilot.pause()
        assert "vCPU pinning" not in shown(app)
        await focus(app, pilot, "advanced")
        await pilot.press("space")
        await pilot.pause()
        assert "vCPU pinning" in shown(app)
        await focus(app, pilot, "machine.hugepages")
        await pilot.press("space")
        await focus(app, pilot, "machine.page_size")
        await pilot.press("right")
        await typed(app, pilot, "machine.pins", "0 1 2-3,5")
        await typed(app, pilot, "machine.emulator_pin", "7")
    machine = app.spec.machine
    assert (machine.hugepages, machine.page_kib) == (True, 2048)
    assert machine.pins == ("0", "1", "2-3,5")
    assert machine.emulator_pin == "7"


async def test_what_was_said_in_advanced_opens_it() -> None:
    app = StepApp(MachineStep, start(Machine(pins=("0",))))
    async with app.run_test(size=TALL) as pilot:
        await pilot.pause()
        assert "vCPU pinning" in shown(app)


async def test_a_finding_in_advanced_opens_it() -> None:
    found = (Finding("pins", Severity.ERROR, "more pins than vCPUs", field="machine.pins"),)
    app = StepApp(MachineStep, start(findings=found))
    async with app.run_test(size=TALL) as pilot:
        await pilot.pause()
        assert "✖ error: more pins than vCPUs" in shown(app)


async def test_findings_stand_at_their_fields() -> None:
    found = (
        Finding("no-uefi", Severity.ERROR, "no UEFI here", field="machine.firmware"),
        Finding("nest", Severity.WARNING, "migration is limited", field="machine.nested"),
    )
    app = StepApp(MachineStep, start(findings=found))
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        rows = screen_text(app).splitlines()
        at = next(i for i, row in enumerate(rows) if "Firmware" in row)
        assert "✖ error: no UEFI here" in rows[at + 1]
        assert "▲ warning: migration is limited" in shown(app)


async def test_numa_cells_are_added_edited_and_removed() -> None:
    app = StepApp(MachineStep, start(Machine(pins=("0",))))
    async with app.run_test(size=TALL) as pilot:
        await pilot.pause()
        await focus(app, pilot, "machine.numa")
        await pilot.press("a")
        await opened(app, pilot)
        assert "Which vCPUs belong to it?" in shown(app)
        await typed(app, pilot, "cpus", "0-1")
        assert "How much memory" in shown(app)
        assert app.dialog.query_one("#ok", Button).disabled
        await typed(app, pilot, "memory", "1G")
        await focus(app, pilot, "host_node")
        await pilot.press("right", "right", "enter")
        await closed(app, pilot)
        assert app.spec.machine.numa == (NumaCell("0-1", 1 << 20, "1"),)
        assert "cell 0 vCPUs 0-1 1.0G memory on the host's node 1" in shown(app)
        await pilot.press("space")
        await opened(app, pilot)
        await typed(app, pilot, "cpus", "0-3")
        await pilot.press("enter")
        await closed(app, pilot)
        assert app.spec.machine.numa[0].cpus == "0-3"
        await pilot.press("x")
        await pilot.pause()
    assert not app.spec.machine.numa


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("machine.pins", "0 x"),
        ("machine.pins", "-1"),
        ("machine.pins", "8"),
        ("machine.pins", "٣"),
        ("machine.pins", "3-1"),
        ("machine.pins", "x" * 60_000),
        ("machine.emulator_pin", "0;1"),
        ("machine.emulator_pin", "99999999999"),
        ("machine.emulator_pin", "🦊"),
    ],
)
async def test_bad_input(key: str, text: str) -> None:
    app = StepApp(MachineStep, start(Machine(hugepages=True)))
    async with app.run_test(size=TALL) as pilot:
        await pilot.pause()
        before = app.spec
        await typed(app, pilot, key, text)
        assert field(app, key).fault
        assert "✖ error:" in shown(app)
        assert app.spec == before
        assert app.faulted == 1
        assert app.step.faults[0].field == key
        await typed(app, pilot, key, "")
        assert app.step.faults == []
    assert app.spec == before


@pytest.mark.parametrize(
    ("key", "text"),
    [("cpus", "a-b"), ("cpus", "1" * 300), ("memory", "-1"), ("memory", "much"), ("memory", "٢G")],
)
async def test_bad_input_in_a_numa_cell(key: str, text: str) -> None:
    app = StepApp(MachineStep, start(Machine(pins=("0",))))
    async with app.run_test(size=TALL) as pilot:
        await pilot.pause()
        await focus(app, pilot, "machine.numa")
        await pilot.press("a")
        await opened(app, pilot)
        await typed(app, pilot, key, text)
        assert "✖ error:" in shown(app)
        assert app.dialog.query_one("#ok", Button).disabled
        await pilot.press("escape")
        await closed(app, pilot)
    assert app.spec.machine.numa == ()


async def test_names_from_outside_are_shown_safely() -> None:
    guest = OFFER.capabilities.guests[1]._replace(machines=(MachineType(NASTY, NASTY),))
    offer = OFFER._replace(capabilities=OFFER.capabilities._replace(guests=(guest,)))
    app = StepApp(MachineStep, start(Machine(machine=NASTY, cpu=NASTY), offer))
    async with app.run_test(size=TALL) as pilot:
        await pilot.pause()
        assert screen_text(app).count(NASTY_SHOWN) >= 2


async def test_a_host_that_was_not_heard_yet() -> None:
    app = StepApp(MachineStep, draft(Spec(name="web"), offer=None))
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        assert "not known yet" in shown(app)


@pytest.mark.parametrize("size", [(80, 24), (160, 48)], ids=["80x24", "160x48"])
@pytest.mark.parametrize("nested", [False, True], ids=["defaults", "nested"])
def test_picture(  # type: ignore[no-untyped-def]
    snap_compare, size: tuple[int, int], nested: bool
) -> None:
    app = StepApp(MachineStep, start(Machine(nested=True, hugepages=True) if nested else None))

    async def act(pilot: Pilot[Any]) -> None:
        await pilot.pause()
        await pilot.pause()

    run_before: Callable[[Pilot[Any]], Awaitable[None]] = act
    assert snap_compare(app, terminal_size=size, run_before=run_before)
