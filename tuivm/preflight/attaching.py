"""May these devices of the host's be given to this guest? One answer for the dialog that asks and
for the hypervisor that does it, which draws it anew just before."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple

from tuivm.domainxml.target import Target, read_target
from tuivm.model.findings import Finding, Severity
from tuivm.model.offers import HostDevice, HostOffer
from tuivm.model.requests import When
from tuivm.model.spec import Passed, Spec
from tuivm.preflight.asking import error, shown
from tuivm.preflight.passing import find_devices, verdict

__all__ = ["Attachment", "Target", "accept_key", "check_attach", "read_target", "refusals"]


class Attachment(NamedTuple):
    """devices: those that were found, in the order asked for. findings: each about one device has
    its address as its field; about all, "". overrides: addresses that a person may type, so that
    the errors with that field no longer stop."""

    devices: tuple[HostDevice, ...]
    findings: tuple[Finding, ...]
    overrides: tuple[str, ...] = ()


def check_attach(
    devices: Sequence[Passed], offer: HostOffer, target: Target, when: When
) -> Attachment:
    """All that speaks against it, worst first, and what it costs."""
    found: list[HostDevice] = []
    findings = list(_moment(target, when))
    overrides = []
    spec = Spec(passed=tuple(devices))
    for passed in devices:
        matching = find_devices(passed, offer)
        if len(matching) != 1:
            findings.append(_not_one(passed, matching, offer))
            continue
        device = matching[0]
        if device in found:
            findings.append(
                error("pass-twice", device.address, f"{shown(device.address)} is named twice")
            )
            continue
        found.append(device)
        said = verdict(device, offer, spec)
        findings += [one._replace(field=device.address) for one in said.findings]
        if said.override:
            overrides.append(device.address)
    order = list(Severity)
    findings.sort(key=lambda one: order.index(one.severity))
    return Attachment(tuple(found), tuple(findings), tuple(overrides))


def accept_key(finding: Finding) -> str:
    """What `accepted` of a request holds for a warning that a person has seen: when it says
    something else the next time, it is another one."""
    return " ".join(part for part in (finding.id, finding.field, finding.what) if part)


def refusals(
    attachment: Attachment, accepted: Collection[str], overridden: Collection[str]
) -> tuple[Finding, ...]:
    """What still stops: each error that was not overridden, each warning that was not accepted.

    accepted: keys by `accept_key`. overridden: addresses that were typed."""
    typed = {address for address in attachment.overrides if address in overridden}
    return tuple(
        finding
        for finding in attachment.findings
        if (finding.severity is Severity.ERROR and finding.field not in typed)
        or (finding.severity is Severity.WARNING and accept_key(finding) not in accepted)
    )


def _moment(target: Target, when: When) -> Iterator[Finding]:
    if when is When.NOW and not target.running:
        yield error(
            "attach-off",
            "",
            f"{shown(target.name)} is not running",
            "there is no running guest to change",
            "at the next boot",
        )
    if when is not When.NOW and not target.persistent:
        yield error(
            "attach-transient",
            "",
            f"{shown(target.name)} has no definition",
            "a transient guest is gone when it stops",
            "now alone",
        )


def _not_one(passed: Passed, matching: Sequence[HostDevice], offer: HostOffer) -> Finding:
    if matching:
        ports = ", ".join(device.address for device in matching)
        return error(
            "usb-alike",
            "",
            f"{len(matching)} devices are {shown(passed.device)}",
            f"libvirt refuses to choose; they are at the ports {shown(ports)}",
            "name the one that is meant by its port",
        )
    return error(
        "pass-gone",
        "",
        f"{shown(offer.host)} has no device {shown(passed.device)}",
        "it was unplugged, or a VF or mediated device is gone",
        "look at the host's devices",
    )
