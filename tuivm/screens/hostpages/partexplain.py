"""Words for `explain` on pools, volumes and networks. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from tuivm.model.hosts import HostSpec
from tuivm.model.offers import HostDevice, HostOffer, Lease, Network, NetworkUser, Pool, Volume
from tuivm.screens.explaining import Explanation, virsh

_POOLS = {
    "dir": "Here it is a directory: each file in it is a volume.",
    "fs": "Here it is a filesystem that libvirt mounts when the pool is started.",
    "netfs": "Here it is an export of a file server (NFS, CIFS) that libvirt mounts at its start.",
    "logical": "Here it is an LVM volume group: each logical volume is one, raw and fast.",
    "disk": "Here it is a whole disk: each partition is a volume.",
    "iscsi": "Here it is an iSCSI target that the host logs in to: each LUN is a volume.",
    "iscsi-direct": "Here it is an iSCSI target that QEMU talks to itself, past the host's kernel.",
    "scsi": "Here it is a SCSI host adapter: each LUN behind it is a volume.",
    "mpath": "Here it is all multipath devices of the host.",
    "rbd": "Here it is a Ceph pool: QEMU reads and writes the cluster itself.",
    "gluster": "Here it is a Gluster volume.",
    "zfs": "Here it is a ZFS pool: each volume is a zvol.",
}
_FORMATS = {
    "raw": "raw: the bytes of the guest's disk and nothing else, so nothing is faster",
    "qcow2": "qcow2: it grows with what is written, and can lie on another image (an overlay)",
    "qed": "qed: an old format of QEMU's, given up",
    "vmdk": "vmdk: VMware's format",
    "vdi": "vdi: VirtualBox's format",
    "vpc": "vpc: Hyper-V's older format (VHD)",
    "iso": "iso: a medium for a CD-ROM drive",
    "luks": "luks: encrypted",
}
_NETWORKS = {
    "": (
        "This one is isolated: a bridge on the host with nothing behind it. Guests on it reach "
        "each other, and the host where it has an address there."
    ),
    "nat": (
        "This one does NAT: guests sit behind a bridge on the host, which gives them its own "
        "address on the way out. From outside none of them can be reached without a port forward."
    ),
    "route": (
        "This one is routed: the host passes packets between its bridge and the outside as they "
        "are; routers there must know the way back."
    ),
    "open": "This one is open: the host routes it, and libvirt adds no firewall rules.",
    "bridge": (
        "This one is a bridge of the host's own, or a NIC by macvtap: guests are on the outer "
        "network like any machine, with addresses from there."
    ),
    "private": "This one is macvtap in private mode: guests by one NIC do not reach each other.",
    "vepa": "This one is macvtap in VEPA mode: the outer switch passes packets between guests.",
    "passthrough": "This one is macvtap in passthrough mode: one NIC of the host's for each guest.",
    "hostdev": (
        "This one is a pool of VFs (SR-IOV): a guest's NIC on it is a virtual function of the "
        "host's card, passed through. It is physical, partitioned: the VMM sees no packet, and "
        "the guest cannot be migrated while it has it."
    ),
}


def _spec(offer: HostOffer) -> HostSpec:
    return HostSpec(offer.host, offer.uri)


def explain_pool(pool: Pool, offer: HostOffer) -> Explanation:
    state = "active" if pool.active else "off: libvirt sees none of its volumes until it is started"
    text = (
        f"{pool.name} is a storage pool: a place in which libvirt keeps volumes, which guests have "
        f"as disks. {_POOLS.get(pool.kind, f'Its type is {pool.kind}.')} It is {state}."
    )
    if pool.problem:
        text += f"\nProblem: {pool.problem}"
    command = virsh(_spec(offer), "pool-dumpxml", pool.name)
    return Explanation(f"pool {pool.name}", text, command)


def explain_volume(
    volume: Volume, pool: str, chain: Sequence[str], above: Sequence[str], offer: HostOffer
) -> Explanation:
    """chain: paths of what it lies on, the nearest first. above: names of what lies on it."""
    known = _FORMATS.get(volume.format, f"of the format {volume.format}" if volume.format else "")
    sentences = [f"{volume.name} is a volume of the pool {pool}, a disk for guests."]
    if known:
        sentences.append(f"It is {known}.")
    if volume.allocation < volume.capacity:
        sentences.append("It is thin: it takes room on the host as the guest writes.")
    if chain:
        sentences.append(
            "It is an overlay: it holds what differs from the image it lies on "
            f"({' → '.join(chain)}). Whoever writes to one of these breaks it."
        )
    if above:
        sentences.append(f"Overlays lie on it ({', '.join(above)}): nobody may write to it.")
    if volume.used_by:
        sentences.append(f"Guests that have it, or what lies over it: {', '.join(volume.used_by)}.")
    else:
        sentences.append(
            "No guest's definition has it. Snapshots, guests of other hosts and people may still "
            "need it: libvirt cannot know."
        )
    command = virsh(_spec(offer), "vol-dumpxml", "--pool", pool, volume.name)
    return Explanation(volume.name, " ".join(sentences), command)


def explain_network(
    network: Network, part: Network | Lease | NetworkUser | HostDevice | str, offer: HostOffer
) -> Explanation:
    """part: what of the network is highlighted."""
    spec = _spec(offer)
    match part:
        case Lease():
            text = (
                f"A lease: the DHCP server of the network {network.name} (dnsmasq, on the host) "
                f"gave {part.address} to the NIC with the MAC {part.mac} for a while. The guest "
                "asks again before it ends; one that is gone keeps its lease until then."
            )
            command = virsh(spec, "net-dhcp-leases", network.name)
            return Explanation(f"lease {part.address}", text, command)
        case NetworkUser():
            text = (
                f"The guest {part.guest} has a NIC on the network {network.name}. While it runs, "
                "its other end on the host is a tap device on the network's bridge, or a VF."
            )
            return Explanation(part.guest, text, virsh(spec, "domiflist", part.guest))
    text = (
        f"{network.name} is a virtual network: libvirt makes a switch of it when it is started. "
        + _NETWORKS.get(network.forward, f"Its forward mode is {network.forward}.")
    )
    if network.dhcp:
        text += " libvirt runs dnsmasq for it, which gives guests addresses and names."
    command = virsh(spec, "net-dumpxml", network.name)
    return Explanation(f"network {network.name}", text, command)
