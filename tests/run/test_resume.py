"""What ends an alarm: a look at what stands on a device and at what is saved there, since a restart brings that back."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import anyio
import pytest

from islandmode.core.capabilities import Capabilities
from islandmode.core.firewall import Unread
from islandmode.core.outcome import Outcome, Reading
from islandmode.isolation.nftables.recipe import CAPABILITIES, MEND_SAVED, SAVED
from islandmode.isolation.point import ConduitState, Facts, IsolationPoint, PointState
from islandmode.operate.devices import told_of_saved
from islandmode.operate.unfinished import is_only_unproven, owed_by
from islandmode.run.left import Left, left_in
from islandmode.run.resume import Resumed, look_at_site, resume
from islandmode.store.rundir import GUARDIAN_LOCK, RunDirectory
from islandmode.system.clock import MachineClock
from islandmode.system.disk import MachineDisk
from islandmode.system.life import hold_life
from islandmode.ui.banner import banner
from tests.more import first_of
from tests.ui.test_runs_commands import ARMED, POINT, SEEN, VERDICT, ask, chained, leave_run

AT_ONCE = CAPABILITIES.model_copy(update={"latest_s": 0.0})
OWED = {POINT: ("remote-access",)}
CLEAN = Reading(Outcome.DONE, Facts(standing=()))
KEPT = Reading(Outcome.DONE, Facts(saved_ours=(SAVED,), standing=()))
GONE = PointState({"remote-access": ConduitState(present=False, armed_s=None, isolating=False)})


@dataclass
class FakePoint:
    """A device that restores at once, and says one thing of itself."""

    reading: Reading[Facts] | Exception
    needs_s: float = 0.0
    closed: bool = False
    name: str = POINT
    capabilities: Capabilities = AT_ONCE
    late_until_us: int = 0

    async def facts(self, deadline_s: float) -> Reading[Facts]:
        """Say it, or fail as this machine may."""
        await anyio.lowlevel.checkpoint()
        if isinstance(self.reading, Exception):
            raise self.reading
        return self.reading if deadline_s >= self.needs_s else Reading(Outcome.UNKNOWN, why="no answer")

    async def restore(self, conduits: tuple[str, ...], deadline_s: float) -> Reading[PointState]:
        """Be restored."""
        await anyio.lowlevel.checkpoint()
        now_us = MachineClock.of_this_boot().monotonic_us()
        return Reading(Outcome.DONE, GONE, "", now_us, now_us)

    async def close(self) -> None:
        """Note it."""
        self.closed = True


def resumed(root: Path, reading: Reading[Facts] | Exception, number: int = 1, needs_s: float = 0.0) -> Resumed:
    """Resume a run whose device says this, and takes so long for it."""
    point = FakePoint(reading, needs_s)
    points = {POINT: cast(IsolationPoint, point)}
    path = root / "journals" / f"restore-{number}.jsonl"

    async def act() -> Resumed:
        clock = MachineClock.of_this_boot()
        return await resume(
            points, OWED, names=("riverside", root.name), by="a person", path=path, clock=clock, disk=MachineDisk()
        )

    ended = anyio.run(act)
    assert point.closed
    assert ended.unkept == ""
    return ended


LOOKS: Mapping[str, tuple[Reading[Facts] | Exception, list[str]]] = {
    "clean": (CLEAN, []),
    "an include that is not there": (Reading(Outcome.DONE, Facts(saved_absent=("/etc/none",))), []),
    "saved": (KEPT, [MEND_SAVED]),
    "unread": (Reading(Outcome.DONE, Facts(saved_unread=(Unread(SAVED, "Denied"),))), ["Denied"]),
    "logged in and of no use": (Reading(Outcome.DONE, Facts(trouble="no sudo")), ["no sudo"]),
    "no answer": (Reading(Outcome.UNKNOWN, why="no answer"), ["no answer"]),
    "no login": (Reading(Outcome.NOT_DONE), ["could not be read: not done"]),
    "an error that nobody foresaw": (KeyError("x"), ["could not be read: this machine failed: KeyError"]),
    "this machine fails": (MemoryError(), ["could not be read: this machine failed: MemoryError"]),
}


def test_a_way_on_which_an_answer_takes_a_second_is_given_the_thirty_that_facts_take(tmp_path: Path) -> None:
    """Otherwise no restore over a slow way would ever end its alarm."""
    root = leave_run(tmp_path, "2026-01-a", ARMED, None)
    assert resumed(root, CLEAN, needs_s=31.0).is_whole(OWED)


@pytest.mark.parametrize(("reading", "said"), LOOKS.values(), ids=LOOKS)
@pytest.mark.parametrize("stranded", first_of([True, False]), ids=["stranded", "unproven"])
def test_an_alarm_ends_only_when_nothing_is_saved_either(
    tmp_path: Path, reading: Reading[Facts] | Exception, said: list[str], *, stranded: bool
) -> None:
    """A run whose device was never seen, and one whose device was seen and whose end calls that unproven."""
    unproven = None if stranded else json.dumps({**VERDICT, "restoration": "unproven"})
    root = leave_run(tmp_path, "2026-01-a", ARMED if stranded else [*ARMED, SEEN], unproven)
    run = RunDirectory(root)
    assert set(owed_by(run)) == {POINT}
    ended = resumed(root, reading)
    assert ended.seen == {POINT}
    nftables = run.plan().points[POINT].model_copy(update={"platform": "nftables"})
    sentences = list(told_of_saved(POINT, nftables, ended.left[POINT]))
    assert len(sentences) == len(said)
    assert all(word in sentence and POINT in sentence for word, sentence in zip(said, sentences, strict=True))
    assert ended.is_whole(OWED) == (not said)
    assert set(owed_by(run)) == ({POINT} if said else set())
    assert ask("status", workspace=tmp_path) == (5 if said else 0)
    if said:
        # The device was seen: what is left is in what is saved, and no banner says otherwise.
        assert is_only_unproven(run)
        assert (
            f"UNPROVEN: 2026-01-a: {POINT} was seen without Islandmode objects, but its saved configuration"
            in banner(run, [POINT])
        )
    # When that was mended, the next look ends it.
    resumed(root, CLEAN, number=2)
    assert owed_by(run) == {}


def test_a_guardian_that_is_killed_before_it_looked_at_what_is_saved_leaves_an_alarm_to_the_next_restore(
    tmp_path: Path,
) -> None:
    root = leave_run(tmp_path, "2026-01-a", ARMED)
    guardian = root / "journals" / "guardian.jsonl"
    guardian.write_bytes(chained("2026-01-a", [("guardian.took_over", {"why": "gone", "points": [POINT]}), SEEN]))
    run = RunDirectory(root)
    assert set(owed_by(run)) == {POINT}
    assert is_only_unproven(run)
    assert "its saved configuration still holds one, or was not read" in banner(run, [POINT])
    # While the guardian lives it is about to look.
    held = hold_life(root / GUARDIAN_LOCK)
    assert owed_by(run) == {}
    os.close(held)
    assert set(owed_by(run)) == {POINT}
    resumed(root, CLEAN)
    assert owed_by(run) == {}


def test_what_is_saved_on_one_point_is_not_forgotten_for_another_one(tmp_path: Path) -> None:
    """A look that saw the second point clean does not vouch for the first."""
    root = leave_run(
        tmp_path, "2026-01-a", [*ARMED, ("arm.intent", {"point": "other", "conduits": ["dmz"], "for_s": 9})]
    )
    resumed(root, KEPT)
    run = RunDirectory(root)
    assert set(owed_by(run)) == {POINT, "other"}
    assert run.left_in_saved() == {POINT}


@pytest.mark.parametrize(
    ("reading", "seen"),
    [
        pytest.param(CLEAN, True, id="nothing"),
        pytest.param(KEPT, False, id="saved"),
        pytest.param(Reading(Outcome.DONE, Facts(standing=("islandmode_dmz",))), False, id="of another run"),
        pytest.param(Reading(Outcome.DONE, Facts(standing=None)), False, id="what stands was not seen"),
        pytest.param(Reading(Outcome.UNKNOWN), False, id="no answer"),
    ],
)
def test_a_site_is_clear_only_where_nothing_stands_and_nothing_is_saved(
    tmp_path: Path, reading: Reading[Facts], *, seen: bool
) -> None:
    points = {POINT: cast(IsolationPoint, FakePoint(reading)), "other": cast(IsolationPoint, FakePoint(CLEAN))}

    async def act() -> Resumed:
        clock, path = MachineClock.of_this_boot(), tmp_path / "look.jsonl"
        return await look_at_site(points, site="riverside", by="me", path=path, clock=clock, disk=MachineDisk())

    looked = anyio.run(act)
    assert (POINT in looked.seen, "other" in looked.seen) == (seen, True)
    last = json.loads((tmp_path / "look.jsonl").read_text(encoding="utf-8").splitlines()[-1])
    assert (last["kind"], last["data"]["restored"]) == ("resume.ended", seen)


def test_a_device_that_says_nothing_of_what_stands_is_not_clear() -> None:
    assert left_in(CLEAN).is_clear
    assert not Left().is_clear
    assert Left().saved_is_clear
