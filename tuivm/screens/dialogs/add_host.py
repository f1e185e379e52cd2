"""A new host: its URI checked as it is typed, then tried out before it is kept."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Collection, Iterable

from textual import on
from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Button, Input, Static
from textual.worker import Worker

from tuivm.model.hosts import HostFacts, HostSpec, Problem
from tuivm.model.ports import Trial
from tuivm.model.units import duration, kib
from tuivm.model.uris import check_uri, parse_uri, short_name
from tuivm.screens.dialogs.base import Dialog, Keys, Tick, button, field, paragraph, plain, relabel

EXAMPLES = (
    ("qemu:///system", "the guests of this machine"),
    ("qemu:///session", "your own guests here, no root needed"),
    ("qemu+ssh://root@rack7/system", "over ssh, with a key"),
    ("qemu+tls://rack7/system", "over TLS, with certificates"),
    ("xen:///", "Xen here"),
    ("lxc:///", "LXC containers here"),
    ("test:///default", "libvirt's play host"),
)


class AddHost(Dialog[HostSpec]):
    """Answers the host to add, None for none.

    check: connects once to (URI, read-only) and tells how that went. taken: names in use.
    """

    DEFAULT_CSS = """
    AddHost #result { margin-top: 1; }
    AddHost #examples { margin-top: 1; color: $text-muted; }
    """
    AUTO_FOCUS = "#uri"
    note_rows = 2

    def __init__(
        self, check: Callable[[str, bool], Awaitable[Trial]], taken: Collection[str] = ()
    ) -> None:
        super().__init__()
        self._check = check
        self._taken = frozenset(taken)
        self._trial: Trial | None = None
        self._worker: Worker[None] | None = None
        self._started = 0.0

    @property
    def title_text(self) -> str:
        return "Add a host"

    @property
    def keys(self) -> Keys:
        if self._worker is not None:
            return (("Esc", "stop trying"),)
        if self._trial is not None and self._trial.problem is None:
            return (("Enter", "add"), ("Tab", "move"), ("Esc", "cancel"))
        return (("Enter", "try it out"), ("Tab", "move"), ("Esc", "cancel"))

    def body(self) -> ComposeResult:
        yield field("URI", Input(id="uri", compact=True, placeholder=EXAMPLES[0][0]))
        yield field("Name", Input(id="name", compact=True, placeholder="how it is called here"))
        yield Tick(plain("read-only: nothing can be changed there"), id="readonly")
        yield Static(id="result", classes="hidden")
        lines = [plain(f"{uri:<30}") + plain(text) for uri, text in EXAMPLES]
        yield Static(Content("\n").join(lines), id="examples")

    def buttons(self) -> Iterable[Button]:
        yield button("Cancel", "cancel")
        yield button("Try it out", "try")
        yield button("Add", "add")

    def on_mount(self) -> None:
        self.set_interval(1.0, self._show_progress)
        self._show()

    def _spec(self) -> HostSpec:
        uri = self.query_one("#uri", Input).value.strip()
        name = self.query_one("#name", Input).value.strip()
        return HostSpec(name or self._free_name(uri), uri, self.query_one("#readonly", Tick).value)

    def _free_name(self, uri: str) -> str:
        base = name = short_name(uri) if uri else ""
        number = 2
        while name in self._taken:
            name, number = f"{base}-{number}", number + 1
        return name

    def _fault(self) -> str:
        """What is wrong with what is typed so far, "" for nothing."""
        spec = self._spec()
        if not spec.uri:
            return "A URI is needed."
        if problem := check_uri(spec.uri):
            return f"{problem.reason}: {problem.remedy}"
        uri = parse_uri(spec.uri)
        if uri is not None and ":" in uri.user:
            return "No password in the URI: libvirt does not read it, and asks when it needs one."
        if spec.name in self._taken:
            return f"There is a host named {spec.name} already."
        return "" if spec.name.isprintable() else "The name holds characters that cannot be seen."

    @on(Input.Changed)
    @on(Tick.Changed)
    def _edited(self) -> None:
        """What was tried is not what stands there now."""
        self._stop()
        self._trial = None
        self._show()

    @on(Input.Submitted)
    @on(Button.Pressed, "#try")
    def _try(self) -> None:
        if self._fault() or self._worker is not None:
            return
        self._trial = None
        self._started = time.monotonic()
        self._worker = self.run_worker(self._try_out(self._spec()), exclusive=True)
        self._show()

    async def _try_out(self, spec: HostSpec) -> None:
        trial = await self._check(spec.uri, spec.readonly)
        self._worker = None
        self._trial = trial
        self._show()
        self.query_one("#add" if trial.problem is None else "#try").focus()
        self.call_after_refresh(self.query_one("#result").scroll_visible, animate=False, top=True)

    @on(Button.Pressed, "#add")
    def _add(self) -> None:
        if not self._fault():
            self.dismiss(self._spec())

    @on(Button.Pressed, "#cancel")
    def _cancel(self) -> None:
        self.dismiss(None)

    def action_cancel(self) -> None:
        if self._worker is None:
            self.dismiss(None)
            return
        self._stop()
        self._show()
        self.query_one("#uri").focus()

    def _stop(self) -> None:
        if self._worker is not None:
            self._worker.cancel()
            self._worker = None

    def _show_progress(self) -> None:
        if self._worker is not None:
            self._show_result()

    def _show(self) -> None:
        fault, trying, trial = self._fault(), self._worker is not None, self._trial
        self.note("" if trying or not self._spec().uri else fault)
        name = self.query_one("#name", Input)
        name.placeholder = self._spec().name or "how it is called here"
        again = self.query_one("#try", Button)
        relabel(again, "Try again" if trial is not None else "Try it out")
        again.disabled = bool(fault) or trying
        add = self.query_one("#add", Button)
        failed = trial is not None and trial.problem is not None
        relabel(add, "Add anyway" if failed else "Add")
        add.disabled = bool(fault) or trial is None
        self.query_one("#examples").set_class(trying or trial is not None, "hidden")
        self.query_one("#result").set_class(not trying and trial is None, "hidden")
        self._show_result()
        self.show_keys()

    def _show_result(self) -> None:
        result = self.query_one("#result", Static)
        if self._worker is not None:
            waited = duration(time.monotonic() - self._started)
            result.update(plain(f"Connecting to {self._spec().uri}, {waited} so far"))
        elif self._trial is not None and self._trial.problem is not None:
            result.update(_problem(self._trial.problem))
        elif self._trial is not None:
            result.update(_success(self._trial))


def _problem(problem: Problem) -> Content:
    parts = [plain(problem.what, "bold $error"), paragraph(problem.reason.split("\n"))]
    if problem.cause:
        parts.append(plain(f"Likely cause: {problem.cause}"))
    if problem.remedy:
        parts.append(plain(f"What to do: {problem.remedy}", "bold"))
    return Content("\n").join(part for part in parts if part)


def _success(trial: Trial) -> Content:
    facts = trial.facts or HostFacts()
    guests = f"{trial.guests} guest{'' if trial.guests == 1 else 's'}"
    lines = [
        f"It is {facts.hostname}" if facts.hostname else "",
        _joined(facts.driver, facts.hypervisor_version, f"libvirt {facts.libvirt_version}"),
        _joined(
            f"{facts.cpus} CPUs" if facts.cpus is not None else "CPUs not reported",
            facts.arch,
            f"{kib(facts.memory_kib)} memory" if facts.memory_kib is not None else "",
        ),
        f"guests may be: {', '.join(facts.virt_types)}" if facts.virt_types else "",
    ]
    told = paragraph(line for line in lines if line)
    return Content.assemble(plain(f"Connected. {guests}.", "bold $success"), "\n", told)


def _joined(*parts: str) -> str:
    return "  ".join(part for part in parts if part)
