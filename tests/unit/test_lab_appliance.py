"""The appliance as it is kept: built once, again when something changed, and never half."""

from __future__ import annotations

import errno
import fcntl
import platform
import threading
from pathlib import Path

import pytest

from tests.support.labfiles import bzimage, module, module_tree, packed_vmlinux, vmlinux
from tuivm.lab import appliance, cpio, kernel, userland
from tuivm.lab.modules import STORAGE_AND_NICS
from tuivm.lab.ports import LabError

RELEASE = "6.9-made-up"


class Machine:
    """Stands for this machine: a kernel, and a user space of one file. built: how often."""

    def __init__(self, root: Path) -> None:
        self.tree = module_tree(root / RELEASE, STORAGE_AND_NICS)
        self.image = root / "bzImage"
        self.image.write_bytes(bzimage(RELEASE, packed_vmlinux()))
        self.tool = root / "tool"
        self.tool.write_bytes(b"tool")
        self.cache = root / "cache"
        self.said: list[str] = []
        self.built = 0

    def userland(self, agent: Path, work: Path, fio_path: str | None) -> userland.Userland:
        self.built += 1
        (work / "rubbish").write_bytes(b"x")
        entries = [cpio.file("bin/tool", self.tool.read_bytes())]
        return userland.Userland(entries, "tuivm (libaio)", (self.tool, work / "rubbish"), ("so",))

    def build(self, modules: Path | None = None) -> appliance.Appliance:
        return appliance.build(
            kernel=self.image,
            modules=modules or self.tree,
            cache=self.cache,
            say=self.said.append,
        )

    def kept(self) -> set[str]:
        return {path.name for path in self.cache.iterdir()} - {"lock"}


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    made = Machine(tmp_path)
    monkeypatch.setattr(userland, "build", made.userland)
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    return made


def test_it_has_the_kernel_the_drivers_and_the_programs(machine: Machine) -> None:
    built = machine.build()
    entries = {entry.name: entry for entry in cpio.read(built.initrd.read_bytes())}
    assert built.kernel.read_bytes() == vmlinux()
    assert built.packed is not None
    assert built.packed.read_bytes() == machine.image.read_bytes()
    assert built.release == RELEASE
    assert built.remarks == ("so",)
    assert {"init", "drivers.sh", "modules/virtio_blk.ko", "bin/tool", "proc", "dev"} <= set(
        entries
    )
    assert entries["init"].mode & 0o111
    assert entries["modules/nvme.ko"].data == module()
    assert entries["drivers.sh"].data.startswith(b"always='virtio_pci virtio_console af_packet'\n")
    assert "console=ttyS0" in built.cmdline.split()


def test_a_second_call_builds_nothing(machine: Machine) -> None:
    first = machine.build()
    machine.said.clear()
    assert machine.build() == first
    assert machine.built == 1
    assert machine.said == []


def test_a_file_that_changed_is_taken_anew(machine: Machine) -> None:
    first = machine.build()
    machine.tool.write_bytes(b"another tool")
    second = machine.build()
    assert machine.built == 2
    assert second.initrd != first.initrd
    assert b"another tool" in second.initrd.read_bytes()


def test_the_same_content_is_the_same_build(machine: Machine) -> None:
    """A guest may be starting from it."""
    first = machine.build()
    inode = first.kernel.stat().st_ino
    machine.tool.unlink()
    machine.tool.write_bytes(b"tool")
    assert machine.build() == first
    assert first.kernel.stat().st_ino == inode
    machine.build()
    assert machine.built == 2


def test_a_kept_file_that_was_cut_short_is_made_again(machine: Machine) -> None:
    built = machine.build()
    whole = built.initrd.read_bytes()
    built.initrd.write_bytes(whole[:100])
    assert machine.build().initrd.read_bytes() == whole


@pytest.mark.parametrize("text", ["{", "{}", "[]", "null", '{"asked": {}, "inputs": []}'])
def test_a_record_that_cannot_be_read_is_no_obstacle(machine: Machine, text: str) -> None:
    """Cut short, or of another version of tuivm."""
    built = machine.build()
    (built.kernel.parent / "made.json").write_text(text)
    assert machine.build() == built
    assert machine.built == 2


def test_builds_without_their_record_go_first(machine: Machine) -> None:
    first = machine.build().kernel.parent
    (first / "made.json").unlink()
    (machine.cache / "appliance-0").mkdir()
    machine.tool.write_bytes(b"another")
    second = machine.build().kernel.parent
    assert second.name in machine.kept()
    assert len(machine.kept()) == 2


def test_only_the_last_two_are_kept(machine: Machine) -> None:
    builds = []
    for content in (b"1", b"2", b"3"):
        machine.tool.write_bytes(content)
        builds.append(machine.build().kernel.parent.name)
    assert machine.kept() == set(builds[1:])


def test_what_a_killed_builder_left_is_removed(machine: Machine) -> None:
    (machine.cache / "work-dead").mkdir(parents=True)
    (machine.cache / "work-dead/half").write_bytes(b"x")
    built = machine.build()
    assert machine.kept() == {built.kernel.parent.name}


@pytest.mark.parametrize(
    ("number", "words"),
    [(errno.ENOSPC, "disk is full"), (errno.EACCES, "cannot be written"), (errno.EIO, "be built")],
)
def test_a_file_that_cannot_be_written_leaves_nothing(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, number: int, words: str
) -> None:
    real = Path.write_bytes

    def write(self: Path, data: bytes) -> int:
        if self.name == "initrd":
            real(self, data[:10])
            raise OSError(number, "no", str(self))
        return real(self, data)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "write_bytes", write)
        with pytest.raises(LabError, match=words):
            machine.build()
    assert machine.kept() == set()
    assert machine.build().initrd.is_file()


def test_a_cache_that_is_no_directory_is_told(machine: Machine) -> None:
    machine.cache.write_text("a file")
    with pytest.raises(LabError, match="cannot be built"):
        machine.build()


def test_an_error_of_a_part_leaves_nothing(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(agent: Path, work: Path, fio_path: str | None) -> userland.Userland:
        raise LabError("There is no static busybox.", "", "Install it")

    monkeypatch.setattr(userland, "build", fail)
    with pytest.raises(LabError, match="no static busybox"):
        machine.build()
    assert machine.kept() == set()


def test_another_architecture_is_refused(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(LabError, match="for a host with aarch64"):
        appliance.build(arch="aarch64", cache=machine.cache)
    monkeypatch.setattr(platform, "machine", lambda: "riscv64")
    with pytest.raises(LabError, match="cannot be built on riscv64"):
        machine.build()
    assert not machine.cache.exists()


def test_drivers_that_the_kernel_lacks_are_named_by_their_devices(
    machine: Machine, tmp_path: Path
) -> None:
    drivers = [name for name in STORAGE_AND_NICS if name not in ("ahci", "pcnet32")]
    built = machine.build(module_tree(tmp_path / "cloud", drivers))
    assert built.remarks[0] == f"The kernel given ({RELEASE}) has no drivers for: SATA, pcnet."


def test_a_second_builder_waits_for_the_first(machine: Machine) -> None:
    machine.cache.mkdir()
    waits = threading.Event()

    def say(words: str) -> None:
        if "Waiting" in words:
            waits.set()

    def build() -> None:
        appliance.build(kernel=machine.image, modules=machine.tree, cache=machine.cache, say=say)

    other = threading.Thread(target=build)
    with (machine.cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        other.start()
        assert waits.wait(20)
        assert machine.built == 0
    other.join(20)
    assert machine.built == 1


def test_the_memory_grows_with_what_is_unpacked(machine: Machine) -> None:
    small = machine.build().memory_mib
    machine.tool.write_bytes(bytes(50 << 20))
    large = machine.build().memory_mib
    assert large - small >= 96
    assert small % 32 == large % 32 == 0


def test_the_drivers_wanted_are_those_that_a_remark_can_name() -> None:
    assert set(STORAGE_AND_NICS) < set(kernel.WANTED)
