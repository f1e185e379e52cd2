"""The JSON document of `tuivm devices`: docs/json.md describes it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tuivm.headless.documents import SCHEMA, Document, problem
from tuivm.model.createports import Offered
from tuivm.model.findings import Finding
from tuivm.model.hosts import HostSpec
from tuivm.model.offers import HostDevice, HostOffer, IommuFacts, MdevType, PciLink
from tuivm.preflight.passing import Verdict


def devices_document(
    found: Sequence[tuple[HostSpec, Offered]],
    judged: Sequence[tuple[HostSpec, HostDevice, Verdict]],
    advice: Mapping[str, Sequence[Finding]],
) -> Document:
    """judged: the devices, as they are to be listed. advice: by a host's name, on its IOMMU."""
    return {
        "schema": SCHEMA,
        "hosts": [
            _host(spec, offered.offer, advice.get(spec.name, ()))
            for spec, offered in found
            if offered.offer is not None
        ],
        "devices": [_device(spec, device, verdict) for spec, device, verdict in judged],
        "unreachable": [
            {"host": spec.name, "uri": spec.uri, "problem": problem(offered.problem)}
            for spec, offered in found
            if offered.problem is not None
        ],
    }


def _host(spec: HostSpec, offer: HostOffer, advice: Sequence[Finding]) -> Document:
    return {
        "host": spec.name,
        "uri": offer.uri or spec.uri,
        "local": offer.local,
        "iommu": _iommu(offer.iommu, advice),
        "remarks": list(offer.remarks),
    }


def _iommu(facts: IommuFacts, advice: Sequence[Finding]) -> Document:
    return {
        "state": facts.state.value,
        "groups": facts.groups,
        "vendor": facts.vendor or None,
        "options": list(facts.options),
        "findings": [_finding(one) for one in advice],
    }


def _device(spec: HostSpec, one: HostDevice, verdict: Verdict) -> Document:
    return {
        "host": spec.name,
        "kind": one.kind,
        "address": one.address,
        "name": name(one) or None,
        "vendor": one.vendor or None,
        "product": one.product or None,
        "ids": one.ids or None,
        "class": one.class_ or None,
        "driver": one.driver or None,
        "iommu_group": one.iommu_group,
        "group_members": list(one.group_members),
        "numa_node": one.numa_node,
        "link": _link(one.link),
        "resets": None if one.resets is None else list(one.resets),
        "physical_function": one.physical_function or None,
        "virtual_functions": list(one.virtual_functions),
        "virtual_functions_max": one.max_functions,
        "interfaces": list(one.interfaces),
        "blocks": list(one.blocks),
        "mdev_types": [_mdev_type(kind) for kind in one.mdev_types],
        "speed": one.speed,
        "serial": one.serial or None,
        "mac": one.mac or None,
        "active": one.active,
        "defined": one.defined,
        "autostart": one.autostart,
        "parent": one.parent or None,
        "nodedev": one.nodedev,
        "used_by": list(one.used_by),
        "would_lose": list(one.critical),
        "unknown": list(one.unknown),
        "verdict": verdict.kind.value,
        "verdict_words": verdict.words,
        "override": verdict.override,
        "findings": [_finding(finding) for finding in verdict.findings],
    }


def name(one: HostDevice) -> str:
    """Vendor and product, as far as they are known."""
    return " ".join(filter(None, (one.vendor, one.product)))


def _link(link: PciLink | None) -> Document | None:
    return None if link is None else dict(link._asdict())


def _mdev_type(one: MdevType) -> Document:
    return {
        "id": one.id,
        "name": one.name or None,
        "api": one.api or None,
        "available": one.available,
    }


def _finding(one: Finding) -> Document:
    return {
        "id": one.id,
        "severity": one.severity.value,
        "what": one.what,
        "why": one.why or None,
        "remedy": one.remedy or None,
        "field": one.field or None,
    }
