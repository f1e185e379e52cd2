"""What the program shows of itself: its commands, keys, notices and themes, a picture of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from textual.command import CommandPalette

from tuivm.background import off_the_loop
from tuivm.commands import COMMANDS
from tuivm.config import Loaded
from tuivm.desk import DeskApp
from tuivm.keynames import key_name
from tuivm.options import Options
from tuivm.screens.place import PlaceScreen
from tuivm.themes import Themes


class OwnDialogs(DeskApp):
    """The program's own commands that concern no host and no guest. themes: to choose from."""

    def __init__(
        self,
        options: Options,
        loaded: Loaded,
        themes: Themes,
        *,
        clock: Callable[[], float],
        wall: Callable[[], float],
    ) -> None:
        self._themes = themes
        super().__init__(options, loaded, clock=clock, wall=wall)

    def place_in_front(self) -> PlaceScreen | None:
        """The place in front, or behind the dialog that is in front."""
        return next((s for s in reversed(self.screen_stack) if isinstance(s, PlaceScreen)), None)

    def do_program_palette(self) -> None:
        self.push_screen(CommandPalette(placeholder="a command, or a word of its help"))

    def do_program_suspend(self) -> None:
        self.action_suspend_process()

    def do_program_help(self) -> None:
        place = self.place_in_front()
        if place is None:
            return
        groups: dict[str, list[tuple[str, str, str]]] = {}
        for command in COMMANDS:
            if place.place in command.places:
                keys = " ".join(key_name(key) for key in self.keys_of(command.id))
                groups.setdefault(command.group, []).append((keys, command.label, command.help()))
        from tuivm.screens.dialogs.help import Help  # noqa: PLC0415 - when it opens

        self.push_screen(Help(f"Keys: {place.place}", list(groups.items())))

    def do_program_notices(self) -> None:
        from tuivm.screens.dialogs.notices import Notices  # noqa: PLC0415 - when it opens

        self.push_screen(Notices(list(self.notices)))

    def do_program_theme(self) -> None:
        options = [(theme.name, theme.name, "", "") for theme in self._themes.themes]

        def change(name: str | None) -> None:
            if name is not None:
                self.theme = name
                self.keep("theme", name)

        from tuivm.screens.dialogs.choose import Choose  # noqa: PLC0415 - when it opens

        self.push_screen(Choose("Theme", options, self.theme), change)

    def do_program_picture(self) -> None:
        svg = self.export_screenshot(title="tuivm")
        path = Path.cwd() / time.strftime("tuivm-%Y%m%d-%H%M%S.svg")
        self.run_worker(self._write_picture(path, svg), group="picture")

    async def _write_picture(self, path: Path, svg: str) -> None:
        try:
            await off_the_loop(partial(path.write_text, svg, encoding="utf-8"))
        except OSError as error:
            self.say(f"cannot write {path}: {error.strerror}", bad=True)
        else:
            self.say(f"picture written to {path}")
