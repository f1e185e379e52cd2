"""What the wizard knows at a moment: what was said, what it comes to, and what speaks against."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from tuivm.model.creation import CreationPlan
from tuivm.model.findings import Finding, Severity
from tuivm.model.hosts import Problem
from tuivm.model.offers import DomainCaps, HostOffer
from tuivm.model.oses import GENERIC, OsInfo
from tuivm.model.spec import Spec

NOTHING = HostOffer("")


class Draft(NamedTuple):
    """spec: what the person said, empty where nothing. full: with every default filled in (it may
    be a moment behind `spec`, and is `spec` itself as long as the host was not heard). offer:
    None while it is asked. source_xml: of the guest that is copied. problem: why the host, or the
    plan, cannot be had. waiting: what is being asked for, in words, "" for nothing."""

    host: str = ""
    hosts: tuple[str, ...] = ()
    """Those that there are to choose from."""
    spec: Spec = Spec()
    full: Spec = Spec()
    offer: HostOffer | None = None
    caps: DomainCaps = DomainCaps()
    os: OsInfo = GENERIC
    guessed: OsInfo | None = None
    """What the source looks like, where that is known."""
    oses: tuple[OsInfo, ...] = ()
    """All that the catalog knows."""
    findings: tuple[Finding, ...] = ()
    plan: CreationPlan | None = None
    source_xml: str = ""
    problem: Problem | None = None
    waiting: str = ""

    @property
    def offered(self) -> HostOffer:
        """The offer, or an empty one: a host that offers nothing."""
        return self.offer or NOTHING


def owner(field: str, keys: Iterable[str]) -> str:
    """Of the keys of some fields, the one that a finding's field belongs to: the longest that is
    it, or a part of it from the left ("disk" has "disk.0.bus"). "" for none."""
    mine = [key for key in keys if key and (field == key or field.startswith(f"{key}."))]
    return max(mine, key=len, default="")


def worst(findings: Iterable[Finding]) -> Severity | None:
    """The gravest there is; None where there is nothing."""
    order = (Severity.ERROR, Severity.WARNING, Severity.NOTE)
    there = {finding.severity for finding in findings}
    return next((severity for severity in order if severity in there), None)
