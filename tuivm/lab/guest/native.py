"""System calls that Python has no name for."""

from __future__ import annotations

import ctypes
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

NUMBERS = {
    "x86_64": {"io_setup": 206, "io_destroy": 207, "io_getevents": 208, "io_submit": 209},
    "aarch64": {"io_setup": 0, "io_destroy": 1, "io_submit": 2, "io_getevents": 4},
}
"""From asm/unistd_64.h of x86 and from asm-generic/unistd.h; the libc has no functions for them."""

_POWER_OFF = 0x4321FEDC

_libc = ctypes.CDLL(None, use_errno=True)

receive_messages: Callable[[int, int, int, int, None], int] = _libc.recvmmsg
"""recvmmsg(2): file, address of the messages, how many, flags, no timeout. -1 where it fails."""
_libc.recvmmsg.argtypes = (
    ctypes.c_int,
    ctypes.c_void_p,
    ctypes.c_uint,
    ctypes.c_int,
    ctypes.c_void_p,
)
send_messages: Callable[[int, int, int, int], int] = _libc.sendmmsg
"""sendmmsg(2): file, address of the messages, how many, flags. -1 where it fails."""
_libc.sendmmsg.argtypes = (ctypes.c_int, ctypes.c_void_p, ctypes.c_uint, ctypes.c_int)


def system_call(arguments: int) -> Callable[..., int]:
    """The C library's syscall(2) for a number and that many arguments, each an int. Gives -1 where
    it fails; `last_error` then says why."""
    function = _libc["syscall"]
    function.argtypes = (ctypes.c_long,) * (arguments + 1)
    function.restype = ctypes.c_long
    return function


def last_error() -> OSError:
    number = ctypes.get_errno()
    return OSError(number, os.strerror(number))


def address(buffer: object) -> int:
    """Where a writable buffer lies; stays true for as long as it lives."""
    return ctypes.addressof(ctypes.c_char.from_buffer(buffer))  # type: ignore[arg-type]


def power_off() -> None:
    """Only the superuser may; raises OSError."""
    if _libc.reboot(ctypes.c_int(_POWER_OFF)):
        raise last_error()
