"""Can a guest run guests: asked of an agent that is believed to answer anything, put in words."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

import libvirt
import libvirt_qemu
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuivm.hypervisor import inside as asking
from tuivm.hypervisor.inside import cpu_flag, kvm_from, look_inside
from tuivm.model.guests import Guest, GuestDetails, GuestKey, GuestStack, GuestState
from tuivm.model.hosts import Problem
from tuivm.model.inside import Inside
from tuivm.preflight.nested_inside import inside_words, unknown_words, why_not_asked

AMD = b"processor\t: 0\nflags\t\t: fpu vme svm kvmclock\nbugs\t\t: none\n"
EXECUTE = "unable to execute QEMU agent command"
GONE = "No such file or directory"


def guest(state: GuestState = GuestState.RUNNING, **details: Any) -> Guest:
    known = {"agent_channel": True, "agent_connected": True, **details}
    return Guest(GuestKey("here", "u"), "web", state, details=GuestDetails(**known))


class PlayedAgent:
    """An agent with files. A file that is text instead of bytes is the error of opening it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, **files: bytes | str) -> None:
        self.files = {f"/{name.replace('_', '/')}": content for name, content in files.items()}
        self.asked: list[str] = []
        self.open: dict[int, bytes] = {}
        self.now, self.takes = 0.0, 0.0
        self.instead: dict[str, str | Exception] = {}
        monkeypatch.setattr(libvirt_qemu, "qemuAgentCommand", self._command)
        monkeypatch.setattr(asking, "time", SimpleNamespace(monotonic=lambda: self.now))

    def look(self) -> Inside:
        return look_inside(cast("Any", None))

    def _command(self, _domain: object, words: str, timeout: int, _flags: int) -> str:
        assert 0 < timeout <= 5
        command = json.loads(words)
        name, arguments = command["execute"], command["arguments"]
        self.asked.append(name)
        self.now += self.takes
        if name in self.instead:
            instead = self.instead[name]
            if isinstance(instead, Exception):
                raise instead
            return instead
        answers: dict[str, Callable[..., object]] = {
            "guest-file-open": self._open,
            "guest-file-read": self._read,
            "guest-file-close": self._close,
        }
        return json.dumps({"return": answers[name](**arguments)})

    def _open(self, path: str, mode: str) -> int:
        assert mode == "r"
        content = self.files.get(path, GONE)
        if isinstance(content, str):
            raise libvirt.libvirtError(
                f"internal error: {EXECUTE} 'guest-file-open': "
                f"failed to open file '{path}' (mode: 'r'): {content}"
            )
        handle = 1000 + len(self.asked)
        self.open[handle] = content
        return handle

    def _close(self, handle: int) -> dict[str, object]:
        del self.open[handle]
        return {}

    def _read(self, handle: int, count: int) -> dict[str, object]:
        piece, self.open[handle] = self.open[handle][:count], self.open[handle][count:]
        text = base64.b64encode(piece).decode()
        return {"count": len(piece), "buf-b64": text, "eof": not self.open[handle]}


def test_flag_and_device_are_told_and_every_file_is_closed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    agent = PlayedAgent(monkeypatch, proc_cpuinfo=AMD, dev_kvm=b"")
    assert agent.look() == Inside("svm", True)
    assert not agent.open
    assert "guest-exec" not in agent.asked


def test_without_the_device(monkeypatch: pytest.MonkeyPatch) -> None:
    agent = PlayedAgent(monkeypatch, proc_cpuinfo=AMD.replace(b"svm", b"sse"))
    assert agent.look() == Inside("", False)
    assert not agent.open


def test_a_system_without_proc_is_asked_for_the_device_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    agent = PlayedAgent(monkeypatch, dev_kvm="Permission denied")
    assert agent.look() == Inside(None, None, "it is there, but the agent may not open it")


def test_no_more_is_read_than_it_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    many = PlayedAgent(monkeypatch, proc_cpuinfo=AMD + b"processor\t: 1\n" * 100_000)
    assert many.look().flag == "svm"
    assert many.asked.count("guest-file-read") == 1
    endless = PlayedAgent(monkeypatch, proc_cpuinfo=b"x" * 10_000_000)
    assert endless.look().flag is None
    assert endless.asked.count("guest-file-read") == 8
    assert not endless.open


def test_a_line_across_two_pieces_is_read_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    agent = PlayedAgent(monkeypatch, proc_cpuinfo=b"x" * 8170 + b"\n" + AMD)
    assert agent.look().flag == "svm"


def test_an_agent_that_refuses_or_is_silent_is_not_asked_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    agent = PlayedAgent(monkeypatch, proc_cpuinfo=AMD)
    agent.instead["guest-file-open"] = libvirt.libvirtError("guest-file-open has been disabled")
    with pytest.raises(libvirt.libvirtError, match="disabled"):
        agent.look()
    assert agent.asked == ["guest-file-open"]


def test_an_agent_that_is_slow_each_time_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    agent = PlayedAgent(monkeypatch, proc_cpuinfo=b"x" * 10_000_000)
    agent.takes = 4.0
    with pytest.raises(TimeoutError):
        agent.look()
    assert len(agent.asked) <= 4
    assert not agent.open, "closed even then"


def test_an_agent_that_does_not_close_has_still_told(monkeypatch: pytest.MonkeyPatch) -> None:
    agent = PlayedAgent(monkeypatch, proc_cpuinfo=AMD, dev_kvm=b"")
    agent.instead["guest-file-close"] = libvirt.libvirtError("gone")
    assert agent.look() == Inside("svm", True)


@pytest.mark.parametrize("command", ["guest-file-open", "guest-file-read"])
@pytest.mark.parametrize(
    "nonsense",
    ["", "null", "[]", '{"return": true}', '{"return": {}}', "[" * 100_000]
    + [json.dumps({"return": {"buf-b64": text, "eof": 1}}) for text in ("é", "A" * 99_999, 7)],
)
def test_nonsense_is_a_value_error(
    monkeypatch: pytest.MonkeyPatch, command: str, nonsense: str
) -> None:
    agent = PlayedAgent(monkeypatch, proc_cpuinfo=AMD)
    agent.instead[command] = nonsense
    with pytest.raises(ValueError, match=r"."):
        agent.look()


@given(st.binary(max_size=200))
def test_any_cpuinfo_can_be_read(data: bytes) -> None:
    assert cpu_flag(data) in {None, "", "vmx", "svm", "sie"}


@pytest.mark.parametrize(
    ("cpuinfo", "flag"),
    [
        (b"flags\t\t: fpu vmx sse\n", "vmx"),
        (b"flags\t\t: fpu vmxx\nvmx flags\t: vnmi svm\n", ""),
        (b"features\t: esan3 zarch sie \n", "sie"),
        (b"Features\t: fp asimd\n", None),
        (b"flags : fpu vmx", None),
    ],
)
def test_the_flag_of_cpuinfo(cpuinfo: bytes, flag: str | None) -> None:
    assert cpu_flag(cpuinfo) == flag


def test_a_node_without_kvm_behind_it() -> None:
    kvm, why = kvm_from("failed to open file '/dev/kvm' (mode: 'r'): No such device")
    assert kvm is False
    assert "no KVM" in why
    assert kvm_from("a: Kein solches Gerät") == (None, "Kein solches Gerät")


def test_words() -> None:
    one = guest()
    assert inside_words(one, Inside("svm", True)) == (
        "nested: inside the guest svm is seen and /dev/kvm is there (asked of its agent)"
    )
    assert "modprobe kvm_intel" in inside_words(one, Inside("vmx", False))
    neither = inside_words(one, Inside("", False))
    assert "neither" in neither
    assert "modprobe" not in neither
    assert "not known: odd" in inside_words(one, Inside("", None, "odd"))
    assert "is not told and /dev/kvm is there" in inside_words(one, Inside(None, True))
    problem = inside_words(one, Inside(problem=Problem("cannot", "guest-file-open is disabled")))
    assert "guest-file-open is disabled" in problem
    assert "/proc/cpuinfo" in problem


@pytest.mark.parametrize(
    ("one", "why"),
    [
        (guest(), ""),
        (guest(GuestState.OFF), "does not run"),
        (guest(GuestState.PAUSED), "paused"),
        (guest(agent_connected=False), "is not connected"),
        (guest(agent_connected=False, agent_channel=False), "has no channel"),
        (guest()._replace(details=None), "not read yet"),
        (guest()._replace(agent_os="mswindows 11"), "Windows"),
    ],
)
def test_who_is_asked(one: Guest, why: str) -> None:
    assert bool(why_not_asked(one)) == bool(why)
    assert why in why_not_asked(one)


def test_the_line_to_run_is_that_of_the_guests_os() -> None:
    assert "grep" in unknown_words(guest(), "so")
    windows = guest(stack=GuestStack(os_id="http://microsoft.com/win/11"))
    assert "powershell" in unknown_words(windows, "so")
