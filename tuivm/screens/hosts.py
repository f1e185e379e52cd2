"""Place 3: the hosts, what they are made of, how they are doing."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.style import Style
from textual.widgets import Input, Static

from tuivm.commands import BY_ID, COMMANDS
from tuivm.commands.base import HOSTS, bindings
from tuivm.model.deviceports import HostItem
from tuivm.model.hosts import HostState
from tuivm.model.offers import HostOffer
from tuivm.model.ports import View
from tuivm.model.store import HostStatus
from tuivm.model.units import duration, visible
from tuivm.screens.charts import host_chart
from tuivm.screens.explaining import Explanation
from tuivm.screens.hostasking import AskingPlace, problem_words
from tuivm.screens.hostpages.asking import SLOW, Known
from tuivm.screens.hostpages.base import HostPage
from tuivm.screens.hostpages.pages import PAGES
from tuivm.widgets.hostlist import HostList, host_glyph, state_words
from tuivm.widgets.keybar import KeyBar, KeyHint
from tuivm.widgets.linetext import LineText
from tuivm.widgets.timechart import ChartData, TimeChart, Window

PANE_FROM = 110
"""Columns from which on there is room for the hosts beside a page with a table."""


class HostsScreen(AskingPlace):
    """Hosts on the left, a page on the highlighted one on the right."""

    place = HOSTS
    metrics = ("cpu", "memory")
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(COMMANDS, HOSTS)]
    DEFAULT_CSS = """
    HostsScreen #titles, HostsScreen #state { background: $surface; }
    HostsScreen #hosts { width: 28; border-right: solid $panel; }
    HostsScreen .hidden { display: none; }
    HostsScreen #filter { height: 1; border: none; padding: 0 1; background: $surface; }
    HostsScreen #trouble { height: auto; max-height: 8; padding: 0 1; }
    HostsScreen #chart { height: 9; }
    HostsScreen.-short #chart { display: none; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._page = PAGES[0].page
        self._pages: dict[str, HostPage] = {self._page: PAGES[0]()}
        self._changed = False
        self._pane: bool | None = None
        self._arriving = False
        self._given: dict[str, tuple[str, HostOffer | None]] = {}
        self._trouble: Content = Content()

    def compose(self) -> ComposeResult:
        yield LineText(id="top")
        yield LineText(id="titles")
        yield LineText(id="state")
        with Horizontal():
            yield HostList(id="hosts")
            with Vertical(id="pages"):
                yield Input(id="filter", classes="hidden", placeholder="words  -word")
                yield Static(id="trouble", classes="hidden")
                yield self._pages[self._page]
        yield TimeChart(id="chart")
        yield KeyBar()

    def on_mount(self) -> None:
        super().on_mount()
        hosts = self.query_one(HostList)
        hosts.ascii_only = self.desk.ascii_only
        hosts.focus()
        self._fit()
        self.show_now()

    def on_resize(self) -> None:
        self._fit()
        self.call_after_refresh(self.show_now)

    @property
    def page(self) -> HostPage:
        """The one that is shown."""
        return self._pages[self._page]

    @property
    def _first(self) -> bool:
        """Is it the overview that is shown?"""
        return self._page == PAGES[0].page

    def _fit(self) -> None:
        hosts, roomy = self.query_one(HostList), self.app.size.width >= PANE_FROM
        shown = self._first or (roomy if self._pane is None else self._pane)
        if not shown and hosts.has_focus:
            self._to_page()
        hosts.set_class(not shown, "hidden")
        self.set_class(self.app.size.height < 18, "-short")
        self.query_one("#chart").set_class(not self._first, "hidden")

    # pages

    def action_page(self, page: str) -> None:
        """Go to a page. Those but the first are made when first gone to."""
        self._page = page
        if page not in self._pages:
            self._pages[page] = next(kind for kind in PAGES if kind.page == page)()
            self.query_one("#pages").mount(self._pages[page])
        for name, one in self._pages.items():
            one.display = name == page
        self._close_filter()
        self._fit()
        if self._first:
            self.query_one(HostList).focus()
        else:
            self._to_page()
        self.call_after_refresh(self.show_now)

    def _to_page(self) -> None:
        """Give it the keys, as soon as it is there."""
        self._arriving = not self.page.is_mounted
        if not self._arriving:
            self.page.take_focus()

    def do_next_page(self) -> None:
        self._turn_page(1)

    def do_previous_page(self) -> None:
        self._turn_page(-1)

    def _turn_page(self, by: int) -> None:
        names = [kind.page for kind in PAGES]
        self.action_page(names[(names.index(self._page) + by) % len(names)])

    # what is shown

    def tick(self) -> None:
        statuses = self.desk.store.statuses(self.desk.now())
        self.query_one(HostList).set_hosts(statuses)
        page, status = self.page, self.target_host()
        self.query_one("#titles", LineText).set_content(self._title_line())
        if not page.is_mounted:
            return
        if self._arriving:
            self._to_page()
        known = self._give(page, status)
        self._show_trouble(known, status)
        self.query_one("#state", LineText).set_content(self._state_line(page, known, status))
        self.show_chart()
        self._answers.keep(self.desk.store.host_names)
        for host in self.desk.store.host_names:
            self.desk.look_at(host, View())

    def _give(self, page: HostPage, status: HostStatus | None) -> Known:
        """Hand over to the page what it lives on, if that is new; it is asked for when it is due.
        What is known by the page's question."""
        known = Known()
        if page.question is not None:
            known = self.ask_if_due(status, page.question)
        host, before = status.spec.name if status is not None else "", self._given.get(page.page)
        if before is None or before[0] != host or before[1] is not known.offer:
            self._given[page.page] = host, known.offer
            page.set_offer(known.offer)
        page.set_status(status)
        return known

    def _title_line(self) -> Content:
        parts: list[tuple[str, str | Style]] = [(" ", "")]
        for kind in PAGES:
            click = Style.from_meta({"@click": f"screen.page('{kind.page}')"})
            here = kind.page == self._page
            look = Style(bold=True, reverse=True) if here else Style()
            parts.append((f" {kind.title} ", look + click))
        return Content.assemble(*parts)

    def _state_line(self, page: HostPage, known: Known, status: HostStatus | None) -> Content:
        """The host, what the page shows, and how old that is."""
        if status is None:
            return Content()
        glyph, role = host_glyph(status.state, ascii_only=self.desk.ascii_only)
        colour = "$state-running" if role == "up" else f"$state-{role}"
        parts: list[Content | tuple[str, str]] = [
            (f" {glyph} ", colour),
            (visible(status.spec.name), "bold"),
        ]
        if status.state is not HostState.UP:
            parts.append((f" {state_words(status)}", colour))
        if summary := page.summary():
            parts += [("  ", ""), summary]
        if page.question is None:
            return Content.assemble(*parts)
        now = self.desk.now()
        waits = known.asking and known.asked is not None and now - known.asked >= SLOW
        if known.offer is None and known.asking:
            parts.append(("  asking…" if not self.desk.ascii_only else "  asking...", "$quiet"))
        elif waits or known.problem is not None or status.state is not HostState.UP:
            if known.at is not None:
                parts.append((f"  as of {duration(now - known.at)} ago", "$state-changing"))
            if waits:
                seconds = f"{now - (known.asked or now):.0f} s"
                parts.append((f"  asking for {seconds}", "$quiet"))
        return Content.assemble(*parts)

    def _show_trouble(self, known: Known, status: HostStatus | None) -> None:
        """Why what is shown is old, or why there is nothing: in full, over the page."""
        problem = known.problem
        if known.offer is None and problem is None and status is not None and not self._first:
            problem = status.problem
        shown = problem_words(problem) if problem is not None else Content()
        if not shown.is_same(self._trouble):
            self._trouble = shown
            box = self.query_one("#trouble", Static)
            box.update(shown)
            box.set_class(not shown, "hidden")

    def show_chart(self) -> None:
        if self._first:
            super().show_chart()

    def hints(self) -> list[KeyHint]:
        if not self.is_mounted or not self.page.keys:
            return super().hints()
        always = ("screen.next_page", "program.help", "program.quit")
        names = dict.fromkeys((*self.page.keys, *always))
        return [
            KeyHint(
                name,
                self.desk.key_text(name),
                BY_ID[name].label,
                not BY_ID[name]().refusal(self.desk, self),
            )
            for name in names
            if self.desk.key_text(name)
        ]

    def ask_anew(self) -> None:
        """Something was done on the host: what is shown is asked for again."""
        status, page = self.target_host(), self.page
        if status is not None and page.question is not None:
            self.ask(status, page.question)

    def do_ask_anew(self) -> None:
        self.ask_anew()

    # what commands are aimed at

    def target_host(self) -> HostStatus | None:
        name = self.query_one(HostList).highlighted if self.is_mounted else None
        if name is None or name not in self.desk.store.host_names:
            return None
        return self.desk.store.status(name, self.desk.now())

    def target_item(self) -> HostItem | Explanation | None:
        """What is highlighted on the page; commands that want words on it get them from
        `explained`."""
        return self.page.target_item() if self._has_page else None

    def marked_items(self) -> tuple[HostItem, ...]:
        """What an action goes to: all that is marked, else what is highlighted."""
        if not self._has_page:
            return ()
        item = self.page.target_item()
        return self.page.marked() or (() if item is None else (item,))

    def explained(self) -> Explanation | None:
        """Words on what is highlighted; None for those on the host."""
        return self.page.explain() if self._has_page else None

    @property
    def _has_page(self) -> bool:
        return self.is_mounted and self.page.is_mounted

    def chart_data(self, window: Window) -> ChartData | None:
        status = self.target_host()
        if status is None:
            return None
        ascii_only, name = self.desk.ascii_only, status.spec.name
        return host_chart(self.desk.store, name, self.metric, window, ascii_only=ascii_only)

    # messages

    def on_host_list_highlighted(self) -> None:
        self.show_now()

    def on_host_page_changed(self) -> None:
        # Once for all that a key changed.
        if not self._changed:
            self._changed = True
            self.call_later(self._show_around)

    def _show_around(self) -> None:
        self._changed = False
        self.show_now()

    def on_input_changed(self, message: Input.Changed) -> None:
        if message.input.id == "filter":
            self.page.set_filter(message.value)

    def on_input_submitted(self) -> None:
        self.page.take_focus()

    # what commands ask of this screen

    def do_host_chart(self) -> None:
        if not self._first:
            self.action_page(PAGES[0].page)
        else:
            self._turn(1)

    def do_hosts_pane(self) -> None:
        shown = self.query_one("#hosts").has_class("hidden")
        # As there is room, from now on: what a person says counts only where it differs.
        self._pane = None if shown == (self.app.size.width >= PANE_FROM) else shown
        self._fit()
        self.call_after_refresh(self.show_now)

    def do_focus_left(self) -> None:
        hosts = self.query_one(HostList)
        if not hosts.has_focus and self.page.go_left():
            return
        if hosts.has_class("hidden"):
            self._pane = True
            self._fit()
            self.call_after_refresh(self.show_now)
        hosts.focus()

    def do_focus_right(self) -> None:
        hosts = self.query_one(HostList)
        if not hosts.has_focus and self.page.go_right():
            return
        self.page.take_focus()
        if self._pane and self.app.size.width < PANE_FROM:
            self._pane = None
            self._fit()

    def do_filter_rows(self) -> None:
        if self.page.filterable:
            box = self.query_one("#filter", Input)
            box.remove_class("hidden")
            box.focus()
        else:
            self._nothing("filter")

    def do_mark(self) -> None:
        if not self.page.mark():
            self._nothing("mark")

    def do_mark_group(self) -> None:
        if not self.page.mark_group():
            self._nothing("mark group")

    def do_unfold(self) -> None:
        if not self.page.unfold():
            self.desk.run_command("program.explain", self)

    def do_turn_tree(self) -> None:
        if not self.page.turn_tree():
            self._nothing("group/bus")

    def _nothing(self, label: str) -> None:
        self.desk.say(f"{label}: not on the page {self.page.title}", bad=True)

    def do_back(self) -> None:
        """Close the filter, take marks away, go back to the overview."""
        if self._close_filter():
            self.page.take_focus()
        elif self.charts_back() or self.page.clear_marks():
            return
        elif not self._first:
            self.action_page(PAGES[0].page)

    def _close_filter(self) -> bool:
        """Was it open?"""
        box = self.query_one("#filter", Input)
        if box.has_class("hidden"):
            return False
        box.value = ""
        box.add_class("hidden")
        for page in self._pages.values():
            if page.is_mounted:
                page.set_filter("")
        return True
