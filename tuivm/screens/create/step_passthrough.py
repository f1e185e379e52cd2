"""The wizard's step "Passthrough": the host's devices as a tree, each with its verdict."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Static

from tuivm.model.findings import Severity
from tuivm.model.offers import HostDevice
from tuivm.model.spec import Passed, Spec
from tuivm.model.units import visible
from tuivm.preflight.hiding import rom_fault, vendor_id_fault
from tuivm.preflight.iommu import iommu_findings
from tuivm.preflight.passing import Verdict, VerdictKind, verdicts
from tuivm.preflight.passing_costs import is_gpu
from tuivm.screens.create.choices import ListField, Row, Rows
from tuivm.screens.create.devicetree import (
    Branch,
    alike,
    group_of,
    is_of,
    is_ticked,
    named,
    overridden,
    short_address,
    tree,
    turned,
)
from tuivm.screens.create.draft import Draft
from tuivm.screens.create.fields import Field, SwitchField, TextField, finding_line
from tuivm.screens.create.overriding import Override
from tuivm.screens.create.picks import completed
from tuivm.screens.create.step import Step
from tuivm.screens.hostpages.devicelines import look_of
from tuivm.widgets.itemlist import ItemList

_HIDING = "the guest does not see KVM's signature: drivers of some GPUs refuse to work else"
_VENDOR = "what the guest sees as Hyper-V's, for the same drivers; up to 12 characters"
_ROM = "of the card, shown to the guest instead of the card's own: a path on the host"
NO_IOMMU = (
    "No IOMMU group: PCI devices cannot be passed through. Turn VT-d or AMD-Vi on in the firmware, "
    "add intel_iommu=on (Intel) to the host's kernel command line, and reboot. USB needs none."
)


class PassthroughStep(Step):
    """Rows with tick boxes; what is under the cursor is explained below."""

    title = "Passthrough"
    about = "Devices of the host's that the guest shall have to itself."
    keys: ClassVar[tuple[str, ...]] = (
        "passthrough",
        "machine.hide_hypervisor",
        "machine.vendor_id",
    )

    DEFAULT_CSS = """
    PassthroughStep { overflow-y: hidden; }
    PassthroughStep .remark { height: auto; color: $warning; }
    PassthroughStep ListField { height: 1fr; }
    PassthroughStep ListField > .field-row { height: 1fr; }
    PassthroughStep ListField > .field-row > .field-label { display: none; }
    PassthroughStep ListField > .field-said { padding-left: 0; }
    PassthroughStep ListField Rows { max-height: 100%; }
    PassthroughStep .detail { height: auto; max-height: 9; border-top: solid $panel; }
    PassthroughStep.-ascii .detail { border-top: ascii $panel; }
    """

    def compose(self) -> ComposeResult:
        yield Static(classes="remark")
        yield ListField("passthrough", "Devices")
        yield SwitchField("machine.hide_hypervisor", "Hide KVM", _HIDING)
        yield TextField(
            "machine.vendor_id", "Hyper-V vendor", _VENDOR, check=vendor_id_fault, id="vendor"
        )
        yield TextField("passthrough.rom_file", "ROM file", _ROM, check=rom_fault, id="rom")
        yield Static(classes="detail")

    def on_mount(self) -> None:
        # A default stylesheet cannot speak of the program around its own widget.
        self.set_class(self._ascii, "-ascii")

    @property
    def _ascii(self) -> bool:
        return self.app.has_class("-ascii")

    def fill(self, draft: Draft) -> None:
        devices, self._passed = draft.offered.devices, completed(draft).full.passed
        self._branches = {_item(branch): branch for branch in tree(devices, self._passed)}
        self._verdicts = verdicts(draft.offered, draft.spec)
        rows = [
            Row(self._row(branch), item if _can_be_on(branch) else None)
            for item, branch in self._branches.items()
        ]
        field = self.query_one(ListField)
        field.display = bool(rows)
        field.show(rows)
        self.query_one(Rows).styles.height = "1fr"
        self._fill_display(draft)
        remark = self.query_one(".remark", Static)
        text = _remark(draft)
        remark.display = bool(text)
        remark.update(Content(visible(text)))
        self._explain()

    def _fill_display(self, draft: Draft) -> None:
        """What some GPUs want matters with a display alone, or once it was said."""
        machine, devices = draft.spec.machine, draft.offered.devices
        display = any(
            is_gpu(device) and is_ticked(self._passed, device, devices) for device in devices
        )
        hide = self.query_one(SwitchField)
        hide.show(machine.hide_hypervisor or None)
        vendor = self.query_one("#vendor", TextField)
        vendor.show(machine.vendor_id)
        hide.display = vendor.display = bool(
            display or machine.hide_hypervisor or machine.vendor_id
        )
        # Of several cards each has a ROM of its own: a spec file can say which.
        cards = _cards(draft)
        rom = self.query_one("#rom", TextField)
        rom.display = len(cards) == 1
        if rom.display:
            rom.show(cards[0].rom_file)

    def edited(self, field: Field, draft: Draft) -> Spec:
        spec = draft.spec
        if isinstance(field, SwitchField):
            return spec._replace(machine=spec.machine._replace(hide_hypervisor=bool(field.value)))
        value = str(field.value)
        if field.id == "vendor":
            return spec._replace(machine=spec.machine._replace(vendor_id=value))
        cards = _cards(draft)
        passed = (one._replace(rom_file=value) if one in cards else one for one in spec.passed)
        return spec._replace(passed=tuple(passed))

    def _row(self, branch: Branch) -> Content:
        if branch.gone is not None:
            return Content.assemble("[x] ", (visible(branch.text), "$warning"))
        device = branch.device
        if device is None:
            return Content.styled(visible(branch.text), "bold")
        said = self._verdicts[device.kind, device.address]
        look = look_of(said, ascii_only=self._ascii)
        ticked = is_ticked(self._passed, device, self.draft.offered.devices)
        mark = "[x]" if ticked else "[ ]" if _able(said) else " - "
        below = ("`- " if self._ascii else "└ ") if branch.depth else ""
        return Content.assemble(
            f"{mark} ",
            (f"{look.glyph} {look.word:<10} ", f"$state-{look.role}"),
            visible(f"{below}{short_address(device)}  {named(device)}"),
        )

    def on_item_list_moved(self, event: ItemList.Moved) -> None:
        event.stop()
        self._explain()

    def _explain(self) -> None:
        self.query_one(".detail", Static).update(Content("\n").join(self._about()))

    def _about(self) -> list[Content]:
        branch = self._branches.get(self.query_one(ListField).value)
        if branch is None:
            return [Content(_NOTHING)]
        if branch.gone is not None:
            return [Content("It is not on the host now; Space takes it out of the guest.")]
        device = branch.device
        assert device is not None
        said = self._verdicts[device.kind, device.address]
        look = look_of(said, ascii_only=self._ascii)
        lines = [Content.styled(visible(_identity(device)), "bold")]
        words = f"{look.glyph} {visible(said.words)}"
        lines.append(Content.styled(words, f"$state-{look.role}"))
        if said.kind is VerdictKind.WITH_GROUP:
            lines.append(Content("Space takes the whole group."))
        elif self._by_preset(device):
            lines.append(Content("Taken by the device preset; another preset gives it back."))
        elif is_ticked(self.draft.spec.passed, device, self.draft.offered.devices):
            others = ", ".join(short_address(one) for one in self._together(device))
            lines += [Content(visible(f"With its whole group: {others}"))] if others else []
        for finding in said.findings:
            if finding.severity is Severity.ERROR:
                lines += (
                    [Content(visible(f"What to do: {finding.remedy}"))] if finding.remedy else []
                )
            elif finding.id != "pass-group":
                lines.append(finding_line(finding, ascii_only=self._ascii))
        if said.override:
            lines.append(Content("Space asks for its address, and takes it then."))
        if device.kind == "usb":
            lines.append(Content(visible(self._by(device))))
        return lines

    def _by_preset(self, device: HostDevice) -> bool:
        """Nobody ticked it: the preset did."""
        devices = self.draft.offered.devices
        said = is_ticked(self.draft.spec.passed, device, devices)
        return not said and is_ticked(self._passed, device, devices)

    def _by(self, device: HostDevice) -> str:
        if alike(device, self.draft.offered.devices):
            return f"Two are alike: this one is known by its port, {device.address}."
        return f"Known by vendor:product {device.ids}, whichever port it is in."

    def _together(self, device: HostDevice) -> list[HostDevice]:
        """The others of its IOMMU group, as far as they can be passed through at all."""
        return [
            one
            for one in group_of(device, self.draft.offered.devices)
            if self._verdicts[one.kind, one.address].kind is not VerdictKind.IMPOSSIBLE
        ]

    def on_list_field_asked(self, event: ListField.Asked) -> None:
        event.stop()
        branch = self._branches.get(event.item)
        if branch is None or event.what == "add":
            return
        passed = self.draft.spec.passed
        if branch.gone is not None:
            self._pass(tuple(one for one in passed if one != branch.gone))
            return
        device = branch.device
        assert device is not None
        said = self._verdicts[device.kind, device.address]
        ticked = is_ticked(passed, device, self.draft.offered.devices)
        if self._by_preset(device):
            return
        # What was ticked can always be unticked, whatever has become of it.
        if ticked or (_able(said) and event.what != "remove"):
            self._turn(device)
        elif said.override and event.what != "remove":
            self._ask_override(device, said)

    def _turn(self, device: HostDevice, over: Sequence[HostDevice] = ()) -> None:
        """over: those that are taken in spite of their verdicts."""
        devices = self.draft.offered.devices
        passed = turned(self.draft.spec.passed, device, devices, self._together(device))
        self._pass(tuple(overridden(one, over, devices) for one in passed))

    def _ask_override(self, device: HostDevice, said: Verdict) -> None:
        def answered(yes: bool | None) -> None:
            if not yes:
                return
            if self._verdicts.get((device.kind, device.address)) != said:
                words = f"{device.address} is not taken: what is known of it has changed meanwhile"
                self.notify(visible(words), severity="warning", markup=False)
                return
            group = (device, *self._together(device))
            over = [one for one in group if self._verdicts[one.kind, one.address].override]
            self._turn(device, over)

        self.app.push_screen(Override(device, said.words, said.findings), answered)

    def _pass(self, passed: tuple[Passed, ...]) -> None:
        self.change(self.draft.spec._replace(passed=passed))
        self.show(self.draft)

    def said(self, draft: Draft) -> bool:
        machine = draft.spec.machine
        return bool(draft.spec.passed or machine.hide_hypervisor or machine.vendor_id)


_NOTHING = "What is passed through is the guest's alone: the host, and other guests, lose it."


def _cards(draft: Draft) -> list[Passed]:
    """GPUs that were ticked."""
    devices = draft.offered.devices
    return [
        one
        for one in draft.spec.passed
        if any(is_gpu(device) and is_of(one, device, devices) for device in devices)
    ]


def _item(branch: Branch) -> Hashable:
    if branch.gone is not None:
        return branch.gone
    return branch.device.nodedev or branch.device.address if branch.device else branch.text


def _able(said: Verdict) -> bool:
    return not any(one.severity is Severity.ERROR for one in said.findings)


def _can_be_on(branch: Branch) -> bool:
    return branch.device is not None or branch.gone is not None


def _identity(device: HostDevice) -> str:
    none = "no driver" if device.kind == "pci" else ""
    parts = [
        named(device),
        device.ids,
        f"driver {device.driver}" if device.driver else none,
        f"IOMMU group {device.iommu_group}" if device.iommu_group is not None else "",
        f"VF of {device.physical_function}" if device.physical_function else "",
        f"{len(device.virtual_functions)} VFs" if device.virtual_functions else "",
    ]
    return "  ".join(part for part in parts if part)


def _remark(draft: Draft) -> str:
    """What has to be known before the rows are read, "" for nothing."""
    if draft.offer is None:
        return "The host was not heard yet."
    devices = draft.offer.devices
    if not devices:
        return "The host tells of no devices: its libvirt has no node device driver, or no rights."
    pci = [device for device in devices if device.kind == "pci"]
    if pci and all(device.iommu_group is None for device in pci):
        stops = iommu_findings(draft.offer.iommu, local=draft.offer.local)
        if stops and stops[0].severity is not Severity.NOTE:
            return f"{stops[0].what}: {stops[0].why}. {stops[0].remedy}. USB needs none."
        return NO_IOMMU
    return ""
