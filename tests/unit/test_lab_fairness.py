from __future__ import annotations

import pytest

from tests.support.labrun import lab_run
from tuivm.lab import fairness
from tuivm.lab.fairness import Load
from tuivm.lab.ports import HostUse
from tuivm.model.lab import Backing, Experiment, LabHostRecord, Plan, Trial

S = 1_000_000_000
RECORD = LabHostRecord("rack7", "qemu:///system", cpus=4, virtualized=False)
PLAN = lab_run(Experiment.STORAGE, accelerator="kvm").plan
KVM, TCG = frozenset({"kvm"}), frozenset({"qemu"})
TRIAL = Trial("ide", "d1", 1, 100, 409600, 10.0, cpu_ns={"vCPU": 9 * S, "main loop": 3 * S})


def load(
    seconds: float = 10.0,
    busy: float = 12.0,
    steal: float | None = 0.0,
    others: dict[str, float] | None = None,
    governor: str = "performance",
) -> Load:
    """A host of 4 CPUs over so many seconds; CPU seconds."""
    shares = others or {}
    return Load().plus(
        HostUse(100.0, 5 * S, 4 * S, S, dict.fromkeys(shares, S), governor),
        HostUse(
            100.0 + seconds,
            5 * S + int(4 * seconds * S),
            4 * S + int(busy * S),
            None if steal is None else S + int(steal * S),
            {name: S + int(used * S) for name, used in shares.items()},
            governor,
        ),
    )


def said(
    found: Load,
    plan: Plan = PLAN,
    record: LabHostRecord = RECORD,
    accelerators: frozenset[str] = KVM,
) -> tuple[str, ...]:
    return fairness.caveats(plan, record, accelerators, found, [TRIAL])


def test_a_quiet_host_of_its_own_has_no_caveats() -> None:
    assert said(load()) == ()


@pytest.mark.parametrize(("stolen", "told"), [(0.3, False), (0.5, True), (4.0, True)])
def test_steal_above_1_percent_is_told(stolen: float, told: bool) -> None:
    found = said(load(steal=stolen))
    assert any("stolen" in one for one in found) is told
    if told:
        assert found[0].startswith(f"{stolen / 40:.1%}")


def test_steal_that_nobody_reports_is_none() -> None:
    before, after = HostUse(0.0, S, S), HostUse(1.0, 2 * S, 2 * S)
    assert fairness.stolen(before, after) is None
    assert said(load(steal=None)) == ()


def test_steal_of_a_trial_is_a_share_of_all_cpus() -> None:
    before, after = HostUse(0.0, S, S, 0), HostUse(1.0, 5 * S, 2 * S, S)
    assert fairness.stolen(before, after) == 0.25


def test_other_guests_are_named_the_busiest_first() -> None:
    others = {"db": 4.0, "quiet": 0.4, "web\x1b[2J": 0.6}
    (found,) = [one for one in said(load(busy=17.0, others=others)) if "Other guests" in one]
    assert found.index("db (0.40 CPUs)") < found.index("web")
    assert "quiet" not in found
    assert "\x1b" not in found


def test_a_guest_that_began_meanwhile_counts_from_its_beginning() -> None:
    found = Load().plus(HostUse(0.0), HostUse(10.0, others={"new": 3 * S}))
    assert any("new (0.30 CPUs)" in one for one in said(found))


@pytest.mark.parametrize(("busy", "told"), [(12.0, False), (14.0, False), (15.0, True)])
def test_other_work_of_the_host_is_what_the_guests_do_not_explain(busy: float, told: bool) -> None:
    assert any("other work" in one for one in said(load(busy=busy))) is told


def test_other_guests_are_not_told_twice() -> None:
    found = said(load(busy=22.0, others={"db": 10.0}))
    assert sum("busy" in one or "other work" in one for one in found) == 1


def test_a_governor_other_than_performance_is_named() -> None:
    assert any("powersave" in one for one in said(load(governor="powersave")))


def test_tcg_comes_first_and_says_to_go_by_the_counts() -> None:
    found = said(load(steal=4.0), accelerators=TCG)
    assert "counts" in found[0]
    nested = lab_run(Experiment.NESTED).plan
    assert not any("counts" in one for one in said(load(), plan=nested, accelerators=TCG | KVM))


def test_a_virtual_host_a_small_host_and_files_are_told() -> None:
    record = RECORD._replace(virtualized=True, cpus=1)
    plan = PLAN._replace(backings={Experiment.STORAGE: Backing.FILE})
    found = " ".join(said(load(), plan=plan, record=record))
    assert "itself a guest" in found
    assert "1 CPU" in found
    assert "cache=none" in found


def test_loads_of_several_trials_add_up() -> None:
    one = load(seconds=10.0, busy=12.0, steal=1.0)
    both = one.plus(
        HostUse(200.0, 0, 0, 0, {}, "powersave"), HostUse(205.0, 20 * S, 6 * S, 2 * S, {}, "")
    )
    assert both.seconds == 15.0
    assert both.total == 60 * S
    assert both.busy == 18 * S
    assert both.steal == 3 * S
    assert both.governors == {"performance", "powersave"}
