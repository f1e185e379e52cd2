"""A guest's stack, drawn from the bottom up: from the hardware to the devices."""

from __future__ import annotations

from textual.content import Content

from tuivm.model.devices import Device, DeviceClass
from tuivm.model.guests import Guest
from tuivm.model.hosts import HostFacts
from tuivm.model.units import kib, visible

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


def hypervisor_words(virt_type: str) -> str:
    """What runs the guest's instructions, from the domain's type."""
    return _HYPERVISORS.get(virt_type, virt_type or "not reported")


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
        ("hypervisor", hypervisor_words(stack.virt_type)),
        ("VMM", vmm or "not reported"),
        ("machine", f"{stack.machine or 'not reported'}  {stack.arch}".strip()),
        ("CPU", f"{cpu}, {kib(details.memory_kib)} memory"),
    ]
    if stack.firmware:
        layers.append(("firmware", stack.firmware))
    return layers


def draw_stack(guest: Guest, facts: HostFacts | None, width: int, *, ascii_only: bool) -> Content:
    """The whole drawing, at most `width` cells wide: devices by class on top, hardware below."""
    inner = max(10, min(width, 100) - 2)
    line, corner = ("-", "+") if ascii_only else ("─", "├")
    side = "|" if ascii_only else "│"
    parts: list[tuple[str, str]] = []
    devices = guest.details.devices if guest.details else ()
    parts.append((f"{side} guest  {visible(guest.label)}\n", "bold"))
    for cls in DeviceClass:
        mine = [device for device in devices if device.cls is cls]
        if mine:
            glyph = cls.letter if ascii_only else cls.glyph
            parts.append((f"{corner}{line * 2} {glyph} {cls.value}", f"bold $class-{cls.value}"))
            parts.append((f": {cls.meaning}\n", "$quiet"))
            for device in mine:
                parts.append((f"{side}    {glyph} ", f"$class-{cls.value}"))
                parts.append((f"{device_line(device)}\n", ""))
    if guest.details is None:
        parts.append((f"{side}  reading its definition\n", "$quiet"))
    for layer, what in reversed(stack_layers(guest, facts)):
        parts.append((f"{corner}{line * inner}\n", "$quiet"))
        parts.append((f"{side} ", "$quiet"))
        parts.append((f"{layer:<11}", "bold"))
        parts.append((f"{visible(what)}\n", ""))
    return Content.assemble(*parts)


def device_line(device: Device) -> str:
    """One device: kind, target, model, what is behind it, and the note on its class."""
    parts = [device.kind.value, device.target, device.model, device.source, device.note]
    return visible("  ".join(part for part in parts if part))
