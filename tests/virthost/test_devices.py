"""What tuivm tells of the virtual host's devices: groups, drivers, verdicts, and what changes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.rig import wait_until
from tests.virthost.site import (
    AHCI,
    CALL,
    ISA,
    NIC,
    NVME,
    ROOT_DISK,
    SMBUS,
    USB_DISK,
    USB_DISK_IDS,
    WAY_IN,
    Site,
)
from tuivm.hypervisor import hostuse
from tuivm.hypervisor.hostdevices import host_devices
from tuivm.hypervisor.hostnodes import read_nodes
from tuivm.preflight.passing import VerdictKind, verdict

# The first test builds the disk and boots, which has deadlines of its own.
pytestmark = pytest.mark.timeout(3600)


def test_the_groups_are_the_kernels(site: Site) -> None:
    links = site.run("find", "/sys/kernel/iommu_groups", "-type", "l").split()
    kernels = {link.rpartition("/")[2]: int(link.split("/")[4]) for link in links}
    offer = site.survey()
    pci = [one for one in offer.devices if one.kind == "pci"]
    assert {one.address: one.iommu_group for one in pci} == kernels
    assert len(set(kernels.values())) in (10, 11)
    for one in pci:
        together = {address for address, group in kernels.items() if group == one.iommu_group}
        assert set(one.group_members) == together
    assert set(site.device(AHCI, offer).group_members) == {ISA, AHCI, SMBUS}


def test_drivers_and_names_are_the_kernels(site: Site) -> None:
    pci = [one for one in site.survey().devices if one.kind == "pci"]
    assert {one.address: one.driver for one in pci} == site.drivers()
    said = site.run("lspci", "-Dnn").splitlines()
    ids = {line.split()[0]: line.split("[")[-1].split("]")[0] for line in said}
    assert {one.address: one.ids for one in pci} == ids
    (nic,) = [one for one in pci if one.address == NIC]
    assert "82574L" in nic.product
    assert "Intel" in nic.vendor


def test_a_device_that_is_unplugged_and_comes_back_is_told(site: Site) -> None:
    """A survey that is on the screen knows that it is old."""
    before = site.device(NIC)
    seen = site.revision()
    site.shell(f"echo 1 >/sys/bus/pci/devices/{NIC}/remove")
    site.wait_news(seen)
    # Its network interface goes first, and may be what was told of.
    wait_until(lambda: NIC not in site.addresses(), CALL, "the NIC to go")
    seen = site.revision()
    site.shell("echo 1 >/sys/bus/pci/rescan")
    site.wait_news(seen)
    wait_until(lambda: NIC in site.addresses(), CALL, "the NIC to come back")
    site.wait_driver(NIC, "e1000e")
    after = site.device(NIC)
    assert (after.ids, after.nodedev) == (before.ids, before.nodedev)


@pytest.mark.parametrize(("address", "loses"), [(WAY_IN, "connection"), (ROOT_DISK, "/dev/vda")])
def test_what_carries_the_host_is_never_free(site: Site, address: str, loses: str) -> None:
    """The NIC that the connection comes in by and the disk with /, judged from another machine:
    what cannot be known is told with the command that does."""
    verdict = site.verdict(address)
    assert verdict.kind in (VerdictKind.UNKNOWN, VerdictKind.HURTS), verdict
    assert loses in f"{verdict.words} {verdict.findings}"
    assert verdict.findings


def test_on_the_host_itself_it_is_known(site: Site, tmp_path: Path) -> None:
    """tuivm does not run there, so its /proc and /sys are brought here and looked at as a local
    host's are."""
    site.bring_tree(tmp_path)
    way_in = site.way_in()
    uses = hostuse.look(
        tmp_path,
        environ={"SSH_CONNECTION": "10.0.2.2 40000 10.0.2.15 22"},
        addresses=lambda: {way_in: ["10.0.2.15"]},
    )
    found = host_devices(read_nodes(site.conn), {}, uses)
    offer = site.survey()._replace(devices=found, local=True)
    disk = verdict(site.device(ROOT_DISK, offer), offer)
    assert disk.kind is VerdictKind.HURTS
    assert "/ is on it" in disk.words
    assert not disk.override
    nic = verdict(site.device(WAY_IN, offer), offer)
    assert nic.kind is VerdictKind.HURTS
    assert "default route" in f"{nic.words} {nic.findings}"
    assert "SSH session" in f"{nic.words} {nic.findings}"
    for address in (NIC, NVME, USB_DISK):
        free = verdict(site.device(address, offer), offer)
        assert free.kind is VerdictKind.FREE, (address, free)


def test_a_group_is_judged_whole(site: Site) -> None:
    """A bridge without which the host is none is in the group of three."""
    for member in (AHCI, SMBUS):
        verdict = site.verdict(member)
        assert verdict.kind not in (VerdictKind.FREE, VerdictKind.WITH_GROUP), verdict
        assert ISA in f"{verdict.words} {verdict.findings}"


def test_devices_that_nobody_needs_may_be_taken(site: Site) -> None:
    """The e1000e has no link and no address; the USB disk and the NVMe controller have what
    nothing here can look at."""
    assert site.verdict(NIC).kind in (VerdictKind.FREE, VerdictKind.UNKNOWN)
    for address in (NVME, USB_DISK):
        assert site.verdict(address).kind is VerdictKind.UNKNOWN, address


def test_usb_devices_are_told_apart_by_port(site: Site) -> None:
    usb = {one.address: one for one in site.survey().devices if one.kind == "usb"}
    ports = site.shell("cd /sys/bus/usb/devices; ls -d *-*[0-9] | grep -v :").split()
    # The hubs' own ports, usb1 and usb2, have no name with a port in it.
    plugged = {port for port in ports if not port.endswith("-0")}
    assert set(usb) == plugged
    assert usb[USB_DISK].ids == USB_DISK_IDS


def test_the_command_line_says_the_same(site: Site, tmp_path: Path) -> None:
    offer = site.survey()
    done = subprocess.run(
        [
            *(sys.executable, "-m", "tuivm", "-c", site.virthost.uri),
            *("devices", "--json", "--timeout", "120"),
        ],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        env={**os.environ, "HOME": str(tmp_path)},
        timeout=CALL,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    listed = {(one["kind"], one["address"]): one for one in json.loads(done.stdout)["devices"]}
    assert set(listed) == {(one.kind, one.address) for one in offer.devices}
    for device in offer.devices:
        row = listed[device.kind, device.address]
        judged = verdict(device, offer)
        assert row["iommu_group"] == device.iommu_group
        assert row["group_members"] == list(device.group_members)
        assert (row["driver"] or "") == device.driver
        assert row["used_by"] == list(device.used_by)
        assert (row["verdict"], row["override"]) == (judged.kind.value, judged.override)
        assert [one["id"] for one in row["findings"]] == [one.id for one in judged.findings]
