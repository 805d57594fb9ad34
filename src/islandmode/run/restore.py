"""Restore: the one function that puts the plant back, used unchanged by conductor, guardian, resume and command line.

It is idempotent, restores every point independently of the others, never waits for the journal or a disk, needs no
approval, and comes back only with what was *seen*. What may happen to one point, in each attempt:

    done, clear       the device was read back without Islandmode objects: seen, finished; but where an abandoned line may
                      still act, only a look after its latest moment counts. Until then it is tried again and again, so that
                      what a line isolates that lands meanwhile goes soon
    done, not clear   the device says done and still shows an object: tried again
    not done          the device refused: tried again
    unknown           no answer in time; the session was closed, another is opened: tried again. Where a device works on a
                      change for a while it is looked at first: what was given up may have landed meanwhile
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import ParamSpec, Protocol

import anyio

from islandmode.core.device_records import RestoreAttempt, RestoreLooked, RestoreSeen, RestoreUnseen
from islandmode.core.entry import Entry
from islandmode.core.outcome import Outcome, Reading
from islandmode.isolation.point import IsolationPoint, PointState
from islandmode.system.clock import Clock

PATIENT_EVERY = 3
"""Every third attempt has the time for a new login: on a slow link no short attempt would ever end."""
BACKOFF_FIRST_S = 0.2
PAUSE_MAX_S = 5.0
WATCH_FIRST_S, WATCH_MAX_S = 1.0, 10.0
"""How long the plant is left alone at most while a line that was given up may still act: a while at first, as it is likeliest then."""
WAIT_TOLD_S = 10.0
"""A longer wait for the look that proves a restoration is told: somebody who follows must not take it for a restore that fails."""
P = ParamSpec("P")
Waits = Callable[[str, float], None]
"""Hears that a point is back, and in how many seconds it is looked at again; it must neither wait nor raise."""


class Notes(Protocol):
    """Where restore writes what it did; never waits, never raises."""

    def note(self, make: Callable[P, Entry], *args: P.args, **said: P.kwargs) -> object:
        """Keep a record of a model's kind in memory and write it when possible."""
        ...


def wait_told(point: str, wait_s: float, *, asks_person: bool = False) -> str:
    """Say why a restore goes on although the plant is back."""
    if asks_person:
        return (
            f"A probe passed through {point}. Who was asked to isolate it may still do so for {wait_s:.0f} s more at most: only another "
            "look after that proves its restoration."
        )
    return (
        f"{point} was read back without Islandmode objects. What was sent to it last may act for {wait_s:.0f} s more at most: only another "
        "look after that proves its restoration."
    )


async def restore_until_seen(
    points: Mapping[str, IsolationPoint],
    conduits: Mapping[str, tuple[str, ...]],
    *,
    notes: Notes,
    clock: Clock,
    give_up_after_s: float,
    pause_max_s: float = PAUSE_MAX_S,
    others_until_us: int | None = None,
    waits: Waits = lambda _point, _wait_s: None,
) -> frozenset[str]:
    """Restore every point and return the names of those that were *seen* restored; nothing cancels it from outside.

    `give_up_after_s` bounds how long one caller keeps trying: the device's own timer has fired long before, and what
    is still unseen then is stranded and must be said loudly. It may be infinite. `pause_max_s` is the longest pause between
    attempts once the first few have failed. `others_until_us` is the last moment at which another process of this run may
    have sent a line to a device; what each point gave up itself, it knows.
    """
    seen: set[str] = set()

    async def restore_point(name: str) -> None:
        until_us = clock.monotonic_us() + give_up_after_s * 1_000_000
        point = points[name]
        final_us = 0 if others_until_us is None else others_until_us + round(point.capabilities.latest_s * 1_000_000)
        if await _restore_point(point, conduits[name], notes, clock, _Bounds(until_us, pause_max_s, final_us, waits)):
            seen.add(name)

    with anyio.CancelScope(shield=True):
        async with anyio.create_task_group() as group:
            for name in conduits:
                group.start_soon(restore_point, name)
    return frozenset(seen)


@dataclass(frozen=True)
class _Bounds:
    """When to give up, how long to pause at most, before which moment no look proves anything, and who hears of that wait."""

    until_us: float
    pause_max_s: float
    final_us: int
    waits: Waits


async def _restore_point(
    point: IsolationPoint, conduits: tuple[str, ...], notes: Notes, clock: Clock, bounds: _Bounds
) -> bool:
    able, calls = point.capabilities, point.capabilities.calls_s
    backoff_s, watch_s = BACKOFF_FIRST_S, WATCH_FIRST_S
    attempt = told_us = 0
    looks = waited = False
    while True:
        looked = looks
        if looked:
            reading = await _bounded(partial(point.state, conduits, able.look_s), clock)
            looks = False
        else:
            attempt += 1
            deadline_s = calls.restore if attempt % PATIENT_EVERY else calls.restore_anew
            reading = await _bounded(partial(point.restore, conduits, deadline_s), clock)
            looks = able.needs_look and reading.outcome is Outcome.UNKNOWN
        _note_attempt(notes, RestoreLooked if looked else RestoreAttempt, point.name, attempt, reading)
        if reading.done and reading.value is not None and reading.value.clear:
            final_us = max(bounds.final_us, point.late_until_us)
            if reading.asked_us < final_us:
                # The plant is back; a line that was given up may still act, so only a later look proves that it stays so.
                wait_s = max(0.0, (final_us - clock.monotonic_us()) / 1_000_000)
                if wait_s > WAIT_TOLD_S and final_us > told_us:
                    bounds.waits(point.name, wait_s)
                    told_us = final_us + round(WAIT_TOLD_S * 1_000_000)
                # A moment that was waited for and has moved away must not make this a storm of logins.
                pause_s = min(max(wait_s, backoff_s) if waited else wait_s, watch_s)
                await clock.sleep(pause_s)
                backoff_s = min(backoff_s * 2, bounds.pause_max_s) if waited else backoff_s
                watch_s = min(watch_s * 2, WATCH_MAX_S)
                looks, waited = able.needs_look, waited or pause_s >= wait_s
                continue
            notes.note(RestoreSeen, point=point.name, asked_us=reading.asked_us, answered_us=reading.answered_us)
            return True
        if clock.monotonic_us() >= bounds.until_us:
            notes.note(RestoreUnseen, point=point.name, why=reading.why)
            return False
        await clock.sleep(backoff_s)
        backoff_s = min(backoff_s * 2, bounds.pause_max_s)


async def _bounded(ask: Callable[[], Awaitable[Reading[PointState]]], clock: Clock) -> Reading[PointState]:
    asked_us = clock.monotonic_us()
    try:
        return await ask()
    except Exception as error:  # noqa: BLE001 - whatever it is, it may pass, and must not end what is done for other points
        why = f"this machine failed: {type(error).__name__} {error}".strip()
        return Reading(Outcome.UNKNOWN, None, why, asked_us, clock.monotonic_us())


def _note_attempt(
    notes: Notes, made: type[RestoreAttempt], point: str, attempt: int, reading: Reading[PointState]
) -> None:
    notes.note(
        made,
        point=point,
        attempt=attempt,
        outcome=reading.outcome.value,
        why=reading.why,
        asked_us=reading.asked_us,
        answered_us=reading.answered_us,
    )
