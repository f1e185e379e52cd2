"""Words for `explain` in the Lab place: models, measures, backings, lengths, lessons."""

from __future__ import annotations

from tuivm.model.lab import (
    Backing,
    Experiment,
    LabMeasure,
    Length,
    Published,
    Subject,
    SubjectFigures,
    Tally,
)
from tuivm.screens.explaining import Explanation, explain_class
from tuivm.screens.labfigure import figure, span
from tuivm.screens.labmodels import REGISTERS, words_of

TITLES = {
    Experiment.STORAGE: "storage",
    Experiment.NETWORK: "network",
    Experiment.NESTED: "nested or not",
    Experiment.MACHINE: "machine type",
    Experiment.IOTHREAD: "I/O thread",
}
BACKINGS = {
    Backing.NULL: "answers at once: the device model alone is measured",
    Backing.FILE: "a raw file, cache=none, native AIO: with the host's storage behind it",
    Backing.SOCKET: "UDP sockets on the host's loopback; no privileges needed",
    Backing.TAP: "tap devices on an isolated bridge; needs the system's libvirt",
}
LENGTHS = {
    Length.QUICK: "about a minute; intervals are wider",
    Length.FULL: "about five minutes; small differences show",
}
_HOW = (
    "All models get the same backing, the same requests and the same count. Repetitions of all of "
    "them are mixed in random order and the first is dropped; a figure is the median, its interval "
    "is bootstrapped (95 %), and one is called better or worse only where intervals do not overlap."
)


def explain_lab() -> Explanation:
    return Explanation(
        "The Lab",
        "Small guests, made for it and removed again, measure what each device model costs on "
        f"this very host. {_HOW} Other guests and volumes are never touched.",
        "tuivm lab run --storage --quick",
    )


def explain_subject(subject: Subject, row: SubjectFigures | None = None) -> Explanation:
    """A model (or machine type, or accelerator), and what was counted of it."""
    words = words_of(subject.id, subject.model)
    lines = [words.text if words else subject.about or f"{subject.title}."]
    if words and subject.about and subject.about not in words.text:
        lines.append(subject.about)
    if subject.experiment in (Experiment.STORAGE, Experiment.NETWORK):
        lines.append(explain_class(subject.cls))
    if subject.baseline:
        lines.append("The others are set in ratio to it.")
    if row is not None and row.tally is not None:
        lines += ["", *tally_lines(row.tally, subject.experiment)]
    device = words.device if words else f"-device {subject.model}" if subject.model else ""
    xml = words.xml if words else ""
    if words and not xml:
        lines.append("libvirt 9.0 cannot say it in its XML: qemu:commandline passes it on.")
    return Explanation(subject.title, "\n".join(lines), device, xml=xml)


def tally_lines(tally: Tally, experiment: Experiment) -> list[str]:
    """What one request took, register by register."""
    if not tally.requests:
        return []
    each = "frame" if experiment is Experiment.NETWORK else "request"
    how = "QEMU's trace" if tally.source == "trace" else "KVM's exit counters"
    lines = [f"One {each} took, on average of {tally.requests} ({how}):"]
    found = sorted(tally.registers.items(), key=lambda one: -one[1])
    for name, number in found:
        about = REGISTERS.get(name, "registers of this device")
        lines.append(f"  {figure(number / tally.requests, 'each'):>6}  {name}: {about}")
    if tally.notifications is not None:
        kicks = tally.notifications / tally.requests
        lines.append(f"  {figure(kicks, 'each'):>6}  notifications of a virtqueue")
    if not found and not tally.notifications:
        lines.append("  none: no access to its registers was seen")
    if tally.interrupts is not None:
        interrupts = tally.interrupts / tally.requests
        lines.append(f"  {figure(interrupts, 'each'):>6}  interrupts from it")
    if tally.apart:
        apart = ", ".join(
            f"{name} {figure(number / tally.requests, 'each')}"
            for name, number in tally.apart.items()
        )
        lines.append(f"Counted apart, since any guest makes them: {apart}.")
    return lines


_MEASURES = {
    "traps": (
        "How often the guest had to leave its own code for one request: accesses to the device's "
        "registers, and notifications of a virtqueue. Under KVM each is an exit: the CPU leaves "
        "the guest, QEMU does what the register is for, the guest goes on. The count is the same "
        "on every host, so it is the reason behind the times. It is taken in a phase of its own, "
        "so that counting never slows what is timed."
    ),
    "interrupts": (
        "How often the device interrupted the guest for one request, as the guest's own kernel "
        "counted it. Devices that gather several completions into one interrupt come below 1."
    ),
    "bytes": "Bytes a second with large requests. It shows how well data moves.",
    "rate": (
        "Requests a second. At depth 1 each waits for the one before, so it is one divided by "
        "the latency; at depth 32 as many are under way at once, and what each costs decides."
    ),
    "p50": "Half of the requests took less, from issue to completion, as the guest sees it.",
    "p95": "95 of 100 requests took less, from issue to completion, as the guest sees it.",
    "p99": "99 of 100 requests took less, from issue to completion, as the guest sees it.",
    "cpu": (
        "CPU time on the host for one request, of all threads of the guest's QEMU process "
        "together: vCPUs, main loop, I/O threads, workers."
    ),
    "exits": (
        "All exits of the vCPUs for one request, whatever they were for (KVM's own counters): "
        "register accesses, interrupts, halts."
    ),
}


def explain_measure(measure: LabMeasure) -> Explanation:
    _, _, what = measure.id.rpartition(".")
    text = _MEASURES.get(measure.id) or _MEASURES.get(what)
    if text is None and ".cpu." in measure.id:
        text = "The part of the host's CPU time for one request that this kind of thread took."
    better = "More is better." if measure.rising else "Less is better."
    return Explanation(measure.title, f"{text or measure.title + '.'} {better}\n{_HOW}")


def explain_published(one: Published) -> Explanation:
    lines = [
        f"Published: {span(one.low, one.high)}.",
        "Measured here: "
        + ("not measured." if one.measured is None else f"{figure(one.measured, 'ratio')}."),
        f"Source: {one.source}." if one.source else "",
        one.remark,
    ]
    return Explanation(one.what, "\n".join(line for line in lines if line))


def explain_backing(experiment: Experiment, backing: Backing) -> Explanation:
    others = "\n".join(f"{one.value}: {text}" for one, text in BACKINGS.items())
    text = (
        f"What stands behind every {'NIC' if experiment is Experiment.NETWORK else 'disk'}; the "
        f"same for all, or the comparison would be of backings.\n{others}"
    )
    return Explanation(f"backing: {backing.value}", text)


def explain_length() -> Explanation:
    text = "\n".join(f"{length.value}: {text}" for length, text in LENGTHS.items())
    return Explanation("quick or full", text)
