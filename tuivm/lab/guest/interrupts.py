"""How many interrupts a device has raised."""

from __future__ import annotations

from .devices import entries, pci_function, read_text

IDE_CLASS = 0x0101
IDE_IRQ = 14
"""Of the first channel of an IDE controller in compatibility mode; the second has the next one."""


class Counter:
    """Interrupts of the PCI function that a device belongs to, on all CPUs. path: in sysfs."""

    def __init__(self, path: str, root: str = "") -> None:
        self._lines = irqs(path)
        self._table = f"{root}/proc/interrupts"

    def read(self) -> int | None:
        """Since the guest started; None where the device's interrupts are not known."""
        if not self._lines:
            return None
        with open(self._table) as file:
            rows = file.read().splitlines()
        cpus = len(rows[0].split())
        found = None
        for row in rows[1:]:
            number, _, rest = row.partition(":")
            if number.strip() in self._lines:
                found = (found or 0) + sum(map(int, rest.split()[:cpus]))
        return found


def irqs(path: str) -> frozenset[str]:
    """Numbers of a device's interrupts, as /proc/interrupts begins its rows."""
    function = pci_function(path)
    messages = entries(f"{function}/msi_irqs") if function else []
    if messages:
        return frozenset(messages)
    # Two channels in compatibility mode have interrupts of their own, which are not PCI's.
    channel = _ide_channel(path, function) if function else None
    if channel is not None:
        return frozenset({str(IDE_IRQ + channel)})
    line = read_text(f"{function}/irq") if function else ""
    return frozenset({line} - {"", "0"})


def _ide_channel(path: str, function: str) -> int | None:
    """0 or 1 for a disk at such a controller."""
    code = int(read_text(f"{function}/class") or "0", 16)
    if code >> 8 != IDE_CLASS:
        return None
    ports = sorted(
        (name for name in entries(function) if _is_ata(name)), key=lambda name: int(name[3:])
    )
    port = path[len(function) :].strip("/").split("/")[0]
    if port not in ports:
        return None
    channel = ports.index(port)
    # Bits 0 and 2 of the programming interface: this channel is in PCI native mode.
    return None if code >> (2 * channel) & 1 else channel


def _is_ata(name: str) -> bool:
    return name[:3] == "ata" and name[3:].isdigit()


def since(before: int | None, now: int | None) -> int | None:
    return None if before is None or now is None else now - before
