"""A look inside a guest through its agent: can it run guests itself?

It only opens and reads files (guest-file-open, -read, -close): many agents refuse to run programs.
Commands, fields and errors are those of QEMU's qga/qapi-schema.json and qga/commands-posix.c.
What comes back is from inside the guest and is believed to be anything.
"""

from __future__ import annotations

import base64
import json
import logging
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager

import libvirt
import libvirt_qemu

from tuivm.hypervisor.agent import ANSWER_WITHIN
from tuivm.model.inside import Inside

_log = logging.getLogger(__name__)

_CPUINFO = "/proc/cpuinfo"
_KVM = "/dev/kvm"
_CHUNK = 8192
_MOST = 8 * _CHUNK
"""Bytes of /proc/cpuinfo; the first CPU takes about two thousand."""
_PATIENCE = 10.0
"""Seconds after which nothing more is asked: an agent that is slow each time is given up."""
_FEATURES = re.compile(rb"^(?:flags|features)[ \t]*:(.*)\n", re.MULTILINE)
"""x86 and s390; Arm has "Features", which do not tell of virtualization."""
_WANTED = ("vmx", "svm", "sie")
_NOT_OPENED = "failed to open file"
_LONGEST_WHY = 160


def look_inside(domain: libvirt.virDomain) -> Inside:
    """Raises libvirtError where the agent does not answer or refuses to open files, ValueError
    where its answers make no sense, TimeoutError where it is too slow.

    libvirt notes in the guest's log that commands were sent past it (custom-ga-command).
    """
    files = _Files(domain)
    try:
        flag = cpu_flag(files.read(_CPUINFO))
    except libvirt.libvirtError as error:
        if _NOT_OPENED not in str(error):
            raise
        flag = None
    try:
        with files.opened(_KVM):
            return Inside(flag, True)
    except libvirt.libvirtError as error:
        if _NOT_OPENED not in str(error):
            raise
        return Inside(flag, *kvm_from(str(error)))


def cpu_flag(cpuinfo: bytes) -> str | None:
    """See `Inside.flag`. Of the first CPU that is listed."""
    line = _FEATURES.search(cpuinfo)
    if line is None:
        return None
    words = line[1].decode("ascii", "replace").split()
    return next((flag for flag in _WANTED if flag in words), "")


def kvm_from(error: str) -> tuple[bool | None, str]:
    """(`Inside.kvm`, why) from the words with which the agent could not open /dev/kvm."""
    said = error.rpartition(": ")[2].strip()
    match said:
        case "No such file or directory":
            return False, ""
        case "No such device" | "No such device or address":
            return False, "its node is, but no KVM is behind it"
        case "Permission denied" | "Operation not permitted":
            return None, "it is there, but the agent may not open it"
    return None, said[:_LONGEST_WHY]


class _Files:
    """Files in the guest, opened to read."""

    def __init__(self, domain: libvirt.virDomain) -> None:
        self._domain = domain
        self._until = time.monotonic() + _PATIENCE

    @contextmanager
    def opened(self, path: str) -> Iterator[int]:
        """Yields the agent's number for it."""
        answer = self._ask("guest-file-open", path=path, mode="r")
        handle = answer if isinstance(answer, int) and not isinstance(answer, bool) else -1
        if handle < 0:
            raise ValueError("its answer to guest-file-open is no handle")
        try:
            yield handle
        finally:
            try:
                self._command("guest-file-close", {"handle": handle})
            except (libvirt.libvirtError, ValueError) as error:
                _log.info("the agent left %s open: %s", path, error)

    def read(self, path: str) -> bytes:
        """Its beginning, up to the line with the CPU's features."""
        found = b""
        with self.opened(path) as handle:
            while len(found) < _MOST and not _FEATURES.search(found):
                piece, last = self._piece(handle)
                found += piece
                if last or not piece:
                    break
        return found

    def _piece(self, handle: int) -> tuple[bytes, bool]:
        answer = self._ask("guest-file-read", handle=handle, count=_CHUNK)
        text = answer.get("buf-b64") if isinstance(answer, dict) else None
        if not isinstance(answer, dict) or not isinstance(text, str) or len(text) > 2 * _CHUNK:
            raise ValueError("its answer to guest-file-read is no piece of a file")
        return base64.b64decode(text, validate=True), answer.get("eof") is True

    def _ask(self, command: str, **arguments: object) -> object:
        if time.monotonic() > self._until:
            raise TimeoutError(f"its agent did not tell all within {_PATIENCE:.0f} s")
        return self._command(command, arguments)

    def _command(self, command: str, arguments: dict[str, object]) -> object:
        words = json.dumps({"execute": command, "arguments": arguments})
        answer = libvirt_qemu.qemuAgentCommand(self._domain, words, ANSWER_WITHIN, 0)
        try:
            returned = json.loads(answer)
        except RecursionError as error:
            raise ValueError(f"its answer to {command} cannot be read") from error
        return returned.get("return") if isinstance(returned, dict) else None
