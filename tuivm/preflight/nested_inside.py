"""Nested virtualization as seen from inside a running guest: who can be asked, what was told."""

from __future__ import annotations

from tuivm.model.guests import Guest, GuestState
from tuivm.model.inside import Inside
from tuivm.model.oses import GENERIC, OsInfo
from tuivm.preflight.nested import inside_check

_MODULES = {"vmx": "kvm_intel", "svm": "kvm_amd", "sie": "kvm"}
_WINDOWS = OsInfo(family="winnt")
ASKING = "nested: its agent is being asked whether the guest can run guests"


def why_not_asked(guest: Guest) -> str:
    """Why no agent can be asked whether the guest can run guests; "" where one can."""
    details = guest.details
    if details is None:
        return "its definition is not read yet"
    if not guest.state.active:
        return "it does not run"
    if _os(guest) is _WINDOWS:
        return "Windows has no file that tells its agent"
    if not details.agent_connected:
        what = "is not connected" if details.agent_channel else "has no channel"
        return f"there is no agent to ask (qemu-guest-agent {what})"
    if guest.state not in (GuestState.RUNNING, GuestState.BLOCKED):
        return f"it is {guest.state.value}, so its agent cannot answer"
    return ""


def unknown_words(guest: Guest, why: str) -> str:
    """With the line to run inside."""
    return f"nested: not known, as {why}. Inside the guest this tells: {inside_check(_os(guest))}"


def inside_words(guest: Guest, inside: Inside) -> str:
    """What an agent told, in a sentence or two."""
    if inside.problem is not None:
        return unknown_words(guest, inside.problem.reason or inside.problem.what)
    if inside.flag is None and inside.kvm is None:
        return unknown_words(guest, inside.why or "its agent could not tell")
    if inside.flag is None:
        flag = "what its CPU has is not told"
    else:
        flag = f"{inside.flag} is seen" if inside.flag else "neither vmx, svm nor sie is seen"
    why = f": {inside.why}" if inside.why else ""
    match inside.kvm:
        case True:
            kvm = "/dev/kvm is there"
        case False:
            kvm = f"/dev/kvm is not there{why}"
        case None:
            kvm = f"whether /dev/kvm works is not known{why}"
    text = f"nested: inside the guest {flag} and {kvm} (asked of its agent)"
    if inside.kvm is False and inside.flag:
        text += f"; there, modprobe {_MODULES[inside.flag]} may bring it"
    return text


def _os(guest: Guest) -> OsInfo:
    """Only as far as the line to run depends on it. The agent's id of Windows is mswindows."""
    os_id = guest.details.stack.os_id if guest.details else ""
    told = guest.agent_os.startswith("mswindows") or "//microsoft.com/" in os_id
    return _WINDOWS if told else GENERIC
