"""The agent inside the appliance: its line, its orders, and what it answers."""

from __future__ import annotations

import ast
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

import tuivm.lab.guest
from tuivm.lab import ports, protocol
from tuivm.lab.guest import agent as agent_module
from tuivm.lab.guest.agent import PROTOCOL, Agent
from tuivm.lab.guest.line import NAME, Line, find_port
from tuivm.lab.guest.orders import Order, OrderError, StoppedError
from tuivm.lab.guest.watch import Watch

SOURCES = Path(tuivm.lab.guest.__file__).parent


class Lab:
    """The other end of the line."""

    def __init__(self, end: socket.socket) -> None:
        self.end = end
        end.settimeout(10)
        self._file = end.makefile("rb")

    def send(self, *messages: Mapping[str, object]) -> None:
        self.end.sendall(b"".join(json.dumps(message).encode() + b"\n" for message in messages))

    def receive(self) -> dict[str, object]:
        message = json.loads(self._file.readline())
        assert isinstance(message, dict)
        return message


@pytest.fixture
def ends() -> Iterator[tuple[Lab, Line]]:
    near, far = socket.socketpair()
    with near, far:
        yield Lab(near), Line(far.fileno())


@pytest.fixture
def served(ends: tuple[Lab, Line], tmp_path: Path) -> tuple[Lab, Agent]:
    lab, line = ends
    agent = Agent(line, str(tmp_path))
    agent.prepare()
    return lab, agent


def test_it_speaks_the_protocol_of_the_lab() -> None:
    assert (PROTOCOL, NAME) == (protocol.VERSION, ports.CHANNEL)


def test_it_imports_neither_the_rest_of_tuivm_nor_what_is_slow_to_import() -> None:
    slow = {"typing", "dataclasses", "pathlib", "subprocess", "asyncio", "random", "logging"}
    for source in SOURCES.glob("*.py"):
        tree = ast.parse(source.read_text())
        guarded = {
            id(inner)
            for node in tree.body
            if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
            for inner in ast.walk(node)
        }
        for node in ast.walk(tree):
            if id(node) in guarded:
                continue
            if isinstance(node, ast.Import):
                names = {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level:
                names = {node.module or ""}
            else:
                continue
            assert not names & slow, source.name
            assert {name.split(".")[0] for name in names} <= sys.stdlib_module_names, source.name


def test_as_files_of_any_directory_it_starts_without_site_and_tuivm(tmp_path: Path) -> None:
    home = tmp_path / "elsewhere"
    home.mkdir()
    for source in SOURCES.glob("*.py"):
        (home / source.name).write_bytes(source.read_bytes())
    script = (
        "import sys; path = sys.argv[1]; names = {'__name__': 'run', '__file__': path}\n"
        "exec(compile(open(path).read(), path, 'exec'), names); print(*sorted(sys.modules))"
    )
    ran = subprocess.run(
        [sys.executable, "-I", "-S", "-c", script, str(home / "main.py")],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
    )
    modules = set(ran.stdout.split())
    assert "elsewhere.agent" in modules
    assert not any(name.startswith("tuivm") for name in modules)
    assert not modules & {"typing", "ctypes", "socket", "hashlib"}


def test_it_says_hello_until_the_first_order(
    served: tuple[Lab, Agent], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(agent_module, "HELLO", 0.0)
    lab, agent = served
    lab.send({"do": "stop", "id": 7})
    agent.turn()
    hello = lab.receive()
    assert hello["type"] == "hello"
    assert hello["protocol"] == protocol.VERSION
    assert hello["generator"] == "tuivm (libaio)"
    assert hello["arch"] == os.uname().machine
    assert lab.receive() == {"type": "stopped", "id": 7}
    lab.send({"do": "stop", "id": 8})
    agent.turn()
    assert lab.receive() == {"type": "stopped", "id": 8}


def answers(lab: Lab, agent: Agent, *messages: Mapping[str, object]) -> list[dict[str, object]]:
    lab.send(*messages)
    for _ in messages:
        agent.turn()
    found: list[dict[str, object]] = []
    while len(found) < len(messages):
        message = lab.receive()
        if message["type"] not in ("hello", "progress"):
            found.append(message)
    return found


@pytest.mark.parametrize(
    ("order", "why"),
    [
        ({"do": "sing", "id": 1}, "this is no order"),
        ({"do": ["io"], "id": 1}, "this is no order"),
        ({"do": "io", "id": 1}, "serial must be a text"),
        (
            {"do": "io", "id": 1, "serial": "A", "op": "read", "size": 512, "requests": 1},
            "no disk has the serial number A",
        ),
        ({"do": "wait", "id": 1, "serials": ["A"], "timeout": 0}, "not there: A"),
        ({"do": "wait", "id": 1, "serials": "A", "timeout": 0}, "serials must be a list"),
        ({"do": "compute", "id": 1, "kind": "rest", "requests": 1}, "kind rest is none of "),
        ({"do": "compute", "id": 1, "kind": "compute", "requests": 0}, "requests must be"),
        ({"do": "frames", "id": 1, "size": 10, "requests": 1}, "size must be"),
        ({"do": "load", "id": 1, "rate": 1e9, "size": 512}, "rate 1e+09 is more than"),
    ],
)
def test_what_cannot_be_done_is_answered_and_the_agent_goes_on(
    served: tuple[Lab, Agent], order: dict[str, object], why: str
) -> None:
    failed, after = answers(*served, order, {"do": "devices", "id": 2})
    assert (failed["type"], failed["id"]) == ("failed", 1)
    assert str(failed["why"]).startswith(why)
    assert after == {"type": "devices", "id": 2, "disks": [], "nics": []}


def test_a_fault_of_its_own_is_answered_too(
    served: tuple[Lab, Agent], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_root: str) -> list[object]:
        raise ZeroDivisionError("oh")

    monkeypatch.setattr(agent_module, "disks", broken)
    [failed] = answers(*served, {"do": "devices", "id": 3})
    assert failed == {"type": "failed", "id": 3, "why": "ZeroDivisionError: oh"}


def test_lines_that_are_no_orders_are_answered(served: tuple[Lab, Agent]) -> None:
    lab, agent = served
    for line in (b"no json\n", b"[1]\n", b"\xff\n", b"[" * 100_000 + b"\n"):
        lab.end.sendall(line)
        agent.turn()
    got = [lab.receive() for _ in range(5)]
    assert [message["type"] for message in got] == ["hello"] + ["failed"] * 4


@pytest.mark.parametrize("kind", ["compute", "faults"])
def test_compute_does_as_many_as_are_wanted(served: tuple[Lab, Agent], kind: str) -> None:
    [done] = answers(
        *served, {"do": "compute", "id": 4, "kind": kind, "requests": 1500, "traced": True}
    )
    assert (done["type"], done["requests"], done["bytes"]) == ("done", 1500, 0)
    assert isinstance(done["seconds"], float)
    assert done["seconds"] > 0


def test_measuring_ends_the_search_for_devices(served: tuple[Lab, Agent], tmp_path: Path) -> None:
    answers(*served, {"do": "devices", "id": 1})
    assert not (tmp_path / "quiet").exists()
    answers(*served, {"do": "compute", "id": 2, "kind": "compute", "requests": 1})
    assert (tmp_path / "quiet").exists()


def test_stop_ends_what_runs_and_what_waits_before_it(served: tuple[Lab, Agent]) -> None:
    lab, agent = served
    long = {"do": "compute", "kind": "compute", "requests": 10**12}
    lab.send({**long, "id": 1})
    # The order has been read, and runs, before the others come: progress tells.
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        try:
            while lab.receive()["type"] != "progress":
                pass
            lab.send({**long, "id": 2}, {"do": "stop", "id": 3}, {"do": "stop", "id": 4})
            seen: list[list[object]] = []
            while len(seen) < 4:
                message = lab.receive()
                if message["type"] != "progress":
                    seen.append([message["type"], message["id"], message.get("why")])
            os.write(writer, json.dumps(seen).encode())
        finally:
            os._exit(0)
    for _ in range(4):
        agent.turn()
    os.waitpid(child, 0)
    assert json.loads(os.read(reader, 4096)) == [
        ["failed", 1, "stopped"],
        ["failed", 2, "stopped"],
        ["stopped", 3, None],
        ["stopped", 4, None],
    ]


def test_a_quiet_order_tells_no_progress_but_hears_stop(ends: tuple[Lab, Line]) -> None:
    lab, line = ends
    inbox: list[dict[str, object]] = []
    watch = Watch(line, inbox, 1, quiet=True)
    watch.begin()
    watch._begun -= 10**12
    watch.beat(5)
    loud = Watch(line, inbox, 2, quiet=False)
    loud.begin()
    loud._begun -= 10**9
    loud.beat(6)
    progress = lab.receive()
    assert (progress["id"], progress["done"]) == (2, 6)
    lab.send({"do": "devices", "id": 3}, {"do": "stop", "id": 4})
    with pytest.raises(StoppedError):
        watch.beat(7)
    assert [order["do"] for order in inbox] == ["devices", "stop"]


def test_a_held_order_begins_when_it_is_told_to(ends: tuple[Lab, Line]) -> None:
    lab, line = ends
    inbox: list[dict[str, object]] = []
    watch = Watch(line, inbox, 1, quiet=True, held=True)
    lab.send({"do": "devices", "id": 2}, {"do": "go", "id": 1})
    watch.begin()
    assert lab.receive() == {"type": "ready", "id": 1}
    assert [order["do"] for order in inbox] == ["devices"]
    # It is asked for once: what begins twice (fio) is held once.
    watch.begin()
    other = Watch(line, inbox, 3, quiet=True, held=True)
    lab.send({"do": "stop", "id": 4})
    with pytest.raises(StoppedError):
        other.ready()


def test_the_half_of_a_line_goes_with_the_one_who_sent_it() -> None:
    near, far = socket.socketpair()
    line = Line(far.detach())
    near.sendall(b'{"do": "devi')
    assert line.messages(10) == []
    assert line.connected
    near.close()
    assert line.messages(10) == []
    assert not line.connected
    line.send({"type": "hello"})
    assert not line.connected
    os.close(line.fd)


def test_what_the_host_does_not_take_yet_is_kept_unless_it_may_be_dropped(
    ends: tuple[Lab, Line],
) -> None:
    lab, line = ends
    line.send({"filler": "x" * 3_000_000})
    line.send({"type": "progress"}, droppable=True)
    line.send({"type": "done"})
    child = os.fork()
    if not child:
        try:
            kinds = [lab.receive().get("type") for _ in range(2)]
            os._exit(0 if kinds == [None, "done"] else 1)
        finally:
            os._exit(2)
    while line._out:
        line.messages(0.1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_the_port_is_found_by_its_name(tmp_path: Path) -> None:
    root = str(tmp_path)
    assert find_port(root) is None
    for port, name in (("vport1p1", "org.qemu.guest_agent.0"), ("vport2p3", NAME)):
        (tmp_path / "sys/class/virtio-ports" / port).mkdir(parents=True)
        (tmp_path / "sys/class/virtio-ports" / port / "name").write_text(f"{name}\n")
    assert find_port(root) is None
    (tmp_path / "dev").mkdir()
    (tmp_path / "dev/vport2p3").touch()
    assert find_port(root) == f"{root}/dev/vport2p3"


@pytest.mark.parametrize(
    "fields",
    [{"n": True}, {"n": "1"}, {"n": -1}, {"n": 1.5}, {}],
)
def test_numbers_of_an_order_are_whole_and_large_enough(fields: dict[str, object]) -> None:
    with pytest.raises(OrderError):
        Order(fields).number("n", 0)


def test_pairs_of_an_order() -> None:
    assert Order({"macs": [["a", "b"]]}).pairs("macs") == [("a", "b")]
    for wrong in ([["a"]], ["ab"], [[1, 2]]):
        with pytest.raises(OrderError):
            Order({"macs": wrong}).pairs("macs")
