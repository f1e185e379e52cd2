"""Made-up files for the tests of the appliance's parts: ELF files, kernels, modules, programs."""

from __future__ import annotations

import lzma
import struct
from collections.abc import Iterable, Sequence
from pathlib import Path

INTERPRETER, NOTE = 3, 4


def elf(*segments: tuple[int, bytes], more: bytes = b"") -> bytes:
    """An ELF file for x86-64 with these program headers (type, content)."""
    table = 64
    at = table + 56 * len(segments)
    headers, contents = b"", b""
    for kind, data in segments:
        place = at + len(contents)
        headers += struct.pack("<IIQQQQQQ", kind, 4, place, 0, 0, len(data), len(data), 4)
        contents += data
    ident = b"\x7fELF\x02\x01\x01" + bytes(9)
    head = struct.pack("<HHIQQQIHHHHHH", 2, 62, 1, 0, table, 0, 0, 64, 56, len(segments), 0, 0, 0)
    return ident + head + headers + contents + more


def note(name: bytes, kind: int, data: bytes = b"\0" * 4) -> bytes:
    def padded(part: bytes) -> bytes:
        return part + bytes(-len(part) % 4)

    head = struct.pack("<III", len(name) + 1, len(data), kind)
    return head + padded(name + b"\0") + padded(data)


def vmlinux(*, pvh: bool = True) -> bytes:
    """An ELF kernel; pvh: with the note that a VMM starts it by."""
    notes = note(b"GNU", 3, b"id") + (note(b"Xen", 18) if pvh else b"")
    return elf((NOTE, notes), more=b"Linux version 6.9.0-elf (somebody) #1")


def bzimage(release: str, payload: bytes = b"not compressed") -> bytes:
    """A bzImage that says it is of that release (Documentation/arch/x86/boot.rst)."""
    image = bytearray(0x400)
    image[0x202:0x206] = b"HdrS"
    struct.pack_into("<H", image, 0x20E, 0x100)
    words = f"{release} (builder) #1".encode()
    image[0x300 : 0x300 + len(words)] = words
    return bytes(image) + payload


def packed_vmlinux(*, pvh: bool = True) -> bytes:
    return lzma.compress(vmlinux(pvh=pvh)) + b"trailing bytes"


def module(depends: Sequence[str] = (), aliases: Iterable[str] = ()) -> bytes:
    """What modinfo reads of a module."""
    said = [f"depends={','.join(depends)}", *(f"alias={alias}" for alias in aliases)]
    return b"\x7fELF\0" + b"".join(f"{line}\0".encode() for line in said)


def module_tree(tree: Path, names: Iterable[str], builtin: Iterable[str] = ()) -> Path:
    """As /lib/modules/RELEASE of a package that was not installed: without modules.dep."""
    drivers = tree / "kernel/drivers"
    drivers.mkdir(parents=True)
    for name in names:
        (drivers / f"{name.replace('_', '-')}.ko").write_bytes(module())
    (tree / "modules.builtin").write_text("".join(f"kernel/{name}.ko\n" for name in builtin))
    return tree


def program(path: Path, script: str) -> Path:
    """A program that is a shell script."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path
