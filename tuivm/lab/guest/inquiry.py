"""Ask a SCSI disk for its serial number, by the SG_IO ioctl."""

from __future__ import annotations

import ctypes
import fcntl
import os

SG_IO = 0x2285
_FROM_DEVICE = -3
_PAGE = 0x80
_LENGTH = 255


class _Header(ctypes.Structure):
    """struct sg_io_hdr of <scsi/sg.h>."""

    _fields_ = (
        ("interface_id", ctypes.c_int),
        ("dxfer_direction", ctypes.c_int),
        ("cmd_len", ctypes.c_ubyte),
        ("mx_sb_len", ctypes.c_ubyte),
        ("iovec_count", ctypes.c_ushort),
        ("dxfer_len", ctypes.c_uint),
        ("dxferp", ctypes.c_void_p),
        ("cmdp", ctypes.c_void_p),
        ("sbp", ctypes.c_void_p),
        ("timeout", ctypes.c_uint),
        ("flags", ctypes.c_uint),
        ("pack_id", ctypes.c_int),
        ("usr_ptr", ctypes.c_void_p),
        ("status", ctypes.c_ubyte),
        ("masked_status", ctypes.c_ubyte),
        ("msg_status", ctypes.c_ubyte),
        ("sb_len_wr", ctypes.c_ubyte),
        ("host_status", ctypes.c_ushort),
        ("driver_status", ctypes.c_ushort),
        ("resid", ctypes.c_int),
        ("duration", ctypes.c_uint),
        ("info", ctypes.c_uint),
    )


def unit_serial_number(node: str) -> bytes:
    """Page 0x80 of the vital product data as the disk gives it; b"" where it has none."""
    command = (ctypes.c_ubyte * 6)(0x12, 1, _PAGE, 0, _LENGTH, 0)
    page = ctypes.create_string_buffer(_LENGTH)
    sense = ctypes.create_string_buffer(32)
    header = _Header(
        interface_id=ord("S"),
        dxfer_direction=_FROM_DEVICE,
        cmd_len=ctypes.sizeof(command),
        mx_sb_len=ctypes.sizeof(sense),
        dxfer_len=_LENGTH,
        dxferp=ctypes.addressof(page),
        cmdp=ctypes.addressof(command),
        sbp=ctypes.addressof(sense),
        timeout=2000,
    )
    fd = os.open(node, os.O_RDONLY | os.O_NONBLOCK)
    try:
        fcntl.ioctl(fd, SG_IO, header)
    finally:
        os.close(fd)
    failed = header.status or header.host_status or header.driver_status
    return b"" if failed else page.raw
