"""A host in full: what it is, what it runs with, how it is doing."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Static

from tuivm.model.hosts import HostFacts, HostState
from tuivm.model.store import HostStatus
from tuivm.model.units import kib, visible
from tuivm.screens.dialogs.base import Reader
from tuivm.screens.hostpages.base import HostPage
from tuivm.screens.welcome import welcome
from tuivm.widgets.hostlist import load, state_words


class OverviewPage(HostPage):
    page = "overview"
    title = "overview"
    DEFAULT_CSS = """
    OverviewPage #about { height: 1fr; padding: 0 1; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._shown: Content | None = None

    def compose(self) -> ComposeResult:
        with Reader(id="about"):
            yield Static(id="facts")

    def set_status(self, status: HostStatus | None) -> None:
        if status is None:
            shown = welcome((), self.desk.key_text, self.desk.startup_problems)
        else:
            shown = _about(status)
        if self._shown is None or not shown.is_same(self._shown):
            self._shown = shown
            self.query_one("#facts", Static).update(shown)

    def take_focus(self) -> None:
        self.query_one(Reader).focus()


def _about(status: HostStatus) -> Content:
    style = "$state-running" if status.state is HostState.UP else "$state-bad"
    parts: list[tuple[str, str]] = [
        (f"{visible(status.spec.name)}  ", "bold"),
        (f"{state_words(status)}\n", style),
    ]
    rows = [("URI", status.spec.uri), ("access", "read-only" if status.readonly else "full")]
    problem = status.problem
    if problem is not None:
        rows += [
            ("problem", problem.what),
            ("reason", problem.reason),
            ("cause", problem.cause),
            ("remedy", problem.remedy),
        ]
    rows += _fact_rows(status.facts)
    rows += [("load", load(status)), ("guests", f"{status.active} up of {status.guests}")]
    for label, value in rows:
        if value:
            lines = "\n              ".join(visible(line) for line in value.splitlines())
            parts += [(f"{label:<14}", "$quiet"), (f"{lines}\n", "")]
    return Content.assemble(*parts)


def _fact_rows(facts: HostFacts | None) -> list[tuple[str, str]]:
    """What is reported; what is not is said to be so."""
    if facts is None:
        return []
    missing = "not reported"
    shape = [
        f"sockets {facts.sockets}" if facts.sockets else "",
        f"cores {facts.cores}" if facts.cores else "",
        f"threads {facts.threads}" if facts.threads else "",
    ]
    known = " x ".join(part for part in shape if part)
    cpus = f"{facts.cpus or missing}" + (f" ({known})" if known else "")
    return [
        ("name", facts.hostname or missing),
        ("hypervisor", f"{facts.driver} {facts.hypervisor_version}".strip() or missing),
        ("libvirt", facts.libvirt_version or missing),
        ("guests may be", ", ".join(facts.virt_types) or missing),
        ("CPU", f"{facts.cpu_model or missing}  {facts.arch}"),
        ("CPUs", cpus),
        ("NUMA nodes", str(facts.numa_nodes) if facts.numa_nodes else missing),
        ("memory", kib(facts.memory_kib, missing=missing)),
        *_virtualization_rows(facts),
    ]


def _virtualization_rows(facts: HostFacts) -> list[tuple[str, str]]:
    """What decides on passthrough and nesting; only a host itself can say."""
    if not facts.local:
        return [(label, "not known from here") for label in ("IOMMU", "SR-IOV", "nested")]
    groups, split = facts.iommu_groups, facts.physical_functions
    iommu = {None: "not known", 0: "no groups: no PCI device can be passed through"}
    sriov = {None: "not known", 0: "no device that can split itself into VFs"}
    nested = {None: "KVM's module is not loaded", False: "off: guests have no KVM of their own"}
    under = {True: ", and this host is itself a guest", False: ", on bare metal", None: ""}
    split_words = f"{split} PF, {facts.virtual_functions} VFs there now"
    return [
        ("IOMMU", iommu.get(groups, f"on, {groups} groups")),
        ("SR-IOV", sriov.get(split, split_words)),
        ("nested", nested.get(facts.nested, "on") + under[facts.virtualized]),
    ]
