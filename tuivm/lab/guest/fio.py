"""fio as the load generator, where the appliance has it."""

from __future__ import annotations

import json
import os
import signal
import time

from .devices import SECTOR, read_text
from .orders import OrderError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .devices import Disk
    from .watch import Watch

PLACES = ("/bin/fio", "/usr/bin/fio")


class Job:
    def __init__(
        self, *, op: str, size: int, depth: int, requests: int, seed: int, sequential: bool
    ) -> None:
        self.op = op
        self.size = size
        self.depth = depth
        self.requests = requests
        self.seed = seed
        self.sequential = sequential


def found(root: str = "") -> str | None:
    """Path of the program, None where there is none."""
    for place in PLACES:
        if os.access(f"{root}{place}", os.X_OK):
            return f"{root}{place}"
    return None


def version(program: str) -> str:
    """ "fio 3.33"; OrderError with the program's words where it does not start."""
    process = _Process([program, "--version"])
    try:
        process.finish()
        return process.output().strip().replace("fio-", "fio ", 1)
    finally:
        process.end()


def command(program: str, node: str, job: Job) -> list[str]:
    """One job, all in one process; reads cannot become writes by mistake."""
    pattern = job.op if job.sequential else f"rand{job.op}"
    return [
        program,
        "--name=tuivm",
        f"--filename={node}",
        f"--rw={pattern}",
        f"--bs={job.size}",
        f"--iodepth={job.depth}",
        # Of the whole disk; where that is less than is to be moved, from the beginning again.
        f"--io_size={job.requests * job.size}",
        f"--randseed={job.seed}",
        "--norandommap",
        "--ioengine=libaio",
        "--direct=1",
        "--thread",
        "--invalidate=0",
        "--disk_util=0",
        "--output-format=json",
        # From submission to completion, as the other generator has it; fio's "clat" begins later.
        "--lat_percentiles=1",
        "--clat_percentiles=0",
        "--percentile_list=50:95:99",
        *(["--readonly"] if job.op == "read" else []),
    ]


def parsed(text: str, op: str) -> dict[str, object]:
    """The fields of "done" from fio's JSON, before which it may have warned in plain words."""
    start = text.find("{")
    try:
        job = json.loads(text[start:])["jobs"][0]
        side = job[op]
        if job["error"]:
            raise OrderError(f"fio: {os.strerror(job['error'])}")
        percentiles = side["lat_ns"].get("percentile", {})
        return {
            "requests": side["total_ios"],
            "bytes": side["io_bytes"],
            # fio tells whole ms, and less than one as 0.
            "seconds": max(side["runtime"], 1) / 1e3,
            **{
                f"p{percent}": percentiles[key]
                for percent, key in ((50, "50.000000"), (95, "95.000000"), (99, "99.000000"))
                if key in percentiles
            },
        }
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise OrderError(f"fio's answer is not understood: {text[:200]}") from error


def run(program: str, disk: Disk, job: Job, watch: Watch) -> dict[str, object]:
    """The fields of "done" but for the interrupts and the generator."""
    watch.ready()
    before = _moved(disk)
    process = _Process(command(program, disk.node, job))
    try:
        due = watch.begin()
        started = False
        while not process.ended():
            done = (_moved(disk) - before) // job.size
            if done and not started:
                # fio's own start is no time of the workload.
                started = True
                due = watch.begin()
            if started and time.monotonic_ns() >= due:
                due = watch.beat(done)
            watch.wait(0.1)
        return parsed(process.output(), job.op)
    finally:
        process.end()


def _moved(disk: Disk) -> int:
    """Bytes read and written so far (Documentation/block/stat.rst: fields 3 and 7)."""
    fields = read_text(f"{disk.block}/stat").split()
    return (int(fields[2]) + int(fields[6])) * SECTOR


class _Process:
    """A child, with what it says kept in memory."""

    def __init__(self, words: list[str]) -> None:
        self._out, self._err = os.memfd_create("out"), os.memfd_create("err")
        actions = [(os.POSIX_SPAWN_DUP2, said, fd) for said, fd in ((self._out, 1), (self._err, 2))]
        try:
            self._pid = os.posix_spawn(words[0], words, os.environ, file_actions=actions)
        except OSError:
            self._close()
            raise
        self._status: int | None = None

    def ended(self) -> bool:
        if self._status is None:
            self._reap(os.WNOHANG)
        return self._status is not None

    def finish(self) -> None:
        if self._status is None:
            self._reap(0)

    def output(self) -> str:
        """All it has said; OrderError with its complaint where it failed."""
        said, complaint = _whole(self._out), _whole(self._err)
        if self._status:
            words = complaint.strip() or said.strip()
            raise OrderError(f"fio ended with {self._status}: {words[-300:]}")
        return said

    def end(self) -> None:
        """Kill it if it still runs; what it said is gone."""
        if not self.ended():
            os.kill(self._pid, signal.SIGKILL)
            self.finish()
        self._close()

    def _reap(self, options: int) -> None:
        pid, status = os.waitpid(self._pid, options)
        if pid:
            self._status = os.waitstatus_to_exitcode(status)

    def _close(self) -> None:
        os.close(self._out)
        os.close(self._err)


def _whole(fd: int) -> str:
    return os.pread(fd, os.fstat(fd).st_size, 0).decode("utf-8", "replace")
