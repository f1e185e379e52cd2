"""One guest: its stack from the hardware to each device, its figures, and explain on each part."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.simhost import LEGACY, VIRTIO, SimHost
from tests.ui.support import WALL, Rig, running
from tuivm.model.devices import Device, DeviceClass, DeviceKind
from tuivm.model.guests import GuestStack, GuestState
from tuivm.model.hosts import HostFacts, Problem
from tuivm.model.inside import Inside
from tuivm.screens.dialogs.explain import Explain
from tuivm.screens.guest import GuestScreen
from tuivm.screens.guests import GuestsScreen
from tuivm.widgets.itemlist import ItemList

VF = Device(
    DeviceKind.HOSTDEV,
    DeviceClass.PHYSICAL,
    "vfio-pci",
    "hostdev0",
    source="0000:01:10.0",
    note="VF, physical, partitioned",
)


def one(**details: object) -> object:
    def prepare(host: SimHost) -> None:
        key = host.add_guest("web", devices=(*VIRTIO, *LEGACY, VF), **details)
        host.change(
            key.uuid,
            autostart=True,
            managed_save=True,
            reason="booted",
            started_at=WALL + 10_000.0 - 3725,
            addresses=("192.0.2.7", "2001:db8::7"),
        )

    return prepare


async def opened(rig: Rig) -> None:
    await rig.press("enter")
    assert isinstance(rig.app.screen, GuestScreen)


async def test_the_stack_is_drawn_from_the_hardware_to_each_device(tmp_path: Path) -> None:
    async with running(tmp_path, one(), size=(120, 50)) as rig:  # type: ignore[arg-type]
        await opened(rig)
        text = rig.text
        order = [
            "web",
            "◆ paravirtual",
            "◆ disk",
            "◆ balloon",
            "▣ emulated",
            "▣ disk",
            "▣ video",
            "▲ physical",
            "▲ hostdev",
            "firmware",
            "CPU        2 vCPU",
            "machine    pc-q35-7.2",
            "VMM        QEMU 7.2.22",
            "hypervisor KVM",
            "hardware   Simulated CPU, 8 CPUs, 16G memory",
        ]
        drawn = text[text.index("│ web") :]
        places = [drawn.index(words) for words in order]
        assert places == sorted(places)
        assert "VF, physical, partitioned" in text
        assert "0000:01:10.0" in text
        for model in ("virtio-blk", "virtio-net", "ide-hd", "e1000", "VGA"):
            assert model in text


async def test_facts(tmp_path: Path) -> None:
    async with running(tmp_path, one(), size=(120, 50)) as rig:  # type: ignore[arg-type]
        await opened(rig)
        uuid = next(iter(rig.host().guests))
        for words in (
            "▶ running (booted)",
            "on local",
            "up 1h 2m",
            "192.0.2.7, 2001:db8::7",
            uuid,
            "persistent, autostart, saved state",
            "memory 512M/1.0G guest",
        ):
            assert words in rig.text, words
        before = rig.text.splitlines()[4]
        await rig.tick()
        assert rig.text.splitlines()[4] != before, "the figures move"


HYPERVISORS = {
    "kvm": "KVM",
    "qemu": "none: TCG translates every instruction",
    "xen": "Xen",
    "lxc": "a container shares the host's kernel",
    "bhyve": "bhyve",
    "": "not reported",
}


async def test_the_hypervisor_is_told_from_the_domain(tmp_path: Path) -> None:
    async with running(tmp_path, one(), size=(120, 50)) as rig:  # type: ignore[arg-type]
        await opened(rig)
        ((uuid, sim),) = rig.host().guests.items()
        assert sim.guest.details
        for virt_type, words in HYPERVISORS.items():
            stack = GuestStack(virt_type, "x86_64", "pc")
            rig.host().change(uuid, details=sim.guest.details._replace(stack=stack))
            await rig.tick()
            row = next(line for line in rig.text.splitlines() if "hypervisor" in line)
            assert words in row


async def test_the_hypervisor_is_told_from_the_process_where_there_is_one(tmp_path: Path) -> None:
    async with running(tmp_path, one(), size=(120, 50)) as rig:  # type: ignore[arg-type]
        await opened(rig)
        ((uuid, sim),) = rig.host().guests.items()
        assert sim.guest.details
        for defined, accelerator, words in (
            ("kvm", "", "KVM (the CPU runs the guest's code itself), by its definition"),
            ("kvm", "kvm", "KVM (the CPU runs the guest's code itself), by its process"),
            ("kvm", "tcg", "TCG translates every instruction, by its process; defined as kvm"),
        ):
            stack = GuestStack(defined, "x86_64", "pc")
            details = sim.guest.details._replace(stack=stack)
            rig.host().change(uuid, details=details, accelerator=accelerator)
            await rig.tick()
            row = next(line for line in rig.text.splitlines() if "hypervisor" in line)
            assert words in row


async def test_what_is_not_reported_is_said_to_be_so(tmp_path: Path) -> None:
    def prepare(host: SimHost) -> None:
        key = host.add_guest("bare", GuestState.OFF)
        host.change(key.uuid, details=None)
        host.facts = HostFacts()

    async with running(tmp_path, prepare, size=(120, 40)) as rig:
        await opened(rig)
        assert "reading its definition" in rig.text
        assert "hardware   not reported" in rig.text
        assert "■ off" in rig.text
        assert "up -" in rig.text
        assert " 0 " not in rig.text.split("bare · CPU")[0]
        rig.host().change(next(iter(rig.host().guests)), details=None, state=GuestState.RUNNING)
        await rig.tick()
        assert "CPU - %" in rig.text


async def test_every_part_can_be_explained(tmp_path: Path) -> None:
    async with running(tmp_path, one(), size=(120, 50)) as rig:  # type: ignore[arg-type]
        await opened(rig)
        seen: list[str] = []
        for _ in range(40):
            await rig.press("e")
            await rig.until(lambda: isinstance(rig.app.screen, Explain))
            title = rig.app.screen.title_text  # type: ignore[attr-defined]
            text = rig.words
            assert "virsh" in text, title
            await rig.press("escape", "down")
            if seen and seen[-1] == title:
                break
            seen.append(title)
        assert "vda of web" in seen
        assert "hostdev0 of web" in seen
        assert "emulated" in seen
        assert "hypervisor" in seen
        assert seen[-1] == "hardware", "the cursor reaches the bottom"
        assert len(seen) == len(set(seen))


async def test_explain_shows_the_exact_xml_and_the_command(tmp_path: Path) -> None:
    async with running(tmp_path, one(), size=(120, 50)) as rig:  # type: ignore[arg-type]
        uuid = next(iter(rig.host().guests))
        await rig.press("e")
        await rig.until(lambda: isinstance(rig.app.screen, Explain))
        assert f"virsh -c test+sim:///local dumpxml {uuid}" in rig.words
        assert "<name>web</name>" in rig.text
        assert "KVM lets the host's CPU run the guest's own code" in rig.words
        assert "4 of its devices" in rig.words or "3 of its devices are paravirtual" in rig.words
        await rig.press("e")
        assert isinstance(rig.app.screen, GuestsScreen)


async def explain_cpu(rig: Rig) -> None:
    await opened(rig)
    stack = rig.app.screen.query_one(ItemList)
    for _ in range(40):
        if stack.item == "CPU":
            break
        await rig.press("down")
    await rig.press("e")
    await rig.until(lambda: isinstance(rig.app.screen, Explain))
    assert "host-passthrough shows the host's own" in rig.words


async def test_explain_of_the_cpu_has_what_the_agent_tells_of_nesting(tmp_path: Path) -> None:
    prepare = one(agent_channel=True, agent_connected=True)
    async with running(tmp_path, prepare, size=(120, 50)) as rig:  # type: ignore[arg-type]
        answer = rig.host().inside[next(iter(rig.host().guests))]
        await explain_cpu(rig)
        assert "its agent is being asked" in rig.words, "the dialog does not wait for it"
        answer.set_result(Inside("svm", True))
        await rig.until(lambda: "svm is seen and /dev/kvm is there" in rig.words)
        assert "is being asked" not in rig.words


async def test_a_silent_agent_keeps_nobody_in_the_dialog(tmp_path: Path) -> None:
    prepare = one(agent_channel=True, agent_connected=True)
    async with running(tmp_path, prepare, size=(120, 50)) as rig:  # type: ignore[arg-type]
        answer = rig.host().inside[next(iter(rig.host().guests))]
        await explain_cpu(rig)
        await rig.press("escape")
        assert isinstance(rig.app.screen, GuestScreen)
        assert not answer.cancelled()
        answer.set_result(Inside(problem=Problem("cannot ask its agent", "too late")))
        await rig.press("e")
        await rig.until(lambda: "not known, as too late" in rig.words)


async def test_explain_of_the_cpu_without_an_agent_has_the_line_to_run(tmp_path: Path) -> None:
    async with running(tmp_path, one(), size=(120, 50)) as rig:  # type: ignore[arg-type]
        await explain_cpu(rig)
        assert "there is no agent to ask" in rig.words
        assert "/proc/cpuinfo && ls -l /dev/kvm" in rig.words
        assert not rig.host().inside, "nobody was asked"


async def test_explain_of_a_guest_that_has_gone_says_so(tmp_path: Path) -> None:
    async with running(tmp_path, one(), size=(120, 40)) as rig:  # type: ignore[arg-type]
        rig.host().remove_guest(next(iter(rig.host().guests)))
        await rig.press("e")
        await rig.until(lambda: isinstance(rig.app.screen, Explain))
        assert "cannot read the XML: Domain not found" in rig.words


async def test_explain_of_a_host(tmp_path: Path) -> None:
    async with running(tmp_path, one(), hosts=("local", "rack7"), size=(120, 40)) as rig:  # type: ignore[arg-type]
        await rig.press("3", "down", "e")
        await rig.until(lambda: isinstance(rig.app.screen, Explain))
        assert "rack7 is a host" in rig.words
        assert "virsh -c test+sim:///rack7 capabilities" in rig.words
        await rig.press("escape", "1", "h", "down", "e")
        await rig.until(lambda: isinstance(rig.app.screen, Explain))
        assert "rack7 is a host" in rig.words, "from the hosts pane, too"


async def test_the_cursor_passes_devices_that_look_alike(tmp_path: Path) -> None:
    twin = Device(DeviceKind.HOSTDEV, DeviceClass.PHYSICAL, "usb-host", "")

    def prepare(host: SimHost) -> None:
        host.add_guest("web", devices=(twin, twin, twin))

    async with running(tmp_path, prepare, size=(100, 40)) as rig:
        await opened(rig)
        stack = rig.app.screen.query_one(ItemList)
        cursor = stack.get_component_styles("itemlist--cursor").background.rich_color

        def highlighted() -> list[str]:
            strips = rig.app.screen._compositor.render_strips()[4:-9]
            return [
                strip.text.strip()
                for strip in strips
                if any(segment.style and segment.style.bgcolor == cursor for segment in strip)
            ]

        for _ in range(20):
            assert len(highlighted()) == 1
            await rig.press("down")
        assert highlighted()[0].startswith("└─ hardware")
        await rig.press("e")
        await rig.until(lambda: isinstance(rig.app.screen, Explain))
        assert rig.app.screen.title_text == "hardware"  # type: ignore[attr-defined]


@pytest.mark.parametrize("key", ["1", "escape"])
async def test_back_to_the_table(tmp_path: Path, key: str) -> None:
    async with running(tmp_path, one()) as rig:  # type: ignore[arg-type]
        await opened(rig)
        await rig.press(key)
        assert isinstance(rig.app.screen, GuestsScreen)
        assert rig.table.has_focus


async def test_from_another_place_1_leads_to_the_table(tmp_path: Path) -> None:
    async with running(tmp_path, one()) as rig:  # type: ignore[arg-type]
        await opened(rig)
        await rig.press("3", "1")
        assert isinstance(rig.app.screen, GuestsScreen)
        assert len(rig.app.screen_stack) == 1


async def test_only_the_open_guest_is_asked_for(tmp_path: Path) -> None:
    def prepare(host: SimHost) -> None:
        host.add_guest("a")
        host.add_guest("b")

    async with running(tmp_path, prepare) as rig:
        await rig.press("down")
        await opened(rig)
        b = next(u for u, sim in rig.host().guests.items() if sim.guest.name == "b")
        assert rig.host().view.guests == {b}
        await rig.press("escape")
        await rig.tick()
        assert rig.host().view.guests == set(rig.host().guests)


async def test_charts_of_devices(tmp_path: Path) -> None:
    async with running(tmp_path, one(), size=(120, 50)) as rig:  # type: ignore[arg-type]
        await opened(rig)
        await rig.press("tab", "tab")
        assert "web · disks" in rig.text
        assert "◆ vda read" in rig.text
        assert "▣ hda write" in rig.text
        await rig.press("tab")
        assert "◆ vnet0 rx" in rig.text
        assert "▣ vnet1 tx" in rig.text


async def test_what_bypasses_the_vmm_has_no_chart_and_that_is_said(tmp_path: Path) -> None:
    nic = Device(DeviceKind.NIC, DeviceClass.PHYSICAL, "VF", "hostdev1", note="VF")

    def prepare(host: SimHost) -> None:
        host.add_guest("web", devices=(nic,))

    async with running(tmp_path, prepare, size=(120, 40)) as rig:
        await opened(rig)
        await rig.press("shift+tab")
        assert "its I/O bypasses the VMM, nothing counts it here" in rig.text
        await rig.press("shift+tab")
        assert "it has no disk" in rig.text
