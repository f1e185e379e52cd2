"""Trials: the warm-up, from which the number of requests follows, and the measured rounds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from itertools import groupby

from tuivm.lab import fairness, orders, schedule
from tuivm.lab.book import Book
from tuivm.lab.boot import Booted
from tuivm.lab.ports import LabError, LabHost, Usage
from tuivm.lab.schedule import Cost, Slot
from tuivm.model.lab import Phase, Subject, Trial, Workload

FIRST = 32
"""Requests that the warm-up begins with."""
ENOUGH = 0.1
"""Seconds of requests after which what one takes is known well enough to plan with."""
OWN = "tuivm"
"""The appliance's own load generator. Where a guest is slow (TCG, KVM in a guest) fio takes half a
second and more to start: most of a short trial, and in its CPU time and exits too."""
_LOADS = frozenset({"io", "frames"})
"""Orders that have a load generator, each its own."""
LOST = 0.01
"""Share of a trial's frames that may get lost unremarked."""
STARTING = 0.25
"""Seconds that fio may take to start."""
REST = 0.25
"""Seconds between two looks whether a pause is over."""
COUNTING = 1.0
"""Seconds a subject that switching the trace on and off and reading it takes."""


class Bench:
    """The guests of a run, and what is done to the subjects in them."""

    def __init__(
        self,
        host: LabHost,
        book: Book,
        booted: Iterable[Booted],
        *,
        again: Callable[[Booted], Booted],
        virtualized: bool | None,
    ) -> None:
        """again: starts a guest anew with what is left of its subjects; raises LabError.
        virtualized: the host is itself a guest, as far as is known."""
        self.book = book
        self._host = host
        self._again = again
        self._of: dict[str, Booted] = {}
        self._own: list[str] = []
        for one in booted:
            self._add(one)
        self._costs: dict[tuple[str, str], Cost] = {}
        # Seconds that a second of the warm-up's costs takes by now.
        self._pace = 1.0
        self._still = orders.STILL * (2 if virtualized else 1)
        # One for all that is compared; "" is fio where the appliance has it.
        self._generator = OWN if "qemu" in book.accelerators else ""
        self._generators: dict[str, str] = {}
        # The largest share of a trial's frames that did not arrive, by title.
        self._lost: dict[str, float] = {}

    def booted(self, subject: str) -> Booted:
        """The guest that has this subject."""
        return self._of[subject]

    def warm_up(self) -> None:
        """Round 0 of everything; then the plan has the requests of each workload."""
        book = self.book
        book.enter(Phase.WARMUP, "Warm-up: what a request takes on each device")
        if not self._generator and not self._quick_to_start():
            self._generator = OWN
        slots = schedule.order(book.plan, [0])
        began = book.elapsed
        for number, slot in enumerate(slots):
            self.rest()
            self._attempt(slot)
            each = (book.elapsed - began) / (number + 1)
            measured = max(schedule.SHORTEST * book.plan.seconds, book.plan.seconds - book.elapsed)
            book.expect(each * (len(slots) - number - 1) + measured)
        counting = COUNTING * len(book.subjects())
        left = book.plan.seconds - book.elapsed - counting
        seconds = max(schedule.SHORTEST * book.plan.seconds, left)
        book.plan = schedule.chosen(book.plan, self._costs, seconds)

    def measure(self) -> None:
        """All rounds. Rests between trials while the run is paused."""
        book = self.book
        book.enter(Phase.MEASURING, "Measuring")
        slots = schedule.order(book.plan, range(1, book.plan.rounds + 1))
        try:
            for _, group in groupby(enumerate(slots), lambda one: one[1].round):
                numbered = list(group)
                began, planned = book.elapsed, self._planned(slot for _, slot in numbered)
                for number, slot in numbered:
                    self._expect(slots[number:])
                    self.rest()
                    self._attempt(slot)
                self._keep_time(slots[numbered[-1][0] + 1 :], book.elapsed - began, planned)
        finally:
            for title, share in self._lost.items():
                book.remark(
                    f"{title}: up to {share:.0%} of the frames of a trial got lost; those that "
                    "arrived count."
                )
        self._expect([])

    def ask(
        self,
        subject: Subject,
        workload: Workload,
        round_: int,
        *,
        traced: bool = False,
        ready: Callable[[], None] | None = None,
    ) -> orders.Done:
        """Have the appliance do a workload once, and tell of it meanwhile. ready: called just
        before it begins."""
        booted = self._of[subject.id]
        order = orders.order_of(
            subject,
            workload,
            booted.places[subject.id],
            seed=self.book.plan.seed + round_,
            traced=traced,
            generator=self._generator,
        )
        rate = _Rate()

        def tell(message: orders.Message | None) -> None:
            self.book.tell(subject=subject.id, workload=workload.id, rate=rate.after(message))

        answer = booted.line.ask(order, still=self._still, ready=ready, tell=tell)
        done = orders.done_of(answer, subject, workload, round_)
        if order["do"] in _LOADS and not traced:
            self._generators[str(order["do"])] = done.generator
            named = ", ".join(dict.fromkeys(filter(None, self._generators.values())))
            self.book.method = self.book.method._replace(generator=named)
        return done

    def drop_guest(self, booted: Booted, culprit: Subject, why: str) -> None:
        """A guest is gone or of no use any more, for what this subject did. The others go on in a
        new one."""
        self.book.omit(culprit.id, why)
        try:
            booted.guest.destroy()
        except LabError as error:
            self.book.remark(f"A guest could not be ended: {error} `tuivm lab clean` does it.")
        left = [one for one in self.book.subjects() if one.id in booted.places]
        if not left:
            return
        phase = self.book.phase
        try:
            self._add(self._again(booted))
        except LabError as error:
            for subject in left:
                self.book.omit(subject.id, f"{why} It could not be started again: {error}")
        else:
            self.book.remark(f"{booted.spec.name} was started again without {culprit.title}.")
        self.book.enter(phase, "Going on")

    def _add(self, booted: Booted) -> None:
        self._of |= dict.fromkeys(booted.places, booted)
        self._own.append(booted.guest.uuid)

    def _quick_to_start(self) -> bool:
        """The appliance's first choice of a generator is; as it seems where there is no disk."""
        disks = [one for one in self.book.subjects() if self._of[one.id].places[one.id].serial]
        for subject in disks[:1]:
            workload = Workload("d1", "", 4096, 1, FIRST)
            around = []
            # The first one may have to wait for the disk.
            for _ in range(2):
                began = self.book.clock()
                try:
                    done = self.ask(subject, workload, 0)
                except LabError:
                    # What is wrong with this disk, its first trial tells.
                    return True
                around.append(self.book.clock() - began - done.trial.seconds)
            return min(around) <= STARTING
        return True

    def _attempt(self, slot: Slot) -> None:
        """One trial; a second try when it fails, and then the subject is out."""
        book = self.book
        book.control.check()
        subject = next((one for one in book.subjects() if one.id == slot.subject), None)
        if subject is None:
            return
        workload = schedule.current(book.plan, slot)
        which = f"round {slot.round} of {book.plan.rounds}" if slot.round else "warm-up"
        book.tell(
            f"{workload.title} on {subject.title}: {which}",
            subject=subject.id,
            workload=workload.id,
        )
        for again in (True, False):
            try:
                if slot.round:
                    book.trials.append(self._trial(subject, workload, slot.round))
                else:
                    book.trials.append(self._warm(subject, workload))
            except LabError as error:
                booted = self._of[subject.id]
                lost = isinstance(error, orders.GuestLostError)
                if lost or not booted.guest.alive():
                    ended = "was given up" if lost else "ended"
                    why = f"Its guest {ended} while {subject.id} ran: {error}"
                    self.drop_guest(booted, subject, why)
                    return
                if not again:
                    book.omit(subject.id, f"{workload.title} failed twice: {error}")
            else:
                return

    def _warm(self, subject: Subject, workload: Workload) -> Trial:
        """As few requests as tell what one takes, the first ones of all left out: a host that
        translates its guests' code (TCG, or a host under TCG) takes many times as long over them.
        """
        requests = max(FIRST, workload.depth)
        cold = True
        while True:
            began = self.book.clock()
            trial = self._trial(subject, workload._replace(requests=requests), 0)
            each = trial.seconds / trial.requests
            around = max(0.0, self.book.clock() - began - trial.seconds)
            # The least that is seen: what else the host does now and then is not its cost.
            known = self._costs.get((subject.id, workload.id), Cost(each, around))
            self._costs[subject.id, workload.id] = Cost(each, min(around, known.around))
            if requests >= schedule.MOST or (trial.seconds >= ENOUGH and not cold):
                return trial
            cold = False
            if trial.seconds < ENOUGH:
                # Twice what it seems to need, and tenfold at most.
                wanted = int(2 * ENOUGH / each)
                requests = min(schedule.MOST, 10 * requests, max(wanted, 2 * requests))

    def _trial(self, subject: Subject, workload: Workload, round_: int) -> Trial:
        guest = self._of[subject.id].guest
        host_before, before = self._host.use(self._own), guest.usage()

        def ready() -> None:
            # What the guest had to do first is no cost of a request.
            nonlocal before
            before = guest.usage()

        done = self.ask(subject, workload, round_, ready=ready)
        after, host_after = guest.usage(), self._host.use(self._own)
        if round_:
            self.book.load = self.book.load.plus(host_before, host_after)
        lost = 1 - done.trial.requests / done.sent
        if round_ and lost > LOST:
            self._lost[subject.title] = max(lost, self._lost.get(subject.title, 0.0))
        return done.trial._replace(
            # A thread that began meanwhile counts from its beginning.
            cpu_ns=_gained({**dict.fromkeys(after.threads, 0), **before.threads}, after.threads),
            exits=_gained(before.exits, after.exits),
            steal=fairness.stolen(host_before, host_after),
        )

    def rest(self) -> None:
        """Wait while the run is paused. Raises LabStoppedError where the person wants no more."""
        book = self.book
        resting = book.clock()
        while not book.control.rest(REST):
            book.stand_still(book.clock() - resting)
            resting = book.clock()
            book.tell("Paused")
        book.stand_still(book.clock() - resting)
        book.control.check()

    def _keep_time(self, slots: Iterable[Slot], took: float, planned: float) -> None:
        """After a round: fewer requests from now on, for all alike, where the host has become so
        slow since the warm-up that the rest would take much longer than it may."""
        book = self.book
        if planned > 0:
            self._pace = took / planned
        may = max(0.0, schedule.LONGEST * book.plan.seconds - book.elapsed)
        left = self._pace * self._planned(slots)
        if left > may:
            book.plan = schedule.shortened(book.plan, may / left)

    def _planned(self, slots: Iterable[Slot]) -> float:
        """Seconds that these trials take at the warm-up's pace, without those of subjects that fell
        out."""
        left = {one.id for one in self.book.subjects()}
        mine = [slot for slot in slots if slot.subject in left]
        return schedule.expected(self.book.plan, mine, self._costs)

    def _expect(self, slots: Iterable[Slot]) -> None:
        counting = COUNTING * len(self.book.subjects())
        self.book.expect(self._pace * self._planned(slots) + counting)


class _Rate:
    """Requests a second between two progress messages."""

    def __init__(self) -> None:
        self._last = (0.0, 0.0)
        self._rate: float | None = None

    def after(self, message: orders.Message | None) -> float | None:
        done = orders.number(message, "done") if message else None
        seconds = orders.number(message, "seconds") if message else None
        if done is not None and seconds is not None:
            was_done, was_at = self._last
            if seconds > was_at:
                self._rate = (done - was_done) / (seconds - was_at)
            self._last = (done, seconds)
        return self._rate


def _gained(before: Mapping[str, int], after: Mapping[str, int]) -> dict[str, int]:
    """Of counters that were there both times."""
    return {name: max(0, now - before[name]) for name, now in after.items() if name in before}


def exits_of(before: Usage, after: Usage) -> dict[str, int]:
    """Exits that reached the VMM between the two, by libvirt's names; empty without KVM."""
    gained = _gained(before.exits, after.exits)
    return {name: gained[name] for name in ("io_exits", "mmio_exits") if name in gained}
