"""Guests that tuivm creates on the virtual host: with nesting, and with a device from the start."""

from __future__ import annotations

import pytest

from tests.support.shell import Shell
from tests.virthost.site import CALL, E1000E, KEPT, NIC, Site, pci_seen, removed
from tuivm.creation import Creation
from tuivm.model.creation import Created
from tuivm.model.findings import Severity
from tuivm.specfile import load

# The first test builds the disk and boots, which has deadlines of its own.
pytestmark = pytest.mark.timeout(3600)

SPEC = f"""
[guest]
name = "made"
vcpus = 1
memory = "256 MiB"
graphics = "none"
[source]
kind = "kernel"
cmdline = "console=ttyS0 quiet load=shell,deaf"
kernel.path = "{KEPT}/kernel"
initrd.path = "{KEPT}/initrd"
"""


def created(site: Site, more: str) -> Created:
    """As the wizard makes it; warnings are accepted, errors are not."""
    creation = Creation(site.host.creating())
    drawn = creation.draw(load(SPEC + more)).result(CALL)
    assert drawn.problem is None, drawn.problem
    assert [one for one in drawn.findings if one.severity is Severity.ERROR] == []
    assert drawn.plan is not None
    made = creation.create(drawn.plan, lambda _progress: None).result.result(CALL)
    assert made.problem is None, made
    assert made.started
    return made


def test_a_guest_with_nesting_and_a_nic_of_the_hosts(site: Site) -> None:
    made = created(
        site,
        f"""
        [machine]
        nested = true
        [[passthrough]]
        kind = "pci"
        device = "{NIC}"
        """,
    )
    guest = site.conn.lookupByUUIDString(made.uuid)
    with removed(guest):
        assert "type='kvm'" in guest.XMLDesc().partition("\n")[0]
        with Shell(site.virthost.uri, made.uuid, patience=CALL) as shell:
            shell.ready()
            assert "svm" in shell.run("grep -m1 ^flags /proc/cpuinfo").split()
            assert "KVM" in shell.run("dmesg | grep Hypervisor")
            assert E1000E in pci_seen(shell.run)
    site.wait_driver(NIC, "e1000e")
