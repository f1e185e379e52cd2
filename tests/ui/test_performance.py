"""The performance tab of a guest: charts by subject, held, scrolled back, read out, explained."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from textual.pilot import Pilot

from tests.support.simhost import LEGACY, VIRTIO, SimHost
from tests.ui.support import Rig, make_app, running
from tuivm.model.devices import Device, DeviceClass, DeviceKind
from tuivm.model.guests import GuestStack, GuestState
from tuivm.model.ports import Groups
from tuivm.model.samples import AgentFigures, GuestSample, NicCounters
from tuivm.model.units import byte_count
from tuivm.options import Options
from tuivm.screens.dialogs.explain import Explain
from tuivm.screens.guest import GuestScreen
from tuivm.screens.guests import GuestsScreen
from tuivm.screens.perfdevices import BYPASSES
from tuivm.screens.performance import Performance
from tuivm.widgets.itemlist import ItemList
from tuivm.widgets.timechart import ChartData, ChartSeries, TimeChart

VF = Device(
    DeviceKind.HOSTDEV,
    DeviceClass.PHYSICAL,
    "vfio-pci",
    "hostdev0",
    bus="pci",
    source="0000:01:10.0",
)
VF_NIC = VF._replace(kind=DeviceKind.NIC, target="hostdev1", source="0000:01:10.1")
SLIRP = Device(DeviceKind.NIC, DeviceClass.EMULATED, "e1000", "net0")
ALL = (*VIRTIO, *LEGACY)
Prepare = Callable[[SimHost], None]


def web(*devices: Device, virt: str = "kvm", local: bool = True, vcpus: int = 2) -> Prepare:
    def prepare(host: SimHost) -> None:
        stack = GuestStack(virt, "x86_64", "pc-q35-7.2", "BIOS")
        host.add_guest("web", devices=devices or ALL, stack=stack, vcpus=vcpus)
        host.facts = host.facts._replace(local=local)

    return prepare


async def performance(rig: Rig, subject: str = "", ticks: int = 8) -> Performance:
    """Open it, choose a subject by key, and let some seconds pass."""
    await rig.press("m")
    await rig.tick(ticks)
    page = rig.app.screen.query_one(Performance)
    while subject and f"[{subject}]" not in subjects(rig):
        await rig.press("tab")
    return page


def subjects(rig: Rig) -> list[str]:
    """As the line says, the one that is shown in brackets."""
    strip = rig.app.screen._compositor.render_strips()[2]
    return [
        f"[{segment.text.strip()}]"
        if segment.style and segment.style.reverse
        else segment.text.strip()
        for segment in strip
        if segment.text.strip()
    ]


def charts(rig: Rig) -> dict[str, ChartData]:
    """What was drawn, by title."""
    found = [chart.data for chart in rig.app.screen.query_one(Performance).query(TimeChart)]
    return {data.title: data for data in found if data}


def line(data: ChartData, label: str) -> ChartSeries:
    return next(series for series in data.series if series.label == label)


def known(series: ChartSeries) -> list[float]:
    return [value for value in series.values if value == value]


def settings(rig: Rig) -> str:
    return rig.text.splitlines()[3]


def current(rig: Rig) -> str:
    """The title of the chart that keys are aimed at, as it is marked on the screen."""
    marked = [row for row in rig.text.splitlines() if "▸ " in row]
    assert len(marked) == 1
    return marked[0].partition("▸ ")[2].split("  ")[0]


# the tabs


async def test_m_turns_between_the_tabs(tmp_path: Path) -> None:
    async with running(tmp_path, web(), size=(100, 40)) as rig:
        await rig.press("enter")
        assert " overview   m performance " in rig.text
        assert rig.app.screen.query_one(ItemList).has_focus
        await rig.press("m")
        assert " m overview   performance " in rig.text
        assert rig.app.screen.query_one(Performance).has_focus
        assert "hardware" not in rig.text
        await rig.press("m")
        assert "hardware" in rig.text
        assert rig.app.screen.query_one(ItemList).has_focus
        await rig.press("m", "escape")
        assert isinstance(rig.app.screen, GuestsScreen)


async def test_m_opens_the_highlighted_guest_at_its_performance(tmp_path: Path) -> None:
    async with running(tmp_path, web(), size=(100, 40)) as rig:
        await performance(rig)
        assert isinstance(rig.app.screen, GuestScreen)
        assert "web  ▶ running" in rig.text.splitlines()[1]
        assert current(rig) == "CPU"


async def test_tabs_and_subjects_can_be_clicked(tmp_path: Path) -> None:
    async with running(tmp_path, web(), size=(100, 40)) as rig:
        await rig.press("enter")
        await rig.pilot.click(offset=(14, 1))
        await rig.settle()
        assert rig.app.screen.query(Performance)
        await rig.pilot.click(offset=(rig.text.splitlines()[2].index("NICs"), 2))
        await rig.settle()
        assert "[NICs]" in subjects(rig)
        await rig.pilot.click(offset=(3, 1))
        await rig.settle()
        assert "hardware" in rig.text


async def test_more_is_asked_of_the_host_only_while_it_is_shown(tmp_path: Path) -> None:
    async with running(tmp_path, web(), size=(100, 40)) as rig:
        await performance(rig)
        uuid = next(iter(rig.host().guests))
        assert rig.host().view.guests == {uuid}
        assert rig.host().view.groups == Groups.LIST | Groups.VCPU | Groups.COST
        await rig.press("m")
        assert rig.host().view.groups == Groups.LIST


# what there is to see


async def test_all_has_a_chart_of_everything(tmp_path: Path) -> None:
    async with running(tmp_path, web(), size=(160, 48)) as rig:
        await performance(rig)
        assert list(charts(rig)) == [
            "CPU",
            "memory",
            "disks: throughput",
            "disks: I/Os",
            "disks: latency",
            "NICs: throughput",
            "exits",
            "host CPU by role of thread",
        ]
        for title, data in charts(rig).items():
            assert any(known(series) for series in data.series), title
            assert title in rig.text


async def test_the_subjects_follow_each_other(tmp_path: Path) -> None:
    async with running(tmp_path, web(*ALL, VF), size=(100, 40)) as rig:
        await performance(rig)
        seen = []
        for _ in range(8):
            seen += [word for word in subjects(rig) if word.startswith("[")]
            await rig.press("tab")
        names = ["all", "CPU", "memory", "disks", "NICs", "exits", "host cost", "passed through"]
        assert seen == [f"[{name}]" for name in names]
        assert "[all]" in subjects(rig)
        await rig.press("shift+tab")
        assert "[passed through]" in subjects(rig)


async def test_cpu(tmp_path: Path) -> None:
    async with running(tmp_path, web(vcpus=3), size=(100, 60)) as rig:
        await performance(rig, "CPU")
        assert list(charts(rig)) == [
            "CPU",
            "vCPU busy",
            "vCPU waits",
            "vCPU delayed",
            "vCPU halted",
        ]
        busy = charts(rig)["vCPU busy"]
        assert [series.label for series in busy.series] == ["vCPU 0", "vCPU 1", "vCPU 2"]
        assert known(line(charts(rig)["vCPU delayed"], "vCPU 1"))[-1] == pytest.approx(
            1.0, rel=0.01
        )
        await rig.press("w")
        assert list(charts(rig)) == ["CPU", "vCPU 0", "vCPU 1", "vCPU 2"]
        assert [series.label for series in charts(rig)["vCPU 2"].series] == [
            "vCPU busy",
            "vCPU waits",
            "vCPU delayed",
            "vCPU halted",
        ]


async def test_memory(tmp_path: Path) -> None:
    async with running(tmp_path, web(), size=(100, 40)) as rig:
        await performance(rig, "memory")
        found = charts(rig)
        levels = {series.label: known(series)[-1] for series in found["memory"].series}
        expected = {"memory used": 512 << 20, "balloon": 1 << 30, "RSS": 256 << 20}
        assert levels == pytest.approx(expected | {"available": 1 << 30}, rel=0.001)
        assert [series.label for series in found["swap"].series] == ["swap in", "swap out"]
        assert found["page faults"].unit == "/s"


async def test_disks_together_and_one_by_one(tmp_path: Path) -> None:
    async with running(tmp_path, web(), size=(160, 60)) as rig:
        await performance(rig, "disks")
        found = charts(rig)
        assert list(found) == [
            "disks: read",
            "disks: write",
            "disks: reads",
            "disks: writes",
            "disks: read latency",
            "disks: write latency",
            "disks: flushes",
            "disks: flush latency",
            "disks: allocated of capacity",
        ]
        read = found["disks: read"]
        assert [(s.label, s.glyph, s.role) for s in read.series] == [
            ("vda", "◆", "paravirtual"),
            ("hda", "▣", "emulated"),
        ]
        assert [(g.label, g.glyph, g.role) for g in read.groups] == [
            ("paravirtual", "◆", "paravirtual"),
            ("emulated", "▣", "emulated"),
        ]
        assert found["disks: read latency"].groups[0].value == "", "latencies have no sum"
        assert found["disks: read latency"].unit == "ns"
        await rig.press("w")
        assert list(charts(rig))[:6] == [
            "vda virtio-blk: throughput",
            "vda virtio-blk: I/Os",
            "vda virtio-blk: latency",
            "vda virtio-blk: flushes",
            "vda virtio-blk: size",
            "hda ide-hd: throughput",
        ]
        labels = [series.label for series in charts(rig)["hda ide-hd: throughput"].series]
        assert labels == ["read", "write"]
        assert "a chart a device" in settings(rig)


async def test_the_figures_are_those_of_the_counters(tmp_path: Path) -> None:
    second = VIRTIO[0]._replace(target="vdb")
    async with running(tmp_path, web(*ALL, second), size=(160, 60)) as rig:
        await performance(rig, "disks")
        await rig.press("[")
        sim = next(iter(rig.host().guests.values()))
        before = {target: list(values) for target, values in sim.counters.items()}
        await rig.tick()
        read = {target: sim.counters[target][0] - before[target][0] for target in before}
        data = charts(rig)["disks: read"]
        for target in ("vda", "vdb", "hda"):
            assert known(line(data, target))[-1] == pytest.approx(read[target], rel=0.001)
        sums = [read["vda"] + read["vdb"], read["hda"]]
        assert [group.value for group in data.groups] == [byte_count(value) for value in sums]


async def test_nics(tmp_path: Path) -> None:
    async with running(tmp_path, web(*ALL, SLIRP), size=(160, 60)) as rig:
        await performance(rig, "NICs")
        assert list(charts(rig)) == [
            *(f"NICs: {what}" for what in ("rx", "tx", "rx packets", "tx packets")),
            *("NICs: errors", "NICs: drops", "▣ net0 e1000"),
        ]
        assert "libvirt has no counters for it" in rig.text
        await rig.press("w")
        assert "vnet1 e1000: errors and drops" in charts(rig)


async def test_exits(tmp_path: Path) -> None:
    async with running(tmp_path, web(*VIRTIO), size=(100, 40)) as rig:
        await performance(rig, "exits")
        labels = [series.label for series in charts(rig)["exits"].series]
        assert labels == ["all", "I/O port", "MMIO", "halt", "interrupts"]
        per_io = charts(rig)["exits per I/O"]
        assert [(s.label, s.glyph) for s in per_io.series] == [("paravirtual", "◆")]
        assert known(per_io.series[0])[-1] == pytest.approx(0.1, abs=0.02)


async def test_figures_per_io_are_gaps_that_say_mixed(tmp_path: Path) -> None:
    async with running(tmp_path, web(), size=(100, 40)) as rig:
        sim = next(iter(rig.host().guests.values()))
        sim.load = {"hda": 0.0, "vnet1": 0.0}
        await performance(rig, "exits")
        await rig.press("[")
        alone = charts(rig)["exits per I/O"]
        assert known(line(alone, "paravirtual"))
        assert line(alone, "paravirtual").value == "0.1"
        sim.load = {}
        await rig.tick(20)
        mixed = charts(rig)["exits per I/O"]
        assert [series.value for series in mixed.series] == ["mixed", "mixed"]
        assert len(known(line(mixed, "paravirtual"))) == len(known(line(alone, "paravirtual")))
        sim.load = {"vda": 0.0, "vnet0": 0.0}
        await rig.tick(20)
        now = charts(rig)["exits per I/O"]
        assert line(now, "emulated").value == "26"
        await rig.press("left", *["left"] * 5)
        assert line(charts(rig)["exits per I/O"], "emulated").value == "26"
        await rig.press("left_parenthesis", "left_parenthesis")
        assert line(charts(rig)["exits per I/O"], "emulated").value == "mixed"


async def test_only_mixed_io_says_so_in_place_of_the_chart(tmp_path: Path) -> None:
    async with running(tmp_path, web(), size=(100, 40)) as rig:
        await performance(rig, "exits")
        assert charts(rig)["exits per I/O"].series == ()
        assert "mixed: several classes do I/O at once" in rig.text


async def test_without_a_hypervisor_there_are_no_exits(tmp_path: Path) -> None:
    async with running(tmp_path, web(virt="qemu"), size=(100, 40)) as rig:
        await performance(rig, "exits")
        assert charts(rig)["exits"].series == ()
        said = [data.note for data in charts(rig).values()]
        assert list(charts(rig)) == ["exits", "exits per I/O"]
        assert all(note.startswith("not reported: TCG translates") for note in said), "not mixed"
        assert "mixed" not in rig.text


async def test_what_no_one_reports_is_said_after_a_while(tmp_path: Path) -> None:
    async with running(tmp_path, web(), size=(100, 40)) as rig:
        for sim in rig.host().guests.values():
            sim.vcpus.clear()
            sim._vcpus = lambda: iter(())  # type: ignore[method-assign]
        await performance(rig, "exits", ticks=2)
        assert "no data yet" in rig.text
        assert "not reported" not in rig.text
        await rig.tick(6)
        assert "not reported by the hypervisor and libvirt of this host" in rig.words


async def test_a_driver_without_figures_of_devices_says_so_and_not_zero(tmp_path: Path) -> None:
    async with running(tmp_path, web(), size=(160, 60)) as rig:
        ((_, sim),) = rig.host().guests.items()
        plain = sim.sample

        def bare(at: float, **asked: bool) -> GuestSample:
            return plain(at, **asked)._replace(disks=None, nics=None)

        sim.sample = bare  # type: ignore[method-assign]
        await performance(rig)
        await rig.press("[")
        # What was measured before is out of sight by then.
        await rig.tick(10, 20.0)
        await rig.tick(10)
        absent = "not reported by the hypervisor and libvirt of this host"
        for subject in ("disks", "NICs"):
            while f"[{subject}]" not in subjects(rig):
                await rig.press("tab")
            found = charts(rig)
            assert all(data.note == absent for data in found.values()), subject
            assert [data.series for data in found.values() if data.series] == [], subject
        await rig.press("less_than_sign", "less_than_sign")
        assert {data.note for data in charts(rig).values()} == {"nothing was measured in this time"}


async def test_host_cost(tmp_path: Path) -> None:
    async with running(tmp_path, web(*VIRTIO), size=(100, 40)) as rig:
        await performance(rig, "host cost")
        roles = [series.label for series in charts(rig)["host CPU by role of thread"].series]
        assert roles == ["vCPU", "main loop", "worker"]
        together = known(line(charts(rig)["host CPU by role of thread"], "vCPU"))[-1]
        await rig.press("w")
        threads = charts(rig)["host CPU by thread"]
        labels = [series.label for series in threads.series]
        assert labels == ["vCPU 0", "vCPU 1", "main loop", "worker"]
        each = [known(line(threads, label))[-1] for label in labels[:2]]
        assert sum(each) == pytest.approx(together, rel=0.01)
        per_io = charts(rig)["host CPU per I/O"]
        assert per_io.unit == "ns"
        assert 0 < known(per_io.series[0])[-1] < 20_000


async def test_a_remote_host_says_why_its_cost_cannot_be_shown(tmp_path: Path) -> None:
    async with running(tmp_path, web(local=False), size=(120, 40)) as rig:
        await performance(rig, "host cost")
        assert "cannot be seen from here" in rig.words
        assert charts(rig)["host CPU by role of thread"].series == ()


@pytest.mark.parametrize("local", [True, False])
async def test_passed_through_devices(tmp_path: Path, local: bool) -> None:
    usb = VF._replace(bus="usb", target="hostdev2", model="usb-host", source="1234:5678")
    async with running(tmp_path, web(*VIRTIO, VF, VF_NIC, usb, local=local), size=(120, 60)) as rig:
        rig.host().guests[next(iter(rig.host().guests))].interrupts = {}
        await performance(rig, "passed through")
        found = list(charts(rig).values())
        assert len(found) == 3
        name = "▲ hostdev0 vfio-pci 0000:01:10.0"
        assert found[0].title == f"{name}: interrupts (its I/O bypasses the VMM)"
        assert name in rig.text
        assert BYPASSES in found[-1].note
        if local:
            assert known(found[0].series[0])[-1] == pytest.approx(2000, rel=0.01)
            assert found[0].series[0].glyph == "▲"
        else:
            assert BYPASSES in rig.words
            assert "its interrupts cannot be seen from here" in rig.words
        while "[NICs]" not in subjects(rig):
            await rig.press("tab")
        assert any("hostdev1" in title for title in charts(rig)), "where its chart would be"


async def test_the_agent_tells_of_passed_through_nics(tmp_path: Path) -> None:
    async with running(tmp_path, web(*VIRTIO, VF_NIC), size=(120, 60)) as rig:
        ((_, sim),) = rig.host().guests.items()
        plain = sim.sample

        def with_agent(at: float, **asked: bool) -> GuestSample:
            nic = NicCounters(
                "hostdev1", int(at) * 5000, int(at) * 4, 0, 0, int(at) * 7000, 9, 0, 0
            )
            return plain(at, **asked)._replace(agent=AgentFigures(at, (nic,)))

        sim.sample = with_agent  # type: ignore[method-assign]
        await performance(rig)
        assert Groups.AGENT not in rig.host().view.groups, "nothing that is shown needs it"
        await performance_subject(rig, "NICs")
        await rig.tick(4)
        assert Groups.AGENT in rig.host().view.groups
        told = charts(rig)["hostdev1 vfio-pci: throughput, told by the guest's agent"]
        assert [(s.label, s.glyph) for s in told.series] == [("rx", "▲"), ("tx", "▲")]
        assert [known(s)[-1] for s in told.series] == pytest.approx([5000, 7000], rel=0.001)
        await performance_subject(rig, "passed through")
        assert len(charts(rig)) == 4


async def test_a_guest_without_devices(tmp_path: Path) -> None:
    async with running(tmp_path, web(VIRTIO[2]), size=(100, 40)) as rig:
        await performance(rig)
        assert list(charts(rig)) == ["CPU", "memory", "exits", "host CPU by role of thread"]
        for subject, words in (
            ("disks", "it has no disk"),
            ("NICs", "it has no network interface"),
        ):
            await performance_subject(rig, subject)
            assert words in rig.text


async def performance_subject(rig: Rig, subject: str) -> None:
    while f"[{subject}]" not in subjects(rig):
        await rig.press("tab")


# holding, scrolling, the cursor, the axes


async def test_held_charts_stand_still_and_sampling_goes_on(tmp_path: Path) -> None:
    async with running(tmp_path, web(), size=(160, 48)) as rig:
        await performance(rig)
        await rig.press("space")
        before = charts(rig)["CPU"].series[0]
        assert before.value != "-"
        await rig.tick(10)
        held = charts(rig)["CPU"]
        assert held.paused
        assert known(held.series[0]) == known(before)
        assert "paused -10s" in settings(rig)
        await rig.press("space")
        assert len(known(charts(rig)["CPU"].series[0])) > len(known(before))
        assert "paused" not in rig.text


@pytest.mark.parametrize(("back", "on"), [("<", ">"), ("comma", "full_stop")])
async def test_scrolling_back_and_on(tmp_path: Path, back: str, on: str) -> None:
    async with running(tmp_path, web(), size=(100, 48)) as rig:
        await performance(rig)
        await rig.press("[", back)
        assert "1 min   paused -30s" in settings(rig)
        assert charts(rig)["CPU"].ends_ago == 30
        await rig.press(back, on)
        assert "paused -30s" in settings(rig)
        await rig.press(on)
        assert "paused" not in settings(rig)


async def test_the_window_is_one_five_fifteen_or_sixty_minutes(tmp_path: Path) -> None:
    async with running(tmp_path, web(), size=(100, 48)) as rig:
        await performance(rig)
        seen = []
        for key in ("[", "[", "]", "]", "]", "]"):
            await rig.press(key)
            seen.append(settings(rig).split(" min")[0].strip())
        assert seen == ["1", "1", "5", "15", "60", "60"]


async def test_the_cursor_reads_out_one_moment_in_every_chart(tmp_path: Path) -> None:
    async with running(tmp_path, web(), size=(160, 48)) as rig:
        await performance(rig)
        await rig.press("[", "left", "h", "h")
        first = charts(rig)
        assert "(-2s)" in settings(rig)
        assert all(data.cursor == first["CPU"].cursor for data in first.values())
        for title, data in first.items():
            for series in data.series:
                value = series.values[data.cursor or 0]
                assert (series.value == "-") == (value != value), title
        values = {title: [series.value for series in d.series] for title, d in first.items()}
        await rig.press("l")
        assert {t: [s.value for s in d.series] for t, d in charts(rig).items()} != values
        await rig.press("left")
        await rig.tick(4)
        assert {t: [s.value for s in d.series] for t, d in charts(rig).items()} == values
        assert "(-6s)" in settings(rig), "it stays at its moment"


async def test_escape_goes_back_step_by_step(tmp_path: Path) -> None:
    async with running(tmp_path, web(), size=(100, 48)) as rig:
        await performance(rig)
        await rig.press("space", "left", "escape")
        assert "cursor" not in settings(rig).split("   ")[1:3]
        assert "paused" in settings(rig)
        await rig.press("escape")
        assert "paused" not in settings(rig)
        assert isinstance(rig.app.screen, GuestScreen)
        await rig.press("escape")
        assert isinstance(rig.app.screen, GuestsScreen)


async def test_logarithmic_and_fixed_axes(tmp_path: Path) -> None:
    async with running(tmp_path, web(), size=(160, 48)) as rig:
        await performance(rig)
        await rig.press("y")
        assert all(data.log for data in charts(rig).values())
        assert "<" in rig.text, "the lowest tick"
        assert "   log   " in settings(rig)
        await rig.press("y", "Y")
        assert charts(rig)["CPU"].y_max == 100
        assert "100%┤" in rig.text
        throughput = charts(rig)["disks: throughput"].y_max
        assert throughput
        for sim in rig.host().guests.values():
            sim.load = {"vda": 50.0}
        await rig.tick(3)
        assert charts(rig)["disks: throughput"].y_max == throughput
        await rig.press("Y")
        assert charts(rig)["disks: throughput"].y_max is None


async def test_keys_of_the_charts_do_what_the_overview_shows_too(tmp_path: Path) -> None:
    async with running(tmp_path, web(), size=(100, 40)) as rig:
        await rig.press("enter", "space")
        await rig.tick(3)
        assert "‖ paused" in rig.text
        await rig.press("w")
        assert any("the performance tab has charts to split" in said for said in rig.notices)


# the chart that keys are aimed at


async def test_up_and_down_move_between_the_charts(tmp_path: Path) -> None:
    async with running(tmp_path, web()) as rig:
        await performance(rig)
        seen = [current(rig)]
        for key in ("down", "j", "j", "j", "j", "j", "j", "j"):
            await rig.press(key)
            seen.append(current(rig))
        titles = list(charts(rig))
        assert seen == [*titles, titles[-1]], "it stays in view, and ends at the last"
        await rig.press("up")
        assert current(rig) == titles[-2]
        await rig.press("g")
        assert current(rig) == titles[0]


async def test_a_click_chooses_a_chart(tmp_path: Path) -> None:
    async with running(tmp_path, web(), size=(160, 48)) as rig:
        await performance(rig)
        row = next(y for y, text in enumerate(rig.text.splitlines()) if "disks: I/Os" in text)
        await rig.pilot.click(offset=(10, row))
        await rig.settle()
        assert current(rig) == "disks: I/Os"


async def test_what_is_out_of_view_is_read_when_it_comes_into_view(tmp_path: Path) -> None:
    async with running(tmp_path, web()) as rig:
        page = await performance(rig)
        last = list(page.query(TimeChart))[-1].data
        assert last is None or not last.series
        await rig.press("G")
        assert current(rig) == "host CPU by role of thread"
        assert charts(rig)["host CPU by role of thread"].series
        assert "main loop" in rig.text


async def test_explain_is_of_the_chart_that_is_marked(tmp_path: Path) -> None:
    async with running(tmp_path, web(virt="qemu"), size=(160, 90)) as rig:
        await performance(rig)
        uuid = next(iter(rig.host().guests))
        await rig.press("j", "j", "j", "j", "e")
        await rig.until(lambda: isinstance(rig.app.screen, Explain))
        dialog = rig.app.screen
        assert isinstance(dialog, Explain)
        assert dialog.title_text == "disks: latency"
        told = f"{dialog._text} {rig.words}"
        for words in (
            "Mean time of a read request in the VMM",
            "block.N.rd.times",
            "Good: The latency of the storage below",
            "IDE about 26, AHCI about 7",
            "This guest runs without a hypervisor (TCG)",
            f"virsh -c test+sim:///local domstats --block {uuid}",
        ):
            assert words in told, words


async def test_explain_of_what_is_read_on_the_host(tmp_path: Path) -> None:
    async with running(tmp_path, web(), size=(120, 50)) as rig:
        await performance(rig, "host cost")
        await rig.press("e")
        await rig.until(lambda: isinstance(rig.app.screen, Explain))
        assert "ps -L -o tid,comm,time -p $(pgrep -f -- '-uuid" in rig.words
        assert "domstats" not in rig.words


async def test_every_chart_can_be_explained(tmp_path: Path) -> None:
    async with running(tmp_path, web(*ALL, VF, SLIRP), size=(120, 50)) as rig:
        page = await performance(rig)
        for _ in range(8):
            for split in (False, True):
                for _ in page.query(TimeChart):
                    await rig.press("e")
                    await rig.until(lambda: isinstance(rig.app.screen, Explain))
                    assert rig.app.screen.title_text in charts_behind(page)  # type: ignore[attr-defined]
                    await rig.press("escape", "j")
                if not split:
                    await rig.press("w")
            await rig.press("w", "tab")


def charts_behind(page: Performance) -> list[str]:
    return [chart.data.title for chart in page.query(TimeChart) if chart.data]


# what comes and goes


async def test_an_unplugged_disk_ends_and_its_legend_says_gone(tmp_path: Path) -> None:
    async with running(tmp_path, web(), size=(160, 48)) as rig:
        await performance(rig, "disks")
        ((uuid, sim),) = rig.host().guests.items()
        assert sim.guest.details
        sums = charts(rig)["disks: read"].groups
        assert [group.label for group in sums] == ["paravirtual", "emulated"]
        left = tuple(device for device in ALL if device.target != "hda")
        rig.host().change(uuid, details=sim.guest.details._replace(devices=left))
        await rig.tick(10)
        data = charts(rig)["disks: read"]
        gone = line(data, "hda")
        assert gone.value == "gone"
        assert gone.glyph == "▣"
        assert known(gone)
        assert gone.values[-10] != gone.values[-10], "its line has ended"
        assert next(group for group in data.groups if group.label == "emulated").value == "-"
        assert "hda" in rig.text
        await rig.press("[")
        await rig.tick(1, 80.0)
        assert [s.label for s in charts(rig)["disks: read"].series] == ["vda"], (
            "nothing of it is seen"
        )


async def test_what_is_left_keeps_its_place_when_a_disk_is_unplugged(tmp_path: Path) -> None:
    disks = (VIRTIO[0], VIRTIO[0]._replace(target="vdb"), LEGACY[0])
    async with running(tmp_path, web(*disks), size=(160, 48)) as rig:
        await performance(rig, "disks")
        ((uuid, sim),) = rig.host().guests.items()
        assert sim.guest.details
        rig.host().change(uuid, details=sim.guest.details._replace(devices=disks[1:]))
        await rig.tick(10)
        series = charts(rig)["disks: read"].series
        assert [one.label for one in series] == ["vda", "vdb", "hda"], "with its shade and mark"
        assert series[0].value == "gone"


async def test_a_disk_that_is_plugged_in_has_a_line(tmp_path: Path) -> None:
    async with running(tmp_path, web(), size=(160, 48)) as rig:
        await performance(rig, "disks")
        ((uuid, sim),) = rig.host().guests.items()
        assert sim.guest.details
        more = (*ALL, VIRTIO[0]._replace(target="vdb"))
        rig.host().change(uuid, details=sim.guest.details._replace(devices=more))
        await rig.tick(4)
        data = charts(rig)["disks: read"]
        assert [series.label for series in data.series] == ["vda", "hda", "vdb"]
        assert known(line(data, "vdb"))


async def test_a_restart_is_a_gap_and_no_spike(tmp_path: Path) -> None:
    async with running(tmp_path, web(), size=(160, 48)) as rig:
        await performance(rig, "disks", ticks=20)
        ((uuid, sim),) = rig.host().guests.items()
        rig.host().change(uuid, state=GuestState.OFF, domain_id=None)
        await rig.tick(12)
        assert "web  ■ off" in rig.text
        off = line(charts(rig)["disks: read"], "vda")
        assert known(off), "what was is still there"
        assert off.value == "-"
        sim.restart()
        rig.host().change(uuid, state=GuestState.RUNNING, domain_id=77)
        await rig.tick(20)
        values = list(line(charts(rig)["disks: read"], "vda").values)
        first = next(place for place, value in enumerate(values) if value == value)
        assert any(value != value for value in values[first:-3]), "a gap between the two runs"
        assert max(known(off)) <= 1e6
        assert max(known(line(charts(rig)["disks: read"], "vda"))) <= 1e6


async def test_a_lost_host_keeps_what_was_seen(tmp_path: Path) -> None:
    async with running(tmp_path, web(), size=(160, 48)) as rig:
        await performance(rig, ticks=20)
        before = known(charts(rig)["CPU"].series[0])
        rig.host().lose()
        await rig.tick(20)
        data = charts(rig)["CPU"]
        assert data.series[0].value == "-", "no old value is shown as if it were now"
        assert known(data.series[0])
        assert "lost" in rig.text.splitlines()[1]
        rig.host().find()
        await rig.tick(10)
        assert len(known(charts(rig)["CPU"].series[0])) > len(before) // 2
        assert charts(rig)["CPU"].series[0].value != "-"


async def test_a_guest_that_is_gone(tmp_path: Path) -> None:
    async with running(tmp_path, web(), size=(100, 40)) as rig:
        await performance(rig)
        rig.host().remove_guest(next(iter(rig.host().guests)))
        await rig.tick(2)
        assert "gone from local; esc goes back" in rig.text
        await rig.press("tab", "w", "e")
        await rig.until(lambda: "local no longer has a guest" in rig.words)
        await rig.press("down", "left", "space")
        await rig.press("escape", "escape", "escape")
        assert isinstance(rig.app.screen, GuestsScreen)


async def test_what_the_monitor_did_not_tell_for_a_moment_does_not_flicker(tmp_path: Path) -> None:
    async with running(tmp_path, web(), size=(160, 48)) as rig:
        await performance(rig, "disks")
        ((_, sim),) = rig.host().guests.items()
        told = sim._disk
        sim._disk = lambda device: told(device)._replace(  # type: ignore[method-assign]
            rd_bytes=None, rd_reqs=None, rd_ns=None, wr_bytes=None, wr_reqs=None, wr_ns=None
        )
        before = line(charts(rig)["disks: read"], "vda").value
        await rig.tick(2)
        assert line(charts(rig)["disks: read"], "vda").value == before


# looks


@pytest.mark.parametrize("size", [(80, 24), (160, 48), (60, 20)])
@pytest.mark.parametrize("options", [Options(), Options(ascii=True), Options(theme="monochrome")])
async def test_it_can_be_used_in_any_size_and_style(
    tmp_path: Path, size: tuple[int, int], options: Options
) -> None:
    async with running(tmp_path, web(*ALL, VF), size=size, options=options) as rig:
        await performance(rig)
        for _ in range(8):
            assert "[" in "".join(subjects(rig))
            await rig.press("w", "j", "left", "space")
            sign = "> " if options.ascii else "▸ "
            assert sign in rig.text
            await rig.press("space", "escape", "w", "tab")
        if options.ascii:
            assert rig.text.isascii()


PICTURES = {
    "all": (),
    "disks-cursor": ("tab", "tab", "tab", "[", "left", *["left"] * 8),
    "split-log": ("tab", "tab", "tab", "w", "y"),
}


@pytest.mark.parametrize("size", [(80, 24), (160, 48)], ids=["80x24", "160x48"])
@pytest.mark.parametrize("picture", PICTURES)
def test_picture(  # type: ignore[no-untyped-def]
    snap_compare,
    tmp_path: Path,
    picture: str,
    size: tuple[int, int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("tuivm.screens.chartcontrols.clock_words", lambda wall: "12:34:56")
    app, maker = make_app(tmp_path, web(*ALL, VF))

    async def act(pilot: Pilot[int]) -> None:
        rig = Rig(app, pilot, maker)
        await rig.tick(2)
        await rig.press("m")
        await rig.tick(90)
        await rig.press(*PICTURES[picture])
        await rig.tick(1)

    assert snap_compare(app, terminal_size=size, run_before=act)
