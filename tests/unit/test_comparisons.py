from __future__ import annotations

import os
import stat
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.test_reports import same, sample
from tuivm.comparisons import ComparisonError, file_name, listed, load, remove, save
from tuivm.kept import LARGEST


def test_save_load_list_remove(tmp_path: Path) -> None:
    place = tmp_path / "data" / "comparisons"
    assert listed(into=place) == []
    recorded = sample()
    path = save("first", recorded, into=place)
    assert path == place / "first.json"
    assert same(load("first", into=place), replace(recorded, name="first"))
    save("vda / hda", recorded, into=place)
    assert [one.name for one in listed(into=place)] == ["first", "vda / hda"]
    assert listed(into=place)[0] == ("first", path, recorded.taken, 5, "")
    assert load("vda / hda", into=place).name == "vda / hda"
    remove("first", into=place)
    assert [one.name for one in listed(into=place)] == ["vda / hda"]
    with pytest.raises(ComparisonError, match="no saved comparison 'first'"):
        remove("first", into=place)


def test_it_is_kept_in_the_users_data_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    path = save("mine", sample())
    assert path == tmp_path / "tuivm" / "comparisons" / "mine.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [one.name for one in listed()] == ["mine"]
    remove("mine")
    assert not path.exists()


def test_one_of_the_same_name_is_replaced_only_when_told(tmp_path: Path) -> None:
    save("one", sample(), into=tmp_path)
    with pytest.raises(ComparisonError, match="'one' is already saved"):
        save("one", sample("other"), into=tmp_path)
    assert load("one", into=tmp_path).comparison.rows[0].guest == "web"
    save("one", sample("other"), replace=True, into=tmp_path)
    assert load("one", into=tmp_path).comparison.rows[0].guest == "other"


def test_a_full_disk_leaves_the_old_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save("one", sample(), into=tmp_path)

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ComparisonError, match=r"Cannot save .*: No space left on device\."):
        save("one", sample("other"), replace=True, into=tmp_path)
    assert load("one", into=tmp_path).comparison.rows[0].guest == "web"
    assert [path.name for path in tmp_path.iterdir()] == ["one.json"]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "it is not JSON"),
        (b"{}", "no comparison of tuivm"),
        (b"\xff\xfe", "codec can't decode"),
        (b'{"kind":"tuivm comparison","schema":1}', "it has no"),
    ],
)
def test_a_broken_or_foreign_file_is_reported(tmp_path: Path, content: bytes, why: str) -> None:
    (tmp_path / "odd.json").write_bytes(content)
    (tmp_path / "notes.txt").write_text("not ours")
    save("good", sample(), into=tmp_path)
    good, odd = listed(into=tmp_path)
    assert (good.name, good.problem) == ("good", "")
    assert (odd.name, odd.devices) == ("odd", 0)
    assert why in odd.problem
    with pytest.raises(ComparisonError, match=why):
        load("odd", into=tmp_path)
    remove("odd", into=tmp_path)
    assert [one.name for one in listed(into=tmp_path)] == ["good"]


def test_a_file_too_large_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "huge.json").open("wb") as file:
        file.truncate(LARGEST + 1)
    assert "too large" in listed(into=tmp_path)[0].problem


def test_what_is_no_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.json")
    (tmp_path / "directory.json").mkdir()
    assert ["no file" in one.problem for one in listed(into=tmp_path)] == [True, True]


def test_a_directory_that_cannot_be_used(tmp_path: Path) -> None:
    place = tmp_path / "file"
    place.write_text("in the way")
    with pytest.raises(ComparisonError, match="Cannot list"):
        listed(into=place)
    with pytest.raises(ComparisonError, match="Cannot save"):
        save("one", sample(), into=place)


def test_a_file_renamed_by_hand_goes_by_its_own_name(tmp_path: Path) -> None:
    save("one", sample(), into=tmp_path).rename(tmp_path / "two.json")
    assert [one.name for one in listed(into=tmp_path)] == ["two"]
    assert load("two", into=tmp_path).name == "one"


@pytest.mark.parametrize("name", ["../../etc/passwd", "..", "/etc/passwd", "a\0b", ".hidden"])
def test_no_name_leads_out_of_the_directory(tmp_path: Path, name: str) -> None:
    place = tmp_path / "in"
    assert save(name, sample(), into=place).parent == place
    assert load(name, into=place).name == name
    assert [path.name for path in tmp_path.iterdir()] == ["in"]
    remove(name, into=place)
    with pytest.raises(ComparisonError, match="no saved comparison"):
        load("../in/nothing", into=place)


def test_a_name_is_needed(tmp_path: Path) -> None:
    with pytest.raises(ComparisonError, match="needs a name"):
        save(" ", sample(), into=tmp_path)


@given(st.text(), st.text())
def test_file_names_are_safe_and_differ(one: str, other: str) -> None:
    safe = file_name(one)
    assert safe not in ("", ".", "..")
    assert not set(safe) & set('/\\\0:*?"<>|\n ')
    assert len(f"{safe}.json".encode()) <= 255
    assert (safe == file_name(other)) == (one == other)
