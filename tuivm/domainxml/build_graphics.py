"""What a new guest is seen and reached by: consoles, graphics, input, the guest agent's channel."""

from __future__ import annotations

from tuivm.domainxml.build_parts import Making, element
from tuivm.domainxml.parse import Element
from tuivm.model.spec import Graphics

_VIRTIO_GPU = ("virtio-gpu", "virtio1.0-gpu", "virtio-vga")
_LOOPBACK = "127.0.0.1"


def consoles(making: Making) -> list[Element]:
    """A serial console always; s390x has none but its service element's, Xen its own."""
    if making.s390x:
        return [_console("sclp")]
    if making.os_type == "xen":
        return [_console("xen")]
    serial = element("serial", element("target", port=0), type="pty")
    return [serial, _console("serial")]


def channels(making: Making) -> list[Element]:
    """The guest agent's, and SPICE's."""
    if not making.virtio:
        return []
    made = [_channel("unix", "org.qemu.guest_agent.0")]
    if making.spec.graphics is Graphics.SPICE:
        made.append(_channel("spicevmc", "com.redhat.spice.0"))
    return made


def graphics(making: Making) -> list[Element]:
    """Pointer and keyboard, display, video card. Only this host itself may connect."""
    if not making.graphical:
        return []
    spice = making.spec.graphics is Graphics.SPICE
    display = element(
        "graphics",
        element("listen", type="address", address=_LOOPBACK),
        element("image", compression="off") if spice else None,
        type="spice" if spice else "vnc",
        port="" if spice else -1,
        autoport="yes",
    )
    video = element("video", element("model", type=_video(making)))
    return [*_inputs(making), display, video]


def _inputs(making: Making) -> list[Element]:
    """A tablet: its pointer follows the person's own without being caught. A keyboard where the
    machine brings none."""
    bus = "virtio" if making.s390x else "usb"
    made = [element("input", type="tablet", bus=bus)]
    if making.arm or making.riscv or making.s390x:
        made.append(element("input", type="keyboard", bus=bus))
    return made


def _video(making: Making) -> str:
    """The best model that the host has and the OS can drive; VGA needs no driver.

    virtio's is preferred where the OS has one (Linux does), and is s390x's only one. QXL pays only
    with SPICE. VGA's memory does not work with KVM on ARM, ramfb does.
    """
    wanted = ["vga", "bochs", "cirrus"]
    if making.arm:
        wanted = ["ramfb", *wanted]
    if making.windows and making.x86 and making.spec.graphics is Graphics.SPICE:
        wanted.insert(0, "qxl")
    linux = making.os.family == "linux" or not making.x86
    driven = making.has_driver(*_VIRTIO_GPU)
    # SLOF, the firmware of ppc64, shows itself on VGA alone.
    if making.virtio and not making.ppc and (linux if driven is None else driven):
        wanted.insert(0, "virtio")
    if making.s390x:
        wanted = ["virtio"]
    offered = making.caps.videos
    return next((model for model in wanted if not offered or model in offered), "none")


def _console(target: str) -> Element:
    port = 0 if target == "serial" else ""
    return element("console", element("target", type=target, port=port), type="pty")


def _channel(kind: str, name: str) -> Element:
    return element("channel", element("target", type="virtio", name=name), type=kind)
