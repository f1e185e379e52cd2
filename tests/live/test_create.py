"""Guests created from a spec and started, from every source that needs no internet."""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import libvirt
import pytest

from tests.live.test_cli import Cli
from tests.support import jsonschema_doc
from tests.support.appliance import MEMORY_MIB, READY, appliance
from tests.support.bootable import (
    boot_code,
    bootable_iso,
    cd_reader,
    qcow2_disk,
    raw_disk,
)
from tests.support.guests import GuestFactory, disk_xml, guest_xml
from tests.support.rig import Rig, wait_until
from tests.support.seedreader import seed_reader
from tuivm.creation import Creation, Drawn
from tuivm.hypervisor.host import LibvirtHost
from tuivm.model.creation import Created, CreationProgress
from tuivm.model.findings import Severity
from tuivm.model.hosts import HostSpec
from tuivm.model.ports import Sinks
from tuivm.specfile import load

BOOT = 120
SMALL = "[guest]\nname = 'new'\nmemory = '64 MiB'\nvcpus = 1\n"
TABLES = jsonschema_doc.read()


class Site:
    """A host with a pool, reached as the wizard and the command line reach it."""

    def __init__(self, rig: Rig, factory: GuestFactory, directory: Path) -> None:
        self.rig = rig
        self.factory = factory
        self.images = directory / "images"
        self.images.mkdir()
        self.log = directory / "serial.log"
        factory.pool("images", self.images)
        spec = HostSpec("rig", rig.uri)
        self.host = LibvirtHost(spec, Sinks(snapshot=lambda _snapshot: None))
        self.creation = Creation(self.host.creating())
        self.told: list[CreationProgress] = []

    def draw(self, toml: str) -> Drawn:
        drawn = self.creation.draw(load(toml)).result(BOOT)
        assert drawn.problem is None
        return drawn

    def create(self, toml: str, *, first: Callable[[str], str] = lambda xml: xml) -> Created:
        """Create it without errors, with a serial console that is written to a file. first: edits
        the definition of the first boot."""
        drawn = self.draw(toml)
        errors = [one for one in drawn.findings if one.severity is Severity.ERROR]
        assert errors == []
        assert drawn.plan is not None
        logged = [
            re.sub(r'(<serial type="pty">)', rf'\1<log file="{self.log}"/>', xml)
            for xml in (drawn.plan.xml, drawn.plan.first_xml)
        ]
        plan = drawn.plan._replace(xml=logged[0], first_xml=first(logged[1]))
        created = self.creation.create(plan, self.told.append).result.result(BOOT)
        assert created.problem is None
        assert created.started
        return created

    def says(self, words: str) -> None:
        """Wait until the guest has written it on its console."""

        def heard() -> bool:
            return self.log.exists() and words.encode() in self.log.read_bytes()

        wait_until(heard, BOOT, f"the guest to say {words!r}")

    def domain(self, name: str = "new") -> libvirt.virDomain:
        return self.factory.conn.lookupByName(name)


@pytest.fixture
def site(rig: Rig, guest_factory: GuestFactory, tmp_path: Path) -> Iterator[Site]:
    site = Site(rig, guest_factory, tmp_path)
    yield site
    site.host.close()


def inactive(domain: libvirt.virDomain) -> str:
    return domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE)


def test_a_kernel_is_booted_directly(site: Site) -> None:
    built = appliance()
    site.create(
        f"""
        [guest]
        name = "new"
        memory = "{MEMORY_MIB} MiB"
        vcpus = 1
        [source]
        kind = "kernel"
        cmdline = "console=ttyS0 quiet load=none"
        kernel.local = "{built.kernel}"
        initrd.local = "{built.initrd}"
        """
    )
    site.says(READY)
    assert (site.images / "kernel").read_bytes() == built.kernel.read_bytes()
    assert "<kernel>" in inactive(site.domain())


def test_an_image_is_imported_as_it_is(site: Site) -> None:
    image = qcow2_disk(site.images / "old.qcow2", "imported")
    site.create(f'{SMALL}[source]\nkind = "import"\npath = "{image}"\n')
    site.says("imported")
    assert {path.name for path in site.images.iterdir()} == {"old.qcow2"}


def test_an_image_of_this_machine_is_uploaded_and_imported(site: Site, tmp_path: Path) -> None:
    image = qcow2_disk(tmp_path / "mine.qcow2", "uploaded")
    site.create(f'{SMALL}[source]\nkind = "import"\nlocal = "{image}"\n')
    site.says("uploaded")
    assert (site.images / "mine.qcow2").read_bytes()[:4] == b"QFI\xfb"


def test_an_overlay_leaves_its_base_alone(site: Site) -> None:
    base = qcow2_disk(site.images / "base.qcow2", "from below")
    before = base.read_bytes()
    site.create(f'{SMALL}[source]\nkind = "overlay"\npath = "{base}"\n')
    site.says("from below")
    assert base.read_bytes() == before
    (made,) = {path.name for path in site.images.iterdir()} - {"base.qcow2"}
    info = subprocess.check_output(["qemu-img", "info", "-U", site.images / made], text=True)
    assert f"backing file: {base}" in info


def test_an_installer_is_booted_from_its_iso(site: Site, tmp_path: Path) -> None:
    image = bootable_iso(tmp_path / "installer.iso", "installer")
    site.create(
        f'{SMALL}[source]\nkind = "iso"\nlocal = "{image}"\n[[disk]]\nnew.size = "16 MiB"\n'
    )
    site.says("installer")
    assert (site.images / "installer.iso").read_bytes() == image.read_bytes()


def test_an_installer_is_booted_from_a_volume(site: Site) -> None:
    bootable_iso(site.images / "there.iso", "from a pool")
    pool = site.factory.conn.storagePoolLookupByName("images")
    pool.refresh()
    volume = "pool = 'images'\nvolume = 'there.iso'\n"
    site.create(f'{SMALL}[source]\nkind = "iso"\n{volume}[[disk]]\nnew.size = "16 MiB"\n')
    site.says("from a pool")


def test_a_cloud_image_reads_its_seed(site: Site, tmp_path: Path) -> None:
    raw = raw_disk(tmp_path / "cloud.raw", "", sector=cd_reader())
    image = site.images / "cloud.qcow2"
    subprocess.run(["qemu-img", "convert", "-O", "qcow2", str(raw), str(image)], check=True)
    site.create(
        f"""
        [guest]
        name = "new"
        memory = "64 MiB"
        [source]
        kind = "cloud"
        path = "{image}"
        [source.cloud]
        user = "ada"
        password = "a secret"
        hostname = "difference-engine"
        """
    )
    # What the guest itself found on the drive.
    site.says("cidata")
    site.says('"local-hostname": "difference-engine"')
    site.says('"passwd": "$6$')
    assert b"a secret" not in site.log.read_bytes()
    domain = site.domain()
    assert "seed" not in inactive(domain).partition("</metadata>")[2]
    site.host.start()
    domain.destroy()
    wait_until(lambda: not list(site.images.glob("*seed*")), BOOT, "the seed to go")


def test_linux_finds_the_seed_by_its_label(site: Site, tmp_path: Path) -> None:
    """The image has no boot loader, so the first boot is given a kernel; disk and seed are the
    cloud's."""
    image = raw_disk(site.images / "cloud.raw", "")
    built = seed_reader()
    boot = built.os_xml().replace("quiet", "quiet ro")

    def with_kernel(xml: str) -> str:
        return xml.replace("</os>", f"{boot}</os>")

    site.create(
        f"""
        [guest]
        name = "new"
        memory = "{MEMORY_MIB} MiB"
        vcpus = 1
        [source]
        kind = "cloud"
        path = "{image}"
        [source.cloud]
        user = "ada"
        hostname = "difference-engine"
        """,
        first=with_kernel,
    )
    site.says("seed: end")
    said = site.log.read_text(errors="replace").replace("\r", "")
    assert "seed: meta-data user-data\n" in said
    assert '"local-hostname": "difference-engine"' in said
    assert '"name": "ada"' in said
    assert f'"instance-id": "{site.domain().UUIDString()}"' in said


def test_empty_disks(site: Site) -> None:
    site.create(f'{SMALL}[source]\nkind = "empty"\n[[disk]]\nnew.size = "16 MiB"\n')
    assert site.domain().isActive()


def test_a_guest_is_copied(site: Site) -> None:
    disk = qcow2_disk(site.images / "old.qcow2", "the same")
    mac = "52:54:00:00:00:01"
    devices = (
        disk_xml(disk, fmt="qcow2")
        + f"<interface type='user'><mac address='{mac}'/></interface>"
        + '<serial type="pty"/>'
    )
    old = site.factory.define(guest_xml("old", devices=devices))
    created = site.create('[guest]\nname = "new"\n[source]\nkind = "copy"\nguest = "old"\n')
    xml = inactive(site.domain())
    assert created.uuid != old
    assert mac not in xml
    assert str(disk) not in xml
    copies = [path for path in site.images.iterdir() if path != disk]
    assert len(copies) == 1
    assert str(copies[0]) in xml
    site.says("the same")
    assert mac in site.factory.domain(old).XMLDesc()


@pytest.fixture
def network(site: Site, tmp_path: Path) -> Iterator[libvirt.virNetwork]:
    """One that serves a file to those who boot from it."""
    if shutil.which("dnsmasq", path="/usr/sbin:/usr/bin") is None:
        pytest.skip("dnsmasq is not installed")
    # dnsmasq runs as a user of its own.
    root = Path("/tmp") / f"tuivm-tftp-{tmp_path.name}"
    root.mkdir(mode=0o755)
    (root / "boot.0").write_bytes(boot_code("from the network"))
    (root / "boot.0").chmod(0o644)
    net = site.factory.conn.networkCreateXML(
        "<network><name>boot</name><bridge name='tvboot0'/>"
        f"<ip address='10.99.7.1' netmask='255.255.255.0'><tftp root='{root}'/>"
        "<dhcp><range start='10.99.7.2' end='10.99.7.9'/><bootp file='boot.0'/></dhcp></ip>"
        "</network>"
    )
    yield net
    for domain in site.factory.conn.listAllDomains(libvirt.VIR_CONNECT_LIST_DOMAINS_ACTIVE):
        domain.destroy()
    net.destroy()
    shutil.rmtree(root)


def test_it_boots_from_a_network_of_libvirts(site: Site, network: libvirt.virNetwork) -> None:
    site.create(
        f"""{SMALL}
        [source]
        kind = "pxe"
        [[disk]]
        new.size = "16 MiB"
        [[nic]]
        kind = "network"
        source = "{network.name()}"
        """
    )
    site.says("from the network")


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - as it is there
        pass


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[[Path], str]]:
    servers = []

    def started(root: Path) -> str:
        def handler(*args: Any) -> _Quiet:
            return _Quiet(*args, directory=str(root))

        server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}/"

    yield started
    for server in servers:
        server.shutdown()
        server.server_close()


def test_an_install_tree(site: Site, tmp_path: Path, serve: Callable[[Path], str]) -> None:
    built = appliance()
    tree = tmp_path / "tree"
    (tree / "images/pxeboot").mkdir(parents=True)
    shutil.copy(built.kernel, tree / "images/pxeboot/vmlinuz")
    shutil.copy(built.initrd, tree / "images/pxeboot/initrd.img")
    (tree / ".treeinfo").write_text(
        "[general]\nfamily = Test\nversion = 1\narch = x86_64\n"
        "[images-x86_64]\nkernel = images/pxeboot/vmlinuz\ninitrd = images/pxeboot/initrd.img\n"
    )
    site.create(
        f"""
        [guest]
        name = "new"
        memory = "{MEMORY_MIB} MiB"
        vcpus = 1
        [source]
        kind = "tree"
        url = "{serve(tree)}"
        cmdline = "console=ttyS0 quiet load=none"
        [[disk]]
        new.size = "16 MiB"
        """
    )
    site.says(READY)
    domain = site.domain()
    assert "<kernel>" in domain.XMLDesc()
    assert "<kernel>" not in inactive(domain)
    site.host.start()
    domain.destroy()
    wait_until(lambda: len(list(site.images.iterdir())) == 1, BOOT, "the installer to go")


def spec_file(path: Path, text: str) -> str:
    path.write_text(text)
    return str(path)


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    return Cli(tmp_path)


EMPTY = f'{SMALL}[source]\nkind = "empty"\n[[disk]]\nnew.size = "16 MiB"\n'


def test_the_command(site: Site, cli: Cli, tmp_path: Path) -> None:
    spec = spec_file(tmp_path / "new.toml", EMPTY)
    base = ("-c", site.rig.uri, "create", spec)
    shown = cli(*base, "--print-xml")
    assert (shown.returncode, shown.stdout[:7]) == (0, "<domain")
    outline = cli(*base, "--dry-run", "--no-start")
    assert outline.returncode == 0
    assert outline.stdout.splitlines()[:2] == ["make images/new.qcow2 of 16M", "define new"]
    assert site.factory.conn.listAllDomains() == []
    assert list(site.images.iterdir()) == []
    done = cli(*base, "--yes", "--no-start", "--json")
    document = json.loads(done.stdout)
    assert jsonschema_doc.faults(document, "tuivm create", TABLES) == []
    assert (done.returncode, document["created"], document["started"]) == (0, True, False)
    assert document["uuid"] == site.domain().UUIDString()
    again = cli(*base, "--yes")
    assert again.returncode == 1
    assert "guest.name" in again.stderr
    assert "remedy: " in again.stderr
    assert len(site.factory.conn.listAllDomains()) == 1


def test_what_the_command_refuses(site: Site, cli: Cli, tmp_path: Path) -> None:
    spec = spec_file(tmp_path / "new.toml", EMPTY)
    bad = spec_file(tmp_path / "bad.toml", "[guest]\nnmae = 'x'\n[source]\nkind = 'empty'\n")
    assert cli("-c", site.rig.uri, "create", str(tmp_path / "none.toml")).returncode == 2
    faulty = cli("-c", site.rig.uri, "create", bad)
    assert faulty.returncode == 2
    assert "nmae" in faulty.stderr
    two = cli("-c", site.rig.uri, "-c", "test:///default", "create", spec)
    assert two.returncode == 2
    dead = cli("-c", "qemu+tcp://127.0.0.1:1/system", "create", spec)
    assert dead.returncode == 3
    readonly = cli("--readonly", "-c", site.rig.uri, "create", spec, "--yes")
    assert readonly.returncode == 1
    assert "read-only" in readonly.stderr
    assert site.factory.conn.listAllDomains() == []


def test_ctrl_c_cleans_up(site: Site, cli: Cli, tmp_path: Path) -> None:
    image = tmp_path / "large.raw"
    with image.open("wb") as file:
        for _ in range(256):
            file.write(b"\xa5" * (1 << 20))
    text = f'{SMALL}[source]\nkind = "import"\nlocal = "{image}"\n'
    spec = spec_file(tmp_path / "new.toml", text)
    process = subprocess.Popen(
        cli.command("-c", site.rig.uri, "create", spec, "--yes"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    wait_until((site.images / "large.raw").exists, BOOT, "the upload")
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=BOOT)
    assert process.returncode == 130
    assert "being removed" in said
    assert list(site.images.iterdir()) == []
    assert site.factory.conn.listAllDomains() == []
