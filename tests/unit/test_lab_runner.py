from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any
from xml.etree import ElementTree

import pytest

from tests.support.labplayed import ABILITIES, APPLIANCE, KICKS, STANDS, FakeHost, build
from tuivm.lab import domain, experiments, runner, schedule
from tuivm.lab.appliance import Appliance
from tuivm.lab.control import Control
from tuivm.lab.ports import LabError
from tuivm.model.lab import (
    Backing,
    Experiment,
    LabRequest,
    LabRun,
    Phase,
    Plan,
    Progress,
)


class Lab:
    """A host and a plan; `run` carries it out."""

    def __init__(self, *wanted: Experiment, **request: Any) -> None:
        self.host = FakeHost()
        self.control = Control()
        self.heard: list[Progress] = []
        self.on_progress: Callable[[Progress], None] = lambda _: None
        if request.pop("kvm", False):
            self.host.known = ABILITIES._replace(accelerators=("kvm", "qemu"))
        asked = LabRequest(experiments=wanted or (Experiment.STORAGE,), seed=7, **request)
        self.plan: Plan = experiments.plan(self.host.known, asked)

    def serial(self, subject: str) -> str:
        """Where the subject is in the guests of the plan."""

        class Anything(dict[str, str]):
            def __missing__(self, key: str) -> str:
                return key

        files = domain.Files("k", "i", Anything(), Anything(), iter(range(1000, 2000)))
        for spec in domain.guests(self.plan, APPLIANCE, files, "r", self.host.known):
            if subject in spec.subjects:
                where = spec.subjects[subject]
                return where.serial or where.mac
        raise AssertionError(subject)

    def run(self, make: runner.Build = build) -> LabRun:
        def sink(progress: Progress) -> None:
            self.heard.append(progress)
            self.on_progress(progress)

        return runner.run(
            self.host,
            self.host.known,
            self.plan,
            name="mine",
            sink=sink,
            control=self.control,
            build=make,
            clock=self.host.clock,
            wall=lambda: 5.0,
        )

    @property
    def last(self) -> Progress:
        return self.heard[-1]

    def gone(self) -> bool:
        """Nothing is left on the host."""
        return not self.host.running and all(place.removed for place in self.host.places)


def test_a_run_measures_and_counts_everything() -> None:
    lab = Lab(Experiment.STORAGE, Experiment.NETWORK)
    run = lab.run()
    assert lab.last.phase is Phase.DONE, lab.last.problem
    assert run.complete
    assert run == lab.last.run
    assert lab.gone()
    subjects = {one.id for one in lab.plan.subjects}
    assert {one.id for one in run.plan.subjects} == subjects
    for experiment in run.plan.experiments:
        timed = [one for one in run.plan.workloads[experiment] if one.id != "count"]
        mine = {one.id for one in run.plan.subjects if one.experiment is experiment}
        for work in timed:
            found = [one for one in run.trials if one.workload == work.id and one.subject in mine]
            rounds = defaultdict(set)
            for one in found:
                rounds[one.subject].add(one.round)
            assert rounds == {one: set(range(run.plan.rounds + 1)) for one in mine}
            # The same number for all, once it is known.
            assert {one.requests for one in found if one.round} == {work.requests}
    assert {one.subject for one in run.tallies} == subjects
    for tally in run.tallies:
        assert tally.traps == KICKS, tally
        assert tally.interrupts == tally.requests == experiments.COUNTED
    # fio takes too long to start under TCG.
    assert run.method.generator == "tuivm (libaio), tuivm (packet socket)"
    assert run.method.kernel == "6.1.0"
    assert run.method.memory_mib == 256
    assert run.method.machine
    assert "hi" in run.remarks
    assert (run.name, run.taken) == ("mine", 5.0)
    assert any("counts" in one for one in run.caveats)


def test_a_run_of_nics_names_what_sent_their_frames() -> None:
    assert Lab(Experiment.NETWORK, kvm=True).run().method.generator == "tuivm (packet socket)"


def test_the_time_of_the_plan_is_kept() -> None:
    lab = Lab(Experiment.STORAGE, Experiment.NETWORK)
    run = lab.run()
    assert run.seconds == pytest.approx(lab.plan.seconds, rel=0.15)


def test_cpu_time_and_latency_of_each_trial() -> None:
    run = Lab(models=("virtio-blk", "ide")).run()
    for trial in run.trials:
        assert trial.latency is not None
        assert trial.latency.p50 * trial.requests == pytest.approx(trial.seconds * 1e9)
        # The fake burns 0.9 and 0.2 CPUs while the order runs, and 10 ms more. What it burns before
        # it begins does not count.
        assert trial.cpu_ns["vCPU"] == pytest.approx(0.9e9 * (trial.seconds + 0.01), rel=0.01)
        assert set(trial.cpu_ns) == {"vCPU", "main loop"}
        assert trial.exits == {}
        assert trial.steal == 0.0


def test_exits_are_counted_where_there_are_any() -> None:
    lab = Lab(models=("virtio-blk",), kvm=True)
    lab.host.exits = True
    run = lab.run()
    assert {one.exits["exits"] / one.requests for one in run.trials} == {4.0}
    assert run.method.generator == "fio 3.33"


def test_tracing_is_off_in_every_timed_trial_and_at_the_end() -> None:
    lab = Lab()
    seen = []

    def look(order: Mapping[str, Any]) -> None:
        seen.append((order["traced"], [set(guest.tracing) for guest in lab.host.running]))

    lab.host.before_order = look
    lab.run()
    assert any(traced for traced, _ in seen)
    for traced, events in seen:
        assert all(bool(one) is traced for one in events)
    assert not any(guest.tracing for guest in lab.host.guests)


def test_an_nvme_controller_is_reset_before_it_is_counted_and_never_while() -> None:
    """What deep queues have left of its doorbells must not be in the count."""
    lab = Lab(models=("virtio-blk", "nvme"))
    lab.run()
    ios = [order for order in lab.host.orders if order["do"] == "io"]
    asked = [(order["serial"], order["traced"], order.get("anew", False)) for order in ios]
    nvme, virtio = lab.serial("nvme"), lab.serial("virtio-blk")
    assert [one for one in asked if one[2]] == [(nvme, False, True)]
    assert asked.index((nvme, False, True)) + 1 == asked.index((nvme, True, False))
    assert asked.count((virtio, True, False)) == 1


def test_a_slow_subject_makes_all_do_less() -> None:
    lab, slowed = Lab(), Lab()
    slowed.host.each[slowed.serial("usb")] = 20e-4
    quick, slow = lab.run(), slowed.run()
    (before,) = [one for one in quick.plan.workloads[Experiment.STORAGE] if one.id == "d1"]
    (after,) = [one for one in slow.plan.workloads[Experiment.STORAGE] if one.id == "d1"]
    assert after.requests < before.requests
    assert slow.seconds == pytest.approx(quick.seconds, rel=0.25)


def test_a_host_that_gets_slower_than_in_the_warm_up_has_less_to_do() -> None:
    lab = Lab()

    def slow(progress: Progress) -> None:
        if progress.phase is Phase.MEASURING:
            lab.host.base = 15e-4

    lab.on_progress = slow
    run = lab.run()
    assert run.complete
    assert run.seconds < 4 * lab.plan.seconds
    for work in ("large", "d1", "d32"):
        used = [
            {one.requests for one in run.trials if (one.workload, one.round) == (work, number)}
            for number in range(1, run.plan.rounds + 1)
        ]
        # The same for all within a round.
        assert {len(one) for one in used} == {1}
        numbers = [one.pop() for one in used]
        assert numbers[0] > numbers[1] >= numbers[-1] >= schedule.LEAST
    # What still was to come is told by what the trials take now.
    (last_round,) = [
        one for one in lab.heard if one.said.startswith("256 KiB") and "round 5" in one.said
    ][:1]
    assert last_round.left == pytest.approx(lab.last.at - last_round.at, rel=0.5)


def test_progress_comes_often_grows_and_says_what_runs() -> None:
    lab = Lab()
    lab.run()
    phases = [one.phase for one in lab.heard]
    assert list(dict.fromkeys(phases)) == [
        *(Phase.PREPARING, Phase.BOOTING, Phase.WARMUP, Phase.MEASURING),
        *(Phase.COUNTING, Phase.CLEANING, Phase.DONE),
    ]
    assert all(one.done <= other.done for one, other in pairwise(lab.heard))
    assert max(other.at - one.at for one, other in pairwise(lab.heard)) <= 1.0
    assert lab.last.done == 1.0
    measuring = [one for one in lab.heard if one.phase is Phase.MEASURING and one.subject]
    assert {one.subject for one in measuring} == {one.id for one in lab.plan.subjects}
    rates = [one.rate for one in measuring if one.rate is not None]
    assert rates
    assert all(9_000 < rate < 11_000 for rate in rates)
    middle = measuring[len(measuring) // 2]
    assert middle.left == pytest.approx(lab.last.at - middle.at, rel=0.3)


def test_a_device_that_does_not_appear_is_left_out_and_the_run_goes_on() -> None:
    lab = Lab()
    lab.host.missing = {lab.serial("nvme")}
    run = lab.run()
    assert run.complete
    assert "nvme" not in {one.id for one in run.plan.subjects}
    (why,) = [one.why for one in run.plan.omitted if one.subject == "nvme"]
    assert "6.1.0" in why


def test_a_model_that_qemu_refuses_is_left_out_and_the_rest_started_again() -> None:
    lab = Lab()
    lab.host.refuse = {lab.serial("nvme"): "'nvme' is not a valid device model name"}
    run = lab.run()
    assert run.complete
    assert lab.gone()
    assert {one.id for one in lab.plan.subjects} - {one.id for one in run.plan.subjects} == {"nvme"}


def test_without_its_baseline_an_experiment_gets_another() -> None:
    lab = Lab()
    lab.host.missing = {lab.serial("virtio-blk")}
    run = lab.run()
    (baseline,) = [one for one in run.plan.subjects if one.baseline]
    assert baseline.id == run.plan.subjects[0].id == "virtio-blk-iothread"


def test_a_refusal_that_names_no_model_ends_the_run_with_qemus_words() -> None:
    lab = Lab()
    lab.host.refuse = {"<domain": "Cannot allocate memory"}
    run = lab.run()
    assert lab.last.phase is Phase.FAILED
    assert "Cannot allocate memory" in lab.last.problem
    assert not run.complete
    assert lab.gone()


def test_when_no_device_appears_nothing_is_left_to_measure() -> None:
    lab = Lab(models=("nvme", "ide"))
    lab.host.missing = {lab.serial("nvme"), lab.serial("ide")}
    lab.run()
    assert lab.last.phase is Phase.FAILED
    assert "nvme" in lab.last.problem
    assert lab.gone()


def test_kvm_without_progress_is_restarted_under_tcg() -> None:
    lab = Lab(Experiment.STORAGE, Experiment.NETWORK, kvm=True)
    lab.host.stuck = {"kvm"}
    run = lab.run()
    assert run.complete, lab.last.problem
    assert run.host.accelerator == run.plan.accelerator == "qemu"
    assert any("restarted under TCG" in one for one in run.remarks)
    types = [guest.xml.get("type") for guest in lab.host.guests]
    assert types == ["kvm", "kvm", "qemu", "qemu"]
    assert lab.gone()


@pytest.mark.parametrize(
    ("booting", "why"),
    [
        ({"exits": 250, "irq_exits": 250}, "did and said nothing"),
        ({"exits": 700, "insn_emulation": 500_000, "irq_injections": 100}, "emulates"),
        # It does something all the time, and never comes to an end of it.
        ({"exits": 5000, "io_exits": 3000, "irq_injections": 200}, "said nothing for 90 s"),
    ],
)
def test_kvm_that_gets_nowhere_is_told_by_its_exits(booting: dict[str, int], why: str) -> None:
    lab = Lab(models=("virtio-blk",), kvm=True)
    lab.host.stuck = {"kvm"}
    lab.host.exits = True
    lab.host.booting = booting
    run = lab.run()
    assert run.complete, lab.last.problem
    assert run.host.accelerator == "qemu"
    assert [why in one for one in run.remarks if "restarted under TCG" in one] == [True]


def test_slow_kvm_is_left_alone_while_it_does_something() -> None:
    lab = Lab(models=("virtio-blk",), kvm=True)
    lab.host.exits = True
    lab.host.boot_seconds = 70.0
    lab.host.booting = {"exits": 1000, "io_exits": 600, "insn_emulation": 800, "irq_exits": 200}
    run = lab.run()
    assert run.complete, lab.last.problem
    assert run.host.accelerator == "kvm"
    assert len(lab.host.guests) == 1


@pytest.mark.parametrize(("virtualized", "complete"), [(False, False), (True, True)])
def test_code_that_is_translated_twice_has_its_time(virtualized: bool, complete: bool) -> None:
    lab = Lab(models=("virtio-blk",))
    record = lab.host.known.record._replace(virtualized=virtualized)
    lab.host.known = lab.host.known._replace(record=record)
    lab.host.boot_seconds = 300.0
    run = lab.run()
    assert run.complete is complete
    assert lab.gone()
    if complete:
        (wait,) = [one for one in lab.host.orders if one["do"] == "wait"]
        assert wait["timeout"] >= 300.0, "its drivers take as much longer as its kernel did"
    else:
        assert "said nothing for 90 s" in lab.last.problem


def test_fio_makes_way_where_it_takes_long_to_start() -> None:
    lab = Lab(models=("virtio-blk", "ide"), kvm=True)
    lab.host.fio_starts = 0.8
    run = lab.run()
    assert run.method.generator == "tuivm (libaio)"
    timed = [one for one in lab.host.orders if one["do"] == "io" and not one["traced"]]
    firsts = [one for one in timed if "generator" not in one]
    assert len(firsts) == 2, "two to see how long it takes"
    assert timed[:2] == firsts


@pytest.mark.parametrize(
    ("wanted", "request_", "fio"),
    [
        ((Experiment.STORAGE,), {}, False),
        ((Experiment.STORAGE,), {"kvm": True}, True),
        ((Experiment.STORAGE,), {"kvm": True, "accelerator": "qemu"}, False),
        # One of its guests runs under TCG, and both have the same generator.
        ((Experiment.STORAGE, Experiment.NESTED), {"kvm": True}, False),
    ],
)
def test_fio_goes_along_only_where_it_is_used(
    wanted: tuple[Experiment, ...], request_: dict[str, Any], fio: bool
) -> None:
    lab, asked = Lab(*wanted, **request_), []

    def built(*, say: Callable[[str], None], with_fio: bool) -> Appliance:
        asked.append(with_fio)
        return build(say=say, with_fio=with_fio)

    run = lab.run(built)
    assert asked == [fio]
    assert run.method.generator.startswith("fio") is fio


def test_kvm_that_cannot_be_opened_falls_back_too() -> None:
    lab = Lab(kvm=True)
    words = "Could not access KVM kernel module: Permission denied"
    lab.host.refuse = {'type="kvm"': words}
    run = lab.run()
    assert run.complete, lab.last.problem
    assert run.plan.accelerator == "qemu"
    assert any(words in one for one in run.remarks)


def test_the_nested_lesson_goes_on_without_kvm() -> None:
    lab = Lab(Experiment.NESTED, kvm=True)
    lab.host.stuck = {"kvm"}
    run = lab.run()
    assert run.complete, lab.last.problem
    assert [one.id for one in run.plan.subjects] == ["tcg"]
    assert [one.subject for one in run.plan.omitted if "KVM made no progress" in one.why] == ["kvm"]


def test_an_appliance_that_never_speaks_under_tcg_fails_the_run() -> None:
    lab = Lab()
    lab.host.stuck = {"qemu"}
    lab.run()
    assert lab.last.phase is Phase.FAILED
    assert "said nothing" in lab.last.problem
    assert lab.gone()


def test_a_trial_that_fails_once_is_done_again() -> None:
    lab = Lab()
    lab.host.failing = {lab.serial("ide"): 1}
    run = lab.run()
    assert "ide" in {one.id for one in run.plan.subjects}
    assert not any(one.subject == "ide" for one in run.plan.omitted)


def test_a_subject_that_fails_twice_is_left_out_and_its_trials_kept() -> None:
    lab = Lab()
    serial, orders = lab.serial("ide"), []

    def fail_later(order: Mapping[str, Any]) -> None:
        if order.get("serial") == serial:
            orders.append(order)
            if len(orders) == 12:
                lab.host.failing[serial] = 2

    lab.host.before_order = fail_later
    run = lab.run()
    assert run.complete
    assert len(orders) == 13
    (why,) = [one.why for one in run.plan.omitted if one.subject == "ide"]
    assert "Input/output error" in why
    assert "ide" in {one.id for one in run.plan.subjects}
    assert any(one.subject == "ide" and one.round for one in run.trials)
    assert "ide" not in {one.subject for one in run.tallies}


def test_a_guest_that_ends_is_started_again_without_what_ended_it() -> None:
    lab = Lab(Experiment.STORAGE, Experiment.NETWORK)
    lab.host.dying = {lab.serial("lsi")}
    run = lab.run()
    assert run.complete
    assert {one.id for one in lab.plan.subjects} - {one.id for one in run.plan.subjects} == {"lsi"}
    (why,) = [one.why for one in run.plan.omitted if one.subject == "lsi"]
    assert "Kernel panic" in why
    assert any("started again without LSI" in one for one in run.remarks)
    again = ElementTree.tostring(lab.host.guests[-1].xml, encoding="unicode")
    assert (lab.serial("ide") in again, "lsi53c895a" in again) == (True, False)
    rounds = {one.round for one in run.trials if one.subject == "ide"}
    assert rounds == {*range(run.plan.rounds + 1)}
    assert {one.subject for one in run.tallies} == {one.id for one in run.plan.subjects}
    assert lab.gone()


def test_a_guest_that_does_not_come_back_takes_its_subjects_along_and_no_others() -> None:
    lab = Lab(Experiment.STORAGE, Experiment.NETWORK)
    serial = lab.serial("lsi")
    lab.host.dying = {serial}

    def fill(order: Mapping[str, Any]) -> None:
        if order.get("serial") == serial:
            lab.host.refuse = {"<domain": "Cannot allocate memory"}

    lab.host.before_order = fill
    run = lab.run()
    assert run.complete
    assert {one.experiment for one in run.plan.subjects} == {Experiment.NETWORK}
    (why,) = [one.why for one in run.plan.omitted if one.subject == "ide"]
    assert "Kernel panic" in why
    assert "Cannot allocate memory" in why
    assert lab.gone()


def test_an_appliance_that_falls_silent_is_given_up() -> None:
    lab = Lab(Experiment.STORAGE, Experiment.NETWORK)
    lab.host.wedged = {lab.serial("pcnet")}
    run = lab.run()
    assert run.complete
    gone = {one.id for one in lab.plan.subjects} - {one.id for one in run.plan.subjects}
    assert gone == {"pcnet"}
    assert lab.gone()


def test_a_trial_that_stands_still_once_is_done_again() -> None:
    lab = Lab(models=("virtio-blk", "nvme"))
    lab.host.still = {lab.serial("nvme"): 1}
    run = lab.run()
    assert run.complete
    assert run.plan.omitted == ()
    assert [order["do"] for order in lab.host.orders].count("stop") == 1


@pytest.mark.parametrize(("virtualized", "seconds"), [(False, 10), (True, 20)])
def test_a_subject_that_stands_still_is_left_out_and_the_run_goes_on(
    virtualized: bool, seconds: int
) -> None:
    lab = Lab()
    record = lab.host.known.record._replace(virtualized=virtualized)
    lab.host.known = lab.host.known._replace(record=record)
    lab.host.still = {lab.serial("nvme"): 99}
    run = lab.run()
    assert run.complete
    assert {one.id for one in lab.plan.subjects} - {one.id for one in run.plan.subjects} == {"nvme"}
    (why,) = [one.why for one in run.plan.omitted if one.subject == "nvme"]
    assert f"stood still at {STANDS} of 32 requests for {seconds} s" in why
    assert {one.subject for one in run.tallies} == {one.id for one in run.plan.subjects}
    assert run.seconds < lab.plan.seconds + 3 * seconds


def test_a_guest_that_cannot_be_stopped_is_given_up_at_once() -> None:
    lab = Lab(Experiment.STORAGE, Experiment.NETWORK)
    serial = lab.serial("nvme")
    lab.host.still, lab.host.unstoppable = {serial: 1}, {serial}
    up: list[int] = []
    lab.on_progress = lambda now: up.append(len(lab.host.running))
    run = lab.run()
    assert run.complete
    (why,) = [one.why for one in run.plan.omitted if one.subject == "nvme"]
    assert why == (
        f"Its guest was given up while nvme ran: It stood still at {STANDS} of 32 requests for "
        "10 s."
    )
    assert {one.id for one in lab.plan.subjects} - {one.id for one in run.plan.subjects} == {"nvme"}
    assert max(up) == 2, "the old guest is gone before the new one starts"
    assert len(lab.host.guests) == 3
    assert lab.gone()


def test_when_all_fall_out_each_reason_is_said_once() -> None:
    lab = Lab(models=("virtio-blk", "ide"))
    lab.host.failing = {lab.serial(one): 99 for one in ("virtio-blk", "ide")}
    lab.run()
    assert lab.last.problem.count("Input/output error") == 1
    assert any(both in lab.last.problem for both in ("virtio-blk, ide: ", "ide, virtio-blk: "))


def test_slow_is_not_still() -> None:
    lab = Lab(models=("virtio-blk", "ide"))
    # A request in 8 s.
    lab.host.each[lab.serial("ide")] = 8.0
    run = lab.run()
    assert run.complete
    assert {one.round for one in run.trials if one.subject == "ide"} == {*range(6)}
    assert run.plan.omitted == ()


def test_when_every_device_ends_its_guest_the_run_fails() -> None:
    lab = Lab()
    lab.host.dying = {lab.serial(one.id) for one in lab.plan.subjects}
    lab.run()
    assert lab.last.phase is Phase.FAILED
    assert "Kernel panic" in lab.last.problem
    assert lab.gone()


@pytest.mark.parametrize(
    "phase", [Phase.PREPARING, Phase.BOOTING, Phase.WARMUP, Phase.MEASURING, Phase.COUNTING]
)
def test_a_stop_in_any_phase_ends_it_soon_and_leaves_nothing(phase: Phase) -> None:
    lab = Lab()

    def stop(progress: Progress) -> None:
        if progress.phase is phase:
            lab.control.stop()

    lab.on_progress = stop
    run = lab.run()
    assert lab.last.phase is Phase.STOPPED
    assert not run.complete
    assert lab.gone()
    (asked, *_) = [one.at for one in lab.heard if one.phase is phase]
    assert lab.last.at - asked <= 2.5


def test_what_was_measured_before_a_stop_is_kept_and_the_appliance_is_told() -> None:
    lab = Lab()
    lab.on_progress = lambda now: (
        lab.control.stop() if now.rate and now.run.trials[-1].round else None
    )
    run = lab.run()
    assert any(one.round for one in run.trials)
    assert lab.host.orders[-1]["do"] == "stop"


@pytest.mark.parametrize("phase", [Phase.WARMUP, Phase.MEASURING, Phase.COUNTING])
def test_a_pause_rests_between_trials_and_loses_nothing(phase: Phase) -> None:
    lab = Lab(models=("virtio-blk", "ide"))
    paused: list[Progress] = []

    def pause(progress: Progress) -> None:
        if progress.phase is phase and not paused and progress.subject:
            lab.control.pause()
        if progress.paused:
            paused.append(progress)
            if progress.said == "Paused":
                # An hour goes by; it is neither done nor measured.
                lab.host.clock.now += 3600.0
                if len(paused) > 50:
                    lab.control.resume()

    lab.on_progress = pause
    run = lab.run()
    assert run.complete
    assert paused[-1].said == "Paused"
    resting = [one for one in paused if one.said == "Paused"]
    assert resting[-1].done == pytest.approx(resting[0].done)
    assert resting[-1].left == pytest.approx(resting[0].left)
    assert run.seconds < 3600.0
    # What ran when the pause was asked for was brought to its end.
    assert paused[-1].run.trials


def test_a_pause_can_be_stopped() -> None:
    lab = Lab()

    def pause(progress: Progress) -> None:
        if progress.phase is Phase.MEASURING:
            lab.control.pause()
        if progress.said == "Paused":
            lab.control.stop()

    lab.on_progress = pause
    lab.run()
    assert lab.last.phase is Phase.STOPPED


def test_without_a_trace_log_exits_are_counted_or_a_remark_says_why() -> None:
    lab = Lab(models=("virtio-blk", "ide"))
    lab.host.log_refused = "Permission denied"
    run = lab.run()
    assert run.tallies == ()
    assert any("Permission denied" in one for one in run.remarks)
    lab = Lab(models=("virtio-blk", "ide"), kvm=True)
    lab.host.log_refused, lab.host.exits = "Permission denied", True
    run = lab.run()
    assert {one.source for one in run.tallies} == {"exits"}
    assert {one.traps for one in run.tallies} == {4.0}


def test_frames_that_got_lost_do_not_count_as_sent() -> None:
    lab = Lab(Experiment.NETWORK, models=("virtio-net", "pcnet"))
    lab.host.lost = 0.1
    run = lab.run()
    stream = next(one for one in run.plan.workloads[Experiment.NETWORK] if one.id == "stream")
    (requests,) = {one.requests for one in run.trials if one.workload == "stream" and one.round}
    assert requests == pytest.approx(0.9 * stream.requests, abs=1)
    told = [one for one in run.remarks if "got lost" in one]
    assert [one.partition(":")[0] for one in sorted(told)] == ["PCnet", "virtio-net"], "once each"
    assert all(": up to 1" in one for one in told), told


@pytest.mark.parametrize(
    "error", [LabError("No kernel.", remedy="apt install x"), OSError(28, "No space left")]
)
def test_an_appliance_that_cannot_be_built_is_a_clear_message(error: Exception) -> None:
    lab = Lab()

    def broken(**_: object) -> Any:
        raise error

    lab.run(broken)
    assert lab.last.phase is Phase.FAILED
    assert str(error) in lab.last.problem
    assert lab.gone()


def test_a_full_disk_on_the_host_leaves_nothing() -> None:
    lab = Lab(backings={Experiment.STORAGE: Backing.FILE})
    lab.host.full = True
    lab.run()
    assert lab.last.phase is Phase.FAILED
    assert "No space left" in lab.last.problem
    assert lab.host.places[0].removed


def test_an_error_of_ours_leaves_nothing_either() -> None:
    lab = Lab()

    def trip(progress: Progress) -> None:
        if progress.phase is Phase.MEASURING:
            raise RuntimeError("a bug")

    lab.on_progress = trip
    with pytest.raises(RuntimeError):
        lab.run()
    assert lab.gone()


def test_other_guests_that_are_busy_are_a_caveat() -> None:
    lab = Lab(models=("virtio-blk", "ide"))
    lab.host.others = {"db": 0.5}
    assert any("db (0.50 CPUs)" in one for one in lab.run().caveats)


def test_the_lessons_run_too() -> None:
    lab = Lab(Experiment.MACHINE, Experiment.IOTHREAD)
    run = lab.run()
    assert run.complete, lab.last.problem
    kinds = {order["do"] for order in lab.host.orders}
    assert {"io", "frames"} <= kinds
    workloads = {one.workload for one in run.trials if one.subject == "q35"}
    assert {"large", "d1", "stream", "pingpong"} <= workloads
