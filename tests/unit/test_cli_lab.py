"""`tuivm lab …`: what is asked for, and results that were kept or exported."""

from __future__ import annotations

import io
import json
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.support import labplayed
from tests.support.labrun import lab_run
from tuivm import cli, labexport, labruns
from tuivm.cli import Exit
from tuivm.headless.lab import lab_command, request_of
from tuivm.lab.ports import LabError
from tuivm.laboratory import Laboratory
from tuivm.model.hosts import HostSpec
from tuivm.model.lab import Backing, Experiment, LabRequest, Length
from tuivm.model.labports import LabPortError

STORAGE, NETWORK, MACHINE = Experiment.STORAGE, Experiment.NETWORK, Experiment.MACHINE


def asked(*words: str) -> LabRequest:
    return request_of(cli.parser().parse_args(["lab", "run", *words]))


@pytest.mark.parametrize(
    ("words", "experiments"),
    [
        ("", (STORAGE,)),
        ("--storage --network", (STORAGE, NETWORK)),
        ("--network", (NETWORK,)),
        ("--lesson machine --lesson machine", (MACHINE,)),
        ("--lesson machine --storage", (STORAGE, MACHINE)),
        ("--models e1000", (NETWORK,)),
        ("--models ide,e1000,nvme", (STORAGE, NETWORK)),
        ("--models ide --lesson machine", (STORAGE, MACHINE)),
        ("--models none-such", (STORAGE,)),
        ("--models none-such --network", (NETWORK,)),
    ],
)
def test_what_is_compared(words: str, experiments: tuple[Experiment, ...]) -> None:
    assert asked(*words.split()).experiments == experiments


def test_a_model_that_has_no_part_is_not_passed_over() -> None:
    with pytest.raises(LabPortError, match="e1000 is compared in network"):
        asked("--storage", "--models", "ide,e1000")


def test_how_it_is_compared() -> None:
    words = "--full --backing file --nic-backing tap --accelerator tcg --seed 7 --models ide,nvme"
    request = asked("--storage", *words.split(), "--passthrough", "0000:01:00.0")
    assert request == LabRequest(
        (STORAGE,),
        Length.FULL,
        ("ide", "nvme"),
        {STORAGE: Backing.FILE, Experiment.IOTHREAD: Backing.FILE, NETWORK: Backing.TAP},
        ("0000:01:00.0",),
        "qemu",
        7,
    )


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """With one kept run, "here", in it, and one that came from elsewhere beside it."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    labruns.save(lab_run(STORAGE, name="here"))
    labexport.export(lab_run(STORAGE, name="there"), "json", tmp_path / "there.json")
    return tmp_path


def said(*words: str) -> tuple[Exit, str, str]:
    """Exit code, standard output and standard error."""
    arguments = cli.parser().parse_args(["lab", *words])
    out, err = io.StringIO(), io.StringIO()
    code = lab_command(arguments, cli.options_of(arguments), lambda: (), out, err)
    return code, out.getvalue(), err.getvalue()


def test_an_exported_file_is_as_good_as_a_kept_result(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = str(home / "there.json")
    code, shown, _ = said("show", file)
    assert (code, shown.splitlines()[0]) == (Exit.FINE, "there")
    code, compared, _ = said("compare", "here", file, "--json")
    document = json.loads(compared)
    assert (document["a"], document["b"]) == ("here", "there")
    assert document["measures"]
    assert said("export", file)[1] == Path(file).read_text()
    monkeypatch.chdir(home)
    assert said("show", "there.json") == said("show", file)


def test_a_kept_result_comes_before_a_file(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / "here").write_text("no run")
    monkeypatch.chdir(home)
    assert said("show", "here")[0] is Exit.FINE


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("nowhere", "There is no kept run 'nowhere', nor a file"),
        ("./nowhere.json", "Cannot read nowhere.json: No such file"),
        ("broken.json", "broken.json cannot be read"),
        (".", "is no file"),
        ("", "There is no kept run ''"),
    ],
)
def test_what_is_no_result(
    home: Path, monkeypatch: pytest.MonkeyPatch, name: str, why: str
) -> None:
    (home / "broken.json").write_text("{")
    monkeypatch.chdir(home)
    for words in (("show", name), ("compare", "here", name), ("export", name)):
        code, out, err = said(*words)
        assert (code, out) == (Exit.FAILED, "")
        assert why in err


def test_ascii_is_ascii(home: Path) -> None:
    for words in (("show", "here"), ("compare", "here", "here")):
        assert "µs" in said(*words)[1]
        assert said(*words, "--ascii")[1].isascii()


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (LabError("it failed"), "it failed"),
        (LabError("it failed", "no room"), "it failed: no room"),
        (LabError("It failed.", "No room.", "Make some."), "It failed. No room. Make some."),
        (LabError("it failed", "no room", "df -h"), "it failed: no room. Remedy: df -h"),
        (LabError("it failed", remedy="Try again."), "it failed. Try again."),
    ],
)
def test_an_error_reads_as_sentences(error: LabError, text: str) -> None:
    assert str(error) == text


class Interrupting(io.StringIO):
    """A standard error whose reader presses Ctrl+C once the first round is on."""

    def __init__(self) -> None:
        super().__init__()
        self.pressed = False
        self.stopping = threading.Event()

    def write(self, text: str) -> int:
        if "round 1 of" in text and not self.pressed:
            self.pressed = True
            raise KeyboardInterrupt
        if "Stopping" in text:
            self.stopping.set()
        return super().write(text)


def test_a_stopped_run_that_could_not_be_kept_is_not_said_to_be(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    err = Interrupting()

    def save(_run: object) -> None:
        assert err.stopping.wait(60)
        raise labruns.LabRunError("No space left on device.")

    def played(specs: Sequence[HostSpec], **_build: object) -> Laboratory:
        return Laboratory(specs, opener=lambda _spec: labplayed.FakeHost(), build=labplayed.build)

    monkeypatch.setattr("tuivm.laboratory.Laboratory", played)
    monkeypatch.setattr(labruns, "save", save)
    monkeypatch.setattr("tuivm.headless.labprogress.EVERY", 0.0)
    arguments = cli.parser().parse_args(["lab", "run", "--models", "virtio-blk,ide"])
    specs = (HostSpec("rack7", "qemu:///session"),)
    with pytest.raises(KeyboardInterrupt):
        lab_command(arguments, cli.options_of(arguments), lambda: specs, io.StringIO(), err)
    assert "could not be kept: No space left on device." in err.getvalue()
    assert "is kept as" not in err.getvalue()
