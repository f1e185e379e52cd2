"""The commands for scripts, as a script would run them, on a real libvirt."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import jsonschema_doc
from tests.support.guests import GuestFactory, disk_xml, guest_xml, sparse_file
from tests.support.rig import Rig

DEAD = "qemu+tcp://127.0.0.1:1/system"
TEST = "test:///default"
TABLES = jsonschema_doc.read()


def environ(home: Path) -> dict[str, str]:
    """Nothing of the person who runs the tests."""
    kept = {k: v for k, v in os.environ.items() if k in ("PATH", "LANG", "LD_LIBRARY_PATH")}
    return {**kept, "HOME": str(home), "XDG_CONFIG_HOME": str(home), "XDG_STATE_HOME": str(home)}


class Cli:
    def __init__(self, home: Path) -> None:
        self.home = home

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "tuivm", *arguments]

    def __call__(self, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*arguments),
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            env={**environ(self.home), **more},
            timeout=90,
            check=False,
        )

    def json(self, kind: str, *arguments: str) -> object:
        done = self(*arguments, "--json")
        assert (done.returncode, done.stderr) == (0, "")
        document = json.loads(done.stdout)
        assert jsonschema_doc.faults(document, kind, TABLES) == []
        return document


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    return Cli(tmp_path)


def test_hosts(cli: Cli, rig: Rig) -> None:
    document = cli.json("tuivm hosts", "-c", rig.uri, "-c", TEST, "hosts")
    assert isinstance(document, dict)
    real, test = document["hosts"]
    assert (real["state"], real["driver"], real["local"]) == ("up", "QEMU", True)
    assert real["cpus"] == os.cpu_count()
    assert "qemu" in real["virt_types"]
    assert (test["driver"].upper(), test["guests"], test["guests_active"]) == ("TEST", 1, 1)


def test_devices_of_a_host_and_of_one_that_has_few(cli: Cli, rig: Rig) -> None:
    document = cli.json("tuivm devices", "-c", rig.uri, "-c", TEST, "devices", "--timeout", "60")
    assert isinstance(document, dict)
    assert [host["local"] for host in document["hosts"]] == [True, False]
    there = {path.name for path in Path("/sys/class/net").iterdir()}
    mine = [one for one in document["devices"] if one["host"] == document["hosts"][0]["host"]]
    assert there >= {one["address"] for one in mine if one["kind"] == "net"} != set()
    in_sysfs = {path.name for path in Path("/sys/bus/pci/devices").iterdir()}
    assert {one["address"] for one in mine if one["kind"] == "pci"} == in_sysfs
    rows = cli("-c", rig.uri, "devices", "--kind", "net", "--timeout", "60").stdout.splitlines()
    assert {row.split()[0] for row in rows} == {"KIND", "net"}


def test_devices_of_a_dead_host(cli: Cli) -> None:
    done = cli("-c", DEAD, "devices")
    assert done.returncode == 3
    assert done.stdout.split() == ["KIND", "ADDRESS", "GROUP", "DRIVER", "NAME", "VERDICT"]
    assert "cannot ask" in done.stderr


def test_list_has_every_device_with_its_class(
    cli: Cli, rig: Rig, guest_factory: GuestFactory, tmp_path: Path
) -> None:
    devices = (
        disk_xml(sparse_file(tmp_path / "a.raw"), "vda")
        + disk_xml(sparse_file(tmp_path / "b.raw"), "hda", bus="ide")
        + "<interface type='user'><model type='e1000'/></interface>"
    )
    uuid = guest_factory.define(guest_xml("cli-many", memory_mib=64, vcpus=2, devices=devices))
    document = cli.json("tuivm list", "-c", rig.uri, "list")
    assert isinstance(document, dict)
    (guest,) = [one for one in document["guests"] if one["uuid"] == uuid]
    assert (guest["name"], guest["state"], guest["vcpus"]) == ("cli-many", "off", 2)
    assert (guest["memory"], guest["virt_type"]) == (64 << 20, "qemu")
    found = {(one["kind"], one["model"], one["class"]) for one in guest["devices"]}
    assert ("disk", "virtio-blk", "paravirtual") in found
    assert ("nic", "e1000", "emulated") in found
    assert {one["target"] for one in guest["devices"] if one["kind"] == "disk"} == {"vda", "hda"}
    assert sum(guest["classes"].values()) == len(guest["devices"])
    rows = [line.split() for line in cli("-c", rig.uri, "list").stdout.splitlines()]
    mine = rows[next(at for at, row in enumerate(rows) if row[0] == "cli-many") :]
    shown = {tuple(row[:3] + row[4:5]) for row in mine[1 : 1 + len(guest["devices"])]}
    assert ("disk", "vda", "virtio-blk", "paravirtual") in shown
    assert ("disk", "hda", "ide-hd", "emulated") in shown
    assert any(kind == "nic" and model == "e1000" for kind, _, model, _ in shown)
    brief = cli("-c", rig.uri, "list", "--brief").stdout
    assert "cli-many" in brief
    assert "virtio-blk" not in brief


def test_stats_of_a_running_guest(
    cli: Cli, rig: Rig, guest_factory: GuestFactory, tmp_path: Path
) -> None:
    disk = disk_xml(sparse_file(tmp_path / "a.raw"), "vda")
    uuid = guest_factory.start(guest_xml("cli-runs", devices=disk), paused=False)
    done = cli("-c", rig.uri, "stats", "--json", "--count", "2", "--interval", "0.5")
    assert (done.returncode, done.stderr) == (0, "")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [
        fault for line in lines for fault in jsonschema_doc.faults(line, "stats line", TABLES)
    ] == []
    mine = [line for line in lines if line["uuid"] == uuid]
    assert len(mine) == 2
    assert mine[0]["cpus_busy"] >= 0
    assert [disk["target"] for disk in mine[0]["disks"]] == ["vda"]
    assert mine[0]["memory_used"] > 0
    assert mine[0]["time"] < mine[1]["time"]


@pytest.mark.parametrize("command", ["hosts", "list"])
def test_a_dead_host_is_told_and_the_others_are_printed(cli: Cli, command: str) -> None:
    done = cli("-c", TEST, "-c", DEAD, command)
    assert done.returncode == 3
    assert "test" in done.stdout
    assert "Connection refused" in done.stderr
    assert "remedy:" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_dead_host_in_stats(cli: Cli, rig: Rig, guest_factory: GuestFactory) -> None:
    guest_factory.start(guest_xml("cli-runs"))
    done = cli("-c", rig.uri, "-c", DEAD, "stats", "--count", "1", "--interval", "0.2")
    assert done.returncode == 3
    assert "cli-runs" in done.stdout
    assert done.stderr.count("Connection refused") == 1


def test_a_hung_host_costs_no_more_than_its_own_deadline(cli: Cli, fresh_rig: Rig) -> None:
    fresh_rig.pause()
    try:
        done = cli("-c", TEST, "-c", fresh_rig.uri, "list", "--timeout", "1")
    finally:
        fresh_rig.resume()
    assert done.returncode == 3
    assert " test " in done.stdout
    assert fresh_rig.uri in done.stderr


def test_a_name_cannot_reach_the_terminal_raw(
    cli: Cli, rig: Rig, guest_factory: GuestFactory
) -> None:
    guest_factory.define(guest_xml("cli-\N{RIGHT-TO-LEFT OVERRIDE}[red]\N{PILE OF POO}"))
    done = cli("-c", rig.uri, "list")
    assert "cli-⁞[red]\N{PILE OF POO}" in done.stdout


def test_a_closed_pipe_ends_quietly(cli: Cli, rig: Rig, guest_factory: GuestFactory) -> None:
    guest_factory.start(guest_xml("cli-runs"))
    command = cli.command("-c", rig.uri, "stats", "--interval", "0.1")
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environ(cli.home)
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline()
        process.stdout.close()
        assert process.wait(60) == 141
        assert process.stderr.read() == b""


def test_ctrl_c_ends_quietly(cli: Cli, rig: Rig, guest_factory: GuestFactory) -> None:
    guest_factory.start(guest_xml("cli-runs"))
    command = cli.command("-c", rig.uri, "stats", "--interval", "0.1")
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environ(cli.home)
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline()
        process.send_signal(signal.SIGINT)
        process.stdout.read()
        assert process.wait(60) == 130
        assert process.stderr.read() == b""


def test_a_full_disk_is_a_failure(cli: Cli) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            cli.command("-c", TEST, "list"),
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            env=environ(cli.home),
            timeout=60,
            check=False,
        )
    assert done.returncode == 1
    assert "No space left" in done.stderr
    assert "Traceback" not in done.stderr


def test_where_hosts_come_from(cli: Cli) -> None:
    def names(*arguments: str, **more: str) -> list[str]:
        done = cli(*arguments, "hosts", "--json", **more)
        assert (done.returncode, done.stderr) == (0, "")
        return [host["name"] for host in json.loads(done.stdout)["hosts"]]

    folder = cli.home / "libvirt"
    folder.mkdir()
    config = cli.home / "other.toml"
    config.write_text('[[host]]\nname = "from-config"\nuri = "test:///default"\n')
    assert names("--config", str(config)) == ["from-config"]
    assert names("--config", str(config), LIBVIRT_DEFAULT_URI=TEST) == ["test"]
    assert names("-c", TEST, LIBVIRT_DEFAULT_URI=DEAD) == ["test"]


def test_a_uri_that_is_none_is_wrong_usage(cli: Cli) -> None:
    done = cli("-c", "qemu://system", "list")
    assert done.returncode == 2
    assert "qemu:///system" in done.stderr


def test_check(cli: Cli, rig: Rig) -> None:
    document = cli.json("tuivm check", "-c", rig.uri, "check")
    assert isinstance(document, dict)
    assert document["can_run_guests"] is True
    done = cli("-c", DEAD, "check")
    assert done.returncode == 1
    assert "guests cannot run" in done.stdout


def test_readonly_connections_can_list(cli: Cli) -> None:
    done = cli("--readonly", "-c", TEST, "hosts", "--json")
    assert done.returncode == 0
    assert json.loads(done.stdout)["hosts"][0]["readonly"] is True


def test_the_log_file_that_was_asked_for(cli: Cli, tmp_path: Path) -> None:
    done = cli("--log", "/dev/null/x/tuivm.log", "-c", TEST, "list")
    assert done.returncode == 0
    assert "going on without" in done.stderr
    assert cli("--log", str(tmp_path / "x.log"), "-c", TEST, "list").stderr == ""
    assert (tmp_path / "x.log").exists()
