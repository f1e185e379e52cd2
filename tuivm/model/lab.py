"""What the Lab measures, as records: plan, progress, and raw results. Pure.

A **subject** is one thing that is compared (a device model, a machine type, an accelerator); a
**workload** is what is done to it; a **trial** is one workload on one subject, once. Trials are
kept raw; `tuivm.model.labfigures` makes medians, intervals, ratios and verdicts of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple

from tuivm.model.devices import DeviceClass


class Experiment(StrEnum):
    """What is compared. The last three are the lessons."""

    STORAGE = "storage"
    NETWORK = "network"
    NESTED = "nested"
    """TCG, KVM and KVM in KVM, as far as the host has them."""
    MACHINE = "machine"
    """q35 against i440fx."""
    IOTHREAD = "iothread"
    """virtio-blk served by the main loop against one of its own thread."""


LESSONS = (Experiment.NESTED, Experiment.MACHINE, Experiment.IOTHREAD)


class Backing(StrEnum):
    """What stands behind every disk (NULL, FILE), behind every NIC (SOCKET, TAP)."""

    NULL = "null"
    """QEMU's null-co: answers at once, so the device model alone is measured."""
    FILE = "file"
    """A raw file, cache=none, native AIO: with the host's storage behind it."""
    SOCKET = "socket"
    """Each NIC and its peer joined by UDP sockets on the host's loopback; no privileges."""
    TAP = "tap"
    """Each NIC and its peer on an isolated bridge of their own; needs the system's libvirt."""


class Length(StrEnum):
    QUICK = "quick"
    FULL = "full"


class Subject(NamedTuple):
    """One thing that is compared.

    id: "virtio-blk", "ide", "q35", "kvm" …, unique in its experiment. model: QEMU's own name of
    the device ("virtio-blk-pci", "ide-hd"). cls: of the device measured. baseline: what the others
    are set in ratio to; one a run. about: a short sentence of what it is.
    """

    id: str
    experiment: Experiment
    title: str
    cls: DeviceClass
    model: str = ""
    about: str = ""
    baseline: bool = False


class Omitted(NamedTuple):
    """A subject that is not there, or fell out, and why: a sentence."""

    subject: str
    why: str


class Unavailable(NamedTuple):
    """A subject that a host cannot offer, and why: a sentence."""

    subject: Subject
    why: str


class Workload(NamedTuple):
    """What is done to a subject; the same for all subjects of an experiment.

    id: "large", "d1", "d32", "count" (storage); "stream", "small", "pingpong", "count" (network);
    "compute", "faults", "exits", "d1" (nested). size: bytes a request or frame. depth: requests in
    flight. requests: of a trial; 0 until the warm-up has shown how many take the time wanted.
    """

    id: str
    title: str
    size: int
    depth: int = 1
    requests: int = 0


class Plan(NamedTuple):
    """What a run is going to do. seconds: estimate of the whole, boots included.

    rounds: repetitions of each workload on each subject, in random order, after one that is
    dropped. seed: of that order. omitted: subjects left out already now.
    """

    experiments: tuple[Experiment, ...]
    length: Length
    subjects: tuple[Subject, ...]
    workloads: Mapping[Experiment, tuple[Workload, ...]]
    backings: Mapping[Experiment, Backing]
    rounds: int
    seed: int
    seconds: float
    accelerator: str
    """"kvm" or "qemu" (TCG): what guests are meant to run as."""
    omitted: tuple[Omitted, ...] = ()


class Phase(StrEnum):
    """Where a run is."""

    PREPARING = "preparing"
    """The appliance is built or found, volumes are made."""
    BOOTING = "booting"
    WARMUP = "warm-up"
    MEASURING = "measuring"
    COUNTING = "counting"
    CLEANING = "cleaning up"
    DONE = "done"
    STOPPED = "stopped"
    FAILED = "failed"


class Percentiles(NamedTuple):
    """Latency of single requests in ns, issue to completion, as the guest sees it."""

    p50: float
    p95: float
    p99: float


class Trial(NamedTuple):
    """One workload on one subject, once.

    round: 0 is the warm-up and enters no figure. seconds: as the guest's clock measured it.
    cpu_ns: host CPU time by thread role (values of `ThreadRole`) spent meanwhile; empty where the
    host cannot be asked. exits: KVM's exits of all vCPUs meanwhile by libvirt's names, without
    ".sum"; empty without KVM. interrupts: of the device, counted in the guest. steal: share of the
    host's CPU time that its own hypervisor withheld meanwhile, 0..1; None where not known.
    """

    subject: str
    workload: str
    round: int
    requests: int
    bytes: int
    seconds: float
    latency: Percentiles | None = None
    cpu_ns: Mapping[str, int] = MappingProxyType({})
    exits: Mapping[str, int] = MappingProxyType({})
    interrupts: int | None = None
    steal: float | None = None


class Tally(NamedTuple):
    """How often the guest left its own code for a fixed number of requests (4 KiB reads at depth 1,
    or frames sent), counted in a phase of its own.

    registers: accesses by QEMU's name of the memory region of the device measured ("ide", "ahci",
    …). notifications: virtio queue kicks of that device. apart: accesses that any guest makes,
    device or not, by kind ("interrupt controller", "timer", "serial line", "script RAM", "other").
    interrupts: of the device, counted in the guest. source: "trace" or "exits" (KVM's
    counters: io_exits + mmio_exits, of which registers then has one entry each).
    """

    subject: str
    requests: int
    registers: Mapping[str, int] = MappingProxyType({})
    notifications: int | None = None
    apart: Mapping[str, int] = MappingProxyType({})
    interrupts: int | None = None
    source: str = "trace"

    @property
    def traps(self) -> float | None:
        """Register accesses and notifications a request; None when nothing was asked."""
        if not self.requests:
            return None
        return (sum(self.registers.values()) + (self.notifications or 0)) / self.requests


class LabHostRecord(NamedTuple):
    """The host as it was. "" and None: not reported."""

    name: str
    uri: str
    hypervisor: str = ""
    libvirt: str = ""
    kernel: str = ""
    cpu: str = ""
    cpus: int | None = None
    arch: str = ""
    accelerator: str = ""
    """What guests ran as in the end: "kvm" or "qemu" (TCG)."""
    virtualized: bool | None = None
    """The host is itself a guest."""


class Method(NamedTuple):
    """How it was measured. generator: "fio 3.33" or "tuivm (libaio)" for disks, "tuivm (packet
    socket)" for NICs, of both with ", " between. kernel: the appliance's."""

    generator: str = ""
    kernel: str = ""
    machine: str = ""
    vcpus: int = 1
    memory_mib: int = 0


class LabRun(NamedTuple):
    """A run with all it found, complete or not.

    name: file name without suffix, unique in the person's runs. taken: s since the epoch at its
    start. seconds: how long it took. caveats: what makes it less than fair, a sentence each
    (TCG, steal time, other guests busy, frequency scaling …). remarks: what happened on the way
    ("KVM made no progress: restarted under TCG"). complete: False when stopped or failed.
    plan.workloads hold the counts that were used.
    """

    name: str
    taken: float
    host: LabHostRecord
    plan: Plan
    method: Method = Method()
    trials: tuple[Trial, ...] = ()
    tallies: tuple[Tally, ...] = ()
    caveats: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    seconds: float = 0.0
    complete: bool = False


class Progress(NamedTuple):
    """Where a run is now; sent often (several times a second), on the run's own thread.

    said: one line of what goes on ("4 KiB reads, depth 1, on IDE: round 2 of 5"). done: 0..1 of
    the whole. left: estimated seconds to the end. subject, workload: what runs now, "" between.
    rate: requests a second of it in the last moment, None where not known. at: monotonic s.
    run: everything so far. problem: why it FAILED.
    """

    phase: Phase
    said: str
    done: float
    left: float | None
    at: float
    run: LabRun
    subject: str = ""
    workload: str = ""
    rate: float | None = None
    paused: bool = False
    problem: str = ""


class Leftover(NamedTuple):
    """Something that a lab that is no longer running left on a host. All of it is marked as ours.

    kind: "guest", "pool", "network" or "files". detail: what it is, for a person.
    """

    host: str
    kind: str
    name: str
    detail: str = ""


class LabRequest(NamedTuple):
    """What a person asks for. models: ids of subjects, None for all that there are. backings: of
    storage and network; the default of each where not said. passthrough: addresses of PCI devices
    that may be given to a guest, besides those that are spare. seed: None for a new one.
    """

    experiments: tuple[Experiment, ...] = (Experiment.STORAGE,)
    length: Length = Length.QUICK
    models: tuple[str, ...] | None = None
    backings: Mapping[Experiment, Backing] = MappingProxyType({})
    passthrough: tuple[str, ...] = ()
    accelerator: str = ""
    """"kvm" or "qemu"; "" for the fastest that works."""
    seed: int | None = None


class LabOffer(NamedTuple):
    """What the Lab can do on a host. problem: why it can do nothing, "" when it can.

    subjects: of all experiments. omitted: what is left out, and why. backings: which there are,
    the default first. remarks: worth knowing before (TCG …), a sentence each.
    """

    host: str
    record: LabHostRecord | None = None
    subjects: tuple[Subject, ...] = ()
    omitted: tuple[Unavailable, ...] = ()
    backings: Mapping[Experiment, tuple[Backing, ...]] = MappingProxyType({})
    remarks: tuple[str, ...] = ()
    problem: str = ""


class KeptRun(NamedTuple):
    """A run in the person's directory. problem: why its file cannot be read, "" when it can."""

    name: str
    path: str
    taken: float | None = None
    host: str = ""
    accelerator: str = ""
    experiments: tuple[Experiment, ...] = ()
    complete: bool = False
    problem: str = ""


class LabMeasure(NamedTuple):
    """A column of a result. id: "large.bytes", "d1.rate", "d1.p50", "d32.rate", "d1.cpu", "traps"….

    unit: "B/s", "1/s", "ns", "ns each" (per request), "each" (counts per request). rising: more is
    better. workload: "" for what is counted.
    """

    id: str
    title: str
    unit: str
    workload: str
    rising: bool


class Interval(NamedTuple):
    """A median of trials with its bootstrap 95 % interval; low and high None where trials are too
    few. Of ratios: of the subject to the baseline. trials: how many it is made of."""

    median: float
    low: float | None = None
    high: float | None = None
    trials: int = 0


class Verdict(StrEnum):
    """Against the baseline; only where the intervals do not overlap."""

    BETTER = "better"
    WORSE = "worse"
    SAME = "no difference seen"
    UNKNOWN = "not known"


class SubjectFigures(NamedTuple):
    """A row of a result; each mapping by the id of a measure, without what was not measured."""

    subject: Subject
    figures: Mapping[str, Interval]
    ratios: Mapping[str, Interval]
    verdicts: Mapping[str, Verdict]
    tally: Tally | None = None


class Published(NamedTuple):
    """A range from literature or experience beside what was measured.

    what: "virtio : SATA, requests a second". measured: None where it was not. remark: "" or what to
    say when the figure lies outside, or cannot be compared (TCG).
    """

    what: str
    low: float
    high: float | None
    measured: float | None
    source: str
    remark: str = ""


class ExperimentResult(NamedTuple):
    """All of one experiment. counts_first: under TCG, where times hardly differ. words: what was
    seen and why, a plain sentence or two each."""

    experiment: Experiment
    measures: tuple[LabMeasure, ...]
    rows: tuple[SubjectFigures, ...]
    counts_first: bool
    words: tuple[str, ...]
    published: tuple[Published, ...] = ()
