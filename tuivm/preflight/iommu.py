"""Why a host has no IOMMU at work, and how it is switched on there.

Which options there are: the kernel's admin-guide/kernel-parameters. VT-d wants intel_iommu=on
unless the kernel was built with it on; AMD-Vi and ARM's SMMU are on wherever the firmware tells of
them, and amd_iommu=on, which many pages advise, is no option at all.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from tuivm.model.findings import Finding
from tuivm.model.offers import IommuFacts, IommuState
from tuivm.preflight.asking import error, note, shown, warning

_OFF = frozenset({"iommu=off", "intel_iommu=off", "amd_iommu=off"})
"""What switches it off on the kernel's command line."""
_INTEL = "intel_iommu=on iommu=pt"
"""With pt, only devices of guests go through the IOMMU: the host's own pay nothing for it."""
_NAMES = {
    "Intel": "VT-d (Intel Virtualization Technology for Directed I/O)",
    "AMD": "AMD-Vi (often just IOMMU, under NBIO, AMD CBS or North Bridge)",
    "ARM": "SMMU",
}


class _Loader(NamedTuple):
    """How the kernel gets its options on one family of distributions. add, remove: the command."""

    add: Callable[[str], str]
    remove: Callable[[str], str]


def iommu_findings(facts: IommuFacts, *, local: bool) -> tuple[Finding, ...]:
    """What stands between this host and passing PCI devices, each with the exact remedy; what
    could be better where nothing does. local: the commands are for this very machine."""
    where = "" if local else "on the host: "
    match facts.state:
        case IommuState.ON:
            return tuple(_better(facts, where))
        case IommuState.OFF_KERNEL:
            return (_off_in_kernel(facts, where),)
        case IommuState.OFF_FIRMWARE:
            name = _NAMES.get(facts.vendor, "VT-d, AMD-Vi or SMMU")
            intel = facts.vendor == "Intel" and "intel_iommu=on" not in facts.options
            more = f"; then: {_add(facts, _INTEL)}" if intel else ""
            return (
                error(
                    "iommu-firmware",
                    "",
                    "the IOMMU is off in the firmware",
                    f"the CPU is one of those that have it, but the firmware tells of none (no "
                    f"ACPI table {_table(facts.vendor)}); PCI devices cannot be passed through",
                    f"{where}reboot into the firmware's setup, switch on {name}{more}; where there "
                    "is no such setting, the board has none or needs a newer firmware",
                ),
            )
        case IommuState.ABSENT:
            return (
                error(
                    "iommu-absent",
                    "",
                    "the host has no IOMMU",
                    "its hardware has none, or it is a guest itself that was given none; PCI "
                    "devices cannot be passed through (USB and SCSI devices can)",
                    "another machine; for a guest: machine q35 with <iommu model='intel'> "
                    "(caching_mode and intremap on), then intel_iommu=on inside",
                ),
            )
    return (
        note(
            "iommu-unknown",
            "",
            "not known whether the IOMMU is on",
            "a device that is in an IOMMU group has one at work",
            f"{where}ls /sys/kernel/iommu_groups (empty: off); ls /sys/firmware/acpi/tables (DMAR: "
            "Intel's, IVRS: AMD's, IORT: ARM's; none of them: off in the firmware, or absent)",
        ),
    )


def _off_in_kernel(facts: IommuFacts, where: str) -> Finding:
    against = _against(facts)
    if against:
        why = f"the kernel was told so: {shown(' '.join(against))}"
        remedy = _remove(facts, " ".join(against))
        if facts.vendor == "Intel":
            remedy += f"; and {_add(facts, _INTEL)}"
    elif facts.vendor == "AMD":
        why = (
            "AMD-Vi is on by itself where the firmware tells of it, so the kernel met a fault "
            "(amd_iommu=on is no option and changes nothing)"
        )
        remedy = "see why: dmesg | grep -i -e AMD-Vi -e IVRS; a newer firmware often mends it"
    elif facts.vendor == "ARM":
        why = "an SMMU is on by itself where the firmware tells of it and the driver is there"
        remedy = "see why: dmesg | grep -i smmu; the kernel needs CONFIG_ARM_SMMU or ARM_SMMU_V3"
    else:
        why = "this kernel uses VT-d only when it is asked to"
        remedy = _add(facts, _INTEL)
    if against or facts.vendor not in {"AMD", "ARM"}:
        remedy += "; then reboot"
    return error(
        "iommu-kernel",
        "",
        "the IOMMU is off in the kernel",
        f"the firmware tells of one; {why}",
        f"{where}{remedy}",
    )


def _better(facts: IommuFacts, where: str) -> list[Finding]:
    if facts.groups == 0:
        return [
            warning(
                "iommu-no-groups",
                "",
                "the IOMMU is on, and no device is in a group of it",
                "then no PCI device can be passed through",
                f"{where}see why: dmesg | grep -i -e iommu -e DMAR -e AMD-Vi -e smmu",
            )
        ]
    x86 = facts.vendor in {"Intel", "AMD"}
    if x86 and facts.options and not _translates_less(facts.options):
        return [
            note(
                "iommu-pt",
                "",
                "the host's own devices go through the IOMMU too",
                "with iommu=pt only devices of guests do, so that the host's own DMA costs nothing "
                "extra; it is less strict with the host's own devices",
                f"{where}{_add(facts, 'iommu=pt')}; then reboot",
            )
        ]
    return []


def _translates_less(options: tuple[str, ...]) -> bool:
    return any(one in {"iommu=pt", "iommu=nopt", "iommu.passthrough=1"} for one in options)


def _against(facts: IommuFacts) -> list[str]:
    return [one for one in facts.options if one in _OFF]


def _table(vendor: str) -> str:
    return {"Intel": "DMAR", "AMD": "IVRS", "ARM": "IORT"}.get(vendor, "DMAR, IVRS or IORT")


def _add(facts: IommuFacts, options: str) -> str:
    return _loader(facts.distribution).add(options)


def _remove(facts: IommuFacts, options: str) -> str:
    return _loader(facts.distribution).remove(options)


def _grub(then: str) -> _Loader:
    """Options are in /etc/default/grub, from which a command makes the loader's own file."""

    def add(options: str) -> str:
        change = f"""'s/^GRUB_CMDLINE_LINUX="/&{options} /'"""
        return f"sudo sed -i {change} /etc/default/grub && {then}"

    def remove(options: str) -> str:
        takes = " ".join(f"-e '/^GRUB_CMDLINE_LINUX/s/ *\\b{one}\\b//'" for one in options.split())
        return f"sudo sed -i {takes} /etc/default/grub && {then}"

    return _Loader(add, remove)


def _command(add: str, remove: str) -> _Loader:
    """{options}: where they belong."""
    return _Loader(
        lambda options: add.replace("{options}", options),
        lambda options: remove.replace("{options}", options),
    )


_LOADERS = (
    (
        {"pop"},
        _command(
            'sudo kernelstub --add-options "{options}"',
            'sudo kernelstub --delete-options "{options}"',
        ),
    ),
    (
        {"nixos"},
        _command(
            'put "{options}" into boot.kernelParams of configuration.nix, word by word, and: '
            "sudo nixos-rebuild boot",
            'take "{options}" out of boot.kernelParams of configuration.nix, and: '
            "sudo nixos-rebuild boot",
        ),
    ),
    (
        {"raspbian"},
        _command(
            'add "{options}" to the one line of /boot/firmware/cmdline.txt',
            'take "{options}" out of the one line of /boot/firmware/cmdline.txt',
        ),
    ),
    ({"debian", "ubuntu"}, _grub("sudo update-grub")),
    (
        {"fedora", "rhel", "centos"},
        _command(
            'sudo grubby --update-kernel=ALL --args="{options}"',
            'sudo grubby --update-kernel=ALL --remove-args="{options}"',
        ),
    ),
    (
        {"suse", "opensuse", "sles"},
        _grub("sudo grub2-mkconfig -o /boot/grub2/grub.cfg"),
    ),
    (
        {"arch"},
        _command(
            'with systemd-boot, add "{options}" to the line options of /boot/loader/entries/*.conf;'
            " with GRUB, to GRUB_CMDLINE_LINUX in /etc/default/grub, and: "
            "sudo grub-mkconfig -o /boot/grub/grub.cfg",
            'with systemd-boot, take "{options}" out of the line options of '
            "/boot/loader/entries/*.conf; with GRUB, out of GRUB_CMDLINE_LINUX in "
            "/etc/default/grub, and: sudo grub-mkconfig -o /boot/grub/grub.cfg",
        ),
    ),
    ({"gentoo"}, _grub("sudo grub-mkconfig -o /boot/grub/grub.cfg")),
)
_UNKNOWN = _command(
    'add "{options}" to the kernel\'s command line (with GRUB: GRUB_CMDLINE_LINUX in '
    "/etc/default/grub, then update-grub or grub2-mkconfig; with systemd-boot: the line options of "
    "its entry; on Fedora and RHEL: grubby --update-kernel=ALL --args=…)",
    'take "{options}" out of the kernel\'s command line (with GRUB: /etc/default/grub, then '
    "update-grub or grub2-mkconfig; with systemd-boot: the line options of its entry)",
)


def _loader(distribution: str) -> _Loader:
    """distribution: ID, then ID_LIKE of os-release; the first word that is known decides."""
    for word in distribution.lower().split():
        family = word.partition("-")[0]
        for names, loader in _LOADERS:
            if word in names or family in names:
                return loader
    return _UNKNOWN
