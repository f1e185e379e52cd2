from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from tests.support.labrun import TAKEN, lab_run
from tuivm.kept import LARGEST
from tuivm.labexport import export, export_pair
from tuivm.labruns import (
    LabRunError,
    adopt,
    check_free,
    directory,
    file_name,
    listed,
    load,
    new_name,
    remove,
    save,
)
from tuivm.model.lab import Experiment
from tuivm.model.labports import LabPortError


def test_save_load_list_remove(tmp_path: Path) -> None:
    place = tmp_path / "data" / "lab"
    assert listed(into=place) == []
    run = lab_run(Experiment.STORAGE)
    path = save(run, into=place)
    assert path == place / "lab-2026-11-23-1.json"
    assert load(run.name, into=place) == run
    later = lab_run(Experiment.NETWORK, name="on / rack 7", accelerator="kvm", complete=False)
    save(later._replace(taken=TAKEN + 60), into=place)
    kept = listed(into=place)
    assert [one.name for one in kept] == ["on / rack 7", run.name]
    assert kept[0].experiments == (Experiment.NETWORK,)
    assert (kept[0].host, kept[0].accelerator, kept[0].complete) == ("rack7", "kvm", False)
    assert kept[1][:3] == (run.name, str(path), TAKEN)
    remove(run.name, into=place)
    assert [one.name for one in listed(into=place)] == ["on / rack 7"]
    with pytest.raises(LabRunError, match="no kept run 'lab-2026-11-23-1'"):
        remove(run.name, into=place)


def test_runs_are_kept_in_the_users_data_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    path = save(lab_run(Experiment.STORAGE, rounds=1))
    assert path.parent == directory() == tmp_path / "tuivm" / "lab"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert len(listed()) == 1


def test_a_name_that_is_taken_is_refused_before_and_after(tmp_path: Path) -> None:
    run = lab_run(Experiment.STORAGE, rounds=1)
    check_free(run.name, into=tmp_path)
    save(run, into=tmp_path)
    for attempt in (lambda: check_free(run.name, into=tmp_path), lambda: save(run, into=tmp_path)):
        with pytest.raises(LabRunError, match="'lab-2026-11-23-1' is already kept"):
            attempt()
    save(run._replace(seconds=1.0), replace=True, into=tmp_path)
    assert load(run.name, into=tmp_path).seconds == 1.0
    for replace in (False, True):
        with pytest.raises(LabRunError, match="needs a name"):
            save(run._replace(name=" "), replace=replace, into=tmp_path)


def test_new_names_are_free(tmp_path: Path) -> None:
    first = new_name(TAKEN, into=tmp_path)
    assert first.startswith("lab-2026-11-2")
    assert first.endswith("-1")
    save(lab_run(Experiment.STORAGE, rounds=1, name=first), into=tmp_path)
    assert new_name(TAKEN, into=tmp_path) == f"{first[:-1]}2"
    assert file_name(first) == first


def test_a_full_disk_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(LabRunError, match=r"Cannot save .*: No space left on device\."):
        save(lab_run(Experiment.STORAGE, rounds=1), into=tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "it is not JSON"),
        (b"{}", "no lab run of tuivm"),
        (b"\xff\xfe", "codec can't decode"),
        (b'{"kind":"tuivm lab run","schema":1}', "it has no"),
        (b'{"kind":"tuivm comparison","schema":1}', "no lab run of tuivm"),
    ],
)
def test_a_broken_or_foreign_file_is_reported(tmp_path: Path, content: bytes, why: str) -> None:
    (tmp_path / "odd.json").write_bytes(content)
    save(lab_run(Experiment.STORAGE, rounds=1), into=tmp_path)
    good, odd = listed(into=tmp_path)
    assert (good.problem, odd.name, odd.taken) == ("", "odd", None)
    assert why in odd.problem
    with pytest.raises(LabRunError, match=why):
        load("odd", into=tmp_path)
    remove("odd", into=tmp_path)
    assert len(listed(into=tmp_path)) == 1


def test_what_is_too_large_or_no_file_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "large.json").open("wb") as file:
        file.truncate(LARGEST + 1)
    os.mkfifo(tmp_path / "pipe.json")
    found = {one.name: one.problem for one in listed(into=tmp_path)}
    assert "too large to be a run of the Lab" in found["large"]
    assert "is no file" in found["pipe"]


def test_a_copied_file_goes_by_its_own_name(tmp_path: Path) -> None:
    path = save(lab_run(Experiment.STORAGE, rounds=1), into=tmp_path)
    (tmp_path / "copy.json").write_bytes(path.read_bytes())
    assert sorted(one.name for one in listed(into=tmp_path)) == ["copy", "lab-2026-11-23-1"]


@pytest.mark.parametrize("name", ["../../etc/x", "a/b", ".hidden", "-rf", "\x00", "x" * 300])
def test_no_name_leaves_the_directory(tmp_path: Path, name: str) -> None:
    place = tmp_path / "in"
    run = lab_run(Experiment.STORAGE, rounds=1, name=name)
    path = save(run, into=place)
    assert path.parent == place
    assert load(name, into=place) == run
    assert [one.name for one in listed(into=place)] == [name]


def test_an_exported_file_is_kept_under_a_name_that_is_free(tmp_path: Path) -> None:
    place = tmp_path / "lab"
    mine, theirs = lab_run(Experiment.STORAGE), lab_run(Experiment.STORAGE, seed=2)
    assert mine.name == theirs.name
    save(mine, into=place)
    file = export(theirs, "json", tmp_path / "theirs.json")
    kept = adopt(file, into=place)
    assert kept == theirs._replace(name=f"{mine.name}-2")
    assert load(kept.name, into=place) == kept
    assert load(mine.name, into=place) == mine
    # A second time, and one's own, are the runs that are there already.
    assert adopt(file, into=place) == kept
    assert adopt(export(mine, "json", tmp_path / "mine.json"), into=place) == mine
    assert len(listed(into=place)) == 2
    (tmp_path / "other.json").write_text("{}")
    with pytest.raises(LabRunError):
        adopt(tmp_path / "other.json", into=place)
    with pytest.raises(LabRunError):
        adopt(tmp_path / "none.json", into=place)


def test_a_comparison_is_written_into_a_new_file(tmp_path: Path) -> None:
    one, two = lab_run(Experiment.STORAGE, name="one"), lab_run(Experiment.STORAGE, name="two")
    path = export_pair(one, two, tmp_path / "pair.md")
    assert path.read_text().startswith("# one and two\n")
    with pytest.raises(LabPortError, match="is there already"):
        export_pair(one, two, path)
