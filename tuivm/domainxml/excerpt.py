"""Parts of domain XML, as they stand, to be shown."""

from __future__ import annotations

from lxml import etree

from tuivm.domainxml.classify import elements_of
from tuivm.domainxml.parse import parse_domain
from tuivm.model.devices import Device


def device_xml(xml: str, device: Device) -> str:
    """The element that a device was read from, "" when the XML no longer has it.

    Raises ValueError for what is not a domain definition.
    """
    for element, found in elements_of(parse_domain(xml)):
        if (found.kind, found.target) == (device.kind, device.target):
            return _text(element)
    return ""


def layer_xml(xml: str, *tags: str) -> str:
    """Top-level elements of the definition by their names, in the document's order.

    Raises ValueError for what is not a domain definition.
    """
    return "\n".join(_text(element) for element in parse_domain(xml) if element.tag in tags)


def _text(element: etree._Element) -> str:
    text = etree.tostring(element, encoding="unicode", with_tail=False)
    lines = text.splitlines()
    # The first line starts at its tag, the others where they stood in the document.
    indent = min((len(line) - len(line.lstrip()) for line in lines[1:] if line.strip()), default=0)
    return "\n".join([lines[0], *(line[indent:] for line in lines[1:])])
