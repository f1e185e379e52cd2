"""What a run's guests need on the host before they start: kernel, volumes, networks, ports."""

from __future__ import annotations

import gzip
import random
import shutil
import socket
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

from tuivm.lab import domain
from tuivm.lab.appliance import Appliance
from tuivm.lab.experiments import accelerators
from tuivm.lab.models import PASSTHROUGH
from tuivm.lab.ports import HostAbilities, Workplace
from tuivm.model.lab import Backing, Method, Plan

_PORTS = range(20_000, 32_000)
"""UDP ports that are tried: below those that Linux gives out by itself."""
_CHUNK = 1 << 20


class Placed(NamedTuple):
    """An appliance on a host, and what stands behind each subject's device, by its id."""

    appliance: Appliance
    kernel: str
    initrd: str
    disks: dict[str, str]
    networks: dict[str, str]

    def guests(
        self, plan: Plan, run: str, abilities: HostAbilities
    ) -> tuple[domain.GuestSpec, ...]:
        """The guests of a plan, which may have fewer subjects by now."""
        ports = _ports(local=abilities.local)
        files = domain.Files(self.kernel, self.initrd, self.disks, self.networks, ports)
        return domain.guests(plan, self.appliance, files, run, abilities)


def place(
    workplace: Workplace,
    appliance: Appliance,
    plan: Plan,
    say: Callable[[str], None],
    *,
    local: bool,
) -> Placed:
    """Put it all there. local: the host is this machine. Raises LabError, as for a disk that is
    full, OSError."""
    say("Putting the appliance onto the host")
    kernel, initrd = _uploaded(workplace, appliance, plan, local=local)
    disks, networks = {}, {}
    for subject in plan.subjects:
        if subject.id.startswith(PASSTHROUGH):
            # It brings what is behind it.
            continue
        backing = plan.backings.get(subject.experiment)
        if backing is Backing.FILE:
            say(f"Making a volume for {subject.title}")
            disks[subject.id] = workplace.disk(f"{subject.id}.raw", domain.DISK_BYTES)
        elif backing is Backing.TAP:
            networks[subject.id] = workplace.network(subject.id)
    return Placed(appliance, kernel, initrd, disks, networks)


def _uploaded(
    workplace: Workplace, appliance: Appliance, plan: Plan, *, local: bool
) -> tuple[str, str]:
    """Paths of kernel and initramfs on the host. What goes over a network goes packed: a third of
    170 MB. The kernel only for KVM, for under TCG it takes long to unpack itself."""
    if local:
        return (
            workplace.upload(appliance.kernel, "kernel"),
            workplace.upload(appliance.initrd, "initrd"),
        )
    packed = appliance.packed if "kvm" in accelerators(plan) else None
    with tempfile.TemporaryDirectory(prefix="tuivm-lab-") as made:
        small = Path(made, "initrd.gz")
        # The level that is quick: what is left to gain takes longer than to send it.
        with appliance.initrd.open("rb") as whole, gzip.open(small, "wb", compresslevel=1) as file:
            shutil.copyfileobj(whole, file, _CHUNK)
        return (
            workplace.upload(packed or appliance.kernel, "kernel"),
            workplace.upload(small, "initrd"),
        )


def described(method: Method, spec: domain.GuestSpec) -> Method:
    """The method with what a guest's XML says of it."""
    root = ElementTree.fromstring(spec.xml)  # noqa: S314 - made by the Lab itself
    vcpu = root.find("vcpu")
    return method._replace(
        machine=spec.machine,
        vcpus=1 if vcpu is None else int(vcpu.get("current") or vcpu.text or 1),
        memory_mib=int(root.findtext("memory") or 0),
    )


def _ports(*, local: bool) -> Iterator[int]:
    """Free ones, as far as can be told: those of another machine cannot be looked at."""
    chance = random.SystemRandom()
    for port in chance.sample(_PORTS, len(_PORTS)):
        if not local or _is_free(port):
            yield port


def _is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
