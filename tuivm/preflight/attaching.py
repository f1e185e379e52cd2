"""May these devices of the host's be given to this guest? One answer for the dialog that asks and
for the hypervisor that does it, which draws it anew just before."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple

from tuivm.domainxml.nodedevs import Named
from tuivm.domainxml.target import Target, read_target
from tuivm.model.findings import Finding, Severity
from tuivm.model.offers import HostDevice, HostOffer
from tuivm.model.requests import When
from tuivm.model.spec import Passed
from tuivm.preflight.asking import error, shown, worst_first
from tuivm.preflight.attaching_guest import FOR_ANY, guest_findings
from tuivm.preflight.groups import Surroundings
from tuivm.preflight.passing import find_devices, judge, named_so

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
    named = {passed: find_devices(passed, offer) for passed in dict.fromkeys(devices)}
    findings = list(_moment(target, when))
    found: dict[HostDevice, Passed] = {}
    for passed, matching in named.items():
        if len(matching) != 1:
            findings.append(_not_one(passed, matching, offer))
        elif found.setdefault(matching[0], passed) != passed:
            address = shown(matching[0].address)
            findings.append(error("pass-twice", "", f"{address} is named twice", "", "once"))
    around = Surroundings(offer.devices)
    stays = _stays(target, when)
    held = {
        (one.kind, one.address)
        for one in offer.devices
        if all(any(named.means(one) for named in moment) for moment in stays)
    }
    overrides = []
    for device, passed in found.items():
        said = judge(device, offer, around, asked=found, guest=target.name, held=held)
        about = [one for one in said.findings if one.id not in FOR_ANY]
        about += named_so(passed, device, offer)
        findings += [one._replace(field=device.address) for one in about]
        findings += _has(device, target, when)
        if said.override:
            overrides.append(device.address)
    findings += guest_findings(tuple(found), offer, target, when)
    return Attachment(tuple(found), worst_first(findings), tuple(overrides))


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


def _stays(target: Target, when: When) -> list[tuple[Named, ...]]:
    """What the guest has of the host, at each moment from which it is to have more."""
    if not target.running or when is When.NOW:
        return [target.named]
    return [target.defined] if when is When.NEXT_BOOT else [target.named, target.defined]


def _has(device: HostDevice, target: Target, when: When) -> Iterator[Finding]:
    now = target.running and when is not When.NEXT_BOOT
    later = when is not When.NOW
    if (now or not target.running) and any(one.means(device) for one in target.named):
        has = "has it now" if target.running else "has it already"
    elif later and any(one.means(device) for one in target.defined):
        has = "has it in its definition"
    else:
        return
    # No error of the device's own: nobody may type past it.
    name = shown(device.address)
    yield error("attach-has", "", f"{name}: {shown(target.name)} {has}", "", "leave it out")


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
