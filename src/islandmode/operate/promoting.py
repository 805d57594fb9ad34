"""What stands behind a live run of a plan, read from the ledger and the folders of its runs; `core.promotion` decides.

A verdict that is written down counts for nothing here: it is recomputed from the run's record, and only where the run's folder is
what the ledger's line about its end has. No device is asked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from islandmode.core.errors import InputError
from islandmode.core.intent import changes_told, read_intent
from islandmode.core.ledger import Attempt, Ledger, attempts_of
from islandmode.core.plan import Plan
from islandmode.core.planning.digest import drill_intent
from islandmode.core.policy import Policy
from islandmode.core.promotion import (
    REHEARSAL,
    AttemptJudged,
    OtherDrill,
    Rung,
    Tabletop,
    bench_rung,
    latest_moments,
    rehearsal_rungs,
    tabletop_rung,
    tier_rung,
)
from islandmode.core.text import in_words
from islandmode.core.verdict import Result
from islandmode.operate.approving import policy_of
from islandmode.operate.benched import NO_BENCH, Benched
from islandmode.operate.ledger import intent_of, unlike_ledger
from islandmode.operate.tabletop_notes import sign_command, signed_notes
from islandmode.store import catalog, rundir
from islandmode.store.ledger import ledger_of
from islandmode.store.rundir import RunDirectory
from islandmode.system.clock import Clock, MachineClock
from islandmode.system.own_program import typed_at

_1970 = datetime(1970, 1, 1, tzinfo=UTC)
FindTabletops = Callable[[Path, Plan], Iterable[Tabletop]]
"""Finds the signed notes of tabletops of a plan's drill, of any digest."""


def rungs_of(
    workspace: Path,
    plan: Plan,
    benched: Mapping[str, Benched],
    policy: Policy | None = None,
    tabletops: FindTabletops | None = None,
    clock: Clock | None = None,
) -> tuple[Rung, ...]:
    """Say what stands behind a live run of a plan, and what is missing, a rung each; `benched` is what is known of its devices.

    Without `policy` it is the site's.
    """
    policy = policy or policy_of(workspace)
    now = _1970 + timedelta(microseconds=(clock or MachineClock.of_this_boot()).utc_us())
    noted = tabletops(workspace, plan) if tabletops is not None else signed_notes(workspace, plan, now)
    return (
        *_rehearsal(workspace, plan, policy, now),
        tabletop_rung(noted, plan.drill_digest, policy, now, sign_command(workspace, plan.drill.drill)),
        _benches(workspace, plan, benched),
        tier_rung({name: point.capabilities.undo_tier for name, point in plan.points.items()}, policy),
    )


def rungs_told(rungs: Iterable[Rung]) -> tuple[str, ...]:
    """Say every rung in a line, as a record and a report have it."""
    return tuple(f"{rung.name}{'' if rung.stands else ' (missing)'}: {rung.told}" for rung in rungs)


def missing_of(rungs: Iterable[Rung]) -> tuple[str, ...]:
    """Give the sentence of every rung that is missing."""
    return tuple(rung.told for rung in rungs if not rung.stands)


def _rehearsal(workspace: Path, plan: Plan, policy: Policy, now: datetime) -> tuple[Rung, Rung]:
    rehearse = f"`{typed_at(workspace, 'run', plan.drill.drill, '--mode', REHEARSAL)}`"
    try:
        ledger = ledger_of(workspace)
    except InputError:
        # That the ledger cannot be read is a refusal of its own.
        ledger = Ledger()
    mine = attempts_of(ledger, plan.drill.site, plan.drill.drill)
    same = [attempt for attempt in reversed(mine) if attempt.drill_digest == plan.drill_digest]
    others = [attempt for attempt in reversed(mine) if attempt.drill_digest != plan.drill_digest]
    at = latest_moments(ledger)
    other = None if any(attempt.mode == REHEARSAL for attempt in same) else _other(workspace, plan, others, at)
    judged = (_judged(workspace, plan, ledger, attempt, at[attempt.line]) for attempt in same)
    return rehearsal_rungs(judged, other, policy, now, rehearse)


def _judged(workspace: Path, plan: Plan, ledger: Ledger, attempt: Attempt, at: datetime) -> AttemptJudged:
    """Judge an attempt again by its folder, as far as that is the one of which the ledger speaks."""
    why = unlike_ledger(workspace, ledger, attempt)
    if why:
        return AttemptJudged(attempt, at, why=why)
    # What judges is slow to import, and a drill that was never tried needs none of it.
    from islandmode.operate.judge import judge_run  # noqa: PLC0415 - only where there is something to judge

    directory = RunDirectory(workspace / rundir.RUNS / attempt.run)
    try:
        # What was added counts as far as the ledger has it; what nobody entered does not.
        verdict = judge_run(directory, len(attempt.addenda))
    except (InputError, OSError) as error:
        return AttemptJudged(attempt, at, why=f"it cannot be judged again: {error}".rstrip("."))
    said = (verdict.site, verdict.drill, verdict.drill_digest, verdict.mode)
    if said != (plan.drill.site, plan.drill.drill, plan.drill_digest, attempt.mode):
        return AttemptJudged(attempt, at, why="its folder is of another run")
    return AttemptJudged(attempt, at, verdict.verdict.value, verdict.restoration.value)


def _other(workspace: Path, plan: Plan, others: Sequence[Attempt], at: Mapping[int, datetime]) -> OtherDrill | None:
    """Find the newest rehearsal of the drill as it was before, one that held by the ledger if there is any, and say what changed."""
    rehearsed = [attempt for attempt in others if attempt.mode == REHEARSAL]
    held = [attempt for attempt in rehearsed if attempt.result == Result.HELD.value]
    found = next(iter(held or rehearsed), None)
    if found is None:
        return None
    before = intent_of(RunDirectory(workspace / rundir.RUNS / found.run), found.drill_digest)
    now = _intent_now(workspace, plan)
    changes = changes_told(before, now) if before is not None and now is not None else ""
    return OtherDrill(found.run, at[found.line], changes)


def _intent_now(workspace: Path, plan: Plan) -> Mapping[str, object] | None:
    """Give the intent behind a plan, from the files it was made of; None where they are not that any more."""
    try:
        loaded = catalog.load(workspace, plan.drill.drill)
        return read_intent(drill_intent(loaded.drill, loaded.site, loaded.probes), plan.drill_digest)
    except (InputError, KeyError):
        return None


def _benches(workspace: Path, plan: Plan, benched: Mapping[str, Benched]) -> Rung:
    """Say which devices have no bench that counts; a person who isolates by hand has none."""
    devices = [name for name, point in plan.points.items() if point.management is not None]
    unbenched = {name: "; ".join(found.whys) for name in devices if not (found := benched.get(name, NO_BENCH)).counts}
    commands = [f"`{typed_at(workspace, 'devices', 'bench', name, '--key', 'KEY')}`" for name in unbenched]
    return bench_rung(unbenched, len(devices), in_words(commands) if commands else "")
