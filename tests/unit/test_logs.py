from __future__ import annotations

import errno
import logging
import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tuivm import logs
from tuivm.model.guests import GuestKey

KEY = GuestKey("rack7", "11111111-2222-3333-4444-555555555555")


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    yield
    logs.stop()


def test_audit_says_who_did_what_to_which_guest(tmp_path: Path) -> None:
    log = tmp_path / "deep" / "down" / "tuivm.log"
    assert logs.start(log) == ""
    logs.audit("anna", "qemu:///system", KEY, "force off", "done", name="web-1")
    logs.stop()
    (line,) = log.read_text().splitlines()
    assert line.endswith(
        "tuivm.audit user=anna host=rack7 uri=qemu:///system guest=web-1"
        ' uuid=11111111-2222-3333-4444-555555555555 action="force off" result=done'
    )
    assert log.stat().st_mode & 0o077 == 0


def test_a_name_cannot_forge_a_line_or_a_field(tmp_path: Path) -> None:
    log = tmp_path / "tuivm.log"
    logs.start(log)
    logs.audit("anna", "u", KEY, "start", "done", name='x" result=fine\nuser=root\u2028\x1b[1m')
    logs.stop()
    (line,) = log.read_text().splitlines()
    assert r'guest="x\" result=fine␊user=root�␛[1m" uuid=' in line


def test_secrets_never_reach_the_file(tmp_path: Path) -> None:
    log = tmp_path / "tuivm.log"
    logs.start(log)
    logger = logging.getLogger("tuivm.connection")
    logger.warning("qemu+ssh://me:s3cret@host/system?password=s3cret&x=1")
    logger.warning("<graphics type='vnc' passwd='s3cret'/> <x passwd=\"s3cret\"/>")
    try:
        raise ValueError("cannot open esx://root:s3cret@vcenter/")  # noqa: TRY301 - to be logged
    except ValueError:
        logger.exception("failed")
    logs.stop()
    text = log.read_text()
    assert "s3cret" not in text
    assert "qemu+ssh://me:***@host/system?password=***&x=1" in text
    assert "Traceback" in text


def test_it_rotates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "MAX_BYTES", 400)
    log = tmp_path / "tuivm.log"
    logs.start(log)
    for number in range(100):
        logging.getLogger("tuivm").info("record %d %s", number, "x" * 40)
    logs.stop()
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"tuivm.log", *(f"tuivm.log.{n}" for n in range(1, logs.BACKUPS + 1))}
    assert all(path.stat().st_size <= 400 for path in tmp_path.iterdir())
    assert "record 99" in log.read_text()


def test_an_unwritable_place_is_one_warning_and_nothing_on_the_terminal(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    warning = logs.start(blocked / "tuivm.log")
    assert str(blocked / "tuivm.log") in warning
    assert "going on without" in warning
    logs.audit("anna", "u", KEY, "start", "done", name="web-1")
    logging.getLogger("tuivm").error("not to the terminal")
    assert capfd.readouterr() == ("", "")


def test_the_default_is_in_the_xdg_state_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert logs.default_path() == tmp_path / "tuivm" / "tuivm.log"


def test_a_hung_disk_holds_neither_the_caller_nor_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stuck, release = threading.Event(), threading.Event()

    def hang(self: logging.Handler, record: logging.LogRecord) -> None:
        stuck.set()
        release.wait()

    monkeypatch.setattr(logs, "CLOSE_WAIT", 0.01)
    logs.start(tmp_path / "tuivm.log")
    monkeypatch.setattr(logging.FileHandler, "emit", hang)
    logging.getLogger("tuivm").info("first")
    assert stuck.wait(30)
    logging.getLogger("tuivm").info("second")
    logs.stop()
    assert not release.is_set()
    release.set()


def test_a_thread_that_dies_leaves_its_traceback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)
    monkeypatch.setattr("sys.excepthook", lambda *_: None)
    logs.start(tmp_path / "tuivm.log")
    logs.catch_crashes()

    def fail() -> None:
        raise ZeroDivisionError("in a thread")

    thread = threading.Thread(target=fail, name="sampler")
    thread.start()
    thread.join()
    logs.stop()
    text = (tmp_path / "tuivm.log").read_text()
    assert "thread sampler ended" in text
    assert "ZeroDivisionError: in a thread" in text


@pytest.mark.parametrize(
    ("thread", "number", "crashed"),
    [
        ("textual-output", errno.EIO, False),
        ("textual-output", errno.ENOSPC, True),
        ("host-rack7", errno.EIO, True),
    ],
)
def test_a_terminal_that_is_gone_is_one_quiet_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, thread: str, number: int, crashed: bool
) -> None:
    def write() -> None:
        raise OSError(number, os.strerror(number))

    log = tmp_path / "tuivm.log"
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)
    logs.catch_crashes()
    logs.start(log)
    writer = threading.Thread(target=write, name=thread)
    writer.start()
    writer.join()
    logs.stop()
    lines = log.read_text().splitlines()
    assert ("Traceback (most recent call last):" in lines) is crashed
    if not crashed:
        (line,) = lines
        assert line.endswith("INFO tuivm the terminal takes no more output: Input/output error")
