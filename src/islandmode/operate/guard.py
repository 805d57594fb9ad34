"""The guardian's process. The conductor starts it; people do not."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass
from pathlib import Path

import anyio
from anyio.abc import TaskStatus

from islandmode.core.errors import IslandmodeError
from islandmode.core.guardian_records import GuardianEnded
from islandmode.operate.ground import Ground, ground_of
from islandmode.operate.judge import judge_died
from islandmode.operate.opening import opened
from islandmode.operate.transcripts import Transcripts
from islandmode.run.guardian import Guardian
from islandmode.run.lifeline_pipes import FolderRequests, PipeHearing
from islandmode.run.outermost import STRANDED, sentence_of
from islandmode.store import rundir
from islandmode.store.journal import Journal
from islandmode.store.rundir import RunDirectory
from islandmode.system.claim import ClaimApart
from islandmode.system.clock import Clock, MachineClock
from islandmode.system.disk import MachineDisk
from islandmode.system.lifeline import REFUSED

LOOK_FOR_LAB_S = 2.0
WRITE_S = 3.0


@dataclass
class Signals:
    """Whether this process was told to end; it restores first."""

    why: str | None = None

    async def receive(self, *, task_status: TaskStatus[None]) -> None:
        """Take INT, TERM and HUP as a wish."""
        with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM, signal.SIGHUP) as received:
            task_status.started()
            async for number in received:
                self.why = f"{signal.Signals(number).name} was received"


def guard_run(workspace: Path, run: str, record: Path | None) -> int:
    """Guard a run until its restoration was seen; `record` is the machine's of this run."""
    try:
        directory = rundir.find(workspace, run)
        directory.hold_guardian(record)
        return anyio.run(_guard, directory)
    except IslandmodeError as error:
        # The conductor that started this process listens on this pipe only.
        os.write(1, f"{REFUSED} {sentence_of(error)}\n".encode())
        return error.exit_code


async def _end_with_the_ground(ground: Ground, journal: Journal, clock: Clock) -> None:
    """End when a lab is gone: the isolation went with it, and restoration can never be seen."""
    while ground.stands() is not False:
        await clock.sleep(LOOK_FOR_LAB_S)
    journal.note(GuardianEnded, restored=False, why="The lab is gone, and the isolation with it.")
    with anyio.move_on_after(WRITE_S):
        await journal.close()
    # A restore is shielded from everything on purpose; nothing else ends it.
    os._exit(0)


async def _guard(directory: RunDirectory) -> int:
    plan, clock = directory.plan(), MachineClock.of_this_boot()
    ground = ground_of(directory)
    ground.refuse(plan)
    transcripts = Transcripts(directory.root, rundir.GUARDIAN, clock)
    points = opened(ground, plan, clock, directory.run, transcripts)
    path = directory.journal.with_name(rundir.GUARDIAN_JOURNAL)
    names = {"site": plan.drill.site, "run": directory.run, "writer": "guardian"}
    journal = await Journal.create(MachineDisk(), path, clock=clock, **names)
    claim, signals = ClaimApart(directory.root), Signals()
    guardian = Guardian(
        plan,
        points,
        run=directory.run,
        journal=journal,
        clock=clock,
        claim=claim,
        hearing=PipeHearing(0, 1),
        requests=FolderRequests(directory.requests),
        signals=signals,
    )
    async with anyio.create_task_group() as beside:
        await beside.start(signals.receive)
        beside.start_soon(_end_with_the_ground, ground, journal, clock)
        restored = await guardian.guard()
        beside.cancel_scope.cancel()
    for point in points.values():
        await point.close()
    await journal.close()
    claim.close()
    transcripts.close()
    if restored and signals.why is None:
        # Of a conductor that died; one that lives judges itself. A machine that goes down is not kept waiting.
        judge_died(directory)
    return 0 if restored else STRANDED
