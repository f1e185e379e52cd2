from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace

import pytest

from tuivm import entry, environment, logs
from tuivm.model.guests import GuestKey
from tuivm.options import Options


def test_a_thin_link_has_few_frames_and_no_animation() -> None:
    environ: dict[str, str] = {}
    environment.settle(environ, slow=True)
    assert environ["TEXTUAL_ANIMATIONS"] == "none"
    assert int(environ["TEXTUAL_FPS"]) <= 10


def test_what_the_person_set_is_left() -> None:
    environ = {"TEXTUAL_FPS": "30"}
    environment.settle(environ, slow=True)
    assert environ["TEXTUAL_FPS"] == "30"
    environ = {}
    environment.settle(environ, slow=False)
    assert environ == {}


def test_an_empty_no_color_means_nothing() -> None:
    environ = {"NO_COLOR": ""}
    environment.settle(environ, slow=False)
    assert environ == {}
    environ = {"NO_COLOR": "1"}
    environment.settle(environ, slow=False)
    assert environ == {"NO_COLOR": "1"}


@pytest.mark.parametrize(
    ("term", "encoding", "plain"),
    [
        ("xterm-256color", "UTF-8", False),
        ("xterm-256color", "utf8", False),
        ("tmux", "ISO-8859-1", True),
        ("tmux", "ANSI_X3.4-1968", True),
        ("linux", "UTF-8", True),
        ("", "UTF-8", False),
    ],
)
def test_ascii_where_glyphs_cannot_be_trusted(term: str, encoding: str, plain: bool) -> None:
    assert environment.wants_ascii({"TERM": term}, encoding) is plain


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[tuple[Options, str | None]]:
    """What the user interface was started with, and the frame rate that Textual would read."""
    seen: list[tuple[Options, str | None]] = []
    environ = {"TERM": "xterm"}

    def run(options: Options, demo: Sequence[GuestKey]) -> int:
        assert not demo
        seen.append((options, environ.get("TEXTUAL_FPS")))
        return 7

    monkeypatch.setitem(sys.modules, "tuivm.start", SimpleNamespace(run=run))  # type: ignore[arg-type]
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    monkeypatch.setattr("threading.excepthook", sys.modules["threading"].excepthook)
    monkeypatch.setattr("os.environ", environ)
    monkeypatch.setattr(logs, "default_path", lambda: tmp_path / "tuivm.log")
    monkeypatch.setattr("tuivm.config.default_path", lambda: tmp_path / "config.toml")
    return seen


def test_the_interface_is_started_with_what_was_asked_for(
    started: list[tuple[Options, str | None]], tmp_path: Path
) -> None:
    assert entry.run(["--slow", "--ascii", "--readonly", "-c", "a", "-c", "b"]) == 7
    ((options, fps),) = started
    assert options.connections == ("a", "b")
    assert (options.slow, options.ascii, options.readonly) == (True, True, True)
    assert options.notices == ()
    assert fps == environment.SLOW_FPS
    assert (tmp_path / "tuivm.log").exists()
    logs.stop()


@pytest.mark.parametrize("stream", ["stdin", "stdout", "stderr"])
def test_each_stream_has_to_be_a_terminal(
    started: list[tuple[Options, str | None]], monkeypatch: pytest.MonkeyPatch, stream: str
) -> None:
    monkeypatch.setattr(getattr(sys, stream), "isatty", lambda: False, raising=False)
    assert entry.run([]) == 2
    assert not started


def test_slow_in_the_configuration_is_settled_before_textual_too(
    started: list[tuple[Options, str | None]], tmp_path: Path
) -> None:
    (tmp_path / "config.toml").write_text("slow = true\n")
    entry.run([])
    ((options, fps),) = started
    assert options.slow
    assert fps == environment.SLOW_FPS
    logs.stop()


def test_a_log_that_cannot_be_written_is_a_notice(
    started: list[tuple[Options, str | None]],
) -> None:
    entry.run(["--log", "/dev/null/tuivm.log"])
    ((options, _),) = started
    assert len(options.notices) == 1
    assert "going on without" in options.notices[0]
