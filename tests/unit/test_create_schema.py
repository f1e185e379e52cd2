"""What is told of XML that libvirt's schema refuses: the line, the element, and why."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.createspecs import CASES, built
from tuivm.domainxml.schema import SCHEMA_DIR, validate
from tuivm.model.findings import Severity

XML = built(CASES["iso"])
installed = pytest.mark.skipif(
    not SCHEMA_DIR.is_dir(), reason="libvirt's schemas are not installed"
)


def _line(xml: str, part: str) -> int:
    return xml[: xml.index(part)].count("\n") + 1


@installed
@pytest.mark.parametrize(
    ("good", "bad", "blamed", "wrong"),
    [
        ("<acpi/>", "<acpj/>", "acpj", "it is unknown here"),
        ('bus="virtio"', 'bus="virtual"', "target", "bus='virtual' is not allowed"),
        ("2097152<", "two<", "memory", "'two' or its place"),
        ("<on_crash>destroy", "<on_crash>explode", "on_crash", "'explode' or its place"),
        (
            '<boot order="1"/>',
            '<boot order="0"/>',
            "boot",
            "order='0'>: it is unknown here, or something in it is",
        ),
        (
            '<controller type="usb" model="qemu-xhci" ports="15"/>',
            '<controller model="qemu-xhci"/>',
            "controller",
            "something in it is missing",
        ),
    ],
)
def test_the_innermost_element_is_named(good: str, bad: str, blamed: str, wrong: str) -> None:
    broken = XML.replace(good, bad, 1)
    (found,) = validate(broken)
    assert found.id == "xml-schema"
    assert found.severity is Severity.ERROR
    assert f"Line {_line(broken, bad)}: libvirt's schema refuses <{blamed}" in found.what
    assert wrong in found.what


@installed
def test_each_fault_is_told_by_itself() -> None:
    broken = XML.replace("<apic/>", "<apicc/>").replace('type="pty"', 'type="ptyy"')
    whats = " ".join(finding.what for finding in validate(broken))
    for part in ("<apicc>", "<serial type='ptyy'>", "<console type='ptyy'>"):
        assert part in whats


@installed
def test_a_part_that_stands_twice_is_refused() -> None:
    twice = XML.replace("<on_crash>", "<on_crash>restart</on_crash>\n  <on_crash>")
    (found,) = validate(twice)
    assert found.severity is Severity.ERROR


@installed
def test_what_is_missing_is_refused() -> None:
    (found,) = validate("<domain type='qemu'/>")
    assert found.severity is Severity.ERROR


@pytest.mark.parametrize("xml", ["", "<domain>", "<network/>", "<!DOCTYPE d []><domain/>"])
def test_what_is_no_definition_is_an_error(xml: str) -> None:
    (found,) = validate(xml)
    assert (found.id, found.severity) == ("xml-broken", Severity.ERROR)


@pytest.mark.parametrize("missing", [None, Path("/nowhere")])
def test_without_a_schema_it_is_a_note(missing: Path | None) -> None:
    (found,) = validate(XML, missing)
    assert (found.id, found.severity) == ("xml-unchecked", Severity.NOTE)


def test_a_schema_that_cannot_be_read_is_a_note(tmp_path: Path) -> None:
    (tmp_path / "domain.rng").write_text("<grammar")
    (found,) = validate(XML, tmp_path)
    assert (found.id, found.severity) == ("xml-unchecked", Severity.NOTE)
    assert found.why
