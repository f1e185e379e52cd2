"""The mark of the Lab: which run of which tuivm made something, so that it may be removed."""

from __future__ import annotations

import os
import platform
import re
import time
from typing import NamedTuple
from urllib.parse import quote, unquote

from lxml import etree

from tuivm.domainxml.parse import attr, number, parse_xml
from tuivm.lab.ports import METADATA_NS, PREFIX

_TAG = f"{{{METADATA_NS}}}run"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_DIRECTORY = re.compile(
    re.escape(PREFIX)
    + r"(?P<run>[A-Za-z0-9._-]+)\+(?P<pid>\d+)\+(?P<started>\d+)\+(?P<host>[A-Za-z0-9._%-]*)"
)


class Mark(NamedTuple):
    """Who made it. pid: tuivm's process on the machine `host`. started: of the run, s since the
    epoch."""

    run: str
    pid: int
    host: str
    started: int


def mark_of(run: str) -> Mark:
    """The mark of a run that this process begins now. Raises ValueError for a run that is no plain
    name (letters, digits, `.`, `_`, `-`): it becomes part of names of files."""
    if not _NAME.fullmatch(run):
        raise ValueError(f"{run!r} is no name of a run")
    return Mark(run, os.getpid(), platform.node(), int(time.time()))


def mark_xml(run: str, mark: Mark | None = None) -> str:
    """The element that goes into `<metadata>`. mark: that of this process unless told otherwise."""
    mark = mark or mark_of(run)
    element = etree.Element(_TAG, nsmap={"lab": METADATA_NS})
    element.set("id", run)
    element.set("pid", str(mark.pid))
    element.set("host", mark.host)
    element.set("started", str(mark.started))
    return etree.tostring(element, encoding="unicode")


def read_mark(xml: str, tag: str = "domain") -> Mark | None:
    """The mark in the XML of a guest (or of a network, with `tag`); None when it has none."""
    try:
        element = parse_xml(xml, tag).find(f"metadata/{_TAG}")
    except ValueError:
        return None
    run, pid = attr(element, "id"), number(attr(element, "pid"))
    started = number(attr(element, "started"))
    if not run or pid is None or started is None:
        return None
    return Mark(run, pid, attr(element, "host"), started)


def directory_name(mark: Mark) -> str:
    """What a run's directory is called: storage pools have no metadata, so the path is the mark."""
    host = quote(mark.host, safe="")
    return f"{PREFIX}{mark.run}+{mark.pid}+{mark.started}+{host}"


def read_directory_name(name: str) -> Mark | None:
    """The mark that `directory_name` wrote; None for any other name."""
    match = _DIRECTORY.fullmatch(name)
    if match is None:
        return None
    started, pid = int(match["started"]), int(match["pid"])
    return Mark(match["run"], pid, unquote(match["host"]), started)
