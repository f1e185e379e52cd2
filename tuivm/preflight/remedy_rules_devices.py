"""What goes wrong with devices that a guest takes of its host: VFIO, USB, SCSI, mediated devices
and virtual functions. As `remedy_rules`; the words are those of libvirt 7 to 11, QEMU and the
kernel."""

from __future__ import annotations

from tuivm.preflight.remedy_rules import rule

_VFIO = (
    rule(
        r"group (?P<group>\d+) is not viable|all devices in group (?P<other>\d+) are bound",
        "a driver of the host's still has another device of IOMMU group {group}{other}: VFIO gets "
        "all of a group, or nothing",
        "see who is in it: ls /sys/kernel/iommu_groups/{group}{other}/devices; give the guest all "
        "of them, or take the others from their drivers: virsh nodedev-detach",
    ),
    rule(
        r"within the iommu_group are bound|group is not viable",
        "a driver of the host's still has another device of the same IOMMU group: VFIO gets all of "
        "a group, or nothing",
        "place 3 lists the group; give the guest all of it, or take the others from their drivers: "
        "virsh nodedev-detach",
    ),
    rule(
        r"failed to set iommu for container:? *operation not permitted",
        "the platform cannot remap interrupts, or the firmware keeps the device's memory to itself "
        "(RMRR), so VFIO does not dare to hand it out",
        'dmesg on the host says which. "No interrupt remapping": switch it on in the firmware '
        "(x2APIC, VT-d), or, for guests that you trust, vfio_iommu_type1's "
        'allow_unsafe_interrupts=1. "RMRR": another slot, or the vendor\'s setting for it',
    ),
    rule(
        r"failed to set iommu for container|no available iommu models",
        "VFIO has no way to this host's IOMMU: it is off, or vfio_iommu_type1 is not loaded",
        "on the host: modprobe vfio_iommu_type1; dmesg | grep -i -e DMAR -e AMD-Vi -e vfio; place "
        "3 tells what is off",
    ),
    rule(
        r"(vfio_map_dma|vfio_dma_map|memory listener|dma mapping)\b.*(no space left|-28)",
        "the guest's own IOMMU made more mappings than VFIO keeps (65,535)",
        "iommu=pt inside the guest; or on the host raise dma_entry_limit of vfio_iommu_type1",
    ),
    rule(
        r"(vfio_map_dma|vfio_dma_map|memory listener|container)\b.*(cannot allocate memory|-12)",
        "VFIO could not lock all of the guest's memory: a limit is too low, or it is not free",
        "take hard_limit away or raise it to the guest's memory and 1 GiB more: virsh memtune "
        "{domain}; in a session raise ulimit -l; see free -h",
    ),
    rule(
        r"(vfio_map_dma|vfio_dma_map|iova region)\b.*(invalid argument|bad address|-22|-14|range)|"
        r"can't map guest iova region",
        "the IOMMU cannot reach all addresses of the guest (few address bits, or places that the "
        "platform keeps to itself)",
        "less memory for the guest, or <cpu><maxphysaddr mode='passthrough' limit='39'/>",
    ),
    rule(
        r"/dev/vfio/(?P<node>\w+).*(operation not permitted|permission denied)",
        "QEMU may not open /dev/vfio/{node}: its user, its cgroup or the security driver says no",
        "with managed='yes' in qemu:///system libvirt sees to it: look for a denial in dmesg or "
        "audit.log; in a session: chown the node to the user (a udev rule for the subsystem vfio)",
    ),
    rule(
        r"/dev/vfio/(?P<node>\w+).*device or resource busy|vfio.*device or resource busy|"
        r"group \d+ used in multiple address spaces",
        "somebody else has the device's IOMMU group open: another guest, DPDK, or a member that "
        "another guest has",
        "sudo fuser -v /dev/vfio/*; stop the other one, or give its device to the same guest",
    ),
    rule(
        r"/dev/vfio/(?P<node>\w+).*(no such (file|device)|not found)",
        "VFIO has no such group: its module is not loaded, or it has no device of the group",
        "on the host: modprobe vfio-pci; ls /dev/vfio; virsh nodedev-detach the device",
    ),
    rule(
        r"error getting device from group|failed to get device (fd|info)|no such group",
        "vfio-pci does not have the device, though it has its group: another driver has taken it, "
        "or its reset failed",
        "on the host: lspci -nnk shows its driver; virsh nodedev-detach it; dmesg | grep vfio",
    ),
    rule(
        r"unknown pci header type|header type '?(0x7f|127)|failed to power.*device|"
        r"stuck in d3|unable to change power state",
        "the device does not answer any more: it is powered down, or hangs after a failed reset",
        "on the host: echo 1 into its remove in /sys/bus/pci/devices, then into "
        "/sys/bus/pci/rescan; else switch the host off and on",
    ),
    rule(
        r"not doing bus reset|no flr, pm reset or bus reset|unable to reset pci device "
        r"(?P<device>\S+)|only pci endpoint devices can be reset",
        "the device cannot be reset by itself, and resetting its bus would hit others that are in "
        "use",
        "give the guest all devices of that bus, or use one with FLR",
    ),
    rule(
        r"caching-mode=on",
        "the guest has an IOMMU of its own that does not tell QEMU of its mappings",
        "<driver caching_mode='on'/> in <iommu model='intel'>",
    ),
    rule(
        r"locked memory limit for libvirtd",
        "libvirtd itself may lock too little memory for the rules on devices (BPF)",
        "on the host: sudo systemctl edit libvirtd (or virtqemud), [Service] LimitMEMLOCK=64M, and "
        "restart it",
    ),
    rule(
        r"cannot (limit|get) locked memory|max(imum)? (memlock|locked memory)|"
        r"adjust locked memory limit",
        "libvirt could not raise how much QEMU may lock, and VFIO locks all of the guest's memory",
        'in a session: "USER - memlock KIB" in /etc/security/limits.d and log in anew, or '
        "qemu:///system; in a container: it needs CAP_SYS_RESOURCE",
    ),
    rule(
        r"doesn't support (passthrough of host pci devices|(vfio|legacy) pci passthrough)|"
        r"vfio device assignment is (currently )?not supported|"
        r"mediated host device assignment requires vfio|vfio pci device assignment is not",
        "the host cannot hand out devices now: no IOMMU at work, or VFIO is not loaded",
        "on the host: ls /sys/kernel/iommu_groups (empty: the IOMMU is off, place 3 says how to "
        "turn it on), then modprobe vfio-pci",
    ),
)

_PCI = (
    rule(
        r"lacking acs",
        "the device is behind a PCIe switch without ACS: what is behind the switch can reach each "
        "other past the IOMMU",
        "another slot, or, for guests that you trust, relaxed_acs_check = 1 in "
        "/etc/libvirt/qemu.conf",
    ),
    rule(
        r"non-endpoint pci",
        "it is a bridge or a port, which stays with the host",
        "pass the device behind it",
    ),
    rule(
        r"unmanaged pci device (?P<device>\S+) must be manually detached",
        "the guest's definition says managed='no', and a driver of the host's has {device}",
        "managed='yes', or virsh nodedev-detach first (virsh nodedev-list --cap pci has its name)",
    ),
    rule(
        r"failed to (bind|unbind) pci device|driver_override|trigger a probe for pci device|"
        r"(no|unknown) stub driver|failed to add pci device .* to (the )?vfio|"
        r"failed to load pci stub|failed to load .*vfio",
        "the device could not change its driver: vfio-pci is not there, or the host's driver does "
        "not let go (its interface, disk or display is in use)",
        "on the host: modprobe vfio-pci; end what uses the device; dmesg | tail",
    ),
    rule(
        r"(PCI|USB|SCSI|NVMe|mediated) device (?P<device>\S+) (allocated from network \S+ )?is "
        r"(already )?in use by (driver \S+,? )?domain (?P<guest>[^\n]+)",
        "another guest has {device}: {guest}",
        "detach it there or shut that guest down, or give this one another device",
    ),
    rule(
        r"(PCI|USB|SCSI|NVMe|mediated)? ?device \S+ is (already )?in use|already in use by|"
        r"is in use by driver",
        "another guest has that device",
        "shut that guest down, or give this one another device",
    ),
    rule(
        r"no more available pci slots|pci slot is needed to connect|no pci buses available|"
        r"bus '[^']*' does not support hotplugging",
        "the guest has no free PCIe port, and a running one gets no more",
        "attach it at the next boot: libvirt adds ports to the definition; or add some "
        "<controller type='pci' model='pcie-root-port'/> for later",
    ),
    rule(
        r"device (?P<device>[0-9a-f]{4}:[0-9a-f:.]+) not found|unable to find pci device|"
        r"host pci device (?P<host>\S+) not found|(no|find) node device with matching name",
        "the host has no such device any more: taken out, renumbered, or its PF has fewer VFs now",
        "look at the host's devices: virsh nodedev-list --cap pci",
    ),
    rule(
        r"romfile|option rom|rom contents are probably invalid",
        "the device's ROM cannot be read, or the file with it",
        "<rom bar='off'/>, or a good dump in <rom file='…'/> where QEMU's user may read it",
    ),
    rule(
        r"vfio.*(group|iommu)|support vfio device assignment",
        "host devices need an IOMMU that is on, and the whole IOMMU group",
        "tuivm check says what is missing; assign all devices of the group or none",
    ),
)

_FUNCTIONS = (
    rule(
        r"sriov_numvfs.*(device or resource busy|busy)",
        "the number of VFs changes only from 0, and not while one of them is in use",
        "write 0 to sriov_numvfs first, then the number; guests let go of theirs before",
    ),
    rule(
        r"sriov_numvfs.*(cannot allocate memory|no space|out of range|invalid argument)|"
        r"not enough mmio resources for sr-iov|sr-iov: bus number out of range",
        "more VFs than the device has, or no room for them (addresses, bus numbers)",
        "sriov_totalvfs says how many; SR-IOV and Above 4G Decoding in the firmware; "
        "pci=realloc or pci=assign-busses for the kernel",
    ),
    rule(
        r"supported on sr-iov virtual functions only|is not a vf device",
        "<interface type='hostdev'> takes virtual functions alone",
        "pass the whole NIC as a PCI device, or make VFs of it",
    ),
    rule(
        r"pf is not online|pf device for vf \S+ has no network device|not bound to a net driver",
        "the VF's MAC is set through its PF, which the host has switched off or taken from its "
        "driver",
        "on the host: ip link set the PF up, and leave it with its driver",
    ),
    rule(
        r"requires exclusive access to interfaces, but none are available|"
        r"no usable (vf|virtual function)",
        "every VF of the network's pool is in use",
        "more VFs for its PF, or detach one from another guest",
    ),
)

_USB = (
    rule(
        r"did not find usb device|host usb device \S+ not found|"
        r"usb device \S+ could not be found at previous address",
        "the USB device is not plugged in, or it was, and is known by another number now",
        "plug it in; name it by vendor and product, which stays the same "
        "(startupPolicy='optional' lets the guest start without it)",
    ),
    rule(
        r"multiple usb devices for (?P<ids>[0-9a-fx:]+)",
        "several devices are {ids}, and libvirt does not choose",
        "name the one that is meant by its port",
    ),
    rule(
        r"libusb_\w+: -3|libusb.*\[access\]|/dev/bus/usb/\S+:? *permission denied",
        "QEMU may not open the USB device",
        'in a session: a udev rule for it, SUBSYSTEM=="usb", ATTR{idVendor}=="…", TAG+="uaccess"; '
        "in qemu:///system look for a denial in dmesg or audit.log",
    ),
    rule(
        r"libusb_\w+: -6|libusb.*\[busy\]",
        "a program or driver of the host's has the USB device open",
        "unmount it or end that program, then attach it again",
    ),
    rule(
        r"libusb_\w+: -4|libusb.*\[no_device\]|failed to open host usb device",
        "the USB device was unplugged, or has another number now",
        "look at the host's USB devices, and attach it anew",
    ),
    rule(
        r"usb is disabled (for|in) this (domain|host)",
        "the guest has no USB controller (model='none')",
        "<controller type='usb' model='qemu-xhci'/> in its definition",
    ),
)

_OTHERS = (
    rule(
        r"(mdev|mediated device).*no space left|no space left.*(mdev|create)|"
        r"available_instances",
        "the parent has no instance of this type left: each takes its part of it, and types often "
        "exclude each other",
        "stop a mediated device that nobody uses, or take a smaller type",
    ),
    rule(
        r"mediated device '(?P<uuid>[^']*)' not found",
        "mediated device {uuid} is not started",
        "start it in place 3, or: mdevctl start -u {uuid}; with autostart it is there at each boot",
    ),
    rule(
        r"mdevctl.*(not found|no such file|cannot find)|cannot find 'mdevctl'",
        "the host has no mdevctl, by which libvirt makes mediated devices",
        "install mdevctl on the host",
    ),
    rule(
        r"unable to (create|start|define) mediated device",
        "the parent's driver refused to make it",
        "the words after it are the driver's; mdevctl types shows what is left; dmesg | tail",
    ),
    rule(
        r"host scsi device \S+ not found|scsi device '[^']*': could not access|scsi_generic",
        "the host has no such SCSI device, or not the driver sg, through which QEMU talks to it",
        "on the host: lsscsi -g; modprobe sg",
    ),
    rule(
        r"assigned non-usb|<hostdev mode=|non-migratable device '[^']*vfio|"
        r"vfio device doesn't support migration|\bvfio\b.*migration is not supported",
        "a device of the host's is in the guest: a part of the state is in silicon, so the guest "
        "cannot be saved or moved",
        "detach the device first, or shut the guest down instead",
    ),
)

DEVICE_RULES = _VFIO + _PCI + _FUNCTIONS + _USB + _OTHERS
