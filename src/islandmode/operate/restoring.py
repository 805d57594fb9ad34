"""Restore a run through sessions of this process, by the run's record; and prove beforehand that this would work.

`abort` and `restore` do this when neither conductor nor guardian of the run has restored it. It is imported only then: it loads
lab, vantages and report, and asking the processes of a run must not wait for these imports.
"""

from __future__ import annotations

import secrets as randomness
from contextlib import suppress
from pathlib import Path

import anyio

from islandmode.core.errors import InputError, IslandmodeError, Refused
from islandmode.core.rescue import Restorable
from islandmode.isolation.point import logging_in
from islandmode.operate.by_hand import lines_by_hand
from islandmode.operate.devices import told_of_saved
from islandmode.operate.ground import Ground, ground_of
from islandmode.operate.judge import judge_died
from islandmode.operate.opening import opened
from islandmode.operate.operator_name import operator_name
from islandmode.operate.requesting import PUT_WITHIN_S
from islandmode.operate.stop import StopOrder, arguments_for, went_with_its_lab
from islandmode.operate.telling import Listener
from islandmode.operate.transcripts import Transcripts
from islandmode.operate.unfinished import Owed, owed_by
from islandmode.run.outermost import STRANDED, sentence_of
from islandmode.run.restore import wait_told
from islandmode.run.resume import Resumed, resume
from islandmode.store import rundir
from islandmode.store.rundir import RunDirectory
from islandmode.system.claim import FileClaim
from islandmode.system.clock import MachineClock, iso_utc
from islandmode.system.disk import MachineDisk


def restore_one(order: StopOrder, directory: RunDirectory) -> int:
    """Restore one run; a failure is reported and keeps no other run from being restored."""
    try:
        return _restore_here(order, directory)
    except IslandmodeError as error:
        order.listener.warn(f"{directory.run}: {sentence_of(error)}")
        # Its own processes may have brought it back meanwhile, and its lab may have been taken down.
        if not owed_by(directory) or went_with_its_lab(directory, order.listener):
            return 0
        with suppress(InputError):
            order.listener.stranded(lines_by_hand(directory.plan()))
        return STRANDED


def _restore_here(order: StopOrder, directory: RunDirectory) -> int:
    # An abort needs no lab name; the name helps only where the record of a run is spoilt.
    plan, ground = directory.plan(), ground_of(directory, order.lab)
    ended = elsewhere(order, plan, ground, (*arguments_for(order.arguments[0], directory, order.lab), "--at-once"))
    if ended is not None:
        return STRANDED if ended else 0
    # A run that does not answer may have isolated anything in its plan, even if its journal does not say so yet.
    left = owed_by(directory)
    owed = left or {name: point.conduits for name, point in plan.points.items()}
    # A conductor that is only stopped may wake: from here on it may do nothing but restore. On a disk that does not take the
    # claim, the signal that it was sent says the same.
    FileClaim(directory.root).take_within(PUT_WITHIN_S)
    path = directory.journal.with_name(new_journal())
    with order.watch.elsewhere():
        resumed = restore_points(plan, ground, owed, order.listener, names=(plan.drill.site, directory.run), path=path)
    if not say_what_is_left(directory.run, plan, owed, resumed, order.listener):
        return STRANDED
    order.listener.say(f"{directory.run}: restored by this command; {restored_told(plan, owed)}.")
    with order.watch.elsewhere():
        # The plant is back; what is known of the run is judged now, where nobody lives who would.
        judge_died(directory)
    return 0


def say_what_is_left(run: str, plan: Restorable, owed: Owed, resumed: Resumed, listener: Listener) -> bool:
    """Report what is left in saved configurations; returns whether all that was owed was seen restored."""
    for name, left in sorted(resumed.left.items()):
        for sentence in told_of_saved(name, plan.points[name], left):
            listener.warn(f"UNPROVEN: {run}: {sentence}")
    return resumed.is_whole(owed)


def restored_told(plan: Restorable, owed: Owed) -> str:
    """Say how each point was seen restored by this process."""
    by_hand = sorted(name for name in owed if plan.points[name].capabilities.asks_person)
    driven = sorted(set(owed) - set(by_hand))
    told = [f"{', '.join(driven)} was read back without Islandmode objects, and none is saved there"] if driven else []
    return "; ".join([*told, *[f"a probe passed through {', '.join(by_hand)}" for _ in by_hand[:1]]])


def new_journal() -> str:
    """Name the journal of a restore: unique, and later restores sort after earlier restores."""
    stamp = iso_utc(MachineClock.of_this_boot().utc_us())[:19].replace(":", "")
    return f"restore-{stamp}Z-{randomness.token_hex(2)}.jsonl"


def restore_points(
    plan: Restorable, ground: Ground, owed: Owed, listener: Listener, *, names: tuple[str, str | None], path: Path
) -> Resumed:
    """Restore until seen; `names` are site and run. Without a run, the objects of every run are removed."""
    clock = MachineClock.of_this_boot()
    # A restore by no run has no run's folder to keep one in; its journal stands in one that holds all runs.
    transcripts = None if names[1] is None else Transcripts(path.parent.parent, path.stem, clock)
    made = ground.open_points(plan, clock, names[1], owed, transcripts)
    for name, error in made.lost.items():
        listener.warn(f"{name} cannot be logged in to, and is not restored by this command: {sentence_of(error)}")
    recorded = (names[0], names[1] or "")

    async def act() -> Resumed:
        return await resume(
            made.points,
            owed,
            names=recorded,
            by=operator_name(),
            path=path,
            clock=clock,
            disk=MachineDisk(),
            waits=lambda point, wait_s: listener.say(
                wait_told(point, wait_s, asks_person=plan.points[point].capabilities.asks_person)
            ),
            asks=lambda ask: listener.say(ask.told()),
        )

    resumed = anyio.run(act)
    if resumed.unkept:
        listener.warn(f"what was done could not be recorded: {resumed.unkept}.")
    for name, why in sorted(resumed.unseen.items()):
        listener.warn(f"{name} was not seen restored: {why or 'it still shows an object'}.")
    if resumed.seen != set(owed):
        listener.stranded(lines_by_hand(plan))
    if transcripts is not None:
        transcripts.close()
    return resumed


def prove(workspace: Path, run: str) -> int:
    """Log in to every point of a run as a restore would and change nothing; raises `Refused` with the first obstacle."""
    directory = rundir.find(workspace, run)
    plan = directory.plan()
    points = opened(ground_of(directory), plan, MachineClock.of_this_boot(), directory.run)

    async def log_in() -> list[str]:
        wrong = []
        for name, point in points.items():
            sessions = logging_in(point)
            reading = None if sessions is None else await sessions.ready(10.0)
            if reading is not None and not reading.done:
                wrong.append(f"{name}: {reading.why or reading.outcome.value}")
            await point.close()
        return wrong

    wrong = anyio.run(log_in)
    if wrong:
        raise Refused(wrong[0])
    return 0


def elsewhere(order: StopOrder, plan: Restorable, ground: Ground, arguments: tuple[str, ...]) -> int | None:
    """Run this program on the operations host and return its exit code; None if this process is on that host."""
    ground.refuse(plan)
    if ground.is_here():
        return None
    with order.watch.elsewhere():
        code = ground.go(arguments, drill=False) if order.becomes else ground.ask(arguments)
    if code is None:
        order.listener.warn(
            "the restore on the operations host ended without reporting a result; restoration was not seen."
        )
        order.listener.stranded(lines_by_hand(plan))
        return STRANDED
    return code
