"""Dialogs about hosts: add one, credentials."""

from __future__ import annotations

import asyncio

import pytest
from textual.widgets import Button, Input

from tests.ui.dialog_support import PENDING, DialogApp, focused, screen_text, until, words
from tuivm.model.hosts import HostFacts, HostSpec, Problem
from tuivm.model.ports import CredentialPrompt, CredentialRequest, Trial
from tuivm.screens.dialogs.add_host import AddHost
from tuivm.screens.dialogs.base import Tick
from tuivm.screens.dialogs.credentials import Credentials

SIZE = (80, 24)
GOOD = Trial(
    HostFacts(
        "rack7.lan",
        "QEMU",
        "7.2.0",
        "9.0.0",
        "x86_64",
        cpus=8,
        memory_kib=16 << 20,
        virt_types=("kvm", "qemu"),
    ),
    guests=14,
)
BAD = Trial(
    problem=Problem("cannot connect", "ssh: [red]no route", "the host is off", "turn it on")
)


class Trials:
    """A check that is answered by the test."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, bool]] = []
        self.answers: list[asyncio.Future[Trial]] = []

    async def __call__(self, uri: str, readonly: bool) -> Trial:
        self.asked.append((uri, readonly))
        answer: asyncio.Future[Trial] = asyncio.get_running_loop().create_future()
        self.answers.append(answer)
        return await answer


def add_host(*taken: str) -> tuple[DialogApp, Trials]:
    trials = Trials()
    return DialogApp(AddHost(trials, taken)), trials


async def test_a_host_that_answers_is_added_with_two_enters() -> None:
    app, trials = add_host()
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: app.focused is not None)
        assert focused(app).id == "uri"
        assert "qemu+ssh://root@rack7/system" in screen_text(app)
        app.dialog.query_one("#uri", Input).value = "qemu+ssh://root@rack7/system"
        await until(pilot, lambda: not app.dialog.query_one("#try", Button).disabled)
        assert app.dialog.query_one("#add", Button).disabled
        await pilot.press("enter")
        await until(pilot, lambda: bool(trials.answers))
        assert "Connecting to qemu+ssh://root@rack7/system" in words(app)
        assert app.answer is PENDING
        trials.answers[0].set_result(GOOD)
        await until(pilot, lambda: focused(app).id == "add")
        shown = words(app)
        for text in (
            "Connected. 14 guests.",
            "rack7.lan",
            "QEMU 7.2.0",
            "8 CPUs",
            "16G",
            "kvm, qemu",
        ):
            assert text in shown, text
        await pilot.press("enter")
        await until(pilot, lambda: app.answer is not PENDING)
    assert trials.asked == [("qemu+ssh://root@rack7/system", False)]
    assert app.answer == HostSpec("rack7", "qemu+ssh://root@rack7/system")


async def test_a_host_that_does_not_answer_can_be_tried_again_or_added_anyway() -> None:
    app, trials = add_host("rack7")
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: app.focused is not None)
        app.dialog.query_one("#uri", Input).value = "qemu+tls://rack7/system"
        app.dialog.query_one("#readonly", Tick).value = True
        await pilot.press("enter")
        await until(pilot, lambda: bool(trials.answers))
        trials.answers[0].set_result(BAD)
        await until(pilot, lambda: focused(app).id == "try")
        shown = words(app)
        for text in (
            "cannot connect",
            "ssh: [red]no route",
            "Likely cause: the host is off",
            "What to do: turn it on",
            "Add anyway",
        ):
            assert text in shown, text
        await pilot.press("enter")
        await until(pilot, lambda: len(trials.answers) == 2)
        trials.answers[1].set_result(BAD)
        await until(pilot, lambda: "Likely cause" in words(app))
        await pilot.press("right", "enter")
        await until(pilot, lambda: app.answer is not PENDING)
    assert trials.asked == [("qemu+tls://rack7/system", True)] * 2
    assert app.answer == HostSpec("rack7-2", "qemu+tls://rack7/system", readonly=True)


async def test_esc_stops_the_trial_first_and_then_leaves() -> None:
    app, trials = add_host()
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: app.focused is not None)
        app.dialog.query_one("#uri", Input).value = "qemu:///system"
        await pilot.press("enter")
        await until(pilot, lambda: bool(trials.answers))
        await pilot.press("escape")
        await until(pilot, trials.answers[0].cancelled)
        assert app.answer is PENDING
        assert "Connecting" not in screen_text(app)
        await pilot.press("escape")
        await until(pilot, lambda: app.answer is not PENDING)
    assert app.answer is None


async def test_editing_throws_the_trial_away() -> None:
    app, trials = add_host()
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: app.focused is not None)
        entry = app.dialog.query_one("#uri", Input)
        entry.value = "qemu:///system"
        await pilot.press("enter")
        await until(pilot, lambda: bool(trials.answers))
        trials.answers[0].set_result(GOOD)
        await until(pilot, lambda: focused(app).id == "add")
        entry.value = "qemu:///session"
        await until(pilot, lambda: app.dialog.query_one("#add", Button).disabled)
        await until(pilot, lambda: "Connected" not in screen_text(app))


@pytest.mark.parametrize(
    ("uri", "name", "said"),
    [
        ("qemu", "", "driver"),
        ("qemu:// /system", "", "blank"),
        ("qemu+telnet://a/system", "", "transport"),
        ("qemu+tcp://me:secret@a/system", "", "No password in the URI"),
        ("qemu:///system", "taken", "There is a host named taken already"),
        ("qemu:///system", "a\u200eb", "cannot be seen"),
    ],
)
async def test_what_is_wrong_is_said_while_typing(uri: str, name: str, said: str) -> None:
    app, trials = add_host("taken")
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: app.focused is not None)
        app.dialog.query_one("#uri", Input).value = uri
        app.dialog.query_one("#name", Input).value = name
        await until(pilot, lambda: said in words(app))
        await pilot.press("enter")
        await pilot.pause()
        assert trials.asked == []
        assert app.dialog.query_one("#add", Button).disabled


def credentials(prompts: tuple[CredentialPrompt, ...]) -> DialogApp:
    return DialogApp(Credentials(CredentialRequest("rack7", prompts, lambda answer: None)))


ASKED = (
    CredentialPrompt("Enter username for rack7", False, "root"),
    CredentialPrompt("Enter root's password", True),
)


async def test_credentials_are_answered_in_order_and_secrets_are_not_shown() -> None:
    app = credentials(ASKED)
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: app.focused is not None)
        assert "Enter username for rack7" in screen_text(app)
        await pilot.press("enter")
        await until(pilot, lambda: focused(app).id == "answer-1")
        await pilot.press(*"hunter2")
        await pilot.pause()
        assert "hunter2" not in screen_text(app)
        assert "root" in screen_text(app)
        await pilot.press("enter")
        await until(pilot, lambda: app.answer is not PENDING)
    assert app.answer == ("root", "hunter2")


async def test_credentials_declined() -> None:
    app = credentials(ASKED)
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: app.focused is not None)
        await pilot.press(*"x", "escape")
        await until(pilot, lambda: app.answer is not PENDING)
    assert app.answer is None
