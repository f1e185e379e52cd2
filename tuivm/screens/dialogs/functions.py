"""Virtual functions (SR-IOV): how many a physical function has, and a network that hands them out
to guests."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from textual import on
from textual.app import ComposeResult
from textual.widgets import Button, Input, Static

from tuivm.model.hostrequests import MakeFunctionPool, SetFunctions
from tuivm.model.hostshell import functions_command
from tuivm.model.offers import HostDevice
from tuivm.screens.devicewords import called, pool_xml
from tuivm.screens.dialogs.base import Keys, Tick, button, field, paragraph, plain
from tuivm.screens.dialogs.explain import xml_content
from tuivm.screens.dialogs.rename import name_fault
from tuivm.screens.dialogs.watching import Scene, Watching

_NETWORK_CLASS = "02"
"""PCI's base class."""
_LISTED = 6
"""VFs named one by one; the others are counted."""


class SetVfs(Watching[SetFunctions]):
    """Answers what is asked of the host; None when the number stays. On another machine it cannot
    be done from here: the command is shown."""

    DEFAULT_CSS = """
    SetVfs #dialog { width: 92; }
    SetVfs .label { color: $text-muted; }
    SetVfs .field > Static { width: 15; }
    """
    AUTO_FOCUS = "#number"

    def __init__(self, scene: Scene, device: HostDevice, host: str, *, local: bool) -> None:
        super().__init__(scene)
        self._device = device
        self._host = host
        self._local = local

    @property
    def title_text(self) -> str:
        return f"Virtual functions of {self._device.address} on {self._host}"

    @property
    def keys(self) -> Keys:
        copy = (("Ctrl+Y", "copy the command"), ("Esc", "cancel"))
        return (("Enter", "set"), *copy) if self._local else copy

    def body(self) -> ComposeResult:
        yield Static(plain(called(self._device), "bold"))
        yield Static(id="state")
        number = str(len(self._device.virtual_functions))
        yield field("Number of VFs", Input(number, id="number", compact=True, max_length=4))
        yield Static(id="goes", classes="gap")
        yield Static(id="where", classes="label gap")
        yield Static(id="command")

    def buttons(self) -> Iterable[Button]:
        yield button("Cancel" if self._local else "Close", "cancel")
        if self._local:
            yield button("Set", "set")

    @property
    def _now(self) -> HostDevice:
        return self.device_now(self._device) or self._device

    @on(Input.Changed)
    def stand(self) -> None:
        now = self._now
        count, most = len(now.virtual_functions), now.max_functions
        self.query_one("#state", Static).update(plain(f"now {count}, at most {most}"))
        self.query_one("#goes", Static).update(paragraph(self._goes()))
        where = (
            "The same on the command line:"
            if self._local
            else "libvirt cannot do that, and tuivm writes to no other machine. Run there:"
        )
        self.query_one("#where", Static).update(plain(where))
        self.command = self._by_hand(self._number)
        self.query_one("#command", Static).update(paragraph(self.command.split("\n"), "bold"))
        if self._local:
            self.off("set", self._missing())
        else:
            self.note(self._missing())

    @property
    def _number(self) -> int | None:
        text = self.query_one("#number", Input).value.strip()
        return int(text) if text.isascii() and text.isdigit() else None

    def _by_hand(self, wanted: int | None) -> str:
        now = self._now
        current = len(now.virtual_functions)
        return (
            ""
            if wanted is None
            else functions_command(self.scene.uri, now.address, wanted, current)
        )

    def _functions(self) -> list[HostDevice]:
        offer = self.seen.offer if self.seen else None
        there = {one.address: one for one in offer.devices if one.kind == "pci"} if offer else {}
        missing = HostDevice("pci", "", "")
        return [
            there.get(name, missing._replace(address=name)) for name in self._now.virtual_functions
        ]

    def _used(self) -> list[HostDevice]:
        return [one for one in self._functions() if one.used_by or one.critical]

    def _goes(self) -> list[str]:
        """The VFs that there are: all go before others come."""
        functions = self._functions()
        if not functions:
            return ["No VF is there now."]
        lines = ["These go first, whatever the new number is:"]
        for one in functions[:_LISTED]:
            users = ", ".join((*one.critical, *one.used_by))
            lines.append(f"  {one.address}" + (f"  in use by {users}" if users else "  free"))
        if len(functions) > _LISTED:
            lines.append(f"  and {len(functions) - _LISTED} more")
        return lines

    def _missing(self) -> str:
        if trouble := self.trouble():
            return trouble
        now = self.device_now(self._device)
        if now is None:
            return f"{self._device.address} is gone from {self._host}: nothing is done."
        if self._number is None or self._number > now.max_functions:
            return f"A number from 0 to {now.max_functions} is needed."
        if self._number == len(now.virtual_functions):
            return f"It has {self._number} already."
        if used := self._used():
            users = ", ".join((*used[0].critical, *used[0].used_by))
            return f"{used[0].address} is in use by {users}: take it from there first."
        return ""

    @on(Input.Submitted)
    @on(Button.Pressed, "#set")
    def _set(self) -> None:
        self.stand()
        wanted = self._number
        if self._local and wanted is not None and not self._missing():
            self.dismiss(SetFunctions(self._device.address, wanted))

    @on(Button.Pressed, "#cancel")
    def _cancel(self) -> None:
        self.dismiss(None)


class MakeVfPool(Watching[MakeFunctionPool]):
    """Answers the network to be made; None for none. taken: why a name cannot be had, "" when it
    can."""

    DEFAULT_CSS = """
    MakeVfPool #dialog { width: 92; }
    MakeVfPool .label { color: $text-muted; }
    """
    AUTO_FOCUS = "#name"

    def __init__(
        self, scene: Scene, device: HostDevice, host: str, taken: Callable[[str], str]
    ) -> None:
        super().__init__(scene)
        self._device = device
        self._host = host
        self._taken = taken

    @property
    def title_text(self) -> str:
        return f"A network of the VFs of {self._device.address} on {self._host}"

    def body(self) -> ComposeResult:
        yield Static(plain(called(self._device), "bold"))
        yield Static(id="state")
        yield field("Name", Input(self._first_name(), id="name", compact=True))
        yield Tick(plain("start it with the host"), True, id="autostart")
        means = (
            "Each guest NIC on this network gets a VF of the card, whichever is free then: guests "
            "name the network, not an address, so they can move to a host with another card."
        )
        yield Static(plain(means), classes="gap")
        yield Static(plain("virsh net-define with this, then net-start:"), classes="label gap")
        yield Static(id="xml")

    def buttons(self) -> Iterable[Button]:
        yield button("Cancel", "cancel")
        yield button("Make", "make")

    def _first_name(self) -> str:
        name = next(iter(self._device.interfaces), "vf")
        return f"{name}-vfs"

    @property
    def _typed(self) -> str:
        return self.query_one("#name", Input).value

    @on(Input.Changed)
    def stand(self) -> None:
        now = self.device_now(self._device) or self._device
        count = len(now.virtual_functions)
        have = f"{count} VFs now" if count else "it has no VF now: set their number first"
        self.query_one("#state", Static).update(plain(have))
        missing = self._missing()
        if not name_fault(self._typed):
            self.query_one("#xml", Static).update(xml_content(pool_xml(self._typed, now)))
        self.off("make", missing)

    def _missing(self) -> str:
        if trouble := self.trouble():
            return trouble
        now = self.device_now(self._device)
        if now is None:
            return f"{self._device.address} is gone from {self._host}: nothing is made."
        if why := no_pool(now):
            return why
        return name_fault(self._typed) or self._taken(self._typed)

    @on(Input.Submitted)
    @on(Button.Pressed, "#make")
    def _make(self) -> None:
        self.stand()
        if not self._missing():
            start = self.query_one("#autostart", Tick).value
            self.dismiss(MakeFunctionPool(self._typed, self._device.address, start))

    @on(Button.Pressed, "#cancel")
    def _cancel(self) -> None:
        self.dismiss(None)


def no_pool(device: HostDevice) -> str:
    """Why no network can hand out VFs of this device, "" when one can."""
    if not device.class_.startswith(_NETWORK_CLASS):
        return f"{device.address} is no NIC: give its VFs to guests one by one"
    if not device.virtual_functions:
        return f"{device.address} has no VF that could be handed out: set their number first"
    if not device.interfaces:
        return f"{device.address} has no network interface: its driver does not have it now"
    return ""
