"""The preflight of a creation: what would fail, harm or surprise, before anything is made."""

from __future__ import annotations

from collections.abc import Mapping

from tuivm.model.creation import CreationPlan
from tuivm.model.findings import Finding
from tuivm.model.offers import DomainCaps, HostOffer
from tuivm.model.spec import FileRef, SourceKind
from tuivm.preflight.asking import worst_first
from tuivm.preflight.creating_cpu import check_cpu
from tuivm.preflight.creating_disks import check_disks
from tuivm.preflight.creating_machine import check_machine
from tuivm.preflight.creating_nics import check_nics
from tuivm.preflight.creating_passed import check_passed
from tuivm.preflight.creating_source import check_source
from tuivm.preflight.creating_system import check_system
from tuivm.preflight.images import NO_FILES, FileFacts


def check(
    plan: CreationPlan,
    offer: HostOffer,
    caps: DomainCaps,
    files: Mapping[FileRef, FileFacts] = NO_FILES,
) -> tuple[Finding, ...]:
    """Errors first. plan.spec is complete; its XML may still be missing. Never raises for a spec.

    A copy has what its source has, so of it the name, size and devices alone are judged
    (`copying.plan_copy` judges its disks).
    """
    found = [*check_system(plan, offer, caps)]
    if plan.spec.source.kind is not SourceKind.COPY:
        found += check_source(plan, offer, files)
        found += check_machine(plan, offer, caps)
        found += check_cpu(plan, offer, caps)
        found += check_disks(plan, offer, caps, files)
        found += check_nics(plan, offer, caps)
        found += check_passed(plan, offer, caps)
    return worst_first(found)
