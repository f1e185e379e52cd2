"""Things that a BIOS boots in a second: each writes a text on the first serial port, and halts."""

from __future__ import annotations

import io
import subprocess
from pathlib import Path

import pycdlib

SECTOR = 512


def boot_code(text: str) -> bytes:
    """Real-mode code of a PC, wherever it is loaded: a boot sector, or a file from the network."""
    head = bytes.fromhex("fa fc 0e 1f e8 00 00 5e")  # cli; cld; ds = cs; si = address of this pop
    load, jump_if_end = b"\xac\x84\xc0\x74", b"\x88\xc4\xba\xfd\x03\xec\xa8\x20\x74\xfb"
    write = b"\x88\xe0\xba\xf8\x03\xee\xeb"
    halt = bytes.fromhex("f4 eb fd")
    # lodsb until 0; wait until the port (0x3fd) takes a byte; write it (0x3f8); again.
    body = load + bytes([len(jump_if_end) + len(write) + 1]) + jump_if_end + write
    body += bytes([256 - len(body) - 1])
    to_text = 1 + 3 + len(body) + len(halt)
    code = head + b"\x83\xc6" + bytes([to_text]) + body + halt + text.encode() + b"\0"
    assert len(code) <= SECTOR - 2, "the text is too long for a boot sector"
    return code


def boot_sector(text: str) -> bytes:
    return boot_code(text).ljust(SECTOR - 2, b"\0") + b"\x55\xaa"


def cd_reader() -> bytes:
    """A boot sector that writes all of the first CD-ROM on the serial port, from its sector 16 on:
    volume descriptors, directories and files."""
    address_packet = bytes.fromhex("10 00 01 00 00 80 00 00") + (16).to_bytes(8, "little")
    code = bytearray()
    code += bytes.fromhex("31c0 8ed8 8ec0 8ed0 bc007c fc")  # segments 0, stack below the code
    again = len(code)
    packet_at = len(code) + 1
    code += b"\xbe\0\0" + bytes.fromhex("b442 b2e0 cd13")  # si = packet; read from drive 0xe0
    leave_at = len(code) + 1
    code += b"\x72\0"  # carry: there is no more
    code += bytes.fromhex("be0080 b90008")  # si = 0x8000, cx = 2048
    each = len(code)
    code += bytes.fromhex("ac 88c4 bafd03 ec a820 74fb 88e0 baf803 ee")  # as in boot_code
    code += b"\xe2" + bytes([(each - len(code) - 2) % 256])  # loop
    block_at = len(code) + 2
    code += b"\xff\x06\0\0" + b"\xeb" + bytes([(again - len(code) - 6) % 256])  # next sector
    code[leave_at] = len(code) - leave_at - 1
    code += bytes.fromhex("f4 ebfd")
    packet = 0x7C00 + len(code)
    code[packet_at : packet_at + 2] = packet.to_bytes(2, "little")
    code[block_at : block_at + 2] = (packet + 8).to_bytes(2, "little")
    return bytes(code + address_packet).ljust(SECTOR - 2, b"\0") + b"\x55\xaa"


def bootable_iso(path: Path, text: str) -> Path:
    """An El Torito image without emulation."""
    code = boot_sector(text).ljust(2048, b"\0")
    image = pycdlib.PyCdlib()
    image.new(vol_ident="TUIVMTEST")
    image.add_fp(io.BytesIO(code), len(code), "/BOOT.;1")
    image.add_eltorito("/BOOT.;1", bootcatfile="/BOOT.CAT;1", boot_load_size=4)
    image.write(str(path))
    image.close()
    return path


def raw_disk(path: Path, text: str, mib: int = 1, *, sector: bytes = b"") -> Path:
    """Sparse, but for its first sector, which writes the text unless another one is given."""
    with path.open("wb") as file:
        file.write(sector or boot_sector(text))
        file.truncate(mib << 20)
    return path


def qcow2_disk(path: Path, text: str, mib: int = 1) -> Path:
    raw = raw_disk(path.with_suffix(".raw"), text, mib)
    command = ["qemu-img", "convert", "-q", "-f", "raw", "-O", "qcow2", str(raw), str(path)]
    subprocess.run(command, check=True)
    raw.unlink()
    return path
