"""The Lab on the virtual host: nested KVM, over ssh, and a disk controller passed through."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tuivm.hypervisor.labhost import open_lab_host
from tuivm.lab import experiments
from tuivm.lab.models import PASSTHROUGH
from tuivm.lab.ports import PREFIX, HostAbilities, LabError
from tuivm.model.hosts import HostSpec
from tuivm.model.lab import LabRequest
from tuivm.virthost.host import VirtualHost

# The first test builds the disk and boots, which has deadlines of its own.
pytestmark = pytest.mark.timeout(3600)

RUN_SECONDS = 900
NVME, NIC = "0000:02:00.0", "0000:01:00.0"
ROOT_DISK, WAY_IN = "0000:00:06.0", "0000:00:02.0"
AHCI, SMBUS = "0000:00:1f.2", "0000:00:1f.3"
EACH_READ = {"virtio-blk": 1, "nvme": 2, "ahci": 7, "ide": 26}
"""Traps of a 4 KiB direct read."""
VIRSH = ("virsh", "--connect", "qemu:///system")

Run = Mapping[str, Any]


def lab_run(host: VirtualHost, home: Path, *words: str) -> Run:
    """`tuivm lab run --quick --json` on it, with the appliance in the person's own cache."""
    done = subprocess.run(
        [sys.executable, "-m", "tuivm", "lab", "run", "--quick", "--json", *words, "-c", host.uri],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        env={
            **os.environ,
            **{f"XDG_{kind}_HOME": str(home / kind) for kind in ("CONFIG", "STATE", "DATA")},
        },
        timeout=RUN_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    run: Run = json.loads(done.stdout)
    assert run["complete"], done.stderr
    return run


def rows_of(run: Run) -> dict[str, Any]:
    (result,) = run["results"]
    return {row["subject"]: row for row in result["rows"]}


def left_behind(host: VirtualHost) -> list[str]:
    """Guests, pools, networks and files of the Lab that the host has now."""
    said = [
        host.run([*VIRSH, kind, "--all", "--name"]).stdout
        for kind in ("list", "pool-list", "net-list")
    ]
    said.append(host.run(["find", "/var/lib/libvirt", "/var/tmp"]).stdout)
    return [line for line in "".join(said).splitlines() if PREFIX in line]


def driver_of(host: VirtualHost, address: str) -> str:
    """ "" for none."""
    link = host.run(["readlink", f"/sys/bus/pci/devices/{address}/driver"], check=False).stdout
    return Path(link.strip()).name


@contextmanager
def detached(host: VirtualHost, *addresses: str) -> Iterator[None]:
    """These devices taken from the host's drivers, as a person does it who wants to give them to
    guests, and given back."""
    names = ["pci_" + address.replace(":", "_").replace(".", "_") for address in addresses]
    for name in names:
        host.run([*VIRSH, "nodedev-detach", name])
    try:
        yield
    finally:
        for name in names:
            host.run([*VIRSH, "nodedev-reattach", name])


def test_kvm_pays_for_every_trap(virthost: VirtualHost, tmp_path: Path) -> None:
    run = lab_run(virthost, tmp_path, "--storage", "--models", ",".join(EACH_READ))
    assert run["host"]["accelerator"] == "kvm", run["remarks"]
    rows = rows_of(run)
    assert {id_: row["traps"] for id_, row in rows.items()} == pytest.approx(EACH_READ, rel=0.15)
    # Ratios of one run to its own baseline: what else goes on on this machine is in both. Medians
    # of latencies, as a machine that stands still for a moment is in a rate.
    times = [rows[id_]["ratios"]["d1.p50"]["median"] for id_ in ("virtio-blk", "ahci", "ide")]
    assert times == sorted(set(times))
    assert rows["ide"]["ratios"]["d1.rate"]["median"] < 1
    assert left_behind(virthost) == []


def abilities_of(host: VirtualHost) -> HostAbilities:
    lab = open_lab_host(HostSpec("virthost", host.uri))
    try:
        return lab.abilities()
    finally:
        lab.close()


def test_what_the_host_uses_is_not_given_away(virthost: VirtualHost) -> None:
    """Not even when it is asked for: its root disk, the NIC that ssh comes in by, what has a
    driver."""
    asked = (ROOT_DISK, WAY_IN, NVME, NIC)
    found = abilities_of(virthost)
    assert found.spare == ()
    plan = experiments.plan(found, LabRequest(passthrough=asked))
    assert not [one.id for one in plan.subjects if one.id.startswith(PASSTHROUGH)]
    assert {PASSTHROUGH + address for address in asked} <= {one.subject for one in plan.omitted}
    with pytest.raises(LabError, match=ROOT_DISK):
        experiments.plan(found, LabRequest(models=(PASSTHROUGH + ROOT_DISK,)))


def test_a_group_is_given_away_whole_or_not_at_all(virthost: VirtualHost) -> None:
    """The AHCI controller has no driver then, but the SMBus controller beside it has."""
    with detached(virthost, AHCI, NVME):
        assert driver_of(virthost, SMBUS) == "i801_smbus"
        assert [one.address for one in abilities_of(virthost).spare] == [NVME]


def test_a_disk_controller_that_is_free_is_measured_and_given_back(
    virthost: VirtualHost, tmp_path: Path
) -> None:
    passed = PASSTHROUGH + NVME
    with detached(virthost, NVME):
        run = lab_run(virthost, tmp_path, "--storage", "--models", f"virtio-blk,{passed}")
        assert driver_of(virthost, NVME) == "vfio-pci"
    assert driver_of(virthost, NVME) == "nvme"
    row = rows_of(run)[passed]
    assert row["class"] == "physical"
    assert row["figures"]["d1.p50"]["median"] > 0
    assert row["figures"]["interrupts"]["median"] == pytest.approx(1, rel=0.15)
    # Its driver makes no access that QEMU, or KVM, would see.
    (tally,) = [one for one in run["tallies"] if one["subject"] == passed]
    assert tally["source"] == "exits"
    assert row["traps"] == pytest.approx(0, abs=0.15)
    assert left_behind(virthost) == []
