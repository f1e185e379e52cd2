"""Taking a device of the host's from a guest that has it."""

from __future__ import annotations

from collections.abc import Iterable

from textual import on
from textual.app import ComposeResult
from textual.widgets import Button, Static

from tuivm.model.offers import HostDevice
from tuivm.model.requests import DetachDevices, When
from tuivm.model.spec import Passed, PassKind
from tuivm.preflight.passing import find_devices, names
from tuivm.screens.devicewords import by_hand, called, device_xml
from tuivm.screens.dialogs.base import Keys, button, paragraph, plain
from tuivm.screens.dialogs.turn import Turn
from tuivm.screens.dialogs.watching import Scene, Side, Watching

_WHEN = (
    (When.BOTH, "now, and from its definition"),
    (When.NOW, "now alone: it has it again at its next boot"),
    (When.NEXT_BOOT, "from its definition: it has it until it stops"),
)
_NOW = ((When.NOW, "now: its definition does not have it"),)
_LATER = ((When.NEXT_BOOT, "from its definition: it does not have it now"),)
_ASKED = (
    "The running guest is asked to let go of it, and may refuse: what it does with the device "
    "breaks off, so unmount or take down there first."
)


class DetachDevice(Watching[DetachDevices]):
    """Answers what is asked of the guest's host; None when the guest keeps it.

    passed: how the guest names it, as far as that is known. device: which one that is on the host,
    None where it is not known; a guest may name the same one in another way.
    """

    DEFAULT_CSS = """
    DetachDevice #dialog { width: 92; }
    DetachDevice .label { color: $text-muted; }
    """
    AUTO_FOCUS = "#cancel"
    dangerous = True

    def __init__(self, scene: Scene, passed: Passed, device: HostDevice | None = None) -> None:
        super().__init__(scene)
        self._passed = passed
        self._known = device
        guest = scene.guest()
        self._guest = guest.guest.name if guest else ""

    @property
    def title_text(self) -> str:
        return f"Detach from {self._guest}"

    @property
    def keys(self) -> Keys:
        turn = "left/right" if self.ascii_only else "← →"
        return (("Tab", "move"), (turn, "change"), ("y", "copy"), ("Esc", "keep it attached"))

    def body(self) -> ComposeResult:
        yield Static(id="device")
        yield Turn[When]("When", id="when")
        yield Static(id="means", classes="gap")
        yield Static(plain("The same on the command line:"), classes="label gap")
        yield Static(id="command")

    def buttons(self) -> Iterable[Button]:
        yield button("Keep", "cancel")
        yield button("Detach", "detach", dangerous=True)

    def _device(self) -> HostDevice | None:
        """As the host has it; None for one that is unplugged, or is one of several alike."""
        if self._known is not None:
            return self.device_now(self._known) or self._known
        offer = self.seen.offer if self.seen else None
        found = find_devices(self._passed, offer) if offer else ()
        return found[0] if len(found) == 1 else None

    def _has(self, side: Side | None) -> Passed | None:
        """As that side of the guest says it."""
        return next((one for one in side.passed if self._means(one)), None) if side else None

    def _means(self, one: Passed) -> bool:
        known = self._known
        return alike(one, self._passed) or (known is not None and names(one, known))

    def _as_named(self) -> Passed:
        """As the guest says it, where it is what is to be changed."""
        seen = self.seen
        sides = (seen.live, seen.defined) if seen else ()
        if self._when is When.NEXT_BOOT:
            sides = sides[::-1]
        found = (self._has(side) for side in sides)
        return next((one for one in found if one is not None), self._passed)

    def _able(self) -> tuple[tuple[When, str], ...]:
        """When it can be, with what that means."""
        if self.seen is None:
            return ()
        now, later = self._has(self.seen.live), self._has(self.seen.defined)
        if now and later:
            return _WHEN
        return _NOW if now else _LATER if later else ()

    @on(Turn.Turned)
    def stand(self) -> None:
        view, device = self.scene.guest(), self._device()
        name = called(device) if device else self._passed.device
        lines = [name]
        if view is not None:
            self._guest = view.guest.name
            lines.append(f"from {view.guest.label}, which is {view.guest.state.value}")
        self.query_one("#device", Static).update(paragraph(lines, "bold"))
        able = self._able()
        turn = self.query_one("#when", Turn)
        turn.offer(able)
        self.query_one("#means", Static).update(paragraph(self._effects()))
        self._show_command(device)
        self.off("detach", self._missing())

    @property
    def _when(self) -> When:
        return self.query_one("#when", Turn).value or When.NEXT_BOOT

    def _effects(self) -> list[str]:
        """What happens to the guest, and on the host."""
        lines = []
        seen = self.seen
        if self._when is not When.NEXT_BOOT:
            lines.append(_ASKED)
        if seen is None or self._passed.kind is PassKind.MDEV:
            return lines
        side = seen.defined if self._when is When.NEXT_BOOT else seen.live
        had = self._has(side)
        if self._passed.kind is PassKind.SCSI:
            lines.append("The host keeps its own driver of it all the while.")
        elif side is not None and had in side.managed:
            whose = "once the guest has let go" if self._when is not When.NEXT_BOOT else "then"
            lines.append(f"libvirt gives it back to the host's driver {whose}.")
        elif had is not None:
            lines.append("It stays with VFIO (managed='no'): return it to the host by hand.")
        return lines

    def _show_command(self, device: HostDevice | None) -> None:
        try:
            xml = device_xml([(self._as_named(), device)])
        except ValueError as error:
            self.command = f"none: {error}"
        else:
            self.command = by_hand(self.scene.uri, "detach-device", self._guest, [xml], self._when)
        self.query_one("#command", Static).update(paragraph(self.command.split("\n")))

    def _missing(self) -> str:
        if trouble := self.trouble():
            return trouble
        if not self._able():
            return f"{self._guest} no longer has it: nothing is to be done."
        return ""

    @on(Button.Pressed, "#detach")
    def _take(self) -> None:
        # Looked at again: the guest may have gone since it was painted.
        self.stand()
        if not self._missing():
            self.dismiss(DetachDevices((self._as_named(),), self._when))

    @on(Button.Pressed, "#cancel")
    def _keep(self) -> None:
        self.dismiss(None)


def alike(one: Passed, other: Passed) -> bool:
    """The same device of the host, whichever way it is named: a VF is a PCI device too."""
    pci = {PassKind.PCI, PassKind.VF}
    if one.nodedev and one.nodedev == other.nodedev:
        return True
    kinds = one.kind == other.kind or {one.kind, other.kind} <= pci
    return kinds and one.device.lower() == other.device.lower()
