"""osinfo-db: read, inherited, searched and guessed from; on a small one, and on the real one."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tuivm.osinfo import HEAD_SIZE, Catalog
from tuivm.osinfodb import folders, read
from tuivm.osnames import guess

OURS = Path(__file__).parent / "data/osinfo"
REAL = Path("/usr/share/osinfo")
GIB = 1024**3


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return Catalog([OURS], today=date(2023, 1, 1))


def known(found: object) -> str:
    return getattr(found, "short_id", "none")


def iso(volume: str = "", system: str = "", publisher: str = "", sectors: int = 0) -> bytes:
    """The head of an ISO 9660 image: 16 sectors of nothing, then the volume descriptor."""
    text = b"\x01CD001\x01\0" + system.encode().ljust(32) + volume.encode().ljust(32) + bytes(8)
    text += sectors.to_bytes(4, "little") + sectors.to_bytes(4, "big")
    return bytes(16 * 2048) + (text.ljust(318) + publisher.encode().ljust(128)).ljust(2048)


def test_what_is_said_of_an_os(catalog: Catalog) -> None:
    debian = catalog.by_id("debian11")
    assert debian is not None
    assert (
        debian == catalog.by_id("http://debian.org/debian/11") == catalog.by_id("DebianBullseye ")
    )
    assert (debian.name, debian.family, debian.ended) == ("Debian 11", "linux", False)
    assert debian.cloud_init
    # Of Debian 10, which it derives from; less what it says it lacks.
    assert debian.devices == ("virtio-block", "virtio-net")
    assert (debian.vcpus_min, debian.vcpus) == (1, 0)
    assert (debian.memory_min_kib, debian.memory_kib) == (512 * 1024, 1024 * 1024)
    assert (debian.storage_min, debian.storage) == (10 * GIB, 20 * GIB)
    assert (debian.uefi, debian.bios) == (True, None)


def test_an_end_of_support(catalog: Catalog) -> None:
    old = catalog.by_id("debian10")
    assert old is not None
    assert old.ended
    assert not old.cloud_init
    before = Catalog([OURS], today=date(2022, 9, 10)).by_id("debian10")
    assert before is not None
    assert not before.ended


def test_resources_of_an_architecture(catalog: Catalog) -> None:
    arm = Catalog([OURS], arch="aarch64").by_id("debian10")
    assert arm is not None
    assert (arm.memory_min_kib, arm.memory_kib) == (768 * 1024, 1024 * 1024)
    assert arm.storage_min == 10 * GIB
    assert arm.uefi is None


def test_a_recommendation_below_the_minimum_is_the_minimum(catalog: Catalog) -> None:
    windows = catalog.by_id("win11")
    assert windows is not None
    assert windows.memory_kib == windows.memory_min_kib == 4 * 1024 * 1024
    assert (windows.storage_min, windows.storage) == (64 * GIB, 0)
    assert (windows.uefi, windows.bios) == (True, False)
    assert windows.devices == ()


def test_an_addition_and_a_circle(catalog: Catalog) -> None:
    assert known(catalog.by_id("win11-more")) == "win11"
    clone = catalog.by_id("clone11")
    assert clone is not None
    assert clone.devices == ("virtio-block", "virtio-net")
    assert clone.family == "linux"
    # The cloud image is Debian's.
    assert not clone.cloud_init


def test_a_later_release_is_as_the_last_one_before_it(catalog: Catalog) -> None:
    debian = catalog.by_id("debian12")
    assert debian is not None
    assert (debian.id, debian.name) == ("http://debian.org/debian/12", "Debian 12")
    assert debian.like == "debian11"
    assert debian.devices == ("virtio-block", "virtio-net")
    assert catalog.by_id("http://debian.org/debian/12") == debian
    assert debian not in catalog.all()


@pytest.mark.parametrize(
    "ident",
    [
        *("", " ", "debian", "debian9", "debian10.5.x", "debian99", "win12", "fedora40"),
        *("http://debian.org/debian", "http://debian.org/debian/9", "http://example.org/x/12"),
    ],
)
def test_what_nobody_knows(catalog: Catalog, ident: str) -> None:
    assert catalog.by_id(ident) is None


def test_all_are_sorted_and_found_by_words(catalog: Catalog) -> None:
    assert [os.short_id for os in catalog.all()] == ["clone11", "debian10", "debian11", "win11"]
    assert [os.short_id for os in catalog.search("DEB ian")] == ["debian11", "debian10"]
    assert [os.short_id for os in catalog.search("windows")] == ["win11"]
    assert catalog.search("nothing like it") == ()


def test_a_later_folder_goes_before_an_earlier_one(tmp_path: Path) -> None:
    mine = tmp_path / "os/debian.org/debian-11.xml"
    mine.parent.mkdir(parents=True)
    mine.write_text((OURS / "os/debian.org/debian-11.xml").read_text().replace("bullseye", "mine"))
    catalog = Catalog([OURS, tmp_path, tmp_path / "absent"])
    assert known(catalog.by_id("debianmine")) == "debian11"
    assert catalog.by_id("debianbullseye") is None
    assert known(catalog.by_id("debian10")) == "debian10"


def test_without_a_database(tmp_path: Path) -> None:
    catalog = Catalog([tmp_path / "absent"])
    assert catalog.all() == ()
    assert catalog.by_id("debian11") is None
    assert catalog.by_image("debian-11.iso") is None
    assert catalog.by_head(iso("Debian 11.0.0 amd64 n")) is None


def test_the_folders_are_libosinfos() -> None:
    told = {"OSINFO_SYSTEM_DIR": "/a", "OSINFO_LOCAL_DIR": "/b", "OSINFO_USER_DIR": "/c"}
    assert folders(told) == (Path("/a"), Path("/b"), Path("/c"))
    assert folders({})[:3] == (REAL, Path("/usr/local/share/osinfo"), Path("/etc/osinfo"))


@pytest.mark.parametrize(
    ("head", "short_id"),
    [
        (iso("Debian 11.5.0 amd64 n"), "debian11"),
        # The one that fits in more is the better one.
        (iso("Debian 11.5.0 amd64 n", "LINUX", "CLONE"), "clone11"),
        (iso("Debian 12.1.0 amd64 n"), "debian12"),
        (iso("CCCOMA_X64FRE_EN-US_DV9", sectors=2), "win11"),
        (iso("CCCOMA_X64FRE_EN-US_DV9", sectors=3), "none"),
        (iso("CLONE ("), "none"),
        (iso("SOMETHING"), "none"),
        (iso(), "none"),
        (iso("Debian 11.5.0 amd64 n")[:-1], "none"),
        (bytes(HEAD_SIZE), "none"),
        (b"QFI\xfb" + bytes(HEAD_SIZE), "none"),
        (b"", "none"),
    ],
)
def test_guessed_from_the_head(catalog: Catalog, head: bytes, short_id: str) -> None:
    assert known(catalog.by_head(head)) == short_id


@pytest.mark.parametrize(
    ("name", "short_id"),
    [
        ("root.QCOW2", "debian11"),
        ("/var/lib/images/debian-11.5.0-amd64-netinst.iso", "debian11"),
        ("https://example.org/debian-12-generic-arm64.qcow2", "debian12"),
        ("C:\\isos\\Win11_23H2_English_x64.iso", "win11"),
        ("bullseye-x.raw.xz", "debian11"),
        ("bookworm.img", "debian12"),
        ("debian.img", "none"),
        ("debian-20240101.img", "none"),
        ("golden.qcow2", "none"),
        ("", "none"),
        ("11", "none"),
    ],
)
def test_guessed_from_the_name(catalog: Catalog, name: str, short_id: str) -> None:
    assert known(catalog.by_image(name)) == short_id


NAMES = {
    "Fedora-Cloud-Base-37-1.7.x86_64.qcow2": "fedora37",
    "Fedora-Cloud-Base-Generic.x86_64-40-1.14.qcow2": "fedora40",
    "noble-server-cloudimg-amd64.img": "ubuntu24.04",
    "ubuntu-22.04.1-live-server-amd64.iso": "ubuntu22.04",
    "windows-10.iso": "win10",
    "Windows_Server_2022_eval.iso": "win2k22",
    "AlmaLinux-9-GenericCloud-latest.x86_64.qcow2": "almalinux9",
    "Rocky-8.9-x86_64-minimal.iso": "rocky8.9",
    "CentOS-Stream-GenericCloud-x86_64-10-latest.x86_64.qcow2": "centos-stream10",
    "CentOS-7-x86_64-GenericCloud.qcow2": "centos7",
    "openSUSE-Leap-15.6-Minimal-VM.x86_64-Cloud.qcow2": "opensuse15.6",
    "alpine-virt-3.20.3-x86_64.iso": "alpinelinux3.20",
    "Arch-Linux-x86_64-cloudimg.qcow2": "archlinux",
    "archlinux-2024.01.01-x86_64.iso": "archlinux",
    "nixos-minimal-23.05-x86_64.iso": "nixos-23.05",
    "FreeBSD-14.1-RELEASE-amd64.qcow2": "freebsd14.1",
    "virtio-win-0.1.240.iso": "",
    "backup-2024.01.02.img": "",
    "unknown.img": "",
}
SHORT_IDS = (
    *(
        "fedora36",
        "fedora37",
        "ubuntu22.04",
        "ubuntu22.10",
        "ubuntujammy",
        "win10",
        "win95",
        "win2k22",
    ),
    *("almalinux9", "rocky8.6", "rocky9.0", "centos-stream9", "centos7", "opensuse15.4", "unknown"),
    *("opensuse42.3", "alpinelinux3.17", "archlinux", "linux2022", "nixos-22.05", "freebsd13.1"),
)


@pytest.mark.parametrize("name", NAMES)
def test_names_that_distributions_give(name: str) -> None:
    assert guess(name, SHORT_IDS) == NAMES[name]


@settings(deadline=None)
@given(st.text(), st.binary())
def test_nothing_that_a_file_holds_or_is_called_breaks_it(text: str, data: bytes) -> None:
    catalog = Catalog([OURS])
    catalog.by_image(text)
    catalog.by_id(text)
    catalog.by_head(iso()[: 16 * 2048] + b"\x01CD001" + data.ljust(2048))
    guess(text, SHORT_IDS)


def test_endless_numbers_are_no_version(catalog: Catalog) -> None:
    endless = "9" * 5000
    assert catalog.by_id(f"debian{endless}") is None
    assert catalog.by_id(f"http://debian.org/debian/{endless}") is None
    assert known(catalog.by_image(f"debian-11.{endless}.iso")) == "debian11"


needs_database = pytest.mark.skipif(not REAL.is_dir(), reason="no osinfo-db is installed")


@needs_database
def test_the_real_one_knows_what_people_install() -> None:
    catalog = Catalog()
    assert len(catalog.all()) > 500
    for short_id in ("debian11", "fedora37", "ubuntu22.04", "win11", "rocky9", "almalinux9"):
        os = catalog.by_id(short_id)
        assert os is not None
        assert os.memory_min_kib >= 96 * 1024, os
    linux = catalog.by_id("debian11")
    assert linux is not None
    assert {"virtio-block", "virtio-net", "virtio-scsi", "virtio1.0-block"} <= {*linux.devices}
    windows = catalog.by_id("win10")
    assert windows is not None
    assert not any("virtio" in device for device in windows.devices)


LIBOSINFO = """
import json, gi
gi.require_version("Libosinfo", "1.0")
from gi.repository import Libosinfo
loader = Libosinfo.Loader()
loader.process_default_path()
told = {}
oses = loader.get_db().get_os_list()
for os in (oses.get_nth(n) for n in range(oses.get_length())):
    devices = os.get_all_devices(None)
    least = os.get_minimum_resources()
    told[os.get_id()] = [
        os.get_name(),
        os.get_family() or "",
        sorted({devices.get_nth(n).get_name() or "" for n in range(devices.get_length())} - {""}),
        [least.get_nth(n).get_ram() for n in range(least.get_length())
         if least.get_nth(n).get_architecture() == "all"] if least.get_length() == 1 else [],
    ]
print(json.dumps(told))
"""


@needs_database
def test_it_says_what_libosinfo_says_of_every_os() -> None:
    # libosinfo's bindings are the system's Python's, not this environment's.
    python = shutil.which("python3", path="/usr/bin") or sys.executable
    done = subprocess.run(
        [python, "-c", LIBOSINFO], capture_output=True, text=True, check=False, env={**os.environ}
    )
    if done.returncode:
        pytest.skip("libosinfo's Python bindings are not installed")
    told = json.loads(done.stdout)
    ours = {os.id: os for os in Catalog().all()}
    assert ours.keys() == told.keys() == read(folders()).entries.keys()
    for ident, (name, family, devices, memory) in told.items():
        assert (ours[ident].name, list(ours[ident].devices)) == (name, devices)
        assert family in ("", ours[ident].family)
        if memory and memory[0] > 0:
            assert ours[ident].memory_min_kib == memory[0] // 1024
