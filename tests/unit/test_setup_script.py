"""scripts/setup.sh on machines made of stubs: each has only the programs that a test gives it."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SHELL_TOOLS = ["sh", "awk", "basename", "cat", "cksum", "cp", "dirname", "echo", "env", "grep"]
SHELL_TOOLS += ["mkdir", "rm", "sed", "tee", "tr", "xargs"]

# What each package manager's packages put on the machine, as far as the script looks for it.
BRINGS = {
    "python3-venv": "python3",
    "python3-devel": "python3",
    "python313-devel": "python3",
    "python": "python3",
    "gcc": "cc",
    "pkg-config": "pkg-config",
    "pkgconf-pkg-config": "pkg-config",
    "pkgconf": "pkg-config",
    "libvirt-dev": "libvirt-headers",
    "libvirt-devel": "libvirt-headers",
    "libvirt-daemon-system": "libvirtd virtqemud virtlogd",
    "libvirt-daemon-kvm": "virtqemud",
    "libvirt-daemon": "libvirtd",
    "libvirt-daemon-log": "virtlogd",
    "libvirt-daemon-qemu": "virtqemud virtlogd",
    "libvirt": "libvirtd virtqemud virtlogd virsh libvirt-headers",
    "libvirt-clients": "virsh",
    "libvirt-client": "virsh",
    "qemu-system-x86": "qemu-system-x86_64",
    "qemu-kvm": "qemu-kvm",
    "qemu": "qemu-system-x86_64",
    "qemu-base": "qemu-system-x86_64",
    "qemu-utils": "qemu-img",
    "qemu-img": "qemu-img",
    "qemu-tools": "qemu-img",
    "busybox-static": "busybox",
    "busybox": "busybox",
    "iproute2": "ip",
    "iproute": "ip",
    "util-linux": "unshare",
    "osinfo-db": "osinfo-os",
    "dnsmasq-base": "dnsmasq",
    "dnsmasq": "dnsmasq",
}

PYTHON = """
echo "python $*" | awk 'NR == 1' >>"$LOG"
case "$*" in
  *"print(sys.version)"*) echo "3.11.2 (stub)" ;;
  *" --version"*) echo "Python 3.11.2" ;;
  *"-m venv"*)
    mkdir -p .venv/bin
    cat "$0" >.venv/bin/python && /bin/chmod +x .venv/bin/python
    echo "#!$PWD/.venv/bin/python" >.venv/bin/pip ;;
  *"-m pip"*) [ -z "${PIP_SAYS:-}" ] || { echo "$PIP_SAYS"; exit 1; } ;;
esac
"""

INSTALLER = """
echo "$(basename "$0") $*" >>"$LOG"
[ -z "${INSTALL_FAILS:-}" ] || exit 100
for word in "$@"; do
  [ -e "$STORE/$word" ] || continue
  for program in $(cat "$STORE/$word"); do cp "$STORE/programs/$program" "$BIN/"; done
done
"""


class Machine:
    """A checkout and a PATH of stubs. The package managers' stubs 'install' more stubs."""

    def __init__(self, base: Path) -> None:
        self.checkout, self.bin, self.store = base / "src", base / "bin", base / "store"
        self.log = base / "log"
        self.log.touch()
        self.appliance = base / "cache" / "tuivm" / "tests" / "appliance-1"
        for folder in (self.checkout, self.bin, self.store / "programs", self.appliance):
            folder.mkdir(parents=True)
        shutil.copytree(ROOT / "scripts", self.checkout / "scripts")
        for name in ("pyproject.toml", "constraints.txt"):
            shutil.copy(ROOT / name, self.checkout)
        for tool in SHELL_TOOLS:
            found = shutil.which(tool)
            assert found is not None, tool
            (self.bin / tool).symlink_to(found)
        self.stub("id", "echo ${STUB_UID:-0}")
        self.stub("uname", "echo x86_64")
        for package, programs in BRINGS.items():
            (self.store / package).write_text(programs)
            for program in programs.split():
                self.stub(program, PYTHON if program == "python3" else "", self.store / "programs")
        # pkg-config knows libvirt once the headers are there; ldd fails on static programs.
        self.stub("pkg-config", '[ -e "$BIN/libvirt-headers" ]', self.store / "programs")
        self.stub("ldd", "exit 1")
        self.stub("apt-cache", "echo '  Candidate: 3.11.2-1'")

    def stub(self, name: str, script: str, folder: Path | None = None) -> None:
        path = (folder or self.bin) / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

    def setup(self, level: str = "run", **environ: str) -> subprocess.CompletedProcess[str]:
        return self.script("setup.sh", level, **environ)

    def script(
        self, name: str, *arguments: str, **environ: str
    ) -> subprocess.CompletedProcess[str]:
        self.log.write_text("")
        base = {
            "PATH": str(self.bin),
            "HOME": "/nonexistent",
            "XDG_CACHE_HOME": str(self.appliance.parents[2]),
            "LOG": str(self.log),
            "BIN": str(self.bin),
            "STORE": str(self.store),
            "TUIVM_SBIN": "",
            "TUIVM_LIBEXEC": str(self.bin),
            "TUIVM_OSINFO": str(self.bin / "osinfo-os"),
            "TUIVM_PYTHON": "python3",
        }
        return subprocess.run(
            [self.checkout / "scripts" / name, *arguments],
            env=base | environ,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            check=False,
        )

    def calls(self, program: str) -> list[str]:
        return [line for line in self.log.read_text().splitlines() if line.startswith(program)]

    @property
    def installs(self) -> list[str]:
        """Calls that make an environment or bring in packages, rather than look."""
        return [
            line
            for line in self.log.read_text().splitlines()
            if not line.startswith("python -I") and "--version" not in line
        ]


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


@pytest.mark.parametrize("manager", ["apt-get", "dnf", "zypper", "pacman"])
def test_a_bare_machine_gets_all_it_needs_and_sees_each_command(
    machine: Machine, manager: str
) -> None:
    machine.stub(manager, INSTALLER)
    done = machine.setup("test")
    assert done.returncode == 0, done.stdout + done.stderr
    for call in machine.calls(manager):
        assert call in done.stdout  # shown as it was run
    assert (machine.checkout / ".venv/bin/python").exists()
    pip_calls = [line for line in machine.installs if "-m pip install" in line]
    assert "-c constraints.txt" in pip_calls[-1]
    assert pip_calls[-1].endswith("-e . --group dev")


def test_a_run_does_without_what_only_tests_need(machine: Machine) -> None:
    machine.stub("apt-get", INSTALLER)
    assert machine.setup("run").returncode == 0
    install = next(line for line in machine.calls("apt-get") if " install " in line)
    assert "busybox" not in install
    assert "--group dev" not in machine.log.read_text()


def test_a_second_run_does_nothing(machine: Machine) -> None:
    machine.stub("apt-get", INSTALLER)
    machine.setup("test")
    for level in ("run", "test"):
        again = machine.setup(level)
        assert (again.returncode, again.stdout, again.stderr) == (0, "", "")
        assert machine.installs == []


@pytest.mark.parametrize(
    ("level", "built", "environ", "updates"),
    [
        ("test", False, {}, 1),
        ("test", True, {}, 0),
        ("test", True, {"CI": "true"}, 1),
        ("test", False, {"TUIVM_NO_INSTALL": "1"}, 0),
        ("run", False, {}, 0),
    ],
)
def test_the_list_for_the_test_guests_kernel_is_renewed_when_it_will_be_used(
    machine: Machine, level: str, built: bool, environ: dict[str, str], updates: int
) -> None:
    machine.stub("apt-get", INSTALLER)
    machine.setup("test")
    if not built:
        machine.appliance.rmdir()
    assert machine.setup(level, **environ).returncode == 0
    assert machine.installs == ["apt-get -q update"] * updates


def test_packages_just_installed_came_from_a_fresh_list(machine: Machine) -> None:
    machine.stub("apt-get", INSTALLER)
    machine.appliance.rmdir()
    machine.setup("test")
    assert [line for line in machine.calls("apt-get") if "update" in line] == ["apt-get -q update"]


@pytest.mark.parametrize("changed", ["pyproject.toml", "constraints.txt"])
def test_a_changed_requirement_is_installed(machine: Machine, changed: str) -> None:
    machine.stub("apt-get", INSTALLER)
    machine.setup()
    with (machine.checkout / changed).open("a") as file:
        file.write("\n# a new pin\n")
    assert machine.setup().returncode == 0
    assert machine.calls("apt-get") == []
    assert any("-e ." in line for line in machine.installs)
    assert not any("-m venv" in line for line in machine.installs)


def test_a_moved_checkout_gets_a_new_environment(machine: Machine) -> None:
    machine.stub("apt-get", INSTALLER)
    machine.setup()
    machine.checkout = machine.checkout.rename(machine.checkout.with_name("moved"))
    assert machine.setup().returncode == 0
    assert any("-m venv --clear" in line for line in machine.installs)


def test_what_was_removed_is_installed_again_and_the_environment_kept(machine: Machine) -> None:
    machine.stub("apt-get", INSTALLER)
    machine.setup()
    (machine.bin / "qemu-img").unlink()
    done = machine.setup()
    assert done.returncode == 0
    install = next(line for line in machine.calls("apt-get") if " install " in line)
    assert install.endswith("--no-install-recommends qemu-utils")
    assert not any("pip" in line for line in machine.installs)


def test_no_install_only_says_what_is_missing(machine: Machine) -> None:
    machine.stub("apt-get", INSTALLER)
    done = machine.setup("test", TUIVM_NO_INSTALL="1")
    assert done.returncode == 1
    assert machine.installs == []
    assert not (machine.checkout / ".venv").exists()
    for word in ("Python 3.11", "C compiler", "pkg-config", "headers", "libvirtd", "virtlogd"):
        assert word in done.stdout
    for package in (
        "libvirt-dev",
        "qemu-system-x86",
        "busybox-static",
        "python3-venv",
        "osinfo-db",
    ):
        assert package in done.stdout
    assert "TUIVM_NO_INSTALL" in done.stderr


def test_no_install_goes_on_when_nothing_is_missing(machine: Machine) -> None:
    machine.stub("apt-get", INSTALLER)
    machine.setup()
    shutil.rmtree(machine.checkout / ".venv")
    done = machine.setup(TUIVM_NO_INSTALL="1")
    assert done.returncode == 0, done.stdout + done.stderr
    assert machine.calls("apt-get") == []


def test_sudo_when_not_root(machine: Machine) -> None:
    machine.stub("apt-get", INSTALLER)
    machine.stub("sudo", 'echo "sudo $*" >>"$LOG"; exec "$@"')
    done = machine.setup(STUB_UID="1000")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "+ sudo apt-get -q update" in done.stdout
    assert len(machine.calls("sudo")) == len(machine.calls("apt-get")) == 2


def test_not_root_and_no_sudo_names_the_packages(machine: Machine) -> None:
    machine.stub("apt-get", INSTALLER)
    done = machine.setup(STUB_UID="1000")
    assert done.returncode == 1
    assert "no sudo" in done.stderr
    assert "libvirt-dev" in done.stderr
    assert machine.installs == []


def test_no_package_manager(machine: Machine) -> None:
    done = machine.setup()
    assert done.returncode == 1
    assert "by hand" in done.stderr
    assert "libvirt's client library" in done.stdout


def test_a_failed_installation_is_a_failure(machine: Machine) -> None:
    machine.stub("apt-get", INSTALLER)
    done = machine.setup(INSTALL_FAILS="1")
    assert done.returncode == 1
    assert "apt-get failed" in done.stderr
    assert not (machine.checkout / ".venv").exists()


def test_a_manager_that_lacks_a_package_is_not_believed(machine: Machine) -> None:
    (machine.store / "qemu-utils").unlink()
    machine.stub("apt-get", INSTALLER)
    done = machine.setup()
    assert done.returncode == 1
    assert "  - qemu-img" in done.stdout
    assert "still missing" in done.stderr


@pytest.mark.parametrize(
    ("pip_says", "expected"),
    [
        ("NewConnectionError: name resolution", "cannot reach a package index"),
        ("error: command 'cc' failed", "pip failed"),
    ],
)
def test_a_failed_pip_says_why_and_is_tried_again(
    machine: Machine, pip_says: str, expected: str
) -> None:
    machine.stub("apt-get", INSTALLER)
    done = machine.setup(PIP_SAYS=pip_says)
    assert done.returncode == 1
    assert expected in done.stderr
    assert pip_says in done.stdout
    assert machine.setup().returncode == 0
    assert any("-e ." in line for line in machine.installs)


@pytest.mark.parametrize(("tuivm_ends_with", "expected"), [(0, 0), (3, 0), (1, 1), (2, 2)])
def test_without_a_terminal_a_run_prints_hosts_and_guests(
    machine: Machine, tuivm_ends_with: int, expected: int
) -> None:
    machine.stub("apt-get", INSTALLER)
    machine.setup()
    tuivm = f'echo "tuivm $*" >>"$LOG"; echo "table of $3"; exit {tuivm_ends_with}'
    machine.stub("tuivm", tuivm, machine.checkout / ".venv/bin")
    done = machine.script("run.sh", "-c", "test:///default")
    assert done.returncode == expected, done.stderr
    assert any("scripts/daemons.py" in line for line in machine.calls("python"))
    assert "table of hosts" in done.stdout
    if expected == 0:
        assert "table of list" in done.stdout
        assert machine.calls("tuivm") == [
            "tuivm -c test:///default hosts",
            "tuivm -c test:///default list --brief",
        ]


def test_an_unknown_level_is_wrong_usage(machine: Machine) -> None:
    assert machine.setup("everything").returncode == 2


def test_a_python_that_is_too_old_is_not_taken(machine: Machine) -> None:
    machine.stub("apt-get", INSTALLER)
    machine.setup()
    shutil.rmtree(machine.checkout / ".venv")
    machine.stub("python3", "exit 1")
    done = machine.setup(TUIVM_NO_INSTALL="1")
    assert done.returncode == 1
    assert "Python 3.11 or newer" in done.stdout


@pytest.mark.parametrize("script", ["setup.sh", "run.sh", "test.sh", "lock.sh"])
def test_the_scripts_can_be_executed(script: str) -> None:
    assert os.access(ROOT / "scripts" / script, os.X_OK)
