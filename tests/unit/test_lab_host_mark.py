"""The mark by which the Lab knows what is its own."""

from __future__ import annotations

import os
import platform

import pytest

from tuivm.lab.mark import (
    Mark,
    directory_name,
    mark_of,
    mark_xml,
    read_directory_name,
    read_mark,
)
from tuivm.lab.ports import METADATA_NS

ODD = Mark("r1.2_b", 7, "a+b/ü:'\"<", 1700000000)


def wrapped(mark: str, tag: str = "domain") -> str:
    return f"<{tag}><name>tuivm-lab-x</name><metadata>{mark}</metadata></{tag}>"


def test_a_mark_is_of_this_process() -> None:
    mark = mark_of("r1")
    assert (mark.run, mark.pid, mark.host) == ("r1", os.getpid(), platform.node())


@pytest.mark.parametrize("tag", ["domain", "network"])
def test_a_mark_comes_back_from_xml(tag: str) -> None:
    assert read_mark(wrapped(mark_xml(ODD.run, ODD), tag), tag) == ODD


def test_a_mark_comes_back_from_a_directory() -> None:
    name = directory_name(ODD)
    assert "/" not in name
    assert read_directory_name(name) == ODD


@pytest.mark.parametrize("run", ["", "a/b", "..", "-a", "a+b", "a b"])
def test_a_run_must_be_a_plain_name(run: str) -> None:
    with pytest.raises(ValueError, match="no name"):
        mark_of(run)


@pytest.mark.parametrize(
    "xml",
    [
        "",
        "not xml",
        wrapped(""),
        wrapped("<run id='r' pid='1' host='h' started='2'/>"),
        wrapped(f"<l:run xmlns:l='{METADATA_NS}' id='r' pid='x' host='h' started='2'/>"),
        wrapped(f"<l:run xmlns:l='{METADATA_NS}' id='' pid='1' host='h' started='2'/>"),
        wrapped(f"<l:run xmlns:l='{METADATA_NS}x' id='r' pid='1' host='h' started='2'/>"),
        f"<!DOCTYPE domain [<!ENTITY a 'b'>]>{wrapped(mark_xml('r', ODD))}",
    ],
)
def test_what_is_not_marked(xml: str) -> None:
    assert read_mark(xml) is None


@pytest.mark.parametrize(
    "name", ["tuivm-lab-x", "tuivm-lab-r+1+2", "other-r+1+2+h", "tuivm-lab-r+1+2+h/..", ""]
)
def test_other_directories(name: str) -> None:
    assert read_directory_name(name) is None
