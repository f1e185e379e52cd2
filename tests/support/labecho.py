"""A lab guest without an appliance: it sends back on the line whatever it is sent."""

from __future__ import annotations

from pathlib import Path

from tests.support.appliance import MEMORY_MIB, Appliance, appliance
from tuivm.lab import cpio
from tuivm.lab.mark import mark_xml
from tuivm.lab.ports import CHANNEL

SAYS = "the echo guest is there"
"""What it writes on its console before it echoes."""
_INIT = f"""#!/bin/sh
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
. /drivers.sh
for name in virtio_pci virtio_console; do
  chain_of $name
  for module in $chain; do insmod /modules/$module.ko 2>/dev/null; done
done
while :; do
  for path in /sys/class/virtio-ports/*; do
    [ "$(cat "$path/name" 2>/dev/null)" = {CHANNEL} ] && port=/dev/${{path##*/}}
  done
  [ -c "$port" ] && break
  usleep 100000
done
exec 6<>"$port"
echo "{SAYS}" >/dev/console
echo '{{"type":"hello"}}' >&6
while :; do cat <&6 >&6; done
"""


def echo_appliance(directory: Path) -> Appliance:
    """The tests' appliance with another init, written into `directory`."""
    made = appliance()
    initrd = directory / "initrd"
    more = cpio.archive([cpio.file("echo.sh", _INIT.encode(), executable=True)])
    # The kernel takes one archive after the other.
    initrd.write_bytes(made.initrd.read_bytes() + more)
    return Appliance(made.kernel, initrd)


def lab_xml(
    name: str, system: str = "", *, mark: str | None = None, devices: str = "", run: str = "test"
) -> str:
    """A guest of the Lab. system: what goes into `<os>`; without, it finds nothing to boot.

    mark: what is in `<metadata>`, this process's mark unless told otherwise.
    """
    return (
        f"<domain type='qemu'><name>{name}</name>"
        f"<metadata>{mark_xml(run) if mark is None else mark}</metadata>"
        f"<memory unit='MiB'>{MEMORY_MIB}</memory><vcpu>1</vcpu>"
        f"<os><type arch='x86_64' machine='pc'>hvm</type>{system}</os><features><acpi/></features>"
        "<devices><controller type='usb' model='none'/>"
        f"<serial type='pty'/><channel type='unix'><target type='virtio' name='{CHANNEL}'/>"
        f"</channel>{devices}</devices></domain>"
    )


def echo_os(made: Appliance, kernel: str = "", initrd: str = "") -> str:
    return (
        f"<kernel>{kernel or made.kernel}</kernel><initrd>{initrd or made.initrd}</initrd>"
        "<cmdline>console=ttyS0 quiet rdinit=/echo.sh</cmdline>"
    )
