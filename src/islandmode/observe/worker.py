"""A vantage's worker: given its whole schedule, it looks alone and writes down what it saw. Standard library only.

    python -m islandmode.observe.worker run SPOOL      schedule as one line of JSON; says "ready", then goes on alone.
                                                       Until it comes, this host's clocks are told (observe/worker_host.py)
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
import gc
import json
import os
import signal
import sys
from collections import OrderedDict
from collections.abc import Callable, Coroutine
from typing import Any

from islandmode.core.spool_rows import OPEN_SEGMENT_BYTES, SAMPLE_BYTES
from islandmode.core.text import how_many
from islandmode.observe import looks as probes
from islandmode.observe import readiness, worker_host
from islandmode.observe.answers import UNKNOWN, Bad, Trace, Unknown
from islandmode.observe.connection import Lost
from islandmode.observe.grid import LATE_SLOTS_MAX, Grid
from islandmode.observe.looks import LATE, LOOKS, monotonic_us
from islandmode.observe.own_clocks import OwnClocks
from islandmode.observe.spooling import RESERVE_MAX_BYTES, Spool, SpoolLost

IN_FLIGHT_MAX = 16
MUCH_PER_S = 500
GARBAGE_AT = 10_000
SHORTEST_WAIT_S = 0.001
NEVER = float("inf")

Schedule = dict[str, Any]
Looks = dict[str, Any]


class Asker:
    """One probe: its look, and what is under way for it."""

    __slots__ = ("in_flight", "look", "name", "number", "puts", "room", "timeout_us", "told_us", "waiting")

    def __init__(self, name: str, look: Any, timeout_us: int, waiting: OrderedDict[str, Question]) -> None:
        """Nothing is under way yet; `waiting` holds the questions of all probes with this timeout, so the first is the first to end."""
        self.name, self.look, self.timeout_us, self.waiting = name, look, timeout_us, waiting
        self.room = IN_FLIGHT_MAX if look.overlaps else 1
        # It can ask on a connection that stands, and be told, with no task that waits.
        self.puts = not look.overlaps and hasattr(look, "put")
        self.in_flight = self.number = self.told_us = 0


class Question(Trace):
    """One question on a connection that stands: no task waits for it, and all of them share one timer."""

    def __init__(self, asker: Asker, asked_us: int, tell: Callable[..., None]) -> None:
        """Know who asks, and until when the answer counts."""
        super().__init__()
        self.asker, self.asked_us, self.end_us, self.tell = asker, asked_us, asked_us + asker.timeout_us, tell
        self.over = False

    def told(self, answer: Any, failure: Exception | None) -> None:
        """Take the answer, or why no answer came."""
        if not self.over:
            self.over = True
            self.tell(self, answer, failure)


class Worker:
    """Keeps every probe's grid, and writes down what each look gave."""

    def __init__(self, schedule: Schedule, spool: Spool, looks: Looks) -> None:
        """Make a look for every probe."""
        self._every_us = int(schedule["sample_every_s"] * 1_000_000)
        self._end_us = monotonic_us() + int(schedule["end_after_s"] * 1_000_000)
        self._waiting: dict[int, OrderedDict[str, Question]] = {}
        self._askers = {name: self._asker(name, probe, looks) for name, probe in schedule["probes"].items()}
        self._spool = spool
        self._tasks: set[asyncio.Future[None]] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._stop = asyncio.Event()
        self._ended = "schedule"

    def _asker(self, name: str, probe: Schedule, looks: Looks) -> Asker:
        timeout_us = int(probe.get("timeout", 0.8) * 1_000_000)
        return Asker(name, looks[probe["kind"]](probe), timeout_us, self._waiting.setdefault(timeout_us, OrderedDict()))

    def end(self, why: str) -> None:
        """Tell the worker to end; the first reason stays."""
        if not self._stop.is_set():
            self._ended = why
            self._stop.set()

    async def run(self) -> str:
        """Sample until the end, or until told to stop; returns why it ended."""
        overlaps = {name: asker.look.overlaps for name, asker in self._askers.items()}
        self._turn(Grid(overlaps, self._every_us, monotonic_us()))
        left_s = (self._end_us - monotonic_us()) / 1e6
        with contextlib.suppress(*LATE):
            await asyncio.wait_for(self._stop.wait(), left_s)
        self._rest()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        return self._ended

    def _rest(self) -> None:
        """Ask nothing more, and write down no answer that still comes."""
        self._stop.set()
        if self._timer is not None:
            self._timer.cancel()
        for waiting in self._waiting.values():
            for question in waiting.values():
                question.over = True

    def _turn(self, grid: Grid) -> None:
        """Do what is due, and come back when something else is."""
        if self._stop.is_set():
            return
        try:
            # What has come is taken in first: it may be just in time, and its connection is free to be asked again.
            readiness.hear()
            now_us = monotonic_us()
            self._end_late(now_us)
            for name, due_us, missed in grid.due(now_us):
                asker = self._askers[name]
                if missed:
                    self._say_missed(asker, due_us, missed)
                if asker.in_flight < asker.room:
                    self._begin(asker)
                elif asker.look.overlaps:
                    self._write(asker, monotonic_us(), own_trouble("too many samples under way"))
        finally:
            ends_us = [next(iter(waiting.values())).end_us for waiting in self._waiting.values() if waiting]
            next_us = min((grid.next_us, *ends_us))
            # Never sooner than a loop's own smallest step: what becomes due meanwhile is done together.
            wait_s = max((next_us - monotonic_us()) / 1e6, SHORTEST_WAIT_S)
            if next_us < NEVER:
                self._timer = asyncio.get_running_loop().call_later(wait_s, self._turn, grid)

    def _end_late(self, now_us: int) -> None:
        """End the questions that were not answered in time."""
        for waiting in self._waiting.values():
            while waiting:
                question = next(iter(waiting.values()))
                if question.end_us > now_us:
                    break
                question.asker.look.give_up(question.told)
                question.told(None, TimeoutError())

    def _say_missed(self, asker: Asker, due_us: int, missed: int) -> None:
        """Write down that this machine stood still; slots that passed while an answer was awaited are that question's."""
        if not asker.look.overlaps and missed <= LATE_SLOTS_MAX:
            since_us = due_us - 1 - asker.told_us
            missed = 0 if asker.in_flight else min(missed, max(since_us // self._every_us, 0))
        if missed:
            held_up = own_trouble("the worker was held up: %s missed" % how_many(missed, "sample"))
            self._write(asker, monotonic_us(), held_up)

    def _begin(self, asker: Asker) -> None:
        asked_us = monotonic_us()
        asker.in_flight += 1
        if not asker.puts:
            self._begin_task(asker, asked_us, self._look(asker, asked_us))
            return
        question = Question(asker, asked_us, self._tell)
        try:
            if asker.look.put(question, question.told):
                asker.waiting[asker.name] = question
            else:
                self._begin_task(asker, asked_us, self._look(asker, asked_us))
        except (Bad, Lost, Unknown) as failure:
            question.told(None, failure)
        except Exception as fault:
            # A fault of this program's own must not go unrecorded: the sample says so, and so does the loop.
            question.told(None, fault)
            raise

    def _tell(self, question: Question, answer: Any, failure: Exception | None) -> None:
        """Write down what a question on a connection that stood gave, or ask it anew on another connection."""
        asker, found = question.asker, None
        asker.waiting.pop(asker.name, None)
        try:
            if failure is None:
                found = probes.good(asker.look.judged(answer))
            else:
                means = failure if isinstance(failure, LATE) else asker.look.failed(failure, question)
                if means is None:
                    left_s = max(question.end_us - monotonic_us(), 0) / 1e6
                    self._begin_task(asker, question.asked_us, self._look(asker, question.asked_us, left_s))
                    return
                known = isinstance(means, (Bad, Unknown, *LATE))
                found = probes.failed(means, question) if known else failed_probe(means)
        except (Bad, Unknown) as judged:
            found = probes.failed(judged, question)
        except Exception as fault:
            # As above.
            found = failed_probe(fault)
            raise
        finally:
            if found is not None:
                asker.in_flight -= 1
                self._write(asker, question.asked_us, found)

    def _begin_task(self, asker: Asker, asked_us: int, look: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(look)
        self._tasks.add(task)
        task.add_done_callback(lambda done: self._done(asker, asked_us, done))

    def _done(self, asker: Asker, asked_us: int, task: asyncio.Future[None]) -> None:
        self._tasks.discard(task)
        failure = None if task.cancelled() else task.exception()
        if failure is not None:
            asker.in_flight -= 1
            self._write(asker, asked_us, failed_probe(failure))

    async def _look(self, asker: Asker, asked_us: int, within_s: float | None = None) -> None:
        found = await probes.sample(asker.look, asker.timeout_us / 1e6 if within_s is None else within_s)
        # At once, and not when the task is seen to have ended: a slot that is due in between can be used.
        asker.in_flight -= 1
        self._write(asker, asked_us, found)

    def _write(self, asker: Asker, asked_us: int, found: dict[str, Any]) -> None:
        asker.number += 1
        now_us = asker.told_us = monotonic_us()
        row = {"probe": asker.name, "seq": asker.number, "asked_us": asked_us, "answered_us": now_us, **found}
        try:
            self._spool.add(row)
        except SpoolLost:
            # From here on no sample could be recorded.
            self.end("disk")
        if self._spool.full or self._spool.left:
            self.end("full" if self._spool.full else "left")


def failed_probe(failure: BaseException) -> dict[str, Any]:
    """Say of a sample that the probe itself failed: not the plant's fault, and it must not go unrecorded."""
    return own_trouble("the probe failed (%s)" % type(failure).__name__)


def own_trouble(why: str) -> dict[str, Any]:
    """Say of a sample that the worker itself had trouble."""
    return {"seen": UNKNOWN, "value": None, "why": why, "heard": UNKNOWN, "sender": ""}


async def sample(schedule: Schedule, folder: str, looks: Looks, live: int | None) -> None:
    """Run one schedule to its end; where nobody listens, write down what this host's clocks say too."""
    spool = Spool(folder, schedule, live, min(needed_bytes(schedule), RESERVE_MAX_BYTES))
    await sample_into(spool, schedule, folder, looks, OwnClocks(folder, schedule) if live is None else None)


async def sample_into(spool: Spool, schedule: Schedule, folder: str, looks: Looks, clocks: OwnClocks | None) -> None:
    """Run one schedule to its end, into a spool."""
    worker = Worker(schedule, spool, looks)
    hourly = asyncio.ensure_future(clocks.hourly()) if clocks is not None else None
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, worker.end, "asked")
    ended = await worker.run()
    try:
        spool.close_segment(ended)
        spool.forget_reserve()
        if clocks is not None and hourly is not None:
            hourly.cancel()
            clocks.close(spool.last)
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
    # What stands by now stays to the end: to look through it for garbage would make samples late.
    gc.freeze()
    gc.set_threshold(GARBAGE_AT)
    per_s = len(schedule["probes"]) / schedule["sample_every_s"]
    run_on_a_loop(sample(schedule, folder, looks, channel), much=per_s >= MUCH_PER_S)
    mark.close()


def run_on_a_loop(work: Coroutine[Any, Any, None], *, much: bool) -> None:
    """Run on uvloop where it is installed and there is much to sample: to import it takes longer than a small drill gains."""
    if much:
        try:
            import uvloop  # noqa: PLC0415 # it need not be there
        except ImportError:
            pass
        else:
            loop = uvloop.new_event_loop()
            try:
                loop.run_until_complete(work)
            finally:
                loop.close()
            return
    asyncio.run(work)


def read_schedule(looks: Looks) -> Schedule:
    """Read the schedule and make every look once, so that a bad probe is refused before the worker reports ready."""
    try:
        schedule: Schedule = json.loads(worker_host.awaited())
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
