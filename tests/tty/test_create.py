"""The wizard on a real terminal, 80x24, by keys alone: the guest that it makes then runs."""

from __future__ import annotations

from pathlib import Path

import libvirt
import pytest

from tests.support.appliance import appliance
from tests.support.rig import Rig, wait_until
from tests.support.terminal import Terminal
from tests.tty.conftest import OpenProgram

ENTER, ESC, RIGHT, DOWN, PAGE_DOWN = "\r", "\x1b", "\x1b[C", "\x1b[B", "\x1b[6~"
CTRL_Q, CTRL_R = "\x11", "\x12"
BOOT = 90
ASKING = 60
"""Seconds that a host may take to say what it offers."""


@pytest.fixture
def pool(fresh_rig: Rig, tmp_path: Path) -> Path:
    """The host's only pool, called default."""
    path = tmp_path / "pool"
    path.mkdir()
    # QEMU runs as another user than the one whose temporary directory this is.
    for directory in (path, *path.parents):
        if directory == Path("/tmp"):
            break
        directory.chmod(directory.stat().st_mode | 0o755)
    with_pool = libvirt.open(fresh_rig.uri)
    made = with_pool.storagePoolDefineXML(
        f"<pool type='dir'><name>default</name><target><path>{path}</path></target></pool>", 0
    )
    made.create()
    with_pool.close()
    return path


def opened(program: OpenProgram, rig: Rig) -> Terminal:
    terminal = program("-c", rig.uri)
    terminal.wait_text("has no guest yet")
    terminal.keys("n")
    terminal.wait_text("1 of 7: Source")
    terminal.wait_gone("asking", ASKING)
    return terminal


def filled(terminal: Terminal, name: str) -> None:
    """The steps source and system, of a guest that starts the tests' own kernel."""
    machine = appliance()
    for label in ("cloud image", "existing disk", "overlay", "network install", "PXE", "kernel"):
        terminal.keys(RIGHT)
        terminal.wait_text(f"‹ {label} ›")
    terminal.keys(DOWN)
    for path in (machine.kernel, machine.initrd):
        terminal.wait_text("path on the host")
        terminal.keys(DOWN, str(path), DOWN)
        terminal.wait_text(str(path)[-20:])
    terminal.keys("console=ttyS0 quiet load=shell")
    terminal.wait_text("load=shell")
    terminal.keys(PAGE_DOWN)
    terminal.wait_text("2 of 7: System")
    terminal.keys(name)
    terminal.wait_text(f"{name} is free on")
    terminal.keys(DOWN * 6, "192M")
    terminal.wait_text("192M")
    terminal.keys(PAGE_DOWN)
    terminal.wait_text("3 of 7: Machine")
    terminal.keys(PAGE_DOWN)
    terminal.wait_text("4 of 7: Disks")
    terminal.keys("a")
    terminal.wait_text("Esc cancel")
    terminal.keys(ENTER)
    terminal.wait_text("virtio 20G new")


def test_a_guest_is_made_and_runs(program: OpenProgram, fresh_rig: Rig, pool: Path) -> None:
    terminal = opened(program, fresh_rig)
    filled(terminal, "made")
    terminal.keys(CTRL_R)
    terminal.wait_text("Nothing speaks against it", ASKING)
    terminal.keys(ENTER)
    terminal.wait_text("done: made runs", ASKING)
    terminal.keys(RIGHT, ENTER)
    terminal.wait_text("overview")
    terminal.wait_text("running")
    conn = libvirt.open(fresh_rig.uri)
    try:
        domain = conn.lookupByName("made")
        assert domain.isActive()
        assert [path.name for path in pool.iterdir()] == ["made.qcow2"]
        assert domain.info()[1] == 192 << 10
        # It boots: its processor does more than what starting takes.
        wait_until(lambda: domain.info()[4] > 2 * 10**9, BOOT, "the guest to be at work")
        domain.destroy()
        domain.undefine()
    finally:
        conn.close()


@pytest.mark.parametrize("end", ["key", "hangup"])
def test_the_program_ends_while_it_sends(
    program: OpenProgram, fresh_rig: Rig, pool: Path, tmp_path: Path, end: str
) -> None:
    image = tmp_path / "large.iso"
    with image.open("wb") as file:
        for _ in range(1024):
            file.write(b"\xa5" * (1 << 20))
    terminal = opened(program, fresh_rig)
    terminal.keys(DOWN)
    terminal.wait_text("path on the host")
    terminal.keys(RIGHT)
    terminal.wait_text("file here")
    terminal.keys(DOWN, str(image))
    terminal.wait_text("CD sata large.iso", ASKING)
    terminal.keys(CTRL_R)
    terminal.wait_text("Nothing speaks against it", ASKING)
    terminal.keys(ENTER)
    wait_until((pool / "large.iso").exists, ASKING, "the upload")
    if end == "key":
        terminal.keys(CTRL_Q)
    else:
        terminal.close()
    wait_until(lambda: not list(pool.iterdir()), ASKING, "what was made to go")
    conn = libvirt.open(fresh_rig.uri)
    try:
        assert conn.listAllDomains() == []
    finally:
        conn.close()


def test_a_failure_leaves_nothing_and_keeps_the_input(
    program: OpenProgram, fresh_rig: Rig, pool: Path
) -> None:
    terminal = opened(program, fresh_rig)
    filled(terminal, "never")
    terminal.keys(CTRL_R)
    terminal.wait_text("Nothing speaks against it", ASKING)
    # Somebody else takes the name meanwhile.
    conn = libvirt.open(fresh_rig.uri)
    other = conn.defineXML(
        "<domain type='qemu'><name>never</name><memory>65536</memory>"
        "<os><type>hvm</type></os></domain>"
    )
    try:
        terminal.keys(ENTER)
        # The host may have told the wizard of it before the key was read.
        terminal.wait(
            lambda t: "failed" in t.text or ("Not yet" in t.text and "Creating" not in t.text),
            "a refusal, by libvirt or by the review",
            ASKING,
        )
        if "failed" in terminal.text:
            terminal.keys(ENTER)
        terminal.wait_text("7 of 7: Review")
        terminal.wait_text("Not yet", ASKING)
        assert list(pool.iterdir()) == []
        assert "never" in terminal.text
        assert other.UUIDString() == conn.lookupByName("never").UUIDString()
        terminal.keys(ESC)
        terminal.wait_text("What you entered is lost")
        terminal.keys("y")
        terminal.wait_text("DEVICES")
    finally:
        other.undefine()
        conn.close()
