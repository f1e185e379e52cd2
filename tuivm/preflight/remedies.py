"""What libvirt, QEMU and ssh say when something fails, and what a person does about it.

The words are those of libvirt 7 to 11 (its own messages, as `virsh` prints them), of QEMU and of
OpenSSH, all in English: a daemon that speaks another language is not recognised, and its own words
then stand alone.
"""

from __future__ import annotations

import re
import shlex

from tuivm.model.units import visible
from tuivm.model.uris import is_local, parse_uri, uses_ssh
from tuivm.preflight.remedy_rules import CONNECTION_RULES
from tuivm.preflight.remedy_rules_devices import DEVICE_RULES
from tuivm.preflight.remedy_rules_guest import GUEST_RULES

_RULES = DEVICE_RULES + CONNECTION_RULES + GUEST_RULES
_MODULAR = re.compile(r"/(virt[a-z]+d)-(?:sock|admin)")


def explain(
    reason: str,
    *,
    uri: str = "",
    domain: str = "",
    code: int | None = None,
    systemd: bool | None = None,
) -> tuple[str, str]:
    """The likely cause of a failure and what to do, ("", "") when the words are not known.

    reason: what libvirt said, with ssh's words in it where it went through ssh. uri: of the
    connection, which decides whose daemon and which machine is meant. domain: the guest's name,
    for commands that name it. code: libvirt's error number, used where the words say nothing.
    systemd: how daemons are started on this machine; None when that is not known.
    """
    for rule in _RULES:
        match = rule.pattern.search(reason)
        if match is not None:
            found = {name: visible(value or "") for name, value in match.groupdict().items()}
            places = _places(reason, uri, domain, systemd)
            quoted = {name: shlex.quote(value) if value else "" for name, value in found.items()}
            return _fill(rule.cause, found | places), _fill(rule.remedy, quoted | places)
    return _BY_CODE.get(code or 0, ("", ""))


_BY_CODE = {
    3: ("the driver of this host cannot do that", "use a host whose driver can"),
    29: ("the connection is read-only", "connect without --readonly"),
    42: ("the guest is gone: undefined, or transient and off", "look at the list again"),
    45: ("the credentials were refused", "check user and password"),
    68: ("the daemon or the VMM did not answer in time", "see whether the host is overloaded"),
    84: ("the driver of this host cannot do that", "use a host whose driver can"),
    86: ("the agent in the guest does not answer", "in the guest: see qemu-guest-agent"),
    88: ("the daemon does not allow this", "use a user with the right to do it"),
}
"""By virErrorNumber: NO_SUPPORT, OPERATION_DENIED, NO_DOMAIN, AUTH_FAILED, OPERATION_TIMEOUT,
OPERATION_UNSUPPORTED, AGENT_UNRESPONSIVE, ACCESS_DENIED."""


def _places(reason: str, uri: str, domain: str, systemd: bool | None) -> dict[str, str]:
    parsed = parse_uri(uri)
    host = visible(parsed.host) if parsed and parsed.host else ""
    user = f"{visible(parsed.user)}@" if parsed and parsed.user else ""
    port = f"-p {visible(parsed.port)} " if parsed and parsed.port and uses_ssh(uri) else ""
    there = "" if is_local(uri) else f"on {host or 'the host'}: "
    session = parsed is not None and parsed.path == "/session"
    daemon = _MODULAR.search(reason)
    start = _start_command(daemon[1] if daemon else "", None if there else systemd)
    member = "USER" if there else "$USER"
    instead = "" if there else "; or use qemu:///session"
    return {
        "host": host or "the host",
        "login": f"{port}{user}{host or 'HOST'}",
        "domain": shlex.quote(visible(domain)) if domain else "GUEST",
        "start": there + ("libvirtd --daemon, as yourself" if session else start),
        "join": f"{there}sudo usermod -aG libvirt {member}, then log in anew{instead}",
    }


def _start_command(modular: str, systemd: bool | None) -> str:
    """modular: the daemon whose socket is meant where each driver has one of its own."""
    with_systemd = f"sudo systemctl start {f'{modular}.socket' if modular else 'libvirtd'}"
    without = f"sudo sh -c 'virtlogd -d; {modular or 'libvirtd'} -d'"
    if systemd is None:
        return f"{with_systemd}; where there is no systemd: {without}"
    return with_systemd if systemd else without


def _fill(text: str, places: dict[str, str]) -> str:
    return re.sub(r"\{(\w+)\}", lambda match: places.get(match[1], ""), text)
