"""Connection URIs as virsh takes them, and libvirt.conf's defaults and aliases.

The form is driver[+transport]://[user@][host][:port]/[path][?name=value&…], see libvirt's
"Connection URIs" and "Remote support".
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import NamedTuple
from urllib.parse import quote

from tuivm.model.hosts import Problem
from tuivm.model.units import visible

_SSH = frozenset({"ssh", "libssh", "libssh2"})
_TRANSPORTS = frozenset({"tls", "unix", "ext", "tcp"}) | _SSH
_QEMU_PATHS = ("/system", "/session", "/embed")
_URI = re.compile(
    r"(?P<driver>[A-Za-z][A-Za-z0-9.-]*)(?:\+(?P<transport>[^:/]*))?://"
    r"(?:(?P<user>[^@/?#]*)@)?(?P<host>\[[^\]/?#]*\]|[^:/?#]*)(?::(?P<port>[^/?#]*))?"
    r"(?P<path>/[^?#]*)?(?:\?(?P<query>[^#]*))?(?:#.*)?"
)
EXAMPLE = "qemu:///system or qemu+ssh://USER@HOST/system"


class Uri(NamedTuple):
    """The parts of a URI; transport is "" where none is given, host has no brackets."""

    driver: str
    transport: str = ""
    user: str = ""
    host: str = ""
    port: str = ""
    path: str = ""
    query: str = ""


class LibvirtConf(NamedTuple):
    """What libvirt's client configuration says of connections. uri_default: "" for none."""

    uri_default: str = ""
    aliases: Mapping[str, str] = MappingProxyType({})


def parse_uri(text: str) -> Uri | None:
    """The parts, None when it has not the form of a URI at all."""
    match = _URI.fullmatch(text)
    if match is None:
        return None
    parts = {name: value or "" for name, value in match.groupdict().items()}
    parts["host"] = parts["host"].strip("[]")
    return Uri(**parts)


def check_uri(text: str) -> Problem | None:
    """Why libvirt would not even try to connect to this URI, None when it would.

    Whether the driver exists is for libvirt to say: it may know more than this program.
    """
    found = _fault(text)
    if found is None:
        return None
    reason, remedy = found
    return Problem(f"{visible(text) or 'an empty text'} is no usable URI", reason, remedy=remedy)


def _fault(text: str) -> tuple[str, str] | None:
    uri = parse_uri(text)
    if any(char.isspace() or not char.isprintable() for char in text):
        fault = ("it holds a blank or a control character", "write a blank in a path as %20")
    elif uri is None:
        fault = ("it does not include a driver name", f"write {EXAMPLE}")
    elif uri.transport not in _TRANSPORTS | {""} or (not uri.transport and "+" in text[:16]):
        fault = (
            f"libvirt has no transport {uri.transport!r}",
            "one of ssh, tls, tcp, unix, libssh, libssh2, ext, or none",
        )
    elif uri.port and not (uri.port.isascii() and uri.port.isdigit() and int(uri.port) < 65536):
        fault = (f"{uri.port!r} is not a port", "a number up to 65535, or no colon")
    elif uri.transport == "ext" and not _parameter(uri.query, "command"):
        fault = ("transport ext needs a command", "add ?command=/path/to/program")
    elif uri.driver == "qemu" and uri.path not in _QEMU_PATHS:
        fault = _qemu_path_fault(uri)
    else:
        return None
    return fault


def _qemu_path_fault(uri: Uri) -> tuple[str, str]:
    transport = f"+{uri.transport}" if uri.transport else ""
    if not uri.path and f"/{uri.host}" in _QEMU_PATHS:
        return (
            f"{uri.host!r} stands where the host belongs",
            f"three slashes for this machine: qemu{transport}:///{uri.host}",
        )
    return (
        f"the QEMU driver has no path {uri.path!r}",
        "end it with /system (guests of the machine) or /session (your own)",
    )


def uses_ssh(text: str) -> bool:
    """It goes through ssh, libssh or libssh2."""
    uri = parse_uri(text)
    return uri is not None and uri.transport in _SSH


def is_local(text: str) -> bool:
    """The daemon is reached over a socket of this machine. "" is what libvirt picks: local."""
    if not text:
        return True
    uri = parse_uri(text)
    return uri is not None and not uri.host and uri.transport in ("", "unix")


def short_name(text: str) -> str:
    """A name for the host: "local", "session", the host's name for a remote one.

    Not unique: two URIs of one host may get the same one.
    """
    uri = parse_uri(text)
    if not text:
        return "local"
    if uri is None:
        return text
    leaf = uri.path.rpartition("/")[2]
    if uri.host or uri.transport not in ("", "unix"):
        host = uri.host or "localhost"
        return f"{host}-session" if uri.path == "/session" else host
    if uri.driver == "qemu":
        return "local" if leaf == "system" else leaf or "qemu"
    if uri.driver == "test" and leaf not in ("", "default"):
        return leaf.removesuffix(".xml") or "test"
    return uri.driver


def with_batch_mode(text: str) -> str:
    """The same URI with `no_tty=1` where it goes through ssh, whatever it said before: ssh then
    fails with a reason instead of asking on the terminal. Everything else stays as written."""
    return _with_parameter(text, "no_tty", "1") if uses_ssh(text) else text


def with_ssh_command(text: str, command: str) -> str:
    """The same URI with the path of a program that libvirt starts in place of ssh.

    Only for transport ssh (libssh and libssh2 start none), and not where the URI names a program
    of its own. The parameter `command` is as old as the transport.
    """
    uri = parse_uri(text)
    if uri is None or uri.transport != "ssh" or _parameter(uri.query, "command"):
        return text
    return _with_parameter(text, "command", quote(os.fsencode(command)))


def _with_parameter(text: str, name: str, value: str) -> str:
    body, hash_sign, fragment = text.partition("#")
    address, _, query = body.partition("?")
    kept = [part for part in re.split("[&;]", query) if part and _name(part) != name]
    return f"{address}?{'&'.join([*kept, f'{name}={value}'])}{hash_sign}{fragment}"


def resolve_alias(text: str, aliases: Mapping[str, str]) -> str:
    """The URI that a name in libvirt.conf's `uri_aliases` stands for, else the text itself."""
    return aliases.get(text, text)


def _name(part: str) -> str:
    """Of a parameter; libvirt does not tell capitals."""
    return part.partition("=")[0].lower()


def _parameter(query: str, name: str) -> str:
    for part in re.split("[&;]", query):
        if _name(part) == name:
            return part.partition("=")[2]
    return ""


_TOKEN = re.compile(
    r"""\#[^\n]*|(?P<string>\"{3}.*?\"{3}|"[^"\n]*"|'[^'\n]*')|(?P<word>[A-Za-z_]\w*)"""
    r"""|(?P<sign>[=\[\],])|(?P<other>[^\s])""",
    re.DOTALL,
)
_ALIAS = re.compile(r"([\w-]+)=(.+)", re.ASCII)


def parse_libvirt_conf(text: str) -> LibvirtConf:
    """`uri_default` and `uri_aliases` of a libvirt.conf; what is malformed is left out."""
    settings = dict(_settings(text))
    default = settings.get("uri_default", [])
    aliases = (_ALIAS.fullmatch(entry.strip()) for entry in settings.get("uri_aliases", []))
    return LibvirtConf(
        uri_default=default[0] if default else "",
        aliases={match[1]: match[2] for match in aliases if match},
    )


def _settings(text: str) -> Iterator[tuple[str, list[str]]]:
    """Each `name = "text"` or `name = [ "text", … ]` with its texts."""
    name, values = "", list[str]()
    for match in _TOKEN.finditer(text):
        if match["word"]:
            if name and values:
                yield name, values
            name, values = match["word"], []
        elif match["string"] and name:
            quotes = 3 if match["string"].startswith('"""') else 1
            values.append(match["string"][quotes:-quotes])
    if name and values:
        yield name, values
