"""A vantage whose worker is a process: here, in a node of a lab, or on a host that is logged in to (see reach.py).

A far worker is given its schedule and then left alone: no pipe, no session and no process ties it to the conductor until it is
collected. The near worker also prints each sample on its standard output as it goes.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import queue
import secrets
import subprocess
import threading
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import anyio
from anyio.abc import Process
from anyio.streams.buffered import BufferedByteReceiveStream

from islandmode.core.episodes import Sample
from islandmode.core.outcome import Outcome, Reading
from islandmode.core.spool import UNSEALED, KeptSpool, SpoolReading, expected
from islandmode.core.spool_lines import Expected, read_sample
from islandmode.core.spool_rows import ENDINGS
from islandmode.core.text import cleaned
from islandmode.observe import last_words
from islandmode.observe.kept_spool import BrokenOff, NoSpool
from islandmode.observe.measuring import NotItsClock, Waiting, refusal_of, shortest
from islandmode.observe.reach import Reach, Verb
from islandmode.observe.taking_apart import NotKept, TakingApart
from islandmode.observe.vantage import Collected, Offset, Schedule
from islandmode.system.clock import Clock
from islandmode.system.process import PipeStream, end_group, first_word, start, stop
from islandmode.system.segments import segments_in

LOOK_MAX_BYTES = 4 * 1024 * 1024
"""What a far host may say to a look: a few hundred bytes for each of thousands of probes."""
PIPE_BYTES = 1 << 20
CHUNK_BYTES, SAID_MAX_CHUNKS = 65536, 1024
READY_MAX_BYTES, SHOWN_MAX_CHARACTERS = 4096, 200
SAMPLE_BYTES, SPOOL_LEAST_BYTES, SPOOL_MOST_BYTES = 100, 1 << 23, 1 << 33
"""How long a fetched spool may be: so much for each sample, and for what surrounds them; a worker ends at half the most."""
KEY_BYTES = 32
LOGOUT_S, LOGOUT_STEP_S = 2.0, 0.01
ENDED_TOLD = "its worker has ended ({})"
GO = b"go\n"


@dataclass(frozen=True)
class Held:
    """A program on the vantage's host that waits to be told to go on."""

    process: Process
    waiting: Waiting

    @classmethod
    def of(cls, process: Process) -> Held:
        """Take a program by its pipes; nothing is sent to one that has no input."""
        if process.stdout is None:
            raise OSError("it has no pipes")
        send = _to_nobody if process.stdin is None else process.stdin.send
        return cls(process, Waiting(send, BufferedByteReceiveStream(process.stdout)))


async def _to_nobody(data: bytes) -> None:
    del data


class ProcessVantage:
    """A vantage on this machine, or on a host that can be reached from it."""

    def __init__(self, name: str, *, clock: Clock, far: bool, reach: Reach, kept: Path | None = None) -> None:
        """Know how to start the worker, and the folder in which its spool is kept once it is collected; nothing runs yet."""
        self._name = name
        self._kept = kept
        self._key = b""
        self._far = far
        self._clock = clock
        self._reach = reach
        self._prepared = False
        self._code: int | None = None
        """Exit code of the verb that ended last; None where it did not end by itself."""
        self._worker: subprocess.Popen[bytes] | None = None
        self._waiting: Waiting | None = None
        """The worker, while it waits for its schedule."""
        self._held: Held | None = None
        """What is to fetch the spool, while it waits to be told so."""
        self._started = False
        self._wanted = False
        """Whether its samples were asked for and did not come: they may still be brought."""
        self._schedule: Schedule | None = None
        self._heard = b""
        self._said: queue.Queue[bytes] = queue.Queue(SAID_MAX_CHUNKS)

    @property
    def name(self) -> str:
        """Name of the vantage in the site."""
        return self._name

    @property
    def far(self) -> bool:
        """Tell whether nothing can be heard from this vantage during the hold."""
        return self._far

    @property
    def key_sha256(self) -> str:
        """Give the SHA-256 of the key under which its worker seals samples, once it has it."""
        return hashlib.sha256(self._key).hexdigest() if self._key else ""

    @property
    def key(self) -> str:
        """Give that key, in hexadecimal."""
        return self._key.hex()

    @property
    def call_s(self) -> float:
        """Seconds within which its host answers while it is well."""
        return self._reach.call_s

    async def _prepare(self) -> str:
        """Make its host ready, once; say why that cannot be, or nothing."""
        if not self._prepared:
            try:
                why = await self._reach.prepare()
            except OSError as error:
                why = f"its host could not be made ready ({error.strerror or error})"
            if why:
                return why
        self._prepared = True
        return ""

    async def offset(self, deadline_s: float) -> Reading[Offset]:
        """Measure the vantage's clocks by round trips, with the program that is to sample there next, or to collect: it then waits for that."""
        asked_us = self._clock.monotonic_us()
        found: list[Offset] = []
        why = "its clock did not answer"
        with anyio.move_on_after(deadline_s) as limit:
            try:
                why = await self._prepare() or await self._measured(found) or why
            except OSError as error:
                why = f"its clock could not be asked ({error})"
            except NotItsClock as odd:
                found, why = [], str(odd)
        if not found or limit.cancelled_caught:
            # What it has still to answer would be taken for the answer to what is asked next.
            with anyio.CancelScope(shield=True):
                await self._let_go()
        stamps = (asked_us, self._clock.monotonic_us())
        if not found:
            return Reading(Outcome.NOT_DONE, None, why, *stamps)
        return Reading(Outcome.DONE, shortest(found), "", *stamps)

    async def _measured(self, found: list[Offset]) -> str:
        """Measure with the program that waits for a schedule, or for the word to collect; say why the way to it failed, or nothing."""
        await self._let_go()
        if self._schedule is None:
            worker = self._worker = self._begin_worker()
            await self._waiting_of(worker).measure(self._clock, found)
            return "" if found else self._reach.trouble(await self._code_of(worker))
        held = self._held = await self._opened(self._fetches)
        await held.waiting.measure(self._clock, found)
        return "" if found else self._reach.trouble(await held.process.wait())

    def _begin_worker(self) -> subprocess.Popen[bytes]:
        return start(self._reach.argv("run" if self._far else "live"), environment=self._reach.environment())

    def _waiting_of(self, worker: subprocess.Popen[bytes]) -> Waiting:
        """Give the worker that waits for its schedule; what it said before and was not taken in yet stays there."""
        if self._waiting is None:
            if worker.stdin is None or worker.stdout is None:
                raise OSError("its worker has no pipes")
            said = BufferedByteReceiveStream(PipeStream(worker.stdout.fileno()))
            self._waiting = Waiting(partial(_write_all, worker.stdin.fileno()), said)
        return self._waiting

    async def _let_go(self) -> None:
        """End what was begun to measure a clock, and is not needed any more."""
        held, self._held = self._held, None
        if held is not None:
            await _ended(held.process)
        if self._worker is not None and not self._started:
            worker, self._worker, self._waiting = self._worker, None, None
            await stop(worker, clock=self._clock)

    async def start(self, schedule: Schedule, deadline_s: float) -> Reading[None]:
        """Hand over the whole schedule and wait for the worker's one word."""
        asked_us = self._clock.monotonic_us()
        why = f"its worker did not say ready within {deadline_s:g} s"
        with anyio.move_on_after(deadline_s):
            unready = await self._prepare()
            if unready:
                return Reading(Outcome.NOT_DONE, None, unready, asked_us, self._clock.monotonic_us())
            if self._worker is not None and self._worker.poll() is not None:
                # It ended while it waited, as by a login that was lost.
                await self._let_go()
            try:
                worker = self._worker = self._worker or self._begin_worker()
            except OSError as error:
                why = f"its worker could not be started ({error})"
                return Reading(Outcome.NOT_DONE, None, why, asked_us, self._clock.monotonic_us())
            self._started, self._schedule, self._key = True, schedule, secrets.token_bytes(KEY_BYTES)
            why = await self._hand_over(worker, schedule)
            if not why and self._reach.proves_start:
                why = f"its worker was not seen alive by a new login within {deadline_s:g} s"
                why = await self._outlives_its_login(worker)
        begun = self._worker
        if begun is not None and begun.stdout is not None:
            if self._far:
                begun.stdout.close()
            elif not why:
                why = self._take_in(begun.stdout.fileno())
        stamps = (asked_us, self._clock.monotonic_us())
        return Reading(Outcome.UNKNOWN if why else Outcome.DONE, None, why, *stamps)

    async def _outlives_its_login(self, way: subprocess.Popen[bytes]) -> str:
        """Wait until the login that started the worker is over, and look for the worker by a new login; say what is wrong, or nothing."""
        while way.poll() is None:
            await self._clock.sleep(LOGOUT_STEP_S)
        _, why = await self._last_words()
        if why == ENDED_TOLD.format("lost"):
            return (
                "its worker ended with the login that had started it; let what an account started go on when it logs out (on systemd: "
                "loginctl enable-linger for that account, or KillUserProcesses=no)"
            )
        return why

    async def _hand_over(self, worker: subprocess.Popen[bytes], schedule: Schedule) -> str:
        """Return why the worker is not ready; nothing when it is."""
        try:
            waiting = self._waiting_of(worker)
            await waiting.send(_schedule_json(schedule, self._key).encode() + b"\n")
            if worker.stdin is not None:
                worker.stdin.close()
            word = await first_word(waiting.said, READY_MAX_BYTES)
            self._heard = bytes(waiting.said.buffer)
        except OSError:
            word = b""
        if word == b"ready":
            return ""
        lost = "" if word else self._reach.trouble(await self._code_of(worker))
        if lost:
            return lost
        refusal = refusal_of(word)
        if refusal:
            return refusal[:SHOWN_MAX_CHARACTERS]
        said = cleaned(word.decode(errors="replace"))[:SHOWN_MAX_CHARACTERS]
        return f"its worker did not start to look ({said or 'it said nothing'})"

    async def _code_of(self, worker: subprocess.Popen[bytes]) -> int | None:
        """Give the exit code of a worker that said nothing more, if it ends now."""
        with anyio.move_on_after(LOGOUT_S):
            while worker.poll() is None:
                await self._clock.sleep(LOGOUT_STEP_S)
        return worker.poll()

    def _take_in(self, number: int) -> str:
        """Read the worker's output in a thread: its pipe must not fill while the conductor is delayed."""
        with suppress(OSError):
            # A worker drops what its pipe has no room for; without the right to more, the usual size has to do.
            fcntl.fcntl(number, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
        # A duplicate: the original may be closed, and its number given to another file, between two reads.
        own = os.dup(number)
        os.set_blocking(own, True)
        try:
            threading.Thread(target=_drain, args=(own, self._said), name=f"hear-{self._name}", daemon=True).start()
        except RuntimeError as error:
            os.close(own)
            return f"its worker's output could not be read ({error})"
        return ""

    def fresh(self) -> tuple[Sample, ...]:
        """Return samples that arrived since the last call; nothing for a far vantage."""
        with suppress(queue.Empty):
            while True:
                self._heard += self._said.get_nowait()
        *lines, self._heard = self._heard.split(b"\n")
        # A near worker reads the same clock as the conductor, so its times need no offset.
        return tuple(sample for line in lines if (sample := read_sample(line)) is not None)

    async def look(self, deadline_s: float) -> Reading[tuple[Sample, ...]]:
        """Read what each probe of the worker said last, in the worker's own time, while it goes on."""
        asked_us = self._clock.monotonic_us()
        found: tuple[Sample, ...] | None = None
        why = f"its spool could not be looked into within {deadline_s:g} s"
        with anyio.move_on_after(deadline_s):
            found, why = await self._last_words()
        stamps = (asked_us, self._clock.monotonic_us())
        return Reading(Outcome.UNKNOWN if found is None else Outcome.DONE, found, why, *stamps)

    async def _last_words(self) -> tuple[tuple[Sample, ...] | None, str]:
        """Ask the host for the newest sample of each probe; nothing, and why, where that is not had or the worker has ended."""
        try:
            said = await self._say("look", LOOK_MAX_BYTES, "its last words are")
        except OSError as error:
            return None, f"its spool could not be looked into ({error.strerror})"
        except NoSpool as odd:
            return None, str(odd)
        *lines, end = said.splitlines() or [b""]
        if end == last_words.END:
            samples = (read_sample(line, _expected(self._schedule)) for line in lines)
            return tuple(sample for sample in samples if sample is not None), ""
        how = end.removeprefix(last_words.ENDED).decode(errors="replace")
        if end.startswith(last_words.ENDED) and how in ENDINGS:
            return None, ENDED_TOLD.format(how)
        return None, self._reach.trouble(self._code) or "its last words could not be read to their end"

    async def _say(self, verb: Verb, most: int, what: str) -> bytes:
        """Take in what a short command of the far side says, within bounds; raises `NoSpool` when it says more."""
        data = bytearray()
        async with aclosing(self._said_by(verb)) as said:
            async for part in said:
                data += part
                if len(data) > most:
                    raise NoSpool(f"{what} more than {most} bytes")
        return bytes(data)

    async def _said_by(self, verb: Verb) -> AsyncGenerator[bytes, None]:
        """Give what a command of the far side says, as it comes; one that waits with a measured clock is told to go on."""
        self._code = None
        if self._held is not None and (verb != self._fetches or self._held.process.returncode is not None):
            await self._let_go()
        held, self._held = self._held or await self._opened(verb), None
        try:
            if held.process.stdin is not None:
                with suppress(anyio.BrokenResourceError):
                    await held.waiting.send(GO)
            with suppress(anyio.EndOfStream):
                while True:
                    yield await held.waiting.said.receive()
            self._code = await held.process.wait()
        finally:
            with anyio.CancelScope(shield=True):
                await _ended(held.process)

    @property
    def _fetches(self) -> Verb:
        """Name the verb that ends the worker and gives its spool, where it does not lie here already."""
        in_place = self._kept is not None and self._reach.spools_in(self._kept)
        return "end" if in_place else "collect"

    async def _opened(self, verb: Verb) -> Held:
        """Start a verb's program there; one that ends a worker waits to be told so."""
        given = subprocess.PIPE if verb in ("collect", "end") else subprocess.DEVNULL
        argv, environment = self._reach.argv(verb), self._reach.environment()
        process = await anyio.open_process(
            argv, env=environment, stdin=given, stderr=subprocess.DEVNULL, start_new_session=True
        )
        return Held.of(process)

    async def collect(self, deadline_s: float) -> Reading[Collected]:
        """Stop the worker and fetch its spool, with times as the worker recorded them; what came is kept before it is read."""
        asked_us = self._clock.monotonic_us()
        found: Collected | None = None
        why = f"its spool could not be fetched within {deadline_s:g} s"
        if self._kept is None:
            return Reading(Outcome.NOT_DONE, None, "there is no folder for its spool", asked_us, asked_us)
        self._wanted = True
        with anyio.move_on_after(deadline_s):
            try:
                found = await self._fetched(self._kept)
                # It has ended, so nothing is left to stop.
                self._started = False
            except OSError as error:
                why = f"its spool could not be fetched ({error})"
            except BrokenOff as broken:
                why = str(broken)
            except (NoSpool, NotKept) as odd:
                # Asked again, it would give the same; and nobody waits for a disk.
                return Reading(Outcome.NOT_DONE, None, str(odd), asked_us, self._clock.monotonic_us())
        stamps = (asked_us, self._clock.monotonic_us())
        self._wanted = found is None
        return Reading(Outcome.UNKNOWN if found is None else Outcome.DONE, found, "" if found else why, *stamps)

    def expect(self, schedule: Schedule, key: bytes) -> None:
        """Know what a run that was closed without its samples asked of its worker, and the key that the run gave it."""
        self._schedule, self._key, self._wanted = schedule, key, True

    async def _fetched(self, kept: Path) -> Collected:
        """End the worker, keep its spool, which is not more than its schedule can have given, and read it back."""
        in_place, most_bytes = self._reach.spools_in(kept), _spool_most_bytes(self._schedule)
        taking = TakingApart(kept, most_bytes, _expected(self._schedule), self._key, in_place=in_place)
        silent = True
        try:
            async with aclosing(self._said_by(self._fetches)) as said:
                while part := await self._next(said):
                    silent = False
                    await taking.take(part)
            lost = self._reach.trouble(self._code) if silent else ""
            if lost:
                raise BrokenOff(lost)
            ended, reading = await taking.finish()
        finally:
            taking.close()
        spool = KeptSpool(partial(segments_in, kept), _expected(self._schedule), self._key)
        return _collected(spool, reading, ended, self._key)

    async def _next(self, said: AsyncGenerator[bytes, None]) -> bytes:
        """Wait for the next piece of a spool, nothing at its end; raises `BrokenOff` where none comes: a long spool has no other deadline."""
        with anyio.move_on_after(self.call_s):
            return await anext(said, b"")
        raise BrokenOff(f"nothing more of its spool came for {self.call_s:g} s")

    async def stop(self) -> None:
        """End the worker without collecting; ending a worker that has ended has no effect."""
        try:
            await self._stop()
        finally:
            if not self._reach.keeps_spool:
                self._reach.close()

    async def forget(self) -> None:
        """Take away what its spool left on its host, where that is another host; what cannot be taken away, or is still wanted, stays."""
        if not self._reach.keeps_spool:
            return
        if not self._wanted:
            with anyio.move_on_after(self.call_s), suppress(OSError, NoSpool):
                await self._say("forget", READY_MAX_BYTES, "what it says is")
        self.leave()

    def leave(self) -> None:
        """Leave to its host what it has, and forget the way to it."""
        self._reach.close()

    async def _stop(self) -> None:
        await self._let_go()
        if self._worker is None:
            return
        if self._far and self._started:
            # Without a descriptor or memory it ends by itself, at the end of its schedule.
            with anyio.move_on_after(self.call_s / 2), suppress(OSError, NoSpool):
                async with aclosing(self._said_by("collect")) as said:
                    async for _ in said:
                        pass  # Nobody wants it any more.
        worker, self._worker = self._worker, None
        # A worker that still waits for its schedule takes the end of its input as the end of its work.
        await stop(worker, clock=self._clock)


def _collected(spool: KeptSpool, reading: SpoolReading, ended: str, key: bytes) -> Collected:
    # A worker that was killed could not seal its last segment, and its end says so.
    cut = ended == "lost" and reading.why == UNSEALED
    return Collected(
        spool,
        reading.samples,
        chain_ok=reading.whole or cut,
        ended=ended,
        why="" if cut else reading.why,
        length=reading.length,
        sha256=reading.sha256,
        key=key.hex(),
    )


async def _ended(process: Process) -> None:
    """End a program there, unless it has ended."""
    end_group(process)
    await process.aclose()


def _drain(number: int, said: queue.Queue[bytes]) -> None:
    """Read to the end; when the queue is no longer emptied, wait, in bounded memory."""
    with os.fdopen(number, "rb", buffering=0) as pipe:
        while data := pipe.read(CHUNK_BYTES):
            said.put(data)


async def _write_all(number: int, data: bytes) -> None:
    """Write to a pipe without blocking the event loop: a hung worker reads nothing."""
    os.set_blocking(number, False)
    while data:
        await anyio.wait_writable(number)
        data = data[os.write(number, data) :]


def _schedule_json(schedule: Schedule, key: bytes) -> str:
    return json.dumps(
        {
            "run": schedule.run,
            "vantage": schedule.vantage,
            "key": key.hex(),
            "sample_every_s": schedule.sample_every_s,
            "end_after_s": schedule.end_after_s,
            "probes": {name: probe.model_dump(mode="json", by_alias=True) for name, probe in schedule.probes.items()},
        }
    )


def _expected(schedule: Schedule | None) -> Expected:
    """Say which samples may come; none before a schedule was handed over."""
    if schedule is None:
        return Expected("", "", frozenset())
    return expected(schedule.run, schedule.vantage, schedule.probes)


def _spool_most_bytes(schedule: Schedule | None) -> int:
    if schedule is None:
        return SPOOL_LEAST_BYTES
    samples = len(schedule.probes) * (schedule.end_after_s / schedule.sample_every_s + 1)
    return min(SPOOL_LEAST_BYTES + round(samples * SAMPLE_BYTES), SPOOL_MOST_BYTES)
