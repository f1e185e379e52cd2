"""What the Lab can do on a host, and the plan of a run. Pure."""

from __future__ import annotations

import secrets
from collections.abc import Iterable

from tuivm.lab import models
from tuivm.lab.availability import Choice, machine, why_not, why_not_passed
from tuivm.lab.ports import HostAbilities, LabError, SpareDevice
from tuivm.model.lab import (
    Backing,
    Experiment,
    LabOffer,
    LabRequest,
    Length,
    Omitted,
    Plan,
    Subject,
    Unavailable,
    Workload,
)

COUNTED = 200
"""Requests of a counting phase: enough that what happens beside them hardly shows."""
ROUNDS = {Length.QUICK: 5, Length.FULL: 11}
_FEWEST_ROUNDS = 5
"""Four trials and more have an interval, one of 94 % with five."""
_SHORTEST_TRIAL = 0.2
_COUNTING = 1.0
"""Seconds of a subject's counting phase."""
BOOT = {"kvm": 3.0, "qemu": 6.0}
"""Seconds from the start of a guest to its hello, measured on slow hosts."""
MEASURING = {
    Length.QUICK: {Experiment.STORAGE: 36.0, Experiment.NETWORK: 24.0},
    Length.FULL: {Experiment.STORAGE: 180.0, Experiment.NETWORK: 120.0},
}
"""Seconds of trials, and for each of the lessons:"""
LESSON = {Length.QUICK: 20.0, Length.FULL: 60.0}

_LARGE = Workload("large", "256 KiB reads in sequence, depth 4", 256 * 1024, 4)
_D1 = Workload("d1", "4 KiB reads at random, depth 1", 4096, 1)
_D32 = Workload("d32", "4 KiB reads at random, depth 32", 4096, 32)
_READS = Workload("count", "4 KiB reads at random, counted", 4096, 1, COUNTED)
_STREAM = Workload("stream", "1514-byte frames, as fast as they go", 1514)
_PINGPONG = Workload("pingpong", "a 60-byte frame there and back", 60)
WORKLOADS = {
    Experiment.STORAGE: (_LARGE, _D1, _D32, _READS),
    Experiment.NETWORK: (
        _STREAM,
        Workload("small", "60-byte frames, as fast as they go", 60),
        _PINGPONG,
        Workload("count", "1514-byte frames, counted", 1514, 1, COUNTED),
    ),
    Experiment.NESTED: (
        Workload("compute", "SHA-256 over 64 KiB", 64 * 1024),
        Workload("faults", "first touches of a page", 4096),
        Workload("exits", "reads of an I/O port", 1),
        _D1,
    ),
    Experiment.MACHINE: (_LARGE, _D1, _STREAM, _PINGPONG, _READS),
    Experiment.IOTHREAD: (_LARGE, _D1, _D32, _READS),
}
NIC_WORKLOADS = frozenset({"stream", "small", "pingpong"})
"""Ids of workloads that are always of a NIC ("count" is, in the experiment NETWORK)."""


def of_nic(experiment: Experiment, workload: str) -> bool:
    """The workload is done to the subject's NIC; else to its disk, or to neither."""
    return experiment is Experiment.NETWORK or workload in NIC_WORKLOADS


def offer(host: str, abilities: HostAbilities) -> LabOffer:
    """All that can be compared on a host. host: the name that the program has for it."""
    problem = _problem(abilities)
    if problem:
        return LabOffer(host, abilities.record, problem=problem)
    choice = Choice(abilities, abilities.accelerators[0], machine(abilities))
    backings = _backings(abilities)
    subjects, omitted = [], []
    for model in models.CATALOGUE:
        # Offered when there is a backing with which it works.
        whys = [
            why_not(choice, model, one)
            for one in backings.get(model.subject.experiment, (Backing.NULL,))
        ]
        if "" in whys:
            subjects.append(_titled(model.subject, abilities))
        else:
            # With the last backing, which can do most: what it lacks, the others lack too.
            omitted.append(Unavailable(model.subject, whys[-1]))
    for device in abilities.spare:
        subject = models.passthrough(device)
        why = why_not_passed(choice)
        if why:
            omitted.append(Unavailable(subject, why))
        else:
            subjects.append(subject)
    return LabOffer(
        host,
        abilities.record,
        tuple(subjects),
        tuple(omitted),
        backings,
        tuple(_remarks(abilities)),
    )


def plan(abilities: HostAbilities, request: LabRequest) -> Plan:
    """What a run is to do. Raises LabError when that cannot be done, or nothing is left of it."""
    problem = _problem(abilities)
    if problem:
        raise LabError(problem)
    accelerator = request.accelerator or abilities.accelerators[0]
    if accelerator not in abilities.accelerators:
        raise LabError(
            f"This host has no accelerator {accelerator!r}.",
            remedy=f"It has: {', '.join(abilities.accelerators)}.",
        )
    choice = Choice(abilities, accelerator, machine(abilities))
    wanted = tuple(dict.fromkeys(request.experiments))
    _check_names(abilities, request)
    backings = {one: _backing(abilities, request, one) for one in wanted}
    subjects: list[Subject] = []
    omitted: list[Omitted] = []
    for experiment in wanted:
        chosen, left_out = _subjects(choice, request, experiment, backings[experiment])
        subjects += chosen
        omitted += left_out
    experiments = tuple(
        one for one in wanted if any(subject.experiment is one for subject in subjects)
    )
    if not experiments:
        raise LabError(
            "Nothing is left to measure.",
            " ".join(f"{one.subject}: {one.why}" for one in omitted),
        )
    workloads = {one: WORKLOADS[one] for one in experiments}
    measuring = sum(_measuring(request.length, one) for one in experiments)
    cells = sum(
        sum(1 for work in workloads[subject.experiment] if work.id != "count")
        for subject in subjects
    )
    counted = sum(
        any(work.id == "count" for work in workloads[subject.experiment]) for subject in subjects
    )
    # One round more is the warm-up.
    fit = int(measuring / (cells * _SHORTEST_TRIAL)) - 1
    return Plan(
        experiments=experiments,
        length=request.length,
        subjects=tuple(subjects),
        workloads=workloads,
        backings={one: backings[one] for one in experiments},
        rounds=min(ROUNDS[request.length], max(_FEWEST_ROUNDS, fit)),
        seed=secrets.randbelow(2**31) if request.seed is None else request.seed,
        seconds=measuring + counted * _COUNTING + _boots(accelerator, subjects),
        accelerator=accelerator,
        omitted=tuple(omitted),
    )


def accelerators(plan: Plan) -> frozenset[str]:
    """What the guests of a plan are meant to run as."""
    known = (models.BY_ID.get(subject.id) for subject in plan.subjects)
    return frozenset((one.accelerator if one else "") or plan.accelerator for one in known)


def _problem(abilities: HostAbilities) -> str:
    """Why the Lab can do nothing here, "" when it can."""
    if abilities.record.arch not in {"", "x86_64"}:
        return f"The Lab compares device models of PCs, and this host is {abilities.record.arch}."
    if not abilities.accelerators:
        return "libvirt names neither KVM nor TCG for x86_64 guests on this host."
    if not machine(abilities):
        return "QEMU on this host has neither the machine type pc nor q35."
    return ""


def _remarks(abilities: HostAbilities) -> Iterable[str]:
    if "kvm" not in abilities.accelerators:
        yield (
            "There is no KVM: guests run under TCG, where a trap costs no more than any other "
            "access. Times hardly differ there; traps are counted all the same."
        )
    if abilities.models is None:
        yield (
            "QEMU could not be asked which device models it has: only those are offered that "
            "libvirt's domain capabilities name."
        )
    if abilities.record.virtualized:
        yield "This host is itself a guest: what KVM runs on it is nested."


def _backings(abilities: HostAbilities) -> dict[Experiment, tuple[Backing, ...]]:
    disks = (Backing.NULL, Backing.FILE)
    return {
        Experiment.STORAGE: disks,
        Experiment.NETWORK: (Backing.SOCKET, *((Backing.TAP,) if abilities.tap else ())),
        Experiment.NESTED: (Backing.NULL,),
        # Its NICs are joined by sockets.
        Experiment.MACHINE: (Backing.NULL,),
        Experiment.IOTHREAD: disks,
    }


def _backing(abilities: HostAbilities, request: LabRequest, experiment: Experiment) -> Backing:
    there = _backings(abilities)[experiment]
    asked = request.backings.get(experiment, there[0])
    if asked not in there:
        reason = ""
        if asked is Backing.TAP and experiment is Experiment.NETWORK:
            reason = "This libvirt cannot give a guest a tap: that takes the system's libvirt."
        raise LabError(
            f"The backing {asked.value!r} is not there for the experiment {experiment.value!r}.",
            reason,
            f"There is: {', '.join(one.value for one in there)}.",
        )
    return asked


def _check_names(abilities: HostAbilities, request: LabRequest) -> None:
    """Raises LabError for a model that nobody knows: a slip of the pen must not end in a run
    without it."""
    spare = {models.PASSTHROUGH + one.address for one in abilities.spare}
    known = models.BY_ID.keys() | spare
    unknown = [one for one in request.models or () if one not in known]
    if unknown:
        some = [one.subject.id for one in (*models.STORAGE, *models.NETWORK)]
        raise LabError(
            f"There is no model {', '.join(unknown)}.",
            remedy=f"Models are: {', '.join([*some, *sorted(spare)])}.",
        )


def _subjects(
    choice: Choice, request: LabRequest, experiment: Experiment, backing: Backing
) -> tuple[list[Subject], list[Omitted]]:
    lesson = experiment not in {Experiment.STORAGE, Experiment.NETWORK}
    # A lesson compares what it compares; models are picked for the other two.
    picked = None if lesson else request.models
    subjects, omitted = [], []
    for model in models.CATALOGUE:
        if model.subject.experiment is not experiment:
            continue
        if picked is not None and model.subject.id not in picked:
            continue
        if why := why_not(choice, model, backing):
            omitted.append(Omitted(model.subject.id, why))
        else:
            subjects.append(_titled(model.subject, choice.abilities))
    if not lesson:
        passed, left_out = _passed(choice, request, experiment)
        subjects += passed
        omitted += left_out
    if lesson and len(subjects) == 1:
        omitted.append(Omitted(subjects[0].id, "There is nothing to compare it with."))
        subjects = []
    return _with_baseline(subjects), omitted


def _passed(
    choice: Choice, request: LabRequest, experiment: Experiment
) -> tuple[list[Subject], list[Omitted]]:
    subjects, omitted = [], []
    for device in choice.abilities.spare:
        subject = models.passthrough(device)
        if subject.experiment is not experiment:
            continue
        named = device.address in request.passthrough or subject.id in (request.models or ())
        if request.models is not None and not named:
            continue
        why = why_not_passed(choice) or ("" if named else _why_not_named(device))
        if why:
            omitted.append(Omitted(subject.id, why))
        else:
            subjects.append(subject)
    spare = {device.address for device in choice.abilities.spare}
    # Whether a device in use is a disk controller or a NIC is not known: said once.
    first = next(
        (one for one in request.experiments if one in {Experiment.STORAGE, Experiment.NETWORK}),
        None,
    )
    omitted += [
        Omitted(
            models.PASSTHROUGH + address,
            "It is no spare disk controller or NIC: nothing may use it, and all of its IOMMU "
            "group must be bound to vfio-pci or to no driver. The Lab takes no device from the "
            f"host; where nothing uses it, `virsh nodedev-detach {_node_name(address)}` does.",
        )
        for address in request.passthrough
        if experiment is first and address not in spare
    ]
    return subjects, omitted


def _node_name(address: str) -> str:
    """libvirt's name of a PCI device: "0000:01:00.0" -> "pci_0000_01_00_0"."""
    return "pci_" + address.replace(":", "_").replace(".", "_")


def _why_not_named(device: SpareDevice) -> str:
    if device.kind == "disk":
        return ""
    return (
        "Its frames go out onto a real wire, so it takes part only when it is named "
        f"(--models or --passthrough {device.address})."
    )


def _titled(subject: Subject, abilities: HostAbilities) -> Subject:
    if subject.id == "kvm" and abilities.record.virtualized:
        return subject._replace(
            title="KVM in KVM",
            about="KVM on a host that is a guest itself: each exit passes two hypervisors.",
        )
    return subject


def _with_baseline(subjects: list[Subject]) -> list[Subject]:
    """The first one where the usual baseline does not take part: ratios need one."""
    if not subjects or any(one.baseline for one in subjects):
        return subjects
    return [subjects[0]._replace(baseline=True), *subjects[1:]]


def _measuring(length: Length, experiment: Experiment) -> float:
    return MEASURING[length].get(experiment, LESSON[length])


def _boots(accelerator: str, subjects: Iterable[Subject]) -> float:
    """Seconds that the guests take to boot, one after the other."""
    guests = set()
    for subject in subjects:
        model = models.BY_ID.get(subject.id)
        own = (model.machine, model.accelerator) if model else ("", "")
        guests.add((subject.experiment, *own))
    return sum(BOOT[own or accelerator] for _, _, own in guests)
