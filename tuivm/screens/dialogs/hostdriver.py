"""Taking a device from the host's driver, for VFIO, and giving it back."""

from __future__ import annotations

from collections.abc import Iterable

from textual import on
from textual.app import ComposeResult
from textual.widgets import Button, Static

from tuivm.model.hostrequests import DetachFromHost, ReturnToHost
from tuivm.model.offers import HostDevice
from tuivm.preflight.attaching import Attachment, refusals
from tuivm.preflight.groups import is_vfio
from tuivm.preflight.passing import verdict
from tuivm.preflight.taking import check_take
from tuivm.screens.devicewords import called
from tuivm.screens.dialogs.base import Keys, button, plain
from tuivm.screens.dialogs.findings import FindingList, missing_words
from tuivm.screens.dialogs.watching import Scene, Watching
from tuivm.screens.explaining import virsh_at


class TakeFromHost(Watching[DetachFromHost]):
    """Answers what is asked of the host; None when the device stays."""

    DEFAULT_CSS = """
    TakeFromHost #dialog { width: 92; }
    TakeFromHost .label { color: $text-muted; }
    """
    AUTO_FOCUS = "#cancel"
    dangerous = True

    def __init__(self, scene: Scene, device: HostDevice, host: str) -> None:
        super().__init__(scene)
        self._device = device
        self._host = host
        self.command = virsh_at(scene.uri, "nodedev-detach", device.nodedev)

    @property
    def title_text(self) -> str:
        return f"Take from the host's driver: {self._device.address} on {self._host}"

    @property
    def keys(self) -> Keys:
        move = "Tab up/down" if self.ascii_only else "Tab ↑↓"
        return ((move, "move"), ("Space", "accept"), ("y", "copy"), ("Esc", "leave it"))

    def body(self) -> ComposeResult:
        yield Static(plain(called(self._device), "bold"))
        yield Static(id="verdict")
        yield Static(plain(_taken(self._device)), id="means", classes="gap")
        yield FindingList()
        yield Static(plain("The same on the command line:"), classes="label gap")
        yield Static(plain(self.command))

    def buttons(self) -> Iterable[Button]:
        yield button("Leave", "cancel")
        yield button("Take", "take", dangerous=True)

    def _checked(self) -> Attachment | None:
        """As the host checks it just before, too."""
        now = self.device_now(self._device)
        offer = self.seen.offer if self.seen else None
        return check_take(now, offer) if now and offer else None

    @on(FindingList.Changed)
    def stand(self) -> None:
        checked = self._checked()
        if checked is not None and self.seen is not None and self.seen.offer is not None:
            words = verdict(checked.devices[0], self.seen.offer).words
            self.query_one("#verdict", Static).update(plain(words))
            self.query_one(FindingList).show(checked.findings, checked.overrides)
        self.off("take", self._missing(checked))

    def _missing(self, checked: Attachment | None) -> str:
        if trouble := self.trouble():
            return trouble
        now = self.device_now(self._device)
        if checked is None or now is None:
            return f"{self._device.address} is gone from {self._host}: nothing is done."
        if is_vfio(now.driver):
            return f"{now.address} is with {now.driver} already."
        found = self.query_one(FindingList)
        stops = refusals(checked, found.accepted, found.overridden)
        return missing_words(stops, found.untyped)

    @on(Button.Pressed, "#take")
    def _take(self) -> None:
        # Looked at again: the device may have gone since it was painted.
        self.stand()
        if not self._missing(self._checked()):
            found = self.query_one(FindingList)
            nodedev = self._device.nodedev
            self.dismiss(DetachFromHost(nodedev, found.accepted, found.overridden))

    @on(Button.Pressed, "#cancel")
    def _leave(self) -> None:
        self.dismiss(None)


class GiveBack(Watching[ReturnToHost]):
    """Answers what is asked of the host; None when the device stays with VFIO."""

    DEFAULT_CSS = """
    GiveBack #dialog { width: 92; }
    GiveBack .label { color: $text-muted; }
    """
    AUTO_FOCUS = "#return"

    def __init__(self, scene: Scene, device: HostDevice, host: str) -> None:
        super().__init__(scene)
        self._device = device
        self._host = host
        self.command = virsh_at(scene.uri, "nodedev-reattach", device.nodedev)

    @property
    def keys(self) -> Keys:
        return (("Enter", "return"), ("y", "copy"), ("Esc", "leave it"))

    @property
    def title_text(self) -> str:
        return f"Return to the host's driver: {self._device.address} on {self._host}"

    def body(self) -> ComposeResult:
        yield Static(plain(called(self._device), "bold"))
        yield Static(id="state")
        means = "The host's own driver for it takes it, if it has one, and what it serves comes up."
        yield Static(plain(means), classes="gap")
        yield Static(plain("The same on the command line:"), classes="label gap")
        yield Static(plain(self.command))

    def buttons(self) -> Iterable[Button]:
        yield button("Leave", "cancel")
        yield button("Return", "return")

    def stand(self) -> None:
        now = self.device_now(self._device) or self._device
        driver = f"its driver now is {now.driver}" if now.driver else "it has no driver now"
        users = f"; in use by {', '.join(now.used_by)}" if now.used_by else ""
        self.query_one("#state", Static).update(plain(driver + users))
        self.off("return", self._missing())
        if self.focused is None and self.seen is not None:
            # Not before the host has answered: a button that is off takes no focus.
            wanted = self.query_one("#return", Button)
            (self.query_one("#cancel", Button) if wanted.disabled else wanted).focus()

    def _missing(self) -> str:
        if trouble := self.trouble():
            return trouble
        now = self.device_now(self._device)
        if now is None:
            return f"{self._device.address} is gone from {self._host}: nothing is done."
        if now.driver and not is_vfio(now.driver):
            return f"{now.address} is with the host's driver {now.driver} already."
        if users := self._running_users(now):
            return f"It is in use by {', '.join(users)}: detach it there first."
        return ""

    def _running_users(self, now: HostDevice) -> list[str]:
        offer = self.seen.offer if self.seen else None
        active = {f"guest {name}" for name, _, active in (offer.guests if offer else ()) if active}
        return [one for one in now.used_by if one in active]

    @on(Button.Pressed, "#return")
    def _return(self) -> None:
        # Looked at again: the device may have gone since it was painted.
        self.stand()
        if not self._missing():
            self.dismiss(ReturnToHost(self._device.nodedev))

    @on(Button.Pressed, "#cancel")
    def _leave(self) -> None:
        self.dismiss(None)


def _taken(device: HostDevice) -> str:
    driver = device.driver or "no driver"
    return (
        f"The host's driver ({driver}) lets go of it, and VFIO keeps it for guests until it is "
        "returned or the host boots. What it serves on the host is gone meanwhile. A guest that "
        "has it managed by libvirt needs none of this: it is taken at the start by itself."
    )
