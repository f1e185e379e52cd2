"""The machine of a new definition: firmware, features, clock, controllers, TPM."""

from __future__ import annotations

import re

from tuivm.domainxml.build_boot import boot_devices, ends_at_reboot
from tuivm.domainxml.build_parts import Making, element
from tuivm.domainxml.parse import Element
from tuivm.model.creation import Placed
from tuivm.model.spec import Firmware

_FIRMWARE_FEATURES_SINCE = 7_002_000
_UEFI = (Firmware.UEFI, Firmware.UEFI_SECURE)
_UEFI_IMAGE = re.compile(r"ovmf|aavmf|edk2|qemu[-_]efi|uefi", re.IGNORECASE)
_SECURE_IMAGE = re.compile(r"secboot|secure|\.ms\.|[-_]ms[-.]", re.IGNORECASE)
_XHCI = ("qemu-xhci", "nec-xhci", "nec-usb-xhci")
ROOT_PORTS = 14
_FREE_PORTS = 4


def os_element(making: Making) -> Element:
    """`<os>`: libvirt picks the firmware's image where it can, else one of those that it lists.

    Raises ValueError for a kernel without a path on the host.
    """
    machine = element("type", making.os_type, arch=making.arch, machine=making.machine)
    root = element("os", machine)
    if making.spec.machine.firmware in _UEFI:
        _firmware(making, root)
    root.extend(element("boot", dev=device) for device in boot_devices(making))
    if making.direct_kernel:
        for tag, placed in (("kernel", making.kernel), ("initrd", making.initrd)):
            if placed is not None:
                root.append(element(tag, _path(placed)))
        if making.spec.source.cmdline:
            root.append(element("cmdline", making.spec.source.cmdline))
    return root


def features(making: Making) -> Element | None:
    """ACPI and APIC where the machine has them, and what firmware, OS and vIOMMU ask for."""
    spec, kvm = making.spec, making.virt_type == "kvm"
    uefi = spec.machine.firmware in _UEFI
    made: list[Element] = []
    # ACPI of the other machines comes with their UEFI; libvirt refuses it where there is none.
    if making.x86 or (making.arm and uefi):
        made.append(element("acpi"))
    if making.x86:
        made.append(element("apic"))
        if making.arch == "i686" or making.virt_type == "xen":
            made.append(element("pae"))
    if (hyperv := _hyperv(making)) is not None:
        made.append(hyperv)
    if spec.machine.hide_hypervisor and kvm:
        made.append(element("kvm", element("hidden", state="on")))
    if making.x86 and kvm:
        # VMware's back door: nothing needs it, and it gets in the way of the mouse in X.
        made.append(element("vmport", state="off"))
    if making.x86 and spec.machine.firmware is Firmware.UEFI_SECURE:
        made.append(element("smm", state="on"))
    if spec.machine.viommu == "intel" and kvm:
        made.append(element("ioapic", driver="qemu"))
    if making.arch == "aarch64" and not kvm and spec.vcpus > 8:
        # The version that libvirt takes without KVM serves eight CPUs.
        made.append(element("gic", version=3))
    if making.ppc and kvm and spec.machine.nested:
        made.append(element("nested-hv", state="on"))
    return element("features", *made) if made else None


def clock(making: Making) -> Element:
    """Windows takes the clock for local time. The timers are what keeps it right on x86."""
    made = element("clock", offset="localtime" if making.windows else "utc")
    if making.x86 and making.qemu:
        made.append(element("timer", name="rtc", tickpolicy="catchup"))
        made.append(element("timer", name="pit", tickpolicy="delay"))
        made.append(element("timer", name="hpet", present="no"))
        if making.windows and making.virt_type == "kvm":
            made.append(element("timer", name="hypervclock", present="yes"))
    return made


def events(making: Making) -> list[Element]:
    """What becomes of the guest when it ends, restarts or crashes."""
    reboot = "destroy" if ends_at_reboot(making) else "restart"
    return [
        element("on_poweroff", "destroy"),
        element("on_reboot", reboot),
        element("on_crash", "destroy"),
    ]


def pm(making: Making) -> Element | None:
    """No sleep: a guest that suspends itself looks hung, and few wake up well."""
    if not (making.x86 and making.qemu):
        return None
    return element(
        "pm",
        element("suspend-to-mem", enabled="no"),
        element("suspend-to-disk", enabled="no"),
    )


def usb_controllers(making: Making) -> list[Element]:
    """USB 3, or USB 2 with its companions for an OS known to have no driver for it."""
    if making.s390x or not making.qemu:
        return []
    if making.x86 and making.windows and making.has_driver(*_XHCI) is False:
        models = ("ich9-ehci1", "ich9-uhci1", "ich9-uhci2", "ich9-uhci3")
        ports = (None, 0, 2, 4)
        return [
            element(
                "controller",
                None if port is None else element("master", startport=port),
                type="usb",
                index=0,
                model=model,
            )
            for model, port in zip(models, ports, strict=True)
        ]
    return [element("controller", type="usb", model="qemu-xhci", ports=15)]


def pcie_controllers(making: Making, devices: list[Element]) -> list[Element]:
    """Root ports: as many as virt-install gives, or enough for `devices` and four to plug in.

    libvirt would make just those that are used, and one.
    """
    if not making.pcie:
        return []
    ports = max(ROOT_PORTS, sum(map(_on_port, devices)) + _FREE_PORTS)
    root = element("controller", type="pci", index=0, model="pcie-root")
    return [
        root,
        *(element("controller", type="pci", model="pcie-root-port") for _ in range(ports)),
    ]


def tpm(making: Making) -> Element | None:
    """A TPM 2.0 made by swtpm, in the newest model that the host has."""
    if not making.spec.machine.tpm:
        return None
    wanted = (
        ("tpm-spapr",) if making.ppc else ("tpm-crb", "tpm-tis") if making.x86 else ("tpm-tis",)
    )
    offered = making.caps.tpm_models
    model = next((one for one in wanted if not offered or one in offered), wanted[-1])
    return element("tpm", element("backend", type="emulator", version="2.0"), model=model)


def _firmware(making: Making, root: Element) -> None:
    secure = making.spec.machine.firmware is Firmware.UEFI_SECURE
    version = making.offer.libvirt_version
    if making.caps.loaders and "efi" not in making.caps.firmware:
        _loader(making, root, secure=secure)
        return
    root.set("firmware", "efi")
    if version and version < _FIRMWARE_FEATURES_SINCE:
        root.append(element("loader", secure="yes" if secure else "no"))
        return
    names = ("secure-boot", "enrolled-keys") if secure else ("secure-boot",)
    state = "yes" if secure else "no"
    root.append(
        element("firmware", *(element("feature", enabled=state, name=name) for name in names))
    )


def _loader(making: Making, root: Element, *, secure: bool) -> None:
    """An image that the host lists. libvirt knows the template of the variables of each of them."""
    images = [path for path in making.caps.loaders if _UEFI_IMAGE.search(path)]
    fitting = [path for path in images if bool(_SECURE_IMAGE.search(path)) == secure]
    # Of the secure ones those with Microsoft's keys in their variables.
    fitting.sort(key=lambda path: not re.search(r"ms[-.]", path, re.IGNORECASE))
    if not fitting:
        kind = "UEFI with Secure Boot" if secure else "UEFI"
        raise ValueError(f"the host has no firmware image for {kind}")
    loader = element("loader", fitting[0], readonly="yes", type="pflash")
    if secure:
        loader.set("secure", "yes")
    root.append(loader)


def _hyperv(making: Making) -> Element | None:
    """What Windows knows itself to be on: it then waits and tells time without exits. A vendor id
    is shown to any guest that asks for one."""
    if not making.x86 or making.virt_type != "kvm":
        return None
    made = element("hyperv", mode="custom")
    if making.windows:
        plain = ("relaxed", "vapic", "vpindex", "runtime", "synic", "stimer", "frequencies")
        made.extend(element(name, state="on") for name in plain)
        made.insert(2, element("spinlocks", state="on", retries=8191))
    if vendor := making.spec.machine.vendor_id:
        made.append(element("vendor_id", state="on", value=vendor))
    return made if len(made) else None


def _path(placed: Placed) -> str:
    if not placed.path:
        raise ValueError(f"volume {placed.volume} of pool {placed.pool} has no path to start from")
    return placed.path


def _on_port(device: Element) -> bool:
    """The device takes a root port: all of virtio's and the host's, NICs and USB 3."""
    if device.tag in ("interface", "memballoon", "rng"):
        return True
    if device.tag == "disk":
        target = device.find("target")
        return target is not None and target.get("bus") in ("virtio", "nvme")
    if device.tag == "hostdev":
        return device.get("type") in ("pci", "mdev")
    return device.tag == "controller"
