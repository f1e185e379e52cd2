"""What the wizard does besides its steps: saving a spec, the command, the help on its keys."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Protocol

from textual import on
from textual.app import ComposeResult
from textual.widgets import Button, Input, Static

from tuivm.background import off_the_loop
from tuivm.model.creation import CreationPlan
from tuivm.model.offers import HostOffer
from tuivm.model.spec import Spec
from tuivm.screens.dialogs.base import Dialog, Keys, button, field, plain
from tuivm.screens.dialogs.explain import Explain
from tuivm.screens.dialogs.help import Help

_HELP = (
    (
        "between the steps",
        (
            ("Enter", "next", "on to the next step; at a field that holds no value, to that field"),
            ("PgDn PgUp", "steps", "the next step and the one before; nothing is lost"),
            ("ctrl+r", "review", "straight to the review, all else by its defaults"),
            ("Esc", "leave", "leave the wizard; asks first, once something was entered"),
        ),
    ),
    (
        "in a step",
        (
            ("Tab up down", "move", "from field to field"),
            ("left right", "turn", "the next value that can be had, or yes and no"),
            ("Space", "choose", "all values with a note each; edits a row; accepts a warning"),
            ("Delete", "default", "back to the default; removes a row"),
            ("a x", "rows", "add a row, remove the one with the cursor"),
            ("g", "go to", "in the review: to the field that a finding is about"),
        ),
    ),
    (
        "anywhere",
        (
            ("ctrl+s", "save", "write the spec to a file for `tuivm create`"),
            ("F5", "ask again", "ask the host anew what it offers"),
        ),
    ),
)


class Tell(Protocol):
    def __call__(self, text: str, *, bad: bool) -> None: ...


def help_dialog() -> Help:
    return Help("Keys: new guest", _HELP)


def command_dialog(plan: CreationPlan, offer: HostOffer) -> Explain:
    # Its words are wanted by few, and only here.
    from tuivm.model.virtinstall import command, remarks  # noqa: PLC0415

    told = remarks(plan)
    text = "\n".join(("virt-install makes the same guest.", *told))
    return Explain("The same by virt-install", text, command=shell_lines(command(plan, offer)))


def shell_lines(command: Iterable[str]) -> str:
    """An argument a line, quoted as a shell reads it; options begin lines."""
    lines: list[str] = []
    for word in command:
        quoted = shlex.quote(word)
        if lines and not word.startswith("--"):
            lines[-1] += f" {quoted}"
        else:
            lines.append(quoted if not lines else f"  {quoted}")
    return " \\\n".join(lines)


class SaveSpec(Dialog[Path]):
    """Answers the file. secret: the spec holds a password as it was typed."""

    AUTO_FOCUS = "#file"
    note_rows = 1

    def __init__(self, name: str, *, secret: bool = False) -> None:
        super().__init__()
        self._name = name
        self._secret = secret
        self._asked = ""

    @property
    def title_text(self) -> str:
        return "Save the spec"

    @property
    def keys(self) -> Keys:
        return (("Enter", "save"), ("Esc", "cancel"))

    def body(self) -> ComposeResult:
        text = "`tuivm create FILE` makes the guest again, here or on another host."
        yield Static(plain(text))
        if self._secret:
            yield Static(
                plain("The password is written as its hash, not as it was typed.", "$warning")
            )
        yield field("File", Input(self._name, id="file", compact=True))

    def buttons(self) -> Iterable[Button]:
        return (button("Cancel", "cancel"), button("Save", "save"))

    @on(Input.Submitted)
    @on(Button.Pressed, "#save")
    def _save(self) -> None:
        name = self.query_one("#file", Input).value.strip()
        if not name:
            self.note("A file name is needed.")
            return
        try:
            path = Path(name).expanduser()
        except RuntimeError:
            self.note("There is no home directory of that name.")
            return
        self.run_worker(self._look(name, path), group="look", exclusive=True)

    async def _look(self, name: str, path: Path) -> None:
        fault = await off_the_loop(partial(_save_fault, path))
        if fault:
            self.note(fault)
        elif name != self._asked and await off_the_loop(partial(os.path.lexists, path)):
            self._asked = name
            self.note("There is such a file: Enter again writes over it.")
        else:
            self.dismiss(path)

    @on(Button.Pressed, "#cancel")
    def _cancel(self) -> None:
        self.dismiss(None)


def _save_fault(path: Path) -> str:
    try:
        if path.is_dir():
            return "This is a directory: the file's name is missing."
        if not path.absolute().parent.is_dir():
            return "There is no such directory."
    except (OSError, ValueError) as error:
        return f"{getattr(error, 'strerror', None) or error}."
    return ""


def plain_password(spec: Spec) -> bool:
    """It would be written as it was typed."""
    cloud = spec.source.cloud
    return bool(cloud.password) and not cloud.password.startswith("$")


async def save(spec: Spec, path: Path, told: Tell) -> None:
    """Write a spec to a file; tells how it went."""
    try:
        await off_the_loop(partial(_write, spec, path))
    except (OSError, ValueError) as error:
        told(f"cannot write {path}: {getattr(error, 'strerror', None) or error}", bad=True)
    else:
        told(f"spec written to {path}", bad=False)


def _write(spec: Spec, path: Path) -> None:
    from tuivm.specfile import dump  # noqa: PLC0415 - when a spec is saved

    if plain_password(spec):
        # To hash takes long on purpose, and its library a while to import.
        from tuivm.cloudseed import hashed  # noqa: PLC0415

        cloud = spec.source.cloud
        cloud = cloud._replace(password=hashed(cloud.password))
        spec = spec._replace(source=spec.source._replace(cloud=cloud))
    text = dump(spec)
    # Whoever may read a hash may guess at it.
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
    with os.fdopen(os.open(path, flags, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
