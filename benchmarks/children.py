"""Programs that the benchmarks run on a terminal: `python -m benchmarks.children WHAT …`.

empty N                     an empty Textual app with a DataTable of N rows
live SIZE RESULT            tuivm with SIZE simulated guests that change once a second
charted SIZE RESULT         the same, each with eight devices of two classes, and four vCPUs
hours SIZE                  the same with 10 devices each, an hour of it as fast as it goes, and
                            then five more in which every series varies
devices                     tuivm on a simulated host with a great many devices
aged RESULT URI             tuivm on a real host; RESULT gets how old each picture had become
"""

from __future__ import annotations

import gc
import json
import random
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

from textual.app import App, ComposeResult
from textual.widgets import DataTable

_HOUR = 3600


class _Empty(App[None]):
    """The least that a program with a table can be."""

    def __init__(self, rows: int) -> None:
        super().__init__()
        self._rows = rows

    def compose(self) -> ComposeResult:
        yield DataTable()

    def on_mount(self) -> None:
        table = self.query_one(DataTable)
        table.add_columns("name", "state", "cpu")
        for number in range(self._rows):
            table.add_row(f"guest-{number}", "running", "0.0")

    def key_q(self) -> None:
        self.exit()


def _live(size: int, result: Path, *, charted: bool = False) -> None:
    from tests.support.simhost import (  # noqa: PLC0415 - not for `empty`
        LEGACY,
        VIRTIO,
        Clock,
        SimHost,
        SimMaker,
    )
    from tuivm.app import TuivmApp  # noqa: PLC0415
    from tuivm.model.hosts import HostSpec  # noqa: PLC0415

    class RealClock(Clock):
        def __call__(self) -> float:
            return time.monotonic()

    def prepare(host: SimHost) -> None:
        for number in range(size):
            name = f"guest-{number:03}"
            if charted:
                host.add_guest(name, devices=eight, vcpus=4)
            else:
                host.add_guest(name)

    eight = tuple(
        device._replace(target=f"{device.target}{number}")
        for device in (*VIRTIO, *LEGACY)
        if device.counted
        for number in range(2)
    )
    maker = SimMaker(RealClock(), prepare)
    app = TuivmApp(maker, [HostSpec("sim", "test:///sim")])
    spent = 0.0

    def feed() -> None:
        nonlocal spent
        while not app.is_running:
            time.sleep(0.05)
        begun = time.monotonic()
        for tick in range(1, 1_000_000):
            before = time.thread_time()
            for host in maker.hosts.values():
                host.tick()
            spent += time.thread_time() - before
            result.write_text(json.dumps({"feeding": spent}), encoding="utf-8")
            time.sleep(max(0.0, begun + tick - time.monotonic()))

    threading.Thread(target=feed, daemon=True).start()
    _run(app)


def _run(app: App[object]) -> None:
    # As tuivm's own start does.
    gc.freeze()
    app.run()


def _devices() -> None:
    from tests.support.devicehosts import large  # noqa: PLC0415 - not for `empty`
    from tests.support.simhost import Clock, SimHost, SimMaker  # noqa: PLC0415
    from tuivm.app import TuivmApp  # noqa: PLC0415
    from tuivm.model.hosts import HostSpec  # noqa: PLC0415

    def prepare(host: SimHost) -> None:
        host.add_guest("guest-1")
        host.device_port.offer = large()

    # Its clock stands still: nothing but the keys changes what is shown.
    clock = Clock()
    maker = SimMaker(clock, prepare)
    app = TuivmApp(maker, [HostSpec("sim", "test:///sim")], clock=clock)
    app.call_later(maker.tick)
    _run(app)


def _hours(size: int) -> None:
    from tests.support.simhost import Clock, SimHost, SimMaker  # noqa: PLC0415 - not for `empty`
    from tuivm import start  # noqa: PLC0415, F401 - what the real program loads counts too
    from tuivm.app import TuivmApp  # noqa: PLC0415
    from tuivm.hypervisor.sampler import Rotation  # noqa: PLC0415
    from tuivm.model.devices import Device, DeviceClass, DeviceKind  # noqa: PLC0415
    from tuivm.model.hosts import HostSpec  # noqa: PLC0415
    from tuivm.model.ports import Sinks  # noqa: PLC0415
    from tuivm.model.snapshot import HostSnapshot  # noqa: PLC0415

    clock, figures = Clock(), random.Random(1)

    def devices(guest: int) -> tuple[Device, ...]:
        kinds = ((DeviceKind.DISK, "virtio-blk", "vd"), (DeviceKind.NIC, "virtio-net", "vnet"))
        return tuple(
            Device(kind, DeviceClass.PARAVIRTUAL, model, f"{name}{guest}-{n}", counted=True)
            for kind, model, name in kinds
            for n in range(5)
        )

    def prepare(host: SimHost) -> None:
        for number in range(size):
            host.add_guest(f"guest-{number:03}", devices=devices(number))

    class InTurns(SimMaker):
        """Its hosts sample the guests in view and a slice of the others, as real ones do."""

        def make(self, spec: HostSpec, sinks: Sinks) -> SimHost:
            turns = Rotation()

            def some(snapshot: HostSnapshot) -> None:
                turn = turns.next(list(snapshot.samples), host.view.guests)
                samples = {uuid: snapshot.samples[uuid] for uuid in turn}
                sinks.snapshot(snapshot._replace(samples=samples))

            host = super().make(spec, sinks._replace(snapshot=some))
            return host

    maker = InTurns(clock, prepare)
    app = TuivmApp(maker, [HostSpec("sim", "test:///sim")], clock=clock)
    ticks = 0

    def feed() -> None:
        nonlocal ticks
        for _ in range(5):
            if ticks < _HOUR:
                maker.tick()
                app.fleet.drain()
                ticks += 1
        if ticks < _HOUR:
            app.paint_now()
        elif ticks == _HOUR:
            app.paint_now()
            app.say("an hour has passed")
            ticks += 1
        elif ticks <= 6 * _HOUR:
            # The screen shows what it is; only the history goes on.
            for key in list(app.store.history.keys()):
                app.store.history.push(key, clock() + ticks - _HOUR, figures.random() * 1e9, 5.0)
            ticks += 5
            if ticks > 6 * _HOUR:
                app.say("six hours have passed")

    app.call_later(lambda: app.set_interval(0.01, feed))
    _run(app)


def _aged(result: Path, uri: str) -> None:
    from tuivm.app import TuivmApp  # noqa: PLC0415 - not for `empty`
    from tuivm.hypervisor.maker import LibvirtHosts  # noqa: PLC0415
    from tuivm.model.hosts import HostSpec  # noqa: PLC0415
    from tuivm.screens.guests import GuestsScreen  # noqa: PLC0415

    ages: list[float] = []

    class Aged(TuivmApp):
        """Notes before each picture how old the figures on the last one have become."""

        oldest: float | None = None

        def paint_now(self) -> None:
            now, painted = self.now(), self._painted
            if self.oldest is not None:
                ages.append(now - self.oldest)
                if len(ages) % 5 == 0:
                    result.write_text(json.dumps(ages), encoding="utf-8")
            super().paint_now()
            if isinstance(self.screen, GuestsScreen) and self._painted != painted:
                views = (self.store.guest(key) for key in self.screen._visible)
                times = [view.rates.at for view in views if view and view.rates]
                self.oldest = min(times, default=None)

    Aged(LibvirtHosts(), [HostSpec("rig", uri)]).run()


def main() -> None:
    """Run the program that the command line names."""
    what, *rest = sys.argv[1:]
    run: dict[str, Callable[[], None]] = {
        "empty": lambda: _Empty(int(rest[0])).run(),
        "live": lambda: _live(int(rest[0]), Path(rest[1])),
        "charted": lambda: _live(int(rest[0]), Path(rest[1]), charted=True),
        "devices": _devices,
        "hours": lambda: _hours(int(rest[0])),
        "aged": lambda: _aged(Path(rest[0]), rest[-1]),
    }
    run[what]()


if __name__ == "__main__":
    main()
    # Late: the empty app is an ordinary one, which loads nothing of tuivm.
    from tuivm.entry import end

    end(0)
