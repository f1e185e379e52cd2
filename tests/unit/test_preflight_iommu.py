"""Why there is no IOMMU at work, and the command that turns it on, by CPU and distribution."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tuivm.model.findings import Finding, Severity
from tuivm.model.offers import IommuFacts, IommuState
from tuivm.preflight.iommu import iommu_findings

OFF = IommuState.OFF_KERNEL
INTEL = IommuFacts(OFF, vendor="Intel", distribution="debian")
GRUB = """GRUB_TIMEOUT=5
GRUB_CMDLINE_LINUX_DEFAULT="quiet iommu=off splash"
GRUB_CMDLINE_LINUX="intel_iommu=off iommu=off"
"""


def told(facts: IommuFacts, *, local: bool = True) -> Finding:
    (found,) = iommu_findings(facts, local=local)
    assert "  " not in found.what + found.why + found.remedy
    return found


@pytest.mark.parametrize(
    ("distribution", "command"),
    [
        ("debian", "/etc/default/grub && sudo update-grub"),
        ("ubuntu debian", "sudo update-grub"),
        ("linuxmint ubuntu debian", "sudo update-grub"),
        ("pop ubuntu debian", 'kernelstub --add-options "intel_iommu=on iommu=pt"'),
        ("fedora", 'grubby --update-kernel=ALL --args="intel_iommu=on iommu=pt"'),
        ("rocky rhel centos fedora", "grubby --update-kernel=ALL"),
        ("opensuse-tumbleweed opensuse suse", "grub2-mkconfig -o /boot/grub2/grub.cfg"),
        ("sles suse", "grub2-mkconfig"),
        ("arch", "/boot/loader/entries/*.conf"),
        ("manjaro arch", "/boot/loader/entries/*.conf"),
        ("nixos", "boot.kernelParams"),
        ("raspbian debian", "cmdline.txt"),
        ("", "grubby"),
        ("slackware", "kernel's command line"),
    ],
)
def test_the_command_of_each_distribution(distribution: str, command: str) -> None:
    found = told(INTEL._replace(distribution=distribution))
    assert command in found.remedy
    assert "intel_iommu=on" in found.remedy
    assert found.remedy.endswith("then reboot")


def test_what_each_vendor_wants_of_its_kernel() -> None:
    assert "intel_iommu=on iommu=pt" in told(INTEL).remedy
    amd = told(INTEL._replace(vendor="AMD"))
    assert "amd_iommu=on" not in amd.remedy
    assert "no option" in amd.why
    assert "dmesg" in amd.remedy
    assert "SMMU" in told(INTEL._replace(vendor="ARM")).remedy
    assert "iommu=on" not in told(INTEL._replace(vendor="ARM")).remedy


def test_what_switches_it_off_is_taken_out_again() -> None:
    amd = told(INTEL._replace(vendor="AMD", options=("amd_iommu=off", "quiet")))
    assert "amd_iommu=off" in amd.why
    assert r"s/ *\bamd_iommu=off\b//" in amd.remedy
    assert "quiet" not in amd.remedy
    intel = told(INTEL._replace(distribution="fedora", options=("intel_iommu=off",)))
    assert '--remove-args="intel_iommu=off"' in intel.remedy
    assert '--args="intel_iommu=on iommu=pt"' in intel.remedy


def test_the_three_kinds_of_off_are_told_apart() -> None:
    states = (IommuState.ABSENT, IommuState.OFF_FIRMWARE, IommuState.OFF_KERNEL)
    found = [told(INTEL._replace(state=state)) for state in states]
    assert [one.id for one in found] == ["iommu-absent", "iommu-firmware", "iommu-kernel"]
    assert all(one.severity is Severity.ERROR for one in found)
    assert "VT-d" in found[1].remedy
    assert "intel_iommu=on" in found[1].remedy
    assert "DMAR" in found[1].why
    amd = told(INTEL._replace(state=IommuState.OFF_FIRMWARE, vendor="AMD"))
    assert "AMD-Vi" in amd.remedy
    assert "iommu=" not in amd.remedy
    assert "IVRS" in amd.why


def test_what_is_not_known_is_told_with_the_command() -> None:
    found = told(IommuFacts(), local=False)
    assert found.severity is Severity.NOTE
    assert "on the host: ls /sys/kernel/iommu_groups" in found.remedy


def test_what_is_on_may_be_better() -> None:
    on = IommuFacts(IommuState.ON, 12, "Intel", "debian", ("intel_iommu=on",))
    assert told(on).id == "iommu-pt"
    assert not iommu_findings(on._replace(options=("intel_iommu=on", "iommu=pt")), local=True)
    # Of a remote host the options are not known.
    assert not iommu_findings(on._replace(options=()), local=False)
    assert told(on._replace(groups=0)).severity is Severity.WARNING


def run(command: str, file: Path) -> str:
    """The part of a remedy that edits GRUB's file, as a shell runs it."""
    edit = command.partition(" && ")[0].replace("sudo ", "")
    done = edit.replace("/etc/default/grub", str(file))
    subprocess.run(["sh", "-c", done], check=True)
    return file.read_text()


def test_the_edits_of_grubs_file_do_what_they_say(tmp_path: Path) -> None:
    file = tmp_path / "grub"
    file.write_text(GRUB)
    off = told(INTEL._replace(options=("iommu=off", "intel_iommu=off"))).remedy
    first, _, second = off.partition("; and ")
    lines = run(first, file).splitlines()
    assert lines[1:] == ['GRUB_CMDLINE_LINUX_DEFAULT="quiet splash"', 'GRUB_CMDLINE_LINUX=""']
    lines = run(second, file).splitlines()
    assert lines[1] == 'GRUB_CMDLINE_LINUX_DEFAULT="quiet splash"'
    assert lines[2].startswith('GRUB_CMDLINE_LINUX="intel_iommu=on iommu=pt ')
