"""Drivers of a kernel: which modules are needed, in which order, and for which devices."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from tuivm.lab.unpacking import unpacked_module

_MODINFO = re.compile(rb"\0(alias|depends)=([^\0]*)")
_VERMAGIC = re.compile(rb"\0vermagic=(\S+) ")

STORAGE_AND_NICS: Mapping[str, str] = {
    "virtio_pci": "every virtio device",
    "virtio_blk": "virtio-blk",
    "virtio_scsi": "virtio-scsi",
    "virtio_net": "virtio-net",
    "virtio_console": "the virtio-serial port that the Lab talks over",
    "ata_piix": "IDE",
    "ahci": "SATA",
    "nvme": "NVMe",
    "sym53c8xx": "LSI 53C895A",
    "megaraid_sas": "MegaRAID SAS",
    "vmw_pvscsi": "VMware PVSCSI",
    "sd_mod": "SCSI, SATA, IDE and USB disks",
    "xhci_pci": "USB 3 controllers",
    "ehci_pci": "USB 2 controllers",
    "uhci_hcd": "USB 1 controllers",
    "usb_storage": "USB storage",
    "uas": "USB attached SCSI",
    "e1000": "e1000",
    "e1000e": "e1000e",
    "igb": "igb",
    "8139cp": "rtl8139",
    "pcnet32": "pcnet",
    "vmxnet3": "vmxnet3",
    "af_packet": "every NIC (packet sockets)",
}
"""Each driver that a lab guest wants, and what is missing without it."""
EXTRA = ("virtio_balloon", "virtio_rng", "igbvf", "ixgbevf", "iavf", "igc", "r8169")
"""Taken along where the kernel has them: passed-through NICs, VFs, and the demo's guests."""
ALWAYS = ("virtio_pci", "virtio_console", "af_packet")
"""Loaded before all others: the agent's line, and what no device asks for."""


class Module(NamedTuple):
    """A kernel module, not compressed. depends: names of those to be loaded before it. aliases:
    patterns of the devices it is for, as in modules.alias."""

    name: str
    data: bytes
    depends: tuple[str, ...]
    aliases: tuple[str, ...]


class Modules:
    """The modules under a directory, by name; "-" and "_" are the same, as for modprobe.

    tree: as /lib/modules/RELEASE. Dependencies are those of modules.dep; where there is none (in a
    package unpacked without being installed) those that the modules themselves name.
    """

    def __init__(self, tree: Path) -> None:
        self.tree = tree
        listed = _modules_dep(tree)
        files = (tree / path for path in listed) if listed else tree.rglob("*.ko*")
        self._paths = {_name(path.name): path for path in files}
        # The last of the list has to be loaded first.
        self._depends = {
            _name(path): tuple(_name(needed) for needed in reversed(all_needed))
            for path, all_needed in listed.items()
        }
        self._builtin = _builtin(tree)

    def lacking(self, wanted: Iterable[str]) -> tuple[str, ...]:
        """Those of wanted that are neither a module here nor built into the kernel."""
        here = self._paths.keys() | self._builtin
        return tuple(name for name in wanted if _plain(name) not in here)

    def with_dependencies(self, wanted: Iterable[str]) -> list[Module]:
        """Each module after what it depends on. What is built into the kernel is left out. Raises
        OSError, and LabError for one that cannot be unpacked."""
        found: dict[str, Module] = {}
        for name in wanted:
            self._add(_plain(name), found)
        return list(found.values())

    def built_for(self) -> str:
        """The release of the kernel that takes these modules, as the first of them says; "" where
        it does not say. Raises OSError, and LabError for one that cannot be unpacked."""
        for path in self._paths.values():
            said = _VERMAGIC.search(unpacked_module(path.read_bytes()))
            return said[1].decode(errors="replace") if said else ""
        return ""

    def path(self, name: str) -> Path:
        """Where the module lies. Raises KeyError for one that is not here."""
        return self._paths[_plain(name)]

    def _add(self, name: str, found: dict[str, Module]) -> None:
        if name in found or name not in self._paths:
            return
        module = self._read(name)
        for needed in module.depends:
            self._add(needed, found)
        found[name] = module

    def _read(self, name: str) -> Module:
        data = unpacked_module(self._paths[name].read_bytes())
        # Code may look like it, and hold any byte.
        said = [(kind, value.decode(errors="replace")) for kind, value in _MODINFO.findall(data)]
        aliases = tuple(value for kind, value in said if kind == b"alias")
        parts = [part for kind, value in said if kind == b"depends" for part in value.split(",")]
        depends = self._depends.get(name) or tuple(_plain(part) for part in parts if part)
        return Module(name, data, depends, aliases)


def shell_tables(modules: Iterable[Module], wanted: Iterable[str]) -> str:
    """Shell functions in place of modprobe's tables: their patterns are the shell's own.

    `driver_of MODALIAS` sets driver to the name of the module wanted for a device, or to "";
    `chain_of NAME` sets chain to the modules to be loaded for it, in order.
    """
    by_name = {module.name: module for module in modules}
    names = {_plain(name) for name in wanted} & by_name.keys()
    drivers = [
        f"{pattern}) driver={name} ;;"
        for name in sorted(names)
        for pattern in by_name[name].aliases
        if ":" in pattern and _SAFE.fullmatch(pattern)
    ]
    chains = [f"{name}) chain='{' '.join(_chain(name, by_name))}' ;;" for name in sorted(names)]
    lines = ["driver_of() { driver=; case $1 in", *drivers, "esac; }"]
    lines += ["chain_of() { chain=; case $1 in", *chains, "esac; }"]
    return "\n".join(lines) + "\n"


_SAFE = re.compile(r"[\w:.,*?\[\]+-]+")
"""Of what patterns of devices are made; anything else could mean something to the shell."""


def _chain(name: str, modules: Mapping[str, Module]) -> list[str]:
    chain: dict[str, None] = {}
    for needed in modules[name].depends:
        if needed in modules:
            chain.update(dict.fromkeys(_chain(needed, modules)))
    chain[name] = None
    return list(chain)


def _modules_dep(tree: Path) -> dict[str, tuple[str, ...]]:
    """Path of each module to the paths of those it needs, all as in modules.dep; {} without it."""
    try:
        text = (tree / "modules.dep").read_text()
    except FileNotFoundError:
        return {}
    lines = (line.partition(":") for line in text.splitlines())
    return {path: tuple(needed.split()) for path, colon, needed in lines if colon}


def _builtin(tree: Path) -> frozenset[str]:
    try:
        text = (tree / "modules.builtin").read_text()
    except FileNotFoundError:
        return frozenset()
    return frozenset(_name(line.rpartition("/")[2]) for line in text.split())


def _name(file: str) -> str:
    return _plain(file.rpartition("/")[2].split(".ko")[0])


def _plain(name: str) -> str:
    return name.replace("-", "_")
