"""Deleting a guest: look at all that belongs to it, check, then remove what was ordered."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import NoReturn

import libvirt

from tuivm.domainxml.storage import DiskUse, Layer, disk_uses, has_emulated_tpm, nvram_path
from tuivm.hypervisor.errors import is_unsupported, problem_from, problem_of, reason_of
from tuivm.hypervisor.images import exists
from tuivm.hypervisor.inventory import (
    Inventory,
    PoolVolume,
    definitions,
    read_inventory,
    snapshots_of,
)
from tuivm.model.deletion import DeletionFacts, DeletionOrder, VolumeFacts
from tuivm.model.hosts import Problem
from tuivm.model.ports import DeletionLookup
from tuivm.model.requests import Outcome, Step
from tuivm.preflight.deletion import check_order, plan_deletion

_NOT_TRIED = "not tried"


def look_up(conn: libvirt.virConnect, uuid: str) -> DeletionLookup:
    """What deleting a guest would mean, read now. Directory pools are refreshed for it."""
    what = "cannot look up what belongs to the guest"
    try:
        facts = _read_facts(conn, conn.lookupByUUIDString(uuid), uuid)
    except libvirt.libvirtError as error:
        return DeletionLookup(problem=problem_from(what, error, conn.getURI()))
    except ValueError as error:
        return DeletionLookup(problem=Problem(what, str(error), "its XML is not as it should be"))
    return DeletionLookup(facts=facts, plan=plan_deletion(facts))


def delete(conn: libvirt.virConnect, uuid: str, order: DeletionOrder) -> Outcome:
    """Carry an order out, on facts read anew. The steps say what was removed and what was not."""
    lookup = look_up(conn, uuid)
    if lookup.facts is None or lookup.plan is None:
        return Outcome(problem=lookup.problem)
    facts = lookup.facts
    # The name was typed into the dialog that made this order; the facts may have changed since.
    refused = check_order(lookup.plan, order, facts.name)
    if refused:
        remedy = "look at what belongs to the guest again, and order anew"
        return Outcome(problem=Problem(f"{facts.name} was not deleted", refused, remedy=remedy))
    return _Deletion(conn, facts, order).run()


def _read_facts(conn: libvirt.virConnect, domain: libvirt.virDomain, uuid: str) -> DeletionFacts:
    inventory = read_inventory(conn, but=uuid)
    own = definitions(domain)
    tried = _Tried(inventory)
    return DeletionFacts(
        name=domain.name(),
        uuid=uuid,
        active=bool(domain.isActive()),
        persistent=bool(domain.isPersistent()),
        volumes=_volumes([use for xml in own for use in disk_uses(xml)], uuid, inventory),
        snapshots=tried.names("its snapshots", lambda: snapshots_of(domain)),
        checkpoints=tried.names("its checkpoints", domain.listAllCheckpoints),
        managed_save=tried.flag("its managed save", domain.hasManagedSaveImage),
        nvram=next(filter(None, map(nvram_path, own)), ""),
        tpm=any(map(has_emulated_tpm, own)),
        incomplete=tuple(inventory.incomplete),
    )


@dataclass
class _Tried:
    """Asks what not every driver can answer; a failure is noted as incomplete."""

    inventory: Inventory

    def names(
        self,
        what: str,
        ask: Callable[[], list[libvirt.virDomainSnapshot] | list[libvirt.virDomainCheckpoint]],
    ) -> tuple[str, ...]:
        try:
            return tuple(sorted(entry.getName() for entry in ask()))
        except libvirt.libvirtError as error:
            self._note(what, error)
            return ()

    def flag(self, what: str, ask: Callable[[], int]) -> bool:
        try:
            return bool(ask())
        except libvirt.libvirtError as error:
            self._note(what, error)
            return False

    def _note(self, what: str, error: libvirt.libvirtError) -> None:
        if not is_unsupported(error):
            self.inventory.missed(f"{what}: {reason_of(error)}")


def _volumes(uses: list[DiskUse], uuid: str, inventory: Inventory) -> tuple[VolumeFacts, ...]:
    found: dict[str, VolumeFacts] = {}
    for use in uses:
        # Where its own chain ends unseen, nothing is lost: what is not seen is not deleted.
        chain, _ = inventory.chain(use)
        below = [layer.path for layer in chain[1:]] + [""]
        for depth, layer in enumerate((*chain, *use.beside)):
            facts = _volume_facts(layer, uuid, inventory)
            if depth < len(chain):
                facts = replace(facts, backing=facts.backing or below[depth])
            key = inventory.identity(facts.path)
            facts = found.get(key, facts)
            if depth == 0:
                facts = replace(
                    facts,
                    targets=tuple(dict.fromkeys((*facts.targets, use.target))),
                    read_only=facts.read_only or use.read_only,
                    shareable=facts.shareable or use.shareable,
                )
            found[key] = facts
    return tuple(found.values())


def _volume_facts(layer: Layer, uuid: str, inventory: Inventory) -> VolumeFacts:
    if not layer.path:
        path = layer.other or f"{layer.pool}/{layer.volume}"
        return VolumeFacts(path, layer.pool, layer.volume, format=layer.format)
    known = inventory.volume(layer.path)
    facts = VolumeFacts(
        path=layer.path,
        format=layer.format,
        owners=inventory.others(layer.path, uuid),
        children=inventory.children_of(layer.path),
    )
    if known is None:
        return replace(facts, exists=exists(layer.path) if inventory.local else None)
    return replace(
        facts,
        pool=known.pool,
        volume=known.name,
        format=layer.format or known.said.format,
        capacity=known.said.capacity,
        allocation=known.said.allocation,
        backing=known.said.backing if layer.format != "raw" else "",
        exists=True,
    )


class _StepFailedError(Exception):
    """A step was refused; what follows it is not tried."""


@dataclass
class _Deletion:
    conn: libvirt.virConnect
    facts: DeletionFacts
    order: DeletionOrder
    steps: list[Step] = field(default_factory=list)

    def run(self) -> Outcome:
        try:
            self._remove_guest()
        except _StepFailedError:
            for path in self.order.volumes:
                self.steps.append(Step(f"delete {path}", done=False, reason=_NOT_TRIED))
        else:
            self._delete_volumes()
        return Outcome(self._problem(), tuple(self.steps))

    def _problem(self) -> Problem | None:
        failed = [step for step in self.steps if not step.done]
        if not failed:
            return None
        some = any(step.done for step in self.steps)
        what = f"{self.facts.name} was {'deleted only in part' if some else 'not deleted'}"
        return problem_of(what, failed[0].reason, self.conn.getURI())

    def _remove_guest(self) -> None:
        facts, name = self.facts, self.facts.name
        try:
            domain = self.conn.lookupByUUIDString(facts.uuid)
        except libvirt.libvirtError as error:
            self._failed(f"find {name}", error)
        if facts.active:
            self._try("forced off", "force off", name, lambda: _force_off(domain))
        if not facts.persistent:
            return
        if facts.managed_save:
            self._try("removed", "remove", "the managed save", domain.managedSaveRemove)
        for snapshot in facts.snapshots:
            record = f"the record of snapshot {snapshot}"
            self._try("removed", "remove", record, partial(_forget_snapshot, domain, snapshot))
        for checkpoint in facts.checkpoints:
            record = f"the record of checkpoint {checkpoint}"
            self._try("removed", "remove", record, partial(_forget_checkpoint, domain, checkpoint))
        also = [f"its UEFI variables {facts.nvram}"] if facts.nvram else []
        also += ["its TPM's state"] if facts.tpm else []
        what = " and ".join([name, *also])
        self._try("undefined", "undefine", what, lambda: _undefine(domain, facts))

    def _delete_volumes(self) -> None:
        if not self.order.volumes:
            return
        try:
            inventory = read_inventory(self.conn)
        except libvirt.libvirtError as error:
            for path in self.order.volumes:
                self._not_done(f"delete {path}", reason_of(error))
            return
        for path in dict.fromkeys(self.order.volumes):
            known = inventory.volume(path)
            refused = _still_needed(path, inventory)
            if known is None or refused:
                self._not_done(f"delete {path}", refused or "it is in no pool any more")
                continue
            try:
                _delete_volume(self.conn, known)
            except libvirt.libvirtError as error:
                self._not_done(f"delete {path}", reason_of(error))
                continue
            alias = "" if known.said.path == path else f" (volume {known.name} of {known.pool})"
            self.steps.append(Step(f"deleted {path}{alias}"))

    def _try(self, done: str, intent: str, what: str, call: Callable[[], object]) -> None:
        try:
            call()
        except libvirt.libvirtError as error:
            self._failed(f"{intent} {what}", error)
        self.steps.append(Step(f"{done} {what}"))

    def _failed(self, intent: str, error: libvirt.libvirtError) -> NoReturn:
        self._not_done(intent, reason_of(error))
        raise _StepFailedError from error

    def _not_done(self, intent: str, reason: str) -> None:
        self.steps.append(Step(intent, done=False, reason=reason))


def _force_off(domain: libvirt.virDomain) -> None:
    try:
        domain.destroy()
    except libvirt.libvirtError as error:
        # It may have stopped by itself in between, and if it was transient, be gone.
        if error.get_error_code() == libvirt.VIR_ERR_NO_DOMAIN or not domain.isActive():
            return
        raise


def _forget_snapshot(domain: libvirt.virDomain, name: str) -> None:
    only = libvirt.VIR_DOMAIN_SNAPSHOT_DELETE_METADATA_ONLY
    domain.snapshotLookupByName(name).delete(only)


def _forget_checkpoint(domain: libvirt.virDomain, name: str) -> None:
    only = libvirt.VIR_DOMAIN_CHECKPOINT_DELETE_METADATA_ONLY
    domain.checkpointLookupByName(name).delete(only)


def _undefine(domain: libvirt.virDomain, facts: DeletionFacts) -> None:
    nvram = libvirt.VIR_DOMAIN_UNDEFINE_NVRAM if facts.nvram else 0
    tpm = libvirt.VIR_DOMAIN_UNDEFINE_TPM if facts.tpm else 0
    try:
        domain.undefineFlags(nvram | tpm)
    except libvirt.libvirtError as error:
        if tpm and error.get_error_code() == libvirt.VIR_ERR_INVALID_ARG:
            # Daemons older than the flag (8.9) always remove the TPM's state.
            domain.undefineFlags(nvram)
        elif not nvram and not tpm and is_unsupported(error):
            domain.undefine()
        else:
            raise


def _still_needed(path: str, inventory: Inventory) -> str:
    """Who uses an image now that the guest is gone, "" when nobody does."""
    users = (*inventory.others(path, ""), *inventory.children_of(path))
    if users:
        return f"meanwhile it is used by {', '.join(users)}"
    if inventory.incomplete:
        return f"its users are not all known: {', '.join(inventory.incomplete)}"
    return ""


def _delete_volume(conn: libvirt.virConnect, volume: PoolVolume) -> None:
    conn.storagePoolLookupByName(volume.pool).storageVolLookupByName(volume.name).delete()
