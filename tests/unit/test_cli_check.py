from __future__ import annotations

import io
import json
import platform
from pathlib import Path

import pytest

from tests.support import jsonschema_doc
from tests.unit.test_cli_show import DOWN, UP, down, up
from tuivm.cli import Exit
from tuivm.headless import check
from tuivm.headless.show import Hosts
from tuivm.hypervisor.hostcheck import gather
from tuivm.model.hosts import HostFacts, Problem
from tuivm.preflight.host_check import CheckState, EmulatorFacts, HostCheckFacts

QEMU = (EmulatorFacts("/usr/bin/qemu-system-x86_64", "x86_64", "7.2.22"),)
ARCH = platform.machine()


def show(facts: HostCheckFacts, found: Hosts, *, as_json: bool = False) -> tuple[Exit, str]:
    out = io.StringIO()
    return check.show(facts, found, out, as_json=as_json), out.getvalue()


def test_fine_when_a_daemon_answers_and_there_is_a_vmm() -> None:
    code, text = show(HostCheckFacts(emulators=QEMU), [(UP, up()), (DOWN, down())])
    assert code is Exit.FINE
    assert text.splitlines()[-1] == "guests can run"


def test_failed_without_a_daemon_or_without_qemu() -> None:
    code, text = show(HostCheckFacts(emulators=QEMU), [(DOWN, down())])
    assert (code, text.splitlines()[-1]) == (
        Exit.FAILED,
        "guests cannot run: no libvirt daemon answers",
    )
    code, text = show(HostCheckFacts(emulators=()), [(UP, up())])
    assert (code, text.splitlines()[-1]) == (Exit.FAILED, "guests cannot run: there is no QEMU")


def test_translation_is_said_to_be_slow_and_is_still_fine() -> None:
    snapshot = up()._replace(facts=HostFacts(driver="QEMU", virt_types=("qemu",)))
    code, text = show(HostCheckFacts(emulators=QEMU), [(UP, snapshot)])
    assert code is Exit.FINE
    assert "TCG" in text.splitlines()[-1]


def test_the_daemons_words_and_the_remedy_are_printed() -> None:
    problem = Problem("cannot connect", "out of\nluck", "bad weather", "wait for the sun")
    found = [(DOWN, down()._replace(problem=problem))]
    _, text = show(HostCheckFacts(daemons=check.daemons(found)), found)
    line = next(line for line in text.splitlines() if line.startswith(f"libvirt {DOWN.uri}"))
    assert "fail" in line
    assert "out of luck (bad weather)" in line
    assert "    remedy: wait for the sun" in text.splitlines()


@pytest.mark.parametrize("facts", [HostCheckFacts(), HostCheckFacts(emulators=QEMU, is_guest=True)])
def test_json_is_as_documented(facts: HostCheckFacts) -> None:
    _, text = show(facts, [(UP, up())], as_json=True)
    tables = jsonschema_doc.read()
    assert jsonschema_doc.faults(json.loads(text), "tuivm check", tables) == []
    page = jsonschema_doc.DOCUMENT.read_text("utf-8")
    assert all(f"`{state.value}`" in page for state in CheckState)


def write(root: Path, name: str, text: str = "", mode: int = 0o644) -> Path:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(mode)
    return path


def test_a_bare_machine_gives_no_answer_where_there_is_none(tmp_path: Path) -> None:
    facts = gather((), root=tmp_path, environ={})
    assert facts.cpu_flags is None
    assert facts.kvm_present is False
    assert facts.kvm_open_error is facts.kvm_create_error is None
    assert facts.nested is facts.iommu_groups is facts.iommu_table is facts.is_guest is None
    assert facts.kernel_cmdline is None
    assert facts.emulators == facts.firmware == ()


def test_a_full_machine_is_read(tmp_path: Path) -> None:
    write(
        tmp_path,
        "proc/cpuinfo",
        "processor\t: 0\nvendor_id\t: GenuineIntel\nflags\t\t: fpu vmx ept\n\n"
        "processor\t: 1\nflags\t\t: fpu hypervisor\n",
    )
    write(tmp_path, "proc/cmdline", "quiet intel_iommu=on\n")
    write(tmp_path, "sys/module/kvm_intel/parameters/nested", "Y\n")
    (tmp_path / "sys/module/kvm").mkdir()
    for number in range(3):
        (tmp_path / f"sys/kernel/iommu_groups/{number}").mkdir(parents=True)
    write(tmp_path, "sys/firmware/acpi/tables/DMAR")
    facts = gather((), root=tmp_path, environ={})
    assert facts.cpu_vendor == "GenuineIntel"
    assert facts.cpu_flags == {"fpu", "vmx", "ept"}
    assert facts.is_guest is False
    assert (facts.nested, facts.iommu_groups, facts.iommu_table) == ("Y", 3, "DMAR")
    assert facts.kvm_modules == ("kvm", "kvm_intel")
    assert facts.kernel_cmdline == "quiet intel_iommu=on\n"


def test_the_domain_that_controls_xen_is_the_host(tmp_path: Path) -> None:
    write(tmp_path, "proc/cpuinfo", "flags : fpu hypervisor\n")
    assert gather((), root=tmp_path, environ={}).is_guest is True
    write(tmp_path, "proc/xen/capabilities", "control_d\n")
    assert gather((), root=tmp_path, environ={}).is_guest is False


def test_a_kvm_device_that_is_none_is_told_apart_from_a_missing_one(tmp_path: Path) -> None:
    (tmp_path / "dev").mkdir()
    (tmp_path / "dev/kvm").symlink_to("/dev/null")
    facts = gather((), root=tmp_path, environ={})
    assert (facts.kvm_present, facts.kvm_open_error) == (True, "")
    assert facts.kvm_create_error


def test_a_kvm_device_that_cannot_be_opened(tmp_path: Path) -> None:
    (tmp_path / "dev/kvm").mkdir(parents=True)
    facts = gather((), root=tmp_path, environ={})
    assert facts.kvm_open_error
    assert facts.kvm_create_error is None


def test_emulators_are_asked_for_their_versions(tmp_path: Path) -> None:
    script = "#!/bin/sh\necho 'QEMU emulator version 9.1.2 (Debian 1:9.1.2-1)'\n"
    native = f"qemu-system-{ARCH}"
    write(tmp_path, "usr/bin/qemu-system-aaa", script, 0o755)
    write(tmp_path, f"usr/bin/{native}", script, 0o755)
    write(tmp_path, "usr/bin/qemu-system-notes.txt", "", 0o755)
    write(tmp_path, "usr/bin/qemu-system-sparc", script)
    write(tmp_path, "usr/libexec/qemu-kvm", "#!/bin/sh\nexit 1\n", 0o755)
    (tmp_path / "bin").symlink_to("usr/bin")
    facts = gather((), root=tmp_path, environ={"PATH": "/usr/bin:/bin"})
    assert facts.emulators is not None
    found = [(Path(item.path).name, item.arch, item.version) for item in facts.emulators]
    assert sorted(found[:2]) == [("qemu-kvm", "", ""), (native, ARCH, "9.1.2")]
    assert found[2:] == [("qemu-system-aaa", "aaa", "9.1.2")]


def test_firmware_is_what_the_descriptors_say_and_is_there(tmp_path: Path) -> None:
    def descriptor(name: str, image: str, interface: str = "uefi", arch: str = ARCH) -> None:
        mapping = {"device": "flash", "executable": {"filename": image, "format": "raw"}}
        document = {
            "interface-types": [interface],
            "targets": [{"architecture": arch, "machines": ["pc-q35-*"]}],
            "mapping": mapping,
        }
        write(tmp_path, f"usr/share/qemu/firmware/{name}.json", json.dumps(document))

    write(tmp_path, "usr/share/OVMF/OVMF_CODE.fd")
    write(tmp_path, "fw/good.fd")
    usual = gather((), root=tmp_path, environ={}).firmware
    assert usual == (str(tmp_path / "usr/share/OVMF/OVMF_CODE.fd"),)
    descriptor("10-gone", "/fw/gone.fd")
    descriptor("20-bios", "/fw/good.fd", interface="bios")
    descriptor("30-other", "/fw/good.fd", arch="vax")
    write(tmp_path, "usr/share/qemu/firmware/40-broken.json", "{")
    write(tmp_path, "usr/share/qemu/firmware/50-odd.json", "[1]")
    assert gather((), root=tmp_path, environ={}).firmware == usual
    descriptor("60-good", "/fw/good.fd")
    assert gather((), root=tmp_path, environ={}).firmware == (str(tmp_path / "fw/good.fd"),)
