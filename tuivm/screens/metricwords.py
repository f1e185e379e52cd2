"""Words for `explain` on charts: what is measured, where it comes from, what is good, and why the
classes of devices differ in it."""

from __future__ import annotations

from collections.abc import Iterable

from tuivm.model.hosts import HostSpec
from tuivm.model.metrics import BY_ID, Metric
from tuivm.model.store import GuestView
from tuivm.screens.explaining import Explanation, virsh
from tuivm.screens.perfscene import Plan

_TCG = (
    "This guest runs without a hypervisor (TCG): there a device's register access costs no more "
    "than any other access, so that times and rates of the classes are nearly equal, or even "
    "reversed. What can be compared are counts."
)
_FLAGS = {
    "cpu.": "--cpu-total",
    "balloon.": "--balloon",
    "vcpu.": "--vcpu",
    "block.": "--block",
    "net.": "--interface",
}
"""Options of `virsh domstats` by the beginning of the fields that they ask for."""


def explain_chart(plan: Plan, view: GuestView, spec: HostSpec) -> Explanation:
    """What a chart of a guest shows, and the XML of the device if it is of one only."""
    metrics = [BY_ID[metric] for metric in plan.metrics]
    lines = []
    for metric in metrics:
        lines += [
            f"{metric.title}: {metric.meaning}",
            f"  from {metric.field}. Good: {metric.good}",
        ]
    whys = dict.fromkeys(metric.why for metric in metrics if metric.why)
    if whys:
        lines += ["", "Why the classes differ:", *whys]
        if view.guest.virt_type == "qemu":
            lines += ["", _TCG]
    commands = _commands(metrics, view.key.uuid, spec)
    devices = {trace.device for trace in plan.traces}
    device = devices.pop() if len(devices) == 1 else None
    text, command = "\n".join(lines), "\n".join(commands)
    return Explanation(plan.title, text, command, view.key, device)


def _commands(metrics: Iterable[Metric], uuid: str, spec: HostSpec) -> list[str]:
    """libvirt's statistics by virsh; what is read on the host itself, by its own tools."""
    fields = " ".join(metric.field for metric in metrics)
    flags = [flag for begin, flag in _FLAGS.items() if begin in fields]
    commands = [virsh(spec, "domstats", *flags, uuid)] if flags else []
    if "/proc/PID" in fields:
        commands.append(f"ps -L -o tid,comm,time -p $(pgrep -f -- '-uuid {uuid}')")
    if "/proc/interrupts" in fields:
        commands.append("grep vfio /proc/interrupts")
    return commands
