"""A vantage's worker: given its whole schedule, it looks alone and writes down what it saw. Standard library only.

    python -m islandmode.observe.worker run SPOOL      schedule as JSON on standard input; says "ready", then goes on alone
    python -m islandmode.observe.worker clock          answers each line with: monotonic_us utc_us boot_id
    python -m islandmode.observe.worker collect SPOOL  ends the worker and prints its spool as JSON

How it works. Every probe has a fixed grid of times, staggered against the others. At each a sample begins; a slow one
never delays the next, and where too many are under way the slot is recorded as unknown. Samples go into a spool of
short segments: `N.part` is being written, `N.jsonl` is closed. Each line names the SHA-256 of the line before it.
"""

from __future__ import annotations

import asyncio
import errno
import hashlib
import json
import os
import signal
import struct
import sys
import time
from typing import Any, BinaryIO

from islandmode.observe.looks import BAD, GOOD, LOOKS, UNKNOWN, Bad, Unknown, Value, monotonic_us

FORMAT = 1
SEGMENT_S = 1.0
SPOOL_MAX_BYTES = 256 * 1024 * 1024
IN_FLIGHT_MAX = 16
OWN_TROUBLE = {errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS, errno.EPERM, errno.EACCES, errno.EADDRNOTAVAIL}
GENESIS = "0" * 64

Schedule = dict[str, Any]
Looks = dict[str, Any]


def boot_id() -> str:
    """Name this boot."""
    with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
        return file.read().strip()


class Spool:
    """Segments of samples in one folder, bounded, chained, each readable by anything that reads lines."""

    def __init__(self, folder: str, run: str, vantage: str, live: int | None) -> None:
        """Start the first segment; `live` also gets every line, where somebody listens."""
        self._folder = folder
        self._head = {"v": FORMAT, "run": run, "vantage": vantage}
        self._live = live
        self._previous = GENESIS
        self._number = 0
        self._written = 0
        self._file: BinaryIO | None = None
        self._since = time.monotonic()
        self.full = False

    def add(self, sample: dict[str, Any]) -> None:
        """Write one sample down."""
        if self.full:
            return
        line = json.dumps({**self._head, **sample, "prev": self._previous}, separators=(",", ":")).encode() + b"\n"
        self._previous = hashlib.sha256(line).hexdigest()
        if self._file is None:
            self._number += 1
            self._file = open(os.path.join(self._folder, "%06d.part" % self._number), "wb", buffering=0)
        self._file.write(line)
        self._written += len(line)
        self.full = self._written > SPOOL_MAX_BYTES
        if self._live is not None:
            try:
                os.write(self._live, line)
            except BlockingIOError:
                # Whoever listens is slow; the spool has it all.
                pass
            except OSError:
                self._live = None
        if time.monotonic() - self._since > SEGMENT_S:
            self.close_segment()

    def close_segment(self) -> None:
        """Close the segment that is being written."""
        self._since = time.monotonic()
        if self._file is not None:
            self._file.close()
            self._file = None
            name = os.path.join(self._folder, "%06d" % self._number)
            os.rename(name + ".part", name + ".jsonl")


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
        self.stop = asyncio.Event()

    async def run(self) -> str:
        """Sample until the end, or until told to stop."""
        count = max(len(self._probes), 1)
        grids = [
            asyncio.ensure_future(self._grid(name, place * self._every_us // count))
            for place, name in enumerate(self._probes)
        ]
        left_s = (self._end_us - monotonic_us()) / 1e6
        try:
            await asyncio.wait_for(self.stop.wait(), left_s)
            ended = "asked"
        except TimeoutError:
            ended = "schedule"
        for grid in grids:
            grid.cancel()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*grids, *self._tasks, return_exceptions=True)
        return ended

    async def _grid(self, name: str, offset_us: int) -> None:
        start_us = monotonic_us() + offset_us
        slot = 0
        while not self._spool.full:
            wait_us = start_us + slot * self._every_us - monotonic_us()
            await asyncio.sleep(max(wait_us, 0) / 1e6)
            slot += 1
            limit = IN_FLIGHT_MAX if self._looks[name].overlaps else 1
            if self._in_flight[name] >= limit:
                # An answer that is still awaited: this slot saw nothing by itself, and says so.
                if self._looks[name].overlaps:
                    self._write(name, monotonic_us(), UNKNOWN, None, "too many samples under way")
                continue
            task = asyncio.ensure_future(self._look(name))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _look(self, name: str) -> None:
        self._in_flight[name] += 1
        asked_us = monotonic_us()
        value: Value = None
        why = ""
        try:
            value = await asyncio.wait_for(self._looks[name](), self._probes[name].get("timeout", 0.8))
            seen = GOOD
        except TimeoutError:
            seen, why = BAD, "no answer in time"
        except Bad as bad:
            seen, why = BAD, str(bad)
        except Unknown as unknown:
            seen, why = UNKNOWN, str(unknown)
        except asyncio.IncompleteReadError:
            seen, why = BAD, "the connection ended in the middle of an answer"
        except OSError as error:
            seen = UNKNOWN if error.errno in OWN_TROUBLE else BAD
            why = (error.strerror or type(error).__name__).lower()
        except (ValueError, IndexError, struct.error) as error:
            seen, why = BAD, "the answer makes no sense (%s)" % type(error).__name__
        finally:
            self._in_flight[name] -= 1
        self._write(name, asked_us, seen, value, why)

    def _write(self, name: str, asked_us: int, seen: str, value: Value, why: str) -> None:
        self._numbers[name] += 1
        self._spool.add(
            {
                "probe": name,
                "seq": self._numbers[name],
                "asked_us": asked_us,
                "answered_us": monotonic_us(),
                "seen": seen,
                "value": value,
                "why": why,
            }
        )


async def sample(schedule: Schedule, folder: str, looks: Looks, live: int | None) -> None:
    """Run one schedule to its end."""
    spool = Spool(folder, schedule["run"], schedule["vantage"], live)
    worker = Worker(schedule, spool, looks)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, worker.stop.set)
    ended = await worker.run()
    spool.close_segment()
    with open(os.path.join(folder, "ended"), "w", encoding="ascii") as file:
        file.write(ended)


def run(folder: str, looks: Looks, *, live: bool = False) -> None:
    """Take the schedule, say that we are ready, and go on alone."""
    schedule = json.loads(sys.stdin.readline())
    os.makedirs(folder, exist_ok=True)
    if not live:
        detach()
    with open(os.path.join(folder, "pid"), "w", encoding="ascii") as file:
        file.write(str(os.getpid()))
    os.write(1, b"ready\n")
    channel: int | None = None
    if live:
        channel = sys.stdout.fileno()
        os.set_blocking(channel, False)
    else:
        # Nothing may tie a far worker to whoever started it: it must go on when that one is cut off.
        nothing = os.open(os.devnull, os.O_RDWR)
        for number in (0, 1, 2):
            os.dup2(nothing, number)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    asyncio.run(sample(schedule, folder, looks, channel))


def detach() -> None:
    """Become a process of our own, in a session of our own."""
    if os.fork() > 0:
        os._exit(0)
    os.setsid()


def clock() -> None:
    """Answer each line with our clocks, for whoever measures the offset between us."""
    boot = boot_id()
    for _ in sys.stdin:
        # One write, whatever buffering the environment asks for: the other side times this line.
        os.write(1, b"%d %d %s\n" % (monotonic_us(), time.time_ns() // 1000, boot.encode("ascii")))


def collect(folder: str) -> None:
    """End the worker, wait for its last segment, and print the spool."""
    try:
        with open(os.path.join(folder, "pid"), encoding="ascii") as file:
            pid = int(file.read())
        os.kill(pid, signal.SIGTERM)
    except (OSError, ValueError):
        pid = 0
    ended = os.path.join(folder, "ended")
    for _ in range(300):
        if os.path.exists(ended) or not pid or not alive(pid):
            break
        time.sleep(0.01)
    segments = []
    for name in sorted(os.listdir(folder)) if os.path.isdir(folder) else []:
        if name.endswith((".jsonl", ".part")):
            with open(os.path.join(folder, name), encoding="utf-8") as file:
                segments.append([name, file.read()])
    how = ""
    if os.path.exists(ended):
        with open(ended, encoding="ascii") as file:
            how = file.read()
    json.dump({"segments": segments, "ended": how or "lost"}, sys.stdout)


def alive(pid: int) -> bool:
    """Tell whether a process still runs."""
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return True


def main(looks: Looks | None = None) -> None:
    """Do what the command line says."""
    what = sys.argv[1] if len(sys.argv) > 1 else ""
    if what == "run":
        run(sys.argv[2], looks or LOOKS)
    elif what == "live":
        run(sys.argv[2], looks or LOOKS, live=True)
    elif what == "clock":
        clock()
    elif what == "collect":
        collect(sys.argv[2])
    else:
        sys.exit("usage: worker.py run|live|collect SPOOL, or worker.py clock")


if __name__ == "__main__":
    main()
