"""The preflight of a creation: what would fail, harm or surprise, before anything is made."""

from __future__ import annotations

from collections.abc import Iterable

from tuivm.model.creation import CreationPlan
from tuivm.model.findings import Finding, Severity
from tuivm.model.offers import DomainCaps, HostOffer
from tuivm.preflight.creating_system import check_system

_ORDER = tuple(Severity)


def check(
    plan: CreationPlan,
    offer: HostOffer,
    caps: DomainCaps,
) -> tuple[Finding, ...]:
    """Errors first. plan.spec is complete; its XML may still be missing."""
    return worst_first((*check_system(plan, offer, caps),))


def worst_first(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    return tuple(sorted(findings, key=lambda finding: _ORDER.index(finding.severity)))
