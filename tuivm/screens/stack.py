"""A guest's stack, drawn from the bottom up: from the hardware to the devices."""

from __future__ import annotations

from textual.content import Content

from tuivm.model.devices import Device, DeviceClass
from tuivm.model.guests import Guest
from tuivm.model.hosts import HostFacts
from tuivm.model.units import kib, visible
from tuivm.widgets.itemlist import Line

_TCG = "none: TCG translates every instruction"
_HYPERVISORS = {
    "kvm": "KVM (the CPU runs the guest's code itself)",
    "qemu": _TCG,
    "xen": "Xen",
    "lxc": "none: a container shares the host's kernel",
    "hvf": "Hypervisor.framework",
    "test": "none: libvirt's test driver only pretends",
}
_VMMS = {"kvm": "QEMU", "qemu": "QEMU", "hvf": "QEMU", "xen": "Xen toolstack", "lxc": "libvirt_lxc"}


def hypervisor_words(guest: Guest) -> str:
    """What runs the guest's instructions, and whether its process or its definition tells that."""
    words = _HYPERVISORS.get(guest.virt_type, guest.virt_type or "not reported")
    defined = guest.details.stack.virt_type if guest.details else ""
    if _VMMS.get(guest.virt_type) != "QEMU":
        return words
    if not guest.accelerator:
        return f"{words}, by its definition"
    if guest.virt_type != defined:
        return f"{words}, by its process; defined as {defined}"
    return f"{words}, by its process"


def stack_layers(guest: Guest, facts: HostFacts | None) -> list[tuple[str, str]]:
    """(layer, what it is), from the hardware up to the firmware."""
    details = guest.details
    stack = details.stack if details else None
    facts = facts or HostFacts()
    hardware = f"{facts.cpu_model or facts.arch or 'not reported'}"
    if facts.cpus:
        hardware += f", {facts.cpus} CPUs"
    if facts.memory_kib:
        hardware += f", {kib(facts.memory_kib)} memory"
    if stack is None or details is None:
        return [("hardware", hardware)]
    vmm = _VMMS.get(stack.virt_type, facts.driver)
    if vmm == "QEMU" and facts.hypervisor_version:
        vmm += f" {facts.hypervisor_version}"
    if stack.emulator:
        vmm += f"  {stack.emulator}"
    cpu = f"{details.vcpus} vCPU, {stack.cpu or 'default model'}"
    layers = [
        ("hardware", hardware),
        ("hypervisor", hypervisor_words(guest)),
        ("VMM", vmm or "not reported"),
        ("machine", f"{stack.machine or 'not reported'}  {stack.arch}".strip()),
        ("CPU", f"{cpu}, {kib(details.memory_kib)} memory"),
    ]
    if stack.firmware:
        layers.append(("firmware", stack.firmware))
    return layers


def draw_stack(guest: Guest, facts: HostFacts | None, *, ascii_only: bool) -> list[Line]:
    """One line each: the guest, its devices by class, and the layers down to the hardware.

    The item of a line is what `explain` speaks of: a `Device`, a `DeviceClass`, or a layer's name.
    """
    corner, side, foot, line = "+|+-" if ascii_only else "├│└─"
    devices = guest.details.devices if guest.details else ()
    lines = [Line(Content.styled(f"{side} {visible(guest.label)}", "bold"), "guest")]
    for cls in DeviceClass:
        mine = [device for device in devices if device.cls is cls]
        if not mine:
            continue
        glyph = cls.letter if ascii_only else cls.glyph
        style = f"$class-{cls.value}"
        head = Content.assemble(
            (f"{corner}{line} ", "$quiet"),
            (f"{glyph} {cls.value}", f"bold {style}"),
            (f"  {cls.meaning}", "$quiet"),
        )
        lines.append(Line(head, cls))
        for device in mine:
            text = device_line(device)
            parts = ((f"{side}    ", "$quiet"), (f"{glyph} ", style), (text, ""))
            lines.append(Line(Content.assemble(*parts), device))
    if guest.details is None:
        lines.append(Line(Content.styled(f"{side}  reading its definition", "$quiet")))
    layers = stack_layers(guest, facts)
    for layer, what in reversed(layers):
        start = foot if layer == layers[0][0] else corner
        parts = (
            (f"{start}{line} ", "$quiet"),
            (f"{layer:<11}", "bold"),
            (visible(what), ""),
        )
        lines.append(Line(Content.assemble(*parts), layer))
    return lines


def device_line(device: Device) -> str:
    """One device: kind, target, model, what is behind it, and the note on its class."""
    parts = [
        f"{device.kind.value:<10}",
        f"{device.target:<8}",
        f"{device.model:<14}",
        device.source,
        device.note,
    ]
    return visible(" ".join(part for part in parts if part).rstrip())
