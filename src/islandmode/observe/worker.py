"""A vantage's worker: given its whole schedule, it looks alone and writes down what it saw. Standard library only.

    python -m islandmode.observe.worker run SPOOL      schedule as one line of JSON; says "ready", then goes on alone
    python -m islandmode.observe.worker live SPOOL     the same, but stays where it is and also prints each sample

observe/worker_host.py answers what else is asked of a worker's host.

How it works. Every probe has a fixed grid of times, staggered against the others. At each a sample begins; a slow sample
never delays the next, and where too many are under way the slot is recorded as unknown. A probe that keeps one
connection has one question on it at a time: the slots that pass while its answer is awaited are that question's.
Samples go into a spool (observe/spooling.py). `pid` is locked while the worker lives, so that a process that got its number
later is never signalled; `ended` says why it ended: schedule, asked, full (the spool's bound), disk, or left (its listener died).
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import json
import os
import signal
import sys
from typing import Any

from islandmode.core.spool_rows import OPEN_SEGMENT_BYTES, SAMPLE_BYTES
from islandmode.observe import looks as probes
from islandmode.observe.answers import UNKNOWN
from islandmode.observe.looks import LATE, LOOKS, monotonic_us
from islandmode.observe.spooling import RESERVE_MAX_BYTES, Spool, SpoolLost

IN_FLIGHT_MAX = 16
LATE_SLOTS_MAX = 20

Schedule = dict[str, Any]
Looks = dict[str, Any]


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
    spool = Spool(folder, schedule, live, min(needed_bytes(schedule), RESERVE_MAX_BYTES))
    worker = Worker(schedule, spool, looks)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, worker.end, "asked")
    ended = await worker.run()
    try:
        spool.close_segment(ended)
        spool.forget_reserve()
        with open(os.path.join(folder, "ended"), "w", encoding="ascii") as file:
            file.write(ended)
    except (SpoolLost, OSError):
        # Without its folder there is nowhere to record the end.
        pass


def needed_bytes(schedule: Schedule) -> int:
    """Tell how much room the spool of a schedule takes."""
    samples = len(schedule["probes"]) * schedule["end_after_s"] / schedule["sample_every_s"]
    return int(samples * SAMPLE_BYTES) + OPEN_SEGMENT_BYTES


def refuse_without_room(folder: str, schedule: Schedule) -> None:
    """Refuse a schedule whose spool has no room on this host's disk."""
    disk = os.statvfs(folder)
    free_mb, needed_mb = disk.f_bavail * disk.f_frsize // 10**6, -(-needed_bytes(schedule) // 10**6)
    if free_mb < needed_mb:
        os.rmdir(folder)
        sys.exit(say("its disk has %d MB free and the samples need %d MB; make room there" % (free_mb, needed_mb)))


def run(folder: str, looks: Looks, *, live: bool = False) -> None:
    """Take the schedule, report ready, and go on alone."""
    schedule = read_schedule(looks)
    # What a drill saw is for its account and that account's group: folders 0750, files 0640.
    os.umask(0o027)
    os.makedirs(folder, exist_ok=True)
    if os.listdir(folder):
        sys.exit(say("there is a spool in %s already" % folder))
    refuse_without_room(folder, schedule)
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
        str(schedule["run"]), str(schedule["vantage"]), bytes.fromhex(schedule.get("key", ""))
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
