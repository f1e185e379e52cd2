"""Which modules are needed, in which order, and for which devices."""

from __future__ import annotations

import gzip
import lzma
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.labfiles import module, module_tree
from tuivm.lab import unpacking
from tuivm.lab.modules import Modules, shell_tables
from tuivm.lab.ports import LabError


def zstd_frame(data: bytes) -> bytes:
    """One raw block, with the size of the content (RFC 8878)."""
    block = (1 | len(data) << 3).to_bytes(3, "little") + data
    return unpacking.ZSTD + b"\x20" + bytes([len(data)]) + block


def write(tree: Path, name: str, data: bytes) -> None:
    (tree / "kernel").mkdir(parents=True, exist_ok=True)
    (tree / "kernel" / name).write_bytes(data)


def names(tree: Path, *wanted: str) -> list[str]:
    return [found.name for found in Modules(tree).with_dependencies(wanted)]


def test_dependencies_come_first_and_once_by_modules_dep(tmp_path: Path) -> None:
    for name in ("sd-mod", "scsi_mod", "common", "ahci"):
        write(tmp_path, f"{name}.ko", module())
    (tmp_path / "modules.dep").write_text(
        "kernel/sd-mod.ko: kernel/scsi_mod.ko kernel/common.ko\n"
        "kernel/scsi_mod.ko: kernel/common.ko\n"
        "kernel/common.ko:\n"
        "kernel/ahci.ko: kernel/scsi_mod.ko kernel/common.ko\n"
    )
    assert names(tmp_path, "sd_mod", "ahci") == ["common", "scsi_mod", "sd_mod", "ahci"]


def test_without_modules_dep_the_modules_say_what_they_need(tmp_path: Path) -> None:
    write(tmp_path, "a.ko", module(depends=["b-c"]))
    write(tmp_path, "b_c.ko", module(depends=["d"]))
    write(tmp_path, "d.ko", module())
    assert names(tmp_path, "a") == ["d", "b_c", "a"]


def test_code_that_looks_like_what_modules_say_is_no_obstacle(tmp_path: Path) -> None:
    write(tmp_path, "nvme.ko", b"\x90\0alias=\xff\xfe\x80:\0" + module(aliases=["pci:v*"]))
    (found,) = Modules(tmp_path).with_dependencies(["nvme"])
    assert "pci:v*" in found.aliases
    assert "pci:v*) driver=nvme" in shell_tables([found], ["nvme"])


def test_what_is_built_in_is_neither_lacking_nor_loaded(tmp_path: Path) -> None:
    module_tree(tmp_path, ["nvme"], builtin=["drivers/virtio/virtio_pci"])
    assert Modules(tmp_path).lacking(["virtio-pci", "nvme", "ahci"]) == ("ahci",)
    assert names(tmp_path, "virtio_pci", "nvme", "ahci") == ["nvme"]


@pytest.mark.parametrize(
    ("suffix", "pack"),
    [("", bytes), (".xz", lzma.compress), (".gz", gzip.compress), (".zst", zstd_frame)],
)
def test_packed_modules_are_unpacked(
    tmp_path: Path, suffix: str, pack: Callable[[bytes], bytes]
) -> None:
    plain = module(aliases=["pci:v00001AF4d*"])
    write(tmp_path, f"x.ko{suffix}", pack(plain))
    (found,) = Modules(tmp_path).with_dependencies(["x"])
    assert found.data == plain
    assert found.aliases == ("pci:v00001AF4d*",)


@pytest.mark.parametrize("pack", [lzma.compress, gzip.compress, zstd_frame])
def test_a_damaged_module_is_told(tmp_path: Path, pack: Callable[[bytes], bytes]) -> None:
    write(tmp_path, "x.ko.xz", pack(module())[:-3])
    with pytest.raises(LabError, match="damaged"):
        names(tmp_path, "x")


def test_without_libzstd_it_is_told_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(_: str) -> None:
        raise OSError("libzstd.so.1: cannot open shared object file")

    monkeypatch.setattr("tuivm.lab.unpacking.ctypes.CDLL", missing)
    write(tmp_path, "x.ko.zst", zstd_frame(module()))
    with pytest.raises(LabError, match=r"libzstd\.so\.1") as raised:
        names(tmp_path, "x")
    assert "package" in raised.value.remedy


def asked_of_the_shell(tables: str, tmp_path: Path, alias: str) -> list[str]:
    """What the tables give for a device: the driver, and what is loaded for it."""
    (tmp_path / "drivers.sh").write_text(tables)
    script = '. ./drivers.sh; driver_of "$1"; chain_of "$driver"; echo "$driver:$chain"'
    done = subprocess.run(
        ["sh", "-c", script, "sh", alias], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    return done.stdout.strip().split(":")


def test_the_shell_finds_the_driver_of_a_device(tmp_path: Path) -> None:
    write(tmp_path, "e1000e.ko", module(["ptp"], ["pci:v00008086d000010D3sv*sd*bc*sc*i*"]))
    write(tmp_path, "ptp.ko", module())
    found = Modules(tmp_path).with_dependencies(["e1000e"])
    tables = shell_tables(found, ["e1000e"])
    device = "pci:v00008086d000010D3sv00008086sd00000000bc02sc00i00"
    assert asked_of_the_shell(tables, tmp_path, device) == ["e1000e", "ptp e1000e"]
    assert asked_of_the_shell(tables, tmp_path, "pci:v00001234d0000") == ["", ""]


def test_a_pattern_that_means_something_to_a_shell_is_left_out(tmp_path: Path) -> None:
    write(tmp_path, "x.ko", module(aliases=["pci:$(touch broken)", "pci:a) touch broken ;; b"]))
    found = Modules(tmp_path).with_dependencies(["x"])
    assert asked_of_the_shell(shell_tables(found, ["x"]), tmp_path, "pci:a") == ["", ""]
    assert not (tmp_path / "broken").exists()
