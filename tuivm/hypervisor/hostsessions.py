"""Which network interfaces of this machine people's SSH sessions come through."""

from __future__ import annotations

import ipaddress
import struct
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from tuivm.hypervisor import machine

Addresses = Callable[[], Mapping[str, Iterable[str]]]
"""Of each network interface of this machine."""

_SSH = 22
_ESTABLISHED = "01"
"""Of include/net/tcp_states.h."""


def sessions(
    environ: Mapping[str, str], addresses: Addresses | None = None, root: Path = machine.ROOT
) -> dict[str, str]:
    """Interfaces, each with what comes through it, in words.

    By the environment where sshd's words for it are there. sudo, a terminal multiplexer and a
    service take them away, so that any connection to the port counts.
    """
    found: dict[str, str] = {}
    # Client's address and port, server's address and port.
    words = environ.get("SSH_CONNECTION", "").split()
    mine = words[2].partition("%")[0] if len(words) == 4 else ""
    ports = {_SSH, int(words[3])} if mine and words[3].isdigit() else {_SSH}
    served = dict.fromkeys(_served(ports, root))
    if not mine and not served:
        return found
    for interface, own in (addresses or _addresses)().items():
        here = {one.partition("%")[0] for one in own}
        if mine in here:
            found[interface] = "your SSH session comes through it"
        elif not here.isdisjoint(served):
            found[interface] = "an SSH session comes through it"
    return found


def _served(ports: set[int], root: Path) -> Iterator[str]:
    """Local addresses of connections to these ports, by proc_net_tcp of the kernel's documents."""
    for name in ("tcp", "tcp6"):
        for line in (machine.text(root / "proc/net" / name) or "").splitlines()[1:]:
            words = line.split()
            if len(words) > 3 and words[3] == _ESTABLISHED:
                address, _, port = words[1].partition(":")
                if _hex(port) in ports and (shown := _address(address)):
                    yield shown


def _address(digits: str) -> str:
    """Words of 32 bits, each in the machine's own order of bytes."""
    try:
        raw = bytes.fromhex(digits)
    except ValueError:
        return ""
    if len(raw) not in (4, 16):
        return ""
    many = len(raw) // 4
    address = ipaddress.ip_address(struct.pack(f">{many}I", *struct.unpack(f"={many}I", raw)))
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        return str(address.ipv4_mapped)
    return str(address)


def _hex(word: str) -> int:
    try:
        return int(word, 16)
    except ValueError:
        return -1


def _addresses() -> Mapping[str, Iterable[str]]:
    import psutil  # noqa: PLC0415 - only where there is an SSH session

    return {name: [one.address for one in found] for name, found in psutil.net_if_addrs().items()}
