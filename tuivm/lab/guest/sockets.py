"""Raw Ethernet frames between two NICs of the guest, and nothing else on them."""

from __future__ import annotations

import ctypes
import fcntl
import os
import socket
import struct
import time

from .devices import read_text
from .orders import OrderError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from .devices import Nic
    from .watch import Watch

ETHERTYPE = 0x88B5
"""IEEE Std 802, local experimental EtherType 1: no stack answers it."""
HEADER = 14
SHORTEST = 60
"""Bytes of an Ethernet frame without its FCS."""
LINK_DEADLINE = 10.0

_SIOCGIFFLAGS, _SIOCSIFFLAGS, _IFF_UP = 0x8913, 0x8914, 1
_SO_ATTACH_FILTER = 26


def bring_up(nics: Sequence[Nic], watch: Watch, root: str = "") -> None:
    """Up and with a carrier, without any address: the kernel itself sends nothing on them."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        for nic in nics:
            _disable_ipv6(nic.name, root)
            request = struct.pack("16sh14x", nic.name.encode(), 0)
            name, flags = struct.unpack("16sH14x", fcntl.ioctl(control, _SIOCGIFFLAGS, request))
            if not flags & _IFF_UP:
                fcntl.ioctl(control, _SIOCSIFFLAGS, struct.pack("16sH14x", name, flags | _IFF_UP))
    until = time.monotonic() + LINK_DEADLINE
    for nic in nics:
        while read_text(f"{root}/sys/class/net/{nic.name}/carrier") != "1":
            if time.monotonic() > until:
                raise OrderError(f"{nic.name} ({nic.mac}) has no carrier")
            watch.wait(0.05)


def _disable_ipv6(name: str, root: str) -> None:
    path = f"{root}/proc/sys/net/ipv6/conf/{name}/disable_ipv6"
    if os.path.exists(path):
        with open(path, "w") as file:
            file.write("1")


def frame(source: str, target: str, size: int, mark: int) -> bytearray:
    """mark: a number of 32 bits by which a socket knows the frames of its own order."""
    head = _octets(target) + _octets(source) + struct.pack("!HI", ETHERTYPE, mark)
    return bytearray(head.ljust(size, b"\xa5"))


def opened(nic: Nic, mark: int | None) -> socket.socket:
    """A socket on this NIC that gets the frames with this mark; none at all for None."""
    protocol = 0 if mark is None else ETHERTYPE
    line = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    try:
        if mark is not None:
            _only(line, mark)
        line.bind((nic.name, protocol))
    except OSError:
        line.close()
        raise
    return line


def _only(line: socket.socket, mark: int) -> None:
    """A classic BPF program: the word after the Ethernet header must be the mark."""
    program = struct.pack(
        "HBBIHBBIHBBIHBBI",
        *(0x20, 0, 0, HEADER),  # load the word at 14
        *(0x15, 0, 1, mark),  # equal: go on, else skip one
        *(0x06, 0, 0, 0xFFFF),  # take all of it
        *(0x06, 0, 0, 0),  # take nothing
    )
    memory = ctypes.create_string_buffer(program, len(program))
    line.setsockopt(
        socket.SOL_SOCKET, _SO_ATTACH_FILTER, struct.pack("HxxxxxxQ", 4, ctypes.addressof(memory))
    )


def _octets(mac: str) -> bytes:
    try:
        octets = bytes.fromhex(mac.replace(":", ""))
    except ValueError:
        octets = b""
    if len(octets) != 6:
        raise OrderError(f"{mac} is no MAC address")
    return octets
