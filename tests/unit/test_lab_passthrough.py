"""What a run says of a device of the host that was passed through."""

from __future__ import annotations

from tests.support.labrun import lab_run
from tuivm.lab.models import passthrough
from tuivm.lab.ports import SpareDevice
from tuivm.model.lab import Experiment, LabRun, Subject
from tuivm.model.labfigures import results

PASSED = passthrough(SpareDevice("0000:02:00.0", "disk", "Red Hat, Inc. QEMU NVM Express"))


def with_passed(run: LabRun) -> LabRun:
    """The run as if its NVMe disk had been the host's own."""

    def swapped(subject: Subject) -> Subject:
        return PASSED if subject.id == "nvme" else subject

    return run._replace(
        plan=run.plan._replace(subjects=tuple(map(swapped, run.plan.subjects))),
        trials=tuple(
            one._replace(subject=PASSED.id) if one.subject == "nvme" else one for one in run.trials
        ),
        tallies=tuple(one for one in run.tallies if one.subject != "nvme"),
    )


def test_it_is_said_that_it_has_its_own_medium() -> None:
    run = lab_run(Experiment.STORAGE)
    (plain,), (passed,) = results(run), results(with_passed(run))
    assert not any("own medium" in one for one in plain.words)
    (said,) = [one for one in passed.words if "own medium" in one]
    assert "Red Hat Inc. QEMU NVM Express (0000:02:00.0)" in said


def test_no_count_is_made_up_for_it() -> None:
    (result,) = results(with_passed(lab_run(Experiment.STORAGE)))
    (row,) = [one for one in result.rows if one.subject.id == PASSED.id]
    assert row.tally is None
    assert "traps" not in row.figures
    assert row.figures["d1.rate"].median > 0
