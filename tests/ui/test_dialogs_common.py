"""What holds for every dialog: small terminals, Esc, ASCII, nothing read as markup."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.ui.dialog_support import (
    NASTY,
    NASTY_SHOWN,
    DialogApp,
    all_ascii,
    fits_small,
    full_text,
    screen_text,
    stands_resizing,
    until,
)
from tuivm.model.consoles import Display, SerialPort, Views
from tuivm.model.conversion import Changed, Conversion, Convertible, Option
from tuivm.model.deletion import DeletionFacts, DeletionPlan, VolumeChoice, VolumeFacts
from tuivm.model.devices import Device, DeviceClass, DeviceKind
from tuivm.model.findings import Finding, Severity
from tuivm.model.guests import GuestKey
from tuivm.model.hosts import Problem
from tuivm.model.notices import Notice
from tuivm.model.ports import CredentialPrompt, CredentialRequest, Trial
from tuivm.model.requests import Outcome, Step
from tuivm.screens.dialogs.add_host import AddHost
from tuivm.screens.dialogs.base import Dialog
from tuivm.screens.dialogs.change_models import ChooseModels, ReviewModels
from tuivm.screens.dialogs.choose import Choose
from tuivm.screens.dialogs.columns import ChooseColumns
from tuivm.screens.dialogs.confirm import Confirm
from tuivm.screens.dialogs.credentials import Credentials
from tuivm.screens.dialogs.delete_guest import DeleteGuest
from tuivm.screens.dialogs.explain import Explain
from tuivm.screens.dialogs.help import Help
from tuivm.screens.dialogs.look_at import LookAt
from tuivm.screens.dialogs.notices import Notices
from tuivm.screens.dialogs.progress import BulkProgress
from tuivm.screens.dialogs.rename import RenameGuest
from tuivm.screens.dialogs.shutdown import ShutDown

KEY = GuestKey("local", "1")


async def refuse(uri: str, readonly: bool) -> Trial:
    return Trial(problem=Problem("no"))


def deletion(name: str) -> DeletionPlan:
    volume = VolumeFacts(name, name, name, "raw", 1, 1, (name,), (name,), (name,), name)
    facts = DeletionFacts(name, "0123456789ab", True, True, (volume,), incomplete=(name,))
    return DeletionPlan(
        facts, (name,), (VolumeChoice(volume, warning=name), VolumeChoice(volume, name))
    )


def makers(name: str) -> dict[str, Callable[[], Dialog[Any]]]:
    """Every dialog, with a text from outside wherever one can come in."""
    problem = Problem(name, name, name, name)
    hda = Device(DeviceKind.DISK, DeviceClass.EMULATED, name, name, "ide", name)
    vda = hda._replace(cls=DeviceClass.PARAVIRTUAL)
    becomes = Option("virtio", name, DeviceClass.PARAVIRTUAL, name)
    refused = Option("ide", name, DeviceClass.EMULATED, name, name)
    convertible = Convertible(hda, (becomes, refused))
    changed = Changed(hda, vda, (name,))
    conversion = Conversion("", "", (changed,), (f"-{name}", f"+{name}", f" {name}"))
    findings = [Finding("x", severity, name, name, name) for severity in Severity]
    ports = (SerialPort(name, name), SerialPort("serial1", name, name))
    looks = Views(ports, (Display(name, name), Display("vnc")))
    return {
        "choose_models": lambda: ChooseModels(name, [convertible], {hda: "virtio"}),
        "review_models": lambda: ReviewModels(name, conversion, findings, active=True),
        "add_host": lambda: AddHost(refuse, (name,)),
        "choose": lambda: Choose(
            name, [(name, name, name, ""), ("b", name, "", name)], lines=[name]
        ),
        "columns": lambda: ChooseColumns([("a", name, name), ("b", name, name)], ("a",), name),
        "confirm": lambda: Confirm(name, (name, name), name, dangerous=True),
        "credentials": lambda: Credentials(
            CredentialRequest(
                name,
                (CredentialPrompt(name, False, "root"), CredentialPrompt(name, True)),
                lambda answer: None,
            )
        ),
        "delete": lambda: DeleteGuest(deletion(name)),
        "delete-refused": lambda: DeleteGuest(
            DeletionPlan(DeletionFacts(name, "0", False, True), (), (), refused=name)
        ),
        "explain": lambda: Explain(name, name, f"<name>{name}</name>", f"virsh dumpxml {name}"),
        "help": lambda: Help(name, [(name, [(name, name, name)])]),
        "look_at": lambda: LookAt(name, looks, off=True, commands=(name,)),
        "look_at-nothing": lambda: LookAt(name, Views(), off=False, commands=(name,)),
        "notices": lambda: Notices([Notice(0.0, name, name, name, True)]),
        "notices-empty": lambda: Notices([]),
        "progress": lambda: BulkProgress(
            name,
            [(KEY, name), (GuestKey("local", "2"), name)],
            {KEY: Outcome(problem, (Step(name), Step(name, False, name)))},
        ),
        "rename": lambda: RenameGuest(name, lambda new: ""),
        "shutdown": lambda: ShutDown([name], name),
    }


NAMES = tuple(makers("x"))


@pytest.mark.parametrize("which", NAMES)
async def test_resizing_to_nothing_and_back(which: str) -> None:
    await stands_resizing(makers("web-1")[which], False if which == "confirm" else None)


@pytest.mark.parametrize("which", NAMES)
async def test_a_small_terminal_is_enough(which: str) -> None:
    await fits_small(makers("web-1")[which])


@pytest.mark.parametrize("which", NAMES)
async def test_ascii(which: str) -> None:
    await all_ascii(makers("web-1")[which])


@pytest.mark.parametrize(
    "which", [name for name in NAMES if name not in ("add_host", "notices-empty")]
)
async def test_names_are_shown_as_they_are(which: str) -> None:
    app = DialogApp(makers(NASTY)[which]())
    async with app.run_test(size=(120, 50)) as pilot:
        await until(pilot, lambda: app.screen is app.dialog)
        await pilot.pause()
        painted = full_text(app)
        strips = app.screen._compositor.render_strips()
        painted += "\n".join(strip.text for strip in strips)
        assert NASTY_SHOWN in painted
        assert "\x1b" not in painted
        assert "\u202e" not in painted


@pytest.mark.parametrize("which", NAMES)
async def test_a_very_long_name_breaks_nothing(which: str) -> None:
    app = DialogApp(makers("界" * 127 + "x")[which]())
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: app.screen is app.dialog)
        await pilot.press("tab", "pagedown", "pageup", "tab", "escape")
        await until(pilot, lambda: app.screen is not app.dialog)


@pytest.mark.parametrize("theme", ["ansi", "light", "high-contrast", "monochrome"])
async def test_every_theme_paints_all_of_them(theme: str) -> None:
    every = [make() for make in makers("web-1").values()]
    app = DialogApp(every[0])
    app.theme = theme
    async with app.run_test(size=(80, 24)) as pilot:
        for dialog in every:
            if dialog is not every[0]:
                app.push_screen(dialog)
            await until(pilot, lambda one=dialog: app.screen is one)  # type: ignore[misc]
            await until(pilot, lambda one=dialog: one.title_text in screen_text(app))  # type: ignore[misc]
            app.pop_screen()
