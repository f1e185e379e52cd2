"""What `tuivm demo --host` asks for, says and leaves behind, without a host being booted."""

from __future__ import annotations

import argparse
import fcntl
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.rig import wait_until
from tuivm import hostdemo
from tuivm.cli import Exit
from tuivm.model.hosts import HostSpec
from tuivm.model.uris import LibvirtConf
from tuivm.options import Options
from tuivm.targets import choose
from tuivm.virthost import host, needs, recipe
from tuivm.virthost.host import VirtualHost
from tuivm.virthost.recipe import VirtHostError

Show = Callable[[Options, str], int]
REPO = Path(__file__).parents[2]


class Played(VirtualHost):
    """One that is up at once. failing: what happens when it boots."""

    made: list[Played]
    failing: BaseException | None = None

    def __init__(self, *, say: recipe.Say) -> None:
        super().__init__(say=say)
        self.booted = self.ended = 0
        self.guests = 0
        self.made.append(self)

    @property
    def uri(self) -> str:
        return "qemu+ssh://root@127.0.0.1:1/system"

    def prepare(self) -> None:
        self._say("prepared")

    def boot(self) -> Played:
        self.booted += 1
        if self.failing is not None:
            raise self.failing
        return self

    def define_guest(self) -> None:
        self.guests += 1

    def end(self) -> None:
        self.ended += 1


@pytest.fixture(autouse=True)
def _signals() -> Iterator[None]:
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = [signal.getsignal(number) for number in numbers]
    yield
    for number, handler in zip(numbers, before, strict=True):
        signal.signal(number, handler)


@pytest.fixture
def demo(monkeypatch: pytest.MonkeyPatch) -> Callable[[Show], int]:
    """`tuivm demo --host` on a terminal of a machine that has all that is needed."""
    monkeypatch.setattr(Played, "made", [], raising=False)
    monkeypatch.setattr(Played, "failing", None)
    monkeypatch.setattr(hostdemo, "VirtualHost", Played)
    monkeypatch.setattr(hostdemo, "on_terminal", lambda: True)
    monkeypatch.setattr(needs, "missing", tuple)
    monkeypatch.setattr(needs, "shortages", lambda *_: [])
    parsed = argparse.Namespace(kernel=None, modules=None)
    return lambda show: hostdemo.run_host_demo(parsed, Options(), show)


def never(_options: Options, _name: str) -> int:
    raise AssertionError("not reached")


def test_it_is_shown_in_front_of_all_other_hosts_and_ended(demo: Callable[[Show], int]) -> None:
    def show(options: Options, name: str) -> int:
        (one,) = Played.made
        assert (one.booted, one.guests, one.ended) == (1, 1, 0)
        others = (HostSpec("rack7", "qemu+ssh://rack7/system"), HostSpec(name, "qemu:///session"))
        first, *rest = choose(options, others, LibvirtConf(), {})
        assert first == HostSpec("virtual-host", one.uri)
        assert [spec.name for spec in rest] == ["rack7", "virtual-host-2"]
        return 5

    assert demo(show) == 5
    assert Played.made[0].ended == 1


@pytest.mark.parametrize(
    ("what", "code"),
    [(VirtHostError("no answer of ssh"), Exit.FAILED), (KeyboardInterrupt(), Exit.INTERRUPTED)],
)
def test_one_that_does_not_boot_is_ended(
    demo: Callable[[Show], int],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    what: BaseException,
    code: Exit,
) -> None:
    monkeypatch.setattr(Played, "failing", what)
    assert demo(never) == code
    assert Played.made[0].ended == 1
    assert ("no answer of ssh" in capsys.readouterr().err) == (code is Exit.FAILED)


def test_a_signal_ends_it(demo: Callable[[Show], int]) -> None:
    def show(_options: Options, _name: str) -> int:
        signal.raise_signal(signal.SIGTERM)
        raise AssertionError("not reached")

    with pytest.raises(SystemExit) as end:
        demo(show)
    assert end.value.code == 128 + signal.SIGTERM
    assert Played.made[0].ended == 1


def test_a_crash_ends_it(demo: Callable[[Show], int]) -> None:
    def show(_options: Options, _name: str) -> int:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        demo(show)
    assert Played.made[0].ended == 1


def test_options_of_the_other_demo_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    parsed = argparse.Namespace(kernel=Path("/vmlinuz"), modules=None)
    assert hostdemo.run_host_demo(parsed, Options(), never) == Exit.USAGE
    assert "--kernel" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("manager", "command"),
    [
        ("apt-get", "apt-get install mmdebstrap qemu-system-x86"),
        ("dnf", "dnf install mmdebstrap qemu-system-x86-core"),
        ("zypper", "install what Debian calls mmdebstrap qemu-system-x86"),
    ],
)
def test_what_is_missing_is_named_with_the_command(
    demo: Callable[[Show], int],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    manager: str,
    command: str,
) -> None:
    monkeypatch.undo()
    lacking = {"mmdebstrap", "qemu-system-x86_64"}

    def which(name: str, path: str = "") -> str | None:
        known = {"apt-get", "dnf", "zypper"}
        there = name == manager if name in known else name not in lacking
        return f"/usr/bin/{name}" if there else None

    monkeypatch.setattr(shutil, "which", which)
    monkeypatch.setattr(needs, "_KEYRING", Path("/"))
    parsed = argparse.Namespace(kernel=None, modules=None)
    assert hostdemo.run_host_demo(parsed, Options(), never) == Exit.FAILED
    said = capsys.readouterr().err
    assert "missing for a virtual host: mmdebstrap, qemu-system-x86_64" in said
    assert command in said


def test_too_little_memory_or_disk_is_told_before(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    memory = tmp_path / "meminfo"
    memory.write_text("MemTotal: 8000000 kB\nMemAvailable:    2048000 kB\n")
    monkeypatch.setattr(needs, "_MEMINFO", memory)
    free = shutil.disk_usage(tmp_path).free // needs.MIB
    there = {tmp_path: 1}
    assert needs.shortages(2000, there) == []
    assert needs.shortages(2001, there) == ["it needs 2001 MiB of memory, and 2000 MiB are free"]
    # On one file system, and one of them is still to be made.
    both = {tmp_path: free // 2 + 512, tmp_path / "new" / "one": free // 2 + 512}
    (short,) = needs.shortages(0, both)
    assert "MiB are free" in short
    memory.unlink()
    assert needs.shortages(1 << 40, there) == []


def test_files_of_killed_hosts_go_and_others_stay(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(host, "PLACE", tmp_path)
    running, killed, stranger, early = (
        tmp_path / name
        for name in ("tuivm-virthost-a", "tuivm-virthost-b", "other-c", "tuivm-virthost-d")
    )
    for state in (running, killed, stranger, early):
        state.mkdir()
        (state / "host.qcow2").touch()
    lock = host._hold(running)
    os.close(host._hold(killed))
    os.close(host._hold(stranger))
    host._sweep()
    assert {path.name for path in tmp_path.iterdir()} == {running.name, stranger.name, early.name}
    os.close(lock)
    host._sweep()
    assert not running.exists()


def test_children_do_not_keep_the_lock(tmp_path: Path) -> None:
    lock = host._hold(tmp_path)
    with subprocess.Popen(["sleep", "60"], close_fds=False) as child:
        os.close(lock)
        with (tmp_path / "held").open() as held:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        child.kill()


def test_an_image_is_known_by_what_is_in_it(monkeypatch: pytest.MonkeyPatch) -> None:
    before = recipe._key()
    assert recipe._key() == before
    monkeypatch.setattr(recipe, "DISK_SIZE", "7G")
    assert recipe._key() != before
    monkeypatch.undo()
    monkeypatch.setattr(recipe, "PACKAGES", (*recipe.PACKAGES, "nano"))
    assert recipe._key() != before


def test_a_build_that_is_ended_ends_what_it_started_and_leaves_nothing(tmp_path: Path) -> None:
    """As Ctrl+C, but to the process alone, as a signal from elsewhere is."""
    pids = tmp_path / "pids"
    script = (
        "from pathlib import Path\n"
        "import signal\n"
        "from tuivm.virthost import recipe\n"
        "signal.signal(signal.SIGTERM, signal.default_int_handler)\n"
        f"step = ['sh', '-c', 'sleep 600 & echo $! >{pids}; wait']\n"
        "recipe._build = lambda work, _: recipe._do(step, (work / 'log').open('wb'))\n"
        "recipe.needs.missing = tuple\n"
        "recipe.image(print)\n"
    )
    cache = tmp_path / "cache"
    with subprocess.Popen(
        [sys.executable, "-c", script],
        cwd=REPO,
        env={**os.environ, "XDG_CACHE_HOME": str(cache)},
        stderr=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    ) as building:
        wait_until(lambda: pids.exists() and pids.read_text().strip(), 60, "the first step")
        building.terminate()
        building.wait(60)
    child = int(pids.read_text())
    wait_until(lambda: not Path(f"/proc/{child}").exists(), 60, "the end of what it started")
    assert [path.name for path in (cache / "tuivm" / "virthost").iterdir()] == ["lock"]


def test_an_image_is_built_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(needs, "missing", tuple)
    built: list[Path] = []

    def build(work: Path, _say: recipe.Say) -> None:
        (work / "made").mkdir()
        built.append(work)

    monkeypatch.setattr(recipe, "_build", build)
    assert not recipe.built()
    first = recipe.image(lambda _: None)
    assert recipe.built()
    assert recipe.image(lambda _: None) == first
    assert len(built) == 1
