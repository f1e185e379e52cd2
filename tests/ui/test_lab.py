"""The Lab place on a simulated Lab: choosing, watching, results, lessons, kept runs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.support.labrun import lab_run
from tests.support.simhost import SimHost
from tests.support.simlab import SimLab, SimRun, offer_of
from tests.ui.support import Rig, running
from tuivm.labdesk import LabDesk
from tuivm.model.devices import DeviceClass
from tuivm.model.lab import Experiment, KeptRun, LabOffer, Leftover, Length, Subject
from tuivm.model.labcompare import compare_runs
from tuivm.options import Options
from tuivm.screens.dialogs.confirm import Confirm
from tuivm.screens.dialogs.explain import Explain
from tuivm.screens.dialogs.lab import ExportRun
from tuivm.screens.lab import LabScreen
from tuivm.screens.labfigure import VERDICTS
from tuivm.screens.labpages import Page
from tuivm.screens.labplan import Item
from tuivm.widgets.itemlist import ItemList

WIDE = (160, 48)
NASTY = "[bold]x[/] \x1b[31m\u202ey"


def web(host: SimHost) -> None:
    host.add_guest("web")


def place(rig: Rig) -> LabScreen:
    return next(s for s in rig.app.screen_stack if isinstance(s, LabScreen))


async def see(rig: Rig, *texts: str) -> None:
    await rig.until(lambda: all(text in rig.text for text in texts))


async def opened(rig: Rig) -> None:
    await rig.press("L")
    await see(rig, "start      ")


async def to(rig: Rig, kind: str, name: str = "") -> None:
    """Move the cursor to a line."""
    wanted = Item(kind, name)
    listed = place(rig).query_one(
        "#choose" if place(rig).page is Page.CHOOSE else "#result", ItemList
    )
    await rig.press("home")
    for _ in range(80):
        if listed.item == wanted:
            return
        await rig.press("down")
    raise AssertionError(f"no line is for {wanted}")


def run_of(lab: SimLab) -> SimRun:
    assert lab.run is not None
    return lab.run


async def finished(rig: Rig, lab: SimLab) -> None:
    """The run that goes on comes to its end, and the result is there."""
    run_of(lab).step(10_000)
    await rig.until(lambda: place(rig).page in (Page.RESULT, Page.LESSON))
    await rig.settle()


async def test_the_first_page_has_models_omissions_and_an_estimate(tmp_path: Path) -> None:
    async with running(tmp_path, web) as rig:
        await opened(rig)
        await see(rig, "[x] ◆ virtio-blk", "[x] ▣ IDE", "8 models", "about 1m 0s", "No KVM here")
        await see(rig, "[-]   MegaRAID: QEMU 7.2.11 on this host has no megasas")
        assert "vhost" not in rig.text, "that is a NIC's, and disks are to be measured"
        await to(rig, "what")
        await rig.press("right")
        await see(rig, "virtio-net, vhost: vhost takes frames from a tap")
        assert "MegaRAID" not in rig.text
        assert "L lab" in rig.text.splitlines()[0]


async def test_what_is_chosen_is_what_is_asked_for(tmp_path: Path) -> None:
    lab = SimLab()
    async with running(tmp_path, web, lab=lab) as rig:
        await opened(rig)
        await to(rig, "what")
        await rig.press("right", "right")
        await see(rig, "[storage + network]", "NICs on")
        await to(rig, "backing", "storage")
        await rig.press("space")
        await to(rig, "length")
        await rig.press("enter")
        await to(rig, "model", "ide")
        await rig.press("space")
        await see(rig, "[ ] ▣ IDE", "12 models", "[file]", "[full]")
        asked = lab.requests[-1]
        assert asked.experiments == (Experiment.STORAGE, Experiment.NETWORK)
        assert asked.length is Length.FULL
        assert asked.models is not None
        assert "ide" not in asked.models
        assert len(asked.models) == 12
        assert {one.value for one in asked.backings.values()} == {"file", "socket"}
        await rig.press("space", "s")
        assert run_of(lab).whole.plan.length is Length.FULL
        assert lab.requests[-1].models is None, "all are ticked again"


async def test_nothing_ticked_is_nothing_to_start(tmp_path: Path) -> None:
    lab = SimLab()
    one = Subject("ide", Experiment.STORAGE, "IDE", DeviceClass.EMULATED)
    lab.offers["local"] = offer_of("local")._replace(subjects=(one,))
    async with running(tmp_path, web, lab=lab) as rig:
        await opened(rig)
        await to(rig, "model", "ide")
        await rig.press("space")
        await see(rig, "Nothing is left to measure.")
        await rig.press("s")
        assert lab.run is None
        assert rig.notices[-1] == "lab: Nothing is left to measure."


async def test_a_plan_is_made_anew_only_for_another_wish(tmp_path: Path) -> None:
    """What is shown is what will run: its order and seed too."""
    lab = SimLab()
    async with running(tmp_path, web, lab=lab) as rig:
        await opened(rig)
        asked = len(lab.requests)
        await rig.tick(5)
        assert len(lab.requests) == asked


async def test_a_run_is_watched(tmp_path: Path) -> None:
    lab = SimLab()
    async with running(tmp_path, web, lab=lab, size=WIDE) as rig:
        await opened(rig)
        await rig.press("s")
        for _ in range(40):
            rig.maker.tick(0.5)
            run_of(lab).step()
        await see(rig, "round 1 of 5", "4 KiB reads, depth 1", "requests/s")
        await see(rig, "measuring", f"lab {40 * 100 / 144:.0f} %")
        await see(rig, " 1/5 ")
        trials = [one for one in run_of(lab).last.run.trials if one.workload == "d1"]
        assert any(f"{one.requests / one.seconds / 1000:.1f}k/s" in rig.text for one in trials)
        first = rig.text.splitlines()[4]
        await rig.press("tab")
        assert rig.text.splitlines()[4] != first, "the chart of another workload"
        assert "depth 32" in rig.text.splitlines()[4]


async def test_space_pauses_and_goes_on(tmp_path: Path) -> None:
    lab = SimLab()
    async with running(tmp_path, web, lab=lab) as rig:
        await opened(rig)
        await rig.press("s")
        run_of(lab).step(10)
        await rig.press("space")
        await see(rig, "paused", "space go on")
        assert run_of(lab).calls == ["pause"]
        await rig.press("p")
        assert run_of(lab).calls == ["pause", "resume"]
        run_of(lab).step()
        await rig.until(lambda: "paused" not in rig.text)


async def test_stop_asks_and_keeps_what_there_is(tmp_path: Path) -> None:
    lab = SimLab()
    async with running(tmp_path, web, lab=lab) as rig:
        await opened(rig)
        await rig.press("s")
        run_of(lab).step(100)
        await rig.press("x")
        assert isinstance(rig.app.screen, Confirm)
        await rig.press("n")
        assert run_of(lab).calls == []
        await rig.press("x", "y")
        assert run_of(lab).calls == ["stop"]
        await rig.until(lambda: place(rig).page is Page.RESULT)
        await see(rig, "not complete")


async def test_a_run_that_is_stopped_at_once_says_that_it_has_nothing(tmp_path: Path) -> None:
    lab = SimLab()
    async with running(tmp_path, web, lab=lab) as rig:
        await opened(rig)
        await rig.press("s", "x", "y")
        await see(rig, "stopped", "Nothing was measured before that.", "esc back")
        await rig.press("escape")
        assert place(rig).page is Page.CHOOSE


async def test_it_goes_on_in_another_place_and_says_when_it_is_done(tmp_path: Path) -> None:
    lab = SimLab()
    async with running(tmp_path, web, lab=lab) as rig:
        await opened(rig)
        await rig.press("s")
        run_of(lab).step(72)
        await rig.press("1")
        await rig.tick()
        assert "lab 50 %" in rig.text.splitlines()[0]
        run_of(lab).step(10_000)
        await rig.until(lambda: "lab: done; L shows the result" in rig.notices)
        await rig.tick()
        assert "%" not in rig.text.splitlines()[0].replace("CPU %", "")
        await rig.press("L")
        await rig.until(lambda: place(rig).page is Page.RESULT)


async def test_the_first_page_leads_to_the_run(tmp_path: Path) -> None:
    lab = SimLab()
    async with running(tmp_path, web, lab=lab) as rig:
        await opened(rig)
        await rig.press("s")
        run_of(lab).step(30)
        await rig.press("escape")
        await see(rig, "Running now")
        await to(rig, "run")
        await rig.press("enter")
        assert place(rig).page is Page.RUN
        await rig.press("escape", "s")
        assert rig.notices[-1] == "lab: a run goes on; one at a time"
        assert place(rig).page is Page.RUN


async def test_a_run_that_fails_says_why_and_stays(tmp_path: Path) -> None:
    lab = SimLab()
    async with running(tmp_path, web, lab=lab) as rig:
        await opened(rig)
        await rig.press("s")
        run_of(lab).fail(f"No space left on device: {NASTY}")
        await see(rig, "failed", "No space left on device: [bold]x[/] ␛[31m⁞y")
        assert "leave it running" not in rig.text
        assert "space pause" not in rig.text
        assert "left" not in rig.text.splitlines()[2]
        await rig.press("escape")
        assert place(rig).page is Page.CHOOSE
        assert any("No space left" in notice for notice in rig.notices)


async def test_a_long_reason_can_be_read_in_full_and_the_notice_is_short(tmp_path: Path) -> None:
    lab = SimLab()
    async with running(tmp_path, web, lab=lab) as rig:
        await opened(rig)
        await rig.press("s")
        reason = ", ".join(f"guest-{number} ended" for number in range(20))
        run_of(lab).fail(f"Nothing was left to measure: {reason}.")
        await rig.until(lambda: "guest-19 ended." in rig.words)
        assert len(rig.notices[-1]) < 140
        assert rig.notices[-1].startswith("lab: Nothing was left to measure: guest-0 ended")


async def test_a_result_that_cannot_be_kept_is_shown_and_can_be_exported(tmp_path: Path) -> None:
    lab = SimLab()
    async with running(tmp_path, web, lab=lab) as rig:
        await opened(rig)
        await rig.press("s")
        run_of(lab).fail_to_keep("The result could not be kept: No space left on device.")
        await rig.until(lambda: place(rig).page is Page.RESULT)
        await see(rig, "traps per I/O")
        assert rig.notices[-1].startswith("lab: The result could not be kept: No space left")
        await rig.press("E", "enter")
        await rig.until(lambda: bool(lab.exported))
        assert lab.exported[0][0] == run_of(lab).whole.name


async def test_a_run_that_cannot_begin(tmp_path: Path) -> None:
    lab = SimLab()
    lab.failing["begin"] = "There is no kernel; apt-get install linux-image-amd64 brings one."
    async with running(tmp_path, web, lab=lab) as rig:
        await opened(rig)
        await rig.press("s")
        assert rig.notices[-1] == lab.failing["begin"]
        assert place(rig).page is Page.CHOOSE


async def test_q_quits_at_once_and_the_lab_is_closed(tmp_path: Path) -> None:
    lab = SimLab()
    async with running(tmp_path, web, lab=lab) as rig:
        await opened(rig)
        await rig.press("s")
        run_of(lab).step(3)
        await rig.press("q")
        await rig.until(lambda: rig.app.return_code == 0)
        assert rig.app.lab_desk.wait(10)
        assert lab.closed
        assert run_of(lab).calls == ["stop"]


async def test_the_lab_is_not_made_before_it_is_gone_to(tmp_path: Path) -> None:
    lab = SimLab()
    async with running(tmp_path, web, lab=lab) as rig:
        await rig.press("3", "q")
        await rig.until(lambda: rig.app.return_code == 0)
        assert rig.app.lab_desk.wait(10)
        assert not lab.closed


@pytest.mark.parametrize("size", [(80, 24), WIDE], ids=["80x24", "160x48"])
async def test_the_result_agrees_with_the_run(tmp_path: Path, size: tuple[int, int]) -> None:
    lab = SimLab()
    async with running(tmp_path, web, lab=lab, size=size) as rig:
        await opened(rig)
        await rig.press("s")
        await finished(rig, lab)
        await see(rig, "traps per I/O", "baseline")
        ide = next(line for line in rig.text.splitlines() if "▣ IDE" in line)
        assert " 26 " in ide, "22 of the channel and 4 of the bus master"
        assert "26.0×" in ide
        assert ide.count("█") > 5
        title = rig.text.splitlines()[2]
        await rig.press("tab")
        assert rig.text.splitlines()[2] != title
        await rig.press("shift+tab")
        assert rig.text.splitlines()[2] == title
        while "IOPS, depth 1" not in rig.text.splitlines()[2]:
            await rig.press("tab")
        ide = next(line for line in rig.text.splitlines() if "▣ IDE" in line)
        assert "worse" in ide
        assert "–" in ide, "the interval"
        await rig.press("escape")
        assert place(rig).page is Page.CHOOSE
        assert any(kept.name == "lab-1" for kept in place(rig).kept if isinstance(kept, KeptRun))


async def test_all_of_a_result_can_be_scrolled_to_at_80x24(tmp_path: Path) -> None:
    lab = SimLab()
    lab.kept_runs = [lab_run(name="one")]
    async with running(tmp_path, web, lab=lab) as rig:
        await opened(rig)
        await to(rig, "kept", "one")
        await rig.press("enter")
        await rig.until(lambda: place(rig).page is Page.RESULT)
        seen = ""
        for _ in range(12):
            seen += rig.words
            await rig.press("pagedown")
        for text in (
            "What was seen",
            "All figures, with ratios to the baseline",
            "What makes it less than fair",
            "TCG: times say nothing",
            "Left out",
            "megasas: this QEMU does not have it",
            "fio 3.33",
            "dropped",
        ):
            assert text in seen, text


async def test_explain_names_the_registers_of_a_row(tmp_path: Path) -> None:
    lab = SimLab()
    lab.kept_runs = [lab_run(name="one")]
    async with running(tmp_path, web, lab=lab, size=(100, 40)) as rig:
        await opened(rig)
        await to(rig, "kept", "one")
        await rig.press("enter")
        await rig.until(lambda: place(rig).page is Page.RESULT)
        await to(rig, "row", "ide")
        await rig.press("e")
        await rig.until(lambda: isinstance(rig.app.screen, Explain))
        for text in ("piix-bmdma: the IDE bus master", "22 ide:", "-device ide-hd", "bus='ide'"):
            assert text in rig.words, text
        await rig.press("escape", "home", "e")
        await rig.until(lambda: "leave its own code" in rig.words)


async def test_a_lesson_has_words_a_start_and_its_own_result(tmp_path: Path) -> None:
    lab = SimLab()
    async with running(tmp_path, web, lab=lab) as rig:
        await opened(rig)
        await to(rig, "lesson", "machine")
        await rig.press("enter")
        await see(rig, "in a q35 machine and", "not measured on this host yet")
        await rig.press("s")
        assert run_of(lab).whole.plan.experiments == (Experiment.MACHINE,)
        await finished(rig, lab)
        assert place(rig).page is Page.LESSON
        await see(rig, "in a q35 machine and", "1 of ")
        await rig.press("escape")
        await to(rig, "lesson", "machine")
        line = next(line for line in rig.text.splitlines() if "machine type" in line)
        assert re.search(r"on local, \d{4}-\d\d-\d\d \d\d:\d\d$", line)


async def test_why_nothing_can_be_started_is_read_in_full(tmp_path: Path) -> None:
    lab = SimLab()
    why = ", ".join(f"model-{number} is not there" for number in range(9))
    async with running(tmp_path, web, lab=lab) as rig:
        await opened(rig)
        lab.refused = f"Nothing is left: {why}."
        await to(rig, "length")
        await rig.press("space")
        await see(rig, "start      Nothing is left")
        await rig.until(lambda: "model-8 is not there." in rig.words)
        await to(rig, "lesson", "nested")
        await rig.press("enter")
        await rig.until(lambda: "start Nothing is left" in rig.words)
        await rig.until(lambda: "model-8 is not there." in rig.words)


async def test_a_lesson_shows_its_last_kept_run(tmp_path: Path) -> None:
    lab = SimLab()
    made = lab_run(Experiment.IOTHREAD, name="threads")
    lab.kept_runs = [made._replace(host=made.host._replace(name="local"))]
    async with running(tmp_path, web, lab=lab, size=WIDE) as rig:
        await opened(rig)
        await to(rig, "lesson", "iothread")
        await rig.press("enter")
        await see(rig, "1 of ", "main loop")


async def test_two_kept_runs_are_compared(tmp_path: Path) -> None:
    lab = SimLab()
    lab.kept_runs = [
        lab_run(name="tcg"),
        lab_run(name="kvm", accelerator="kvm", seed=2)._replace(taken=1_795_600_000.0),
    ]
    async with running(tmp_path, web, lab=lab, size=(110, 40)) as rig:
        await opened(rig)
        await rig.press("percent_sign")
        assert "tick two" in rig.notices[-1]
        await to(rig, "kept", "kvm")
        await rig.press("space")
        await to(rig, "kept", "tcg")
        await rig.press("percent_sign")
        await rig.until(lambda: place(rig).page is Page.PAIR)
        await see(rig, "A  tcg", "B  kvm", "The accelerator differs: TCG and KVM.", "same")
        found = compare_runs(*lab.kept_runs)
        measures = list(dict.fromkeys(row.measure for row in found.rows))
        ides = {row.measure: row for row in found.rows if row.subject.id == "ide"}
        for number, measure in enumerate(measures, 1):
            await see(rig, f"{measure.title} ", f"({number} of {len(measures)})")
            lines = rig.text.splitlines()
            at = next((index for index, line in enumerate(lines) if "▣ IDE" in line), None)
            assert (at is not None) == (measure in ides)
            if at is not None:
                # What the command line says of the two.
                row = ides[measure]
                assert VERDICTS[row.verdict][0] in lines[at + 1]
                agree = {None: "", True: "ratios agree", False: "ratios differ"}[row.agree]
                assert agree in lines[at]
            await rig.press("tab")
        await rig.press("escape")
        assert place(rig).page is Page.CHOOSE


async def test_the_comparison_is_exported(tmp_path: Path) -> None:
    lab = SimLab()
    lab.kept_runs = [lab_run(name="one"), lab_run(name="two", seed=2)]
    async with running(tmp_path, web, lab=lab) as rig:
        await opened(rig)
        await to(rig, "kept", "one")
        await rig.press("space", "up", "percent_sign")
        await rig.until(lambda: place(rig).page is Page.PAIR)
        await rig.press("E", "enter")
        await rig.until(lambda: bool(lab.exported))
        names, form, path = lab.exported[0]
        assert (sorted(names.split()), form) == (["one", "two"], "md")
        assert path.suffix == ".md"


async def test_a_file_of_another_host_is_opened_and_compared(tmp_path: Path) -> None:
    lab = SimLab()
    made = lab_run(name="theirs", accelerator="kvm")
    lab.files["theirs.json"] = made._replace(host=made.host._replace(name="rack9"))
    lab.kept_runs = [lab_run(name="mine")]
    async with running(tmp_path, web, lab=lab) as rig:
        await opened(rig)
        lab.failing["adopt"] = "It is no run of the Lab."
        await rig.press("O", "enter")
        await see(rig, "A file name is needed.")
        await rig.press(*"theirs.json", "enter")
        await rig.until(lambda: rig.notices[-1:] == ["It is no run of the Lab."])
        assert place(rig).page is Page.CHOOSE
        del lab.failing["adopt"]
        await rig.press("O", *"theirs.json", "enter")
        await rig.until(lambda: place(rig).page is Page.RESULT)
        await see(rig, "on rack9")
        await rig.press("escape")
        await to(rig, "kept", "mine")
        await rig.press("space", "percent_sign")
        assert "tick two" in rig.notices[-1]
        await to(rig, "kept", "theirs")
        await rig.press("space", "percent_sign")
        await rig.until(lambda: place(rig).page is Page.PAIR)
        await see(rig, "rack9  KVM")


async def test_export_and_remove(tmp_path: Path) -> None:
    lab = SimLab()
    lab.kept_runs = [lab_run(name="one"), lab_run(name="two")]
    async with running(tmp_path, web, lab=lab) as rig:
        await opened(rig)
        await to(rig, "kept", "one")
        await rig.press("E")
        assert isinstance(rig.app.screen, ExportRun)
        await rig.press("down", "enter")
        await rig.until(lambda: bool(lab.exported))
        name, form, path = lab.exported[0]
        assert (name, form, path.name) == ("one", "md", "one.md")
        await rig.press("x")
        assert isinstance(rig.app.screen, Confirm)
        await rig.press("enter")
        assert len(lab.kept_runs) == 2, "the answer that is ready is no"
        await rig.press("x", "y")
        await rig.until(lambda: [one.name for one in lab.kept_runs] == ["two"])
        await see(rig, "Kept runs (1)")


async def test_what_the_lab_refuses_is_said(tmp_path: Path) -> None:
    lab = SimLab()
    lab.kept_runs = [lab_run(name="one")]
    async with running(tmp_path, web, lab=lab) as rig:
        await opened(rig)
        await to(rig, "kept", "one")
        lab.failing = {"load": "cannot read it", "remove": "cannot remove it"}
        await rig.press("enter")
        assert rig.notices[-1] == "cannot read it"
        await rig.press("x", "y")
        await rig.until(lambda: rig.notices[-1] == "cannot remove it")
        assert place(rig).page is Page.CHOOSE


async def test_leftovers_are_named_and_removed_only_on_yes(tmp_path: Path) -> None:
    lab = SimLab()
    lab.left = (
        Leftover("local", "guest", "tuivm-lab-77", "running"),
        Leftover("local", "files", "/tmp/tuivm-lab-77"),
    )
    async with running(tmp_path, web, lab=lab) as rig:
        await rig.press("L")
        await rig.until(lambda: isinstance(rig.app.screen, Confirm))
        await see(rig, "tuivm-lab-77 on local", "/tmp/tuivm-lab-77")
        await rig.press("enter")
        assert not lab.cleaned
        await rig.press("1", "L")
        await rig.settle()
        assert not isinstance(rig.app.screen, Confirm), "it was declined"
        await rig.press("X")
        await rig.until(lambda: isinstance(rig.app.screen, Confirm))
        left = lab.left
        await rig.press("y")
        await rig.until(lambda: lab.cleaned == [left])
        await rig.press("X")
        await rig.until(lambda: "nothing of an earlier lab is left on local" in rig.notices)


async def test_an_offer_with_a_problem_starts_nothing(tmp_path: Path) -> None:
    lab = SimLab()
    lab.offers["local"] = LabOffer("local", problem="QEMU is not installed: apt-get install it.")
    async with running(tmp_path, web, lab=lab) as rig:
        await rig.press("L")
        await see(rig, "QEMU is not installed")
        await rig.press("s")
        assert lab.run is None
        assert rig.notices[-1].startswith("lab: QEMU is not installed")
        lab.offers["local"] = offer_of("local")
        await rig.press("1", "L")
        await see(rig, "8 models")


async def test_another_host_is_asked_and_a_gone_one_left(tmp_path: Path) -> None:
    lab = SimLab()
    lab.offers["rack7"] = LabOffer("rack7", problem="no KVM, no QEMU")
    async with running(tmp_path, web, lab=lab, hosts=("local", "rack7")) as rig:
        await opened(rig)
        await to(rig, "host")
        await rig.press("space")
        await see(rig, "[rack7]", "no KVM, no QEMU")
        rig.app.remove_host("rack7")
        await rig.tick()
        await see(rig, "rack7 is no longer in the list of hosts")
        await rig.press("s")
        assert lab.run is None
        await rig.press("1", "L")
        await see(rig, "[local]", "8 models")


async def test_the_lab_of_other_hosts_is_asked_anew(tmp_path: Path) -> None:
    """It is made for the hosts there are: the one before knew nothing of a new one."""
    made: list[SimLab] = []

    def make(specs: object) -> SimLab:
        made.append(SimLab())
        return made[-1]

    async with running(tmp_path, web, hosts=("local", "rack7")) as rig:
        rig.app.lab_desk = LabDesk(make)
        await opened(rig)
        await see(rig, "8 models")
        assert len(made) == 1
        rig.app.remove_host("rack7")
        await rig.tick()
        await see(rig, "8 models")
        assert len(made) == 2
        assert made[1].requests, "the new one made the plan"
        await rig.press("s")
        assert made[1].run is not None
        rig.app.remove_host("local")
        await rig.tick()
        assert len(made) == 2, "not while it runs"


async def test_a_host_that_is_lost_starts_nothing(tmp_path: Path) -> None:
    lab = SimLab()
    async with running(tmp_path, web, lab=lab) as rig:
        await opened(rig)
        rig.host().lose()
        await rig.tick()
        await rig.press("s")
        assert lab.run is None
        assert "lost" in rig.notices[-1]


async def test_without_any_host(tmp_path: Path) -> None:
    lab = SimLab()
    async with running(tmp_path, web, lab=lab, hosts=()) as rig:
        await rig.press("L")
        await see(rig, "no host is known", "none yet")
        await rig.press("s", "space", "enter", "X", "percent_sign", "E", "x", "e")
        assert lab.run is None


async def test_names_from_outside_are_no_markup(tmp_path: Path) -> None:
    lab = SimLab()
    one = Subject("odd", Experiment.STORAGE, NASTY, DeviceClass.EMULATED, NASTY, NASTY, True)
    two = one._replace(id="other", baseline=False)
    lab.offers["local"] = offer_of("local")._replace(subjects=(one, two), remarks=(NASTY,))
    lab.broken = [KeptRun(NASTY, "/x", problem=NASTY)]
    async with running(tmp_path, web, lab=lab) as rig:
        await opened(rig)
        await see(rig, "[bold]x[/] ␛[31m⁞y")
        await to(rig, "model", "odd")
        await rig.press("e", "escape", "s")
        run = lab_run(name="odd")
        lab.kept_runs = [run._replace(caveats=(NASTY,), host=run.host._replace(name=NASTY))]
        assert "\x1b" not in rig.text


@pytest.mark.parametrize("options", [Options(ascii=True)], ids=["ascii"])
async def test_ascii_all_the_way(tmp_path: Path, options: Options) -> None:
    lab = SimLab()
    lab.kept_runs = [lab_run(name="one"), lab_run(name="two", accelerator="kvm")]
    async with running(tmp_path, web, lab=lab, options=options, size=WIDE) as rig:
        await opened(rig)
        assert rig.text.isascii(), [line for line in rig.text.splitlines() if not line.isascii()]
        await rig.press("s")
        run_of(lab).step(20)
        await see(rig, "round 0 of 5")
        assert rig.text.isascii(), [line for line in rig.text.splitlines() if not line.isascii()]
        await finished(rig, lab)
        await see(rig, "traps per I/O")
        for _ in range(4):
            lines = [line for line in rig.text.splitlines() if not line.isascii()]
            assert not lines
            await rig.press("tab", "tab", "tab")
        await rig.press("escape")
        await to(rig, "lesson", "nested")
        await rig.press("enter")
        assert rig.text.isascii(), [line for line in rig.text.splitlines() if not line.isascii()]
