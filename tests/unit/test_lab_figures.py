from __future__ import annotations

import random
from itertools import product
from math import comb
from statistics import median

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.labrun import lab_run
from tuivm.model.lab import (
    Experiment,
    ExperimentResult,
    Interval,
    LabRun,
    Omitted,
    SubjectFigures,
    Verdict,
)
from tuivm.model.labamounts import amount, bounds, factor, listing, plain, spoken
from tuivm.model.labcompare import compare_runs
from tuivm.model.labfigures import results
from tuivm.model.labmeasures import is_part
from tuivm.model.labstatistics import median_interval, overlap, ratio_interval, verdict_of

VALUES = st.lists(st.floats(0.01, 1e9), min_size=1, max_size=11)
ENOUGH = st.lists(st.floats(0.01, 1e9), min_size=4, max_size=9)


def result(run: LabRun, experiment: Experiment) -> ExperimentResult:
    return next(one for one in results(run) if one.experiment is experiment)


def row(found: ExperimentResult, subject: str) -> SubjectFigures:
    return next(one for one in found.rows if one.subject.id == subject)


@given(VALUES)
def test_an_interval_holds_the_median_and_lies_within_the_trials(values: list[float]) -> None:
    found = median_interval(values)
    assert found is not None
    assert found.median == median(values)
    assert found.trials == len(values)
    if len(values) < 4:
        assert (found.low, found.high) == (None, None)
        return
    assert found.low is not None
    assert found.high is not None
    assert min(values) <= found.low <= found.median <= found.high <= max(values)


@given(ENOUGH, st.randoms(use_true_random=False))
def test_the_order_of_trials_does_not_matter(values: list[float], chance: random.Random) -> None:
    mixed = list(values)
    chance.shuffle(mixed)
    assert median_interval(values) == median_interval(mixed)


@given(ENOUGH, st.integers(-6, 6))
def test_an_interval_goes_with_its_unit(values: list[float], power: int) -> None:
    one, other = median_interval(values), median_interval([value * 2.0**power for value in values])
    assert one is not None
    assert other is not None
    scaled = (None if part is None else part * 2.0**power for part in one[:3])
    assert tuple(scaled) == other[:3]


@pytest.mark.parametrize("number", [4, 5])
def test_the_bootstrap_distribution_is_the_one_that_all_resamples_have(number: int) -> None:
    """Counted out for two samples that are small enough: each ratio of medians of resamples."""
    chance = random.Random(number)
    tops = sorted(chance.uniform(1, 2) for _ in range(number))
    bases = sorted(chance.uniform(1, 2) for _ in range(number))
    medians = [sorted(median(one) for one in product(x, repeat=number)) for x in (tops, bases)]
    # One of every few is enough of each, taken evenly.
    few = [one[:: max(1, len(one) // 625)] for one in medians]
    ratios = sorted(top / base for top in few[0] for base in few[1])
    found = ratio_interval(tops, bases)
    assert found is not None
    ends = ratios[int(len(ratios) * 0.025)], ratios[-int(len(ratios) * 0.025) - 1]
    assert (found.low, found.high) == pytest.approx(ends, rel=0.02)


def test_few_trials_have_the_interval_from_the_smallest_to_the_largest() -> None:
    for number in (4, 5, 6, 7):
        values = [float(one) for one in range(1, number + 1)]
        assert median_interval(values) == Interval(median(values), 1.0, number, number)
    assert median_interval([float(one) for one in range(1, 10)]) == Interval(5.0, 2.0, 8.0, 9)


@pytest.mark.parametrize("number", [5, 7, 9, 11, 13, 15])
def test_an_interval_covers_as_often_as_it_says(number: int) -> None:
    """Exactly, whatever the distribution: that the k-th smallest lies above the true median needs
    fewer than k trials below it, each with a chance of one half."""
    found = median_interval([float(one) for one in range(1, number + 1)])
    assert found is not None
    assert found.low is not None
    assert found.high == number + 1 - found.low
    missed = sum(comb(number, below) for below in range(int(found.low))) / 2**number
    assert 0.93 <= 1 - 2 * missed <= 0.985


@pytest.mark.parametrize("number", [4, 5, 6, 7, 11])
def test_a_ratio_covers_as_often_as_it_says(number: int) -> None:
    chance = random.Random(number)
    hits = 0
    for _ in range(400):
        values, base = ([chance.lognormvariate(0, 0.05) for _ in range(number)] for _ in "ab")
        found = ratio_interval(values, base)
        assert found is not None
        hits += found.low is not None and found.high is not None and found.low <= 1 <= found.high
    assert hits / 400 >= 0.9


def test_no_ratio_to_nothing() -> None:
    assert median_interval([]) is None
    assert ratio_interval([1.0], []) is None
    assert ratio_interval([1.0] * 5, [0.0] * 5) is None
    assert ratio_interval([1.0] * 5, [0.0, 1.0, 1.0, 1.0, 1.0]) == Interval(1.0, trials=5)
    assert ratio_interval([1.0] * 3, [2.0] * 5) == Interval(0.5, trials=3)


@given(ENOUGH, ENOUGH)
def test_a_ratio_lies_within_what_the_trials_allow(tops: list[float], bases: list[float]) -> None:
    found = ratio_interval(tops, bases)
    assert found is not None
    assert found.low is not None
    assert found.high is not None
    slack = 1 + 1e-9
    assert min(tops) / max(bases) / slack <= found.low <= found.median * slack
    assert found.median / slack <= found.high <= max(tops) / min(bases) * slack


@pytest.mark.parametrize(
    ("mine", "base", "rising", "verdict"),
    [
        (Interval(3, 2.5, 3.5, 5), Interval(1, 0.9, 1.1, 5), True, Verdict.BETTER),
        (Interval(3, 2.5, 3.5, 5), Interval(1, 0.9, 1.1, 5), False, Verdict.WORSE),
        (Interval(1, 0.9, 1.1, 5), Interval(3, 2.5, 3.5, 5), True, Verdict.WORSE),
        (Interval(1, 0.9, 1.1, 5), Interval(3, 2.5, 3.5, 5), False, Verdict.BETTER),
        (Interval(1, 0.9, 1.1, 5), Interval(1.2, 1.1, 1.3, 5), True, Verdict.SAME),
        (Interval(1), Interval(3, 2.5, 3.5, 5), True, Verdict.UNKNOWN),
        (Interval(1, 0.9, 1.1, 5), Interval(3), True, Verdict.UNKNOWN),
        (None, Interval(1, 0.9, 1.1, 5), True, Verdict.UNKNOWN),
    ],
)
def test_verdicts(
    mine: Interval | None, base: Interval | None, rising: bool, verdict: Verdict
) -> None:
    assert verdict_of(mine, base, rising) is verdict
    known = verdict is not Verdict.UNKNOWN
    assert overlap(mine, base) is (verdict is Verdict.SAME if known else None)


def test_figures_are_what_the_trials_say() -> None:
    run = lab_run(Experiment.STORAGE, accelerator="kvm")
    found = row(result(run, Experiment.STORAGE), "ide")
    trials = [one for one in run.trials if one.subject == "ide" and one.round > 0]
    d1 = [one for one in trials if one.workload == "d1"]
    assert found.figures["d1.rate"].median == median(one.requests / one.seconds for one in d1)
    assert found.figures["d1.p99"].median == median(one.latency.p99 for one in d1 if one.latency)
    cpu = median(sum(one.cpu_ns.values()) / one.requests for one in d1)
    assert found.figures["d1.cpu"].median == cpu
    main = median(one.cpu_ns["main loop"] / one.requests for one in d1)
    assert found.figures["d1.cpu.main-loop"].median == main
    assert found.figures["d1.exits"].median == pytest.approx(33.4)
    large = [one for one in trials if one.workload == "large"]
    assert found.figures["large.bytes"].median == median(one.bytes / one.seconds for one in large)
    assert found.figures["traps"] == Interval(26.0, trials=1)
    assert found.figures["d1.rate"].trials == 5
    assert found.ratios["traps"].median == 26.0
    assert found.verdicts["traps"] is Verdict.UNKNOWN
    assert found.verdicts["d1.rate"] is Verdict.WORSE
    assert found.ratios["d1.rate"].median == pytest.approx(1 / 2.08, rel=0.05)
    assert found.tally is not None


def test_the_warm_up_enters_nothing() -> None:
    run = lab_run(accelerator="kvm")
    bare = run._replace(trials=tuple(one for one in run.trials if one.round > 0))
    assert results(run) == results(bare)
    none = run._replace(trials=tuple(one for one in run.trials if one.round == 0), tallies=())
    assert all(not one.figures for found in results(none) for one in found.rows)
    assert all(not found.words for found in results(none))


def test_the_baseline_is_set_in_ratio_to_nothing() -> None:
    found = row(result(lab_run(accelerator="kvm"), Experiment.STORAGE), "virtio-blk")
    assert found.verdicts == {}
    assert {one.median for one in found.ratios.values()} == {1.0}
    run = lab_run(accelerator="kvm")
    subjects = tuple(one._replace(baseline=False) for one in run.plan.subjects)
    alone = run._replace(plan=run.plan._replace(subjects=subjects))
    assert all(not one.ratios for found in results(alone) for one in found.rows)


def test_what_was_not_measured_is_not_there() -> None:
    run = lab_run(Experiment.STORAGE)
    blind = run._replace(
        trials=tuple(one._replace(cpu_ns={}, latency=None, exits={}) for one in run.trials),
        tallies=(),
    )
    found = result(blind, Experiment.STORAGE)
    assert [one.id for one in found.measures] == ["large.bytes", "d1.rate", "d32.rate"]
    assert all(row.tally is None for row in found.rows)
    idle = run._replace(
        trials=tuple(one._replace(requests=0, bytes=0, seconds=0.0) for one in run.trials)
    )
    assert "d1.rate" not in row(result(idle, Experiment.STORAGE), "ide").figures


def test_who_fell_out_before_a_figure_is_left_out() -> None:
    run = lab_run(Experiment.STORAGE)
    out = run._replace(
        trials=tuple(one for one in run.trials if one.subject != "lsi"),
        tallies=tuple(one for one in run.tallies if one.subject != "lsi"),
    )
    waiting = [one.subject.id for one in result(out, Experiment.STORAGE).rows]
    assert "lsi" in waiting
    gone = out._replace(plan=out.plan._replace(omitted=(Omitted("lsi", "its guest ended"),)))
    assert "lsi" not in [one.subject.id for one in result(gone, Experiment.STORAGE).rows]


def test_what_was_traced_counts_before_what_kvm_counted() -> None:
    run = lab_run(Experiment.STORAGE, accelerator="kvm")
    coarse = tuple(
        one._replace(registers={"exits": 99 * one.requests}, source="exits") for one in run.tallies
    )
    both = run._replace(tallies=(*coarse, *run.tallies, *coarse))
    assert row(result(both, Experiment.STORAGE), "ide").figures["traps"].median == 26.0
    only = result(run._replace(tallies=coarse), Experiment.STORAGE)
    assert row(only, "ide").figures["traps"].median == 99.0
    known = [one for one in only.published if "4 KiB read" in one.what]
    assert all(one.measured is None and "Cannot be compared" in one.remark for one in known)


def test_counts_come_first_under_tcg_alone() -> None:
    tcg = result(lab_run(Experiment.STORAGE), Experiment.STORAGE)
    kvm = result(lab_run(Experiment.STORAGE, accelerator="kvm"), Experiment.STORAGE)
    assert tcg.counts_first
    assert not kvm.counts_first
    assert [one.id for one in tcg.measures[:2]] == ["traps", "interrupts"]
    assert [one.id for one in kvm.measures[-2:]] == ["traps", "interrupts"]
    assert tcg.words[0].startswith("These guests ran under TCG")
    assert not any("TCG" in one for one in kvm.words)
    assert not result(lab_run(Experiment.NESTED), Experiment.NESTED).counts_first


def test_under_tcg_those_between_the_extremes_are_named() -> None:
    found = result(lab_run(Experiment.STORAGE), Experiment.STORAGE)
    real = (Verdict.BETTER, Verdict.WORSE)
    most = 0
    for load, where in (("d32.rate", "At depth 32, "), ("large.bytes", "With large reads, ")):
        apart = [row.subject for row in found.rows if row.verdicts.get(load) in real]
        most = max(most, len(apart))
        said = " ".join(one for one in found.words if one.startswith(where))
        assert [one.id for one in apart if spoken(one) not in said] == []
    assert most > 2, "else there is nothing between"


def test_words_are_made_of_the_figures() -> None:
    run = lab_run(accelerator="kvm")
    words = " ".join(result(run, Experiment.STORAGE).words)
    ide = row(result(run, Experiment.STORAGE), "ide").ratios["d1.rate"]
    assert f"IDE {factor(ide.median)} times{bounds(ide)}" in words
    assert "26 register accesses through IDE" in words
    assert "1 notification through virtio-blk, virtio-blk with I/O thread and virtio-scsi" in words
    assert "7 accesses to its script RAM" in words
    assert "interrupt controller 3 and timer 0.10" in words
    assert "null-co" in words
    network = " ".join(result(run, Experiment.NETWORK).words)
    assert "virtio-net 0.04, e1000e 0.25" in network
    ratio = row(result(run, Experiment.NETWORK), "e1000e").ratios["pingpong.p50"]
    assert f"e1000e took {factor(ratio.median)} times{bounds(ratio)} the median time" in network


def test_counts_of_nics_are_not_said_to_be_the_same_under_kvm() -> None:
    """Those of disks are; frames are merged the more, the faster they follow each other."""
    run = lab_run(accelerator="qemu")
    disks, nics = (result(run, one).words[0] for one in (Experiment.STORAGE, Experiment.NETWORK))
    assert "the same under KVM" in disks
    assert "the same under KVM" not in nics
    assert "how fast they follow each other" in nics


def test_other_counts_say_other_words() -> None:
    run = lab_run(Experiment.STORAGE)
    other = run._replace(
        tallies=tuple(
            one._replace(registers={"ide": 40 * one.requests}) if one.subject == "ide" else one
            for one in run.tallies
        )
    )
    found = result(other, Experiment.STORAGE)
    assert any("40 register accesses through IDE" in one for one in found.words)
    (ide,) = (one for one in found.published if one.what.endswith("read, IDE"))
    assert (ide.low, ide.measured) == (26.0, 40.0)
    assert "40 instead of 26" in ide.remark


def test_differences_that_are_not_seen_are_said_so() -> None:
    noisy = result(lab_run(Experiment.STORAGE, accelerator="kvm", noise=0.6), Experiment.STORAGE)
    assert any("no difference in IOPS was seen" in one for one in noisy.words)
    short = lab_run(Experiment.STORAGE, accelerator="kvm", rounds=3)
    found = result(short, Experiment.STORAGE)
    assert any("too few trials" in one for one in found.words)
    assert {one.low for one in row(found, "ide").figures.values()} == {None}
    assert set(row(found, "ide").verdicts.values()) == {Verdict.UNKNOWN}


@pytest.mark.parametrize("experiment", [Experiment.NESTED, Experiment.MACHINE, Experiment.IOTHREAD])
def test_lessons_say_what_they_show(experiment: Experiment) -> None:
    found = result(lab_run(experiment, accelerator="kvm"), experiment)
    words = " ".join(found.words)
    others = [one for one in found.rows if not one.subject.baseline]
    for one in others:
        ratio = one.ratios["d1.rate"]
        assert f"{one.subject.title} {factor(ratio.median)} times the rate" in words
    if experiment is Experiment.IOTHREAD:
        part = others[0].figures["d1.cpu.io-thread"]
        assert f"I/O thread {amount(part.median, 'ns')}" in words
    assert found.published == ()


def test_published_ranges_stand_beside_what_was_measured() -> None:
    kvm = result(lab_run(Experiment.STORAGE, accelerator="kvm"), Experiment.STORAGE).published
    sata, ide = kvm[:2]
    assert (sata.low, sata.high, ide.low, ide.high) == (2.0, 6.0, 2.0, None)
    assert sata.measured == pytest.approx(1.15, rel=0.05)
    assert sata.remark.startswith("Below the range")
    assert ide.measured == pytest.approx(2.08, rel=0.05)
    assert ide.remark == ""
    assert all(one.remark == "" for one in kvm if "4 KiB read" in one.what)
    bare = [one for one in kvm if "bare" in one.what]
    assert len(bare) == 3
    assert all(one.measured is None and one.remark for one in bare)
    tcg = result(lab_run(Experiment.STORAGE), Experiment.STORAGE).published
    assert all("under TCG" in one.remark for one in tcg[:2])
    nics = result(lab_run(Experiment.NETWORK), Experiment.NETWORK).published
    assert [one.remark for one in nics] == [""] * 5
    storm = lab_run(Experiment.NETWORK)
    storm = storm._replace(
        trials=tuple(one._replace(interrupts=one.requests * 2) for one in storm.trials)
    )
    assert all("Outside" in one.remark for one in result(storm, Experiment.NETWORK).published)


def test_the_same_run_gives_the_same_figures() -> None:
    assert results(lab_run(seed=3)) == results(lab_run(seed=3))
    assert results(lab_run(seed=3)) != results(lab_run(seed=4))


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 2**16))
def test_two_runs_on_one_host_agree_in_their_ratios(seed: int) -> None:
    one = lab_run(Experiment.STORAGE, accelerator="kvm", seed=seed)
    other = lab_run(Experiment.STORAGE, accelerator="kvm", seed=seed + 1, faster=1.5)
    found = compare_runs(one, other)
    agree = [each.agree for each in found.rows if each.agree is not None]
    assert len(agree) > 50
    assert agree.count(False) <= len(agree) * 0.1
    assert not any(is_part(each.measure) for each in found.rows)
    rates = [each for each in found.rows if each.measure.id == "d1.rate"]
    assert all(each.verdict is Verdict.BETTER for each in rates)
    assert all(each.ratio and each.ratio.median == pytest.approx(1.5, rel=0.1) for each in rates)
    assert found.differs == ()


def test_what_differs_between_runs_is_said() -> None:
    one = lab_run(accelerator="kvm")
    other = lab_run(Experiment.STORAGE, rounds=3, complete=False)
    found = compare_runs(one, other)
    assert {each.experiment for each in found.rows} == {Experiment.STORAGE}
    assert "The accelerator differs: KVM and TCG." in found.differs
    assert "The number of rounds differs: 5 and 3." in found.differs
    assert "The second run did not get to its end." in found.differs
    assert any(each.startswith("The second run was less than fair: TCG") for each in found.differs)
    nothing = compare_runs(lab_run(Experiment.NETWORK), other)
    assert nothing.rows == ()
    only = [each for each in nothing.differs if each.startswith("Only the second run has")]
    assert len(only) == 1
    assert "virtio-scsi" in only[0]


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (2.03 * 1024**3, "B/s", "2.03 GiB/s"),
        (672.4 * 1024**2, "B/s", "672 MiB/s"),
        (0, "B/s", "0 B/s"),
        (19_231, "1/s", "19.2k/s"),
        (52_100, "ns", "52.1 µs"),
        (52_100, "ns each", "52.1 µs"),
        (26, "each", "26"),
        (0.04, "each", "0.04"),
        (270.4, "each", "270"),
    ],
)
def test_amounts(value: float, unit: str, text: str) -> None:
    assert amount(value, unit) == text


def test_short_texts() -> None:
    assert [plain(one) for one in (0, 0.1, 5.4, 1234)] == ["0", "0.10", "5.4", "1.2k"]
    assert [factor(one) for one in (0, 0.0707, 0.48, 1, 26)] == [
        "0",
        "0.0707",
        "0.48",
        "1.00",
        "26",
    ]
    assert [listing(one) for one in ("", "a", "ab", "abc")] == ["", "a", "a and b", "a, b and c"]
