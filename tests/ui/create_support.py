"""A program that shows one step of the wizard, and hosts for it to choose from."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.pilot import Pilot
from textual.widgets import Input

from tests.ui.dialog_support import screen_text, until
from tuivm.model.findings import Finding
from tuivm.model.offers import (
    Capabilities,
    CpuMode,
    CpuModel,
    DomainCaps,
    GuestArch,
    HostInterface,
    HostOffer,
    MachineType,
    NestingFacts,
    Network,
    NumaNode,
    Pool,
    Volume,
)
from tuivm.model.oses import GENERIC, OsInfo
from tuivm.model.spec import Spec
from tuivm.screens.create.draft import Draft
from tuivm.screens.create.fields import Field
from tuivm.screens.create.picks import completed
from tuivm.screens.create.step import Step
from tuivm.screens.dialogs.base import Dialog
from tuivm.themes import VARIABLE_DEFAULTS, load_themes

GIB = 1 << 30
NASTY = "[red]x[/] \x1b[2J\u202egpj 🦊"
NASTY_SHOWN = "[red]x[/] ␛[2J⁞gpj 🦊"

MACHINES = (
    MachineType("pc-i440fx-7.2", max_cpus=255),
    MachineType("pc", "pc-i440fx-7.2", 255),
    MachineType("pc-q35-7.2", max_cpus=288),
    MachineType("q35", "pc-q35-7.2", 288),
    MachineType("pc-q35-2.12", max_cpus=288, deprecated=True),
    MachineType("microvm", max_cpus=288),
)
CAPABILITIES = Capabilities(
    arch="x86_64",
    cpu_model="Skylake-Client-IBRS",
    cpu_vendor="Intel",
    cpu_features=("vmx",),
    guests=(
        GuestArch("aarch64", "hvm", "/usr/bin/qemu-system-aarch64", ("qemu",), ()),
        GuestArch("x86_64", "hvm", "/usr/bin/qemu-system-x86_64", ("qemu", "kvm"), MACHINES),
    ),
    numa=(
        NumaNode(0, 16 << 20, (0, 1, 2, 3), ((2048, 512), (1 << 20, 0))),
        NumaNode(1, 16 << 20, (4, 5, 6, 7), ((2048, 512), (1 << 20, 0))),
    ),
)
CAPS = DomainCaps(
    emulator="/usr/bin/qemu-system-x86_64",
    virt_type="kvm",
    arch="x86_64",
    machine="pc-q35-7.2",
    max_vcpus=288,
    iothreads=True,
    firmware=("bios", "efi"),
    loaders=("/usr/share/OVMF/OVMF_CODE_4M.fd",),
    secure_boot=True,
    cpu_modes=(
        CpuMode("host-passthrough", True),
        CpuMode("maximum", True),
        CpuMode("host-model", True, "Skylake-Client-IBRS", (("vmx", "require"),)),
        CpuMode("custom", True),
    ),
    cpu_models=(
        CpuModel("Skylake-Client", True, "Intel"),
        CpuModel("EPYC", False, "AMD"),
        CpuModel("qemu64", True, "unknown"),
        CpuModel("486", True, "unknown", deprecated=True),
    ),
    disk_devices=("disk", "cdrom", "floppy", "lun"),
    disk_buses=("fdc", "scsi", "virtio", "usb", "sata"),
    hostdev_types=("usb", "pci", "scsi"),
    tpm_models=("tpm-tis", "tpm-crb"),
    tpm_backends=("passthrough", "emulator"),
)
POOLS = (
    Pool(
        "default",
        "dir",
        True,
        "/var/lib/libvirt/images",
        500 * GIB,
        104 * GIB,
        (
            Volume("base.qcow2", "/var/lib/libvirt/images/base.qcow2", 10 * GIB, GIB, "qcow2"),
            Volume(
                "db.qcow2",
                "/var/lib/libvirt/images/db.qcow2",
                40 * GIB,
                9 * GIB,
                "qcow2",
                used_by=("db-1",),
            ),
            Volume("virtio-win.iso", "/var/lib/libvirt/images/virtio-win.iso", GIB, GIB, "iso"),
        ),
    ),
    Pool("fast", "logical", True, "/dev/fast", 200 * GIB, 12 * GIB),
    Pool("nas", "netfs", False, "/mnt/nas"),
)
NETWORKS = (
    Network("default", True, "nat", "virbr0", dhcp=True),
    Network("lab", False, "", "virbr1"),
    Network("vfs", True, "hostdev"),
)
INTERFACES = (
    HostInterface("virbr0", "bridge", True),
    HostInterface("br0", "bridge", True),
    HostInterface("eno1", "ethernet", True),
)
OFFER = HostOffer(
    "local",
    "qemu:///system",
    "QEMU",
    local=True,
    libvirt_version=9_001_000,
    qemu_version=7_002_000,
    cpus=8,
    memory_kib=32 << 20,
    memory_free_kib=20 << 20,
    capabilities=CAPABILITIES,
    pools=POOLS,
    networks=NETWORKS,
    interfaces=INTERFACES,
    guests=(("db-1", "1a2b", True),),
    nesting=NestingFacts("Intel", True, "kvm_intel", True, 0, "6.1"),
    passt=True,
)
TCG = OFFER._replace(
    session=True,
    capabilities=CAPABILITIES._replace(
        guests=(GuestArch("x86_64", "hvm", "/usr/bin/qemu-system-x86_64", ("qemu",), MACHINES),)
    ),
    networks=(),
    nesting=NestingFacts("", False, "", None, 1, "6.1"),
    passt=False,
)
TCG_CAPS = CAPS._replace(
    virt_type="qemu",
    secure_boot=False,
    firmware=("bios",),
    loaders=(),
    tpm_models=(),
    tpm_backends=(),
    cpu_modes=(
        CpuMode("host-passthrough", False),
        CpuMode("maximum", True),
        CpuMode("host-model", True, "EPYC"),
        CpuMode("custom", True),
    ),
)
DEBIAN = OsInfo(
    "http://debian.org/debian/12",
    "debian12",
    "Debian 12",
    "linux",
    storage=20 * GIB,
    devices=("virtio1.0-block", "virtio1.0-net", "virtio1.0-scsi", "virtio-block", "e1000e"),
)
WINDOWS = OsInfo(
    "http://microsoft.com/win/10",
    "win10",
    "Microsoft Windows 10",
    "winnt",
    storage=40 * GIB,
    devices=("e1000e", "ich9-hda", "usb-storage", "qemu-x86-q35"),
)


def draft(
    spec: Spec | None = None,
    offer: HostOffer | None = OFFER,
    caps: DomainCaps = CAPS,
    os: OsInfo = GENERIC,
    findings: tuple[Finding, ...] = (),
) -> Draft:
    said = spec or Spec(name="web")
    return completed(
        Draft("local", spec=said, full=said, offer=offer, caps=caps, os=os, findings=findings)
    )


class StepApp(App[None]):
    """As the wizard does: each change is completed and shown again."""

    CSS = "Screen { overflow: hidden; }"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down", "focus_next", show=False),
        Binding("up", "focus_previous", show=False),
    ]

    def __init__(
        self,
        make: Callable[[Draft], Step],
        start: Draft,
        *,
        ascii_only: bool = False,
        theme: str = "dark",
    ) -> None:
        super().__init__()
        for one in load_themes().themes:
            self.register_theme(one)
        self.theme = theme
        self.set_class(ascii_only, "-ascii")
        self.animation_level = "none"
        self.draft = start
        self.step = make(start)
        self.specs: list[Spec] = []
        self.faulted = 0

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return VARIABLE_DEFAULTS

    def compose(self) -> ComposeResult:
        yield self.step

    def on_mount(self) -> None:
        self.call_after_refresh(self.step.focus_field)

    def on_step_changed(self, event: Step.Changed) -> None:
        self.specs.append(event.spec)
        self.hear(self.draft._replace(spec=event.spec))

    def on_step_faulted(self) -> None:
        self.faulted += 1

    def hear(self, new: Draft) -> None:
        self.draft = completed(new)
        self.step.show(self.draft)

    @property
    def spec(self) -> Spec:
        return self.draft.spec

    @property
    def dialog(self) -> Dialog[Any]:
        assert isinstance(self.screen, Dialog)
        return self.screen


async def focus(app: StepApp, pilot: Pilot[Any], key: str) -> None:
    """Put the focus into a field of the step or of the dialog over it."""

    field = next(one for one in app.screen.query(Field) if one.key == key and one.display)
    assert field.focus_editor()
    await pilot.pause()


async def typed(app: StepApp, pilot: Pilot[Any], key: str, text: str) -> None:
    """Have this text in a field, as if it were pasted."""
    await focus(app, pilot, key)
    entry = app.focused
    assert isinstance(entry, Input)
    entry.value = text
    await pilot.pause()


async def opened(app: StepApp, pilot: Pilot[Any]) -> None:
    await until(pilot, lambda: isinstance(app.screen, Dialog) and bool(screen_text(app)))
    await pilot.pause()


async def closed(app: StepApp, pilot: Pilot[Any]) -> None:
    await until(pilot, lambda: not isinstance(app.screen, Dialog))
    await pilot.pause()
