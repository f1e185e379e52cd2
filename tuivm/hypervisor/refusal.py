"""Why something is not done, found out before libvirt was asked to do it."""

from __future__ import annotations

from collections.abc import Sequence

import libvirt

from tuivm.hypervisor.errors import problem_from
from tuivm.model.findings import Finding
from tuivm.model.hosts import Problem
from tuivm.model.requests import Outcome, Step


class RefusalError(Exception):
    """reason, cause, remedy: as of `Problem`."""

    def __init__(self, reason: str, cause: str = "", remedy: str = "") -> None:
        super().__init__(reason)
        self.reason, self.cause, self.remedy = reason, cause, remedy

    def outcome(self, what: str, steps: Sequence[Step] = ()) -> Outcome:
        """steps: what was done before."""
        return Outcome(Problem(what, self.reason, self.cause, self.remedy), tuple(steps))


Reason = RefusalError | libvirt.libvirtError | ValueError
"""ValueError: what libvirt said, or is to be told, is no XML."""


def not_done(reason: Reason, what: str, uri: str, steps: Sequence[Step]) -> Outcome:
    """steps: what was done, and undone, before."""
    if isinstance(reason, RefusalError):
        return reason.outcome(what, steps)
    if isinstance(reason, libvirt.libvirtError):
        return Outcome(problem_from(what, reason, uri), tuple(steps))
    return Outcome(Problem(what, str(reason)), tuple(steps))


def stopped_by(findings: Sequence[Finding]) -> RefusalError:
    """What a person is told that was not overridden or accepted; worst first."""

    def joined(texts: Sequence[str]) -> str:
        return "; ".join(dict.fromkeys(text for text in texts if text))

    return RefusalError(
        joined([one.what for one in findings]),
        joined([one.why for one in findings]),
        joined([one.remedy for one in findings]),
    )
