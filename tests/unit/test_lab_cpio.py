"""The archive that the kernel unpacks."""

from __future__ import annotations

import stat
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuivm.lab import cpio

ENTRIES = [
    cpio.directory("bin"),
    cpio.file("bin/tool", b"#!", executable=True),
    cpio.file("text", b"odd"),
    cpio.link("sh", "bin/tool"),
    cpio.file("empty", b""),
]


def test_what_was_packed_is_read_again() -> None:
    assert list(cpio.read(cpio.archive(ENTRIES))) == ENTRIES


@given(st.lists(st.tuples(st.from_regex(r"[a-zé]{1,9}", fullmatch=True), st.binary(max_size=40))))
def test_every_size_is_aligned(files: list[tuple[str, bytes]]) -> None:
    entries = [cpio.file(name, data) for name, data in files]
    packed = cpio.archive(entries)
    assert len(packed) % 4 == 0
    assert list(cpio.read(packed)) == entries


def test_a_header_is_as_the_kernel_documents_it() -> None:
    packed = cpio.archive([cpio.file("a", b"data")])
    fields = [packed[6 + 8 * i : 14 + 8 * i] for i in range(13)]
    assert packed[:6] == b"070701"
    assert [int(field, 16) for field in fields] == [1, 0o100644, 0, 0, 1, 0, 4, 0, 0, 0, 0, 2, 0]
    assert packed[110:120] == b"a\0data0707"


def test_another_program_reads_it(tmp_path: Path) -> None:
    subprocess.run(
        ["busybox", "cpio", "-i", "-d"], input=cpio.archive(ENTRIES), cwd=tmp_path, check=True
    )
    assert (tmp_path / "bin/tool").read_bytes() == b"#!"
    assert (tmp_path / "bin/tool").stat().st_mode & 0o777 == 0o755
    assert (tmp_path / "sh").readlink() == Path("bin/tool")


def test_directories_come_before_what_is_in_them() -> None:
    entries = cpio.with_parents([cpio.file("a/b/c", b""), cpio.directory("a"), cpio.file("d", b"")])
    assert [entry.name for entry in entries] == ["a", "a/b", "a/b/c", "d"]
    assert [stat.S_ISDIR(entry.mode) for entry in entries] == [True, True, False, False]


@pytest.mark.parametrize("name", ["", "/etc/passwd", "a\0b"])
def test_a_name_that_is_no_path_in_the_archive_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="not a name"):
        cpio.archive([cpio.file(name, b"")])


@pytest.mark.parametrize("keep", [0, 50, 130])
def test_a_damaged_archive_is_told(keep: int) -> None:
    with pytest.raises(ValueError, match="no cpio entry"):
        list(cpio.read(cpio.archive(ENTRIES)[:keep]))
