"""Small changes to a document that leave the layout of the rest as it is."""

from __future__ import annotations

from collections.abc import Iterable

from tuivm.domainxml.parse import Element


def remove(element: Element) -> None:
    """Take an element out, with the line that it stood on."""
    parent = element.getparent()
    if parent is None:
        return
    before = element.getprevious()
    if element.getnext() is None and before is not None:
        before.tail = element.tail
    parent.remove(element)
    if not len(parent) and not (parent.text or "").strip():
        parent.text = None


def insert_after(element: Element, new: Element) -> None:
    """Put an element behind another, on a line of its own where that has one."""
    parent = element.getparent()
    if parent is not None:
        place = parent.index(element)
        before = element.getprevious()
        last = element.getnext() is None
        line = (before.tail if before is not None else parent.text) if last else element.tail
        new.tail, element.tail = element.tail, line
        parent.insert(place + 1, new)


def drop(element: Element | None, names: Iterable[str]) -> list[str]:
    """Take these attributes away; those that were there."""
    if element is None:
        return []
    there = [name for name in names if name in element.attrib]
    for name in there:
        del element.attrib[name]
    return there
