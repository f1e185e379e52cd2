"""What an operating system has drivers for, by osinfo-db's names of devices."""

from __future__ import annotations

from tuivm.model.oses import OsInfo

Q35 = "qemu-x86-q35"


def drives(os: OsInfo, function: str, *, modern: bool = False) -> bool | None:
    """Has it a virtio driver for "block", "net", "scsi", "rng", "balloon", "console", "gpu", …?

    modern: only virtio 1.0 will do, as on PCI Express, where QEMU leaves the legacy interface out.
    None where nothing is known of the OS. No Windows brings virtio drivers: they are added.
    """
    if not os.devices:
        return False if windows(os) else None
    names = {f"virtio1.0-{function}"}
    if not modern:
        names.add(f"virtio-{function}")
    return not names.isdisjoint(os.devices)


def windows(os: OsInfo) -> bool:
    return os.family.startswith("win")


def knows_q35(os: OsInfo) -> bool | None:
    """None where nothing is known of the OS."""
    if not os.devices:
        return None
    return Q35 in os.devices or "virtio1.0-block" in os.devices


def needs_uefi(os: OsInfo) -> bool:
    """osinfo-db says of Windows 11 alone that no BIOS boots it."""
    return os.bios is False and os.uefi is not False


def needs_tpm(os: OsInfo) -> bool:
    """osinfo-db does not tell; Windows 11 and Server 2025's relatives ask for TPM 2.0."""
    return windows(os) and needs_uefi(os)
