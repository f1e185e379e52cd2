"""Things that a BIOS boots in a second: each writes a text on the first serial port, and halts."""

from __future__ import annotations

import subprocess
from pathlib import Path

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


def raw_disk(path: Path, text: str, mib: int = 1) -> Path:
    """Sparse, but for its first sector."""
    with path.open("wb") as file:
        file.write(boot_sector(text))
        file.truncate(mib << 20)
    return path


def qcow2_disk(path: Path, text: str, mib: int = 1) -> Path:
    raw = raw_disk(path.with_suffix(".raw"), text, mib)
    command = ["qemu-img", "convert", "-q", "-f", "raw", "-O", "qcow2", str(raw), str(path)]
    subprocess.run(command, check=True)
    raw.unlink()
    return path
