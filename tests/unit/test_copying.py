"""The definition of a copied guest: what only one guest can have is new, all else survives."""

from __future__ import annotations

import pytest
from lxml import etree

from tests.support.createspecs import CASES, UUID, built
from tuivm.domainxml.build_parts import own_mac
from tuivm.domainxml.copying import copied, source_key
from tuivm.domainxml.firstboot import Mark, marked, read_mark
from tuivm.domainxml.parse import child_attr, parse_domain
from tuivm.domainxml.schema import SCHEMA_DIR, validate
from tuivm.domainxml.storage import disk_uses
from tuivm.model.creation import Placed
from tuivm.model.spec import Source, SourceKind, Spec

XML = """\
<domain type='kvm' id='7' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>
  <name>old</name>
  <uuid>11111111-1111-4111-8111-111111111111</uuid>
  <genid>22222222-2222-4222-8222-222222222222</genid>
  <title>The old one</title>
  <metadata>
    <app:note xmlns:app='urn:app'>keep <app:b/>me</app:note>
  </metadata>
  <memory unit='KiB'>1048576</memory>
  <currentMemory unit='KiB'>524288</currentMemory>
  <vcpu placement='static' current='2'>4</vcpu>
  <cputune>
    <vcpupin vcpu='0' cpuset='1'/>
    <vcpupin vcpu='3' cpuset='2'/>
  </cputune>
  <sysinfo type='smbios'>
    <system>
      <entry name='uuid'>11111111-1111-4111-8111-111111111111</entry>
      <entry name='serial'>keep</entry>
    </system>
  </sysinfo>
  <os>
    <type arch='x86_64' machine='pc-q35-7.2'>hvm</type>
    <loader readonly='yes' type='pflash'>/usr/share/OVMF/OVMF_CODE_4M.fd</loader>
    <nvram template='/usr/share/OVMF/OVMF_VARS_4M.fd'>/var/lib/nvram/old_VARS.fd</nvram>
  </os>
  <features>
    <acpi/>
  </features>
  <cpu mode='host-model'>
    <topology sockets='1' cores='4' threads='1'/>
  </cpu>
  <devices>
    <emulator>/opt/qemu</emulator>
    <disk type='file' device='disk' snapshot='external'>
      <driver name='qemu' type='qcow2' cache='none'/>
      <source file='/images/old.snap1' startupPolicy='optional' index='3'>
        <encryption format='luks'>
          <secret type='passphrase' uuid='33333333-3333-4333-8333-333333333333'/>
        </encryption>
        <reservations managed='yes'/>
      </source>
      <backingStore type='file'>
        <format type='raw'/>
        <source file='/images/old.img'/>
        <backingStore/>
      </backingStore>
      <target dev='vda' bus='virtio'/>
      <serial>keep</serial>
      <boot order='1'/>
      <alias name='virtio-disk0'/>
      <address type='pci' domain='0x0000' bus='0x04' slot='0x00' function='0x0'/>
    </disk>
    <disk type='volume' device='disk'>
      <source pool='tank' volume='data'/>
      <target dev='vdb' bus='virtio'/>
    </disk>
    <disk type='file' device='cdrom'>
      <source file='/images/tools.iso' index='1'/>
      <target dev='sda' bus='sata'/>
      <readonly/>
      <alias name='ua-tools'/>
    </disk>
    <interface type='network'>
      <mac address='52:54:00:00:00:01'/>
      <source network='default' portid='44444444-4444-4444-8444-444444444444' bridge='virbr0'/>
      <target dev='vnet7'/>
      <model type='virtio'/>
    </interface>
    <interface type='bridge'>
      <mac address='52:54:00:00:00:02'/>
      <source bridge='br0'/>
      <model type='e1000e'/>
    </interface>
    <serial type='pty'>
      <source path='/dev/pts/3'/>
      <target port='0'/>
    </serial>
    <console type='pty' tty='/dev/pts/3'>
      <source path='/dev/pts/3'/>
      <target type='serial' port='0'/>
    </console>
    <channel type='unix'>
      <source mode='bind' path='/var/lib/libvirt/qemu/channel/target/domain-7-old/agent'/>
      <target type='virtio' name='org.qemu.guest_agent.0' state='connected'/>
    </channel>
    <graphics type='vnc' port='5907' autoport='no' websocket='5707'>
      <listen type='socket' socket='/run/old.sock'/>
    </graphics>
    <vsock model='virtio'>
      <cid auto='no' address='5'/>
    </vsock>
    <future kind='unknown'>
      <inner/>
    </future>
  </devices>
  <seclabel type='dynamic' model='apparmor' relabel='yes'>
    <label>libvirt-1111</label>
    <imagelabel>libvirt-1111</imagelabel>
  </seclabel>
  <qemu:commandline>
    <qemu:arg value='-mine'/>
  </qemu:commandline>
</domain>
"""
NEW = Spec(name="new", uuid=UUID, source=Source(SourceKind.COPY, guest="old"))
DISKS = {
    "/images/old.snap1": Placed("/images/new.qcow2", "qcow2"),
    "tank/data": Placed(format="raw", pool="tank", volume="new-data", by_volume=True),
}


def test_the_whole_copy() -> None:
    changes = [
        (" id='7'", ""),
        ("<name>old<", "<name>new<"),
        ("<uuid>11111111-1111-4111-8111-111111111111<", f"<uuid>{UUID}<"),
        ("<genid>22222222-2222-4222-8222-222222222222</genid>", "<genid/>"),
        ("'uuid'>11111111-1111-4111-8111-111111111111<", f"'uuid'>{UUID}<"),
        (">/var/lib/nvram/old_VARS.fd</nvram>", "/>"),
        (
            "<source file='/images/old.snap1' startupPolicy='optional' index='3'>",
            "<source file='/images/new.qcow2' startupPolicy='optional'>",
        ),
        ("        <reservations managed='yes'/>\n", ""),
        (XML[XML.index("      <backingStore type") : XML.index("      <target dev='vda'")], ""),
        ("      <alias name='virtio-disk0'/>\n", ""),
        (
            "      <source pool='tank' volume='data'/>",
            "      <driver name='qemu' type='raw'/>\n      <source pool='tank' volume='new-data'/>",
        ),
        (" index='1'", ""),
        ("52:54:00:00:00:01", own_mac(UUID, 0)),
        ("52:54:00:00:00:02", own_mac(UUID, 1)),
        (" portid='44444444-4444-4444-8444-444444444444' bridge='virbr0'", ""),
        ("      <target dev='vnet7'/>\n", ""),
        ("      <source path='/dev/pts/3'/>\n", ""),
        (" tty='/dev/pts/3'", ""),
        (
            "      <source mode='bind' path='/var/lib/libvirt/qemu/channel/target/domain-7-old/"
            "agent'/>\n",
            "",
        ),
        ("port='5907' autoport='no' websocket='5707'", "port='-1' autoport='yes' websocket='-1'"),
        (" socket='/run/old.sock'", ""),
        ("<cid auto='no' address='5'/>", "<cid auto='yes'/>"),
        (
            "\n    <label>libvirt-1111</label>\n    <imagelabel>libvirt-1111</imagelabel>\n  "
            "</seclabel>",
            "</seclabel>",
        ),
    ]
    expected = XML
    for old, new in changes:
        assert old in expected
        expected = expected.replace(old, new)
    assert _canonical(copied(XML, NEW, DISKS)) == _canonical(expected)


def _canonical(xml: str) -> str:
    return etree.tostring(etree.fromstring(xml), method="c14n").decode()


@pytest.mark.skipif(not SCHEMA_DIR.is_dir(), reason="libvirt's schemas are not installed")
def test_libvirts_schema_takes_it() -> None:
    known = copied(built(CASES["numa"]), NEW, {})
    assert validate(known) == ()
    future = XML[XML.index("    <future") : XML.index("  </devices>")]
    assert validate(copied(XML.replace(future, ""), NEW, DISKS)) == ()


def test_the_keys_are_those_of_the_disks_top_images() -> None:
    keys = [source_key(use.chain[0]) for use in disk_uses(parse_domain(XML))]
    assert keys == ["/images/old.snap1", "tank/data", "/images/tools.iso"]


def test_without_a_uuid_libvirt_makes_all_that_identifies() -> None:
    domain = parse_domain(copied(XML, NEW._replace(uuid=""), DISKS))
    assert domain.find("uuid") is None
    assert domain.find("devices/interface/mac") is None
    assert domain.find("sysinfo/system/entry[@name='uuid']") is None


def test_two_copies_share_no_mac() -> None:
    def macs(uuid: str) -> set[str]:
        domain = parse_domain(copied(XML, NEW._replace(uuid=uuid), DISKS))
        return {mac.get("address", "") for mac in domain.iterfind("devices/interface/mac")}

    assert len(macs(UUID) | macs(UUID[:-1] + "2")) == 4


def test_a_disk_on_a_block_device() -> None:
    placed = Placed("/dev/vg0/new", "raw", block=True)
    domain = parse_domain(copied(XML, NEW, {"/images/old.snap1": placed}))
    disk = domain.find("devices/disk")
    assert disk is not None
    assert disk.get("type") == "block"
    assert child_attr(disk, "source", "dev") == "/dev/vg0/new"
    assert child_attr(disk, "source", "file") == ""
    assert child_attr(disk, "driver", "type") == "raw"
    assert child_attr(disk, "driver", "cache") == "none"


def test_copied_firmware_variables() -> None:
    domain = parse_domain(copied(XML, NEW, DISKS, nvram=Placed("/nvram/new_VARS.fd")))
    assert domain.findtext("os/nvram") == "/nvram/new_VARS.fd"
    bare = XML.replace(" template='/usr/share/OVMF/OVMF_VARS_4M.fd'", "")
    assert parse_domain(copied(bare, NEW, DISKS)).find("os/nvram") is None


def test_what_the_spec_says_besides() -> None:
    said = NEW._replace(title="T", description="D", vcpus=2, memory_kib=2048, memory_max_kib=4096)
    domain = parse_domain(copied(XML, said, DISKS))
    assert domain.findtext("title") == "T"
    assert domain.findtext("description") == "D"
    assert domain.findtext("memory") == "4096"
    assert domain.findtext("currentMemory") == "2048"
    vcpu = domain.find("vcpu")
    assert vcpu is not None
    assert (vcpu.text, vcpu.get("current")) == ("2", None)
    assert domain.find("cpu/topology") is None
    assert [pin.get("vcpu") for pin in domain.iterfind("cputune/vcpupin")] == ["0"]


def test_another_size_of_a_guest_with_nodes_is_refused() -> None:
    with pytest.raises(ValueError, match="NUMA"):
        copied(built(CASES["numa"]), NEW._replace(vcpus=2), {})


def test_the_first_boot_of_the_old_guest_is_not_the_copys() -> None:
    mark = Mark("11111111-1111-4111-8111-111111111111", (Placed("/images/tools.iso"),))
    waiting = marked(XML, mark)
    assert read_mark(parse_domain(waiting)) is not None
    copy = copied(waiting, NEW, DISKS)
    assert "first-boot" not in copy
    assert "/images/tools.iso" not in copy
    assert parse_domain(copy).find("metadata/{urn:app}note") is not None
    stray = marked(XML, mark._replace(uuid=UUID))
    assert "first-boot" not in copied(stray, NEW, DISKS)


def test_a_socket_that_a_person_gave_stays() -> None:
    serial = "<serial type='unix'><source mode='bind' path='/run/mine'/></serial>"
    domain = parse_domain(copied(XML.replace("<vsock", f"{serial}<vsock"), NEW, DISKS))
    assert child_attr(domain, "devices/serial[@type='unix']/source", "path") == "/run/mine"


def test_what_is_no_definition_is_refused() -> None:
    with pytest.raises(ValueError, match="not a domain"):
        copied("<network/>", NEW, {})
