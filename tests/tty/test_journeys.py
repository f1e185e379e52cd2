"""From key to libvirt and back, by keyboard alone, on the 80 columns and 24 rows of a tmux pane."""

from __future__ import annotations

import tomllib
from pathlib import Path

import libvirt
import pytest

from tests.support.guests import GuestFactory, disk_xml, guest_xml, sparse_file
from tests.support.rig import wait_until
from tests.support.terminal import Terminal
from tests.tty.conftest import OpenProgram

ESC, ENTER, TAB, CTRL_U, PAGE_DOWN = "\x1b", "\r", "\t", "\x15", "\x1b[6~"
PLAY_HOST = "test:///default"


def row_of(terminal: Terminal, name: str) -> str:
    """The guest's line in the table, "" when it has none."""
    lines = terminal.lines
    # Over the table the filter may name the guest too, and under it the chart.
    head = next((row for row, line in enumerate(lines) if " NAME" in line), len(lines))
    return next((line for line in lines[head + 1 : 14] if f" {name} " in f"{line} "), "")


def wait_row(terminal: Terminal, name: str, *words: str) -> None:
    terminal.wait(
        lambda t: (row := row_of(t, name)) and all(word in row for word in words),
        f"the row of {name} to say {', '.join(words)}",
    )


def wait_no_row(terminal: Terminal, name: str) -> None:
    terminal.wait(lambda t: not row_of(t, name), f"the row of {name} to go")


def highlight(terminal: Terminal, name: str, *, rows_down: int) -> None:
    """Move to a guest by its place in the table, and see that the chart is of that guest."""
    wait_row(terminal, name)
    terminal.keys("g", "j" * rows_down)
    terminal.wait_text(f"{name} · ")


def state(factory: GuestFactory, uuid: str) -> int:
    return factory.domain(uuid).state()[0]


def wait_state(factory: GuestFactory, uuid: str, wanted: int) -> None:
    wait_until(lambda: state(factory, uuid) == wanted, 20, f"state {wanted}")


def quit_with_q(terminal: Terminal) -> None:
    terminal.keys("q")
    assert terminal.wait_end() == 0


def test_a_guest_is_forced_off_started_paused_and_resumed(
    program: OpenProgram, guest_factory: GuestFactory
) -> None:
    guest_factory.define(guest_xml("bystander"))
    uuid = guest_factory.start(guest_xml("worker"), paused=False)
    terminal = program("-c", guest_factory.rig.uri)
    highlight(terminal, "worker", rows_down=1)

    # Enter on the dialog as it opens is no.
    terminal.keys("x")
    terminal.wait_text("without warning")
    assert "worker  on " in terminal.text
    terminal.keys(ENTER)
    terminal.wait_gone("without warning")
    assert state(guest_factory, uuid) == libvirt.VIR_DOMAIN_RUNNING

    terminal.keys("x")
    terminal.wait_text("without warning")
    terminal.keys("y")
    terminal.wait_gone("without warning")
    wait_row(terminal, "worker", "■ off")
    wait_state(guest_factory, uuid, libvirt.VIR_DOMAIN_SHUTOFF)

    terminal.keys("s")
    wait_row(terminal, "worker", "▶ running")
    assert state(guest_factory, uuid) == libvirt.VIR_DOMAIN_RUNNING
    terminal.keys("p")
    wait_row(terminal, "worker", "paused")
    assert state(guest_factory, uuid) == libvirt.VIR_DOMAIN_PAUSED
    terminal.keys("u")
    wait_row(terminal, "worker", "▶ running")
    assert state(guest_factory, uuid) == libvirt.VIR_DOMAIN_RUNNING
    assert "■ off" in row_of(terminal, "bystander")
    quit_with_q(terminal)
    assert state(guest_factory, uuid) == libvirt.VIR_DOMAIN_RUNNING


def test_a_guest_is_renamed(program: OpenProgram, guest_factory: GuestFactory) -> None:
    guest_factory.define(guest_xml("another"))
    uuid = guest_factory.define(guest_xml("before"))
    terminal = program("-c", guest_factory.rig.uri)
    highlight(terminal, "before", rows_down=1)
    terminal.keys("R")
    terminal.wait_text("That is its name already")
    # What is in the entry is selected: typing replaces it.
    terminal.keys("another")
    terminal.wait_text("has a guest named another already")
    terminal.keys(ENTER)
    terminal.keys(CTRL_U, "after", ENTER)
    terminal.wait_gone("Rename before")
    wait_row(terminal, "after", "■ off")
    wait_no_row(terminal, "before")
    assert guest_factory.domain(uuid).name() == "after"
    quit_with_q(terminal)


def test_a_guest_is_deleted_with_the_one_volume_that_is_ticked(
    program: OpenProgram, guest_factory: GuestFactory, tmp_path: Path
) -> None:
    images = tmp_path / "images"
    images.mkdir()
    guest_factory.pool("images", images)
    goes, stays = sparse_file(images / "goes.raw"), sparse_file(images / "stays.raw")
    devices = disk_xml(goes, "vda") + disk_xml(stays, "vdb")
    doomed = guest_factory.define(guest_xml("doomed", devices=devices))
    kept = guest_factory.define(guest_xml("kept"))
    terminal = program("-c", guest_factory.rig.uri)
    highlight(terminal, "doomed", rows_down=0)
    wait_row(terminal, "kept")

    terminal.keys("X")
    terminal.wait_text("Volumes stay unless you tick them")
    # The focus is on "Keep"; the first tick box is the first of all fields.
    terminal.wait_text("Delete guest")
    terminal.keys(TAB, TAB)
    terminal.keys(" ")
    terminal.wait_text("Delete guest, 1 volume")
    terminal.wait_text("[x] delete vda")
    terminal.wait_text("Not yet: the guest's name")
    assert guest_factory.exists(doomed)
    terminal.keys(TAB, TAB, "doom", ENTER)
    terminal.wait_text("Not yet: the guest's name")
    terminal.keys("ed")
    terminal.wait_gone("Not yet")
    terminal.keys(ENTER)
    terminal.wait_gone("Volumes stay")
    wait_no_row(terminal, "doomed")
    wait_row(terminal, "kept", "■ off")

    wait_until(lambda: not goes.exists(), 20, "the volume to go")
    virsh = guest_factory.rig.virsh
    assert virsh("list", "--all", "--name").split() == ["kept"]
    virsh("pool-refresh", "images")
    volumes = [line.split()[0] for line in virsh("vol-list", "images").splitlines() if line.strip()]
    assert volumes == ["stays.raw"]
    assert stays.exists()
    assert not guest_factory.exists(doomed)
    assert guest_factory.exists(kept)
    quit_with_q(terminal)


def test_a_host_is_added_and_removed(
    program: OpenProgram, guest_factory: GuestFactory, config_file: Path
) -> None:
    """The config file is written and read back by another start."""
    guest_factory.define(guest_xml("here"))
    config_file.parent.mkdir(parents=True)
    config_file.write_text(
        f'# mine\ntheme = "light"\n\n[[host]]\nname = "rig"\nuri = "{guest_factory.rig.uri}"\n'
    )

    def hosts() -> list[str]:
        return [host["uri"] for host in tomllib.loads(config_file.read_text())["host"]]

    terminal = program()
    wait_row(terminal, "here", "■ off")
    terminal.keys("A")
    terminal.wait_text("Add a host")
    terminal.wait_text("qemu:///session ")
    terminal.keys("no uri", ENTER)
    terminal.wait_text("it holds a blank")
    terminal.keys(CTRL_U, PLAY_HOST, TAB, "play", ENTER)
    terminal.wait_text("Enter add")
    assert hosts() == [guest_factory.rig.uri]
    terminal.keys(ENTER)
    terminal.wait_text("hosts 2 up")
    wait_row(terminal, "test", "play", "▶")
    wait_row(terminal, "here", "rig")
    wait_until(lambda: hosts() == [guest_factory.rig.uri, PLAY_HOST], 20, "the config file")
    quit_with_q(terminal)

    terminal = program()
    highlight(terminal, "test", rows_down=1)
    terminal.keys("-")
    terminal.wait_text("Remove from the list")
    terminal.wait_text(PLAY_HOST)
    terminal.keys("y")
    wait_no_row(terminal, "test")
    terminal.wait_text("hosts 1 up")
    wait_until(lambda: hosts() == [guest_factory.rig.uri], 20, "the config file")
    assert config_file.read_text().startswith("# mine\n")
    assert row_of(terminal, "here")
    quit_with_q(terminal)


def test_the_filter(program: OpenProgram, guest_factory: GuestFactory) -> None:
    emulated = "<interface type='user'><model type='e1000'/></interface>"
    guest_factory.define(guest_xml("web-1"))
    guest_factory.define(guest_xml("web-2"))
    guest_factory.start(guest_xml("db-1", devices=emulated))
    terminal = program("-c", guest_factory.rig.uri)
    for name in ("web-1", "web-2", "db-1"):
        wait_row(terminal, name)

    def filtered(text: str, *names: str) -> None:
        terminal.keys("/", CTRL_U, text)
        every = {"web-1", "web-2", "db-1"}
        terminal.wait(
            lambda t: text in t.line(1) and {n for n in every if row_of(t, n)} == set(names),
            f"{names} under the filter {text}",
        )
        terminal.keys(ENTER)

    filtered("web", "web-1", "web-2")
    filtered("web -2", "web-1")
    filtered("is:paused", "db-1")
    filtered("nothing-like-it")
    terminal.wait_text("no guest matches nothing-like-it")
    terminal.keys(ESC)
    for name in ("web-1", "web-2", "db-1"):
        wait_row(terminal, name)
    quit_with_q(terminal)


def test_keys_that_arrive_in_a_bunch_act_one_after_another(
    program: OpenProgram, guest_factory: GuestFactory
) -> None:
    """As a slow link delivers them: nothing that is typed into an entry is taken for a command."""
    guest_factory.define(guest_xml("spare"))
    uuid = guest_factory.start(guest_xml("postgres"), paused=False)
    terminal = program("-c", guest_factory.rig.uri)
    highlight(terminal, "postgres", rows_down=0)
    wait_row(terminal, "spare")
    # p pauses, s starts, a switches autostart: none of that.
    terminal.keys("/spare", ENTER, "R", "spare-2", ENTER)
    wait_row(terminal, "spare-2", "■ off")
    terminal.wait(lambda t: not row_of(t, "postgres"), "the filter")
    terminal.keys("/", CTRL_U, "postgres", ENTER)
    wait_row(terminal, "postgres", "▶ running")
    assert state(guest_factory, uuid) == libvirt.VIR_DOMAIN_RUNNING
    domains = {domain.name(): domain for domain in guest_factory.conn.listAllDomains()}
    assert set(domains) == {"postgres", "spare-2"}
    assert not any(domain.autostart() for domain in domains.values())
    terminal.keys("3", "1", "2", "1", "q")
    assert terminal.wait_end() == 0


def test_a_guest_is_opened_and_a_device_explained(
    program: OpenProgram, guest_factory: GuestFactory, tmp_path: Path
) -> None:
    disk = sparse_file(tmp_path / "disk.raw")
    uuid = guest_factory.start(
        guest_xml("opened", devices=disk_xml(disk, "hda", bus="ide")), paused=False
    )
    terminal = program("-c", guest_factory.rig.uri)
    highlight(terminal, "opened", rows_down=0)
    terminal.keys(ENTER)
    terminal.wait_text(uuid)
    # The stack from the top to the ground is longer than the screen.
    terminal.wait_text("emulated")
    terminal.keys("G")
    terminal.wait_text("hardware")
    for layer in ("firmware", "machine", "VMM", "hypervisor"):
        terminal.wait_text(f" {layer} ")
    assert "TCG" in next(line for line in terminal.lines if " hypervisor " in line)

    terminal.keys("g")
    terminal.wait_gone("hardware")
    steps = _steps_to(terminal, "hda")
    terminal.keys("j" * steps, "e")
    terminal.wait_text("hda is a disk of the model")
    terminal.wait_text("emulated (software that imitates real hardware")
    terminal.keys(PAGE_DOWN, PAGE_DOWN, PAGE_DOWN)
    terminal.wait_text("virsh")
    terminal.keys(ESC)
    terminal.wait_gone("virsh")
    terminal.keys(ESC)
    wait_row(terminal, "opened", "▶ running")
    quit_with_q(terminal)


def _steps_to(terminal: Terminal, target: str) -> int:
    """How often to press j from the first line of a stack on the screen to the disk's line."""
    stack = [line for line in terminal.lines[4:] if "│" in line or "├" in line]
    return next(number for number, line in enumerate(stack) if f" {target} " in line)


def test_several_are_selected_and_paused(program: OpenProgram, guest_factory: GuestFactory) -> None:
    uuids = {
        name: guest_factory.start(guest_xml(name), paused=False) for name in ("one", "three", "two")
    }
    terminal = program("-c", guest_factory.rig.uri)
    highlight(terminal, "one", rows_down=0)
    for name in uuids:
        wait_row(terminal, name, "▶ running")
    # The first and the second; the cursor moves on by itself.
    terminal.keys(" ", " ")
    terminal.wait_text("two · ")
    terminal.keys("p")
    terminal.wait_text("Pausing")
    terminal.wait_text("2/2")
    terminal.wait(lambda t: t.text.count("✓ done") == 2, "two results")
    terminal.keys(ESC)
    terminal.wait_gone("2/2")
    wait_row(terminal, "one", "paused")
    wait_row(terminal, "three", "paused")
    wait_row(terminal, "two", "▶ running")
    states = {name: state(guest_factory, uuid) for name, uuid in uuids.items()}
    assert states == {
        "one": libvirt.VIR_DOMAIN_PAUSED,
        "three": libvirt.VIR_DOMAIN_PAUSED,
        "two": libvirt.VIR_DOMAIN_RUNNING,
    }
    # All: the one that runs is paused, the others are not asked again.
    terminal.keys("*", "p")
    wait_row(terminal, "two", "paused")
    assert {state(guest_factory, uuid) for uuid in uuids.values()} == {libvirt.VIR_DOMAIN_PAUSED}
    quit_with_q(terminal)


@pytest.mark.parametrize("readonly", [False, True])
def test_the_places(program: OpenProgram, guest_factory: GuestFactory, readonly: bool) -> None:
    nic = "<interface type='user'><model type='virtio'/></interface>"
    uuid = guest_factory.start(guest_xml("lone", devices=nic), paused=False)
    terminal = program("-c", guest_factory.rig.uri, *(["--readonly"] if readonly else []))
    highlight(terminal, "lone", rows_down=0)
    terminal.keys("2")
    terminal.wait_text("throughput")
    terminal.keys("c")
    terminal.wait_text("DEVICES")
    for name in ("paravirtual", "emulated", "physical"):
        terminal.wait_text(name)
    terminal.wait(
        lambda t: any(line.split()[1:4] == ["physical", "0", "0"] for line in t.lines),
        "no physical device",
    )
    # The NIC and the balloon; class, devices, guests after the glyph.
    paravirtual = ["paravirtual", "2", "1"]
    terminal.wait(
        lambda t: any(line.split()[1:4] == paravirtual for line in t.lines), str(paravirtual)
    )
    terminal.keys("3")
    terminal.wait_text("1/1 up")
    # How it is connected stands at the end of the overview.
    terminal.keys("l")
    terminal.keys("G")
    terminal.wait_text(guest_factory.rig.uri[:30])
    terminal.wait_text("read-only" if readonly else "full")
    assert ("read-only" in terminal.text) == readonly
    terminal.keys("1")
    wait_row(terminal, "lone", "▶ running")
    terminal.keys("x")
    terminal.wait_text("read-only" if readonly else "without warning")
    assert ("without warning" in terminal.text) != readonly
    assert state(guest_factory, uuid) == libvirt.VIR_DOMAIN_RUNNING
    if not readonly:
        terminal.keys(ESC)
        terminal.wait_gone("without warning")
    quit_with_q(terminal)
