"""What the guided tour says at each stop, of the guests and hosts that are there. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tuivm.model.devices import Device, DeviceClass, DeviceKind
from tuivm.model.guests import GuestStack
from tuivm.model.store import GuestView
from tuivm.model.units import kib, visible

if TYPE_CHECKING:
    from tuivm.screens.tour import Scene

_NOBODY = "No guest runs on this host now, so there is nothing to point at."


def host_and_guest(scene: Scene) -> list[str]:
    facts = scene.facts
    hardware = facts.cpu_model or facts.arch or "its CPU is not reported"
    host = f"'{visible(scene.host)}' is the host, a real computer ({visible(hardware)})"
    if facts.virtualized:
        host = f"'{visible(scene.host)}' is the host: itself a guest of another one"
    if not scene.guests:
        return [f"{host}. {_NOBODY}"]
    number = len(scene.guests)
    running = "one guest runs" if number == 1 else f"{number} guests run"
    view = scene.guest(DeviceClass.PARAVIRTUAL)
    size = f" with {_size(view)}" if view and _size(view) else ""
    return [
        f"{host}; {running} on it. A guest is a whole computer made of software: '{scene.name()}' "
        f"boots a kernel of its own{size} and knows nothing of the others.",
        "libvirt calls a guest a domain.",
    ]


def _size(view: GuestView) -> str:
    details = view.guest.details
    if details is None:
        return ""
    vcpus = "1 vCPU" if details.vcpus == 1 else f"{details.vcpus} vCPUs"
    return f"{vcpus} and {kib(details.memory_kib)} of memory"


def hypervisor(scene: Scene) -> list[str]:
    view = scene.guest(DeviceClass.PARAVIRTUAL)
    if view is None:
        return [_NOBODY]
    vmm = (
        "The VMM, here QEMU, is a process on the host: it holds the guest's memory and plays its "
        "devices."
    )
    if view.guest.virt_type == "kvm":
        return [
            "The hypervisor is KVM, a part of the host's kernel: it lets the CPU itself run the "
            "guest's code, until the guest touches something that is not there. That is an exit.",
            vmm,
        ]
    return [
        "Here is no hypervisor: QEMU's TCG translates the guest's instructions into the host's, "
        "block by block. That works on any machine, many times slower than KVM, with which the CPU "
        "runs the guest's code itself and leaves it (an exit) only for what is not really there.",
        vmm,
    ]


def machine(scene: Scene) -> list[str]:
    view = scene.guest(DeviceClass.PARAVIRTUAL)
    stack = view.guest.details.stack if view and view.guest.details else GuestStack()
    name = visible(stack.machine) or "not reported"
    firmware = (
        "What firmware starts it is not reported."
        if not stack.firmware
        else "Its kernel is started directly by the VMM: no firmware looks for a disk to boot from."
        if stack.firmware == "direct kernel boot"
        else f"Its firmware is {visible(stack.firmware)}."
    )
    return [
        f"The machine type is the mainboard that the VMM plays, here {name}: 'pc' (i440fx) is a PC "
        "of 1996 with PCI and IDE, 'q35' one of 2007 with PCI Express, SATA and room for an IOMMU. "
        "A version in the name keeps it the same for a guest when QEMU is renewed.",
        firmware,
    ]


def emulated(scene: Scene) -> list[str]:
    view = scene.by_class.get(DeviceClass.EMULATED)
    if view is None:
        return [
            "An emulated device is software that imitates one of real hardware, register by "
            "register. No guest here has its disk or NIC so."
        ]
    return [
        f"{_listed(view, DeviceClass.EMULATED)} of '{visible(view.guest.name)}': software that "
        "imitates real hardware, register by register, so that any OS has the driver for it.",
        "Each access to a register is a trap out of the guest: one read of 4 KiB through IDE takes "
        "26 of them, through AHCI 7. The Lab counts them on this very host.",
    ]


def paravirtual(scene: Scene) -> list[str]:
    view = scene.by_class.get(DeviceClass.PARAVIRTUAL)
    if view is None:
        return [
            "A paravirtual device (virtio) was never hardware: guest and VMM share a queue in "
            "memory. No guest here has its disk or NIC so."
        ]
    words = (
        f"{_listed(view, DeviceClass.PARAVIRTUAL)} of '{visible(view.guest.name)}': devices that "
        "never were hardware. Guest and VMM share a queue in memory, and one notification hands "
        "over a whole batch of requests: 1 trap for a read instead of 26."
    )
    compared = (
        "This place compares them while they work: bytes, requests, latency, exits and what an I/O "
        "costs the host, each in ratio to the baseline."
    )
    if view.guest.virt_type != "kvm":
        compared += (
            " Without KVM a trap costs no more than any access, so times hardly differ here: the "
            "Lab (L) counts the traps instead."
        )
    return [words, compared]


def passthrough(scene: Scene) -> list[str]:
    words = (
        "Passthrough gives a guest a real device (▲ physical): its driver speaks to the silicon, "
        "the VMM sees no I/O. The IOMMU keeps what the device may reach in memory to that guest's; "
        "devices that it cannot tell apart form an IOMMU group, which goes to one guest as a whole."
    ).replace("▲", scene.glyph(DeviceClass.PHYSICAL))
    groups = scene.facts.iommu_groups
    if not scene.facts.local:
        return [words, "Whether this host has an IOMMU in use cannot be told from here."]
    if not groups:
        return [
            words,
            "This host has no IOMMU in use: it takes VT-d or AMD-Vi, on in the firmware and in "
            "the kernel (intel_iommu=on).",
        ]
    return [words, f"This host has {groups} groups."]


def functions(scene: Scene) -> list[str]:
    words = (
        "With SR-IOV one device (PF) splits itself into many small ones (VFs), each of which can "
        "be passed through: 'physical, partitioned'. A mediated device (mdev) is much the same, "
        "split by its driver."
    )
    split = scene.facts.physical_functions
    if split is None:
        return [words, "Whether this host has such a device cannot be told from here."]
    if not split:
        return [words, "This host has no such device."]
    devices = "one such device" if split == 1 else f"{split} such devices"
    return [words, f"This host has {devices}, with {scene.facts.virtual_functions} VFs now."]


def nested(scene: Scene) -> list[str]:
    facts = scene.facts
    words = (
        "A guest can be a host itself, if its CPU has vmx or svm: nested virtualization. Each exit "
        "of the inner guest then passes through two hypervisors."
    )
    if not facts.local:
        here = "Whether this host lets its guests do so cannot be told from here."
    elif facts.virtualized:
        here = "This host is itself a guest, so guests of it are the second level already."
    elif facts.nested:
        here = "This host lets its guests do so."
    elif facts.nested is False:
        here = "On this host it is off (the parameter 'nested' of kvm_intel or kvm_amd)."
    else:
        here = "KVM is not loaded here, so there is nothing to nest."
    return [words, here, "That was the tour. L opens the Lab, which measures all this."]


def _listed(view: GuestView, cls: DeviceClass) -> str:
    """ "vda (virtio-blk) and vnet0 (virtio-net)": the disks and NICs of a class."""
    devices = view.guest.details.devices if view.guest.details else ()
    kinds = (DeviceKind.DISK, DeviceKind.NIC)
    mine = [_name(one) for one in devices if one.cls is cls and one.kind in kinds]
    return " and ".join(mine) or "The devices"


def _name(device: Device) -> str:
    model = visible(device.model)
    return f"{visible(device.target)} ({model})" if device.target else model
