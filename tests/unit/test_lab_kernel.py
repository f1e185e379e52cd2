"""The order in which kernels are looked for, and what is taken out of them."""

from __future__ import annotations

import gzip
import lzma
import os
import platform
import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.support.labfiles import (
    bzimage,
    module,
    module_tree,
    packed_vmlinux,
    program,
    vmlinux,
)
from tuivm.lab import cpio, kernel, packages
from tuivm.lab.modules import STORAGE_AND_NICS
from tuivm.lab.ports import LabError

ALL = tuple(STORAGE_AND_NICS)
CLOUD = tuple(name for name in ALL if name not in ("ahci", "sym53c8xx"))


@pytest.fixture(autouse=True)
def running(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(platform, "release", lambda: "6.1.0-9-run")
    monkeypatch.setattr(packages, "can_download", lambda: False)
    monkeypatch.setattr(packages, "_os_release", lambda: {"ID": "debian"})
    return "6.1.0-9-run"


def install(root: Path, release: str, drivers: Sequence[str] = ALL, *, image: bool = True) -> None:
    module_tree(root / "lib/modules" / release, drivers)
    if image:
        (root / "boot").mkdir(exist_ok=True)
        (root / f"boot/vmlinuz-{release}").write_bytes(bzimage(release))


def find(root: Path, given: Path | None = None, modules: Path | None = None) -> kernel.Kernel:
    cache = root / "cache"
    cache.mkdir(exist_ok=True)
    return kernel.find(given, modules, cache, lambda _: None, root=root)


def test_the_running_kernel_comes_before_a_newer_one(tmp_path: Path, running: str) -> None:
    for release in ("6.12.0-1", running, "6.1.0-8"):
        install(tmp_path, release)
    found = find(tmp_path)
    assert (found.release, found.source) == (running, "the running kernel")
    assert found.image == tmp_path / f"boot/vmlinuz-{running}"
    assert found.lacking == ()


def test_then_the_newest_of_the_others(tmp_path: Path) -> None:
    for release in ("6.1.0-9", "6.1.0-10", "6.1.0-8"):
        install(tmp_path, release)
    install(tmp_path, "6.1.0-11", image=False)
    assert find(tmp_path).release == "6.1.0-10"


def test_the_image_may_lie_beside_the_modules(tmp_path: Path) -> None:
    tree = module_tree(tmp_path / "usr/lib/modules/6.9", ALL)
    (tree / "vmlinuz").write_bytes(bzimage("6.9"))
    assert find(tmp_path).image == tree / "vmlinuz"


def test_a_kernel_without_drivers_gives_way_to_one_that_has_them(
    tmp_path: Path, running: str
) -> None:
    install(tmp_path, running, CLOUD)
    install(tmp_path, "6.1.0-1")
    assert find(tmp_path).release == "6.1.0-1"


def test_a_kernel_without_drivers_is_better_than_none(tmp_path: Path, running: str) -> None:
    install(tmp_path, running, CLOUD)
    assert find(tmp_path).lacking == ("ahci", "sym53c8xx")


def test_an_unreadable_image_is_passed_over_and_told(
    tmp_path: Path, running: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(tmp_path, running)
    monkeypatch.setattr(kernel, "_readable", lambda path: "boot" not in path.parts)
    with pytest.raises(LabError) as raised:
        find(tmp_path)
    assert f"vmlinuz-{running} may not be read" in raised.value.reason


def test_no_kernel_at_all_is_told_with_the_package_to_install(tmp_path: Path) -> None:
    (tmp_path / "lib/modules/6.1.0-headers-only").mkdir(parents=True)
    with pytest.raises(LabError, match="no kernel") as raised:
        find(tmp_path)
    assert "apt-get install linux-image-amd64" in raised.value.remedy
    assert "--kernel" in raised.value.remedy


def downloads(monkeypatch: pytest.MonkeyPatch, drivers: Sequence[str] = ALL) -> list[str]:
    """Packages can be downloaded; the list gets what was."""
    fetched: list[str] = []

    def fetch(names: Sequence[str], into: Path) -> None:
        fetched.extend(names)
        install(into, "6.1.0-50-amd64", (*drivers, "unwanted"))

    monkeypatch.setattr(packages, "can_download", lambda: True)
    monkeypatch.setattr(packages, "kernel_packages", lambda: ("linux-image-6.1=6.1.7",))
    monkeypatch.setattr(packages, "fetch", fetch)
    return fetched


def test_a_package_is_downloaded_once_and_only_what_is_wanted_of_it_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetched = downloads(monkeypatch)
    found = find(tmp_path)
    again = find(tmp_path)
    assert fetched == ["linux-image-6.1=6.1.7"]
    assert found == again
    assert (found.release, found.source) == ("6.1.0-50-amd64", "the distribution's package")
    assert found.lacking == ()
    assert not list(found.modules.glob("unwanted*"))
    assert [path.name[:7] for path in (tmp_path / "cache").iterdir()] == ["kernel-"]


def test_a_kernel_of_fedora_comes_in_three_packages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """dnf and rpm2cpio are played: they take the arguments that the real ones do."""
    tree = "./lib/modules/6.11.4-301.fc41.x86_64"
    drivers = [name for name in ALL if name not in ("nvme", "pcnet32")]
    listed = "".join(f"kernel/{name}.ko.xz:\n" for name in drivers).encode()
    contents = {
        "kernel-core": [
            cpio.file(f"{tree}/vmlinuz", bzimage("6.11.4-301.fc41.x86_64")),
            cpio.file(f"{tree}/modules.builtin", b"kernel/drivers/nvme/host/nvme.ko\n"),
        ],
        "kernel-modules-core": [
            cpio.file(f"{tree}/kernel/{name}.ko.xz", lzma.compress(module())) for name in drivers
        ],
        "kernel-modules": [
            cpio.file(f"{tree}/kernel/pcnet32.ko.gz", gzip.compress(module())),
            cpio.file(f"{tree}/modules.dep", listed + b"kernel/pcnet32.ko.gz:\n"),
        ],
    }
    tools = tmp_path / "tools"
    for name, entries in contents.items():
        (tmp_path / f"{name}.cpio").write_bytes(cpio.archive(entries))
    program(
        tools / "dnf",
        f"""echo "$@" > {tmp_path}/asked
while [ "$1" != --destdir ]; do shift; done; cd "$2"; shift 2
for name; do : > "$name-6.11.4-301.fc41.x86_64.rpm"; done""",
    )
    program(tools / "rpm2cpio", f'name=${{1##*/}}; cat {tmp_path}/"${{name%-6.11*}}.cpio"')
    monkeypatch.setenv("PATH", f"{tools}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(packages, "_os_release", lambda: {"ID": "fedora"})
    monkeypatch.setattr(packages, "can_download", lambda: True)
    found = find(tmp_path)
    assert (found.release, found.lacking) == ("6.11.4-301.fc41.x86_64", ())
    assert (found.modules / "pcnet32.ko.gz").is_file()
    assert lzma.decompress((found.modules / "ahci.ko.xz").read_bytes()) == module()
    words = (tmp_path / "asked").read_text().split()
    assert words[:4] == ["-q", "download", "--arch", "x86_64"]
    assert words[-3:] == ["kernel-core", "kernel-modules-core", "kernel-modules"]


@pytest.mark.parametrize("damage", ["image", "module", "list", "all", "sum"])
def test_a_kept_package_that_is_damaged_is_downloaded_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: str
) -> None:
    fetched = downloads(monkeypatch)
    whole = find(tmp_path)
    module = next(whole.modules.glob("*.ko"))
    if damage == "image":
        whole.image.write_bytes(whole.image.read_bytes()[:100])
    elif damage == "module":
        # Of the same size, as after the power failed.
        module.write_bytes(bytes(module.stat().st_size))
    elif damage == "list":
        (whole.modules / "modules.builtin").unlink()
    elif damage == "sum":
        (whole.image.parent / "sum").write_bytes(b"\xff")
    else:
        shutil.rmtree(whole.modules)
    again = find(tmp_path)
    assert again == whole
    assert len(fetched) == 2
    assert again.image.read_bytes() == bzimage("6.1.0-50-amd64")
    assert module.read_bytes()[:4] == b"\x7fELF"
    assert (again.modules / "modules.builtin").is_file()
    find(tmp_path)
    assert len(fetched) == 2


def test_a_failed_download_leaves_nothing_and_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    downloads(monkeypatch)

    def fail(_: Sequence[str], into: Path) -> None:
        into.mkdir()
        raise LabError("apt-get cannot download it.", "404 Not Found", "Run apt-get update")

    monkeypatch.setattr(packages, "fetch", fail)
    with pytest.raises(LabError) as raised:
        find(tmp_path)
    assert "404 Not Found" in raised.value.reason
    assert list((tmp_path / "cache").iterdir()) == []


def test_a_package_without_a_kernel_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    downloads(monkeypatch)
    monkeypatch.setattr(packages, "fetch", lambda _, into: into.mkdir())
    with pytest.raises(LabError) as raised:
        find(tmp_path)
    assert "no kernel in the distribution's kernel packages" in raised.value.reason
    assert list((tmp_path / "cache").iterdir()) == []


def test_a_given_kernel_is_taken_though_it_lacks_drivers(tmp_path: Path, running: str) -> None:
    install(tmp_path, running)
    own = tmp_path / "own"
    tree = module_tree(own / "6.20-own", CLOUD)
    (own / "bzImage").write_bytes(bzimage("6.20-own"))
    found = find(tmp_path, own / "bzImage", tree)
    assert (found.release, found.source) == ("6.20-own", "the kernel given")
    assert found.lacking == ("ahci", "sym53c8xx")


def test_an_image_that_does_not_belong_to_its_modules_is_passed_over_and_told(
    tmp_path: Path, running: str
) -> None:
    for release, content in ((running, b"rubbish"), ("6.1.0-7", bzimage("6.1.0-6"))):
        install(tmp_path, release)
        (tmp_path / f"boot/vmlinuz-{release}").write_bytes(content)
    with pytest.raises(LabError) as raised:
        find(tmp_path)
    assert f"vmlinuz-{running} is not a Linux kernel" in raised.value.reason
    assert "vmlinuz-6.1.0-7 is of Linux 6.1.0-6 and not 6.1.0-7" in raised.value.reason
    install(tmp_path, "6.1.0-1")
    assert find(tmp_path).release == "6.1.0-1"


def test_a_given_kernel_does_not_get_the_modules_of_another(tmp_path: Path) -> None:
    image = tmp_path / "bzImage"
    image.write_bytes(bzimage("6.20-own"))
    tree = module_tree(tmp_path / "6.21-own", ())
    said = b"\0vermagic=6.21-own SMP preempt mod_unload modversions \0"
    (tree / "kernel/drivers/nvme.ko").write_bytes(module() + said)
    with pytest.raises(LabError, match=r"are for Linux 6\.21-own.* is 6\.20-own"):
        find(tmp_path, image, tree)
    image.write_bytes(bzimage("6.21-own"))
    assert find(tmp_path, image, tree).release == "6.21-own"


def test_a_kernel_with_all_drivers_built_in_needs_no_module(tmp_path: Path) -> None:
    image, tree = tmp_path / "bzImage", tmp_path / "6.20-own"
    image.write_bytes(bzimage("6.20-own"))
    tree.mkdir()
    (tree / "modules.builtin").write_text("".join(f"kernel/{name}.ko\n" for name in ALL))
    assert find(tmp_path, image, tree).lacking == ()


def test_either_is_found_by_the_other(tmp_path: Path) -> None:
    install(tmp_path, "6.5.0-2")
    image, tree = tmp_path / "boot/vmlinuz-6.5.0-2", tmp_path / "lib/modules/6.5.0-2"
    assert find(tmp_path, given=image).modules == tree
    assert find(tmp_path, modules=tree).image == image


def test_what_is_wrong_with_what_was_given_is_told(tmp_path: Path) -> None:
    image, text, tree = tmp_path / "bzImage", tmp_path / "text", tmp_path / "tree"
    image.write_bytes(bzimage("6.5.0-2"))
    text.write_text("hello")
    tree.mkdir()
    cases = [
        (tmp_path / "absent", None, "cannot be read"),
        (text, None, "not a kernel"),
        (image, None, "no modules for the kernel"),
        (image, tmp_path / "absent", "no directory of modules"),
        (image, tree, "no kernel modules"),
        (None, tree, "no kernel for the modules"),
    ]
    for given, modules, words in cases:
        with pytest.raises(LabError, match=words):
            find(tmp_path, given, modules)


def test_the_release_is_read_from_both_kinds_of_image() -> None:
    assert kernel.release_of(bzimage("6.1.0-50-amd64")) == "6.1.0-50-amd64"
    assert kernel.release_of(vmlinux()) == "6.9.0-elf"
    with pytest.raises(ValueError, match="not a Linux kernel"):
        kernel.release_of(b"MZ")


def test_the_elf_kernel_is_taken_out_where_it_can_be_started_so() -> None:
    image = bzimage("6.1", b"\xfd7zXZ\0 no stream at all" + packed_vmlinux())
    assert kernel.bootable(image) == vmlinux()


@pytest.mark.parametrize("payload", [b"", b"\x1f\x8b\x08broken", packed_vmlinux(pvh=False)])
def test_else_the_image_stays_as_it_is(payload: bytes) -> None:
    image = bzimage("6.1", payload)
    assert kernel.bootable(image) == image


def test_a_kernel_packed_with_zstd_stays_as_it_is_without_libzstd(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def missing(_: str) -> None:
        raise OSError("libzstd.so.1: cannot open shared object file")

    data = vmlinux()
    # A frame of one raw block, with the size of the content in a byte (RFC 8878).
    block = (1 | len(data) << 3).to_bytes(3, "little") + data
    image = bzimage("6.1", b"\x28\xb5\x2f\xfd\x20" + bytes([len(data)]) + block)
    assert kernel.bootable(image) == data
    monkeypatch.setattr("tuivm.lab.unpacking.ctypes.CDLL", missing)
    assert kernel.bootable(image) == image
