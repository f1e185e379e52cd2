"""The compare place: devices of any guests side by side: figures, ratios, what is unfair."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.simhost import LEGACY, VIRTIO, SimHost
from tests.ui.support import Rig, running
from tuivm.model.devices import Backing, Device, DeviceClass, DeviceKind
from tuivm.model.guests import GuestState
from tuivm.model.ports import Groups
from tuivm.options import Options
from tuivm.screens.compare import CompareScreen

VF = Device(DeviceKind.HOSTDEV, DeviceClass.PHYSICAL, "vfio-pci", "hostdev0", source="0000:01:10.0")
WIDE = (160, 48)


def pair(host: SimHost) -> None:
    host.add_guest("new", devices=VIRTIO)
    host.add_guest("old", devices=(*LEGACY, VF))


def place(rig: Rig) -> CompareScreen:
    return next(s for s in rig.app.screen_stack if isinstance(s, CompareScreen))


def find(rig: Rig, *words: str) -> str:
    """The line of the table (its head too) that has all these words, "" for none."""
    lines = rig.text.splitlines()
    heads = [i for i, line in enumerate(lines) if line.split()[:2] == ["device", "guest"]]
    below = lines[heads[0] :] if heads else []
    return next((line for line in below if all(word in line.split() for word in words)), "")


async def row(rig: Rig, *words: str) -> str:
    """As `find`, as soon as it is there: a table that grew is painted with the next layout."""
    await rig.until(lambda: bool(find(rig, *words)))
    return find(rig, *words)


async def see(rig: Rig, *texts: str) -> None:
    """Wait for texts to be on the screen."""
    await rig.until(lambda: all(text in rig.text for text in texts))


def sims(rig: Rig) -> dict[str, str]:
    return {sim.guest.name: uuid for uuid, sim in rig.host().guests.items()}


async def opened(rig: Rig, seconds: int = 40) -> None:
    await rig.press("2")
    await rig.tick(seconds)


async def test_nothing_chosen_is_a_choice_by_class_and_said_so(tmp_path: Path) -> None:
    async with running(tmp_path, pair) as rig:
        await opened(rig)
        assert "chosen by itself" in rig.text
        assert "◆ vda" in (await row(rig, "new", "vda"))
        assert "baseline" in (await row(rig, "old", "hda")), "the emulated one is the baseline"


@pytest.mark.parametrize("size", [(80, 24), WIDE], ids=["80x24", "160x48"])
async def test_the_table_agrees_with_the_counters(tmp_path: Path, size: tuple[int, int]) -> None:
    """Latency over the window is Δtimes / Δrequests of the same counters."""
    async with running(tmp_path, pair, size=size) as rig:
        await rig.press("2", "tab", "tab")
        await rig.tick()
        sim = rig.host().guests[sims(rig)["old"]]
        before = list(sim.counters["hda"]), list(sim.times["hda"])
        await rig.tick(30)
        done = [sim.counters["hda"][i] // 1000 - before[0][i] // 1000 for i in (1, 3)]
        took = [after - was for after, was in zip(sim.times["hda"], before[1], strict=True)]
        wanted = sum(took) / sum(done)
        shown = next(one for one in place(rig).comparison.rows if one.model == "ide-hd")
        mean = shown.figures["latency"].mean
        assert mean == pytest.approx(wanted, rel=0.02)
        assert f"{wanted / 1000:.0f}"[:2] in (await row(rig, "old", "hda"))
        assert "▸latency" in rig.text


async def test_tab_goes_through_the_measures_and_back(tmp_path: Path) -> None:
    async with running(tmp_path, pair) as rig:
        await opened(rig, 5)
        titles = ["throughput", "I/Os", "latency", "exits per I/O", "host CPU per I/O"]
        for title in [*titles, titles[0]]:
            assert rig.text.splitlines()[1].startswith(f"{title} ·"), title
            await rig.press("tab")
        await rig.press("shift+tab", "shift+tab")
        assert rig.text.splitlines()[1].startswith("host CPU per I/O")


async def test_the_wide_table_has_every_measure_with_its_ratio(tmp_path: Path) -> None:
    async with running(tmp_path, pair, size=WIDE) as rig:
        await opened(rig)
        head = await row(rig, "device", "guest")
        for title in ("throughput", "I/Os", "latency", "exits/I/O"):
            assert title in head
        assert head.split().count("ratio") >= 4
        assert (await row(rig, "old", "hda")).split().count("base") >= 3


async def test_best_and_worst_are_words_and_the_bar_follows_the_figure(tmp_path: Path) -> None:
    async with running(tmp_path, pair) as rig:
        await rig.press("2", "tab", "tab")
        await rig.tick(60)
        assert "best" in (await row(rig, "new", "vda")).split()
        assert "worst" in (await row(rig, "old", "hda")).split()
        assert (
            (await row(rig, "old", "hda")).count("█")
            > (await row(rig, "new", "vda")).count("█")
            > 0
        )


async def test_b_makes_another_the_baseline_and_x_takes_one_out(tmp_path: Path) -> None:
    async with running(tmp_path, pair) as rig:
        await opened(rig)
        await rig.press("g", "b")
        assert "baseline" in (await row(rig, "new", "vda"))
        assert "chosen by itself" not in rig.text
        await rig.press("G", "x")
        assert [one.guest for one in place(rig).comparison.rows] == ["new"]
        await rig.press("delete")
        assert "chosen by itself" in rig.text, "nothing left: the program chooses again"


async def test_the_choice_survives_going_elsewhere(tmp_path: Path) -> None:
    async with running(tmp_path, pair) as rig:
        await opened(rig)
        await rig.press("g", "b", "1")
        await rig.tick(2)
        await rig.press("2")
        await rig.tick()
        assert "baseline" in (await row(rig, "new", "vda"))


async def test_a_guest_and_several_from_the_guests_place(tmp_path: Path) -> None:
    async with running(tmp_path, pair) as rig:
        await rig.press("g", "percent_sign")
        await rig.tick(2)
        assert [one.ref.target for one in place(rig).comparison.rows] == ["vda"]
        await rig.press("1", "asterisk", "%")
        await rig.tick(2)
        found = [(one.guest, one.ref.target) for one in place(rig).comparison.rows]
        assert found == [("new", "vda"), ("old", "hda")]
        assert "baseline" in (await row(rig, "old", "hda"))


async def test_from_the_guest_itself_and_nics_where_there_is_no_disk(tmp_path: Path) -> None:
    def diskless(host: SimHost) -> None:
        host.add_guest("thin", devices=VIRTIO[1:])
        host.add_guest("bare", devices=())

    async with running(tmp_path, diskless) as rig:
        await rig.press("G", "enter", "%")
        await rig.tick(2)
        assert [one.ref.target for one in place(rig).comparison.rows] == ["vnet0"]
        await rig.press("1", "g", "%")
        assert "no disk and no NIC" in rig.notices[-1]


async def test_what_makes_it_unfair_is_on_the_screen_and_in_full_on_e(tmp_path: Path) -> None:
    def unlike(host: SimHost) -> None:
        none, back = Backing("file", "raw", cache="none"), Backing("file", "qcow2", "writeback")
        host.add_guest("new", devices=(VIRTIO[0]._replace(backing=none),))
        host.add_guest("old", devices=(LEGACY[0]._replace(backing=back),))

    async with running(tmp_path, unlike) as rig:
        await opened(rig, 20)
        await see(rig, "⚠ not fair: 2 reasons", "⚠ all: image format differs")
        await rig.press("enter")
        await rig.press("pagedown")
        assert "cache mode differs: none (new vda); writeback (old hda)" in rig.words
        await rig.press("escape", "e")
        assert "There are 2 reasons why it is not fair" in rig.words


async def test_under_tcg_the_explanation_says_why_times_say_little(tmp_path: Path) -> None:
    def translated(host: SimHost) -> None:
        pair(host)
        for sim in host.guests.values():
            sim.guest = sim.guest._replace(accelerator="tcg")

    async with running(tmp_path, translated, size=WIDE) as rig:
        await rig.press("2", "tab", "tab", "tab")
        await rig.tick(10)
        assert "not reported" in (await row(rig, "old", "hda")), (
            "TCG counts no exits, and none is not 0"
        )
        await rig.press("e")
        assert "a trap costs no more than any other access" in rig.words
        assert "virsh -c" in rig.words
        assert "--vcpu" in rig.words


async def test_a_device_that_goes_stays_in_its_row(tmp_path: Path) -> None:
    async with running(tmp_path, pair) as rig:
        await opened(rig)
        uuid = sims(rig)["new"]
        details = rig.host().guests[uuid].guest.details
        assert details is not None
        rig.host().change(uuid, details=details._replace(devices=VIRTIO[1:]))
        await rig.tick(2)
        assert "gone" in (await row(rig, "new", "vda")).split()
        rig.host().remove_guest(uuid)
        await rig.tick(2)
        assert "gone" in (await row(rig, "new", "vda")).split(), "with its guest, too"


async def test_a_nic_that_comes_back_under_another_name_goes_on_in_its_row(tmp_path: Path) -> None:
    nic = VIRTIO[1]._replace(mac="52:54:00:00:00:01")

    def one(host: SimHost) -> None:
        host.add_guest("new", devices=(nic,))
        host.add_guest("old", devices=LEGACY[1:2])

    async with running(tmp_path, one) as rig:
        await opened(rig, 5)
        await rig.press("g", "b")
        uuid = sims(rig)["new"]
        details = rig.host().guests[uuid].guest.details
        assert details is not None
        moved = details._replace(devices=(nic._replace(target="vnet7"),))
        rig.host().change(uuid, details=moved)
        await rig.tick(4)
        assert "baseline" in (await row(rig, "new", "vnet7"))
        assert [one.ref.target for one in place(rig).comparison.rows] == ["vnet7", "vnet1"]


async def test_a_guest_that_is_off_says_so(tmp_path: Path) -> None:
    async with running(tmp_path, pair) as rig:
        await opened(rig, 10)
        rig.host().change(sims(rig)["old"], state=GuestState.OFF)
        await rig.tick(2)
        assert "off" in (await row(rig, "old", "hda")).split()


async def test_hosts_are_asked_for_the_costs_of_what_is_compared_alone(tmp_path: Path) -> None:
    def many(host: SimHost) -> None:
        pair(host)
        host.add_guest("other", devices=VIRTIO[2:])

    async with running(tmp_path, many) as rig:
        await opened(rig, 3)
        names = sims(rig)
        view = rig.host().view
        assert view.guests == {names["new"], names["old"]}
        assert view.groups == Groups.LIST | Groups.VCPU | Groups.COST
        await rig.press("1")
        assert Groups.COST not in rig.host().view.groups


async def test_devices_of_several_hosts_name_their_host(tmp_path: Path) -> None:
    async with running(tmp_path, pair, hosts=("local", "rack7"), size=WIDE) as rig:
        await opened(rig, 10)
        assert "rack7" in (await row(rig, "new", "vda", "rack7"))
        await see(rig, "different hosts")


async def test_the_picker_ticks_filters_and_has_ready_made_choices(tmp_path: Path) -> None:
    async with running(tmp_path, pair) as rig:
        await opened(rig, 5)
        await rig.press("a")
        assert "all NICs of local, by class" in rig.words
        await rig.press("enter")
        first = [one.ref.target for one in place(rig).comparison.rows]
        assert first == ["vda", "hda"], "the ready-made choice under the cursor"
        await rig.press("a", "slash")
        await rig.type("old e1000")
        await rig.press("enter", "space", "enter")
        found = [one.ref.target for one in place(rig).comparison.rows]
        assert found == ["vda", "hda", "vnet1"], "ticked ones stay, in the order of ticking"
        await rig.press("a", "slash")
        await rig.type("nothing-like-that")
        assert "Nothing matches." in rig.text
        await rig.press("escape")


async def test_a_passed_through_device_says_that_it_bypasses_the_vmm(tmp_path: Path) -> None:
    async with running(tmp_path, pair) as rig:
        await opened(rig, 5)
        await rig.press("a", "slash")
        await rig.type("hostdev0")
        await rig.press("enter", "space", "enter")
        await rig.tick(5)
        assert "bypasses VMM" in (await row(rig, "hostdev0"))
        assert "▲ hostdev0" in (await row(rig, "hostdev0"))


async def test_holding_scrolling_and_the_cursor_work_here_too(tmp_path: Path) -> None:
    async with running(tmp_path, pair) as rig:
        await opened(rig)
        await rig.press("space")
        before = await row(rig, "new", "vda")
        await rig.tick(5)
        assert "paused" in rig.text
        assert await row(rig, "new", "vda") == before, "the figures are of what the chart shows"
        await rig.press("left")
        assert "cursor" in rig.text
        await rig.press("escape", "escape")
        assert "paused" not in rig.text


async def test_a_click_on_a_measure_chooses_it(tmp_path: Path) -> None:
    async with running(tmp_path, pair, size=WIDE) as rig:
        await opened(rig, 3)
        head = await row(rig, "device", "guest")
        y = next(i for i, line in enumerate(rig.text.splitlines()) if line == head)
        await rig.pilot.click(offset=(head.index("latency") + 2, y))
        await rig.settle()
        assert "▸latency" in rig.text


async def test_ascii_draws_with_ascii_alone(tmp_path: Path) -> None:
    options = Options(ascii=True)
    for size in ((80, 24), WIDE):
        async with running(tmp_path, pair, size=size, options=options) as rig:
            await rig.press("2")
            await rig.tick(30)
            latency, classes = ("tab", "tab"), ("escape", "c")
            for keys in (latency, ("e",), ("escape", "tab"), ("a",), classes, ("e",)):
                await rig.press(*keys)
                await rig.tick()
                strange = {c for c in rig.text if not c.isascii()}
                assert not strange, (keys, strange)


async def test_every_row_has_the_mark_of_its_line(tmp_path: Path) -> None:
    async with running(tmp_path, pair) as rig:
        await opened(rig, 30)
        assert (await row(rig, "new", "vda")).split()[:2] == ["*", "◆"]
        assert (await row(rig, "old", "hda")).split()[:2] == ["+", "▣"]
        legend = [line for line in rig.text.splitlines()[2:6] if "◆" in line or "▣" in line]
        assert "* ◆ vda new" in legend[0]
        assert "+ ▣ hda old" in legend[1]


async def test_no_guest_at_all(tmp_path: Path) -> None:
    async with running(tmp_path, lambda host: None) as rig:
        await opened(rig, 2)
        await see(rig, "no guest has a disk or NIC")
        await rig.press("e")
        assert "throughput (more is better)" in rig.words
        await rig.press("escape", "W")
        assert "nothing to keep" in rig.notices[-1]


async def test_a_crowd_is_compared_in_the_table_and_its_first_on_the_chart(tmp_path: Path) -> None:
    def crowd(host: SimHost) -> None:
        for number in range(15):
            host.add_guest(f"new{number}", devices=VIRTIO[:1])
            host.add_guest(f"old{number}", devices=LEGACY[:1])

    async with running(tmp_path, crowd, size=WIDE) as rig:
        await opened(rig, 5)
        await rig.press("1", "asterisk", "%")
        # Figures and lines of so many are computed in slices.
        await rig.until(lambda: len(place(rig).comparison.rows) == 30)
        await rig.tick()
        await see(rig, "chart: 20 of 30", "baseline")
        await rig.until(lambda: place(rig).chart.data is not None)
        data = place(rig).chart.data
        assert data is not None
        assert len(data.series) == 20
        await rig.press("tab")
        await see(rig, "I/Os · more is better")
