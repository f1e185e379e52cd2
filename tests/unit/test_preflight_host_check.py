"""The judgement over a host's raw facts: each state, with its reason and remedy."""

from dataclasses import replace

import pytest

from tuivm.model.hosts import Problem
from tuivm.preflight.host_check import (
    Check,
    CheckState,
    DaemonFacts,
    EmulatorFacts,
    HostCheckFacts,
    checks,
)

OK, WARN, FAIL, UNKNOWN = CheckState.OK, CheckState.WARN, CheckState.FAIL, CheckState.UNKNOWN

GOOD = HostCheckFacts(
    arch="x86_64",
    cpu_vendor="GenuineIntel",
    cpu_flags=frozenset({"fpu", "vmx"}),
    kvm_present=True,
    kvm_open_error="",
    kvm_create_error="",
    kvm_modules=("kvm", "kvm_intel"),
    nested="Y\n",
    iommu_groups=14,
    iommu_table="DMAR",
    kernel_cmdline="root=/dev/sda1 intel_iommu=on",
    is_guest=False,
    daemons=(DaemonFacts("qemu:///system", None, "QEMU", "9.0.0"),),
    emulators=(EmulatorFacts("/usr/bin/qemu-system-x86_64", "x86_64", "7.2.19"),),
    firmware=("/usr/share/OVMF/OVMF_CODE_4M.fd", "/usr/share/OVMF/OVMF_CODE_4M.ms.fd"),
    user="me",
    groups=("me", "libvirt"),
    systemd=True,
)
BARE = replace(GOOD, cpu_flags=frozenset({"fpu"}))


def judge(facts: HostCheckFacts, name: str) -> Check:
    (found,) = [check for check in checks(facts) if check.name == name]
    return found


def test_a_good_host_has_nothing_to_mend() -> None:
    found = checks(GOOD)
    assert {check.state for check in found} == {OK}
    assert [check.remedy for check in found if check.remedy] == []
    assert all(check.reason for check in found)


def test_nothing_looked_at_is_nothing_known() -> None:
    found = checks(HostCheckFacts())
    assert {check.state for check in found} == {UNKNOWN}


@pytest.mark.parametrize(
    ("facts", "name", "state", "reason", "remedy"),
    [
        (replace(GOOD, is_guest=True), "machine", WARN, "itself a guest", ""),
        (GOOD, "CPU extensions", OK, "VT-x", ""),
        (replace(GOOD, cpu_flags=frozenset({"svm"})), "CPU extensions", OK, "AMD-V", ""),
        (BARE, "CPU extensions", FAIL, "TCG", "firmware set-up"),
        (replace(BARE, is_guest=True), "CPU extensions", FAIL, "TCG", "nested=1"),
        (replace(GOOD, arch="s390x", cpu_flags=frozenset({"sie"})), "CPU extensions", OK, "SIE",
         ""),
        (replace(BARE, arch="aarch64"), "CPU extensions", OK, "KVM works", ""),
        (replace(BARE, arch="aarch64", kvm_create_error=None), "CPU extensions", UNKNOWN, "aarch64",
         ""),
        (replace(GOOD, kvm_present=False, kvm_modules=("kvm",)), "/dev/kvm", FAIL, "none",
         "modprobe kvm_intel"),
        (replace(GOOD, kvm_present=False), "/dev/kvm", FAIL, "none", "container"),
        (replace(BARE, kvm_present=False), "/dev/kvm", FAIL, "none", "CPU extensions"),
        (replace(GOOD, kvm_open_error="Permission denied"), "/dev/kvm", WARN,
         "me cannot open it", "usermod -aG kvm me"),
        (replace(GOOD, kvm_open_error="No such device"), "/dev/kvm", FAIL, "No such device", ""),
        (replace(GOOD, kvm_create_error="Device or resource busy"), "/dev/kvm", FAIL,
         "makes no virtual machine", "VirtualBox"),
        (replace(GOOD, kvm_create_error=None), "/dev/kvm", UNKNOWN, "not tried", ""),
        (replace(GOOD, nested="N"), "nested", WARN, "off", "modprobe kvm_intel nested=1"),
        (replace(GOOD, nested="0\n", cpu_flags=frozenset({"svm"})), "nested", WARN, "off (0)",
         "kvm_amd nested=1"),
        (replace(GOOD, iommu_groups=1), "IOMMU", OK, "1 group", ""),
        (replace(GOOD, iommu_groups=0, kernel_cmdline="quiet"), "IOMMU", WARN, "DMAR",
         "intel_iommu=on"),
        (replace(GOOD, iommu_groups=0, kernel_cmdline="iommu=off"), "IOMMU", WARN, "iommu=off",
         "take iommu=off off"),
        (replace(GOOD, iommu_groups=0, iommu_table="IVRS"), "IOMMU", WARN, "IVRS", "dmesg"),
        (replace(GOOD, iommu_groups=0, iommu_table=""), "IOMMU", WARN, "shows none", "VT-d"),
        (replace(GOOD, iommu_groups=0, iommu_table="", is_guest=True), "IOMMU", WARN,
         "without a virtual IOMMU", "<iommu>"),
        (replace(GOOD, iommu_groups=0, iommu_table=None), "IOMMU", WARN, "cannot be assigned", ""),
        (replace(GOOD, emulators=()), "QEMU", FAIL, "no qemu-system", "qemu-system-x86"),
        (replace(GOOD, emulators=(EmulatorFacts("/q", "aarch64", "8.2.0"),)), "QEMU", WARN,
         "only for aarch64", "install"),
        (GOOD, "QEMU", OK, "7.2.19", ""),
        (replace(GOOD, firmware=()), "UEFI firmware", WARN, "BIOS only", "ovmf"),
        (replace(GOOD, firmware=(), arch="aarch64"), "UEFI firmware", WARN, "BIOS only",
         "qemu-efi-aarch64"),
        (GOOD, "UEFI firmware", OK, "and 1 more", ""),
        (replace(GOOD, daemons=(), groups=("me",)), "permission", WARN, "not in the group",
         "usermod -aG libvirt me"),
        (replace(GOOD, daemons=(), groups=("me",), root=True), "permission", OK, "root", ""),
        (replace(GOOD, groups=("me",)), "permission", OK, "me may use", ""),
        (replace(GOOD, daemons=()), "permission", OK, "in the group libvirt", ""),
    ],
)  # fmt: skip
def test_judgements(
    facts: HostCheckFacts, name: str, state: CheckState, reason: str, remedy: str
) -> None:
    found = judge(facts, name)
    assert (found.state, reason in found.reason) == (state, True), found
    assert remedy in found.remedy
    assert bool(found.remedy) is bool(remedy)


@pytest.mark.parametrize(("systemd", "command"), [(True, "systemctl"), (False, "libvirtd -d")])
def test_a_daemon_that_is_not_running(systemd: bool, command: str) -> None:
    problem = Problem(
        "cannot connect to local",
        "Failed to connect socket to '/var/run/libvirt/libvirt-sock': No such file or directory",
    )
    facts = replace(GOOD, systemd=systemd, daemons=(DaemonFacts("qemu:///system", problem),))
    found = judge(facts, "libvirt qemu:///system")
    assert found.state is FAIL
    assert "libvirt-sock" in found.reason
    assert command in found.remedy


def test_a_problem_that_nobody_knows_keeps_its_own_remedy() -> None:
    problem = Problem("cannot connect", "oops", "the moon", "wait")
    facts = replace(GOOD, daemons=(DaemonFacts("xen:///", problem),))
    found = judge(facts, "libvirt xen:///")
    assert (found.reason, found.remedy) == ("oops (the moon)", "wait")


def test_every_daemon_is_judged_alone() -> None:
    facts = replace(GOOD, daemons=(*GOOD.daemons, DaemonFacts("qemu:///session", Problem("no"))))
    assert judge(facts, "libvirt qemu:///system").state is OK
    assert judge(facts, "libvirt qemu:///session").state is FAIL


def test_text_of_the_system_is_shown_with_its_control_characters_visible() -> None:
    facts = replace(GOOD, user="me\x1b[2J", daemons=(), groups=(), kvm_open_error="Permission\x07")
    shown = " ".join(check.reason + check.remedy for check in checks(facts))
    assert "\x1b" not in shown
    assert "\x07" not in shown
