"""Drills in which faults strike at random times, on both ends: python -m tests.crash.at_random [--count N] [--first SEED] [--labs N]

A seed draws one to three strikes: processes killed, or stopped and continued; the firewall's sshd stopped and continued; the
firewall restarted, its ruleset loaded again, its management closed or the disk below the runs frozen for a while. What must hold is the same for every
seed: the plant passes again within the dead-man and five seconds of the last strike, nothing of the product's is left, and
STRANDED is said only where nobody was left to see the restore.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

from islandmode.rehearse import backends
from islandmode.rehearse.lab import Lab
from islandmode.system.machine_state import VARIABLE
from tests.crash.breaking import NO_WAY_IN, MomentMissed, Stage, ended_early, pids_naming, wait_until
from tests.crash.matrix import LABS, play_all
from tests.crash.playing import (
    LATE_S,
    Played,
    clear,
    ended,
    guardians,
    journals_of,
    records_of,
    verdict_of,
)
from tests.crash.referee import Referee
from tests.crash.scenarios import Layer, Scenario
from tests.crash.ways import by_its_own_lines, referee_of
from tests.lab.drills import newest_run, read_journal
from tests.lab.rogue.bypass import in_node
from tests.patience import LONG_PATIENCE_S, PATIENCE_S
from tests.system.hanging_disk import FreezingDisk, freezing_disk

LATEST_S = 8.0
LONGEST_S = 6.0
STRANDED = 5
HELD_UNTIL_S = 5.0
"""Until then, at least, the drill isolates or is about to; what strikes later may meet a plant that is back."""


@dataclass(frozen=True)
class Strike:
    """One fault: what happens, when after the first intent to arm, and for how long where it ends again."""

    what: str
    at_s: float
    for_s: float

    def __str__(self) -> str:
        """Say it in a few words."""
        return f"{self.what} at {self.at_s:.1f} s" + (f" for {self.for_s:.1f} s" if self.what in LASTING else "")


def signal_pids(pids: list[int], number: signal.Signals) -> None:
    """Signal processes of this row; one that has gone is struck already."""
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def conductor(stage: Stage, number: signal.Signals) -> None:
    """Signal the conductor."""
    stage.signal_conductor(number)


def guardian(stage: Stage, number: signal.Signals) -> None:
    """Signal the guardian."""
    signal_pids(pids_naming(f"\0guard\0{stage.run().name}"), number)


def sshd(stage: Stage, what: str) -> None:
    """Signal every sshd of the firewall: the listener and those that serve the product."""
    in_node(stage.lab, "fw", "pkill", f"-{what}", "sshd", check=False)


def near_worker(stage: Stage, number: signal.Signals) -> None:
    """Signal the worker that looks from beside the conductor."""
    signal_pids(pids_naming(f"{stage.run().name}/samples/here"), number)


def restart_firewall(stage: Stage) -> None:
    """Restart the firewall."""
    stage.lab = backends.restart(stage.lab, "fw")


def reopen_management(stage: Stage) -> None:
    """Let the management network reach the firewall again; a restart or a reload may have done so already."""
    in_node(stage.lab, "fw", "nft", "delete", "table", "inet", "noway", check=False)


def disk_of(stage: Stage) -> FreezingDisk:
    """Give the disk below the runs."""
    if stage.disk is None:
        raise AssertionError("this row has no disk of its own")
    return stage.disk


def thaw(stage: Stage) -> None:
    """Let writes go on; most rows have no such disk."""
    if stage.disk is not None:
        stage.disk.thaw()


MOMENTARY: dict[str, Callable[[Stage], object]] = {
    "conductor killed": lambda stage: conductor(stage, signal.SIGKILL),
    "conductor told to end": lambda stage: conductor(stage, signal.SIGTERM),
    "guardian killed": lambda stage: guardian(stage, signal.SIGKILL),
    "near worker killed": lambda stage: near_worker(stage, signal.SIGKILL),
    "firewall restarted": restart_firewall,
    "rules loaded again": lambda stage: in_node(stage.lab, "fw", "nft", "-f", "/etc/nftables.conf"),
}
LASTING: dict[str, tuple[Callable[[Stage], object], Callable[[Stage], object]]] = {
    "conductor stopped": (
        lambda stage: conductor(stage, signal.SIGSTOP),
        lambda stage: conductor(stage, signal.SIGCONT),
    ),
    "guardian stopped": (lambda stage: guardian(stage, signal.SIGSTOP), lambda stage: guardian(stage, signal.SIGCONT)),
    "near worker stopped": (
        lambda stage: near_worker(stage, signal.SIGSTOP),
        lambda stage: near_worker(stage, signal.SIGCONT),
    ),
    "firewall's sshd stopped": (lambda stage: sshd(stage, "STOP"), lambda stage: sshd(stage, "CONT")),
    "disk frozen": (lambda stage: disk_of(stage).freeze(), thaw),
    "management closed": (lambda stage: in_node(stage.lab, "fw", "nft", NO_WAY_IN), reopen_management),
}


RUINOUS = set(MOMENTARY) - {"near worker killed"}
"""After these no drill can be held; a process that only stands still for a moment may miss nothing."""


@dataclass(frozen=True)
class Random(Scenario):
    """A row whose strikes a seed drew."""

    strikes: tuple[Strike, ...] = ()


def drawn(seed: int) -> Random:
    """Draw a row."""
    dice = random.Random(seed)
    kinds = [dice.choice([*MOMENTARY, *LASTING]) for _ in range(dice.choice((1, 2, 2, 3)))]
    strikes = tuple(
        Strike(kind, dice.uniform(0.0, LATEST_S), dice.uniform(0.5, LONGEST_S)) for kind in dict.fromkeys(kinds)
    )
    strikes = tuple(sorted(strikes, key=lambda one: (one.at_s, one.what)))
    name = f"seed {seed}: {', '.join(map(str, strikes))}"
    return Random(name, Layer.NOTHING, dead_man_s=8, holds_s=(3, 3), strikes=strikes)


def acts_of(row: Random) -> list[tuple[float, Callable[[Stage], object]]]:
    """List what is done, and when, in the order of time."""
    found: list[tuple[float, Callable[[Stage], object]]] = []
    for one in row.strikes:
        if one.what in MOMENTARY:
            found.append((one.at_s, MOMENTARY[one.what]))
        else:
            begin, end = LASTING[one.what]
            found += [(one.at_s, begin), (one.at_s + one.for_s, end)]
    return sorted(found, key=lambda one: one[0])


def play_random(row: Scenario, lab: Lab, folder: Path) -> Played:
    """Play a row; the lab is afterwards as it was before."""
    assert isinstance(row, Random)
    stage = by_its_own_lines(row, backends.attach(lab.name, lab.state_dir) or lab, folder)
    played = Played(row, acted="")
    referee = referee_of(stage)
    disks = ExitStack()
    try:
        if any(one.what == "disk frozen" for one in row.strikes):
            stage.disk = disks.enter_context(freezing_disk(folder / "disk.img", stage.folder / "runs"))
        with referee:
            stage.begin()
            strike(stage, row)
            see_back(stage, referee, played)
    except MomentMissed as early:
        played.refused = True
        played.wrong.append(f"{early} {stage.said()}")
    except (AssertionError, OSError) as failed:
        played.wrong.append(f"{failed} {stage.said() if (folder / 'output').exists() else ''}")
    finally:
        for _, end in LASTING.values():
            with suppress(AssertionError, OSError):
                end(stage)
        clear(stage)
        disks.close()
    return played


def strike(stage: Stage, row: Random) -> None:
    """Wait for the first intent to arm, then strike."""

    def armed() -> bool:
        if stage.conductor.poll() is not None:
            raise ended_early(stage.conductor.returncode)
        found = newest_run(stage.folder)
        return found is not None and any(one["kind"] == "arm.intent" for one in read_journal(found))

    wait_until(armed, LONG_PATIENCE_S, "arm.intent is recorded")
    begun_s = time.monotonic()
    for at_s, act in acts_of(row):
        time.sleep(max(0.0, begun_s + at_s - time.monotonic()))
        act(stage)
        stage.fault_s = time.monotonic()


def see_back(stage: Stage, referee: Referee, played: Played) -> None:
    """See the plant back in time and for good, the run at its end, and nothing left."""
    longest_s = stage.scenario.dead_man_s + LATE_S
    wait_until(lambda: referee.passes(stage.fault_s), longest_s + 2.0, "every flow passes again")
    stage.back_s = time.monotonic()
    ended(stage)
    run = stage.run().name
    wait_until(lambda: not guardians(run), PATIENCE_S, "the guardian ends")
    played.verdict, played.journals = verdict_of(stage), journals_of(stage)
    if "NOT READABLE" in played.journals:
        played.wrong.append(f"a journal cannot be read: {played.journals}")
    judge_words(stage, played)
    if stage.restore()[0] != 0:
        played.wrong.append("islandmode restore did not bring the run to its end")
    if stage.ask("status") != 0:
        played.wrong.append("status still says that something may be isolated")
    if not referee.wait_passing(PATIENCE_S):
        played.wrong.append("not everything passed at the end")
    seen_s = time.monotonic()
    wait_until(lambda: referee.has_read_since(seen_s), PATIENCE_S, "the ruleset is read")
    judge_packets(stage, referee, played)


def judge_words(stage: Stage, played: Played) -> None:
    """Hold what was said against who lived: somebody who lives to the end sees the plant back and says so."""
    assert isinstance(stage.scenario, Random)
    struck = {one.what for one in stage.scenario.strikes}
    somebody_lives = not {"conductor killed", "guardian killed"} <= struck
    proven = not played.verdict.endswith("restoration unproven")
    if somebody_lives and proven and stage.ask("status") == STRANDED:
        played.wrong.append(f"STRANDED is said although it was restored, and somebody lived to see it: {stage.said()}")
    ruinous = [one for one in stage.scenario.strikes if one.what in RUINOUS and one.at_s < HELD_UNTIL_S]
    if played.verdict.startswith("held") and ruinous:
        played.wrong.append(f"held, although: {ruinous[0]}")


def restoring_s(stage: Stage) -> float:
    """Tell when anybody first began to restore: a strike may hold up the arming until it has passed itself."""
    said = (float(one["s"]) for one in records_of(stage) if one["kind"] in ("restore.ordered", "guardian.took_over"))
    return next(said, 0.0)


def judge_packets(stage: Stage, referee: Referee, played: Played) -> None:
    """Decide by what the referee saw."""
    spells = referee.spells()
    last_s = max(((one.until_s or time.monotonic()) for one in spells), default=0.0)
    played.isolated_s = max(((one.until_s or time.monotonic()) - one.from_s for one in spells), default=0.0)
    played.beyond_s = max(last_s - stage.fault_s, 0.0)
    if any(one.until_s is None for one in spells):
        played.wrong.append("a flow never passed again")
    if played.beyond_s > stage.scenario.dead_man_s + LATE_S:
        played.wrong.append(f"back {played.beyond_s:.1f} s after the last strike")
    again = [one.flow for one in spells if one.from_s > max(stage.back_s, restoring_s(stage))]
    if again:
        played.wrong.append(f"isolated again after it was back: {', '.join(again)}")
    if referee.foreign():
        played.wrong.append(f"left on the firewall: {', '.join(referee.foreign())}")
    played.restored = not played.wrong


def main() -> int:
    """Read the command line and play."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=60)
    parser.add_argument("--first", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--labs", type=int, default=LABS)
    given = parser.parse_args()
    rows = [drawn(seed) for seed in range(given.first, given.first + given.count)]
    with tempfile.TemporaryDirectory(prefix="at-random-") as folder:
        os.environ[VARIABLE] = str(Path(folder) / "known")
        played = play_all(rows, Path(folder), given.labs, play_random)
    wrong = [row.name for row in rows if row.name not in played or played[row.name].wrong]
    print(f"{len(rows) - len(wrong)} of {len(rows)} drills with faults at random times as they must be.")
    for name in wrong:
        print(f"  {name}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
