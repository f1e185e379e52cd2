"""What a guest had for its first boot goes when that is over, seen by a host that is watched."""

from __future__ import annotations

import uuid as uuids
from collections.abc import Callable, Iterator
from pathlib import Path

import libvirt
import pytest

from tests.live.test_creating import opener_of
from tests.support.guests import GuestFactory, disk_xml, guest_xml
from tests.support.rig import Rig, wait_until
from tests.support.watching import Watched
from tuivm.domainxml.namespaces import FIRST_BOOT
from tuivm.hypervisor.creating import run
from tuivm.hypervisor.firstboot import settle
from tuivm.model.creation import CreationPlan, Placed, VolumeOrder
from tuivm.model.spec import Spec

Create = Callable[..., libvirt.virDomain]


@pytest.fixture
def images(guest_factory: GuestFactory, tmp_path: Path) -> Path:
    directory = tmp_path / "images"
    directory.mkdir()
    guest_factory.pool("images", directory)
    return directory


@pytest.fixture
def create(rig: Rig, guest_factory: GuestFactory, images: Path) -> Create:
    """Create a guest whose first boot has a drive with a medium and a restart of its own."""

    def created(*, start: bool) -> libvirt.virDomain:
        seed, disk = images / "seed.iso", images / "disk.raw"
        uuid = str(uuids.uuid4())

        def xml(medium: str, reboot: str, orders: tuple[int, int]) -> str:
            drive = (
                f"<disk type='file' device='cdrom'>{medium}<target dev='hdc' bus='ide'/>"
                f"<readonly/><boot order='{orders[0]}'/></disk>"
            )
            boots = f"<boot order='{orders[1]}'/>"
            more = f"<on_reboot>{reboot}</on_reboot>"
            devices = drive + disk_xml(disk, more=boots)
            return guest_xml("new", uuid=uuid, devices=devices, more=more)

        placed = Placed(str(seed), "raw", pool="images", volume="seed.iso")
        plan = CreationPlan(
            Spec(name="new", start=start),
            volumes=(
                VolumeOrder(Placed(str(disk), "raw", pool="images", volume="disk.raw"), 1 << 20),
                VolumeOrder(placed, 4096),
            ),
            xml=xml("", "restart", (2, 1)),
            first_xml=xml(f"<source file='{seed}'/>", "destroy", (1, 2)),
            temporary=(placed,),
        )
        created = run(
            opener_of(rig),
            plan,
            lambda _progress: None,
            lambda: False,
            host="rig",
            uri=rig.uri,
            local=True,
        )
        assert created.problem is None
        return guest_factory.domain(uuid)

    return created


@pytest.fixture
def watched(rig: Rig) -> Iterator[Watched]:
    host = Watched(rig.uri)
    yield host
    host.close()


def inactive(domain: libvirt.virDomain) -> str:
    return domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE)


def test_the_seed_goes_when_the_guest_is_off(
    create: Create, images: Path, watched: Watched
) -> None:
    domain = create(start=True)
    assert "seed.iso'" in domain.XMLDesc().partition("</metadata>")[2]
    watched.wait(lambda seen: [one for one in seen.guests.values() if one.details], "its XML")
    assert (images / "seed.iso").exists()
    domain.destroy()
    wait_until(lambda: FIRST_BOOT not in inactive(domain), 60, "the mark to go")
    assert {path.name for path in images.iterdir()} == {"disk.raw"}


def test_one_that_is_started_later_keeps_its_seed_until_then(
    create: Create, images: Path, guest_factory: GuestFactory, watched: Watched
) -> None:
    domain = create(start=False)
    conn = guest_factory.conn
    settle(conn, domain.UUIDString())
    assert "<source file=" in inactive(domain)
    assert "<on_reboot>destroy" in inactive(domain)
    # What is changed meanwhile stays changed.
    changed = inactive(domain).replace("16384", "20480")
    conn.defineXML(changed)
    domain.create()
    wait_until(lambda: "<on_reboot>restart" in inactive(domain), 60, "the definition that stays")
    xml = inactive(domain)
    assert "20480" in xml
    assert xml.index("order='1'") > xml.index("disk.raw") > 0
    assert "seed.iso" not in xml.partition("</metadata>")[2]
    assert "seed.iso" in domain.XMLDesc()
    assert (images / "seed.iso").exists()
    domain.destroy()
    wait_until(lambda: FIRST_BOOT not in inactive(domain), 60, "the mark to go")
    assert {path.name for path in images.iterdir()} == {"disk.raw"}


def test_what_somebody_uses_stays(
    create: Create, images: Path, guest_factory: GuestFactory
) -> None:
    domain = create(start=True)
    other = guest_factory.define(guest_xml("other", devices=disk_xml(images / "seed.iso")))
    domain.destroy()
    settle(guest_factory.conn, domain.UUIDString())
    assert (images / "seed.iso").exists()
    assert FIRST_BOOT in inactive(domain)
    guest_factory.domain(other).undefine()
    settle(guest_factory.conn, domain.UUIDString())
    assert not (images / "seed.iso").exists()
    assert (images / "disk.raw").exists()
    assert FIRST_BOOT not in inactive(domain)


def test_saved_memory_may_still_want_it(
    create: Create, images: Path, guest_factory: GuestFactory
) -> None:
    domain = create(start=True)
    domain.managedSave()
    settle(guest_factory.conn, domain.UUIDString())
    assert (images / "seed.iso").exists()
    domain.create()
    domain.destroy()
    settle(guest_factory.conn, domain.UUIDString())
    assert not (images / "seed.iso").exists()


def test_the_mark_of_another_guest_removes_nothing(
    create: Create, images: Path, guest_factory: GuestFactory
) -> None:
    domain = create(start=True)
    domain.destroy()
    uuid = domain.UUIDString()
    copy = inactive(domain).replace(f"<uuid>{uuid}", f"<uuid>{uuids.uuid4()}")
    copied = guest_factory.define(copy.replace("<name>new", "<name>copy"))
    settle(guest_factory.conn, copied)
    assert (images / "seed.iso").exists()
