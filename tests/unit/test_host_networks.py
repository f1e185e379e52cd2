"""Virtual networks of a libvirt that is played: leases, and who is on them."""

from __future__ import annotations

from typing import Any

import libvirt

from tuivm.domainxml.networkxml import PluggedNic
from tuivm.hypervisor.hostnetworks import read_networks
from tuivm.model.offers import Lease, Network, NetworkUser

NAT = """<network><name>{}</name><forward mode='nat'/><bridge name='virbr0'/>
  <ip address='192.168.122.1' netmask='255.255.255.0'><dhcp/></ip></network>"""
LEASES: list[dict[str, Any]] = [
    {
        "iface": "virbr0",
        "expirytime": 1700000000,
        "type": 0,
        "mac": "52:54:00:00:00:02",
        "ipaddr": "192.168.122.50",
        "prefix": 24,
        "hostname": "web",
        "clientid": None,
        "iaid": None,
    },
    {
        "iface": "virbr0",
        "expirytime": 0,
        "type": 0,
        "mac": "52:54:00:00:00:03",
        "ipaddr": "192.168.122.4",
        "prefix": 24,
        "hostname": None,
        "clientid": None,
        "iaid": None,
    },
]


def failure(code: int) -> libvirt.libvirtError:
    error = libvirt.libvirtError("refused")
    error.err = (code, 0, "refused", 2, None, None, None, 0, 0)
    return error


class Net:
    """A virNetwork, as far as it is asked here. code: what each question fails with."""

    def __init__(self, name: str, *, active: int = 1, persistent: int = 1, code: int = 0) -> None:
        self._name = name
        self._active = active
        self._persistent = persistent
        self._code = code
        self.asked = 0

    def XMLDesc(self) -> str:  # noqa: N802 - libvirt's name
        if self._code == libvirt.VIR_ERR_NO_NETWORK:
            raise failure(self._code)
        return NAT.format(self._name)

    def isActive(self) -> int:  # noqa: N802 - libvirt's name
        return self._active

    def isPersistent(self) -> int:  # noqa: N802 - libvirt's name
        return self._persistent

    def autostart(self) -> int:
        assert self._persistent, "libvirt refuses that"
        return 1

    def DHCPLeases(self) -> list[dict[str, Any]]:  # noqa: N802 - libvirt's name
        self.asked += 1
        if self._code:
            raise failure(self._code)
        return LEASES


class Conn:
    def __init__(self, *networks: Net) -> None:
        self._networks = list(networks)

    def listAllNetworks(self) -> list[Net]:  # noqa: N802 - libvirt's name
        return self._networks


def read(*networks: Net, **nics: tuple[PluggedNic, ...]) -> tuple[Network, ...]:
    return read_networks(Conn(*networks), nics)  # type: ignore[arg-type]


def test_leases_and_users() -> None:
    (network,) = read(
        Net("default"),
        web=(PluggedNic("52:54:00:00:00:02", "default", "virbr0", running=True),),
        db=(PluggedNic("52:54:00:00:00:03", "", "virbr0", running=False),),
        other=(PluggedNic("52:54:00:00:00:09", "lan", "", running=True),),
    )
    assert network.leases == (
        Lease("52:54:00:00:00:03", "192.168.122.4/24", "", None),
        Lease("52:54:00:00:00:02", "192.168.122.50/24", "web", 1700000000),
    )
    assert network.users == (
        NetworkUser("db", "52:54:00:00:00:03", running=False),
        NetworkUser("web", "52:54:00:00:00:02", running=True),
    )
    assert (network.autostart, network.persistent) == (True, True)


def test_a_network_of_one_run_has_no_autostart() -> None:
    (network,) = read(Net("passing", persistent=0))
    assert (network.autostart, network.persistent) == (None, False)


def test_one_that_does_not_run_has_no_leases() -> None:
    off = Net("off", active=0)
    (network,) = read(off)
    assert network.leases == ()
    assert off.asked == 0


def test_what_goes_meanwhile() -> None:
    gone, stopped = Net("gone", code=libvirt.VIR_ERR_NO_NETWORK), Net("stopped")
    stopped._code = libvirt.VIR_ERR_OPERATION_INVALID
    old = Net("old", code=libvirt.VIR_ERR_NO_SUPPORT)
    found = read(gone, stopped, old)
    assert [(one.name, one.leases) for one in found] == [("old", ()), ("stopped", ())]
