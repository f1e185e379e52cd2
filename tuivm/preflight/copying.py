"""A copy of a guest: a clone of each disk that can be written, and what the copy will not have."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import NamedTuple

from tuivm.domainxml.copying import copied, source_key
from tuivm.domainxml.parse import Element, parse_domain
from tuivm.domainxml.storage import DiskUse, disk_uses, has_emulated_tpm, nvram_path
from tuivm.model.creation import Placed, VolumeOrder
from tuivm.model.findings import Finding
from tuivm.model.offers import HostOffer, Pool, Volume
from tuivm.model.spec import FileRef, Spec
from tuivm.model.units import byte_count, visible
from tuivm.preflight.asking import error, note, shown, warning
from tuivm.preflight.default_disks import CREATING, find_volume, free_name
from tuivm.preflight.placing import new_place, volume_place

_FIELD = "source.guest"


class CopyPlan(NamedTuple):
    volumes: tuple[VolumeOrder, ...] = ()
    xml: str = ""
    findings: tuple[Finding, ...] = ()


def plan_copy(spec: Spec, offer: HostOffer, source_xml: str) -> CopyPlan:
    """source_xml: the inactive definition of the guest that is copied; "" if it was not read."""
    if not spec.source.guest:
        return CopyPlan(findings=(error("copy-nothing", _FIELD, "no guest to copy is named"),))
    try:
        domain = parse_domain(source_xml)
    except ValueError as problem:
        finding = error(
            "copy-unread",
            _FIELD,
            f"the definition of {shown(spec.source.guest)} could not be read",
            visible(str(problem)) if source_xml else "the host did not tell it",
            "check its name",
        )
        return CopyPlan(findings=(finding,))
    orders: list[VolumeOrder] = []
    places: dict[str, Placed] = {}
    found: list[Finding] = list(_of_the_guest(domain, spec, offer))
    for use in disk_uses(domain):
        if use.read_only or use.shareable:
            found.extend(_shared(use))
            continue
        clone, trouble = _clone(use, spec, offer, orders)
        if clone is not None:
            orders.append(clone)
            places[source_key(use.chain[0])] = clone.placed
        if trouble is not None:
            found.append(trouble)
    try:
        xml = copied(source_xml, spec, places)
    except ValueError as problem:
        found.append(
            error("copy-not-sayable", _FIELD, f"it cannot be copied so: {visible(str(problem))}")
        )
        xml = ""
    return CopyPlan(tuple(orders), xml, tuple(found))


def _clone(
    use: DiskUse, spec: Spec, offer: HostOffer, orders: list[VolumeOrder]
) -> tuple[VolumeOrder | None, Finding | None]:
    """The order for a disk's clone, in the pool of the original; or why there is none."""
    top = use.chain[0]
    place = FileRef(path=top.path, pool=top.pool, volume=top.volume)
    original = find_volume(offer, place)
    if original is None:
        return None, error(
            "copy-disk",
            _FIELD,
            f"its disk {use.target} ({shown(source_key(top))}) is in no storage pool",
            "libvirt copies volumes of pools alone, and two guests on one disk destroy it",
            "make a pool of its directory, or add the disk to one, and try again",
        )
    pool, volume = original
    if pool.kind not in CREATING:
        return None, error(
            "copy-disk",
            _FIELD,
            f"its disk {use.target} is in {shown(pool.name)}, where no volume can be made",
            f"libvirt cannot create volumes in a pool of type {pool.kind} that a guest can use",
            "copy that disk by other means",
        )
    taken = {each.name for each in pool.volumes}
    taken |= {order.placed.volume for order in orders if order.placed.pool == pool.name}
    suffix = PurePosixPath(volume.name).suffix if pool.kind != "logical" else ""
    format_ = top.format or volume.format or "raw"
    placed = new_place(offer, pool.name, free_name(spec.name, taken, suffix), format_)
    source = volume_place(pool, volume)._replace(format=format_)
    clone = VolumeOrder(placed, volume.capacity, clone=source)
    return clone, _room(pool, volume, use, orders)


def _room(pool: Pool, volume: Volume, use: DiskUse, orders: list[VolumeOrder]) -> Finding | None:
    """Of a clone that does not fit, with those ordered before it, into what is left."""
    before = {
        order.clone.volume for order in orders if order.clone and order.placed.pool == pool.name
    }
    size = volume.allocation + sum(one.allocation for one in pool.volumes if one.name in before)
    if not pool.available or size <= pool.available:
        return None
    what = f"a copy of {use.target}" + (", with those before it," if before else "")
    return error(
        "copy-room",
        _FIELD,
        f"{what} takes {byte_count(size)}; "
        f"{shown(pool.name)} has {byte_count(pool.available)} left",
        remedy="make room in the pool",
    )


def _shared(use: DiskUse) -> list[Finding]:
    if not use.shareable:
        return []
    what = f"its disk {use.target} is shareable: both guests will have the same one"
    return [note("copy-shared", _FIELD, what, "what is marked so is meant for several guests")]


def _of_the_guest(domain: Element, spec: Spec, offer: HostOffer) -> list[Finding]:
    found = []
    names = {(domain.findtext("name") or "").strip(), spec.source.guest}
    ids = {(domain.findtext("uuid") or "").strip(), spec.source.guest}
    for name, uuid, active in offer.guests:
        if active and (name in names or uuid in ids):
            found.append(
                error(
                    "copy-active",
                    _FIELD,
                    f"{shown(name)} is running",
                    "its disks change while they are copied: the copy would be a torn one",
                    "shut it down first",
                )
            )
    if nvram_path(domain):
        found.append(
            warning(
                "copy-nvram",
                _FIELD,
                "the UEFI variables are not copied",
                "boot entries and enrolled keys of the original are in them; the copy begins with "
                "those of the template, and boots by the fallback path \\EFI\\BOOT",
                "have the boot loader installed to the fallback path too",
            )
        )
    if has_emulated_tpm(domain):
        found.append(
            warning(
                "copy-tpm",
                _FIELD,
                "the TPM's keys are not copied",
                "a disk that is sealed to them asks for its recovery key",
                "have the recovery key at hand",
            )
        )
    if domain.find("devices/hostdev") is not None:
        found.append(
            warning(
                "copy-hostdev",
                _FIELD,
                "the copy asks for the same devices of the host",
                "only one of both guests can run at a time",
                "take them out of the copy",
            )
        )
    found.append(
        note(
            "copy-inside",
            _FIELD,
            "what is inside the disks is copied as it is",
            "hostname, machine-id, SSH host keys and fixed addresses are then there twice",
            "run virt-sysprep on the copy, or change them at its first boot",
        )
    )
    return found
