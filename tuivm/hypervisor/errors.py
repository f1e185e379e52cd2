"""From libvirt's errors to problems that a person can act on."""

from __future__ import annotations

from pathlib import Path

import libvirt

from tuivm.model.hosts import Problem
from tuivm.model.uris import is_local

UNSUPPORTED = frozenset(
    {
        libvirt.VIR_ERR_NO_SUPPORT,
        libvirt.VIR_ERR_OPERATION_UNSUPPORTED,
        libvirt.VIR_ERR_CONFIG_UNSUPPORTED,
        libvirt.VIR_ERR_ARGUMENT_UNSUPPORTED,
    }
)
"""A driver, or a daemon older than this library, that cannot do what was asked."""

_REFUSED = frozenset(
    {
        libvirt.VIR_ERR_ACCESS_DENIED,
        libvirt.VIR_ERR_AUTH_CANCELLED,
        libvirt.VIR_ERR_AUTH_FAILED,
        libvirt.VIR_ERR_AUTH_UNAVAILABLE,
        libvirt.VIR_ERR_CONFIG_UNSUPPORTED,
        libvirt.VIR_ERR_INVALID_ARG,
        libvirt.VIR_ERR_NO_CONNECT,
        libvirt.VIR_ERR_NO_SUPPORT,
        libvirt.VIR_ERR_OPERATION_DENIED,
        libvirt.VIR_ERR_XML_ERROR,
    }
)
_REFUSALS = (
    "command not found",
    "host key verification failed",
    "no such file or directory",
    "not found",
    "permission denied",
)
"""Words of ssh and of the socket layer that no waiting will mend."""


def reason_of(error: libvirt.libvirtError) -> str:
    """libvirt's own words."""
    return error.get_error_message() or str(error)


def problem_of(what: str, reason: str, uri: str, code: int | None = None) -> Problem:
    """A problem with the likely cause and what to do, as far as they are known.

    code: libvirt's error number, for words that are not known.
    """
    # How daemons are started is known of this machine alone.
    systemd = Path("/run/systemd/system").is_dir() if is_local(uri) else None
    # Not before something fails: the rules take a while to compile.
    from tuivm.preflight.remedies import explain  # noqa: PLC0415

    cause, remedy = explain(reason, uri=uri, code=code, systemd=systemd)
    return Problem(what=what, reason=reason, cause=cause, remedy=remedy)


def problem_from(what: str, error: libvirt.libvirtError, uri: str) -> Problem:
    return problem_of(what, reason_of(error), uri, error.get_error_code())


def is_unsupported(error: libvirt.libvirtError) -> bool:
    return error.get_error_code() in UNSUPPORTED


def is_refusal(error: libvirt.libvirtError) -> bool:
    """A person has to mend something before a connection can come up."""
    if error.get_error_code() in _REFUSED:
        return True
    reason = reason_of(error).lower()
    return any(words in reason for words in _REFUSALS)
