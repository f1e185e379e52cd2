"""Deleting a guest: what goes, what may go, and which orders are refused.

Nothing here deletes. The same checks run twice: in the dialog, and again, on facts read anew, just
before anything is touched.
"""

from __future__ import annotations

from tuivm.model.deletion import (
    DeletionFacts,
    DeletionOrder,
    DeletionPlan,
    VolumeChoice,
    VolumeFacts,
)
from tuivm.model.units import visible

_DOMAIN_0 = "00000000-0000-0000-0000-000000000000"


def plan_deletion(facts: DeletionFacts) -> DeletionPlan:
    """What deleting this guest means. No volume goes unless the order names it."""
    refused = ""
    if facts.uuid == _DOMAIN_0:
        refused = "this is the host itself (Xen's Domain-0), not a guest"
    return DeletionPlan(
        facts=facts,
        goes=_goes(facts),
        choices=tuple(_choice(volume, facts) for volume in facts.volumes),
        refused=refused,
        data=_data(facts),
    )


def data_goes(plan: DeletionPlan, order: DeletionOrder) -> tuple[str, ...]:
    """What of this order cannot be made again, in words; () when only the definition goes."""
    return (*map(visible, dict.fromkeys(order.volumes)), *plan.data)


def check_order(plan: DeletionPlan, order: DeletionOrder, typed_name: str) -> str:
    """Why this order must not be carried out, "" when it may.

    typed_name is asked for whenever data goes, and has to be the guest's name exactly.
    """
    facts = plan.facts
    if plan.refused:
        return plan.refused
    if facts.active and not order.force_off:
        return f"{visible(facts.name)} is active: it has to be forced off first"
    choices = {choice.facts.path: choice for choice in plan.choices}
    for path in order.volumes:
        choice = choices.get(path)
        if choice is None:
            return f"{visible(path)} is not a volume of this guest"
        if choice.refused:
            return f"{visible(path)} cannot be deleted: {choice.refused}"
    if data_goes(plan, order) and typed_name != facts.name:
        return "data goes with it: type the guest's name exactly"
    return ""


def _data(facts: DeletionFacts) -> tuple[str, ...]:
    data = []
    if facts.snapshots:
        data.append(_counted(len(facts.snapshots), "snapshot"))
    if facts.managed_save:
        data.append("the saved memory")
    if facts.tpm:
        data.append("the TPM's keys")
    return tuple(data)


def _goes(facts: DeletionFacts) -> tuple[str, ...]:
    goes = []
    if facts.active:
        goes.append("the running guest: forced off, as if its plug were pulled")
    if facts.persistent:
        goes.append("its definition, with autostart and metadata")
    else:
        goes.append("the guest altogether: it is transient and has no definition to keep")
    if facts.snapshots:
        count = _counted(len(facts.snapshots), "snapshot")
        names = ", ".join(map(visible, facts.snapshots))
        goes.append(f"{count} as libvirt knows them, with any saved memory ({names})")
    if facts.checkpoints:
        goes.append(_counted(len(facts.checkpoints), "checkpoint"))
    if facts.managed_save:
        goes.append("the saved memory (managed save): its next start would have restored it")
    if facts.nvram:
        goes.append(f"its UEFI variables ({visible(facts.nvram)})")
    if facts.tpm:
        goes.append("its emulated TPM's state: disks sealed to it can no longer be opened")
    return tuple(goes)


def _choice(volume: VolumeFacts, facts: DeletionFacts) -> VolumeChoice:
    refused = "; ".join(_refusals(volume, facts))
    return VolumeChoice(volume, refused, "" if refused else "; ".join(_warnings(volume, facts)))


def _refusals(volume: VolumeFacts, facts: DeletionFacts) -> list[str]:
    """Every reason, because mending one of several would only bring up the next."""
    reasons = []
    if volume.owners:
        reasons.append(f"used by {_list(volume.owners)} too")
    if volume.children:
        reasons.append(f"backs {_list(volume.children)}")
    if volume.read_only:
        reasons.append("read-only medium (a CD-ROM, or marked read-only)")
    if volume.shareable:
        reasons.append("marked shareable: other guests may use it")
    if volume.exists is False:
        reasons.append("does not exist")
    elif not volume.pool or not volume.volume:
        reasons.append("in no storage pool, so libvirt cannot delete it")
    if facts.incomplete:
        reasons.append(f"its users are not all known: {_list(facts.incomplete)}")
    return reasons


def _warnings(volume: VolumeFacts, facts: DeletionFacts) -> list[str]:
    warnings = []
    if volume.exists is None:
        warnings.append("it could not be seen whether it exists")
    if volume.backing:
        warnings.append(f"only this layer: {visible(volume.backing)} below it stays")
    if facts.snapshots and volume.format == "qcow2":
        warnings.append("snapshots inside it go with it")
    return warnings


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _list(names: tuple[str, ...]) -> str:
    return ", ".join(map(visible, names))
