"""The virtual host as the tests of passthrough use it: guests that tell what devices they see, and
tuivm's own way to the host."""

from __future__ import annotations

import gzip
import io
import re
import subprocess
import tarfile
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import libvirt

from tests.support.appliance import appliance
from tests.support.rig import wait_until
from tests.support.shell import Shell
from tests.support.watching import Watched
from tuivm.domainxml.hostdevxml import passed_of
from tuivm.domainxml.parse import parse_domain
from tuivm.hypervisor.host import LibvirtHost
from tuivm.model.findings import Severity
from tuivm.model.hostrequests import HostRequest
from tuivm.model.offers import HostDevice, HostOffer
from tuivm.model.requests import AttachDevices, DetachDevices, Outcome, Request, When
from tuivm.model.spec import Passed
from tuivm.preflight.attaching import accept_key, check_attach, read_target
from tuivm.preflight.passing import Verdict, verdict
from tuivm.virthost.host import VirtualHost

NIC, NVME = "0000:01:00.0", "0000:02:00.0"
"""Each alone in its group; an e1000e, and a PF with 4 VFs."""
VFS = ("0000:02:00.1", "0000:02:00.2")
WAY_IN, ROOT_DISK, DISPLAY, XHCI = "0000:00:02.0", "0000:00:06.0", "0000:00:01.0", "0000:00:05.0"
ISA, AHCI, SMBUS = "0000:00:1f.0", "0000:00:1f.2", "0000:00:1f.3"
"""The group of three."""
USB_DISK, USB_DISK_IDS = "2-1", "46f4:0001"
E1000E, NVME_IDS = "8086:10d3", "1b36:0010"
"""What a guest reads of its PCI devices: vendor:device."""

CALL = 240.0
"""Seconds for any one answer of an emulated host on a busy machine."""
SEER = "seer"
"""The guest that the tests share: there or not, it has none of the host's devices between them."""
KEPT = "/var/lib/tuivm-tests"
PORTS = 6
MEMORY_MIB = 256
_PROC = (
    *("proc/self/mountinfo", "proc/1/mountinfo", "proc/swaps"),
    *("proc/net/route", "proc/net/ipv6_route"),
)
_SYS = "/sys/bus/pci/devices"
_ALL_OF_IT = (
    libvirt.VIR_DOMAIN_UNDEFINE_MANAGED_SAVE
    | libvirt.VIR_DOMAIN_UNDEFINE_SNAPSHOTS_METADATA
    | libvirt.VIR_DOMAIN_UNDEFINE_NVRAM
)


class Found(NamedTuple):
    """What a test has to leave as it was."""

    drivers: dict[str, str]
    guests: dict[str, tuple[Passed, ...]]
    networks: frozenset[str]
    pools: frozenset[str]


class Site:
    """One virtual host, opened as the program opens it. Close it."""

    def __init__(self, virthost: VirtualHost) -> None:
        self.virthost = virthost
        self.conn = libvirt.open(virthost.uri)
        # Each look at the host costs an emulated CPU time.
        self.watched = Watched(virthost.uri, name="virthost", interval=2.0)
        self.watched.wait_up()
        # From the first look on the host tells what changes.
        self.survey()
        self._put_kernel()

    def close(self) -> None:
        self.watched.close()
        self.conn.close()

    def _put_kernel(self) -> None:
        """Where QEMU may read it; by ssh, as no pool is there."""
        built = appliance()
        self.virthost.run(["mkdir", "-p", KEPT])
        for name, source in (("kernel", built.kernel), ("initrd", built.initrd)):
            # Each byte that ssh brings is deciphered by an emulated CPU.
            packed = gzip.compress(source.read_bytes(), 6)
            command = f"gunzip >{KEPT}/{name}"
            subprocess.run([*self.virthost.ssh, command], input=packed, timeout=CALL, check=True)

    # by tuivm

    @property
    def host(self) -> LibvirtHost:
        return self.watched.host

    def survey(self) -> HostOffer:
        """Its devices, by tuivm."""
        offered = self.host.devices().devices().result(CALL)
        assert offered.problem is None, offered.problem
        assert offered.offer is not None
        return offered.offer

    def device(self, address: str, offer: HostOffer | None = None) -> HostDevice:
        found = (offer or self.survey()).devices
        (device,) = [one for one in found if one.address == address]
        return device

    def addresses(self) -> set[str]:
        """Of the PCI devices that tuivm sees now."""
        return {one.address for one in self.survey().devices if one.kind == "pci"}

    def verdict(self, address: str) -> Verdict:
        offer = self.survey()
        return verdict(self.device(address, offer), offer)

    def order(
        self, guest: libvirt.virDomain, *devices: Passed, when: When = When.NOW, typed: bool = False
    ) -> AttachDevices:
        """What the dialog asks for when a person accepts each warning, and types nothing; typed:
        the address of each device too, where that is asked for."""
        running = guest.isActive() == 1
        definition = guest.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE)
        target = read_target(
            guest.XMLDesc() if running else definition,
            running=running,
            persistent=guest.isPersistent() == 1,
            definition=definition if running else "",
        )
        found = check_attach(devices, self.survey(), target, when)
        accepted = [accept_key(one) for one in found.findings if one.severity is Severity.WARNING]
        overridden = found.overrides if typed else ()
        return AttachDevices(devices, when, frozenset(accepted), frozenset(overridden))

    def attach(
        self, guest: libvirt.virDomain, *devices: Passed, when: When = When.NOW, typed: bool = False
    ) -> Outcome:
        return self.act(guest, self.order(guest, *devices, when=when, typed=typed))

    def detach(self, guest: libvirt.virDomain, *devices: Passed, when: When = When.NOW) -> Outcome:
        return self.act(guest, DetachDevices(devices, when))

    def act(self, guest: libvirt.virDomain, request: Request) -> Outcome:
        return self._done(self.host.act(guest.UUIDString(), request))

    def ask(self, request: HostRequest) -> Outcome:
        return self._done(self.host.devices().act(request))

    def _done(self, outcome: Future[Outcome]) -> Outcome:
        return outcome.result(CALL)

    def revision(self) -> int:
        """Of its devices."""
        return self.watched.last.revisions.devices

    def wait_news(self, since: int) -> None:
        """Wait until the host has told that its devices changed, `revision()` being `since`."""
        wait_until(lambda: self.revision() > since, CALL, "news of the host's devices")

    # not by tuivm

    def run(self, *argv: str) -> str:
        return self.virthost.run(argv, seconds=CALL).stdout

    def shell(self, line: str) -> str:
        """A line for the host's shell, as a person at it would type it."""
        return self.run("sh", "-c", line)

    def bring_tree(self, root: Path) -> None:
        """What of its /proc and /sys tells who uses its devices, as files below `root`."""
        for name in _PROC:
            copied = root / name
            copied.parent.mkdir(parents=True, exist_ok=True)
            copied.write_text(self.run("cat", f"/{name}"))
        command = (
            "cd / && find sys/devices sys/class/net sys/class/block sys/dev/block sys/bus/pci"
            " '(' -type d -o -type l -o -name boot_vga ')' -print0"
            " | tar -c --no-recursion --null -T - 2>/dev/null"
        )
        made = subprocess.run(
            [*self.virthost.ssh, command], stdout=subprocess.PIPE, timeout=CALL, check=False
        )
        with tarfile.open(fileobj=io.BytesIO(made.stdout)) as packed:
            packed.extractall(root, filter="fully_trusted")
        for copied in root.glob("sys/devices/**/boot_vga"):
            # tar fills up what is shorter than sysfs says that it is.
            copied.write_bytes(copied.read_bytes().rstrip(b"\0"))

    def driver(self, address: str) -> str:
        """ "" for none."""
        link = self.virthost.run(["readlink", f"{_SYS}/{address}/driver"], check=False).stdout
        return Path(link.strip()).name

    def way_in(self) -> str:
        """The interface of WAY_IN. Whichever driver is the quicker one at boot has eth0."""
        return self.shell(f"ls {_SYS}/{WAY_IN}/virtio*/net").strip()

    def usb_driver(self, port: str) -> str:
        """Of the first interface of what is plugged in there."""
        link = f"/sys/bus/usb/devices/{port}:1.0/driver"
        return Path(self.virthost.run(["readlink", link], check=False).stdout.strip()).name

    def drivers(self) -> dict[str, str]:
        """Of all PCI devices, by address."""
        said = self.shell(
            f"for d in {_SYS}/*; do echo ${{d##*/}} $(readlink $d/driver); done"
        ).splitlines()
        return {words[0]: Path(words[-1]).name * (len(words) > 1) for words in map(str.split, said)}

    def wait_driver(self, address: str, driver: str) -> None:
        wait_until(
            lambda: self.driver(address) == driver, CALL, f"{driver or 'no driver'} on {address}"
        )

    def found(self) -> Found:
        return Found(
            self.drivers(),
            {
                one.name(): passed(one)
                for one in self.conn.listAllDomains()
                if one.name() != SEER or passed(one)
            },
            frozenset(one.name() for one in self.conn.listAllNetworks()),
            frozenset(one.name() for one in self.conn.listAllStoragePools()),
        )

    def mend(self, was: Found) -> None:
        """Put back what a test that failed has left."""
        for guest in self.conn.listAllDomains():
            if passed(guest) != was.guests.get(guest.name(), None if guest.name() != SEER else ()):
                remove(guest)
        for network in self.conn.listAllNetworks():
            if network.name() not in was.networks:
                if network.isActive():
                    network.destroy()
                network.undefine()
        for pool in self.conn.listAllStoragePools():
            if pool.name() not in was.pools:
                if pool.isActive():
                    pool.destroy()
                pool.undefine()
        self.shell(f"echo 0 >{_SYS}/{NVME}/sriov_numvfs; echo 1 >/sys/bus/pci/rescan")
        now = self.drivers()
        for address in was.drivers:
            if now.get(address) == "vfio-pci":
                self.run("virsh", "nodedev-reattach", nodedev(address))

    def guest(self, name: str, *, load: str = "deaf", start: bool = True) -> libvirt.virDomain:
        """One that boots the tests' kernel. load: words of appliance_init.sh. start: paused at
        its first instruction, which costs the host nothing."""
        guest = self.conn.defineXML(_guest_xml(name, load))
        if start:
            guest.createWithFlags(libvirt.VIR_DOMAIN_START_PAUSED)
        return guest


class Seer:
    """A guest that runs, and is asked on its console what it sees."""

    def __init__(self, site: Site, name: str = SEER) -> None:
        self._site = site
        self.guest = site.guest(name, load="shell,deaf")
        self.name = name
        self.guest.resume()
        self._shell = Shell(site.virthost.uri, self.guest.UUIDString(), patience=CALL)
        self._shell.ready()

    @property
    def alive(self) -> bool:
        """It can be asked, and has not been removed, as one is that a failed test left with a
        device."""
        try:
            return not self._shell.ended and self.guest.isActive() == 1
        except libvirt.libvirtError:
            return False

    def close(self) -> None:
        self._shell.console.close()
        with suppress(libvirt.libvirtError):
            remove(self.guest)

    def run(self, line: str) -> str:
        return self._shell.run(line)

    def pci(self) -> list[str]:
        """vendor:device of each."""
        return pci_seen(self.run)

    def usb(self) -> list[str]:
        words = self.run(
            "cd /sys/bus/usb/devices; for d in *-*[0-9]; do"
            " [ -e $d/idVendor ] && cat $d/idVendor $d/idProduct; done"
        )
        return _ids(words)

    def wait_sees(self, ids: str, look: Callable[[], list[str]] | None = None) -> None:
        look = look or self.pci
        wait_until(lambda: ids in look(), CALL, f"{self.name} to see {ids}")

    def wait_misses(self, ids: str, look: Callable[[], list[str]] | None = None) -> None:
        look = look or self.pci
        wait_until(lambda: ids not in look(), CALL, f"{self.name} to lose {ids}")


def pci_seen(run: Callable[[str], str]) -> list[str]:
    """vendor:device of each PCI device in the guest that carries out lines."""
    return _ids(run("cd /sys/bus/pci/devices; for d in *; do cat $d/vendor $d/device; done"))


def passed(guest: libvirt.virDomain) -> tuple[Passed, ...]:
    """What of the host's it has: as it runs now and, where it is kept, at its next start."""
    live = _passed_of(guest.XMLDesc()) if guest.isActive() else ()
    if not guest.isPersistent():
        return live
    return (*live, *_passed_of(guest.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE)))


def _passed_of(xml: str) -> tuple[Passed, ...]:
    return passed_of(parse_domain(xml))


def remove(guest: libvirt.virDomain) -> None:
    if guest.isActive():
        guest.destroy()
    if guest.isPersistent():
        guest.undefineFlags(_ALL_OF_IT)


def nodedev(address: str) -> str:
    return "pci_" + re.sub("[:.]", "_", address)


@contextmanager
def removed(*guests: libvirt.virDomain) -> Iterator[None]:
    """Guests of one test."""
    try:
        yield
    finally:
        for guest in guests:
            remove(guest)


def _ids(words: str) -> list[str]:
    numbers = [word.removeprefix("0x") for word in words.split()]
    return [
        f"{vendor}:{device}" for vendor, device in zip(numbers[::2], numbers[1::2], strict=True)
    ]


def _guest_xml(name: str, load: str) -> str:
    ports = "<controller type='pci' model='pcie-root-port'/>" * PORTS
    return (
        f"<domain type='kvm'><name>{name}</name><memory unit='MiB'>{MEMORY_MIB}</memory>"
        "<vcpu>1</vcpu><os><type arch='x86_64' machine='q35'>hvm</type>"
        f"<kernel>{KEPT}/kernel</kernel><initrd>{KEPT}/initrd</initrd>"
        f"<cmdline>console=ttyS0 quiet load={load}</cmdline></os><features><acpi/></features>"
        "<cpu mode='host-passthrough'/><devices><controller type='pci' model='pcie-root'/>"
        f"{ports}<controller type='usb' model='qemu-xhci'/><memballoon model='none'/>"
        "<console type='pty'/></devices></domain>"
    )
