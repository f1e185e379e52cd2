"""The wizard's step "Machine": what runs the guest, the board, its firmware and CPU, nesting."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.widgets import Static

from tuivm.model.spec import Firmware, Machine, NumaCell, Preset, Spec
from tuivm.preflight.choices_machine import (
    archs,
    cpu_choices,
    firmwares,
    hugepage_sizes,
    machines,
    presets,
    tpm_refusal,
    viommus,
    virt_types,
)
from tuivm.preflight.presets import applied
from tuivm.screens.create.choices import ChoiceField, ListField, Row
from tuivm.screens.create.cpusets import cpuset_fault, pins_fault
from tuivm.screens.create.draft import Draft, owner
from tuivm.screens.create.fields import Field, SwitchField, TextField
from tuivm.screens.create.nestedwords import nested_words
from tuivm.screens.create.numa import EditCell, cell_row
from tuivm.screens.create.picks import choices
from tuivm.screens.create.step import Step

_ADVANCED = (
    "machine.hugepages",
    "machine.page_size",
    "machine.numa",
    "machine.pins",
    "machine.emulator_pin",
)


class Passage(Static, can_focus=True):
    """Lines that the focus goes to, so that all of them can be brought into view."""


class MachineStep(Step):
    """Everything here has a default that suits the OS and the host."""

    title = "Machine"
    about = "What runs the guest, which board it sees, and whether it may run guests of its own."
    keys: ClassVar[tuple[str, ...]] = ("machine", "guest.preset")

    DEFAULT_CSS = """
    MachineStep Passage { height: auto; padding-left: 15; }
    MachineStep Passage:focus { background: $panel; }
    """

    def compose(self) -> ComposeResult:
        yield ChoiceField("guest.preset", "Devices", needed=True)
        yield ChoiceField("machine.virt_type", "Virtualization")
        yield ChoiceField("machine.arch", "Architecture")
        yield ChoiceField("machine.machine", "Machine type")
        yield ChoiceField("machine.firmware", "Firmware")
        yield SwitchField("machine.tpm", "TPM")
        yield ChoiceField("machine.cpu", "CPU")
        yield SwitchField("machine.nested", "Nested virt.")
        yield Passage(id="conditions")
        yield Passage(id="costs")
        yield ChoiceField("machine.viommu", "Virtual IOMMU", needed=True)
        yield SwitchField("advanced", "Advanced", "hugepages, NUMA cells, pinning")
        yield SwitchField("machine.hugepages", "Hugepages")
        yield ChoiceField("machine.page_size", "Page size")
        yield ListField("machine.numa", "NUMA cells", empty="one, with everything in it")
        yield TextField(
            "machine.pins",
            "vCPU pinning",
            "the host's CPUs for each vCPU in turn: 2 3 4-5,8",
            check=lambda text: pins_fault(text, self.draft.offered.cpus),
        )
        yield TextField(
            "machine.emulator_pin",
            "QEMU's threads",
            "the host's CPUs for QEMU's own threads: 0-1",
            check=lambda text: cpuset_fault(text, self.draft.offered.cpus),
        )

    def fill(self, draft: Draft) -> None:
        said, full, offer, caps = draft.spec.machine, draft.full.machine, draft.offered, draft.caps
        arch = full.arch or offer.capabilities.arch
        preset = self._choice("guest.preset")
        preset.show(draft.spec.preset, choices(presets(offer)))
        for key, value, picks, default in (
            ("machine.virt_type", said.virt_type, virt_types(offer, arch), full.virt_type),
            ("machine.arch", said.arch, archs(offer), arch),
            ("machine.machine", said.machine, machines(offer, full.virt_type, arch), full.machine),
            ("machine.firmware", said.firmware, firmwares(caps), full.firmware),
            ("machine.cpu", said.cpu, cpu_choices(caps), full.cpu),
            ("machine.page_size", _pages(said), hugepage_sizes(offer), "0"),
        ):
            self._choice(key).show(str(value), choices(picks), str(default))
        # "" is a value of its own here: none.
        viommu = self._choice("machine.viommu")
        viommu.show(said.viommu or full.viommu, choices(viommus(full, offer)))
        why = tpm_refusal(caps) if draft.offer is not None else ""
        tpm_note = f"off: {why}" if why else "for Windows 11, BitLocker, measured boot"
        self._switch("machine.tpm").show(said.tpm, bool(full.tpm), tpm_note)
        self._fill_nested(draft)
        self._fill_advanced(draft)

    def _fill_nested(self, draft: Draft) -> None:
        switch = self._switch("machine.nested")
        words = nested_words(draft, ascii_only=self.app.has_class("-ascii"))
        switch.show(draft.spec.machine.nested, bool(draft.full.machine.nested), words.note)
        for passage, lines in (("#conditions", words.conditions), ("#costs", words.costs)):
            detail = self.query_one(passage, Passage)
            detail.display = bool(lines)
            detail.update(lines)

    def _fill_advanced(self, draft: Draft) -> None:
        machine = draft.spec.machine
        switch = self._switch("advanced")
        about = any(owner(one.field, _ADVANCED) for one in draft.findings)
        if switch.value is None:
            switch.show(True if about or _advanced(machine) else None)
        for field in self.query(Field):
            if field.key in _ADVANCED:
                field.display = bool(switch.value)
        self._choice("machine.page_size").display = bool(switch.value) and machine.hugepages
        note = "memory in large pages, reserved on the host beforehand"
        self._switch("machine.hugepages").show(machine.hugepages or None, note=note)
        rows = [Row(cell_row(number, cell), number) for number, cell in enumerate(machine.numa)]
        self.query_one(ListField).show(rows)
        self._text("machine.pins").show(" ".join(machine.pins))
        self._text("machine.emulator_pin").show(machine.emulator_pin)

    def edited(self, field: Field, draft: Draft) -> Spec:
        spec = draft.spec
        if field.key == "advanced":
            self._fill_advanced(draft)
            return spec
        if isinstance(field, ChoiceField) and field.key == "guest.preset":
            return applied(Preset(field.value), spec)
        return spec._replace(machine=self._machine(field, draft))

    def _machine(self, field: Field, draft: Draft) -> Machine:
        machine = draft.spec.machine
        name = field.key.partition(".")[2]
        value = field.value
        if name == "page_size":
            return machine._replace(page_kib=int(str(value or 0)))
        if name == "firmware":
            return machine._replace(firmware=Firmware(str(value)))
        if name == "pins":
            return machine._replace(pins=tuple(str(value).split()))
        if name == "hugepages":
            return machine._replace(hugepages=bool(value))
        # The others are called as the key and hold what the field does.
        machine = machine._replace(**{name: value})  # type: ignore[arg-type]
        return _still_there(machine, draft) if name in ("virt_type", "arch") else machine

    def on_list_field_asked(self, event: ListField.Asked) -> None:
        event.stop()
        cells = self.draft.spec.machine.numa
        at = event.item if isinstance(event.item, int) and event.item < len(cells) else None
        if event.what == "remove" and at is not None:
            self._set_cells((*cells[:at], *cells[at + 1 :]))
            return
        if event.what == "add":
            at = None

        def answered(cell: NumaCell) -> None:
            before = self.draft.spec.machine.numa
            if at is None:
                self._set_cells((*before, cell))
            else:
                self._set_cells((*before[:at], cell, *before[at + 1 :]))

        old = NumaCell("", 0) if at is None else cells[at]
        self.ask(EditCell(old, self.draft.offered.capabilities.numa), answered)

    def _set_cells(self, cells: tuple[NumaCell, ...]) -> None:
        machine = self.draft.spec.machine._replace(numa=cells)
        self.change(self.draft.spec._replace(machine=machine))
        self._fill_advanced(self.draft)

    def said(self, draft: Draft) -> bool:
        bare = draft.spec.machine._replace(topology=Machine().topology)
        return bare != Machine() or draft.spec.preset is not Preset.PARAVIRTUAL

    def _field(self, key: str) -> Field:
        return next(field for field in self.query(Field) if field.key == key)

    def _choice(self, key: str) -> ChoiceField:
        field = self._field(key)
        assert isinstance(field, ChoiceField)
        return field

    def _switch(self, key: str) -> SwitchField:
        field = self._field(key)
        assert isinstance(field, SwitchField)
        return field

    def _text(self, key: str) -> TextField:
        field = self._field(key)
        assert isinstance(field, TextField)
        return field


def _pages(machine: Machine) -> str:
    return str(machine.page_kib) if machine.page_kib else ""


def _advanced(machine: Machine) -> bool:
    return machine.hugepages or bool(machine.numa or machine.pins or machine.emulator_pin)


def _still_there(machine: Machine, draft: Draft) -> Machine:
    """Without a machine type that the new type of virtualization or architecture has not."""
    arch = machine.arch or draft.offered.capabilities.arch
    there = {pick.value for pick in machines(draft.offered, machine.virt_type, arch)}
    return machine if machine.machine in there else machine._replace(machine="")
