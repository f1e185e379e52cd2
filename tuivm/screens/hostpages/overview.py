"""A host in full: what it is, what of its virtualization is on, what it has promised to guests."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Static

from tuivm.model.offers import HostOffer
from tuivm.model.store import HostStatus
from tuivm.screens.dialogs.base import Reader
from tuivm.screens.explaining import Explanation
from tuivm.screens.hostpages.asking import Question
from tuivm.screens.hostpages.base import HostPage
from tuivm.screens.hostpages.overviewexplain import explain_fact
from tuivm.screens.hostpages.overviewfacts import FEATURES, Fact, fact_lines, host_facts
from tuivm.screens.welcome import welcome
from tuivm.widgets.itemlist import ItemList


class OverviewPage(HostPage):
    page = "overview"
    title = "overview"
    question = Question.OVERVIEW
    DEFAULT_CSS = """
    OverviewPage #facts { height: 1fr; padding: 0 1; scrollbar-gutter: stable; }
    OverviewPage #welcome { height: 1fr; padding: 0 1; }
    OverviewPage .hidden { display: none; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._offer: HostOffer | None = None
        self._status: HostStatus | None = None
        self._unfolded = False
        self._facts: Sequence[Fact] = ()
        self._drawn: tuple[int, Sequence[Fact]] = (0, ())
        self._greeting: Content | None = None
        # Made here: the screen may want it before it is mounted.
        self.list = ItemList(id="facts")

    def compose(self) -> ComposeResult:
        yield self.list
        with Reader(id="welcome", classes="hidden"):
            yield Static(id="greeting")

    def set_offer(self, offer: HostOffer | None) -> None:
        self._offer = offer
        self._show()

    def set_status(self, status: HostStatus | None) -> None:
        self._status = status
        self._show()

    def laid_out(self) -> None:
        if self.list.scrollable_content_region.width != self._drawn[0]:
            self._show()

    def _show(self) -> None:
        status = self._status
        self.list.set_class(status is None, "hidden")
        self.query_one("#welcome").set_class(status is not None, "hidden")
        if status is None:
            self._greet()
            return
        offer = self._offer
        if offer is not None and offer.host != status.spec.name:
            offer = None
        views = list(self.desk.store.guests_of(status.spec.name))
        ascii_only = self.desk.ascii_only
        self._facts = host_facts(
            status, offer, views, unfolded=self._unfolded, ascii_only=ascii_only
        )
        width = self.list.scrollable_content_region.width
        if width and self._drawn != (width, self._facts):
            self._drawn = width, self._facts
            self.list.set_lines(fact_lines(self._facts, width, ascii_only=ascii_only), steady=True)

    def _greet(self) -> None:
        shown = welcome((), self.desk.key_text, self.desk.startup_problems)
        if self._greeting is None or not shown.is_same(self._greeting):
            self._greeting = shown
            self.query_one("#greeting", Static).update(shown)

    def take_focus(self) -> None:
        (self.list if self._status is not None else self.query_one(Reader)).focus()

    @property
    def _fact(self) -> str:
        """The id of the one that is highlighted."""
        item = self.list.item
        return str(item[0]) if item is not None else ""

    def on_item_list_moved(self) -> None:
        self.post_message(self.Changed())

    def unfold(self) -> bool:
        if self._fact != FEATURES or self._status is None:
            return False
        self._unfolded = not self._unfolded
        self._show()
        return True

    def explain(self) -> Explanation | None:
        """Only while the cursor is here: else the host itself is meant."""
        if self._status is None or not self.list.has_focus:
            return None
        status = self._status
        return explain_fact(self._fact, status.spec, status.facts, self._offer)
