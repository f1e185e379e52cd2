"""Reading a host's node devices: one call for each, several under way at a time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

import libvirt

from tuivm.domainxml.nodedevs import NodeDevice, read_node_device
from tuivm.hypervisor.errors import is_unsupported
from tuivm.model.offers import HostDevice

T = TypeVar("T")
R = TypeVar("R")

WANTED = (
    libvirt.VIR_CONNECT_LIST_NODE_DEVICES_CAP_PCI_DEV
    | libvirt.VIR_CONNECT_LIST_NODE_DEVICES_CAP_USB_DEV
    | libvirt.VIR_CONNECT_LIST_NODE_DEVICES_CAP_USB_INTERFACE
    | libvirt.VIR_CONNECT_LIST_NODE_DEVICES_CAP_NET
    | libvirt.VIR_CONNECT_LIST_NODE_DEVICES_CAP_SCSI
    | libvirt.VIR_CONNECT_LIST_NODE_DEVICES_CAP_STORAGE
    | libvirt.VIR_CONNECT_LIST_NODE_DEVICES_CAP_MDEV
)
INTERFACES = libvirt.VIR_CONNECT_LIST_NODE_DEVICES_CAP_NET
ABREAST = 4
"""libvirt's daemons work on five requests of a client at a time (max_client_requests)."""


def read_nodes(conn: libvirt.virConnect, wanted: int = WANTED) -> tuple[NodeDevice, ...]:
    """What hangs on PCI and USB, SCSI devices, interfaces, disks and mediated devices, also those
    that are only defined. Raises libvirtError for a driver without node devices."""
    found = abreast(_node, conn.listAllDevices(wanted))
    return tuple(node for node in found if node is not None)


def _node(device: libvirt.virNodeDevice) -> NodeDevice | None:
    try:
        node = read_node_device(device.XMLDesc())
        if node.device is not None and node.device.kind == "mdev":
            node = node._replace(device=_mdev(device, node.device))
    except libvirt.libvirtError as error:
        # Unplugged meanwhile.
        if error.get_error_code() != libvirt.VIR_ERR_NO_NODE_DEVICE:
            raise
        return None
    except ValueError:
        return None
    return node


def _mdev(device: libvirt.virNodeDevice, told: HostDevice) -> HostDevice:
    """Whether it is started, stays and starts by itself: libvirt 7.8 and later tell."""
    try:
        return told._replace(
            active=bool(device.isActive()),
            defined=bool(device.isPersistent()),
            autostart=bool(device.autostart()),
        )
    except libvirt.libvirtError as error:
        if not is_unsupported(error):
            raise
        return told


def abreast(call: Callable[[T], R], items: Sequence[T]) -> list[R]:
    """The call for each, in order, a few at a time: over a slow line it is the way there and back
    that takes long. Raises what the first of the calls that fails raises."""
    results: list[R | None] = [None] * len(items)
    failures: list[libvirt.libvirtError] = []
    numbers = iter(range(len(items)))
    lock = threading.Lock()

    def take() -> Iterator[int]:
        while not failures:
            with lock:
                number = next(numbers, None)
            if number is None:
                return
            yield number

    def work() -> None:
        for number in take():
            try:
                results[number] = call(items[number])
            except libvirt.libvirtError as error:
                failures.append(error)

    # Daemons, so that a call that hangs does not keep the program from ending.
    helpers = [
        threading.Thread(target=work, name=f"nodes-{number}", daemon=True)
        for number in range(min(ABREAST, len(items) // ABREAST) - 1)
    ]
    for one in helpers:
        one.start()
    work()
    for one in helpers:
        one.join()
    if failures:
        raise failures[0]
    return results  # type: ignore[return-value]  # every number was taken and none failed
