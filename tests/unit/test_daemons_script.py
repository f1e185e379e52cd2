"""scripts/daemons.py against real sockets, with programs of our own in the daemons' place."""

from __future__ import annotations

import importlib.util
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts" / "daemons.py"

# Listens where libvirtd would, in the background, as `libvirtd --daemon` does.
DAEMON = """#!{python}
import os, signal, socket, sys
listener = socket.socket(socket.AF_UNIX)
listener.bind("{socket}")
listener.listen()
if child := os.fork():
    open("{pids}", "a").write(str(child) + "\\n")
else:
    os.close(1), os.close(2)
    signal.pause()
"""


class Place:
    def __init__(self, folder: Path) -> None:
        self.run = folder / "run"
        self.bin = folder / "bin"
        self.pids = folder / "pids"
        self.run.mkdir()
        self.bin.mkdir()
        self.pids.touch()

    def daemon(self, program: str, socket_name: str) -> None:
        text = DAEMON.format(python=sys.executable, socket=self.run / socket_name, pids=self.pids)
        self.program(program, text)

    def program(self, name: str, text: str) -> None:
        (self.bin / name).write_text(text)
        (self.bin / name).chmod(0o755)


@pytest.fixture
def place() -> Iterator[Place]:
    # A socket's path holds at most 107 bytes, which pytest's own directories can pass.
    with tempfile.TemporaryDirectory() as folder:
        here = Place(Path(folder))
        yield here
        for pid in here.pids.read_text().split():
            os.kill(int(pid), signal.SIGKILL)


@pytest.fixture
def daemons(place: Place, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    spec = importlib.util.spec_from_file_location("daemons", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "RUN", place.run)
    monkeypatch.setattr(module, "SYSTEMD", place.run / "no-systemd")
    monkeypatch.setattr(module, "WAIT_S", 5.0)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setenv("PATH", str(place.bin), prepend=os.pathsep)
    monkeypatch.delenv("LIBVIRT_DEFAULT_URI", raising=False)
    return module


def test_starts_what_does_not_listen_and_shows_it(
    daemons: ModuleType, place: Place, capfd: pytest.CaptureFixture[str]
) -> None:
    place.daemon("virtlogd", "virtlogd-sock")
    place.daemon("libvirtd", "libvirt-sock")
    assert daemons.main() == 0
    shown = [line for line in capfd.readouterr().out.splitlines() if line.startswith("+ ")]
    assert shown == [f"+ {place.bin}/virtlogd --daemon", f"+ {place.bin}/libvirtd --daemon"]
    assert daemons.system_daemon_listens()


def test_leaves_a_listening_daemon_alone(
    daemons: ModuleType, place: Place, capfd: pytest.CaptureFixture[str]
) -> None:
    place.daemon("libvirtd", "libvirt-sock")
    place.daemon("virtlogd", "virtlogd-sock")
    daemons.main()
    capfd.readouterr()
    assert daemons.main() == 0
    assert capfd.readouterr().out == ""
    assert len(place.pids.read_text().split()) == 2


def test_modular_daemon_counts_as_listening(daemons: ModuleType, place: Place) -> None:
    place.daemon("virtqemud", "virtqemud-sock")
    subprocess.run([place.bin / "virtqemud"], check=True)
    assert daemons.system_daemon_listens()


def test_the_socket_of_a_dead_daemon_is_not_listening(daemons: ModuleType, place: Place) -> None:
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(place.run / "libvirt-sock"))
    assert not daemons.listens("libvirt-sock")
    assert not daemons.listens("not-there")


def test_a_daemon_that_hangs_is_not_started_twice(daemons: ModuleType, place: Place) -> None:
    with socket.socket(socket.AF_UNIX) as hung:
        hung.bind(str(place.run / "libvirt-sock"))
        hung.listen(0)
        with socket.socket(socket.AF_UNIX) as filler:
            filler.connect(str(place.run / "libvirt-sock"))
            assert daemons.listens("libvirt-sock")


def test_a_daemon_that_fails_to_start_is_reported(
    daemons: ModuleType, place: Place, capfd: pytest.CaptureFixture[str]
) -> None:
    place.daemon("virtlogd", "virtlogd-sock")
    place.program("libvirtd", "#!/bin/sh\nexit 1\n")
    assert daemons.main() == 1
    assert "did not start" in capfd.readouterr().err


def test_systemd_is_asked_where_it_runs(
    daemons: ModuleType,
    place: Place,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(daemons, "SYSTEMD", place.run)
    place.daemon("virtqemud", "virtqemud-sock")
    # This system has libvirt's modular daemons only.
    place.program(
        "systemctl",
        f'#!/bin/sh\n[ "$2" = virtqemud.socket ] || exit 1\n'
        f'[ "$1" = cat ] || exec "{place.bin}/virtqemud"\n',
    )
    assert daemons.main() == 0
    assert "+ systemctl start virtqemud.socket" in capfd.readouterr().out


@pytest.mark.parametrize(
    ("uid", "uri", "wanted"),
    [
        (0, "", True),
        (0, "qemu:///system", True),
        (0, "qemu+ssh://rack7/system", False),
        (0, "xen:///system", False),
        (1000, "", False),
    ],
)
def test_only_root_with_the_local_system_daemon_needs_it(
    daemons: ModuleType, monkeypatch: pytest.MonkeyPatch, uid: int, uri: str, wanted: bool
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: uid)
    monkeypatch.setenv("LIBVIRT_DEFAULT_URI", uri)
    assert daemons.wanted() is wanted
