"""The virtual host has what it is there for, and tuivm sees it as any host over ssh."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tuivm.virthost.host import VirtualHost

# The first test builds the disk and boots, which has deadlines of its own.
pytestmark = pytest.mark.timeout(3600)

PASSED_THROUGH = ("pci_0000_01_00_0", "pci_0000_02_00_0")


def test_tuivm_lists_it_with_kvm(virthost: VirtualHost, tmp_path: Path) -> None:
    """By the program's own way to ssh, tuivm-ssh where it is installed."""
    done = subprocess.run(
        [sys.executable, "-m", "tuivm", "-c", virthost.uri, "hosts", "--json", "--timeout", "120"],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        env={**os.environ, "HOME": str(tmp_path)},
        timeout=240,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    (host,) = json.loads(done.stdout)["hosts"]
    assert (host["state"], host["driver"], host["local"]) == ("up", "QEMU", False)
    assert host["hostname"] == "virthost"
    assert "kvm" in host["virt_types"]


def test_kvm_in_it_runs_a_guest(virthost: VirtualHost) -> None:
    """Not only there to be opened: the kernel in a guest gets to where it finds no disk."""
    assert virthost.run(["cat", "/sys/module/kvm_amd/parameters/nested"]).stdout.strip() == "1"
    (kernel,) = virthost.run(["find", "/boot", "-name", "vmlinuz-*"]).stdout.split()
    done = virthost.run(
        [
            *("timeout", "300", "qemu-system-x86_64", "-accel", "kvm", "-cpu", "host", "-m", "256"),
            *("-nographic", "-no-reboot", "-kernel", kernel, "-append", "console=ttyS0 panic=-1"),
        ],
        seconds=320,
    )
    assert "Unable to mount root fs" in done.stdout
    assert "Hypervisor detected: KVM" in done.stdout


def test_devices_to_pass_through_are_alone_in_their_groups(virthost: VirtualHost) -> None:
    virsh = ["virsh", "--connect", "qemu:///system"]
    listed = virthost.run([*virsh, "nodedev-list", "--cap", "pci"]).stdout.split()
    assert set(PASSED_THROUGH) <= set(listed)
    links = virthost.run(["find", "/sys/kernel/iommu_groups", "-type", "l"]).stdout.split()
    group_of = {Path(link).name: Path(link).parts[4] for link in links}
    sizes = Counter(group_of.values())
    assert [sizes[group_of[address]] for address in ("0000:01:00.0", "0000:02:00.0")] == [1, 1]
    assert max(sizes.values()) == 3
    total = virthost.run(["cat", "/sys/bus/pci/devices/0000:02:00.0/sriov_totalvfs"]).stdout
    assert int(total) == 4
