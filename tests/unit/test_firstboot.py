"""The mark of a first boot, and the definition that stays when it is over."""

from __future__ import annotations

import pytest

from tuivm.domainxml.firstboot import Mark, mark_xml, marked, read_mark, refers, settled
from tuivm.domainxml.parse import parse_domain
from tuivm.model.creation import Placed

SEED = Placed("/images/seed.iso", pool="images", volume="seed.iso")
KERNEL = Placed("/images/kernel", pool="images", volume="kernel")
FIRST = """<domain type='kvm'>
  <name>web</name>
  <uuid>u-1</uuid>
  <title>a title</title>
  <os><type>hvm</type><kernel>/images/kernel</kernel><initrd>/images/initrd</initrd>
  <cmdline>inst</cmdline></os>
  <on_reboot>destroy</on_reboot>
  <devices>
    <disk type='file' device='cdrom'><source file='/images/seed.iso'/><target dev='sda'/>
    <boot order='1'/></disk>
    <disk type='volume' device='disk'><source pool='images' volume='seed.iso'/>
    <target dev='vdb'/></disk>
    <disk type='file' device='disk'><source file='/images/web'/><target dev='vda'/>
    <boot order='2'/><vendor-thing/></disk>
  </devices>
</domain>"""
AFTER = """<domain><name>web</name><on_reboot>restart</on_reboot><devices>
<disk><target dev='vda'/><boot order='1'/></disk><disk><target dev='sda'/></disk>
</devices></domain>"""
MARK = Mark("u-1", (SEED, KERNEL), after=AFTER)


def test_the_mark_is_read_as_it_was_written() -> None:
    xml = marked(FIRST, MARK)
    assert read_mark(parse_domain(xml)) == MARK
    again = marked(xml, Mark("u-1", begun=True))
    assert read_mark(parse_domain(again)) == Mark("u-1", begun=True)
    assert read_mark(parse_domain(FIRST)) is None


def test_the_mark_stands_where_libvirt_writes_it() -> None:
    root = parse_domain(marked(FIRST, MARK))
    tags = [child.tag for child in root]
    assert tags[tags.index("title") + 1] == "metadata"


def test_libvirt_puts_the_namespace_in_by_itself() -> None:
    assert "xmlns" not in mark_xml(MARK)
    assert mark_xml(MARK).startswith("<first-boot ")


def test_a_copy_bears_a_mark_that_is_not_its_own() -> None:
    copied = marked(FIRST, MARK).replace("<uuid>u-1", "<uuid>u-2")
    assert read_mark(parse_domain(copied)) is None


def test_who_refers_to_a_volume() -> None:
    domain = parse_domain(FIRST)
    assert refers(domain, SEED)
    assert refers(domain, KERNEL)
    assert refers(domain, Placed(pool="images", volume="seed.iso"))
    assert not refers(domain, Placed("/images/seed", pool="other", volume="seed.iso"))
    # The mark itself names them all.
    assert not refers(parse_domain(marked("<domain><uuid>u</uuid></domain>", MARK)), SEED)


def test_the_definition_that_stays() -> None:
    xml = settled(marked(FIRST, MARK), MARK)
    root = parse_domain(xml)
    assert not any(refers(root, volume) for volume in MARK.volumes)
    assert [one.get("dev") for one in root.iterfind("devices/disk/target")] == ["sda", "vda"]
    assert root.find("os/cmdline") is None
    assert root.findtext("os/type") == "hvm"
    assert root.findtext("on_reboot") == "restart"
    orders = {
        disk.find("target").get("dev"): disk.find("boot").get("order")  # type: ignore[union-attr]
        for disk in root.iterfind("devices/disk")
        if disk.find("boot") is not None
    }
    assert orders == {"vda": "1"}
    assert "vendor-thing" in xml
    assert read_mark(root) == Mark("u-1", (SEED, KERNEL), begun=True)


def test_a_kernel_of_the_persons_own_stays() -> None:
    mark = Mark("u-1", (SEED,))
    root = parse_domain(settled(FIRST, mark))
    assert root.findtext("os/kernel") == "/images/kernel"
    assert root.findtext("os/cmdline") == "inst"
    assert root.findtext("on_reboot") == "destroy"


def test_what_is_no_definition() -> None:
    with pytest.raises(ValueError, match="domain"):
        marked("<pool/>", MARK)
