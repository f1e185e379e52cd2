"""The overview of a host: what is there at once, what comes when the host was asked."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.pilot import Pilot

from tests.support import hostparts as sample
from tests.support.simhost import SimHost
from tests.ui.hosts_support import PICTURES, SMALL, go, having, screen
from tests.ui.support import Rig, make_app, running
from tuivm.model.hosts import Problem
from tuivm.screens.dialogs.explain import Explain
from tuivm.screens.hostpages.overview import OverviewPage

OVERVIEW = having(sample.OVERVIEW)


def held(host: SimHost) -> None:
    OVERVIEW(host)
    host.device_port.hold = True


def line_of(rig: Rig, words: str) -> int:
    return next(number for number, line in enumerate(rig.text.splitlines()) if words in line)


async def test_what_is_known_is_there_at_once_and_the_rest_comes_without_a_jump(
    tmp_path: Path,
) -> None:
    async with running(tmp_path, held, size=(100, 30)) as rig:
        await go(rig, "overview")
        assert "QEMU 7.2.22" in rig.text
        assert "● on: the CPU runs" in rig.text
        await rig.press("l", "G", "k", "k", "k")
        assert "not known yet" in rig.text
        seen = line_of(rig, "for guests")
        page = screen(rig).page
        assert isinstance(page, OverviewPage)
        before = page.list.item
        rig.host().device_port.hold = False
        rig.host().device_port.answer()
        await rig.until(lambda: "svm, npt, avic" in rig.text)
        await rig.settle()
        assert page.list.item == before, "the cursor stays on what it was on"
        assert line_of(rig, "for guests") == seen, "and that stays where it was on the screen"
        await rig.press("g")
        await rig.until(lambda: "kvm_amd/parameters/nested says no" in rig.text)
        assert "◌" not in rig.text


async def test_an_answer_that_takes_long_is_waited_for_in_words(tmp_path: Path) -> None:
    async with running(tmp_path, held, size=(100, 40)) as rig:
        await go(rig, "overview")
        await rig.tick(30)
        assert "asking" in rig.text.splitlines()[2]
        assert "QEMU 7.2.22" in rig.text


async def test_a_host_that_fails_to_answer_says_why_and_shows_what_is_known(tmp_path: Path) -> None:
    async with running(tmp_path, OVERVIEW, size=(100, 40)) as rig:
        rig.host().device_port.problem = Problem("cannot ask local", "it took [b]too long[/b]")
        await go(rig, "overview")
        await rig.until(lambda: "it took [b]too long[/b]" in rig.text)
        assert "QEMU 7.2.22" in rig.text


async def test_features_unfold_and_facts_are_explained(tmp_path: Path) -> None:
    async with running(tmp_path, OVERVIEW, size=(100, 60)) as rig:
        await go(rig, "overview")
        assert "sha-ni" not in rig.text
        await rig.press("l", "G", "k", "k", "k", "enter")
        assert "aes, sha-ni, vaes" in rig.text
        await rig.press("enter")
        assert "sha-ni" not in rig.text
        await rig.press("e")
        assert isinstance(rig.app.screen, Explain)
        assert "avic: interrupts reach a guest without an exit" in rig.words
        await rig.press("escape", "h", "e")
        assert isinstance(rig.app.screen, Explain)
        assert "local is a host" in rig.words, "with the keys on the hosts, the host is meant"


async def test_two_hosts_show_each_their_own(tmp_path: Path) -> None:
    def prepare(host: SimHost) -> None:
        OVERVIEW(host)
        if host.spec.name == "rack7":
            host.device_port.hold = True

    async with running(tmp_path, prepare, hosts=("local", "rack7"), size=(100, 60)) as rig:
        await go(rig, "overview")
        assert "EPYC-Rome" in rig.text
        await rig.press("j")
        await rig.tick()
        assert "EPYC-Rome" not in rig.text, "what the other host answered is not this one's"
        assert "not known yet" in rig.text
        await rig.press("k")
        assert "EPYC-Rome" in rig.text


@pytest.mark.parametrize("name", PICTURES)
def test_picture(snap_compare, tmp_path: Path, name: str) -> None:  # type: ignore[no-untyped-def]
    size, options = PICTURES[name]
    app, maker = make_app(tmp_path, OVERVIEW, options=options)

    async def act(pilot: Pilot[int]) -> None:
        rig = Rig(app, pilot, maker)
        await rig.tick(2)
        await go(rig, "overview")
        await rig.tick()
        await rig.press("l", *["j"] * (22 if size == SMALL else 0))
        await rig.until(lambda: "off in the kernel" in rig.text)

    assert snap_compare(app, terminal_size=size, run_before=act)
