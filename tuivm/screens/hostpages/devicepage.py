"""What the pages with lists of devices have in common: a table that is a tree, and what is
highlighted in full under it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, NamedTuple

from textual.app import ComposeResult
from textual.content import Content

from tuivm.model.deviceports import HostItem, MdevKind
from tuivm.model.devicetree import Key, Node, Shape, group_of, is_bridge, key_of, matcher
from tuivm.model.devicewords import device_label, device_name, searched
from tuivm.model.offers import HostDevice, HostOffer
from tuivm.model.store import HostStatus
from tuivm.model.table import Cell, Column
from tuivm.model.units import visible
from tuivm.preflight.groups import Surroundings
from tuivm.preflight.passing import Verdict, judge
from tuivm.screens.explaining import Explanation
from tuivm.screens.hostpages.asking import Question
from tuivm.screens.hostpages.base import HostPage
from tuivm.screens.hostpages.devicelines import (
    VERDICT_WORDS,
    device_detail,
    explain_host_device,
    look_of,
    type_detail,
)
from tuivm.widgets.livetable import LiveTable
from tuivm.widgets.rowset import Row
from tuivm.widgets.textpane import TextPane

VERDICT = Column("verdict", "VERDICT", 12, sortable=False, priority=99)
NAME = Column("name", "NAME", 30, flex=3, maximum=70, sortable=False, priority=95)
DRIVER = Column("driver", "DRIVER", 8, preferred=12, sortable=False, priority=80, comfort=40)
USER = Column("user", "USED BY", 14, flex=1, maximum=40, sortable=False, priority=70)


class Glyphs(NamedTuple):
    folded: str
    open: str
    less: str


_GLYPHS = Glyphs("▸", "▾", "↓")
_LETTERS = Glyphs("+", "-", "v")


class DevicePage(HostPage):
    """Subclasses say which rows there are and what is in their cells.

    columns: the first one holds the tree. kind: of `HostDevice`. noun: of what is listed."""

    question = Question.DEVICES
    filterable = True
    keys: ClassVar[tuple[str, ...]] = (
        "device.attach",
        "device.detach",
        "screen.next_page",
        "screen.filter_rows",
        "program.explain",
        "screen.mark",
        "screen.unfold",
    )
    kind: ClassVar[str]
    noun: ClassVar[tuple[str, str]]
    columns: ClassVar[tuple[Column, ...]]
    DEFAULT_CSS = """
    DevicePage LiveTable { height: 2fr; min-height: 5; }
    DevicePage TextPane { height: 1fr; min-height: 6; padding: 0 1; border-top: solid $panel; }
    DevicePage TextPane.-ascii { border-top: ascii $panel; }
    DevicePage TextPane:focus { border-top: solid $primary; }
    DevicePage TextPane.-ascii:focus { border-top: ascii $primary; }
    """

    def __init__(self) -> None:
        super().__init__()
        self.offer: HostOffer | None = None
        self._status: HostStatus | None = None
        self._by_key: dict[Key, Node] = {}
        self._shape = Shape()
        self._filter = ""
        self._verdicts: dict[Key, Verdict] = {}
        self._searched: dict[Key, str] = {}
        self._around: Surroundings | None = None

    def compose(self) -> ComposeResult:
        yield LiveTable(self.columns)
        yield TextPane()

    def on_mount(self) -> None:
        self.table.ascii = self.desk.ascii_only
        self.detail.ascii = self.desk.ascii_only
        self.detail.set_class(self.desk.ascii_only, "-ascii")

    @property
    def table(self) -> LiveTable:
        return self.query_one(LiveTable)

    @property
    def detail(self) -> TextPane:
        return self.query_one(TextPane)

    @property
    def glyphs(self) -> Glyphs:
        return _LETTERS if self.desk.ascii_only else _GLYPHS

    # what subclasses give

    def rows(self, offer: HostOffer, shape: Shape) -> list[Node]:
        raise NotImplementedError

    def cells(self, node: Node, device: HostDevice) -> tuple[Cell, ...]:
        """One for each of the columns; device: the node's."""
        raise NotImplementedError

    def fitted(self, nodes: Sequence[Node]) -> tuple[Column, ...]:
        """The columns, the first as wide as what is in it."""
        first = self.columns[0]
        room = max((2 * node.depth + 2 + len(self.tree_text(node)) for node in nodes), default=0)
        room = min(max(first.width, room), max(first.width, first.preferred))
        return (first._replace(width=room, preferred=0), *self.columns[1:])

    def tree_text(self, node: Node) -> str:
        """What is in the first column."""
        return visible(node.device.address) if node.device is not None else ""

    def judged(self, device: HostDevice) -> HostDevice | None:
        """What the verdict is on; None where there is nothing to judge."""
        return device

    # what is shown

    def set_offer(self, offer: HostOffer | None) -> None:
        same_host = offer is not None and self.offer is not None and offer.host == self.offer.host
        self.offer = offer
        self._verdicts.clear()
        self._searched.clear()
        self._around = None
        before = self.table.cursor if same_host else None
        lost = self._by_key.get(before) if before is not None else None
        self._show()
        if lost is not None and lost.device is not None and offer is not None:
            self._tell_if_gone(lost.device, offer)

    def _tell_if_gone(self, device: HostDevice, offer: HostOffer) -> None:
        """The highlight went to a neighbour: a person should know before the next key."""
        there = {key_of(one) for one in offer.devices}
        if key_of(device) not in there:
            words = f"{visible(device.address)} {device_name(device)} is gone from {offer.host}"
            self.desk.say(words, bad=True)

    def set_status(self, status: HostStatus | None) -> None:
        self._status = status
        if self.offer is None:
            self.table.empty = Content()

    def set_filter(self, text: str) -> None:
        if text != self._filter:
            self._filter = text
            self._shape = self._shape._replace(matches=matcher(text, self._has_word))
            self._show()

    def _has_word(self, device: HostDevice, word: str) -> bool:
        """Is it among what is searched? A verdict is drawn only for what could be a word of one."""
        key = key_of(device)
        text = self._searched.get(key)
        if text is None:
            text = self._searched[key] = searched(device)
        if word in text:
            return True
        if not any(word in one for one in VERDICT_WORDS):
            return False
        said = self.verdict_on(device)
        return said is not None and word in look_of(said, ascii_only=True).word

    def verdict_on(self, device: HostDevice) -> Verdict | None:
        """Drawn when it is first wanted of an offer, and kept as long as that stands."""
        key = key_of(device)
        found = self._verdicts.get(key)
        if found is None and self.offer is not None:
            judged = self.judged(device)
            if judged is None:
                return None
            if self._around is None:
                self._around = Surroundings(self.offer.devices)
            found = self._verdicts[key] = judge(judged, self.offer, self._around)
        return found

    def _show(self) -> None:
        """The rows as they are now."""
        offer = self.offer
        nodes = self.rows(offer, self._shape) if offer is not None else []
        self._by_key = {node.key: node for node in nodes}
        self.table.empty = self._empty_words()
        self.table.set_columns(self.fitted(nodes))
        self.table.set_rows([self._row(node) for node in nodes])
        self._show_detail()
        self.post_message(self.Changed())

    def _row(self, node: Node) -> Row:
        """Its cells are made only when it is on the screen."""
        device = node.device
        if device is None:
            return Row(node.key, (((visible(node.heading), "heading"),),), heading=True)
        return Row(node.key, lambda: self.cells(node, device))

    def _empty_words(self) -> Content:
        if self.offer is None:
            return Content()
        if self._filter.strip():
            return Content(f"nothing matches {visible(self._filter)}\nEsc shows all again")
        return Content(f"this host tells of no {self.noun[1]}")

    def summary(self) -> Content:
        if self.offer is None:
            return Content()
        number = sum(one.kind == self.kind for one in self.offer.devices)
        words = f"{number} {self.noun[number != 1]}{self.more_words(self.offer)}"
        if self._shape.matches is not None:
            shown = sum(
                node.device is not None and self._shape.matches(node.device)
                for node in self._by_key.values()
            )
            words += f", {shown} match"
        if marks := self.table.selected:
            words += f", {len(marks)} marked"
        return Content(words)

    def more_words(self, offer: HostOffer) -> str:
        """What else there is to say of all of them."""
        del offer
        return ""

    def _show_detail(self, *, from_top: bool = False) -> None:
        offer, node = self.offer, self.node
        if offer is None or node is None or node.device is None:
            told = Content()
        elif node.type is not None:
            made = [one for one in offer.devices if made_of(one, node)]
            told = type_detail(MdevKind(node.device, node.type), made)
        else:
            said = self.verdict_on(node.device)
            told = device_detail(node.device, offer, said, ascii_only=self.desk.ascii_only)
        self.detail.set_content(told, from_top=from_top)

    # cells that several have

    def tree_cell(self, node: Node) -> Cell:
        """Its place in the tree, and whether there is more under it."""
        mark = " "
        if node.below:
            mark = self.glyphs.folded if node.folded else self.glyphs.open
        return ((f"{'  ' * node.depth}{mark} ", "dim"), (self.tree_text(node), ""))

    def verdict_cell(self, device: HostDevice) -> Cell:
        said = self.verdict_on(device)
        if said is None:
            return (("", ""),)
        look = look_of(said, ascii_only=self.desk.ascii_only)
        return ((f"{look.glyph} {look.word}", look.role),)

    # what commands do here

    @property
    def node(self) -> Node | None:
        """The highlighted one."""
        key = self.table.cursor
        return self._by_key.get(key) if key is not None else None

    def _item(self, node: Node) -> HostItem | None:
        if node.device is None or self.offer is None:
            return None
        if node.type is not None:
            return HostItem(MdevKind(node.device, node.type), self.offer)
        return HostItem(node.device, self.offer)

    def target_item(self) -> HostItem | None:
        node = self.node
        return self._item(node) if node is not None else None

    def marked(self) -> tuple[HostItem, ...]:
        marks = self.table.selected
        if not marks:
            return ()
        items = [self._item(node) for key, node in self._by_key.items() if key in marks]
        return tuple(item for item in items if item is not None)

    def explain(self) -> Explanation | None:
        node, status = self.node, self._status
        if node is None or node.device is None or self.offer is None or status is None:
            return None
        said = self.verdict_on(node.device)
        return explain_host_device(node.device, self.offer, said, status.spec)

    def mark(self) -> bool:
        if self.node is not None:
            self.table.toggle()
            self.table.action_move(1)
        return True

    def mark_group(self) -> bool:
        """All of the group that would go; once more: none of it."""
        node = self.node
        if node is None or node.device is None or self.offer is None:
            return True
        members = [one for one in group_of(node.device, self.offer) if not is_bridge(one)]
        if not members:
            self.desk.say(f"{device_label(node.device)} is in no IOMMU group", bad=True)
            return True
        self._unfold_all(members)
        keys = {key_of(one) for one in members} & self._by_key.keys()
        for key in keys - self.table.selected or keys:
            self.table.toggle(key)
        return True

    def _unfold_all(self, members: Sequence[HostDevice]) -> None:
        """So that what is marked is seen."""
        wanted = {("pci", one.physical_function) for one in members if one.physical_function}
        folded = {key for key in wanted if key in self._by_key and self._by_key[key].folded}
        if folded:
            self._turn(folded)

    def clear_marks(self) -> bool:
        if not self.table.selected:
            return False
        self.table.clear_selection()
        return True

    def unfold(self) -> bool:
        node = self.node
        if node is None or not node.below or node.type is not None:
            return False
        self._turn({node.key})
        return True

    def _turn(self, keys: set[Key]) -> None:
        self._shape = self._shape._replace(turned=self._shape.turned ^ keys)
        self._show()

    def go_left(self) -> bool:
        """Fold; from the detail back to the list."""
        if self.detail.has_focus:
            self.table.focus()
            return True
        node = self.node
        if node is None or not node.below or node.folded or self._shape.matches is not None:
            return False
        return self.unfold()

    def go_right(self) -> bool:
        """Unfold; where there is nothing to unfold, to the detail."""
        if self.table.has_focus:
            node = self.node
            if node is None or not node.folded or not self.unfold():
                self.detail.focus()
            return True
        return self.detail.has_focus

    def take_focus(self) -> None:
        self.table.focus()

    # messages of the widgets

    def on_live_table_highlighted(self) -> None:
        self._show_detail(from_top=True)
        self.post_message(self.Changed())

    def on_live_table_selection_changed(self) -> None:
        self.post_message(self.Changed())

    def on_live_table_chosen(self) -> None:
        self.desk.run_command("screen.unfold", self.screen)  # type: ignore[arg-type]


def made_of(device: HostDevice, node: Node) -> bool:
    """Is it an instance of this row's type on this row's parent?"""
    return (
        device.kind == "mdev"
        and node.device is not None
        and node.type is not None
        and device.parent == node.device.nodedev
        and device.product == node.type.id
    )
