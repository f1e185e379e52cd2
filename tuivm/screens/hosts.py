"""Place 3: the hosts, what they are made of, how they are doing."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Static

from tuivm.commands import COMMANDS
from tuivm.commands.base import HOSTS, bindings
from tuivm.model.hosts import HostFacts, HostState
from tuivm.model.ports import View
from tuivm.model.store import HostStatus
from tuivm.model.units import kib, visible
from tuivm.screens.charted import ChartedPlace
from tuivm.screens.charts import host_chart
from tuivm.screens.dialogs.base import Reader
from tuivm.screens.welcome import welcome
from tuivm.widgets.hostlist import HostList, load, state_words
from tuivm.widgets.keybar import KeyBar
from tuivm.widgets.linetext import LineText
from tuivm.widgets.timechart import ChartData, TimeChart, Window


class HostsScreen(ChartedPlace):
    """Hosts on the left, the highlighted one in full on the right."""

    place = HOSTS
    metrics = ("cpu", "memory")
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(COMMANDS, HOSTS)]
    DEFAULT_CSS = """
    HostsScreen #hosts { width: 28; border-right: solid $panel; }
    HostsScreen #about { height: 1fr; padding: 0 1; }
    HostsScreen #chart { height: 9; }
    HostsScreen.-short #chart { display: none; }
    """

    def compose(self) -> ComposeResult:
        yield LineText(id="top")
        with Horizontal():
            yield HostList(id="hosts")
            with Reader(id="about"):
                yield Static(id="facts")
        yield TimeChart(id="chart")
        yield KeyBar()

    def on_mount(self) -> None:
        super().on_mount()
        hosts = self.query_one(HostList)
        hosts.ascii_only = self.desk.ascii_only
        hosts.focus()
        self._shown: Content | None = None
        self.show_now()

    def on_resize(self) -> None:
        self.set_class(self.app.size.height < 18, "-short")

    def tick(self) -> None:
        statuses = self.desk.store.statuses(self.desk.now())
        self.query_one(HostList).set_hosts(statuses)
        status = self.target_host()
        if status is None:
            shown = welcome((), self.desk.key_text, self.desk.startup_problems)
        else:
            shown = self._about(status)
        if self._shown is None or not shown.is_same(self._shown):
            self._shown = shown
            self.query_one("#facts", Static).update(shown)
        self.show_chart()
        for host in self.desk.store.host_names:
            self.desk.look_at(host, View())

    def on_host_list_highlighted(self) -> None:
        self.show_now()

    def do_focus_left(self) -> None:
        self.query_one(HostList).focus()

    def do_focus_right(self) -> None:
        self.query_one(Reader).focus()

    def target_host(self) -> HostStatus | None:
        name = self.query_one(HostList).highlighted if self.is_mounted else None
        if name is None or name not in self.desk.store.host_names:
            return None
        return self.desk.store.status(name, self.desk.now())

    def chart_data(self, window: Window) -> ChartData | None:
        status = self.target_host()
        if status is None:
            return None
        ascii_only, name = self.desk.ascii_only, status.spec.name
        return host_chart(self.desk.store, name, self.metric, window, ascii_only=ascii_only)

    def _about(self, status: HostStatus) -> Content:
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
