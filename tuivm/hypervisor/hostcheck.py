"""Looks at this machine for `tuivm check`; `preflight.host_check` judges what is found.

Reads and tries, changes nothing. What cannot be looked at is None, never a guess.
"""

from __future__ import annotations

import fcntl
import grp
import json
import os
import platform
import pwd
import re
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from tuivm.hypervisor import machine
from tuivm.preflight.host_check import DaemonFacts, EmulatorFacts, HostCheckFacts

# linux/kvm.h: _IO(KVMIO, 0x00) and _IO(KVMIO, 0x01), KVMIO being 0xAE.
_KVM_GET_API_VERSION = 0xAE00
_KVM_CREATE_VM = 0xAE01
_KVM_API_VERSION = 12
_ASK_TIMEOUT = 5.0
"""Seconds that a QEMU binary has to tell its version."""

_IOMMU_TABLES = ("DMAR", "IVRS", "IORT")
_EMULATOR = re.compile(r"qemu-system-([a-z0-9_]+)")
_EMULATORS_OUTSIDE_PATH = ("usr/libexec/qemu-kvm", "usr/lib/qemu/qemu-kvm")
# The order of qemu's docs/interop/firmware.json: the administrator's before the distribution's.
_DESCRIPTORS = ("etc/qemu/firmware", "usr/share/qemu/firmware")
_IMAGES = (
    "usr/share/OVMF/OVMF_CODE*.fd",
    "usr/share/AAVMF/AAVMF_CODE*.fd",
    "usr/share/edk2/*/*CODE*.fd",
    "usr/share/edk2/*/QEMU_EFI*.fd",
    "usr/share/qemu/edk2-*-code.fd",
    "usr/share/qemu/ovmf-*-code.bin",
)


def gather(
    daemons: Iterable[DaemonFacts],
    *,
    root: Path = Path("/"),
    environ: Mapping[str, str] = os.environ,
) -> HostCheckFacts:
    """Everything that the check asks of this machine.

    daemons: the connections that were tried. root: where the file system begins.
    """
    arch = platform.machine()
    cpu = machine.cpuinfo(root)
    open_error, create_error = _try_kvm(root / "dev/kvm")
    return HostCheckFacts(
        arch=arch,
        cpu_vendor=(cpu or {}).get("vendor_id", ""),
        cpu_flags=None if cpu is None else machine.cpu_flags(cpu),
        kvm_present=(root / "dev/kvm").exists(),
        kvm_open_error=open_error,
        kvm_create_error=create_error,
        kvm_modules=_kvm_modules(root),
        nested=machine.nested_setting(root),
        iommu_groups=machine.iommu_groups(root),
        iommu_table=_iommu_table(root),
        kernel_cmdline=machine.text(root / "proc/cmdline"),
        is_guest=machine.is_guest(root),
        daemons=tuple(daemons),
        emulators=_emulators(root, arch, environ),
        firmware=_firmware(root, arch),
        user=_user(),
        root=os.geteuid() == 0,
        groups=_groups(),
        systemd=(root / "run/systemd/system").is_dir(),
    )


def _try_kvm(device: Path) -> tuple[str | None, str | None]:
    """Why it cannot be opened, and why no machine can be made: "" for no reason, None untried."""
    try:
        kvm = os.open(device, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return None, None
    except OSError as error:
        return _words(error), None
    try:
        version = fcntl.ioctl(kvm, _KVM_GET_API_VERSION, 0)
        if version != _KVM_API_VERSION:
            return "", f"it speaks version {version} of the interface, not {_KVM_API_VERSION}"
        os.close(fcntl.ioctl(kvm, _KVM_CREATE_VM, 0))
    except OSError as error:
        return "", _words(error)
    finally:
        os.close(kvm)
    return "", ""


def _words(error: OSError) -> str:
    return error.strerror or str(error)


def _kvm_modules(root: Path) -> tuple[str, ...] | None:
    try:
        return tuple(sorted(path.name for path in (root / "sys/module").glob("kvm*")))
    except OSError:
        return None


def _iommu_table(root: Path) -> str | None:
    try:
        names = {path.name for path in (root / "sys/firmware/acpi/tables").iterdir()}
    except OSError:
        return None
    return next((name for name in _IOMMU_TABLES if name in names), "")


def _emulators(root: Path, arch: str, environ: Mapping[str, str]) -> tuple[EmulatorFacts, ...]:
    """All QEMU binaries, those for this machine first."""
    found = dict(sorted(_binaries(root, environ), key=lambda pair: pair[1] not in (arch, "")))
    with ThreadPoolExecutor(max_workers=4) as pool:
        versions = pool.map(_version, found)
        return tuple(
            EmulatorFacts(str(path), arch, version)
            for (path, arch), version in zip(found.items(), versions, strict=True)
        )


def _binaries(root: Path, environ: Mapping[str, str]) -> Iterator[tuple[Path, str]]:
    """Each QEMU binary with the architecture in its name, one path for each file."""
    seen: set[Path] = set()
    folders = [root / part.lstrip("/") for part in environ.get("PATH", "").split(":") if part]
    candidates = [path for folder in folders for path in sorted(folder.glob("qemu-system-*"))]
    candidates += [folder / "qemu-kvm" for folder in folders]
    candidates += [root / path for path in _EMULATORS_OUTSIDE_PATH]
    for path in candidates:
        match = _EMULATOR.fullmatch(path.name)
        real = path.resolve()
        if real in seen or not (match or path.name == "qemu-kvm") or not os.access(path, os.X_OK):
            continue
        seen.add(real)
        yield path, match[1] if match else ""


def _version(path: Path) -> str:
    """ "QEMU emulator version 7.2.22 (Debian …)" -> "7.2.22"; "" when it does not say."""
    try:
        done = subprocess.run(
            [path, "--version"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_ASK_TIMEOUT,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    match = re.search(r"version (\d[\w.]*)", done.stdout)
    return match[1] if match else ""


def _firmware(root: Path, arch: str) -> tuple[str, ...]:
    """UEFI images for this architecture: by QEMU's descriptors, or else where they usually are."""
    described = [
        image
        for folder in _DESCRIPTORS
        for path in sorted((root / folder).glob("*.json"))
        for image in _described(root, path, arch)
    ]
    usual = [str(path) for pattern in _IMAGES for path in sorted(root.glob(pattern))]
    return tuple(dict.fromkeys(described or usual))


def _described(root: Path, descriptor: Path, arch: str) -> Iterator[str]:
    """The image that a descriptor names, if it is UEFI for `arch` and there."""
    try:
        document: Any = json.loads(machine.text(descriptor) or "")
        interfaces = document["interface-types"]
        targets = [target["architecture"] for target in document["targets"]]
        mapping = document["mapping"]
        image = str((mapping.get("executable") or mapping)["filename"])
    except (ValueError, KeyError, TypeError, AttributeError):
        return
    path = root / image.lstrip("/")
    if "uefi" in interfaces and arch in targets and path.is_file():
        yield str(path)


def _user() -> str:
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return str(os.geteuid())


def _groups() -> tuple[str, ...] | None:
    names = []
    try:
        for number in {os.getegid(), *os.getgroups()}:
            try:
                names.append(grp.getgrgid(number).gr_name)
            except KeyError:
                names.append(str(number))
    except OSError:
        return None
    return tuple(sorted(names))
