"""Reading many node devices at a time, some of which go while they are read."""

from __future__ import annotations

import threading

import libvirt
import pytest

from tuivm.hypervisor.hostnodes import read_nodes

UUID = "4b20d080-1b54-4048-85b3-a6a62d165c01"
MDEV = f"""<device><name>mdev_{UUID.replace("-", "_")}</name><parent>pci_0000_00_02_0</parent>
  <capability type='mdev'><type id='i915-GVTg_V5_4'/><uuid>{UUID}</uuid>
  <iommuGroup number='0'/></capability></device>"""


def failure(code: int) -> libvirt.libvirtError:
    error = libvirt.libvirtError("refused")
    error.err = (code, 0, "refused", 2, None, None, None, 0, 0)
    return error


class Node:
    """A virNodeDevice, as far as it is asked here."""

    def __init__(self, xml: str = "", *, code: int = 0, states: bool = True) -> None:
        self._xml = xml
        self._code = code
        self._states = states

    def XMLDesc(self) -> str:  # noqa: N802 - libvirt's name
        if self._code:
            raise failure(self._code)
        return self._xml

    def isActive(self) -> int:  # noqa: N802 - libvirt's name
        if not self._states:
            raise failure(libvirt.VIR_ERR_NO_SUPPORT)
        return 0

    def isPersistent(self) -> int:  # noqa: N802 - libvirt's name
        return 1

    def autostart(self) -> int:
        return 1


class Conn:
    def __init__(self, *nodes: Node) -> None:
        self._nodes = list(nodes)

    def listAllDevices(self, _flags: int) -> list[Node]:  # noqa: N802 - libvirt's name
        return self._nodes


def read(*nodes: Node):  # type: ignore[no-untyped-def]
    return read_nodes(Conn(*nodes))  # type: ignore[arg-type]


def test_a_mediated_device_that_is_only_defined() -> None:
    (node,) = read(Node(MDEV))
    device = node.device
    assert (device.kind, device.address, device.parent) == ("mdev", UUID, "pci_0000_00_02_0")
    assert (device.active, device.defined, device.autostart) == (False, True, True)


def test_a_daemon_that_does_not_tell_whether_it_runs() -> None:
    (node,) = read(Node(MDEV, states=False))
    assert (node.device.active, node.device.defined) == (None, None)


def test_what_is_gone_or_unreadable_is_left_out() -> None:
    plain = Node("<device><name>computer</name></device>")
    found = read(Node(code=libvirt.VIR_ERR_NO_NODE_DEVICE), plain, Node("<domain/>"))
    assert [one.name for one in found] == ["computer"]


def test_any_other_failure_is_the_callers() -> None:
    with pytest.raises(libvirt.libvirtError):
        read(*(Node(code=libvirt.VIR_ERR_INTERNAL_ERROR) for _ in range(40)))


def test_one_thread_asks() -> None:
    """Two on one connection hang when the daemon freezes."""
    threads = set()

    class Asked(Node):
        def XMLDesc(self) -> str:  # noqa: N802 - libvirt's name
            threads.add(threading.get_ident())
            return super().XMLDesc()

    assert len(read(*(Asked(MDEV) for _ in range(40)))) == 40
    assert threads == {threading.get_ident()}
