"""What libvirt, QEMU and the kernel say of host devices, and whether the answer helps."""

from __future__ import annotations

import re

import pytest

from tuivm.preflight.remedies import explain
from tuivm.preflight.remedy_rules_devices import DEVICE_RULES

QEMU = "internal error: qemu unexpectedly closed the monitor: qemu-system-x86_64: -device "
ADD = "internal error: unable to execute QEMU command 'device_add': "
VFIO = '{"driver":"vfio-pci","host":"0000:01:00.0","id":"hostdev0"}: vfio 0000:01:00.0: '

# The message; words in the cause; words in the remedy.
CASES = [
    # VFIO
    (QEMU + VFIO + "group 1 is not viable\nPlease ensure all devices within the iommu_group are "
     "bound to their vfio bus driver.", "IOMMU group 1", "/sys/kernel/iommu_groups/1/devices"),
    (QEMU + VFIO + "error getting device from group 14: No such device\nVerify all devices in "
     "group 14 are bound to vfio-<bus> or pci-stub and not already in use", "group 14", "detach"),
    (QEMU + VFIO + "Please ensure all devices within the iommu_group are bound to their vfio bus "
     "driver.", "all of a group, or nothing", "nodedev-detach"),
    (QEMU + VFIO + "failed to setup container for group 1: Failed to set iommu for container: "
     "Operation not permitted", "remap interrupts", "allow_unsafe_interrupts"),
    (QEMU + VFIO + "failed to setup container for group 1: Failed to set iommu for container: "
     "Invalid argument", "vfio_iommu_type1 is not loaded", "modprobe vfio_iommu_type1"),
    (QEMU + VFIO + "failed to setup container for group 1: No available IOMMU models", "IOMMU",
     "modprobe"),
    (QEMU + VFIO + "failed to setup container for group 1: memory listener initialization failed: "
     "Region pc.ram: vfio_dma_map(0x5612, 0x0, 0x80000000, 0x7f1) = -12 (Cannot allocate memory)",
     "lock all of the guest's memory", "virsh memtune web-1"),
    ("qemu-system-x86_64: VFIO_MAP_DMA failed: Cannot allocate memory", "a limit is too low",
     "ulimit -l"),
    ("qemu-system-x86_64: VFIO_MAP_DMA failed: No space left on device", "65,535",
     "dma_entry_limit"),
    ("qemu-system-x86_64: VFIO_MAP_DMA failed: Invalid argument", "cannot reach all addresses",
     "maxphysaddr"),
    (QEMU + VFIO + "failed to open /dev/vfio/1: Operation not permitted", "/dev/vfio/1", "audit"),
    ("Could not open '/dev/vfio/vfio': Permission denied", "may not open /dev/vfio/vfio", "udev"),
    (QEMU + VFIO + "failed to open /dev/vfio/1: Device or resource busy", "another guest, DPDK",
     "fuser"),
    (QEMU + VFIO + "failed to open /dev/vfio/12: No such file or directory", "not loaded",
     "modprobe vfio-pci"),
    (QEMU + VFIO + "error getting device from group 8: Connection timed out", "does not have",
     "lspci -nnk"),
    (ADD + "vfio 0000:01:00.0: error getting device from group 8: Permission denied",
     "vfio-pci does not have", "dmesg"),
    (QEMU + VFIO + "Unknown PCI header type '127'", "does not answer", "rescan"),
    ("internal error: Unable to reset PCI device 0000:01:00.0: no FLR, PM reset or bus reset "
     "available", "cannot be reset by itself", "FLR"),
    ("internal error: Unable to reset PCI device 0000:05:00.0: internal error: Active "
     "0000:05:00.1 devices on bus with 0000:05:00.0, not doing bus reset", "in use", "that bus"),
    ("qemu-system-x86_64: We need to set caching-mode=on for intel-iommu to enable device "
     "assignment with IOMMU protection.", "IOMMU of its own", "caching_mode='on'"),
    ("failed to initialize device BPF map; locked memory limit for libvirtd probably needs to be "
     "raised: Operation not permitted", "libvirtd itself", "LimitMEMLOCK"),
    ("cannot limit locked memory of process 4711 to 5368709120: Operation not permitted",
     "could not raise", "limits.d"),
    ("Unable to change max memlock limit", "locks all", "qemu:///system"),
    ("unsupported configuration: host doesn't support passthrough of host PCI devices",
     "no IOMMU at work", "iommu_groups"),
    ("unsupported configuration: host doesn't support VFIO PCI passthrough", "VFIO is not loaded",
     "modprobe vfio-pci"),
    ("argument unsupported: VFIO device assignment is currently not supported on this system",
     "no IOMMU", "place 3"),
    ("unsupported configuration: Mediated host device assignment requires VFIO support", "VFIO",
     "modprobe"),
    # PCI
    ("Requested operation is not valid: Device 0000:05:00.0 is behind a switch lacking ACS and "
     "cannot be assigned", "without ACS", "relaxed_acs_check"),
    ("unsupported configuration: Non-endpoint PCI devices cannot be assigned to guests", "bridge",
     "behind it"),
    ("Requested operation is not valid: Unmanaged PCI device 0000:01:00.0 must be manually "
     "detached from the host", "0000:01:00.0", "nodedev-detach"),
    ("internal error: Failed to bind PCI device '0000:01:00.0' to vfio-pci: No such device",
     "does not let go", "modprobe vfio-pci"),
    ("Failed to unbind PCI device '0000:01:00.0' from e1000e: Device or resource busy",
     "does not let go", "dmesg"),
    ("Failed to add driver 'vfio-pci' to driver_override  interface of PCI device '0000:01:00.0': "
     "Permission denied", "change its driver", "modprobe"),
    ("Requested operation is not valid: PCI device 0000:01:00.0 is in use by driver QEMU, domain "
     "db-1", "0000:01:00.0: db-1", "detach it there"),
    ("Requested operation is not valid: USB device 001:004 is in use by driver QEMU, domain a b",
     "001:004: a b", "shut that guest down"),
    ("Requested operation is not valid: mediated device 4b20d080-1b54-4048-85b3-a6a62d165c01 is "
     "in use by driver QEMU, domain gfx", "gfx", "detach"),
    ("PCI device 0000:03:10.1 allocated from network vfs is already in use by domain web",
     "0000:03:10.1: web", "detach"),
    ("SCSI device 2:0:0:0 is already in use by other domain(s) as 'shareable'", "another guest",
     "shut that guest down"),
    ("Requested operation is not valid: PCI device 0000:01:00.0 is in use", "another guest",
     "another device"),
    ("internal error: No more available PCI slots", "no free PCIe port", "at the next boot"),
    (ADD + "Bus 'pcie.0' does not support hotplugging", "no free PCIe port", "pcie-root-port"),
    ("Device 0000:77:00.0 not found: could not access /sys/bus/pci/devices/0000:77:00.0/config: "
     "No such file or directory", "no such device", "nodedev-list"),
    ("Node device not found: no node device with matching name 'pci_0000_01_10_0'", "fewer VFs",
     "nodedev-list"),
    ("host pci device 0000:01:00.0 not found", "no such device", "nodedev-list"),
    (QEMU + VFIO + 'failed to find romfile "/var/lib/gpu.rom"', "ROM", "<rom bar='off'/>"),
    ("unsupported configuration: host doesn't support VFIO: vfio iommu type unknown", "IOMMU",
     "tuivm check"),
    # virtual functions
    ("tee: /sys/bus/pci/devices/0000:02:00.0/sriov_numvfs: Device or resource busy", "only from 0",
     "write 0"),
    ("cannot write /sys/bus/pci/devices/0000:02:00.0/sriov_numvfs: Numerical result out of range",
     "more VFs than", "sriov_totalvfs"),
    ("igb 0000:01:00.0: not enough MMIO resources for SR-IOV", "no room", "Above 4G"),
    ("unsupported configuration: Interface type hostdev is currently supported on SR-IOV Virtual "
     "Functions only", "virtual functions alone", "whole NIC"),
    ("Unable to configure VF 2 of PF 'ens1f0' because the PF is not online. Please change host "
     "network config to put the PF online.", "through its PF", "ip link"),
    ("internal error: network 'vfs' requires exclusive access to interfaces, but none are "
     "available", "in use", "more VFs"),
    # USB
    ("Requested operation is not valid: Did not find USB device 1050:0407 bus:1 device:7",
     "not plugged in", "startupPolicy"),
    ("operation failed: Multiple USB devices for 781:5581 were found, but none of them is at "
     "bus:1 device:8", "781:5581", "by its port"),
    ("qemu-system-x86_64: libusb_open: -3 [ACCESS]", "may not open the USB", "uaccess"),
    ("qemu-system-x86_64: libusb_claim_interface: -6 [BUSY]", "has the USB device open", "unmount"),
    (ADD + "failed to open host usb device 1:7", "unplugged", "anew"),
    ("unsupported configuration: USB is disabled for this domain, but USB devices are present in "
     "the domain XML", "no USB controller", "qemu-xhci"),
    # others
    ("internal error: Unable to create mediated device: Error: Failed to create mdev: No space "
     "left on device", "no instance of this type left", "smaller"),
    ("device not found: mediated device '4b20d080-1b54-4048-85b3-a6a62d165c01' not found",
     "not started", "mdevctl start -u 4b20d080"),
    ("Cannot find 'mdevctl' in path: No such file or directory", "no mdevctl", "install"),
    ("internal error: Unable to start mediated device: Input/output error", "refused", "dmesg"),
    ("SCSI device '2:0:0:0': could not access /sys/bus/scsi/devices/2:0:0:0/scsi_generic: No such "
     "file or directory", "sg", "modprobe sg"),
    ("Requested operation is not valid: domain has assigned non-USB host devices", "silicon",
     "detach"),
    ("Operation not supported: cannot migrate a domain with <hostdev mode='subsystem' "
     "type='pci'>", "cannot be saved or moved", "detach"),
    (ADD.replace("device_add", "migrate") + "State blocked by non-migratable device "
     "'0000:00:03.0/vfio'", "cannot be saved or moved", "detach"),
    ("internal error: unable to execute QEMU command 'migrate': 0000:01:00.0: VFIO device doesn't "
     "support migration", "silicon", "shut the guest down"),
]  # fmt: skip


@pytest.mark.parametrize(("reason", "cause_has", "remedy_has"), CASES)
def test_real_messages(reason: str, cause_has: str, remedy_has: str) -> None:
    cause, remedy = explain(reason, uri="qemu:///system", domain="web-1")
    assert cause_has in cause
    assert remedy_has in remedy
    assert not re.search(r"\{\w*\}", cause + remedy)
    assert "  " not in cause + remedy


def test_every_rule_is_reached_by_a_real_message() -> None:
    reached = {
        next((rule.cause for rule in DEVICE_RULES if rule.pattern.search(reason)), reason)
        for reason, *_ in CASES
    }
    assert [rule.cause for rule in DEVICE_RULES if rule.cause not in reached] == []
    assert not [cause for cause in reached if cause in {reason for reason, *_ in CASES}]


def test_names_in_a_message_cannot_write_commands() -> None:
    cause, remedy = explain(
        "mediated device '$(reboot)\x1b[2J' not found", uri="qemu:///system", domain="web-1"
    )
    assert "\x1b" not in cause + remedy
    assert "'$(reboot)" in remedy
