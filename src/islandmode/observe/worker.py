"""A vantage's worker: given its whole schedule, it looks alone and writes down what it saw. Standard library only.

    python -m islandmode.observe.worker run SPOOL      schedule as one line of JSON; says "ready", then goes on alone
    python -m islandmode.observe.worker live SPOOL     the same, but stays where it is and also prints each sample

observe/worker_host.py answers what else is asked of a worker's host.

How it works. Every probe has a fixed grid of times, staggered against the others. At each a sample begins; a slow sample
never delays the next, and where too many are under way the slot is recorded as unknown. A probe that keeps one
connection has one question on it at a time: the slots that pass while its answer is awaited are that question's.
Samples go into a spool of short segments: `N.part` is being written, `N.jsonl` is closed. Each line names the SHA-256
of the line before it. `pid` is locked while the worker lives, so that a process that got its number later is never signalled;
`ended` says why it ended: schedule, asked, full (the spool's bound), disk, or left (its listener died).
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import fcntl
import hashlib
import json
import os
import signal
import sys
import time
from collections import deque
from typing import Any, BinaryIO

from islandmode.observe import looks as probes
from islandmode.observe.answers import UNKNOWN
from islandmode.observe.looks import LATE, LOOKS, monotonic_us

FORMAT = 1
SEGMENT_S = 1.0
SPOOL_MAX_BYTES = 256 * 1024 * 1024
RESERVE, RESERVE_MAX_BYTES, RESERVE_STEP_BYTES = "reserve", 64 * 1024 * 1024, 64 * 1024
SAMPLE_BYTES = 400  # a generous line, reserved for each sample of the schedule
LEFT_S = 15.0  # for how long a worker whose listener died goes on: what brings the plant back then may still be seen
IN_FLIGHT_MAX = 16
LATE_SLOTS_MAX = 20
UNSAID_MAX_LINES = 20_000  # what a listener that stood still may still hear late
GENESIS = "0" * 64

Schedule = dict[str, Any]
Looks = dict[str, Any]


class SpoolLost(Exception):
    """The spool cannot be written any more: its folder is gone, or its disk failed or is full."""


class Spool:
    """Segments of samples in one folder, bounded, chained, each readable by anything that reads lines."""

    def __init__(self, folder: str, run: str, vantage: str, live: int | None, reserve_bytes: int = 0) -> None:
        """Reserve room for what is to come; `live` also gets every line, where somebody listens."""
        self._folder = folder
        self._head = {"v": FORMAT, "run": run, "vantage": vantage}
        self._live = live
        self._unsaid: deque[bytes] = deque(maxlen=UNSAID_MAX_LINES)
        self._previous = GENESIS
        self._number = 0
        self._written = 0
        self._file: BinaryIO | None = None
        self._since = time.monotonic()
        self._reserved = self._reserve(reserve_bytes)
        self._left_at = float("inf")
        self.full = self.left = False

    def add(self, sample: dict[str, Any]) -> None:
        """Write one sample down; raises `SpoolLost` when that is not possible any more."""
        if self.full:
            return
        line = json.dumps({**self._head, **sample, "prev": self._previous}, separators=(",", ":")).encode() + b"\n"
        try:
            self._append(line)
        except OSError as error:
            raise SpoolLost(error.strerror or "the spool cannot be written") from None
        self._previous = hashlib.sha256(line).hexdigest()
        self._written += len(line)
        self.full = self._written > SPOOL_MAX_BYTES
        self._say(line)
        self.left = time.monotonic() - self._left_at > LEFT_S
        if time.monotonic() - self._since > SEGMENT_S:
            self.close_segment()

    def _reserve(self, wanted: int) -> int:
        """Reserve room for the case that the disk fills up later; less, or none, when there is not enough."""
        path = os.path.join(self._folder, RESERVE)
        try:
            with open(path, "wb") as file:
                os.posix_fallocate(file.fileno(), 0, max(wanted, 1))
        except OSError:
            with contextlib.suppress(OSError):
                os.unlink(path)
            return 0
        return wanted

    def _give_back(self) -> bool:
        """Free a piece of what was reserved; false when nothing is left of it."""
        if self._reserved <= 0:
            return False
        self._reserved = max(0, self._reserved - RESERVE_STEP_BYTES)
        os.truncate(os.path.join(self._folder, RESERVE), self._reserved)
        return True

    def forget_reserve(self) -> None:
        """Free all of it."""
        with contextlib.suppress(OSError):
            os.unlink(os.path.join(self._folder, RESERVE))

    def _append(self, line: bytes) -> None:
        """Append a line whole; on a full disk, with what was reserved for it."""
        trouble = self._write(line)
        while trouble is not None and trouble.errno == errno.ENOSPC and self._give_back():
            trouble = self._write(line)
        if trouble is not None:
            raise trouble

    def _write(self, line: bytes) -> OSError | None:
        try:
            if self._file is None:
                self._number += 1
                self._file = open(os.path.join(self._folder, "%06d.part" % self._number), "xb", buffering=0)
            at = self._file.tell()
            if self._file.write(line) != len(line):
                # What fitted is taken back, or the next try would follow half a line.
                self._file.seek(at)
                self._file.truncate()
                return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError as error:
            return error
        return None

    def _say(self, line: bytes) -> None:
        if self._live is None:
            return
        self._unsaid.append(line)
        try:
            while self._unsaid:
                # A line is shorter than a pipe's atomic write, so it is never sent in part.
                os.write(self._live, self._unsaid[0])
                self._unsaid.popleft()
        except BlockingIOError:
            pass  # The listener is slow: sent later, without the oldest lines. The spool has all of them.
        except OSError:
            self._live, self._left_at = None, time.monotonic()

    def close_segment(self) -> None:
        """Close the segment that is being written; raises `SpoolLost` when its folder is gone."""
        self._since = time.monotonic()
        if self._file is not None:
            self._file.close()
            self._file = None
            name = os.path.join(self._folder, "%06d" % self._number)
            try:
                os.rename(name + ".part", name + ".jsonl")
            except OSError as error:
                raise SpoolLost(error.strerror or "the segment cannot be closed") from None


class Worker:
    """Keeps every probe's grid, and writes down what each look gave."""

    def __init__(self, schedule: Schedule, spool: Spool, looks: Looks) -> None:
        """Make a look for every probe."""
        self._every_us = int(schedule["sample_every_s"] * 1_000_000)
        self._end_us = monotonic_us() + int(schedule["end_after_s"] * 1_000_000)
        self._probes = schedule["probes"]
        self._looks = {name: looks[probe["kind"]](probe) for name, probe in self._probes.items()}
        self._in_flight = dict.fromkeys(self._probes, 0)
        self._numbers = dict.fromkeys(self._probes, 0)
        self._spool = spool
        self._tasks: set[asyncio.Future[None]] = set()
        self._stop = asyncio.Event()
        self._ended = "schedule"

    def end(self, why: str) -> None:
        """Tell the worker to end; the first reason stays."""
        if not self._stop.is_set():
            self._ended = why
            self._stop.set()

    async def run(self) -> str:
        """Sample until the end, or until told to stop; returns why it ended."""
        count = max(len(self._probes), 1)
        grids = [
            asyncio.ensure_future(self._grid(name, place * self._every_us // count))
            for place, name in enumerate(self._probes)
        ]
        left_s = (self._end_us - monotonic_us()) / 1e6
        with contextlib.suppress(*LATE):
            await asyncio.wait_for(self._stop.wait(), left_s)
        for task in (*grids, *self._tasks):
            task.cancel()
        await asyncio.gather(*grids, *self._tasks, return_exceptions=True)
        return self._ended

    async def _grid(self, name: str, offset_us: int) -> None:
        due_us = monotonic_us() + offset_us
        overlaps = self._looks[name].overlaps
        while True:
            await asyncio.sleep(max(due_us - monotonic_us(), 0) / 1e6)
            late = (monotonic_us() - due_us) // self._every_us
            if late > LATE_SLOTS_MAX:
                # This machine stood still. Asking many times now would not recover the missed samples.
                missed = own_trouble("the worker was held up: %d samples missed" % late)
                self._write(name, monotonic_us(), missed)
                due_us += late * self._every_us
            due_us += self._every_us
            if self._in_flight[name] < (IN_FLIGHT_MAX if overlaps else 1):
                self._begin(name)
            elif overlaps:
                self._write(name, monotonic_us(), own_trouble("too many samples under way"))

    def _begin(self, name: str) -> None:
        asked_us = monotonic_us()
        self._in_flight[name] += 1
        task = asyncio.ensure_future(self._look(name, asked_us))
        self._tasks.add(task)
        task.add_done_callback(lambda done: self._done(name, asked_us, done))

    def _done(self, name: str, asked_us: int, task: asyncio.Future[None]) -> None:
        self._in_flight[name] -= 1
        self._tasks.discard(task)
        failure = None if task.cancelled() else task.exception()
        if failure is not None:
            # The probe's own fault, not the plant's; it must not go unrecorded.
            self._write(name, asked_us, own_trouble("the probe failed (%s)" % type(failure).__name__))

    async def _look(self, name: str, asked_us: int) -> None:
        found = await probes.sample(self._looks[name], self._probes[name].get("timeout", 0.8))
        self._write(name, asked_us, found)

    def _write(self, name: str, asked_us: int, found: dict[str, Any]) -> None:
        self._numbers[name] += 1
        row = {"probe": name, "seq": self._numbers[name], "asked_us": asked_us, "answered_us": monotonic_us()}
        try:
            self._spool.add({**row, **found})
        except SpoolLost:
            # From here on no sample could be recorded.
            self.end("disk")
        if self._spool.full or self._spool.left:
            self.end("full" if self._spool.full else "left")


def own_trouble(why: str) -> dict[str, Any]:
    """Say of a sample that the worker itself had trouble."""
    return {"seen": UNKNOWN, "value": None, "why": why, "heard": UNKNOWN, "sender": ""}


async def sample(schedule: Schedule, folder: str, looks: Looks, live: int | None) -> None:
    """Run one schedule to its end."""
    looks_wanted = len(schedule["probes"]) * schedule["end_after_s"] / schedule["sample_every_s"]
    reserve = min(int(looks_wanted * SAMPLE_BYTES), RESERVE_MAX_BYTES)
    spool = Spool(folder, schedule["run"], schedule["vantage"], live, reserve)
    worker = Worker(schedule, spool, looks)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, worker.end, "asked")
    ended = await worker.run()
    try:
        spool.close_segment()
        spool.forget_reserve()
        with open(os.path.join(folder, "ended"), "w", encoding="ascii") as file:
            file.write(ended)
    except (SpoolLost, OSError):
        # Without its folder there is nowhere to record the end.
        pass


def run(folder: str, looks: Looks, *, live: bool = False) -> None:
    """Take the schedule, report ready, and go on alone."""
    schedule = read_schedule(looks)
    # What a drill saw is for its account and that account's group: folders 0750, files 0640.
    os.umask(0o027)
    os.makedirs(folder, exist_ok=True)
    if os.listdir(folder):
        sys.exit(say("there is a spool in %s already" % folder))
    if not live:
        detach()
    # Held open, and so locked, until this process ends.
    mark = open(os.path.join(folder, "pid"), "w", encoding="ascii")
    fcntl.flock(mark, fcntl.LOCK_EX)
    mark.write(str(os.getpid()))
    mark.flush()
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    os.write(1, b"ready\n")
    channel: int | None = None
    if live:
        channel = sys.stdout.fileno()
        os.set_blocking(channel, False)
    else:
        # Nothing may tie a far worker to the process that started it: it must go on when the drill isolates its vantage.
        nothing = os.open(os.devnull, os.O_RDWR)
        for number in (0, 1, 2):
            os.dup2(nothing, number)
    asyncio.run(sample(schedule, folder, looks, channel))
    mark.close()


def read_schedule(looks: Looks) -> Schedule:
    """Read the schedule and make every look once, so that a bad probe is refused before the worker reports ready."""
    try:
        schedule: Schedule = json.loads(sys.stdin.readline())
        unknown = sorted({str(probe["kind"]) for probe in schedule["probes"].values()} - set(looks))
        if not unknown:
            for probe in schedule["probes"].values():
                looks[probe["kind"]](probe)
        str(schedule["run"]), str(schedule["vantage"])
        float(schedule["sample_every_s"]), float(schedule["end_after_s"])
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        sys.exit(say("the schedule cannot be read; it was made by another version, or cut off"))
    if unknown:
        sys.exit(say("unknown kind of probe %s; known are %s" % (", ".join(unknown), ", ".join(sorted(looks)))))
    return schedule


def say(why: str) -> int:
    """Tell the starting process why this worker does not start; returns the exit code."""
    os.write(1, ("refused: %s\n" % why).encode())
    return 1


def detach() -> None:
    """Continue in a new process and a new session."""
    if os.fork() > 0:
        os._exit(0)
    os.setsid()


def main(looks: Looks | None = None) -> None:
    """Do what the command line says."""
    what = sys.argv[1] if len(sys.argv) > 1 else ""
    if what == "run":
        run(sys.argv[2], looks or LOOKS)
    elif what == "live":
        run(sys.argv[2], looks or LOOKS, live=True)
    else:
        sys.exit("usage: worker.py run|live SPOOL")


if __name__ == "__main__":
    main()
