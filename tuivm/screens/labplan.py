"""The first page of the Lab: what a person chose, and its lines. No widget is touched here."""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from typing import NamedTuple, TypeVar

from rich.cells import cell_len
from textual.content import Content

from tuivm.model.lab import (
    LESSONS,
    Backing,
    Experiment,
    KeptRun,
    LabOffer,
    LabRequest,
    Length,
    Plan,
    Progress,
    Subject,
)
from tuivm.model.units import duration, visible
from tuivm.screens.labwords import BACKINGS, LENGTHS, TITLES
from tuivm.widgets.chartdata import fit
from tuivm.widgets.itemlist import Line

WHAT = (
    (Experiment.STORAGE,),
    (Experiment.NETWORK,),
    (Experiment.STORAGE, Experiment.NETWORK),
)
_LABEL = 11
_T = TypeVar("_T")


class Item(NamedTuple):
    """What a line is. kind: "run", "host", "what", "backing", "length", "model", "omitted",
    "start", "lesson", "kept", "text"; name: of what of that kind."""

    kind: str
    name: str = ""


class Choice:
    """What a person chose. Of the models, those that were ticked off are kept by id: what another
    host has besides is ticked."""

    def __init__(self, host: str = "") -> None:
        self.host = host
        self.what: tuple[Experiment, ...] = WHAT[0]
        self.length = Length.QUICK
        self.off: set[str] = set()
        self.backings: dict[Experiment, Backing] = {}

    def request(self, offer: LabOffer, lesson: Experiment | None = None) -> LabRequest:
        """lesson: that one, instead of what was chosen."""
        asked = (lesson,) if lesson is not None else self.what
        mine = models(offer, asked)
        ticked = tuple(one.id for one in mine if one.id not in self.off)
        some = lesson is None and len(ticked) < len(mine)
        backings = {one: self.backing(offer, one) for one in asked}
        return LabRequest(
            experiments=asked,
            length=self.length,
            models=ticked if some else None,
            backings={one: backing for one, backing in backings.items() if backing is not None},
        )

    def backing(self, offer: LabOffer, experiment: Experiment) -> Backing | None:
        there = offer.backings.get(experiment, ())
        wanted = self.backings.get(experiment)
        return wanted if wanted in there else next(iter(there), None)

    def turn(self, item: Item, by: int, offer: LabOffer, hosts: Sequence[str]) -> bool:
        """Take the next value of what a line is for, or tick it. Did that change anything?"""
        if item.kind == "host" and len(hosts) > 1:
            self.host = _next(hosts, self.host, by)
        elif item.kind == "what":
            self.what = _next(WHAT, self.what, by)
        elif item.kind == "length":
            self.length = _next(tuple(Length), self.length, by)
        elif item.kind == "backing":
            experiment = Experiment(item.name)
            there, present = offer.backings.get(experiment, ()), self.backing(offer, experiment)
            if present is None or len(there) < 2:
                return False
            self.backings[experiment] = _next(there, present, by)
        elif item.kind == "model":
            self.off ^= {item.name}
        else:
            return False
        return True


class State(NamedTuple):
    """All that the page shows. plan: what would be done, or why nothing can be (a sentence).
    marked: names of kept runs that are ticked. now: what goes on."""

    choice: Choice
    hosts: Sequence[str]
    offer: LabOffer | None
    plan: Plan | str
    kept: Sequence[KeptRun] | str
    marked: Collection[str]
    now: Progress | None = None


def models(offer: LabOffer, asked: Collection[Experiment]) -> list[Subject]:
    return [one for one in offer.subjects if one.experiment in asked]


def plan_words(plan: Plan) -> str:
    """ "8 models, 4 workloads, 5 rounds: about 1m 2s"."""
    workloads = sum(len(one) for one in plan.workloads.values())
    what = "models" if plan.experiments in WHAT else "subjects"
    run_as = {"kvm": "KVM", "qemu": "TCG"}.get(plan.accelerator, plan.accelerator)
    return (
        f"{len(plan.subjects)} {what}, {workloads} workloads, {plan.rounds} rounds, {run_as}: "
        f"about {duration(plan.seconds)}"
    )


def progress_bar(done: float, cells: int, *, ascii_only: bool) -> str:
    full, empty = "#." if ascii_only else "█░"
    filled = min(cells, max(0, int(done * cells)))
    return full * filled + empty * (cells - filled)


def left_words(progress: Progress) -> str:
    """ "42 %, about 35s left", or that it is paused."""
    words = f"{progress.done * 100:.0f} %"
    if progress.paused:
        return f"{words}, paused"
    # What takes longer than was thought has no time left that is known.
    if progress.left is None or progress.left < 1.0:
        return words
    return f"{words}, about {duration(progress.left)} left"


def lines(state: State, width: int, *, ascii_only: bool) -> list[Line]:
    """The page."""
    made: list[Line] = []
    if state.now is not None:
        bar = progress_bar(state.now.done, 20, ascii_only=ascii_only)
        said = f" {bar} {left_words(state.now)}  {visible(state.now.said)}"
        made.append(_heading("Running now"))
        made.append(Line(_cut(said, width, "", ascii_only=ascii_only), Item("run")))
    made.append(_heading("Measure device models"))
    made += _choices(state, width, ascii_only=ascii_only)
    made.append(_heading("Lessons"))
    for lesson in LESSONS:
        last = _last_of(state.kept, lesson)
        there = "" if last is None else f"on {visible(last.host)}, {when(last.taken)}"
        text = f" {TITLES[lesson]:<16}{_LESSON_LINES[lesson]:<33}{there}"
        made.append(Line(_cut(text, width, "", ascii_only=ascii_only), Item("lesson", lesson)))
    made += _kept(state, width, ascii_only=ascii_only)
    return made


_LESSON_LINES = {
    Experiment.NESTED: "TCG, KVM, and KVM within KVM",
    Experiment.MACHINE: "q35 against i440fx",
    Experiment.IOTHREAD: "virtio-blk with and without one",
}


def _choices(state: State, width: int, *, ascii_only: bool) -> list[Line]:
    choice, offer = state.choice, state.offer
    options = [_Options("host", Item("host"), state.hosts, choice.host)]
    if offer is not None and not offer.problem:
        options += _settings(choice, offer)
    made = [_one_of(one, width, ascii_only=ascii_only) for one in options]
    if offer is None:
        more = "..." if ascii_only else "…"
        made.append(Line(Content.styled(f"  asking it what it can do {more}", "$quiet")))
        return made
    if offer.problem:
        made += text_lines(offer.problem, width, "$state-bad", indent=2)
        return made
    for remark in offer.remarks:
        made += text_lines(remark, width, "$warning", indent=2)
    made += _models(offer, choice, width, ascii_only=ascii_only)
    if isinstance(state.plan, str):
        # Why nothing can be started is to be read in full.
        said = f"{'start':<{_LABEL}}{state.plan}"
        return made + text_lines(said, width, "$state-bad", item=Item("start"))
    said = f" {'start':<{_LABEL}}{visible(plan_words(state.plan))}"
    made.append(Line(_cut(said, width, "bold", ascii_only=ascii_only), Item("start")))
    return made


def _settings(choice: Choice, offer: LabOffer) -> list[_Options]:
    """What is measured, on what, and for how long."""
    names = [" + ".join(TITLES[one] for one in what) for what in WHAT]
    made = [_Options("what", Item("what"), names, names[WHAT.index(choice.what)])]
    for experiment in choice.what:
        backing = choice.backing(offer, experiment)
        if backing is not None:
            label = "disks on" if experiment is Experiment.STORAGE else "NICs on"
            values = [one.value for one in offer.backings[experiment]]
            item = Item("backing", experiment)
            made.append(_Options(label, item, values, backing.value, BACKINGS[backing]))
    lengths = [one.value for one in Length]
    length = choice.length
    made.append(_Options("length", Item("length"), lengths, length.value, LENGTHS[length]))
    return made


def _models(offer: LabOffer, choice: Choice, width: int, *, ascii_only: bool) -> list[Line]:
    made = []
    mine = models(offer, choice.what)
    title = min(24, max((cell_len(visible(one.title)) for one in mine), default=0))
    for one in mine:
        glyph = one.cls.letter if ascii_only else one.cls.glyph
        tick = "[ ]" if one.id in choice.off else "[x]"
        name = fit(one.title, title, "ascii" if ascii_only else "braille")
        name += " " * (title - cell_len(name))
        about = visible(one.about or one.model)
        # One less than there is, as everywhere: a bar for scrolling may come.
        room = width - title - 11
        parts = (
            (f"  {tick} ", ""),
            (f"{glyph} ", f"$class-{one.cls.value}"),
            (f"{name}  ", ""),
            (fit(about, room, "ascii" if ascii_only else "braille"), "$quiet"),
        )
        made.append(Line(Content.assemble(*parts), Item("model", one.id)))
    for gone in offer.omitted:
        if gone.subject.experiment in choice.what:
            text = f"  [-]   {visible(gone.subject.title)}: {visible(gone.why)}"
            said = _cut(text, width, "$quiet dim", ascii_only=ascii_only)
            made.append(Line(said, Item("omitted", gone.subject.id)))
    return made


def _kept(state: State, width: int, *, ascii_only: bool) -> list[Line]:
    if isinstance(state.kept, str):
        return [_heading("Kept runs"), *text_lines(state.kept, width, "$state-bad", indent=2)]
    if not state.kept:
        return [_heading("Kept runs"), Line(Content.styled("  none yet", "$quiet"))]
    made = [_heading(f"Kept runs ({len(state.kept)})")]
    names = min(28, max(cell_len(visible(one.name)) for one in state.kept))
    for one in state.kept:
        tick = "[x]" if one.name in state.marked else "[ ]"
        name = fit(one.name, names, "ascii" if ascii_only else "braille")
        name += " " * (names - cell_len(name))
        if one.problem:
            text, style = visible(one.problem), "$state-bad"
        else:
            what = ", ".join(TITLES[experiment] for experiment in one.experiments)
            run_as = {"kvm": "KVM", "qemu": "TCG"}.get(one.accelerator, visible(one.accelerator))
            incomplete = "" if one.complete else ", not complete"
            text = f"{when(one.taken)}  {visible(one.host)}  {run_as}  {what}{incomplete}"
            style = "$quiet"
        rest = fit(text, width - names - 9, "ascii" if ascii_only else "braille")
        parts = ((f"  {tick} ", ""), (f"{name}  ", ""), (rest, style))
        made.append(Line(Content.assemble(*parts), Item("kept", one.name)))
    return made


def when(at: float | None) -> str:
    return "" if at is None else time.strftime("%Y-%m-%d %H:%M", time.localtime(at))


def text_lines(
    text: str, width: int, style: str = "", *, indent: int = 1, item: Item | None = None
) -> list[Line]:
    """A paragraph, wrapped; each line can be stepped on where there is an item."""
    content = Content.styled(visible(text), style) if style else Content(visible(text))
    pad = Content(" " * indent)
    wrapped = content.wrap(max(10, width - indent - 1))
    return [Line(pad + one.rstrip(), item) for one in wrapped]


class _Options(NamedTuple):
    """A line with all values that can be taken, the chosen one in brackets, and what it means."""

    label: str
    item: Item
    values: Sequence[str]
    chosen: str
    about: str = ""


def _one_of(of: _Options, width: int, *, ascii_only: bool) -> Line:
    shown = list(of.values)
    if sum(cell_len(visible(one)) + 3 for one in shown) > width - _LABEL - 2:
        shown = [of.chosen]
    line = Content(f" {of.label:<{_LABEL}}")
    for one in shown:
        chosen = one == of.chosen
        text = f"[{visible(one)}] " if chosen else f" {visible(one)}  "
        line += Content.styled(text, "bold") if chosen else Content(text)
    room = width - line.cell_length - 1
    if of.about and room > 0:
        about = fit(of.about, room, "ascii" if ascii_only else "braille")
        line += Content.styled(about, "$quiet")
    return Line(line, of.item)


def _heading(text: str) -> Line:
    return Line(Content.styled(text, "bold $primary"))


def _cut(text: str, width: int, style: str, *, ascii_only: bool) -> Content:
    said = fit(text, width - 1, "ascii" if ascii_only else "braille")
    return Content.styled(said, style) if style else Content(said)


def _last_of(kept: Sequence[KeptRun] | str, lesson: Experiment) -> KeptRun | None:
    if isinstance(kept, str):
        return None
    return next((one for one in kept if lesson in one.experiments and not one.problem), None)


def _next(values: Sequence[_T], present: _T, by: int) -> _T:
    place = values.index(present) if present in values else -1 if by > 0 else 0
    return values[(place + by) % len(values)]
