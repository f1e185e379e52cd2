"""A kernel with its modules for the appliance: given, of this machine, or of a package."""

from __future__ import annotations

import platform
import re
import shutil
import struct
import tempfile
from collections.abc import Callable, Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from tuivm.lab import elf, packages
from tuivm.lab.modules import EXTRA, STORAGE_AND_NICS, Modules
from tuivm.lab.ports import LabError
from tuivm.lab.unpacking import GZIP, XZ, ZSTD, first_stream

WANTED = (*STORAGE_AND_NICS, *EXTRA)
_SUM = "sum"
"""File beside a kernel in the cache, with the digest of all that was kept of its package."""


class Kernel(NamedTuple):
    """image: bzImage or ELF. modules: as /lib/modules/RELEASE. source: where it is from, as in
    "the running kernel". lacking: drivers of STORAGE_AND_NICS that it has not."""

    image: Path
    modules: Path
    release: str
    source: str
    lacking: tuple[str, ...] = ()


def find(
    kernel: Path | None,
    modules: Path | None,
    cache: Path,
    say: Callable[[str], None],
    *,
    root: Path = Path("/"),
    wanted: Sequence[str] = WANTED,
) -> Kernel:
    """The kernel that the appliance gets: the one given, else the first that lacks no driver of:
    the running one, the others installed, the distribution's package. Where none has all, the one
    that lacks least. cache: where a downloaded one is kept, with the modules wanted alone. Raises
    LabError with why each is of no use, OSError."""
    if kernel is not None or modules is not None:
        return _complete(_given(kernel, modules, root))
    problems: list[str] = []
    usable = []
    for found in _installed(root, problems):
        if not found.lacking:
            return found
        usable.append(found)
    try:
        usable.append(_downloaded(cache, say, wanted))
    except LabError as error:
        problems.append(str(error))
    if not usable:
        raise LabError(
            "There is no kernel to make the Lab's guest of.",
            " ".join(problems),
            packages.remedy("kernel") + ", or name one with --kernel and --modules",
        )
    return min(usable, key=lambda found: len(found.lacking))


def bootable(image: bytes) -> bytes:
    """The ELF kernel inside a bzImage, which QEMU boots (PVH) without its unpacking itself.

    Unpacking takes 4 s under TCG. The image itself where its compression is not known here, or
    the kernel was built without PVH.
    """
    for magic in (XZ, GZIP, ZSTD):
        start = image.find(magic)
        while start >= 0:
            payload = first_stream(image[start:], magic)
            if payload.startswith(elf.MAGIC):
                return payload if elf.has_pvh_entry(payload) else image
            start = image.find(magic, start + 1)
    return image


def release_of(image: bytes) -> str:
    """The release that a kernel image says it is. Raises ValueError where it is none for x86-64.

    Of a bzImage from its header (Linux, Documentation/arch/x86/boot.rst), of an ELF image from the
    banner.
    """
    if image[0x202:0x206] == b"HdrS":
        (offset,) = struct.unpack_from("<H", image, 0x20E)
        words = image[offset + 0x200 : offset + 0x280].split(b"\0")[0].split()
        return words[0].decode(errors="replace") if words else ""
    if image.startswith(elf.MAGIC):
        banner = re.search(rb"Linux version (\S+) ", image)
        if banner:
            return banner[1].decode(errors="replace")
    raise ValueError("not a Linux kernel for x86-64")


def _given(kernel: Path | None, modules: Path | None, root: Path) -> Kernel:
    if modules is not None and not modules.is_dir():
        raise LabError(f"There is no directory of modules at {modules}.")
    if kernel is None and modules is not None:
        images = _images(root, modules)
        kernel = next((path for path in images if path.is_file()), None)
        if kernel is None:
            raise LabError(
                f"There is no kernel for the modules in {modules}.", "", "Name it with --kernel"
            )
    assert kernel is not None
    try:
        release = release_of(kernel.read_bytes())
    except OSError as error:
        raise LabError(f"The kernel {kernel} cannot be read.", str(error)) from error
    except ValueError as error:
        raise LabError(f"{kernel} is not a kernel that can be used.", str(error)) from error
    if modules is None:
        places = (kernel.parent, *(place / release for place in _module_homes(root)))
        modules = next((path for path in places if _has_modules(path)), None)
    if modules is None:
        raise LabError(
            f"There are no modules for the kernel {kernel} ({release}).",
            "",
            f"Name their directory with --modules (it is called {release} in most places)",
        )
    if not _has_modules(modules):
        raise LabError(f"There are no kernel modules in {modules}.")
    built_for = Modules(modules).built_for()
    if built_for not in {"", release}:
        # The kernel would refuse them all, and the guest never say a word.
        raise LabError(
            f"The modules in {modules} are for Linux {built_for}, and the kernel {kernel} is "
            f"{release}.",
            "",
            "Name a kernel and modules that belong together with --kernel and --modules",
        )
    return Kernel(kernel, modules, release, "the kernel given")


def _complete(kernel: Kernel) -> Kernel:
    return kernel._replace(lacking=Modules(kernel.modules).lacking(STORAGE_AND_NICS))


def _installed(root: Path, problems: list[str]) -> Iterator[Kernel]:
    """The running kernel, then the others, newest first. problems: gets a sentence for each that
    cannot be used."""
    running = platform.release()
    trees = {path.name: path for home in _module_homes(root) for path in _listed(home)}
    order = sorted(trees, key=lambda name: (name == running, _version(name)), reverse=True)
    if running not in trees:
        problems.append(f"The running kernel ({running}) has no modules in /lib/modules.")
    for name in order:
        if not _has_modules(trees[name]):
            continue
        images = [path for path in _images(root, trees[name]) if _is_file(path)]
        troubles = [_trouble(path, name) for path in images]
        if "" in troubles:
            source = "the running kernel" if name == running else "an installed kernel"
            yield _complete(Kernel(images[troubles.index("")], trees[name], name, source))
        elif images:
            problems.append(troubles[0])
        else:
            problems.append(f"There is no image of the kernel {name} in /boot.")


def _trouble(image: Path, release: str) -> str:
    """Why an image is of no use with the modules of that release; "" where it is of use."""
    if not _readable(image):
        return f"{image} may not be read by you."
    try:
        own = release_of(image.read_bytes())
    except ValueError as error:
        return f"{image} is {error}."
    return "" if own == release else f"{image} is of Linux {own} and not {release}."


def _downloaded(cache: Path, say: Callable[[str], None], wanted: Sequence[str]) -> Kernel:
    """The kernel of the distribution's package, kept in the cache: image and wanted modules."""
    if not packages.can_download():
        raise LabError("Packages cannot be downloaded without installing them here.")
    kept = cache / f"kernel-{sha256(' '.join(wanted).encode()).hexdigest()[:12]}"
    if not _is_whole(kept):
        names = packages.kernel_packages()
        if not names:
            raise LabError("apt knows no kernel's package.", "", "Run apt-get update first.")
        say(f"Downloading {', '.join(name.partition('=')[0] for name in names)}")
        with tempfile.TemporaryDirectory(dir=cache, prefix="work-") as work:
            tree = Path(work) / "tree"
            packages.fetch(names, tree)
            _keep(tree, Path(work) / "kept", wanted)
            shutil.rmtree(kept, ignore_errors=True)
            (Path(work) / "kept").rename(kept)
        for old in cache.glob("kernel-*"):
            if old != kept:
                shutil.rmtree(old, ignore_errors=True)
    release = next(path.name for path in kept.iterdir() if path.is_dir())
    source = "the distribution's package"
    return _complete(Kernel(kept / "vmlinuz", kept / release, release, source))


def _keep(tree: Path, kept: Path, wanted: Sequence[str]) -> None:
    """Copy what is wanted of an unpacked package: the rest of it is 400 MB."""
    # A package may hold more than one directory; the kernel's is the one with its image.
    for modules in sorted(path for home in _module_homes(tree) for path in _listed(home)):
        image = next((path for path in _images(tree, modules) if _is_file(path)), None)
        if image is not None and _has_modules(modules):
            break
    else:
        raise LabError("There is no kernel in the distribution's kernel packages.")
    target = kept / modules.name
    target.mkdir(parents=True)
    shutil.copyfile(image, kept / "vmlinuz")
    if (modules / "modules.builtin").is_file():
        shutil.copyfile(modules / "modules.builtin", target / "modules.builtin")
    all_modules = Modules(modules)
    for module in all_modules.with_dependencies(wanted):
        path = all_modules.path(module.name)
        shutil.copyfile(path, target / path.name)
    (kept / _SUM).write_text(_digest(kept))


def _digest(kept: Path) -> str:
    """Of the names and contents of all files but _SUM."""
    whole = sha256()
    for path in sorted(kept.rglob("*")):
        if path.is_file() and path.name != _SUM:
            whole.update(f"{path.relative_to(kept)}\0".encode())
            whole.update(sha256(path.read_bytes()).digest())
    return whole.hexdigest()


def _is_whole(kept: Path) -> bool:
    """All is there as it was kept: a crash of the machine or a cleaner may have left a part."""
    try:
        return (kept / _SUM).read_text() == _digest(kept)
    except (OSError, UnicodeDecodeError):
        return False


def _module_homes(root: Path) -> tuple[Path, ...]:
    return root / "lib/modules", root / "usr/lib/modules"


def _images(root: Path, modules: Path) -> tuple[Path, ...]:
    return (
        root / f"boot/vmlinuz-{modules.name}",
        modules / "vmlinuz",
        root / f"boot/vmlinux-{modules.name}",
        root / "boot/vmlinuz-linux",
    )


def _listed(directory: Path) -> list[Path]:
    try:
        return [path for path in directory.iterdir() if path.is_dir()]
    except OSError:
        return []


def _has_modules(tree: Path) -> bool:
    """Headers and leftovers of removed kernels have a directory too, without any module. A kernel
    with all drivers built in has a list of these alone."""
    try:
        listed = (tree / "modules.builtin").is_file()
        return listed or (tree / "kernel").is_dir() or any(tree.glob("*.ko*"))
    except OSError:
        return False


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:
        return False


def _readable(path: Path) -> bool:
    try:
        with path.open("rb"):
            return True
    except OSError:
        return False


def _version(name: str) -> list[tuple[int, str]]:
    """For sorting: "6.1.0-9" comes before "6.1.0-10"."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", name)]
