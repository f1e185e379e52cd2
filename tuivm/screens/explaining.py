"""Words for `explain`: what a thing is in virtualization terms, and the command that shows it."""

from __future__ import annotations

import shlex
from typing import NamedTuple

from tuivm.model.devices import Device, DeviceClass, DeviceKind, count_classes
from tuivm.model.guests import GuestKey
from tuivm.model.hosts import HostSpec
from tuivm.model.store import GuestView, HostStatus

_RUNS = {
    "kvm": (
        "KVM lets the host's CPU run the guest's own code; it leaves the guest (an exit) only for "
        "what has to be done on its behalf."
    ),
    "qemu": (
        "No hypervisor is in use: QEMU's TCG translates the guest's instructions one block at a "
        "time, which works everywhere and is many times slower than KVM."
    ),
    "xen": "Xen runs the guest's code on the CPU; its devices are served by another domain.",
    "lxc": "It is a container: it shares the host's kernel, nothing is virtualized.",
    "test": "libvirt's test driver only pretends: there is no machine behind it.",
}
_CLASSES = {
    DeviceClass.PARAVIRTUAL: (
        "paravirtual (made for virtual machines: one notification hands over a whole batch of "
        "requests)"
    ),
    DeviceClass.EMULATED: (
        "emulated (software that imitates real hardware, register by register: each access is "
        "a trap)"
    ),
    DeviceClass.PHYSICAL: (
        "physical (passed through: the guest drives the hardware itself, the VMM sees no I/O)"
    ),
}


class Explanation(NamedTuple):
    """Words that are ready, with the command that shows the same ("" for none).

    guest, device: whose XML to show with them; None for none. xml: to show in place of that.
    """

    title: str
    text: str
    command: str = ""
    guest: GuestKey | None = None
    device: Device | None = None
    xml: str = ""


def virsh(spec: HostSpec, *words: str) -> str:
    """A virsh command as one types it, quoted for a shell."""
    return virsh_at(spec.uri, *words)


def virsh_at(uri: str, *words: str) -> str:
    return shlex.join(["virsh", *(("-c", uri) if uri else ()), *words])


def explain_guest(view: GuestView, spec: HostSpec) -> tuple[str, str]:
    """(paragraph, virsh command) on a guest."""
    guest = view.guest
    details = guest.details
    sentences = [
        f"{guest.name} is a guest (libvirt: domain) on {spec.name}; it is {guest.state.value}"
        + (f" ({guest.reason})." if guest.reason else ".")
    ]
    if details is not None:
        stack = details.stack
        sentences.append(_RUNS.get(guest.virt_type, f"Its type is {guest.virt_type}."))
        if stack.machine:
            sentences.append(
                f"Its machine type is {stack.machine}"
                + (f", its firmware {stack.firmware}." if stack.firmware else ".")
            )
        for cls, number in count_classes(details.devices).items():
            if number:
                verb = "is" if number == 1 else "are"
                sentences.append(f"{number} of its devices {verb} {_CLASSES[cls]}.")
    return " ".join(sentences), virsh(spec, "dumpxml", guest.key.uuid)


def explain_gone(guest: GuestKey) -> Explanation:
    """A guest that its host, or the list of hosts, no longer has."""
    text = (
        f"{guest.host} no longer has a guest with the UUID {guest.uuid}: it was undefined, or it "
        "was transient and has ended, or the host was taken out of the list."
    )
    return Explanation("This guest is gone", text)


_LAYERS = {
    "hardware": (
        "The host's own CPUs and memory. With KVM the guest's code runs on these CPUs directly."
    ),
    "hypervisor": (
        "The part that runs the guest's code and takes over whenever it does something that it "
        "may not do itself (an exit). KVM is in the host's kernel; TCG is a translator in QEMU."
    ),
    "VMM": (
        "The virtual machine monitor: a program on the host, one process a guest, that makes up "
        "the machine around the vCPUs: memory, buses, and every emulated and paravirtual device."
    ),
    "machine": (
        "The machine type: which board the VMM imitates. q35 has PCI Express and AHCI; pc "
        "(i440fx) is older, has plain PCI and IDE; virt is made for guests and imitates nothing. "
        "The version keeps the hardware the same when QEMU is updated."
    ),
    "CPU": (
        "What the guest sees as its CPU. host-passthrough shows the host's own, host-model the "
        "nearest named model with its features (can migrate), a named model only what it says."
    ),
    "firmware": (
        "What runs before the operating system: BIOS (SeaBIOS) or UEFI (OVMF), which Secure Boot "
        "needs. With a direct kernel boot the VMM loads the kernel itself."
    ),
}
_LAYER_TAGS = {
    "hypervisor": (),
    "VMM": ("features", "clock", "on_poweroff", "on_reboot", "on_crash"),
    "machine": ("os",),
    "CPU": ("vcpu", "cpu", "memory", "currentMemory", "cputune", "numatune", "memoryBacking"),
    "firmware": ("os",),
}


def layer_tags(layer: str) -> tuple[str, ...]:
    """The top-level elements of the definition that speak of a layer."""
    return _LAYER_TAGS.get(layer, ())


def explain_layer(layer: str) -> str:
    """What a layer of the stack is, "" for what is none."""
    return _LAYERS.get(layer, "")


def explain_class(cls: DeviceClass) -> str:
    return f"{cls.glyph} {cls.value}: {cls.meaning}. Such a device is {_CLASSES[cls]}."


def explain_device(device: Device) -> str:
    """What one device is, and what its class means for it."""
    text = f"{device.target} is a {device.kind.value} of the model {device.model}"
    text += f", connected to {device.source}. " if device.source else ". "
    text += f"It is {_CLASSES[device.cls]}."
    if device.note:
        text += f" It is a {device.note}."
    if not device.counted and device.kind in (DeviceKind.DISK, DeviceKind.NIC, DeviceKind.HOSTDEV):
        text += " libvirt has no I/O counters for it."
    return text


def explain_host(status: HostStatus) -> tuple[str, str]:
    """(paragraph, virsh command) on a host."""
    facts = status.facts
    text = f"{status.spec.name} is a host: libvirt is reached there by {status.spec.uri}."
    if facts is not None:
        kinds = ", ".join(facts.virt_types)
        text += f" Its driver is {facts.driver}."
        if "kvm" in facts.virt_types:
            text += (
                " It offers KVM: guests of type kvm run on the CPU itself, guests of type qemu "
                "are translated (TCG)."
            )
        elif "qemu" in facts.virt_types:
            text += (
                " It offers no KVM: every guest is translated by TCG, slowly. `tuivm check` on "
                "that host says what is missing."
            )
        elif kinds:
            text += f" Guests may be of type {kinds}."
    problem = status.problem
    if problem is not None:
        told = (problem.what, problem.reason, problem.cause, problem.remedy)
        text += "\n" + "\n".join(line for line in told if line)
    return text, virsh(status.spec, "capabilities")
