"""Reading guests from domain XML: figures, firmware, agent, and input that is not to be trusted."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuivm.domainxml.read import read_details

LIVE = """<domain type='kvm' id='7' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>
  <name>web-1</name>
  <uuid>0b6c8e1e-4a77-4e2c-9b1c-2a2f6b8c9d10</uuid>
  <title> The web </title>
  <description>front end
second line</description>
  <metadata>
    <libosinfo:libosinfo xmlns:libosinfo="http://libosinfo.org/xmlns/libvirt/domain/1.0">
      <libosinfo:os id="http://debian.org/debian/12"/>
    </libosinfo:libosinfo>
  </metadata>
  <memory unit='KiB'>4194304</memory>
  <currentMemory unit='GiB'>2</currentMemory>
  <vcpu placement='static' current='2'>8</vcpu>
  <os>
    <type arch='x86_64' machine='pc-q35-7.2'>hvm</type>
    <loader readonly='yes' type='pflash'>/usr/share/OVMF/OVMF_CODE_4M.fd</loader>
  </os>
  <cpu mode='custom' match='exact'><model fallback='forbid'>Skylake-Client</model></cpu>
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
    <disk type='file' device='disk'>
      <source file='/v/web.qcow2'/><target dev='vda' bus='virtio'/><unheardof/>
    </disk>
    <channel type='unix'>
      <source mode='bind' path='/run/a.sock'/>
      <target type='virtio' name='org.qemu.guest_agent.0' state='connected'/>
    </channel>
    <futuristic><deep/></futuristic>
  </devices>
  <qemu:commandline><qemu:arg value='-foo'/></qemu:commandline>
</domain>"""


def minimal(inside: str, virt: str = "kvm") -> str:
    return f"<domain type='{virt}'><name>n</name>{inside}</domain>"


def os_block(inside: str, arch: str = "x86_64", kind: str = "hvm", attrs: str = "") -> str:
    return minimal(f"<os {attrs}><type arch='{arch}' machine='q35'>{kind}</type>{inside}</os>")


def test_a_whole_guest() -> None:
    details = read_details(LIVE)
    assert (details.title, details.description) == ("The web", "front end\nsecond line")
    assert (details.vcpus, details.vcpus_max) == (2, 8)
    assert (details.memory_kib, details.memory_max_kib) == (2 * 1024**2, 4194304)
    stack = details.stack
    assert (stack.virt_type, stack.arch, stack.machine) == ("kvm", "x86_64", "pc-q35-7.2")
    assert (stack.firmware, stack.cpu) == ("UEFI", "Skylake-Client")
    assert stack.emulator == "/usr/bin/qemu-system-x86_64"
    assert stack.os_id == "http://debian.org/debian/12"
    assert (details.agent_channel, details.agent_connected) == (True, True)
    assert [device.target for device in details.devices] == ["vda", "org.qemu.guest_agent.0"]


def test_an_agent_channel_nobody_answers_on() -> None:
    for replacement in ("state='disconnected'", ""):
        details = read_details(LIVE.replace("state='connected'", replacement))
        assert (details.agent_channel, details.agent_connected) == (True, False)
    assert not read_details(LIVE.replace("org.qemu.guest_agent.0", "other.0")).agent_channel


def test_what_is_missing_is_empty() -> None:
    details = read_details("<domain><name>x</name></domain>")
    assert details.devices == ()
    assert (details.vcpus, details.memory_kib) == (0, 0)
    assert details.stack.virt_type == ""
    assert details.stack.firmware == ""


def test_memory_without_current_is_all_of_it() -> None:
    details = read_details(minimal("<memory unit='MiB'>512</memory><vcpu>3</vcpu>"))
    assert (details.memory_kib, details.memory_max_kib) == (524288, 524288)
    assert (details.vcpus, details.vcpus_max) == (3, 3)


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ("<memory>1024</memory>", 1024),
        ("<memory unit='bytes'>1048576</memory>", 1024),
        ("<memory unit='MB'>1024</memory>", 1000000),
        ("<memory unit='TiB'>1</memory>", 1024**3),
        ("<memory unit='parsec'>1</memory>", 0),
        ("<memory>lots</memory>", 0),
        ("<memory>-4</memory>", 0),
    ],
)
def test_memory_units(size: str, expected: int) -> None:
    assert read_details(minimal(size)).memory_max_kib == expected


@pytest.mark.parametrize(
    ("xml", "firmware"),
    [
        (os_block(""), "BIOS"),
        (os_block("", arch="aarch64"), ""),
        (os_block("", attrs="firmware='bios'"), "BIOS"),
        (os_block("", attrs="firmware='efi'"), "UEFI"),
        (os_block("", arch="aarch64", attrs="firmware='efi'"), "UEFI"),
        (os_block("<loader type='pflash'>/x/CODE.fd</loader>"), "UEFI"),
        (os_block("<loader secure='yes' type='pflash'>/x/C.fd</loader>"), "UEFI, Secure Boot"),
        (os_block("<loader secure='no' type='pflash'>/x/C.fd</loader>"), "UEFI"),
        (
            os_block(
                "<firmware><feature enabled='yes' name='secure-boot'/>"
                "<feature enabled='yes' name='enrolled-keys'/></firmware>",
                attrs="firmware='efi'",
            ),
            "UEFI, Secure Boot",
        ),
        (
            os_block(
                "<firmware><feature enabled='no' name='enrolled-keys'/></firmware>"
                "<loader secure='yes' type='pflash'>/x/C.fd</loader>"
            ),
            "UEFI",
        ),
        (os_block("<loader type='rom'>/usr/share/OVMF/OVMF.amdsev.fd</loader>"), "UEFI"),
        (os_block("<loader type='rom'>/usr/lib/xen/boot/hvmloader</loader>"), "BIOS"),
        (os_block("<loader type='rom'>/efi-share/seabios/bios.bin</loader>"), "BIOS"),
        (os_block("<kernel>/boot/vmlinuz</kernel>"), "direct kernel boot"),
        (os_block("<init>/sbin/init</init>", kind="exe"), ""),
        (minimal("<os><type arch='x86_64'>xen</type></os>", virt="xen"), ""),
    ],
)
def test_firmware(xml: str, firmware: str) -> None:
    assert read_details(xml).stack.firmware == firmware


@pytest.mark.parametrize(
    ("cpu", "shown"),
    [
        ("", ""),
        ("<cpu mode='host-passthrough' check='none'/>", "host-passthrough"),
        ("<cpu mode='host-model'><model>x</model></cpu>", "host-model"),
        ("<cpu mode='maximum'/>", "maximum"),
        ("<cpu match='exact'><model>qemu64</model></cpu>", "qemu64"),
        ("<cpu><topology sockets='1' cores='2' threads='1'/></cpu>", ""),
    ],
)
def test_cpu(cpu: str, shown: str) -> None:
    assert read_details(minimal(cpu)).stack.cpu == shown


@pytest.mark.parametrize(
    "rubbish",
    [
        "",
        "   ",
        "not xml",
        "<domain",
        "<network/>",
        "<domain xmlns='http://elsewhere'/>",
        "<domain>\x00</domain>",
        "<domain>\ud800</domain>",
        "<!DOCTYPE domain><domain/>",
        "<!DOCTYPE domain [<!ENTITY a 'b'>]><domain><name>&a;</name></domain>",
        "<!DOCTYPE domain SYSTEM 'file:///etc/passwd'><domain/>",
        "<!DOCTYPE domain [<!ENTITY x SYSTEM 'file:///etc/passwd'>]>"
        "<domain><title>&x;</title></domain>",
    ],
)
def test_rubbish_is_a_value_error(rubbish: str) -> None:
    with pytest.raises(ValueError):
        read_details(rubbish)


def test_a_billion_laughs_are_refused_and_not_expanded() -> None:
    levels = "".join(
        f"<!ENTITY l{n} '{f'&l{n - 1};' * 10}'>" if n else "<!ENTITY l0 'ha'>" for n in range(12)
    )
    with pytest.raises(ValueError, match=r"document type|not XML"):
        read_details(f"<!DOCTYPE domain [{levels}]><domain><title>&l11;</title></domain>")


def test_huge_text_is_tolerated() -> None:
    text = "x" * 12_000_000
    assert read_details(minimal(f"<description>{text}</description>")).description == text


def test_a_declared_encoding_does_not_disturb() -> None:
    xml = "<?xml version='1.0' encoding='iso-8859-1'?><domain><title>größe ☃</title></domain>"
    assert read_details(xml).title == "größe ☃"


def test_names_stay_as_they_came() -> None:
    assert read_details(minimal("<title>[b]\u202egnp</title>")).title == "[b]\u202egnp"


TAGS = st.sampled_from(
    [
        "disk",
        "interface",
        "hostdev",
        "controller",
        "source",
        "target",
        "address",
        "model",
        "tpm",
        "input",
        "video",
        "serial",
        "console",
        "channel",
        "memory",
        "iommu",
        "panic",
        "alias",
        "hub",
        "redirdev",
        "filesystem",
        "x",
    ]
)
VALUES = st.sampled_from(
    ["", "virtio", "scsi", "pci", "hostdev", "0x", "-1", "999999999999", "none", "usb", "drive"]
)
NAMES = st.sampled_from(["type", "model", "bus", "dev", "name", "controller", "index", "slot"])


@st.composite
def elements(draw: st.DrawFn, depth: int = 3) -> str:
    tag = draw(TAGS)
    attributes = draw(st.dictionaries(NAMES, VALUES, max_size=4))
    shown = "".join(f" {name}='{value}'" for name, value in attributes.items())
    inner = draw(st.lists(elements(depth - 1), max_size=3)) if depth else []
    return f"<{tag}{shown}>{''.join(inner)}</{tag}>"


@given(st.lists(elements(), max_size=6))
def test_whatever_the_devices_every_one_has_a_class_and_a_target_of_its_own(
    parts: list[str],
) -> None:
    found = read_details(minimal(f"<devices>{''.join(parts)}</devices>")).devices
    names = [(device.kind, device.target) for device in found]
    assert len(set(names)) == len(names)
    assert all(device.target and device.model for device in found)


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(ValueError):
        read_details(text)
