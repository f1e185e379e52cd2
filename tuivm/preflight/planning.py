"""The plan of a creation: where each file goes, in which order, and both definitions."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import uuid4

from tuivm.domainxml.build import build
from tuivm.model.creation import CreationPlan, PoolOrder, VolumeOrder
from tuivm.model.findings import Finding, Severity
from tuivm.model.offers import DomainCaps, HostOffer
from tuivm.model.oses import GENERIC, OsInfo
from tuivm.model.spec import FileRef, SourceKind, Spec
from tuivm.model.units import visible
from tuivm.model.virtinstall import command
from tuivm.preflight.asking import worst_first
from tuivm.preflight.copying import plan_copy
from tuivm.preflight.creating import check
from tuivm.preflight.creating_passed import check_target
from tuivm.preflight.default_disks import DEFAULT_POOL, find_pool
from tuivm.preflight.defaults import complete
from tuivm.preflight.images import NO_FILES, FileFacts
from tuivm.preflight.layout import Layout, TreeFiles

__all__ = ["NO_FILES", "FileFacts", "TreeFiles", "plan"]


def plan(
    spec: Spec,
    offer: HostOffer,
    caps: DomainCaps,
    os: OsInfo = GENERIC,
    *,
    source_xml: str = "",
    files: Mapping[FileRef, FileFacts] = NO_FILES,
    tree: TreeFiles | None = None,
) -> CreationPlan:
    """All that creating this guest does, with the preflight's findings; never raises for a spec.

    source_xml: the definition of the guest that is copied. files: of `images.wanted`'s. tree: what
    was found at the source's URL. A spec without a UUID gets a random one, so that both variants
    are the same guest: give it one to have the same plan again.
    """
    spec = complete(spec, offer, caps, os)
    spec = spec._replace(uuid=spec.uuid or str(uuid4()))
    if spec.source.kind is SourceKind.COPY:
        copy = plan_copy(spec, offer, source_xml)
        made = CreationPlan(spec, os, copy.volumes, copy.xml)
        found = worst_first((*copy.findings, *check(made, offer, caps)))
        return made._replace(findings=found, command=command(made, offer))
    if tree is not None and tree.cmdline not in spec.source.cmdline:
        cmdline = f"{tree.cmdline} {spec.source.cmdline}".strip()
        spec = spec._replace(source=spec.source._replace(cmdline=cmdline))
    layout = Layout(spec, offer, files)
    layout.lay_out(caps, os, tree)
    made = CreationPlan(
        spec,
        os,
        volumes=tuple(layout.orders),
        temporary=tuple(layout.temporary),
        pools=_pools(layout.orders, offer),
    )
    findings = check(made, offer, caps, files)
    try:
        xml = _definition(layout, caps, os, first=False)
        first_xml = _definition(layout, caps, os, first=True)
    except ValueError as error:
        stopped = any(found.severity is Severity.ERROR for found in findings)
        more = () if stopped else (_not_built(error),)
        return made._replace(findings=worst_first((*findings, *more)))
    first_xml = "" if first_xml == xml else first_xml
    made = made._replace(xml=xml, first_xml=first_xml)
    made = made._replace(findings=worst_first((*findings, *check_target(made, offer))))
    return made._replace(command=command(made, offer))


def _definition(layout: Layout, caps: DomainCaps, os: OsInfo, *, first: bool) -> str:
    return build(
        layout.spec,
        layout.offer,
        caps,
        os,
        layout.disks,
        layout.kernel,
        layout.initrd,
        first=first,
    )


def _pools(orders: list[VolumeOrder], offer: HostOffer) -> tuple[PoolOrder, ...]:
    """libvirt's default pool, where something goes there and the host has none of that name."""
    wanted = any(order.placed.pool == DEFAULT_POOL for order in orders)
    if not wanted or not offer.images_path or find_pool(offer, DEFAULT_POOL) is not None:
        return ()
    return (PoolOrder(DEFAULT_POOL, offer.images_path),)


def _not_built(error: ValueError) -> Finding:
    return Finding(
        "not-sayable",
        Severity.ERROR,
        f"no definition can be made of this: {visible(str(error))}",
        "what libvirt would be told is made from what was filled in",
        "change what it names",
    )
