"""Commands that a person runs on a host's own shell, for what libvirt cannot do.

They are shown, never run: words from outside are quoted as a shell wants them.
"""

from __future__ import annotations

import re
import shlex
from urllib.parse import unquote

from tuivm.model.uris import Uri, is_local, parse_uri


def on_shell_of(uri: str, command: str) -> str:
    """The command, behind the `ssh` that leads to the URI's host where that is another machine, or
    behind words that say where, for a way there that is not known."""
    parts = parse_uri(uri)
    if parts is None or is_local(uri):
        return command
    if not parts.host:
        return f"on the host: {command}"
    return f"{_ssh(parts)} {shlex.quote(command)}"


def functions_command(uri: str, address: str, functions: int, current: int | None) -> str:
    """What sets the number of VFs of a PF. current: those that it has now, None for not known: the
    kernel wants 0 between two other numbers."""
    path = shlex.quote(f"/sys/bus/pci/devices/{address}/sriov_numvfs")
    parts = parse_uri(uri)
    # Whom the connection logs in as on another machine; on this one it is not known.
    as_root = parts is not None and not is_local(uri) and parts.user == "root"
    write = f"tee {path}" if as_root else f"sudo tee {path}"
    numbers = [functions] if current == 0 or functions == 0 else [0, functions]
    return on_shell_of(uri, " && ".join(f"echo {number} | {write}" for number in numbers))


def _ssh(parts: Uri) -> str:
    """As libvirt calls it: port, key and program of its URI."""
    given = dict(part.partition("=")[::2] for part in re.split("[&;]", parts.query) if part)
    through_ssh = parts.transport == "ssh"
    words = [unquote(given.get("command", "")) if through_ssh else ""]
    words[0] = words[0] or "ssh"
    if through_ssh or parts.transport in ("libssh", "libssh2"):
        # Of the other transports, port and key are not those of a login.
        if parts.port:
            words += ["-p", parts.port]
        if key := unquote(given.get("keyfile", "")):
            words += ["-i", key]
    words.append(f"{unquote(parts.user)}@{parts.host}" if parts.user else parts.host)
    return shlex.join(words)
