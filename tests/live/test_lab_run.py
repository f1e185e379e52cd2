"""`tuivm lab` from the command line on a real libvirt: what it counts, keeps and leaves."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.support.guests import GuestFactory
from tests.support.labcommand import LabCommand, wait_for
from tests.support.labecho import lab_xml
from tests.support.rig import Rig, wait_until
from tuivm.hypervisor.labplace import SYSTEM_HOMES

pytestmark = pytest.mark.timeout(400)
IMAGES = SYSTEM_HOMES[0]
TRAPS = {
    "virtio-blk": 1,
    "virtio-blk-iothread": 1,
    "virtio-scsi": 1,
    "nvme": 2,
    "lsi": 4,
    "ahci": 7,
    "usb": 24,
    "ide": 26,
}
NICS = {"virtio-net", "e1000e", "e1000", "rtl8139", "pcnet"}
FIXED = "\nimport secrets\nsecrets.token_hex = lambda _bytes: 'cafe0123'\n"
"""Makes names of guests and pools of a run known beforehand."""


class Others:
    """A guest, a pool and a volume of somebody else, right where the Lab has its own."""

    def __init__(self, rig: Rig, factory: GuestFactory) -> None:
        self._rig = rig
        directory = rig.state / "lib/images"
        directory.mkdir(exist_ok=True)
        factory.conn.storagePoolDefineXML(
            f"<pool type='dir'><name>theirs</name><target><path>{IMAGES}</path></target></pool>"
        ).create()
        self._volume = directory / "tuivm-lab-theirs.raw"
        self._volume.write_text("precious")
        factory.start(lab_xml("tuivm-lab-theirs", mark=""), transient=True)

    def left(self) -> set[str]:
        """Guests, pools, networks and files that are there and theirs are not. Fails when
        something of theirs has gone or changed."""
        assert self._volume.read_text() == "precious"
        found = {self._volume.name, "theirs", "tuivm-lab-theirs"}
        there = {path.name for path in self._volume.parent.iterdir()} | named(self._rig)
        assert found <= there
        return there - found

    def guests(self) -> set[str]:
        """Those of the Lab."""
        return self.left() & set(self._rig.virsh("list", "--all", "--name").split())


def named(rig: Rig) -> set[str]:
    """All guests, pools and networks of a rig."""
    kinds = ("list", "pool-list", "net-list")
    return {name for kind in kinds for name in rig.virsh(kind, "--all", "--name").split()}


class Ran(NamedTuple):
    """A run of storage and network with everything in it."""

    command: LabCommand
    document: dict[str, Any]
    said: str
    domains: list[str]
    """XML of the guests while it ran."""
    left: set[str]

    def tallies(self, experiment: str) -> dict[str, dict[str, Any]]:
        wanted = {
            one["id"]
            for one in self.document["plan"]["subjects"]
            if one["experiment"] == experiment
        }
        return {t["subject"]: t for t in self.document["tallies"] if t["subject"] in wanted}


@pytest.fixture(scope="module")
def ran(rig: Rig, tmp_path_factory: pytest.TempPathFactory) -> Ran:
    factory = GuestFactory(rig)
    try:
        others = Others(rig, factory)
        command = LabCommand(tmp_path_factory.mktemp("lab"), rig.uri)
        with command.start("run", "--storage", "--network", "--name", "one", "--json") as process:
            said = wait_for(process, "Warm-up")
            guests = [one for one in rig.virsh("list", "--name").split() if "theirs" not in one]
            domains = [rig.virsh("dumpxml", name) for name in guests]
            out, more = process.communicate()
        assert process.returncode == 0, said + more
        return Ran(command, json.loads(out), said + more, domains, others.left())
    finally:
        factory.clean()


def test_accesses_of_a_read(ran: Ran) -> None:
    tallies = ran.tallies("storage")
    left_out = {one["subject"] for one in ran.document["plan"]["omitted"]}
    assert tallies.keys() | left_out >= TRAPS.keys()
    for subject, tally in tallies.items():
        assert tally["source"] == "trace"
        assert tally["traps"] == pytest.approx(TRAPS[subject], rel=0.15), subject
        assert tally["apart"]["interrupt controller"] > 0
        assert tally["interrupts"] > 0
        paravirtual = subject.startswith("virtio")
        assert (not tally["registers"], bool(tally["notifications"])) == (paravirtual,) * 2


def test_accesses_of_a_frame(ran: Ran) -> None:
    tallies = ran.tallies("network")
    assert tallies.keys() == NICS
    assert all(tally["interrupts"] > 0 for tally in tallies.values())
    traps = {subject: tally["traps"] for subject, tally in tallies.items()}
    assert all(0 < traps["virtio-net"] < traps[nic] for nic in NICS - {"virtio-net"})
    interrupts = {subject: tally["interrupts"] for subject, tally in tallies.items()}
    assert interrupts["virtio-net"] < interrupts["rtl8139"]


def test_what_cannot_be_is_left_out_with_a_line(ran: Ran) -> None:
    left_out = {one["subject"]: one["why"] for one in ran.document["plan"]["omitted"]}
    assert "tap" in left_out["virtio-net-vhost"]
    assert "left out: virtio-net-vhost: " in ran.said


def test_no_guest_is_on_a_network_of_the_user(ran: Ran) -> None:
    assert len(ran.domains) == 2
    for xml in ran.domains:
        assert "tuivm.invalid/lab" in xml
        assert "type='user'" not in xml
        assert "netdev user" not in xml
        assert "type='network'" not in xml


def test_the_result_says_where_how_and_how_well(ran: Ran) -> None:
    host, method = ran.document["host"], ran.document["method"]
    assert host["hypervisor"].startswith("QEMU ")
    assert host["libvirt"]
    assert host["kernel"]
    assert host["accelerator"] == "qemu"
    assert method["generator"]
    assert method["kernel"]
    assert method["machine"]
    assert any("TCG" in caveat for caveat in ran.document["caveats"])
    assert ran.document["complete"]
    for result in ran.document["results"]:
        assert result["counts_first"]
        assert any("TCG" in words for words in result["words"])
    trials = {(one["subject"], one["workload"]) for one in ran.document["trials"] if one["round"]}
    subjects = [one["id"] for one in ran.document["plan"]["subjects"]]
    assert len(trials) == 3 * len(subjects)
    assert all(trial["cpu_ns"] for trial in ran.document["trials"])


def test_nothing_is_left_and_nothing_else_touched(ran: Ran) -> None:
    assert ran.left == set()


def test_it_is_kept_shown_and_exported(ran: Ran, tmp_path: Path) -> None:
    run = ran.command
    (listed,) = json.loads(run("list", "--json").stdout)["runs"]
    assert (listed["name"], listed["complete"], listed["problem"]) == ("one", True, "")
    assert "one " in run("list").stdout
    shown = run("show", "one")
    assert (shown.returncode, shown.stderr) == (0, "")
    assert shown.stdout.index("TRAPS PER I/O") < shown.stdout.index("IOPS")
    assert json.loads(run("show", "one", "--json").stdout) == ran.document
    for form, begins in (("json", "{"), ("md", "# "), ("svg", "<svg")):
        path = tmp_path / f"one.{form}"
        assert run("export", "one", "--format", form, "-o", str(path)).returncode == 0
        text = path.read_text()
        assert text == run("export", "one", "--format", form).stdout
        assert text.startswith(begins)
        assert "virtio-blk" in text


def test_a_run_agrees_with_itself(ran: Ran) -> None:
    found = json.loads(ran.command("compare", "one", "one", "--json").stdout)
    assert all("less than fair" in one for one in found["differs"])
    measures = found["measures"]
    assert {one["subject"] for one in measures} == TRAPS.keys() | NICS
    assert all(one["ratio"]["median"] == pytest.approx(1) for one in measures if one["ratio"])
    assert {one["agree"] for one in measures} <= {True, None}
    assert {one["verdict"] for one in measures} <= {"no difference seen", "not known"}


@pytest.fixture
def lab(rig: Rig, tmp_path: Path) -> LabCommand:
    return LabCommand(tmp_path, rig.uri)


@pytest.fixture
def others(rig: Rig, guest_factory: GuestFactory) -> Others:
    return Others(rig, guest_factory)


def test_an_interrupt_stops_and_cleans(lab: LabCommand, others: Others) -> None:
    with lab.start("run", "--models", "nvme") as process:
        said = wait_for(process, "Starting")
        wait_until(others.guests, 60, "its guest")
        process.send_signal(signal.SIGINT)
        said += wait_for(process, "Stopping")
        process.send_signal(signal.SIGINT)
        out, more = process.communicate()
    assert process.returncode == 130
    assert out == ""
    assert "the guests are being removed" in said + more
    assert "Traceback" not in more
    assert others.left() == set()
    assert lab.kept == []


def test_what_a_kill_leaves_is_found_and_removed(lab: LabCommand, others: Others) -> None:
    with lab.start("run", "--models", "nvme") as process:
        wait_for(process, "Starting")
        wait_until(others.guests, 60, "its guest")
        process.kill()
    wait_until(lambda: not others.guests(), 60, "libvirt to end it")
    (left,) = {one.partition("+")[0] for one in others.left()}
    listed = lab("clean")
    assert listed.returncode == 1
    assert f"pool {left}" in listed.stdout
    assert "theirs" not in listed.stdout
    assert "Nothing was removed" in listed.stdout
    assert others.left()
    assert f"({left})" in lab("run", "--models", "none-such").stderr
    removed = lab("clean", "--yes")
    assert (removed.returncode, removed.stderr) == (0, "")
    assert others.left() == set()
    assert "No lab that has ended left anything" in lab("clean").stdout


def test_a_name_that_is_taken(lab: LabCommand, others: Others, guest_factory: GuestFactory) -> None:
    name = "tuivm-lab-cafe0123-storage"
    uuid = guest_factory.define(lab_xml(name, mark=""))
    done = lab("run", "--models", "nvme", first=FIXED)
    assert done.returncode == 1
    assert f"cannot start {name}" in done.stderr
    assert "already" in done.stderr
    assert guest_factory.exists(uuid)
    assert others.left() == {name}
    assert lab.kept == []


def test_a_pool_whose_name_is_taken(
    lab: LabCommand, others: Others, guest_factory: GuestFactory, tmp_path: Path
) -> None:
    guest_factory.pool("tuivm-lab-cafe0123", tmp_path)
    done = lab("run", "--models", "nvme", first=FIXED)
    assert done.returncode == 1
    assert "already exists" in done.stderr
    assert others.left() == {"tuivm-lab-cafe0123"}


def mount(rig: Rig, *arguments: str) -> None:
    """In the mount namespace of a rig, with which it goes."""
    command = ["nsenter", f"--target={rig.pid}", "--mount", "mount", *arguments]
    subprocess.run(command, check=True, capture_output=True)


def test_a_disk_that_is_full(fresh_rig: Rig, tmp_path: Path) -> None:
    (fresh_rig.state / "lib/images").mkdir(exist_ok=True)
    mount(fresh_rig, "-t", "tmpfs", "-o", "size=64k", "tmpfs", IMAGES)
    lab = LabCommand(tmp_path, fresh_rig.uri)
    done = lab("run", "--models", "virtio-blk", "--backing", "file")
    assert done.returncode == 1
    assert "No space left on device" in done.stderr
    assert list(Path(f"/proc/{fresh_rig.pid}/root{IMAGES}").iterdir()) == []
    assert named(fresh_rig) == set()
    assert lab.kept == []


def test_a_qemu_that_lacks_a_model(fresh_rig: Rig, tmp_path: Path) -> None:
    qemu = shutil.which("qemu-system-x86_64")
    assert qemu is not None
    # QEMU looks for its files from the directory that it is in.
    real = Path(qemu).with_name("false")
    mount(fresh_rig, "--bind", qemu, str(real))
    lacking = fresh_rig.state / "lacking"
    lacking.write_text(
        "#!/bin/sh\n"
        'case "$*" in *nvme,*)\n'
        "  echo \"qemu: -device nvme: 'nvme' is not a valid device model name\" >&2; exit 1;;\n"
        f'esac\nexec {real} "$@"\n'
    )
    lacking.chmod(0o755)
    mount(fresh_rig, "--bind", str(lacking), qemu)
    lab = LabCommand(tmp_path, fresh_rig.uri)
    done = lab("run", "--models", "nvme,virtio-blk", "--json")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    (left_out,) = document["plan"]["omitted"]
    assert left_out["subject"] == "nvme"
    assert "not a valid device model name" in left_out["why"]
    assert [one["subject"] for one in document["tallies"]] == ["virtio-blk"]
    assert named(fresh_rig) == set()


def test_hosts_that_cannot_be(tmp_path: Path) -> None:
    gone = LabCommand(tmp_path, f"qemu+unix:///system?socket={tmp_path}/none")
    for action in ("run", "clean"):
        done = gone(action)
        assert (done.returncode, done.stdout) == (3, "")
        assert "cannot connect" in done.stderr
    unable = LabCommand(tmp_path, "test:///default")("run")
    assert (unable.returncode, unable.stdout) == (1, "")
    assert "needs QEMU" in unable.stderr
    read_only = gone("run", "--readonly")
    assert (read_only.returncode, read_only.stdout) == (1, "")
    assert "--readonly" in read_only.stderr
    two = gone("run", "-c", "test:///default")
    assert (two.returncode, two.stdout) == (2, "")
    assert "one host at a time" in two.stderr
