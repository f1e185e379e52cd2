"""The lessons of the Lab: what each shows, in plain words, and its page. No widget here."""

from __future__ import annotations

from typing import NamedTuple

from textual.content import Content

from tuivm.model.lab import Experiment, Plan
from tuivm.model.units import visible
from tuivm.screens.explaining import Explanation
from tuivm.screens.labplan import Item, plan_words, text_lines
from tuivm.screens.labresult import Shown, pages
from tuivm.screens.labresult import lines as result_lines
from tuivm.screens.labwords import TITLES
from tuivm.widgets.itemlist import Line


class LessonWords(NamedTuple):
    """shows: what one sees; why: what is behind it; use: what to make of it; xml: how
    libvirt says it."""

    shows: str
    why: str
    use: str
    xml: str


LESSONS = {
    Experiment.NESTED: LessonWords(
        "The same work three ways: translated by TCG, run by the CPU itself under KVM, and run "
        "under KVM in a guest that is itself one of KVM.",
        "Under KVM the guest's code runs at the CPU's own speed and only an exit costs. Within a "
        "guest each of the inner guest's exits becomes several of the outer one's, since the outer "
        "hypervisor plays the hardware for the inner one. Plain computing hardly notices; what "
        "leaves the guest often does. TCG has no exits in that sense: every instruction is slow.",
        "A guest that runs guests wants few exits: virtio, large pages, idle vCPUs left alone.",
        "<domain type='kvm'>\n  <cpu mode='host-passthrough'/>\n</domain>",
    ),
    Experiment.MACHINE: LessonWords(
        "The same virtio disk and NIC, and the same emulated ones, in a q35 machine and in an "
        "i440fx one (pc).",
        "The machine type decides which board QEMU imitates: PCI Express with MSI-X on q35, plain "
        "PCI on i440fx. A virtio request itself takes the same one notification in both.",
        "Choose q35 for what only it has (PCI Express passthrough, Secure Boot, a vIOMMU), pc for "
        "guests too old for it; not for speed.",
        "<os>\n  <type arch='x86_64' machine='q35'>hvm</type>\n</os>",
    ),
    Experiment.IOTHREAD: LessonWords(
        "The same virtio-blk disk served by QEMU's main loop, and by a thread of its own.",
        "The main loop serves every device of a guest and QEMU's monitor besides, one thing at a "
        "time. An I/O thread serves its disks alone, on another CPU of the host. It does not make "
        "a single request cheaper: it lets more go on at once.",
        "Worth it for disks under deep queues and for guests with many; at depth 1 on a host "
        "without a CPU to spare, do not expect any gain.",
        "<iothreads>1</iothreads>\n<disk type='file' device='disk'>\n"
        "  <driver name='qemu' type='raw' iothread='1'/>\n"
        "  <target dev='vda' bus='virtio'/>\n</disk>",
    ),
}


def explain_lesson(lesson: Experiment) -> Explanation:
    words = LESSONS[lesson]
    text = f"{words.shows}\n{words.why}\n{words.use}"
    command = f"tuivm lab run --lesson {lesson.value}"
    return Explanation(TITLES[lesson], text, command, xml=words.xml)


def lines(
    lesson: Experiment,
    plan: Plan | str,
    shown: Shown | None,
    turned: int,
    width: int,
    *,
    ascii_only: bool,
) -> list[Line]:
    """The page: words, start, and the last result of the lesson, if there is one."""
    words = LESSONS[lesson]
    made = [Line(Content.styled(f" Lesson: {TITLES[lesson]}", "bold $primary"))]
    for number, text in enumerate((words.shows, words.why, words.use)):
        made += text_lines(text, width, item=Item("lesson", f"{lesson}:{number}"))
        made.append(Line(Content()))
    if isinstance(plan, str):
        made += text_lines(f"start  {plan}", width, "$state-bad", item=Item("start"))
    else:
        start = Content.styled(f" start  {visible(plan_words(plan))}", "bold")
        made.append(Line(start, Item("start")))
        for gone in plan.omitted:
            text = f"left out: {gone.subject}: {gone.why}"
            made += text_lines(text, width, "$quiet", indent=8, item=Item("omitted", gone.subject))
    made.append(Line(Content()))
    if shown is None:
        made.append(Line(Content.styled(" not measured on this host yet", "$quiet")))
        return made
    mine = shown._replace(results=tuple(one for one in shown.results if one.experiment is lesson))
    turned = turned % max(1, len(pages(mine)))
    return made + result_lines(mine, turned, width, ascii_only=ascii_only)
