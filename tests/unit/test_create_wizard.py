"""The pure parts of the wizard: sizes as typed, an edit carried over, whose a finding is, paths."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuivm.model.spec import Source, SourceKind, Spec
from tuivm.screens.create.cloud import address_fault, host_fault, key_fault, packages_fault
from tuivm.screens.create.deeds import shell_lines
from tuivm.screens.create.draft import Draft, owner
from tuivm.screens.create.filefields import path_fault
from tuivm.screens.create.frame import summary
from tuivm.screens.create.localfiles import completion, public_keys
from tuivm.screens.create.sizes import typed_size, write_size
from tuivm.screens.create.xmledit import Edit, carried_over, changes

GIB = 1 << 30
STAYS = """<domain>
  <name>a</name>
  <os>
    <boot dev='hd'/>
  </os>
  <memory>1</memory>
</domain>
"""
FIRST = STAYS.replace("<boot dev='hd'/>", "<boot dev='cdrom'/>\n    <kernel>/k</kernel>")


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("20", 20 * GIB),
        ("20G", 20 * GIB),
        ("20g", 20 * GIB),
        ("1.5 GiB", GIB * 3 // 2),
        ("512m", GIB // 2),
        ("2GB", 2 * 10**9),
        ("x", None),
        ("-1", None),
        ("", None),
        ("1 G G", None),
        ("２", None),
    ],
)
def test_sizes_as_people_type_them(text: str, size: int | None) -> None:
    assert typed_size(text, "GiB") == size


@given(st.integers(min_value=1, max_value=2**63 - 1))
def test_a_size_that_is_written_is_read_back(size: int) -> None:
    assert typed_size(write_size(size), "MiB") == size


def test_the_longest_key_has_a_finding() -> None:
    keys = ("disk", "disk.0.bus", "disk.0")
    assert owner("disk.0.bus", keys) == "disk.0.bus"
    assert owner("disk.0.new.size", keys) == "disk.0"
    assert owner("disk.10", keys) == "disk", "not the first disk's"
    assert owner("nic.0", keys) == ""


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("<memory>1</memory>", "<memory>2</memory>"),
        ("<memory>1</memory>", "<memory>1</memory>\n  <title>t</title>"),
        ("  <memory>1</memory>\n", ""),
        ("<domain>", "<domain>\n  <title>t</title>"),
    ],
)
def test_an_edit_is_made_in_the_first_starts_definition_too(before: str, after: str) -> None:
    edited = STAYS.replace(before, after)
    assert carried_over(Edit(STAYS, edited), FIRST) == FIRST.replace(before, after)


def test_an_edit_of_what_the_first_start_has_otherwise_is_not_guessed() -> None:
    edited = STAYS.replace("dev='hd'", "dev='network'")
    assert carried_over(Edit(STAYS, edited), FIRST) is None


def test_no_edit_changes_nothing() -> None:
    assert carried_over(Edit(STAYS, STAYS), FIRST) == FIRST
    assert changes(STAYS, STAYS) == []
    assert changes(STAYS, STAYS.replace("1", "2"))[1:] != []


def test_a_command_is_quoted_and_broken_at_its_options() -> None:
    lines = shell_lines(("virt-install", "--name", "a b", "--boot", "uefi"))
    assert lines == "virt-install \\\n  --name 'a b' \\\n  --boot uefi"


def test_paths_are_completed_on_this_machine(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "debian.iso").touch()
    assert completion(f"{tmp_path}/im") == f"{tmp_path}/images/"
    assert completion(f"{tmp_path}/images/d") == f"{tmp_path}/images/debian.iso"
    assert completion(f"{tmp_path}/images/x") is None
    assert completion("relative") is None
    assert completion(f"{tmp_path}/nothing/x") is None
    assert completion("/\0/x") is None


def test_public_keys_only(tmp_path: Path) -> None:
    assert public_keys(tmp_path) == ()
    (tmp_path / ".ssh").mkdir()
    (tmp_path / ".ssh" / "id").write_text("private")
    (tmp_path / ".ssh" / "id.pub").write_text("ssh-ed25519 AAAA me\n")
    (tmp_path / ".ssh" / "empty.pub").touch()
    assert public_keys(tmp_path) == (("id.pub", "ssh-ed25519 AAAA me"),)


def test_faults_of_texts() -> None:
    assert path_fault("/a") == ""
    assert path_fault("a")
    assert path_fault("/a\0")
    assert "prefix" in address_fault("10.0.0.1")
    assert "no address" in address_fault("htop")
    assert address_fault("2001:db8::1/64") == ""
    assert host_fault("a.example") == ""
    assert host_fault("-a")
    assert packages_fault("vim htop") == ""
    assert packages_fault("vim;reboot")
    assert "private" in key_fault("-----BEGIN OPENSSH PRIVATE KEY-----")


def test_a_copy_is_summed_up_by_whose_it_is() -> None:
    source = Source(kind=SourceKind.COPY, guest="db-1")
    spec = Spec(name="db-2", source=source)
    assert summary(Draft(spec=spec, full=spec)) == [("name", "db-2"), ("source", "as db-1")]
