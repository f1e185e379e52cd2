"""What the pages of the hosts place have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, cast

from textual.containers import Vertical
from textual.content import Content
from textual.message import Message

from tuivm.model.deviceports import HostItem
from tuivm.model.offers import HostOffer
from tuivm.model.store import HostStatus
from tuivm.screens.explaining import Explanation
from tuivm.screens.hostpages.asking import Question

if TYPE_CHECKING:
    from tuivm.app import TuivmApp


class HostPage(Vertical):
    """One page on one host. The screen asks the host and hands over what it knows.

    page: its id. title: as shown among the pages. question: what it lives on, None for nothing.
    keys: ids of the commands in the line of keys, from the left; () for those of the place by rank.
    filterable: `set_filter` does something.

    Subclasses are made with no arguments. They post `Changed` when another item is highlighted or
    marked, or `summary` changed.
    """

    DEFAULT_CSS = """
    HostPage { height: 1fr; width: 1fr; }
    """

    page: ClassVar[str]
    title: ClassVar[str]
    question: ClassVar[Question | None] = None
    keys: ClassVar[tuple[str, ...]] = ()
    filterable: ClassVar[bool] = False

    class Changed(Message):
        """Something else is highlighted, marked, or to be said of the page."""

    def on_mount(self) -> None:
        self.post_message(self.Changed())
        # Not by Resize: of what is shown for the first time Textual may not tell any, if somebody
        # asks where a widget is between a scroll and the layout (Compositor.full_map).
        layouts = self.screen.screen_layout_refresh_signal
        layouts.subscribe(self, lambda _: self.laid_out())

    def laid_out(self) -> None:
        """Parts of the screen were placed, maybe these."""

    @property
    def desk(self) -> TuivmApp:
        """The program, as commands and screens know it."""
        return cast("TuivmApp", self.app)

    def set_offer(self, offer: HostOffer | None) -> None:
        """Show this from now on: the same host's newer one, or another host's. None: nothing is
        known of that host. Called when the page is opened, and when another one is there."""

    def set_status(self, status: HostStatus | None) -> None:
        """How the host is doing; called with each tick while the page is shown."""

    def summary(self) -> Content:
        """What is shown, in a few words: the screen has them above the page."""
        return Content()

    def take_focus(self) -> None:
        """The page was opened, or is to have the keys."""

    def target_item(self) -> HostItem | None:
        """What is highlighted."""
        return None

    def marked(self) -> tuple[HostItem, ...]:
        """What is marked, in the page's order: actions go to all of it, where they can."""
        return ()

    def explain(self) -> Explanation | None:
        """Words on what is highlighted; None for those on the host."""
        return None

    # What commands of the place do here; True: done.

    def set_filter(self, text: str) -> None:
        """Show only what has all of these words."""

    def mark(self) -> bool:
        return False

    def mark_group(self) -> bool:
        return False

    def clear_marks(self) -> bool:
        return False

    def unfold(self) -> bool:
        return False

    def turn_tree(self) -> bool:
        return False

    def go_left(self) -> bool:
        return False

    def go_right(self) -> bool:
        return False
