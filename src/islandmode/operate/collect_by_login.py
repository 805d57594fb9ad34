"""Samples that are fetched after a run was closed, from the hosts that did not answer in time and answer again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import anyio

from islandmode.core import limits
from islandmode.core.errors import InputError, Refused
from islandmode.core.go_records import GoAsked
from islandmode.core.judging.timeline import of_kind
from islandmode.core.problem import listed
from islandmode.core.records import VantageOffset
from islandmode.observe.process_vantage import ProcessVantage
from islandmode.observe.vantage import Collected, Offset, Schedule
from islandmode.operate.addendum import Added, Came, Compared, add, begin, has, key_of, open_run, read, trouble
from islandmode.operate.audience import Pages
from islandmode.operate.far_vantages import open_far
from islandmode.operate.ground import ground_of
from islandmode.operate.judge import Evidence
from islandmode.run.go_desk import LONGEST_S
from islandmode.store.active import PLANT
from islandmode.store.addenda import NewAddendum
from islandmode.store.known_hosts import KNOWN_HOSTS
from islandmode.store.rundir import RunDirectory
from islandmode.system.clock import Clock, MachineClock
from islandmode.system.own_program import typed_at
from islandmode.system.secrets import Secrets

NEVER_S = float("inf")


@dataclass(frozen=True)
class Missed:
    """A vantage whose samples were not had, and why."""

    vantage: str
    why: str


def collect_by_login(workspace: Path, run: str, pages: Pages) -> Iterator[Added | Missed]:
    """Log in to every vantage whose samples a run lacks, and add what it has; each gets an addendum of its own, or is missed.

    Raises `InputError` where there is nobody to log in to, and `Refused` where this machine cannot place what would come.
    """
    directory, evidence = open_run(workspace, run)
    names, clock = _to_log_in_to(workspace, directory, evidence), MachineClock.of_this_boot()
    if evidence.records[0].boot_id != clock.boot_id:
        raise Refused(
            f"This machine restarted since {directory.run}, or is not the machine of that run, so the clocks of other hosts can no longer be compared "
            "with those of the run. Copy the folder in which the host keeps its samples, and name it with --from. Nothing was added."
        )
    known = workspace / KNOWN_HOSTS
    if not known.is_file():
        raise InputError(
            f"There is no {KNOWN_HOSTS} in {workspace}, and Islandmode logs in to no host whose key is unknown."
        )
    secrets = Secrets(workspace, clock=clock)
    for name in names:
        yield _collect(name, workspace, directory.run, secrets.resolve, known, clock, pages)


def _to_log_in_to(workspace: Path, directory: RunDirectory, evidence: Evidence) -> list[str]:
    plan = evidence.plan
    missing = [name for name in plan.vantages if not has(evidence, name)]
    if not missing:
        raise InputError(f"{directory.run} has the samples of every vantage already.")
    names = [name for name in missing if plan.vantages[name].ssh is not None and key_of(evidence, name)]
    if not names or ground_of(directory).kind != PLANT:
        raise InputError(
            f"{directory.run} lacks the samples of {listed(missing)}, and no host is logged in to for them; name the folder in which they "
            f"were brought: {typed_at(workspace, 'collect', directory.run, '--from', 'FOLDER')}."
        )
    return names


def _collect(
    name: str, workspace: Path, run: str, secret: Callable[[str], str], known: Path, clock: Clock, pages: Pages
) -> Added | Missed:
    # Read anew for each: an addendum is judged with those before it.
    directory, evidence = open_run(workspace, run)
    new = begin(directory, name)
    try:
        vantage = open_far(name, evidence.plan.vantages[name], clock, run, secret, known, kept=new.samples)
        try:
            return _add(new, vantage, evidence, clock, pages)
        finally:
            vantage.leave()
    except InputError as error:
        return Missed(name, str(error))
    except OSError as error:
        return Missed(name, f"it cannot be kept on this machine ({error.strerror or error})")
    finally:
        new.give_up()


def _add(new: NewAddendum, vantage: ProcessVantage, evidence: Evidence, clock: Clock, pages: Pages) -> Added | Missed:
    """Fetch a spool, and add it; its host forgets it then."""
    name = new.vantage
    vantage.expect(_schedule(evidence, new.run.run, name), bytes.fromhex(key_of(evidence, name)))
    offset, collected, why = anyio.run(_fetched, vantage)
    if collected is None:
        return Missed(name, why)
    came = Came(collected.ended, read(new, evidence), by_login=True)
    if why := trouble(came):
        return Missed(name, f"its spool cannot be relied on. {why}")
    added = add(new, evidence, came, _compared(name, offset, evidence), pages, clock)
    anyio.run(vantage.forget)
    return added


async def _fetched(vantage: ProcessVantage) -> tuple[Offset | None, Collected | None, str]:
    """Measure its clock, and fetch its spool."""
    offset = await vantage.offset(vantage.call_s)
    if offset.value is None:
        return None, None, offset.why
    # A long spool has no deadline while it still comes.
    reading = await vantage.collect(NEVER_S)
    return offset.value, reading.value, reading.why


def _schedule(evidence: Evidence, run: str, vantage: str) -> Schedule:
    """Say what the run asked of its worker, the waiting for a go among it."""
    plan, waits_s = evidence.plan, LONGEST_S if any(of_kind(evidence.records, GoAsked.record_kind)) else 0.0
    mine = {name: planned.probe for name, planned in plan.probes.items() if planned.probe.vantage == vantage}
    return Schedule(run, vantage, mine, plan.drill.sample_every, limits.sampling_s(plan) + waits_s)


def _compared(vantage: str, offset: Offset | None, evidence: Evidence) -> Compared:
    """Give the measurement after the drill, which the run lacks; none of a host that restarted: its clock began anew."""
    measured = [record.data for record in of_kind(evidence.records, "vantage.offset", vantage=vantage, outcome="done")]
    boots = {data.get("boot_id") for data in measured}
    if offset is None or (boots and boots != {offset.boot_id}):
        return Compared([], "its host restarted since its clock was measured")
    if any(data.get("when") == "after" for data in measured):
        return Compared([], "")
    after = VantageOffset(vantage=vantage, when="after", outcome="done", why="", **asdict(offset))
    return Compared([after], "")
