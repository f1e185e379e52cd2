"""Which words explain what is highlighted on a page of the Lab. No widget here."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content

from tuivm.model.lab import Experiment, ExperimentResult, KeptRun, LabOffer, Progress, Subject
from tuivm.model.units import duration, visible
from tuivm.screens.dialogs.explain import in_ascii
from tuivm.screens.explaining import Explanation
from tuivm.screens.lablessons import explain_lesson
from tuivm.screens.labplan import Choice, Item, when
from tuivm.screens.labresult import Shown
from tuivm.screens.labwords import (
    TITLES,
    explain_backing,
    explain_lab,
    explain_length,
    explain_measure,
    explain_published,
    explain_subject,
)

__all__ = ["beside", "explain_lab", "of_choice", "of_lesson", "of_progress", "of_result"]


def of_choice(
    item: Item, choice: Choice, offer: LabOffer | None, kept: Sequence[KeptRun] | str
) -> Explanation:
    """What is highlighted on the first page."""
    found: Explanation | None = None
    if item.kind == "lesson":
        found = explain_lesson(Experiment(item.name))
    elif item.kind == "length":
        found = explain_length()
    elif item.kind == "host":
        found = _of_host(choice.host, offer)
    elif item.kind == "kept" and not isinstance(kept, str):
        found = next((_of_kept(one) for one in kept if one.name == item.name), None)
    elif offer is not None:
        found = _of_offer(item, choice, offer)
    return found or explain_lab()


def _of_offer(item: Item, choice: Choice, offer: LabOffer) -> Explanation | None:
    if item.kind == "model":
        return next((explain_subject(one) for one in offer.subjects if one.id == item.name), None)
    if item.kind == "omitted":
        gone = next((one for one in offer.omitted if one.subject.id == item.name), None)
        return Explanation(f"{gone.subject.title} is left out", gone.why) if gone else None
    if item.kind == "backing":
        experiment = Experiment(item.name)
        backing = choice.backing(offer, experiment)
        return explain_backing(experiment, backing) if backing else None
    return None


def of_result(item: Item, shown: Shown | None) -> Explanation:
    """What is highlighted in a result."""
    if shown is None:
        return explain_lab()
    for result in shown.results:
        found = _in_result(item, result)
        if found is not None:
            return found
    if item.kind == "text":
        return _of_run(shown)
    return explain_lab()


def of_lesson(item: Item, lesson: Experiment, shown: Shown | None) -> Explanation:
    found = explain_lab() if shown is None else of_result(item, shown)
    return explain_lesson(lesson) if found == explain_lab() else found


def of_progress(progress: Progress | None, key: tuple[Experiment, str] | None) -> Explanation:
    """The subject that is highlighted while measurements run. key: of its row."""
    subjects: Sequence[Subject] = progress.run.plan.subjects if progress is not None else ()
    mine = next((one for one in subjects if (one.experiment, one.id) == key), None)
    return explain_subject(mine) if mine is not None else explain_lab()


def beside(item: Explanation, *, ascii_only: bool) -> Content:
    """All of an explanation but the way it is scrolled."""
    text = in_ascii(item.text) if ascii_only else item.text
    parts = [(f"{visible(item.title)}\n\n", "bold")]
    parts += [(f"{visible(line)}\n", "") for line in text.split("\n")]
    if item.command:
        parts.append(("\nThe same on the command line:\n", "$quiet"))
        parts += [(f"{visible(line)}\n", "bold") for line in item.command.split("\n")]
    if item.xml:
        parts.append(("\nlibvirt's XML:\n", "$quiet"))
        parts += [(f"{visible(line)}\n", "") for line in item.xml.split("\n")]
    return Content.assemble(*parts)


def _in_result(item: Item, result: ExperimentResult) -> Explanation | None:
    if item.kind == "row":
        row = next((one for one in result.rows if one.subject.id == item.name), None)
        return explain_subject(row.subject, row) if row else None
    if item.kind == "measure":
        measure = next((one for one in result.measures if one.id == item.name), None)
        return explain_measure(measure) if measure else None
    if item.kind == "published":
        experiment, _, number = item.name.partition(":")
        if experiment == result.experiment and int(number) < len(result.published):
            return explain_published(result.published[int(number)])
    return None


def _of_host(name: str, offer: LabOffer | None) -> Explanation:
    if offer is None or offer.record is None:
        text = offer.problem if offer and offer.problem else "Where the Lab's guests run."
        return Explanation(name or "host", text)
    record = offer.record
    facts = (
        ("hypervisor", record.hypervisor),
        ("libvirt", record.libvirt),
        ("kernel", record.kernel),
        ("CPU", record.cpu),
        ("CPUs", "" if record.cpus is None else str(record.cpus)),
    )
    text = "\n".join(f"{label}: {value or 'not reported'}" for label, value in facts)
    return Explanation(name, "\n".join((text, *offer.remarks)))


def _of_kept(one: KeptRun) -> Explanation:
    if one.problem:
        return Explanation(one.name, f"{one.path}\n{one.problem}")
    what = ", ".join(TITLES[experiment] for experiment in one.experiments)
    text = f"{what} on {one.host}, {when(one.taken)}\n{one.path}"
    return Explanation(one.name, text, f"tuivm lab show {one.name}")


def _of_run(shown: Shown) -> Explanation:
    run = shown.run
    lines = (
        f"Taken {when(run.taken)} on {run.host.name}; it took {duration(run.seconds)}.",
        f"{len(run.trials)} trials are kept, one by one; the first round of each is the warm-up "
        "and enters no figure.",
    )
    return Explanation(run.name, "\n".join(lines), f"tuivm lab show {run.name}")
