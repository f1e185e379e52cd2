"""Domain XML checked against the schema that libvirt itself installs."""

from __future__ import annotations

import copy
import functools
from collections.abc import Iterator
from pathlib import Path

from lxml import etree

from tuivm.domainxml.parse import Element, attr, children, parse_domain, text
from tuivm.model.findings import Finding, Severity

SCHEMA_DIR = Path("/usr/share/libvirt/schemas")
_SCHEMA = "domain.rng"
_MOST = 5


def validate(xml: str, schema_dir: Path | None = SCHEMA_DIR) -> tuple[Finding, ...]:
    """What libvirt's RELAX NG schema refuses of a definition; () where it takes all.

    schema_dir: where domain.rng and what it includes lie; None, or a directory without it, is a
    note that nothing was checked. What is not XML is an error. The schema is read once.
    """
    try:
        domain = parse_domain(xml)
    except ValueError as error:
        return (Finding("xml-broken", Severity.ERROR, f"This is no definition: {error}."),)
    if schema_dir is None or not (schema_dir / _SCHEMA).is_file():
        return (_unchecked("libvirt's schema is not installed on this machine."),)
    try:
        schema = _read(schema_dir)
    except (etree.XMLSyntaxError, etree.RelaxNGParseError, OSError) as error:
        return (_unchecked(f"It cannot be read: {error}."),)
    if schema.validate(domain):
        return ()
    refused = tuple(_refused(schema, domain))[:_MOST]
    return refused or (_finding(domain, "its parts do not go together"),)


@functools.lru_cache(maxsize=4)
def _read(schema_dir: Path) -> etree.RelaxNG:
    return etree.RelaxNG(etree.parse(schema_dir / _SCHEMA))


def _refused(schema: etree.RelaxNG, domain: Element) -> Iterator[Finding]:
    """Each part that the schema refuses in an otherwise good definition.

    libxml2 tells little about what may stand in any order, as nearly all of a definition may: the
    parts are therefore tried one by one.
    """
    for part in children(domain):
        if part.tag != "devices":
            if not schema.validate(_frame(domain, part)):
                yield _finding(*_inner(schema, domain, part))
            continue
        for device in children(part):
            if not schema.validate(_frame(domain, _devices(device))):
                yield _finding(*_inner(schema, domain, device))


def _frame(domain: Element, part: Element) -> Element:
    """A definition that is good but for `part`."""
    root = etree.Element("domain", {"type": domain.get("type", "")})
    for good in (
        "<name>guest</name>",
        "<memory>1024</memory>",
        "<os><type>hvm</type></os>",
    ):
        element = etree.fromstring(good)
        if element.tag != part.tag:
            root.append(element)
    root.append(copy.deepcopy(part))
    return root


def _devices(device: Element) -> Element:
    devices = etree.Element("devices")
    devices.append(copy.deepcopy(device))
    return devices


def _inner(schema: etree.RelaxNG, domain: Element, part: Element) -> tuple[Element, str]:
    """The innermost element of `part` that is to blame, and what is wrong about it."""
    device = part.getparent() is not domain

    def good_without(element: Element, attribute: str | None) -> bool:
        path = part.getroottree().getelementpath(element)
        start = part.getroottree().getelementpath(part)
        trial = copy.deepcopy(part)
        found = trial if path == start else trial.find(path.removeprefix(f"{start}/"))
        assert found is not None
        if attribute is not None:
            del found.attrib[attribute]
        else:
            parent = found.getparent()
            if parent is None:
                return False
            parent.remove(found)
        return bool(schema.validate(_frame(domain, _devices(trial) if device else trial)))

    blamed, wrong = part, "something in it is missing, unknown or does not go together"
    content = text(part, ".")
    if not len(part) and content:
        wrong = f"'{content}' or its place is not allowed"
    # The deepest one comes last: what is outside it is good without it, too.
    for element in part.iter("*"):
        if element is not part and good_without(element, None):
            blamed, wrong = element, "it is unknown here, or something in it is"
    for element in part.iter("*"):
        for name in map(str, element.attrib):
            if good_without(element, name):
                return element, f"{name}='{attr(element, name)}' is not allowed"
    return blamed, wrong


def _finding(element: Element, wrong: str) -> Finding:
    names = list(map(str, element.attrib))[:_MOST]
    said = "".join(f" {name}='{attr(element, name)}'" for name in names)
    tag = etree.QName(element).localname
    return Finding(
        "xml-schema",
        Severity.ERROR,
        f"Line {element.sourceline}: libvirt's schema refuses <{tag}{said}>: {wrong}.",
        why="libvirt would refuse the definition, or leave this out without a word.",
        remedy="Compare it with https://libvirt.org/formatdomain.html.",
    )


def _unchecked(why: str) -> Finding:
    return Finding(
        "xml-unchecked",
        Severity.NOTE,
        "The XML was not checked against libvirt's schema.",
        why=why,
        remedy="Install libvirt's client programs: the schema comes with them.",
    )
