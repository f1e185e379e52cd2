"""Words for `explain`: what a thing is in virtualization terms, and the command that shows it."""

from __future__ import annotations

import shlex

from tuivm.model.devices import DeviceClass, count_classes
from tuivm.model.guests import Guest
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


def virsh(spec: HostSpec, *words: str) -> str:
    """A virsh command as one types it, quoted for a shell."""
    return shlex.join(["virsh", "-c", spec.uri, *words])


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
        sentences.append(_RUNS.get(stack.virt_type, f"Its type is {stack.virt_type}."))
        if stack.machine:
            sentences.append(
                f"Its machine type is {stack.machine}"
                + (f", its firmware {stack.firmware}." if stack.firmware else ".")
            )
        for cls, number in count_classes(details.devices).items():
            if number:
                verb = "is" if number == 1 else "are"
                sentences.append(f"{number} of its devices {verb} {_CLASSES[cls]}.")
    return " ".join(sentences), virsh(spec, *_show(guest))


def _show(guest: Guest) -> tuple[str, ...]:
    return ("dumpxml", guest.key.uuid)


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
