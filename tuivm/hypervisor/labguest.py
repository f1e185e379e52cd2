"""A running lab guest: the line to its appliance, its counters and its monitor."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import ModuleType

import libvirt
from platformdirs import user_cache_path

from tuivm.domainxml.parse import parse_domain
from tuivm.hypervisor.labcalls import Calls, is_gone
from tuivm.hypervisor.labstream import Console, Intake, Messages, encode
from tuivm.hypervisor.labusage import GuestMeter
from tuivm.lab.mark import read_mark
from tuivm.lab.ports import CHANNEL, PREFIX, LabError, Usage

MONITOR = 60.0
END = 20.0
"""Seconds in which libvirt ends a QEMU, by force if need be."""
_LAST_WORDS = 1.0
"""Seconds that the console may take longer than the line to end."""
_STATS = libvirt.VIR_DOMAIN_STATS_VCPU | libvirt.VIR_DOMAIN_STATS_CPU_TOTAL


class LibvirtLabGuest:
    """See `lab.ports.LabGuest`."""

    def __init__(
        self, calls: Calls, domain: libvirt.virDomain, *, local: bool, channel: str = CHANNEL
    ) -> None:
        """domain: paused or running. Opens the line; raises libvirtError."""
        self._calls = calls
        self._domain: libvirt.virDomain | None = domain
        self._name = domain.name()
        self._uuid = domain.UUIDString()
        kvm = parse_domain(domain.XMLDesc(0)).get("type") == "kvm"
        self._meter = GuestMeter(self._uuid, local=local, kvm=kvm)
        self._messages = Messages()
        self._console = Console()
        self._console_end = Messages()
        self._streams: list[Intake] = []
        conn = domain.connect()
        line = conn.newStream(libvirt.VIR_STREAM_NONBLOCK)
        domain.openChannel(channel, line, 0)
        self._line = Intake(line, self._messages.feed, self._messages.end)
        self._streams.append(self._line)
        try:
            console = conn.newStream(libvirt.VIR_STREAM_NONBLOCK)
            domain.openConsole(None, console, libvirt.VIR_DOMAIN_CONSOLE_FORCE)
            self._streams.append(Intake(console, self._console.feed, self._console_end.end))
        except libvirt.libvirtError:
            # None, or one that goes elsewhere: its last words are not known then.
            self._console_end.end("")

    @property
    def name(self) -> str:
        return self._name

    @property
    def uuid(self) -> str:
        return self._uuid

    def send(self, message: Mapping[str, object]) -> None:
        line = encode(message)
        if self._messages.ended is not None:
            raise self._gone()
        self._calls(f"cannot send to {self._name}", lambda _conn: self._line.send(line))

    def receive(self, timeout: float) -> dict[str, object] | None:
        message = self._messages.take(timeout)
        if message is None and self._messages.ended is not None:
            raise self._gone()
        return message

    def usage(self) -> Usage:
        if not self._meter.asks_host:
            found = self._meter.read({})
            if not found.threads and self._messages.ended is not None:
                raise self._gone()
            return found

        def ask(conn: libvirt.virConnect) -> Mapping[str, int | float | bool | str]:
            records = conn.domainListGetStats([self._held()], _STATS, 0)
            return records[0][1] if records else {}

        return self._meter.read(self._calls(f"cannot read the counters of {self._name}", ask))

    def monitor(self, command: str, arguments: Mapping[str, object] | None = None) -> object:
        return self._calls(
            f"{self._name}: QEMU did not carry out {command}",
            lambda _conn: qmp(self._held(), command, arguments),
            MONITOR,
        )

    def human_monitor(self, line: str) -> str:
        module = _qemu_module()
        return str(
            self._calls(
                f"{self._name}: QEMU did not carry out {line.partition(' ')[0]}",
                lambda _conn: module.qemuMonitorCommand(
                    self._held(), line, module.VIR_DOMAIN_QEMU_MONITOR_COMMAND_HMP
                ),
                MONITOR,
            )
        )

    def alive(self) -> bool:
        if self._domain is None or not self._calls.fit:
            return False

        def ask(_conn: libvirt.virConnect) -> bool:
            try:
                return bool(self._held().isActive())
            except libvirt.libvirtError as error:
                if is_gone(error):
                    return False
                raise

        return self._calls(f"cannot look at {self._name}", ask)

    def destroy(self) -> None:
        domain, self._domain = self._domain, None
        self._messages.end("it was ended")
        if domain is None:
            return
        if not self._calls.fit:
            self.forget()
            return

        def end(_conn: libvirt.virConnect) -> None:
            for stream in self._streams:
                stream.close()
            end_guest(domain)

        self._calls(f"cannot end {self._name}", end, END)

    def lost(self, why: str) -> None:
        """The connection is gone: whoever waits for a message is told so. Any thread."""
        self._messages.end(why)
        self._console_end.end(why)

    def forget(self) -> None:
        """Hold nothing of the connection any more; no call to the host."""
        self._domain = None
        for stream in self._streams:
            stream.ignore()
        self._messages.end("it is not held any more")

    def _held(self) -> libvirt.virDomain:
        domain = self._domain
        if domain is None:
            raise LabError(f"the lab guest {self._name} has been ended")
        return domain

    def _gone(self) -> LabError:
        """What to say when nothing more comes."""
        if self._calls.lost:
            return LabError(f"the connection to {self._calls.host} is gone", self._calls.lost)
        self._console_end.wait_end(_LAST_WORDS)
        words = (self._messages.ended or "", *self._console.tail)
        return LabError(f"the lab guest {self._name} is gone", "\n".join(filter(None, words)))


def end_guest(domain: libvirt.virDomain) -> None:
    """Destroy a guest of the Lab, if it is still there. Raises libvirtError."""
    try:
        xml = domain.XMLDesc(0)
        # Marks are looked at again each time: a name can have come to stand for another guest.
        if is_lab_guest(domain, xml):
            name = domain.name()
            domain.destroy()
            with suppress(OSError):
                qemu_log(domain.connect().getURI(), name).unlink()
    except libvirt.libvirtError as error:
        if not is_gone(error):
            raise


def qemu_log(uri: str, name: str) -> Path:
    """Where libvirt on this machine logs what a guest's QEMU says: one file a name, and kept for
    ever. Not a path of this machine's for a URI of another; an ordinary user may not remove those
    of the system's libvirt."""
    if uri == "qemu:///session":
        return user_cache_path("libvirt") / "qemu" / "log" / f"{name}.log"
    home = Path("/var/log/libvirt/qemu") if uri == "qemu:///system" else Path("/nonexistent")
    return home / f"{name}.log"


def is_lab_guest(domain: libvirt.virDomain, xml: str) -> bool:
    """It bears the mark and a name of the Lab, and is transient as all of its guests are."""
    return (
        domain.name().startswith(PREFIX)
        and read_mark(xml) is not None
        and not domain.isPersistent()
    )


def _qemu_module() -> ModuleType:
    try:
        import libvirt_qemu  # noqa: PLC0415 - some distributions package it apart
    except ImportError as error:
        raise LabError(
            "QEMU cannot be asked",
            f"libvirt-python's module for QEMU cannot be loaded: {error}",
            "install libvirt-python whole (python3-libvirt)",
        ) from error
    return libvirt_qemu


def qmp(
    domain: libvirt.virDomain, command: str, arguments: Mapping[str, object] | None = None
) -> object:
    """A QMP command's "return". Raises libvirtError, or LabError with QEMU's own words."""
    order: dict[str, object] = {"execute": command}
    if arguments:
        order["arguments"] = dict(arguments)
    said = _qemu_module().qemuMonitorCommand(domain, json.dumps(order), 0)
    what = f"QEMU did not carry out {command}"
    try:
        answer = json.loads(said)
    except ValueError as error:
        raise LabError(what, f"its answer is no JSON: {said[:200]}") from error
    if isinstance(answer, dict) and "return" in answer:
        return answer["return"]
    error_said = answer.get("error") if isinstance(answer, dict) else None
    words = error_said.get("desc", "") if isinstance(error_said, dict) else ""
    raise LabError(what, str(words))
