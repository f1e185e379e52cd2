"""SR-IOV on the virtual host: an NVMe controller's virtual functions."""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.support.rig import wait_until
from tests.virthost.site import CALL, NVME, NVME_IDS, VFS, Seer, Site, passed
from tuivm.model.hostrequests import MakeFunctionPool, SetFunctions
from tuivm.model.spec import Passed, PassKind
from tuivm.preflight.passing import VerdictKind

# The first test builds the disk and boots, which has deadlines of its own.
pytestmark = pytest.mark.timeout(3600)

A_VF = Passed(PassKind.VF, VFS[0])


def told(site: Site, functions: int) -> str:
    """The command that tuivm tells instead: another machine's sysfs is not its to write."""
    outcome = site.ask(SetFunctions(NVME, functions))
    assert outcome.problem is not None
    remedy = outcome.problem.remedy
    (program,) = re.findall(r"command=([^&]+)", site.virthost.uri)
    found = re.search(rf"{re.escape(program)} .*sriov_numvfs'", remedy)
    assert found, remedy
    return found[0]


def typed(command: str) -> None:
    """A person pastes it into a shell on this machine."""
    done = subprocess.run(
        ["sh", "-c", command],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=CALL,
        check=False,
    )
    assert done.returncode == 0, f"{command}: {done.stderr}"


@contextmanager
def two_functions(site: Site) -> Iterator[None]:
    """As the command that is told makes them."""
    command = told(site, 2)
    assert not set(VFS) & site.addresses()
    seen = site.revision()
    typed(command)
    try:
        # Nobody asks anew: the host tells of it.
        site.wait_news(seen)
        wait_until(lambda: set(VFS) <= site.addresses(), CALL, "two VFs in tuivm's survey")
        yield
    finally:
        seen = site.revision()
        typed(told(site, 0))
        site.wait_news(seen)
        wait_until(lambda: not set(VFS) & site.addresses(), CALL, "the VFs to be gone")


def test_two_functions_are_made_and_one_is_given_away(site: Site, seer: Seer) -> None:
    assert site.device(NVME).max_functions == 4
    with two_functions(site):
        offer = site.survey()
        assert site.device(NVME, offer).virtual_functions == VFS
        groups = {site.device(one, offer).iommu_group for one in (NVME, *VFS)}
        assert len(groups) == 3
        for one in VFS:
            assert site.device(one, offer).physical_function == NVME
        outcome = site.attach(seer.guest, A_VF)
        assert outcome.problem is None, outcome
        try:
            seer.wait_sees(NVME_IDS)
            assert site.driver(VFS[0]) == "vfio-pci"
            assert site.driver(NVME) == "nvme"
            taken, other, function = (site.verdict(one) for one in (VFS[0], VFS[1], NVME))
            assert taken.kind is VerdictKind.IN_USE
            assert other.kind is not VerdictKind.IN_USE
            # Its guest would lose the function with the controller under it.
            assert function.kind is VerdictKind.IN_USE
            assert seer.name in function.words
            # Nor may the number change under the guest.
            refused = site.ask(SetFunctions(NVME, 0)).problem
            assert refused is not None
            assert seer.name in " ".join(refused), refused
        finally:
            outcome = site.detach(seer.guest, A_VF)
        assert outcome.problem is None, outcome
        assert passed(seer.guest) == ()
        assert NVME_IDS not in seer.pci()


def test_more_functions_than_there_can_be_are_refused(site: Site) -> None:
    problem = site.ask(SetFunctions(NVME, 5)).problem
    assert problem is not None
    assert "4" in " ".join(problem), problem
    assert "sriov_numvfs" not in problem.remedy


def test_a_pool_of_functions_is_for_nics(site: Site) -> None:
    problem = site.ask(MakeFunctionPool("vfs", NVME)).problem
    assert problem is not None
    assert not [one for one in site.conn.listAllNetworks() if one.name() == "vfs"]


def test_the_command_is_one_that_a_shell_takes_as_it_stands(site: Site) -> None:
    words = shlex.split(told(site, 2))
    assert "root@127.0.0.1" in words
    assert words[-1].endswith(f"{NVME}/sriov_numvfs")
