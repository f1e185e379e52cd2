"""`tuivm create`: what stops it, what is accepted, what is printed. On a played host."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from tests.support.simcreate import LOST, SimCreate, SimCreation
from tuivm import cli
from tuivm.cli import Exit
from tuivm.headless.create import create_command
from tuivm.model.creation import CreationPlan
from tuivm.model.findings import Finding, Severity
from tuivm.model.hosts import HostSpec, Problem
from tuivm.model.spec import Spec

SPEC = """[guest]
name = 'web'
[source]
kind = 'iso'
pool = 'default'
volume = 'debian-12.iso'
[[disk]]
new.size = '20 GiB'
"""
ODD = Finding("odd", Severity.WARNING, "it is odd", "for a reason", "do this", "guest.title")
ERROR = Finding("bad", Severity.ERROR, "it is bad", "for a reason", "do that", "guest.name")


class Ends(SimCreate):
    """Creations end at once, as `problem` says."""

    problem: Problem | None = None
    left: tuple[str, ...] = ()

    def create(self, plan: CreationPlan, told: object) -> SimCreation:
        run = super().create(plan, told)  # type: ignore[arg-type]
        run.tell("Filling it", 512, 1024)
        if self.problem is None:
            run.succeed()
        else:
            run.fail(self.problem, "the volume", left=self.left)
        return run


class Command:
    def __init__(self, folder: Path) -> None:
        self.port = Ends()
        self.file = folder / "web.toml"
        self.file.write_text(SPEC)
        self.hosts = [HostSpec("rack7", "qemu:///system")]
        self.out = self.err = ""

    def __call__(self, *words: str) -> Exit:
        arguments = cli.parser().parse_args(["create", str(self.file), *words])
        out, err = io.StringIO(), io.StringIO()
        code = create_command(arguments, self.hosts, lambda _spec: self.port, out, err)
        self.out, self.err = out.getvalue(), err.getvalue()
        return code


@pytest.fixture
def command(tmp_path: Path) -> Command:
    return Command(tmp_path)


def made(command: Command) -> Spec:
    (run,) = command.port.runs
    return run.plan.spec


def test_it_creates(command: Command) -> None:
    assert command("--yes") is Exit.FINE
    assert command.out.startswith("Created web on rack7 (")
    assert command.out.rstrip().endswith("and it runs.")
    assert made(command).start
    assert "Filling it  50%, 512 of 1.0K" in command.err


@pytest.mark.parametrize(("words", "starts"), [("--start", True), ("--no-start", False)])
def test_whether_it_starts(command: Command, words: str, *, starts: bool) -> None:
    command.file.write_text(SPEC.replace("'web'", f"'web'\nstart = {str(not starts).lower()}"))
    assert command(words, "--yes") is Exit.FINE
    assert made(command).start == starts


def test_an_error_stops_and_names_its_field_and_remedy(command: Command) -> None:
    command.port.schema = (ODD, ERROR)
    assert command("--yes", "--json") is Exit.FAILED
    assert command.port.runs == []
    assert "error: it is bad (guest.name) [bad]" in command.err
    assert "remedy: do that" in command.err
    document = json.loads(command.out)
    assert not document["created"]
    assert document["findings"][0]["id"] == "bad"


def test_a_warning_wants_to_be_accepted(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    command.port.schema = (ODD,)
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
    assert command() is Exit.FAILED
    assert "--accept odd" in command.err
    assert command("--accept", "other") is Exit.FAILED
    assert command.port.runs == []
    assert command("--accept", "odd") is Exit.FINE
    assert command("--yes") is Exit.FINE


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("typed", "code", "asked"),
    [
        ("y\ny\n", Exit.FINE, 2),
        ("n\n", Exit.FAILED, 1),
        ("y\n\n", Exit.FAILED, 2),
        ("", Exit.FAILED, 1),
    ],
)
def test_a_person_is_asked_one_by_one(
    command: Command, monkeypatch: pytest.MonkeyPatch, typed: str, code: Exit, asked: int
) -> None:
    command.port.schema = (ODD, ODD._replace(id="odder", what="it is odder"))
    monkeypatch.setattr("sys.stdin", Terminal(typed))
    assert command() is code
    assert command.err.count("[y/N]") == asked
    assert len(command.port.runs) == (code is Exit.FINE)


def test_nothing_is_done_for_a_look(command: Command) -> None:
    command.port.schema = (ODD,)
    assert command("--print-xml") is Exit.FINE
    assert command.out.startswith("<domain")
    assert command("--dry-run") is Exit.FINE
    assert command.out.splitlines()[0] == "make default/web.qcow2 of 20G"
    assert command("--dry-run", "--json") is Exit.FINE
    assert json.loads(command.out)["volumes"][0]["name"] == "web.qcow2"
    assert command.port.runs == []


def test_what_is_refused_is_not_outlined(command: Command) -> None:
    command.file.write_text("[source]\nkind = 'empty'\n[machine]\narch = 'sparc'\n")
    assert command("--dry-run") is Exit.FAILED
    assert command.out == ""
    assert "machine.arch" in command.err


def test_a_failure_tells_what_was_removed_and_what_was_left(command: Command) -> None:
    command.port.problem = Problem("cannot define web", "no", "a cause", "a remedy")
    command.port.left = ("default/x: busy",)
    assert command("--yes") is Exit.FAILED
    assert command.out == ""
    for words in (
        "cannot define web: no",
        "likely cause: a cause",
        "remedy: a remedy",
        "removed the volume",
        "not removed: default/x: busy",
    ):
        assert words in command.err


def test_a_host_that_does_not_answer(command: Command) -> None:
    command.port.lost = LOST
    assert command() is Exit.UNREACHABLE
    assert LOST.remedy in command.err


def test_a_guest_that_is_not_there_to_be_copied(command: Command) -> None:
    command.file.write_text("[source]\nkind = 'copy'\nguest = 'gone'\n")
    assert command() is Exit.FAILED
    assert "cannot read gone" in command.err


def test_wrong_usage(command: Command) -> None:
    command.file.write_text("[guest]\nname = 3\n[source]\nkind = 'empty'\n")
    assert command() is Exit.USAGE
    assert "line 2" in command.err
    command.file.write_bytes(b"\xff\xfe")
    assert command() is Exit.USAGE
    command.file.unlink()
    assert command() is Exit.USAGE
    command.file.mkdir()
    assert command() is Exit.USAGE
    command.hosts = [*command.hosts, HostSpec("rack8", "qemu:///session")]
    assert command() is Exit.USAGE
    assert "rack7, rack8" in command.err


def test_control_characters_of_a_spec_do_not_reach_the_terminal(command: Command) -> None:
    command.port.schema = (ODD._replace(what="\x1b[31mred"),)
    assert command() is Exit.FAILED
    assert "\x1b" not in command.err
