"""A NUMA cell of the guest's: its vCPUs, its memory, and where that is bound to."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.content import Content

from tuivm.model.offers import NumaNode
from tuivm.model.spec import NumaCell
from tuivm.model.units import kib
from tuivm.preflight.choices_machine import Pick
from tuivm.screens.create.choices import ChoiceField
from tuivm.screens.create.cpusets import cpuset_fault
from tuivm.screens.create.editing import EditDialog
from tuivm.screens.create.fields import Field, SizeField, TextField
from tuivm.screens.create.picks import choices, joined


def cell_row(number: int, cell: NumaCell) -> Content:
    bound = f"memory on the host's node {cell.host_node}" if cell.host_node else ""
    return joined(f"cell {number}", f"vCPUs {cell.cpus}", kib(cell.memory_kib), bound)


class EditCell(EditDialog[NumaCell]):
    """Answers the cell."""

    def __init__(self, cell: NumaCell, nodes: Sequence[NumaNode]) -> None:
        super().__init__(cell)
        self._host_nodes = nodes
        self._cpus = TextField("cpus", "vCPUs", check=cpuset_fault)
        self._memory = SizeField("memory", "Memory", kib=True)
        self._node = ChoiceField("host_node", "Host's node")

    @property
    def title_text(self) -> str:
        return "NUMA cell"

    def body(self) -> ComposeResult:
        yield self._cpus
        yield self._memory
        yield self._node

    def fill(self, value: NumaCell) -> None:
        self._cpus.show(value.cpus)
        self._memory.show_number(value.memory_kib)
        picks = [
            Pick(str(node.number), f"node {node.number}", f"{kib(node.memory_kib)} of memory")
            for node in self._host_nodes
        ]
        self._node.show(value.host_node, choices(picks))

    def edited(self, field: Field, value: NumaCell) -> NumaCell:
        if field is self._cpus:
            return value._replace(cpus=self._cpus.value)
        if field is self._memory:
            return value._replace(memory_kib=self._memory.number)
        return value._replace(host_node=self._node.value)

    def missing(self, value: NumaCell) -> str:
        if not value.cpus:
            return "Which vCPUs belong to it?"
        return "" if value.memory_kib else "How much memory belongs to it?"
