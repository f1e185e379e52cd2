"""`python -m benchmarks [--quick] [--write] [PART …]`: measure, and print one table.

Run as a user who may make namespaces (root): most of it is measured on a private libvirtd.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator

from benchmarks import crowd, devices, keys, starting, steady
from benchmarks.report import Row, as_text, write
from tests.support.guests import GuestFactory, guest_xml
from tests.support.rig import Rig

NOTES = """# Benchmarks

`make bench` measures and prints this table (`ARGS="--write"` puts it here, `ARGS="--quick"` takes
fewer turns). Nothing of it is a test: figures depend on the machine, so that what is compared is
measured beside it in the same run.

- Every program runs on a pty of its own; what is timed is the arrival of its bytes there. CPU time
  is the kernel's count for the whole process.
- *Start*: from the command to the first guest on the screen, against an ordinary Textual app that
  shows a DataTable of five rows and nothing else. The ratio is the median of those of each pair.
- *Simulated guests* change in every figure once a second; the making of the figures is not counted.
- *8 charts*: the performance tab with eight charts on the screen, of a guest with four vCPUs, four
  disks and four NICs of two classes.
- *Key to repaint*: until the highlighted row is another one.
- *The PCI and USB pages* are those of a simulated host that answers at once; the page is opened for
  the first time in the program's life. From a key until the highlighted row is another one, and
  until the lines under the tree tell of it, which is one picture later.
- *100 guests of QEMU* run under a libvirtd of the benchmark's own, each with a disk and a NIC. They
  have no operating system and idle in their firmware.
- Of what the start takes on top of the empty app, over a quarter is to load libvirt's client
  library and lxml; then come the import of our own modules, and the stylesheets and first layout of
  our widgets. Hosts are opened before Textual is imported: the first list waits for the first
  picture, not the other way round.
- Of the widgets alone: `python -m benchmarks.chart`, `python -m benchmarks.table`.
"""


def _few(rig: Rig) -> GuestFactory:
    """Five guests: three off, two paused."""
    factory = GuestFactory(rig)
    for number in range(3):
        factory.define(guest_xml(f"off-{number}"))
    for number in range(2):
        factory.start(guest_xml(f"paused-{number}"))
    return factory


def _measure(parts: frozenset[str], *, quick: bool) -> Iterator[Row]:
    """The rows, each as soon as it is known."""
    seconds = 8 if quick else 30
    presses = 80 if quick else 400

    def wanted(part: str) -> bool:
        return not parts or part in parts

    if wanted("steady"):
        yield from steady.measure(seconds)
    if wanted("charts"):
        yield from steady.measure_charts(seconds)
    if wanted("memory"):
        yield from steady.measure_memory()
    if wanted("thousand"):
        yield from keys.measure_thousand(3 if quick else 9, presses)
    if wanted("devices"):
        yield from devices.measure(3 if quick else 9, presses)
    if wanted("dead"):
        yield from keys.measure_dead(3 if quick else 9, presses)
    with Rig() as rig:
        factory = _few(rig)
        if wanted("start"):
            yield from starting.measure(rig.uri, "paused-1", 5 if quick else 21)
        if wanted("idle"):
            yield from steady.measure_idle(rig.uri, "paused-1", seconds)
        if wanted("hung"):
            yield from keys.measure_hung(rig, presses)
        factory.clean()
        if wanted("crowd"):
            yield from crowd.measure(rig, 100, seconds)


PARTS = (
    "start",
    "steady",
    "charts",
    "idle",
    "hung",
    "thousand",
    "devices",
    "dead",
    "memory",
    "crowd",
)


def main() -> int:
    """0 when every budget is kept, else 1."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer turns, rougher figures")
    parser.add_argument("--write", action="store_true", help="put the table into docs/")
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of: {', '.join(PARTS)}")
    given = parser.parse_args()
    if unknown := set(given.parts) - set(PARTS):
        parser.error(f"no such part: {', '.join(sorted(unknown))}")
    rows: list[Row] = []
    told: Callable[[str], object] = sys.stderr.write
    for row in _measure(frozenset(given.parts), quick=given.quick):
        told(f"… {row.what}: {row.figure}\n")
        rows.append(row)
    print(as_text(rows))
    if given.write:
        write(rows, NOTES)
    return 0 if all(row.met is not False for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
