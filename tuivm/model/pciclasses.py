"""What the class codes of PCI and USB devices stand for. Pure tables.

PCI's are those of the PCI-SIG's "PCI Code and ID Assignment Specification", USB's those of the
USB-IF's "Defined Class Codes".
"""

from __future__ import annotations

from typing import NamedTuple


class ClassWords(NamedTuple):
    """short: at most seven cells, for a column. full: for a sentence."""

    short: str
    full: str


_BASES = {
    "00": ClassWords("old", "made before class codes were"),
    "01": ClassWords("storage", "mass storage controller"),
    "02": ClassWords("net", "network controller"),
    "03": ClassWords("display", "display controller"),
    "04": ClassWords("media", "multimedia controller"),
    "05": ClassWords("memory", "memory controller"),
    "06": ClassWords("bridge", "bridge"),
    "07": ClassWords("comm", "communication controller"),
    "08": ClassWords("system", "base system peripheral"),
    "09": ClassWords("input", "input controller"),
    "0a": ClassWords("dock", "docking station"),
    "0b": ClassWords("CPU", "processor"),
    "0c": ClassWords("serial", "serial bus controller"),
    "0d": ClassWords("radio", "wireless controller"),
    "0e": ClassWords("i/o", "intelligent I/O controller"),
    "0f": ClassWords("satell", "satellite communication controller"),
    "10": ClassWords("crypto", "encryption controller"),
    "11": ClassWords("signal", "data acquisition or signal processing controller"),
    "12": ClassWords("accel", "processing accelerator"),
    "13": ClassWords("instr", "non-essential instrumentation"),
    "40": ClassWords("coproc", "co-processor"),
    "ff": ClassWords("other", "of no class that is defined"),
}
_SUBS = {
    "0001": ClassWords("VGA", "VGA compatible device, made before class codes were"),
    "0100": ClassWords("SCSI", "SCSI controller"),
    "0101": ClassWords("IDE", "IDE controller"),
    "0102": ClassWords("floppy", "floppy disk controller"),
    "0104": ClassWords("RAID", "RAID controller"),
    "0105": ClassWords("ATA", "ATA controller"),
    "0106": ClassWords("SATA", "SATA controller"),
    "0107": ClassWords("SAS", "SAS controller"),
    "0108": ClassWords("NVMe", "non-volatile memory controller"),
    "0109": ClassWords("UFS", "universal flash storage controller"),
    "0180": ClassWords("storage", "mass storage controller"),
    "0200": ClassWords("NIC", "Ethernet controller"),
    "0207": ClassWords("IB", "InfiniBand controller"),
    "0208": ClassWords("fabric", "fabric controller"),
    "0280": ClassWords("net", "network controller"),
    "0300": ClassWords("GPU", "VGA compatible display controller"),
    "0301": ClassWords("GPU", "XGA display controller"),
    "0302": ClassWords("3D", "3D controller (a GPU without a VGA part)"),
    "0380": ClassWords("display", "display controller"),
    "0400": ClassWords("video", "multimedia video controller"),
    "0401": ClassWords("audio", "multimedia audio controller"),
    "0403": ClassWords("audio", "HD Audio controller"),
    "0480": ClassWords("media", "multimedia controller"),
    "0500": ClassWords("RAM", "RAM controller"),
    "0501": ClassWords("flash", "flash memory controller"),
    "0502": ClassWords("CXL", "CXL memory device"),
    "0600": ClassWords("host", "host bridge"),
    "0601": ClassWords("ISA", "ISA bridge"),
    "0604": ClassWords("bridge", "PCI bridge or root port"),
    "0607": ClassWords("CardBus", "CardBus bridge"),
    "0609": ClassWords("bridge", "semi-transparent PCI bridge"),
    "0700": ClassWords("serial", "serial controller"),
    "0701": ClassWords("parall", "parallel controller"),
    "0703": ClassWords("modem", "modem"),
    "0780": ClassWords("comm", "communication controller"),
    "0800": ClassWords("PIC", "interrupt controller"),
    "0801": ClassWords("DMA", "DMA controller"),
    "0802": ClassWords("timer", "system timer"),
    "0803": ClassWords("RTC", "real-time clock"),
    "0804": ClassWords("hotplug", "PCI hot-plug controller"),
    "0805": ClassWords("SD", "SD host controller"),
    "0806": ClassWords("IOMMU", "IOMMU"),
    "0807": ClassWords("RCEC", "root complex event collector"),
    "0880": ClassWords("system", "base system peripheral"),
    "0b40": ClassWords("coproc", "co-processor"),
    "0c00": ClassWords("1394", "FireWire controller"),
    "0c03": ClassWords("USB", "USB controller"),
    "0c04": ClassWords("FC", "Fibre Channel controller"),
    "0c05": ClassWords("SMBus", "SMBus controller"),
    "0c07": ClassWords("IPMI", "IPMI interface"),
    "0d11": ClassWords("BT", "Bluetooth controller"),
    "0d80": ClassWords("radio", "wireless controller"),
    "1000": ClassWords("crypto", "network and computing encryption controller"),
    "1080": ClassWords("crypto", "encryption controller"),
    "1180": ClassWords("signal", "signal processing controller"),
    "1200": ClassWords("accel", "processing accelerator"),
}
_INTERFACES = {
    "010802": ClassWords("NVMe", "NVMe controller"),
    "010601": ClassWords("SATA", "SATA controller (AHCI)"),
    "0c0300": ClassWords("USB", "USB controller (UHCI)"),
    "0c0310": ClassWords("USB", "USB controller (OHCI)"),
    "0c0320": ClassWords("USB", "USB controller (EHCI)"),
    "0c0330": ClassWords("USB", "USB controller (xHCI)"),
    "0c0340": ClassWords("USB4", "USB4 host interface"),
    "0c03fe": ClassWords("USB", "USB device, not a host controller"),
}
_USB = {
    "00": ClassWords("", "told by its interfaces"),
    "01": ClassWords("audio", "audio"),
    "02": ClassWords("comm", "communication (modem, serial line, network)"),
    "03": ClassWords("HID", "human interface device (keyboard, mouse, tablet, key)"),
    "05": ClassWords("force", "physical feedback"),
    "06": ClassWords("camera", "still camera"),
    "07": ClassWords("printer", "printer"),
    "08": ClassWords("storage", "mass storage"),
    "09": ClassWords("hub", "hub"),
    "0a": ClassWords("data", "data of a communication device"),
    "0b": ClassWords("card", "smart card reader"),
    "0d": ClassWords("content", "content security"),
    "0e": ClassWords("video", "video"),
    "0f": ClassWords("health", "personal healthcare"),
    "10": ClassWords("A/V", "audio and video"),
    "11": ClassWords("board", "billboard"),
    "12": ClassWords("bridge", "USB Type-C bridge"),
    "dc": ClassWords("debug", "diagnostics"),
    "e0": ClassWords("radio", "wireless controller (Bluetooth)"),
    "ef": ClassWords("misc", "of several functions"),
    "fe": ClassWords("special", "of an application (firmware update, IrDA, test)"),
    "ff": ClassWords("vendor", "of its vendor's own class"),
}
_UNKNOWN = ClassWords("?", "of a class that is not known")
_UNTOLD = ClassWords("", "of a class that is not told")


def pci_class(code: str) -> ClassWords:
    """code: six hex digits (base class, sub-class, programming interface); "" for not told."""
    code = code.lower()
    if not code:
        return _UNTOLD
    found = _INTERFACES.get(code) or _SUBS.get(code[:4]) or _BASES.get(code[:2])
    return found or _UNKNOWN


def usb_class(code: str) -> ClassWords:
    """code: two hex digits; "" for not told."""
    return _USB.get(code.lower(), _UNKNOWN) if code else _UNTOLD
