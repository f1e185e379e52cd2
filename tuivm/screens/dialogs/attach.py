"""Giving a guest devices of its host's: when, how, and what speaks against it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from textual import on
from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Button, Input, Static

from tuivm.model.findings import Finding
from tuivm.model.offers import HostDevice, HostOffer
from tuivm.model.requests import AttachDevices, When
from tuivm.model.spec import Passed, PassKind
from tuivm.preflight.attaching import Attachment, Target, check_attach, refusals
from tuivm.preflight.groups import Surroundings
from tuivm.preflight.hiding import rom_fault, vendor_id_fault
from tuivm.preflight.passing import VerdictKind, judge, verdict
from tuivm.preflight.passing_costs import is_gpu
from tuivm.screens.create.devicetree import group_of
from tuivm.screens.devicewords import (
    as_passed,
    by_hand,
    called,
    device_xml,
    options_by_hand,
    ways_to_name,
)
from tuivm.screens.dialogs.base import Keys, Tick, button, field, paragraph, plain
from tuivm.screens.dialogs.findings import FindingList, missing_words
from tuivm.screens.dialogs.turn import Turn
from tuivm.screens.dialogs.watching import Scene, Watching

_WHEN = {
    When.BOTH: "now and at each boot",
    When.NOW: "now alone: gone when it stops",
    When.NEXT_BOOT: "at the next boot",
}


class AttachDevice(Watching[AttachDevices]):
    """Answers what is asked of the guest's host; None when nothing is.

    What is found is drawn from what the host says while it is open, not from what was on the
    screen before. devices: those to give, at least one; on_host: what the host was last known to
    have, shown until it has answered.
    """

    DEFAULT_CSS = """
    AttachDevice #dialog { width: 100; }
    AttachDevice .label { color: $text-muted; }
    AttachDevice #members { padding-left: 4; color: $text-muted; }
    AttachDevice #display { height: auto; width: 100%; }
    AttachDevice .field > Static { width: 15; }
    """
    AUTO_FOCUS = "#cancel"

    def __init__(self, scene: Scene, devices: Sequence[HostDevice], on_host: HostOffer) -> None:
        super().__init__(scene)
        self._devices = tuple(devices)
        self._before = on_host
        self._beside: tuple[HostOffer, Sequence[HostDevice]] | None = None
        guest = scene.guest()
        self._guest = guest.guest.name if guest else ""

    @property
    def title_text(self) -> str:
        return f"Attach to {self._guest} on {self._before.host}"

    @property
    def keys(self) -> Keys:
        move = "Tab up/down" if self.ascii_only else "Tab ↑↓"
        turn = "left/right" if self.ascii_only else "← →"
        return (
            (move, "move"),
            (turn, "change"),
            ("Space", "accept"),
            ("PgDn", "scroll"),
            ("y", "copy"),
            ("Esc", "cancel"),
        )

    def body(self) -> ComposeResult:
        yield Static(id="devices")
        yield Static(id="guest", classes="label")
        yield Turn[When]("When", id="when")
        yield Turn[bool]("Known by", id="by")
        yield Tick(plain("take the whole IOMMU group"), id="group")
        yield Static(id="members")
        yield Tick(plain("hide KVM from the guest: drivers of some GPUs want that"), id="hide")
        yield field("Hyper-V vendor", Input(id="vendor", compact=True), id="vendor-row")
        yield field("ROM file", Input(id="rom", compact=True), id="rom-row")
        yield FindingList()
        yield Static(plain("The same on the command line:"), classes="label gap")
        yield Static(id="command")

    def buttons(self) -> Iterable[Button]:
        yield button("Cancel", "cancel")
        yield button("Attach", "attach")

    def on_mount(self) -> None:
        self.query_one("#vendor", Input).placeholder = "as it is"
        self.query_one("#rom", Input).placeholder = "the card's own; else a path on the host"

    # what is asked for

    @property
    def _offer(self) -> HostOffer:
        return (self.seen and self.seen.offer) or self._before

    def _gone(self) -> list[HostDevice]:
        if self.seen is None or self.seen.offer is None:
            return []
        return [one for one in self._devices if self.device_now(one) is None]

    def _chosen(self) -> list[HostDevice]:
        """Those to give as they are now, with the others of the group where it was ticked."""
        devices = [self.device_now(one) or one for one in self._devices]
        if self.query_one("#group", Tick).value:
            devices += self._members()
        return devices

    def _members(self) -> Sequence[HostDevice]:
        """The others of the groups of what was asked for that can be given at all."""
        offer = self._offer
        # Wanted many times for each picture, and on a large host it takes its time.
        if self._beside is None or self._beside[0] is not offer:
            self._beside = offer, _members_beside(self._devices, offer)
        return self._beside[1]

    def _passed(self) -> list[tuple[Passed, HostDevice]]:
        by_port = bool(self.query_one("#by", Turn).value)
        rom = self._rom
        named = []
        for device in self._chosen():
            passed = as_passed(device, self._offer.devices, by_port=by_port)
            if rom and is_gpu(device) and passed.kind in (PassKind.PCI, PassKind.VF):
                passed = passed._replace(rom_file=rom)
            named.append((passed, device))
        return named

    @property
    def _when(self) -> When:
        return self.query_one("#when", Turn).value or When.NEXT_BOOT

    @property
    def _with_gpu(self) -> bool:
        """What is said of displays counts while one of them is among those to give."""
        return any(is_gpu(one) for one in self._chosen())

    @property
    def _hides(self) -> bool:
        return self._with_gpu and self.query_one("#hide", Tick).value

    @property
    def _vendor(self) -> str:
        return self.query_one("#vendor", Input).value.strip() if self._with_gpu else ""

    @property
    def _rom(self) -> str:
        return self.query_one("#rom", Input).value.strip() if self._with_gpu else ""

    # what is shown

    @on(Turn.Turned)
    @on(Tick.Changed)
    @on(Input.Changed)
    @on(FindingList.Changed)
    def stand(self) -> None:
        self._show_what()
        self._show_when()
        attachment = self._attachment()
        if attachment is not None:
            self.query_one(FindingList).show(attachment.findings, attachment.overrides)
            # The host would miss it: the frame says so.
            self.set_class(bool(attachment.overrides), "-dangerous")
        self._show_command()
        self.off("attach", self._missing(attachment))

    def _show_what(self) -> None:
        offer = self._offer
        lines = []
        for device in self._devices:
            now = self.device_now(device) or device
            lines.append(plain(called(now), "bold"))
            lines.append(plain(f"    {verdict(now, offer).words}"))
        self.query_one("#devices", Static).update(Content("\n").join(lines))
        members = self._members()
        self.query_one("#group", Tick).display = bool(members)
        told = self.query_one("#members", Static)
        told.display = bool(members)
        told.update(paragraph(called(one) for one in members))
        usb = [one for one in self._devices if one.kind == "usb"]
        by = self.query_one("#by", Turn)
        by.display = len(usb) == 1 and len(self._devices) == 1
        if by.display:
            by.offer(ways_to_name(usb[0], offer.devices))
        shown = self._with_gpu
        for part in ("#hide", "#vendor-row", "#rom-row"):
            self.query_one(part).display = shown

    def _show_when(self) -> None:
        view, turn = self.scene.guest(), self.query_one("#when", Turn)
        if view is None:
            return
        guest = view.guest
        self._guest = guest.name
        kind = "" if guest.persistent else ", transient: it has no definition"
        self.query_one("#guest", Static).update(
            plain(f"to {guest.label}, which is {guest.state.value}{kind}")
        )
        if not guest.state.active:
            able = [When.NEXT_BOOT]
        elif guest.persistent:
            able = [When.BOTH, When.NOW, When.NEXT_BOOT]
        else:
            able = [When.NOW]
        turn.offer([(when, _WHEN[when]) for when in able])

    def _target(self) -> Target | None:
        """The guest with the options that are chosen, as the host looks at it too."""
        target = self.seen.target if self.seen else None
        if target is None:
            return None
        return target._replace(
            hidden=target.hidden or self._hides, vendor_id=self._vendor or target.vendor_id
        )

    def _attachment(self) -> Attachment | None:
        target = self._target()
        if target is None or self._gone():
            return None
        return check_attach([one for one, _ in self._passed()], self._offer, target, self._when)

    def _show_command(self) -> None:
        try:
            elements = [device_xml([one]) for one in self._passed()]
        except ValueError as error:
            # What is named by a port in which nothing is plugged in any more.
            self.command = f"none: {error}"
        else:
            uri, guest = self.scene.uri, self._guest
            lines = [by_hand(uri, "attach-device", guest, elements, self._when)]
            lines.append(options_by_hand(guest, hide=self._hides, vendor_id=self._vendor, uri=uri))
            self.command = "\n".join(filter(None, lines))
        self.query_one("#command", Static).update(paragraph(self.command.split("\n")))

    def _missing(self, attachment: Attachment | None) -> str:
        """What still stands in the way, "" for nothing."""
        if trouble := self.trouble():
            return trouble
        if gone := self._gone():
            return f"{gone[0].address} is gone from {self._before.host}: nothing is attached."
        if attachment is None:
            return "Not yet: the guest is being looked at."
        if fault := self._option_fault():
            return fault
        return missing_words(self._stops(attachment), self.query_one(FindingList).untyped)

    def _option_fault(self) -> str:
        """What is wrong with what is typed for a display, "" for nothing."""
        if fault := rom_fault(self._rom):
            return f"ROM file: {fault}"
        fault = vendor_id_fault(self._vendor)
        return f"Hyper-V vendor: {fault}" if fault else ""

    def _stops(self, attachment: Attachment) -> tuple[Finding, ...]:
        found = self.query_one(FindingList)
        return refusals(attachment, found.accepted, found.overridden)

    # answering

    @on(Button.Pressed, "#attach")
    def _accept(self) -> None:
        # Looked at again: the guest, the host or the device may have gone since it was painted.
        self.stand()
        if self._missing(self._attachment()):
            return
        found = self.query_one(FindingList)
        self.dismiss(
            AttachDevices(
                tuple(one for one, _ in self._passed()),
                self._when,
                accepted=found.accepted,
                overridden=found.overridden,
                hide_hypervisor=self._hides,
                vendor_id=self._vendor,
            )
        )

    @on(Button.Pressed, "#cancel")
    def _cancel(self) -> None:
        self.dismiss(None)


def _members_beside(devices: Sequence[HostDevice], offer: HostOffer) -> list[HostDevice]:
    found: list[HostDevice] = []
    given = {one.address for one in devices}
    around = Surroundings(offer.devices)
    for device in devices:
        for one in group_of(device, offer.devices):
            said = judge(one, offer, around)
            if one.address not in given and said.kind is not VerdictKind.IMPOSSIBLE:
                given.add(one.address)
                found.append(one)
    return found
