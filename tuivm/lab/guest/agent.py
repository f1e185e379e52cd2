"""The agent: takes orders from the Lab, one after the other, for as long as the guest runs."""

from __future__ import annotations

import os
import time

from .devices import disks, nics
from .line import Line, find_port
from .orders import Order, OrderError, StoppedError
from .watch import Watch

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from .devices import Disk, Nic
    from .load import Load

GENERATOR = "tuivm (libaio)"
PROTOCOL = 1
QUIET = "/quiet"
"""A file that tells the loader of drivers (init.sh) to look for devices no more."""
HELLO = 1.0
"""Seconds between one hello and the next, until the first order comes."""
_MEASURING = ("io", "frames", "compute")


class Agent:
    """root: where /sys, /proc and /dev are, for tests."""

    def __init__(self, line: Line, root: str = "") -> None:
        self._line = line
        self._root = root
        self._inbox: list[dict[str, object]] = []
        self._remarks: list[str] = []
        self._fio = ""
        self._load: Load | None = None
        self._greeting = True
        self._greeted = 0.0
        self._hello: dict[str, object] = {}
        self._orders: dict[object, Callable[[Order, Watch], dict[str, object]]] = {
            "devices": self._devices,
            "wait": self._wait,
            "io": self._io,
            "frames": self._frames,
            "compute": self._compute,
            "load": self._begin_load,
            "stop": self._stop,
            "poweroff": self._power_off,
        }

    def run(self) -> None:
        """For ever."""
        self.prepare()
        while True:
            self.turn()

    def prepare(self) -> None:
        """Find out what is said in hello."""
        self._find_fio()
        system = os.uname()
        self._hello = {
            "type": "hello",
            "protocol": PROTOCOL,
            "generator": self._fio or GENERATOR,
            "kernel": system.release,
            "arch": system.machine,
            "boot": time.clock_gettime(time.CLOCK_BOOTTIME),
            "remarks": self._remarks,
        }

    def turn(self) -> None:
        """Wait for an order, saying hello meanwhile, and work it off."""
        while not self._inbox:
            was_connected = self._line.connected
            self._inbox += self._line.messages(HELLO if self._line.connected else 0.1)
            if self._line.connected and not was_connected:
                # Somebody new listens.
                self._greeting, self._greeted = True, 0.0
            now = time.monotonic()
            if self._greeting and self._line.connected and now - self._greeted >= HELLO:
                self._greeted = now
                self._line.send(self._hello, droppable=True)
        self._greeting = False
        self._work_off(self._inbox.pop(0))

    def _work_off(self, message: dict[str, object]) -> None:
        order = Order(message)
        try:
            answer = self._carry_out(order)
        except StoppedError:
            answer = {"type": "failed", "why": "stopped"}
        except (OrderError, OSError) as error:
            answer = {"type": "failed", "why": str(error)}
        except Exception as error:  # noqa: BLE001 - the guest is of no use without its agent
            answer = {"type": "failed", "why": f"{type(error).__name__}: {error}"}
        self._line.send({**answer, "id": order.id})

    def _carry_out(self, order: Order) -> dict[str, object]:
        if order.do != "stop" and any(later.get("do") == "stop" for later in self._inbox):
            raise StoppedError
        work = self._orders.get(order.do) if isinstance(order.do, str) else None
        if work is None:
            raise OrderError("this is no order")
        if order.do in _MEASURING:
            with open(f"{self._root}{QUIET}", "wb"):
                pass
        quiet = order.flag("traced")
        if quiet and self._load is not None and self._load.running:
            raise OrderError("a load is running, so the guest cannot be quiet")
        held = order.flag("held")
        return work(order, Watch(self._line, self._inbox, order.id, quiet=quiet, held=held))

    def _find_fio(self) -> None:
        from . import fio  # noqa: PLC0415 - what an order needs is imported when it comes

        program = fio.found(self._root)
        if program is None:
            return
        try:
            self._fio = fio.version(program)
        except (OrderError, OSError) as error:
            self._remarks.append(f"fio does not start, so it is not used: {error}")

    def _devices(self, _order: Order, _watch: Watch) -> dict[str, object]:
        return self._told(disks(self._root), nics(self._root))

    def _wait(self, order: Order, watch: Watch) -> dict[str, object]:
        serials = set(order.texts("serials"))
        macs = {mac.lower() for mac in order.texts("macs")}
        until = time.monotonic() + order.real("timeout", 0)
        while True:
            found, cards = disks(self._root), nics(self._root)
            missing = serials.difference(disk.serial for disk in found)
            missing |= macs.difference(nic.mac for nic in cards)
            if not missing:
                return self._told(found, cards)
            if time.monotonic() > until:
                raise OrderError(f"not there: {', '.join(sorted(missing))}")
            watch.wait(0.1)

    def _told(self, found: list[Disk], cards: list[Nic]) -> dict[str, object]:
        return {
            "type": "devices",
            "disks": [disk.told() for disk in found],
            "nics": [nic.told() for nic in cards],
        }

    def _io(self, order: Order, watch: Watch) -> dict[str, object]:
        from . import blocks  # noqa: PLC0415

        done = blocks.carry_out(order, watch, fio_name=self._fio, root=self._root)
        return {"type": "done", **done}

    def _frames(self, order: Order, watch: Watch) -> dict[str, object]:
        from . import frames  # noqa: PLC0415

        return {"type": "done", **frames.carry_out(order, watch, self._root)}

    def _compute(self, order: Order, watch: Watch) -> dict[str, object]:
        from . import compute  # noqa: PLC0415

        return {"type": "done", **compute.carry_out(order, watch)}

    def _begin_load(self, order: Order, watch: Watch) -> dict[str, object]:
        from .load import Load  # noqa: PLC0415

        if self._load is None:
            self._load = Load(self._root)
        self._load.begin(order, watch, self._line.fd)
        return {"type": "begun"}

    def _stop(self, _order: Order, _watch: Watch) -> dict[str, object]:
        if self._load is not None:
            self._load.end()
        return {"type": "stopped"}

    def _power_off(self, _order: Order, _watch: Watch) -> dict[str, object]:
        from .native import power_off  # noqa: PLC0415

        os.sync()
        power_off()
        raise OrderError("the guest is still on")


def main() -> None:
    """Waits for the port, whose driver may not be loaded yet."""
    while (port := find_port()) is None:
        time.sleep(0.02)
    Agent(Line(os.open(port, os.O_RDWR | os.O_CLOEXEC))).run()
