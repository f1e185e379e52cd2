"""What a QEMU process says on its command line."""

from __future__ import annotations

import pytest

from tuivm.hypervisor.process import accelerator


@pytest.mark.parametrize(
    ("line", "runs_with"),
    [
        ("-machine pc-q35-7.2,usb=off -accel kvm -cpu host", "kvm"),
        ("-accel tcg,thread=multi", "tcg"),
        ("-accel accel=hvf", "hvf"),
        ("-machine pc-i440fx-2.11,accel=kvm,usb=off", "kvm"),
        ("-M q35,accel=tcg", "tcg"),
        ("-machine pc -enable-kvm -m 64", "kvm"),
        ("-enable-kvm -accel kvm", "kvm"),
        # The first of them that works: which that was is not on the command line.
        ("-machine pc,accel=kvm:tcg", ""),
        ("-accel kvm -accel tcg", ""),
        ("-machine pc", ""),
        ("-accel", ""),
        # A guest's name is the value of an option, never an option.
        ("-name guest=-accel,debug-threads=on", ""),
    ],
)
def test_accelerator(line: str, runs_with: str) -> None:
    assert accelerator(["/usr/bin/qemu-system-x86_64", *line.split()]) == runs_with
