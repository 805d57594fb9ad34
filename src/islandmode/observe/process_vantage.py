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
import re
import secrets
import subprocess
import threading
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

import anyio
from anyio.abc import ByteSendStream
from anyio.streams.buffered import BufferedByteReceiveStream

from islandmode.core.episodes import Sample
from islandmode.core.outcome import Outcome, Reading
from islandmode.core.spool import UNSEALED, KeptSpool, SpoolReading, expected
from islandmode.core.spool_lines import Expected, read_sample
from islandmode.core.text import cleaned
from islandmode.observe import last_words
from islandmode.observe.kept_spool import ENDINGS, BrokenOff, NoSpool
from islandmode.observe.reach import Reach, Verb
from islandmode.observe.taking_apart import NotKept, TakingApart
from islandmode.observe.vantage import Collected, Offset, Schedule
from islandmode.system.clock import Clock
from islandmode.system.process import PipeStream, end_group, first_word, start, stop
from islandmode.system.segments import segments_in

ROUND_TRIPS, ROUND_TRIPS_MAX, GOOD_ENOUGH_US = 7, 25, 1000
"""How often a clock is asked: a machine that is busy meanwhile gets some more tries for a short round trip."""
LOOK_MAX_BYTES = 4 * 1024 * 1024
"""What a far host may say to a look: a few hundred bytes for each of thousands of probes."""
PIPE_BYTES = 1 << 20
CHUNK_BYTES, SAID_MAX_CHUNKS = 65536, 1024
KEPT_ANSWER = re.compile(rb"kept (yes|no|unknown) ([0-9]{1,12}) (-?[0-9]{1,9})")
CLOCK_ANSWER = re.compile(rb"([0-9]{1,18}) ([0-9]{1,18}) ([0-9a-f-]{36})")
READY_MAX_BYTES, SHOWN_MAX_CHARACTERS = 4096, 200
SAMPLE_BYTES, SPOOL_LEAST_BYTES, SPOOL_MOST_BYTES = 100, 1 << 23, 1 << 33
"""How long a fetched spool may be: so much for each sample, and for what surrounds them; a worker ends at half the most."""
KEY_BYTES = 32
LOGOUT_S, LOGOUT_STEP_S = 2.0, 0.01
ENDED_TOLD = "its worker has ended ({})"


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
        """Measure the vantage's clocks by round trips, and keep the shortest."""
        asked_us = self._clock.monotonic_us()
        found: list[Offset] = []
        why = "its clock did not answer"
        with anyio.move_on_after(deadline_s):
            try:
                why = await self._prepare() or await self._round_trips(found) or why
            except OSError as error:
                why = f"its clock could not be asked ({error})"
            except (ValueError, anyio.DelimiterNotFound):
                found, why = [], "what answered is not its clock"
        stamps = (asked_us, self._clock.monotonic_us())
        if not found:
            return Reading(Outcome.NOT_DONE, None, why, *stamps)
        return Reading(Outcome.DONE, found[0], "", *stamps)

    async def _round_trips(self, found: list[Offset]) -> str:
        """Ask its clock some times; say why the way to it failed, or nothing."""
        argv, environment = self._reach.argv("clock"), self._reach.environment()
        process = await anyio.open_process(argv, env=environment, stderr=subprocess.DEVNULL, start_new_session=True)
        async with process:
            if process.stdin is not None and process.stdout is not None:
                answers = BufferedByteReceiveStream(process.stdout)
                while _goes_on(found) and (offset := await self._round_trip(process.stdin, answers)) is not None:
                    if found and offset.boot_id != found[0].boot_id:
                        raise ValueError
                    found.append(offset)
                if found:
                    found[:] = [await self._kept_by_ntp(min(found, key=_uncertainty), process.stdin, answers)]
                else:
                    # It said nothing more: its exit code tells why.
                    await process.wait()
            end_group(process)
        return "" if found else self._reach.trouble(process.returncode)

    async def _kept_by_ntp(self, offset: Offset, ask: ByteSendStream, answers: BufferedByteReceiveStream) -> Offset:
        """Ask once whether NTP keeps that clock; a host that does not tell is unknown."""
        try:
            await ask.send(b"kept\n")
            told = KEPT_ANSWER.fullmatch(await answers.receive_until(b"\n", 200))
        except (anyio.EndOfStream, anyio.IncompleteRead, anyio.BrokenResourceError):
            told = None
        if told is None:
            return offset
        return replace(offset, kept=told[1].decode(), error_us=int(told[2]), rate_ppb=int(told[3]))

    async def _round_trip(self, ask: ByteSendStream, answers: BufferedByteReceiveStream) -> Offset | None:
        sent_us, utc_us = self._clock.monotonic_us(), self._clock.utc_us()
        try:
            await ask.send(b"?\n")
            line = await answers.receive_until(b"\n", 200)
        except (anyio.EndOfStream, anyio.IncompleteRead, anyio.BrokenResourceError):
            return None
        back_us = self._clock.monotonic_us()
        answer = CLOCK_ANSWER.fullmatch(line)
        if answer is None:
            raise ValueError
        half = (back_us - sent_us) // 2
        theirs_us = int(answer[1])
        shifts_us = (sent_us + half - theirs_us, utc_us + half - int(answer[2]))
        return Offset(*shifts_us, half + 1, answer[3].decode(), theirs_us)

    async def start(self, schedule: Schedule, deadline_s: float) -> Reading[None]:
        """Hand over the whole schedule and wait for the worker's one word."""
        asked_us = self._clock.monotonic_us()
        why = f"its worker did not say ready within {deadline_s:g} s"
        with anyio.move_on_after(deadline_s):
            unready = await self._prepare()
            if unready:
                return Reading(Outcome.NOT_DONE, None, unready, asked_us, self._clock.monotonic_us())
            try:
                argv = self._reach.argv("run" if self._far else "live")
                self._worker = start(argv, environment=self._reach.environment())
            except OSError as error:
                why = f"its worker could not be started ({error})"
                return Reading(Outcome.NOT_DONE, None, why, asked_us, self._clock.monotonic_us())
            self._started, self._schedule, self._key = True, schedule, secrets.token_bytes(KEY_BYTES)
            why = await self._hand_over(self._worker, schedule)
            if not why and self._reach.proves_start:
                why = f"its worker was not seen alive by a new login within {deadline_s:g} s"
                why = await self._outlives_its_login(self._worker)
        worker = self._worker
        if worker is not None and worker.stdout is not None:
            if self._far:
                worker.stdout.close()
            elif not why:
                why = self._take_in(worker.stdout.fileno())
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
        if worker.stdin is None or worker.stdout is None:
            return "its worker has no pipes"
        try:
            await _write_all(worker.stdin.fileno(), _schedule_json(schedule, self._key).encode() + b"\n")
            worker.stdin.close()
            answers = BufferedByteReceiveStream(PipeStream(worker.stdout.fileno()))
            word = await first_word(answers, READY_MAX_BYTES)
            self._heard = bytes(answers.buffer)
        except OSError:
            word = b""
        if word == b"ready":
            return ""
        if not word:
            with anyio.move_on_after(LOGOUT_S):
                while worker.poll() is None:
                    await self._clock.sleep(LOGOUT_STEP_S)
        lost = "" if word else self._reach.trouble(worker.poll())
        if lost:
            return lost
        said = cleaned(word.decode(errors="replace"))[:SHOWN_MAX_CHARACTERS]
        return f"its worker did not start to look ({said or 'it said nothing'})"

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
        """Give what a command of the far side says, as it comes."""
        self._code = None
        argv, environment = self._reach.argv(verb), self._reach.environment()
        process = await anyio.open_process(
            argv, env=environment, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        )
        try:
            if process.stdout is not None:
                async for part in process.stdout:
                    yield part
            self._code = await process.wait()
        finally:
            end_group(process)
            with anyio.CancelScope(shield=True):
                await process.aclose()

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

    async def _fetched(self, kept: Path) -> Collected:
        """End the worker, keep its spool, which is not more than its schedule can have given, and read it back."""
        in_place, most_bytes = self._reach.spools_in(kept), _spool_most_bytes(self._schedule)
        taking = TakingApart(kept, most_bytes, _expected(self._schedule), self._key, in_place=in_place)
        silent = True
        try:
            async with aclosing(self._said_by("end" if in_place else "collect")) as said:
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
        self._reach.close()

    async def _stop(self) -> None:
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


def _goes_on(found: Sequence[Offset]) -> bool:
    """Tell whether a clock is asked once more."""
    if len(found) < ROUND_TRIPS:
        return True
    return len(found) < ROUND_TRIPS_MAX and min(map(_uncertainty, found)) > GOOD_ENOUGH_US


def _uncertainty(offset: Offset) -> int:
    return offset.uncertainty_us


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
