"""Excerpts of domain XML stand as they stood in the document."""

from __future__ import annotations

import pytest

from tuivm.domainxml.excerpt import device_xml, layer_xml
from tuivm.domainxml.read import read_details

XML = """<domain type='qemu'>
  <name>a</name>
  <vcpu>2</vcpu>
  <os>
    <type arch='x86_64' machine='pc-q35-7.2'>hvm</type>
  </os>
  <devices>
    <disk type='file' device='disk'>
      <source file='/a.img'/>
      <target dev='vda' bus='virtio'/>
    </disk>
    <memballoon model='virtio'/>
  </devices>
</domain>
"""


def test_a_device_is_found_again_by_kind_and_target() -> None:
    disk = next(d for d in read_details(XML).devices if d.target == "vda")
    assert device_xml(XML, disk) == (
        "<disk type='file' device='disk'>\n"
        "  <source file='/a.img'/>\n"
        "  <target dev='vda' bus='virtio'/>\n"
        "</disk>".replace("'", '"')
    )


def test_every_device_has_its_own_element() -> None:
    texts = [device_xml(XML, device) for device in read_details(XML).devices]
    assert all(texts)
    assert len(set(texts)) == len(texts)


def test_a_device_that_is_gone_has_no_element() -> None:
    disk = next(d for d in read_details(XML).devices if d.target == "vda")
    assert device_xml(XML.replace("vda", "vdb"), disk) == ""


def test_layers_come_in_the_documents_order() -> None:
    lines = layer_xml(XML, "os", "vcpu").splitlines()
    assert lines[0] == "<vcpu>2</vcpu>"
    assert lines[1] == "<os>"
    assert lines[-1] == "</os>"


def test_rubbish_is_refused() -> None:
    with pytest.raises(ValueError):
        layer_xml("<a/>", "os")
