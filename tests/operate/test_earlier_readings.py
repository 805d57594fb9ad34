"""Which dry runs a run is compared with: of the very same plan, ended or refused for drift, with texts that are as the journal says."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import anyio
import pytest

from islandmode.core.device_records import ConfigurationRead
from islandmode.core.entry import Entry, Outcome
from islandmode.core.plan import Plan
from islandmode.core.records import PreflightFound, RunLooked, RunRefused, RunStarted
from islandmode.operate.earlier_readings import earlier_readings, newest_dry_run
from islandmode.operate.plan import plan_of, refused_for_live
from islandmode.store import rundir
from islandmode.store.journal import Journal
from islandmode.store.run_request import REQUEST, RunRequest
from islandmode.system.clock import MachineClock
from islandmode.system.disk import MachineDisk
from islandmode.system.own_program import typed_at
from tests.core.given import given
from tests.operate.approvals_given import DRILL, make_plant
from tests.patience import wait_until

POINT = "conduit-firewall"
DRIFTED = (
    PreflightFound(code="configuration-drifted", sentence="x", refuses=True),
    RunRefused(why="x", code="preflight"),
)
REFUSED = (RunRefused(why="x", code="baseline"),)
LOOKED = (RunLooked(live=()),)


@pytest.fixture(scope="module")
def plan() -> Plan:
    return given().plan()


def kept(
    workspace: Path, run: str, digest: str, text: str, *ends: Entry, mode: str = "dry-run", outcome: Outcome = "done"
) -> Path:
    """Leave a run as the product does."""
    directory = rundir.create(workspace, run)
    directory.keep(REQUEST, RunRequest(run, workspace, "x", mode, "somebody").text())
    (directory.root / "artifacts" / f"{POINT}.running.before.txt").write_text(text)
    sums = {"running": hashlib.sha256(text.encode()).hexdigest(), "routes": "0"}
    entries = (
        RunStarted(mode=mode, plan_digest=digest),
        ConfigurationRead(point=POINT, when="before", outcome=outcome, why="", parts=sums),
        *ends,
    )

    async def write() -> None:
        names = {"site": "riverside", "run": run, "writer": "conductor"}
        clock = MachineClock.of_this_boot()
        journal = await Journal.create(MachineDisk(), directory.journal, clock=clock, **names)
        for entry in entries:
            await journal.append(entry)
        await journal.close()

    anyio.run(write)
    return directory.root


def test_the_newest_that_ended_is_taken_with_what_was_refused_for_drift_since(tmp_path: Path, plan: Plan) -> None:
    leave = partial(kept, tmp_path)
    leave("1-old", plan.plan_digest, "old", *LOOKED)
    leave("2-ended", plan.plan_digest, "ended", *LOOKED)
    leave("3-bad-probe", plan.plan_digest, "bad probe", *REFUSED)
    leave("4-drifted", plan.plan_digest, "drifted", *DRIFTED)
    leave("5-another-plan", "0" * 64, "another", *LOOKED)
    leave("6-rehearsal", plan.plan_digest, "rehearsal", *LOOKED, mode="rehearsal")
    leave("7-killed", plan.plan_digest, "killed")
    found = earlier_readings(tmp_path, plan)
    assert [(one.run, one.parts) for one in found] == [
        ("4-drifted", {POINT: {"running": "drifted"}}),
        ("2-ended", {POINT: {"running": "ended"}}),
    ]


@pytest.mark.parametrize("spoil", [lambda path: path.write_text("edited"), lambda path: path.unlink()])
def test_a_text_that_is_not_what_the_journal_says_is_none(tmp_path: Path, plan: Plan, spoil: object) -> None:
    root = kept(tmp_path, "1-ended", plan.plan_digest, "ended", *LOOKED)
    assert callable(spoil)
    spoil(root / "artifacts" / f"{POINT}.running.before.txt")
    (found,) = earlier_readings(tmp_path, plan)
    assert found.parts == {POINT: {"running": None}}


def test_a_reading_that_was_not_done_is_none(tmp_path: Path, plan: Plan) -> None:
    kept(tmp_path, "1-ended", plan.plan_digest, "ended", *LOOKED, outcome="unknown")
    (found,) = earlier_readings(tmp_path, plan)
    assert found.parts == {}


def test_a_workspace_without_runs_has_none(tmp_path: Path, plan: Plan) -> None:
    assert earlier_readings(tmp_path, plan) == ()


def test_a_live_run_needs_a_dry_run_of_its_plan_that_is_young_and_a_dry_run_needs_none(tmp_path: Path) -> None:
    workspace = make_plant(tmp_path).workspace
    loaded, planned = plan_of(workspace, DRILL)
    told = f"No dry run of this plan came to its end in the last 7 d; do one: `{typed_at(workspace, 'run', DRILL, '--mode', 'dry-run')}`."
    assert told in refused_for_live(workspace, loaded, planned)
    assert told not in refused_for_live(workspace, loaded, planned, ahead=True)
    kept(workspace, "1-another-plan", "0" * 64, "x", *LOOKED)
    kept(workspace, "2-refused", planned.plan_digest, "x", *REFUSED)
    kept(workspace, "3-rehearsal", planned.plan_digest, "x", *LOOKED, mode="rehearsal")
    assert newest_dry_run(workspace, planned) is None
    assert told in refused_for_live(workspace, loaded, planned)
    kept(workspace, "4-dry", planned.plan_digest, "x", *LOOKED)
    assert told not in refused_for_live(workspace, loaded, planned)
    found = newest_dry_run(workspace, planned)
    assert found is not None
    assert timedelta() <= datetime.now(UTC) - found < timedelta(hours=1)
    policy = workspace / "inventory" / "people" / "policy.yaml"
    policy.write_text("base: two-people\nages: {dry_run: 1 s}\n", encoding="utf-8")

    def is_too_old() -> bool:
        return any("in the last 1 s" in said for said in refused_for_live(workspace, loaded, planned))

    wait_until(is_too_old, "the dry run is older than a second")
