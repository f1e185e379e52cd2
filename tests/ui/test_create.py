"""The wizard by keyboard alone, on a simulated host: from n to a guest, and all that goes wrong."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.widgets import Input

from tests.support.simcreate import LOST, tcg_offer
from tests.support.simhost import SimHost
from tests.ui.dialog_support import NASTY, NASTY_SHOWN
from tests.ui.support import Rig, running
from tests.ui.wizard_support import (
    OSINFO,
    at,
    begun,
    creation,
    field,
    opened,
    put,
    settled,
    to,
    turn,
    web,
    with_iso,
    wizard,
)
from tuivm.model.findings import Finding, Severity
from tuivm.model.hosts import Problem
from tuivm.model.offers import HostDevice
from tuivm.model.snapshot import Revisions
from tuivm.model.spec import DiskKind, SourceKind
from tuivm.screens.create import drafting
from tuivm.screens.create.fields import TextField
from tuivm.screens.create.progress import CreateProgress
from tuivm.screens.create.step_review import ReviewStep
from tuivm.screens.create.wizard import Wizard
from tuivm.screens.create.xmledit import EditXml, XmlArea
from tuivm.screens.dialogs.confirm import Confirm
from tuivm.screens.guest import GuestScreen
from tuivm.specfile import load

SMALL, WIDE = (80, 24), (160, 48)
sizes = pytest.mark.parametrize("size", [SMALL, WIDE], ids=["small", "wide"])


@pytest.fixture(autouse=True)
def osinfo(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The same operating systems wherever the tests run."""
    monkeypatch.setenv("OSINFO_SYSTEM_DIR", str(OSINFO))
    for name in ("OSINFO_LOCAL_DIR", "OSINFO_USER_DIR"):
        monkeypatch.setenv(name, str(tmp_path / "nothing"))


@sizes
async def test_from_n_to_a_guest_by_its_defaults(tmp_path: Path, size: tuple[int, int]) -> None:
    async with running(tmp_path, web, size=size) as rig:
        await opened(rig)
        await with_iso(rig)
        for title in ("System", "Machine", "Disks", "Network", "Passthrough", "Review"):
            await rig.press("enter")
            await at(rig, title)
            assert title in rig.text
        assert "Nothing speaks against it" in rig.text
        run = await begun(rig)
        plan = run.plan
        assert plan.spec.os == "debian12"
        assert plan.spec.disks is not None
        assert {disk.kind for disk in plan.spec.disks} == {DiskKind.DISK, DiskKind.CDROM}
        assert "debian-12.iso" in plan.xml
        run.step("made debian12.qcow2")
        run.tell("uploading", 1 << 29, 1 << 30)
        await rig.settle()
        assert "made debian12.qcow2" in rig.text
        assert "50 %" in rig.text
        rig.host().add_guest_as(plan.spec.uuid, plan.spec.name)
        run.succeed()
        await rig.until(lambda: "done: debian12 runs" in rig.text)
        await rig.press("right", "enter")
        await rig.tick()
        await rig.until(lambda: isinstance(rig.app.screen, GuestScreen))
        await rig.until(lambda: "debian12" in rig.text)


async def test_back_keeps_what_was_entered(tmp_path: Path) -> None:
    async with running(tmp_path, web) as rig:
        await opened(rig)
        await with_iso(rig)
        await rig.press("pagedown")
        await at(rig, "System")
        await put(rig, "guest.name", "db-2")
        await put(rig, "guest.memory", "3G")
        await rig.press("pageup")
        await at(rig, "Source")
        assert "debian-12.iso" in rig.text
        await rig.press("pagedown")
        await at(rig, "System")
        assert rig.app.focused is not None
        name, memory = field(rig, "guest.name"), field(rig, "guest.memory")
        assert isinstance(name, TextField)
        assert isinstance(memory, TextField)
        assert (name.value, memory.value) == ("db-2", "3G")
        assert wizard(rig).draft.full.memory_kib == 3 << 20
        assert rig.app.focused in memory.query("*"), "the focus is where it was"


async def test_the_host_is_waited_for_and_asked_again(tmp_path: Path) -> None:
    async with running(tmp_path, web) as rig:
        sim = creation(rig)
        sim.hold = True
        await rig.press("n")
        await rig.until(lambda: "asking local what it offers" in rig.text)
        rig.maker.tick(7)
        await rig.until(lambda: "(7 s)" in rig.text)
        await rig.press("pagedown")
        await at(rig, "System")
        await to(rig, "guest.name")
        await rig.type("early")
        sim.lost = LOST
        sim.answer()
        await rig.until(lambda: LOST.reason.split(":")[0] in rig.words)
        assert "likely: libvirtd is not running" in rig.text
        assert LOST.remedy in rig.words
        sim.lost = None
        await rig.press("f5")
        await settled(rig)
        assert "problem" not in rig.text
        assert wizard(rig).draft.full.name == "early"


async def test_a_host_lost_at_the_last_step(tmp_path: Path) -> None:
    async with running(tmp_path, web) as rig:
        await opened(rig)
        await with_iso(rig)
        await rig.press("pagedown")
        await at(rig, "System")
        await put(rig, "guest.name", "kept")
        run = await begun(rig)
        run.step("made kept.qcow2")
        run.fail(LOST, "kept.qcow2")
        await rig.until(lambda: "failed" in rig.text)
        assert "removed kept.qcow2" in rig.text
        assert "Nothing of it is left on local" in rig.words
        creation(rig).lost = LOST
        await rig.press("enter")
        await rig.until(lambda: isinstance(rig.app.screen, Wizard))
        await rig.until(lambda: "the host has to answer first" in rig.text)
        creation(rig).lost = None
        await rig.press("f5")
        await settled(rig)
        assert wizard(rig).draft.spec.name == "kept"
        assert (await begun(rig)) is not run


async def test_what_could_not_be_removed_is_named(tmp_path: Path) -> None:
    async with running(tmp_path, web) as rig:
        await opened(rig)
        await with_iso(rig)
        run = await begun(rig)
        run.fail(Problem("cannot define", NASTY), left=("/pool/x.qcow2",))
        await rig.until(lambda: "/pool/x.qcow2" in rig.text)
        assert NASTY_SHOWN in rig.words
        assert "Nothing of it is left" not in rig.words


async def test_a_creation_is_stopped_only_after_a_question(tmp_path: Path) -> None:
    async with running(tmp_path, web) as rig:
        await opened(rig)
        await with_iso(rig)
        run = await begun(rig)
        await rig.press("escape")
        await rig.until(lambda: isinstance(rig.app.screen, Confirm))
        await rig.press("n")
        assert not run.cancelled
        await rig.press("escape")
        await rig.until(lambda: isinstance(rig.app.screen, Confirm))
        await rig.press("y")
        assert run.cancelled
        assert "stopping" in rig.text
        run.fail(Problem("stopped", "you asked for it"), "debian12.qcow2")
        await rig.until(lambda: "removed debian12.qcow2" in rig.text)
        assert isinstance(rig.app.screen, CreateProgress)


async def test_a_pool_that_goes_between_the_steps(tmp_path: Path) -> None:
    async with running(tmp_path, web) as rig:
        await opened(rig)
        await with_iso(rig)
        sim = creation(rig)
        sim.offered = sim.offered._replace(pools=())
        await rig.press("f5")
        await settled(rig)
        await rig.press("ctrl+r")
        await at(rig, "Review")
        assert "Not yet" in rig.text
        assert wizard(rig).draft.spec.source.file.volume == "debian-12.iso", "input is kept"
        await rig.press("enter")
        assert not sim.runs


async def test_esc_asks_once_something_was_entered(tmp_path: Path) -> None:
    async with running(tmp_path, web) as rig:
        await opened(rig)
        await rig.press("escape")
        assert not any(isinstance(one, Wizard) for one in rig.app.screen_stack)
        await opened(rig)
        await with_iso(rig)
        await rig.press("escape")
        await rig.until(lambda: isinstance(rig.app.screen, Confirm))
        await rig.press("escape")
        assert isinstance(rig.app.screen, Wizard)
        await rig.press("escape")
        await rig.until(lambda: isinstance(rig.app.screen, Confirm))
        await rig.press("y")
        assert not any(isinstance(one, Wizard) for one in rig.app.screen_stack)


async def test_another_host(tmp_path: Path) -> None:
    async with running(tmp_path, web, hosts=("local", "rack7")) as rig:
        creation(rig, "rack7").offered = tcg_offer("rack7")
        await opened(rig)
        await with_iso(rig)
        assert wizard(rig).draft.full.machine.virt_type == "kvm"
        await turn(rig, "host", "rack7")
        await settled(rig)
        assert wizard(rig).draft.host == "rack7"
        assert wizard(rig).draft.full.machine.virt_type == "qemu"
        assert wizard(rig).draft.spec.source.file.volume == "debian-12.iso", "input is kept"
        await rig.press("ctrl+r")
        await at(rig, "Review")
        await rig.until(lambda: wizard(rig).settled)
        assert "on rack7" in rig.text


async def test_a_host_that_is_taken_out_of_the_list(tmp_path: Path) -> None:
    async with running(tmp_path, web, hosts=("local", "rack7")) as rig:
        await opened(rig)
        rig.app.fleet.remove("local")
        await rig.press("f5")
        await rig.until(lambda: "it is not among the hosts" in rig.words)


async def test_read_only_hosts_make_no_guests(tmp_path: Path) -> None:
    async with running(tmp_path, web, readonly=True) as rig:
        await rig.press("n")
        assert any("read-only" in one for one in rig.notices)


async def test_a_saved_spec_is_what_was_said(tmp_path: Path) -> None:
    path = tmp_path / "guest.toml"
    async with running(tmp_path, web) as rig:
        await opened(rig)
        await turn(rig, "source.kind", "cloud image")
        await turn(rig, "source.volume", "base.qcow2")
        await put(rig, "source.cloud.user", "ada")
        await put(rig, "source.cloud.password", "hunter2")
        await rig.press("ctrl+s")
        await rig.until(lambda: "written as its hash" in rig.words)
        await rig.press("end", "ctrl+u")
        await rig.type(str(tmp_path))
        await rig.press("enter")
        await rig.until(lambda: "This is a directory" in rig.words)
        await rig.type("/guest.toml")
        await rig.press("enter")
        await rig.until(path.exists)
        await rig.until(lambda: bool(path.read_text()))
    text = path.read_text()
    assert "hunter2" not in text
    spec = load(text)
    assert spec.source.kind is SourceKind.CLOUD
    assert spec.source.file.volume == "base.qcow2"
    assert spec.source.cloud.user == "ada"
    assert spec.source.cloud.password.startswith("$6$")
    assert spec.uuid == "", "the same file makes another guest"
    assert spec.disks is None, "what was not said is left to the host"


async def test_warnings_are_accepted_one_by_one(tmp_path: Path) -> None:
    async with running(tmp_path, web) as rig:
        await opened(rig)
        await with_iso(rig)
        shown = wizard(rig)
        two = tuple(Finding(f"w{n}", Severity.WARNING, f"odd thing {n}") for n in (1, 2))
        await rig.press("ctrl+r")
        await at(rig, "Review")
        shown.put(shown.draft._replace(findings=two))
        await rig.settle()
        assert "2 warnings to accept" in rig.text
        await rig.press("home", "space")
        assert "1 warning to accept" in rig.text
        assert "[x] accepted" in rig.text
        await rig.press("enter")
        assert not creation(rig).runs
        await rig.press("down", "space")
        assert "Nothing speaks against it" in rig.text
        await begun(rig)


async def test_the_xml_is_edited_checked_and_carried_over(tmp_path: Path) -> None:
    async with running(tmp_path, web, size=WIDE) as rig:
        await opened(rig)
        await with_iso(rig)
        await rig.press("ctrl+r")
        await at(rig, "Review")
        await rig.press("right", "enter")
        await rig.until(lambda: isinstance(rig.app.screen, EditXml))
        area = rig.app.screen.query_one(XmlArea)
        whole = area.text
        area.load_text(whole.replace("</name>", "</nam>"))
        await rig.press("ctrl+t")
        await rig.until(lambda: "error" in rig.text)
        await rig.press("tab", "right", "right", "enter")
        await rig.until(lambda: "libvirt would refuse it" in rig.words)
        area.load_text(whole.replace("<os>", "<title>edited</title>\n  <os>"))
        await rig.press("f4")
        assert "+<title>edited</title>" in rig.words.replace("+ ", "+") or "edited" in rig.text
        # A button takes no second press for a moment.
        take = rig.app.screen.query_one("#take")
        await rig.until(lambda: not take.has_class("-active"))
        await rig.press("enter")
        await rig.until(lambda: isinstance(rig.app.screen, Wizard))
        planned = wizard(rig).planned()
        assert planned is not None
        assert "<title>edited</title>" in planned.xml
        assert not planned.first_xml or "<title>edited</title>" in planned.first_xml
        # Another change of a step: the edit is no longer of what would be made.
        await rig.press("pageup", "pageup", "pageup", "pageup", "pageup")
        await at(rig, "System")
        await put(rig, "guest.memory", "5G")
        await rig.press("ctrl+r")
        await at(rig, "Review")
        assert "The XML was edited by hand" in rig.words
        step = wizard(rig).step
        assert isinstance(step, ReviewStep)
        assert step.refusal


async def test_names_from_outside_are_no_markup(tmp_path: Path) -> None:
    def nasty(host: SimHost) -> None:
        host.add_guest(NASTY)

    async with running(tmp_path, nasty, size=WIDE) as rig:
        sim = creation(rig)
        pool = sim.offered.pools[0]
        volume = pool.volumes[0]._replace(name=f"{NASTY}.iso", used_by=(NASTY,))
        sim.offered = sim.offered._replace(
            pools=(pool._replace(name=NASTY, volumes=(volume,)),), guests=((NASTY, "1", True),)
        )
        await opened(rig)
        await turn(rig, "source.volume", f"{NASTY_SHOWN}.iso")
        await rig.press("space")
        assert NASTY_SHOWN in rig.text
        await rig.press("escape", "ctrl+r")
        await at(rig, "Review")
        assert "\x1b" not in rig.text


@sizes
async def test_every_step_fits_and_says_where_one_is(tmp_path: Path, size: tuple[int, int]) -> None:
    async with running(tmp_path, web, size=size) as rig:
        await opened(rig)
        await with_iso(rig)
        for number in range(1, 8):
            assert f"{number} of 7" in rig.text
            assert "debian12" in rig.text, "the summary stays in view"
            assert rig.app.focused is not None
            await rig.press("pagedown")
            await rig.settle()


async def _bad(rig: Rig, key: str, text: str) -> str:
    """What is said at a field with this in it."""
    await put(rig, key, text)
    found = field(rig, key)
    assert found.all_findings, f"{key} takes {text!r} without a word"
    return " ".join(f"{one.severity.value}: {one.what} {one.why}" for one in found.all_findings)


NUMBERS = ("-1", "0", "x", "1.5", "9" * 400, "１２", "1e3", "0x10")


@pytest.mark.parametrize(
    "key",
    [
        "guest.vcpus",
        "machine.topology.sockets",
        "machine.topology.cores",
        "machine.topology.threads",
    ],
)
async def test_what_is_no_number(tmp_path: Path, key: str) -> None:
    async with running(tmp_path, web) as rig:
        await opened(rig)
        await rig.press("pagedown")
        await at(rig, "System")
        for text in NUMBERS:
            assert "error" in await _bad(rig, key, text), text
        assert wizard(rig).marked()[1].state.name == "ERROR"
        await rig.press("enter")
        assert wizard(rig).step.title == "System", "Enter stays where a field holds no value"
        await rig.press("ctrl+r")
        await at(rig, "Review")
        assert "to mend" in rig.text
        await rig.press("pageup", "pageup", "pageup", "pageup", "pageup")
        await at(rig, "System")
        await put(rig, key, "")
        assert not field(rig, key).fault


@pytest.mark.parametrize("key", ["guest.memory", "guest.memory_max"])
async def test_what_is_no_size(tmp_path: Path, key: str) -> None:
    async with running(tmp_path, web) as rig:
        await opened(rig)
        await rig.press("pagedown")
        await at(rig, "System")
        for text in ("-1G", "0", "x", "2 GiBB", "9" * 400, "9999999E", "２G", "1..5G"):
            assert "error" in await _bad(rig, key, text), text
        assert "local has" in await _bad(rig, key, "64T")


@pytest.mark.parametrize(
    ("text", "why"),
    [("a/b", "no /"), ("x" * 300, "200 bytes"), (".x", "dot"), ("db-1", "another guest")],
)
async def test_names_that_no_guest_can_have(tmp_path: Path, text: str, why: str) -> None:
    async with running(tmp_path, web) as rig:
        await opened(rig)
        await rig.press("pagedown")
        await at(rig, "System")
        said = await _bad(rig, "guest.name", text)
        assert "error" in said
        assert why in said


@pytest.mark.parametrize(
    ("key", "texts"),
    [
        ("source.cloud.user", ("Root", "0x", "a b", "u" * 40, "ü")),
        ("source.cloud.hostname", ("-x", "a_b", "x" * 300, "ü.example")),
        ("source.cloud.packages", ("vim; rm", "$(x)", "ü")),
        ("source.cloud.network.address", ("192.168.1.5", "300.1.1.1/24", "x/24", "::1/200")),
    ],
)
async def test_what_cloud_init_cannot_be_told(
    tmp_path: Path, key: str, texts: tuple[str, ...]
) -> None:
    async with running(tmp_path, web) as rig:
        await opened(rig)
        await turn(rig, "source.kind", "cloud image")
        for text in texts:
            assert "error" in await _bad(rig, key, text), text


async def test_files_that_are_none(tmp_path: Path) -> None:
    async with running(tmp_path, web) as rig:
        await opened(rig)
        await turn(rig, "source.from", "upload")
        for text, why in (
            ("relative.iso", "full path"),
            (f"{tmp_path}/", "directory"),
            (str(tmp_path), "directory"),
            (str(tmp_path / "nothing.iso"), "No such file"),
        ):
            assert why in await _bad(rig, "source.local", text), text
        field(rig, "source.local").query_one(Input).value = "/" + "x" * 5000
        await settled(rig)
        assert "4095" in field(rig, "source.local").fault
        await turn(rig, "source.from", "path on the host")
        assert "full path" in await _bad(rig, "source.path", "x.iso")


@pytest.mark.parametrize(
    "text", ["x", "file:///etc/passwd", "http://", "http://[x", "http://h:99999/", "http://a b/"]
)
async def test_urls_that_are_none(tmp_path: Path, text: str) -> None:
    async with running(tmp_path, web) as rig:
        await opened(rig)
        await turn(rig, "source.kind", "network install")
        assert "error" in await _bad(rig, "source.url", text)


async def test_keys_of_the_own_home_are_offered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB2zS1x9mK0f0a7c6bXl ada@here"
    (tmp_path / ".ssh").mkdir()
    (tmp_path / ".ssh" / "id.pub").write_text(key + "\n")
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    async with running(tmp_path, web) as rig:
        await opened(rig)
        await turn(rig, "source.kind", "cloud image")
        await to(rig, "source.cloud.ssh_keys")
        await rig.press("a")
        await rig.until(lambda: "~/.ssh/id.pub" in rig.text)
        await rig.press("enter")
        await settled(rig)
        assert wizard(rig).draft.spec.source.cloud.ssh_keys == (key,)
        await rig.press("a")
        await rig.until(lambda: "~/.ssh/id.pub" in rig.text)
        await rig.press("tab")
        await rig.type("-----BEGIN OPENSSH PRIVATE KEY-----")
        assert "never give that away" in rig.words
        await rig.press("escape", "x")
        await settled(rig)
        assert wizard(rig).draft.spec.source.cloud.ssh_keys == ()


async def test_devices_that_come_and_go_while_the_wizard_is_open(tmp_path: Path) -> None:
    async with running(tmp_path, web) as rig:
        await opened(rig)
        await with_iso(rig)
        for _ in range(5):
            await rig.press("pagedown")
        await at(rig, "Passthrough")
        assert "82599ES" in rig.text
        await rig.press("space")
        await rig.until(lambda: bool(wizard(rig).draft.spec.passed))
        host = rig.host()
        offer = host.device_port.offer
        plugged = HostDevice(
            "usb", "usb_1_7", "1-7", "SanDisk", "Cruzer", "0781:5530", bus=1, device=9
        )
        host.device_port.offer = offer._replace(devices=(*offer.devices[1:], plugged))
        host.revisions = Revisions(devices=1)
        await rig.tick()
        await rig.until(lambda: "Cruzer" in rig.text)
        assert "not on this host now" in rig.text
        await settled(rig)
        gone = [one for one in wizard(rig).draft.findings if one.id == "pass-gone"]
        assert gone
        assert host.device_port.asked == ["devices"]
        # The rest of the offer stays.
        assert wizard(rig).draft.offered.pools == creation(rig).offered.pools


async def test_the_guest_that_is_made_is_no_news(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = 0
    look = drafting.DraftingBoard._look_for_news

    def counted(board: drafting.DraftingBoard) -> None:
        nonlocal looks
        looks += 1
        look(board)

    monkeypatch.setattr(drafting, "LOOK_EVERY", 0.02)
    monkeypatch.setattr(drafting.DraftingBoard, "_look_for_news", counted)
    async with running(tmp_path, web) as rig:
        await opened(rig)
        await with_iso(rig)
        run = await begun(rig)
        host = rig.host()
        host.add_guest_as(run.plan.spec.uuid, run.plan.spec.name)
        host.revisions = host.revisions._replace(devices=host.revisions.devices + 1)
        run.succeed()
        await rig.tick()
        seen = looks
        await rig.until(lambda: looks > seen + 2)
        assert "done: debian12 runs" in rig.text
        assert host.device_port.asked == []


async def test_after_a_creation_that_failed_devices_are_news_again(tmp_path: Path) -> None:
    async with running(tmp_path, web) as rig:
        await opened(rig)
        await with_iso(rig)
        run = await begun(rig)
        run.fail(Problem("cannot define", NASTY))
        await rig.until(lambda: "failed" in rig.text)
        await rig.press("enter")
        await rig.until(lambda: isinstance(rig.app.screen, Wizard))
        await settled(rig)
        host = rig.host()
        host.revisions = host.revisions._replace(devices=host.revisions.devices + 1)
        await rig.tick()
        await rig.until(lambda: host.device_port.asked == ["devices"])
