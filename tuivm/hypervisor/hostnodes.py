"""Reading a host's node devices: one call for each, one after another.

Never from several threads: when a daemon freezes, libvirt's client tells one of them, and the
others wait for ever (see `spares.Spares`).
"""

from __future__ import annotations

import libvirt

from tuivm.domainxml.nodedevs import NodeDevice, read_node_device
from tuivm.hypervisor.errors import is_unsupported
from tuivm.model.offers import HostDevice

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


def read_nodes(conn: libvirt.virConnect, wanted: int = WANTED) -> tuple[NodeDevice, ...]:
    """What hangs on PCI and USB, SCSI devices, interfaces, disks and mediated devices, also those
    that are only defined. Raises libvirtError for a driver without node devices."""
    found = map(_node, conn.listAllDevices(wanted))
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
