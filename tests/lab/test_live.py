"""A live drill of the lab as a plant: requested, approved, go, isolated and back, with no word of a lab; and every process of it killed."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from islandmode.rehearse.lab import Lab
from tests.lab.drills import Drill, end, newest_run, read_journal, wait_for
from tests.lab.far_vantages import DRILL
from tests.lab.guarded import end_quietly, guardian_pid, is_isolated
from tests.lab.live_plant import LivePlant, live_plant
from tests.patience import wait_until

pytestmark = pytest.mark.lab


def long_holds(text: str) -> str:
    """Hold for longer than a busy host's clock leaves open: unlike a rehearsal, a live run cannot be begun again."""
    return re.sub(r"hold: [23] s", "hold: 9 s", text)


def test_a_live_drill_is_held_from_its_request_to_the_return(lab: Lab, tmp_path: Path) -> None:
    with live_plant(lab, tmp_path, {f"drills/{DRILL}.yaml": long_holds}) as plant:
        early = plant.far.asked("run", "quarterly-isolation", "--mode", "live")
        assert early.returncode == 4
        told = " ".join(early.stderr.split())
        assert "A live run cannot begin: Nobody has asked for a window" in told
        assert "No dry run of this plan" not in told
        code, second = plant.approve()
        dry = plant.far.asked("run", "quarterly-isolation", "--mode", "dry-run")
        assert dry.returncode == 6, dry.stdout + dry.stderr
        assert "Nothing was found that speaks against a live run." in dry.stdout
        running = plant.live()
        asked = wait_for(running, plant.workspace, "go.asked")
        assert asked["data"]["plan_digest"]
        assert not is_isolated(lab)
        (listed,) = (
            record["data"] for record in read_journal(running_dir(plant)) if record["kind"] == "sessions.listed"
        )
        # The canaries of the drill are sessions too.
        assert (listed["listed"], listed["why"]) == (True, "")
        assert listed["count"] >= 3
        said = plant.go(code)
        ended = end(running, plant.workspace)
        assert said.returncode == 0, said.stderr
        assert ended.code == 0, ended.output
        assert (ended.verdict["verdict"], ended.verdict["restoration"]) == ("held", "proven")
        assert (ended.verdict["mode"], ended.verdict["lab"]) == ("live", False)
        assert "(LIVE)" in ended.output
        kinds = ended.kinds()
        order = ("go.answered", "ledger.entered", "go.reread", "arm.intent", "isolate.intent", "restore.ordered")
        assert [kinds.index(kind) for kind in order] == sorted(kinds.index(kind) for kind in order)
        rungs = ended.records()[0]["data"]["rungs"]
        assert not [told for told in rungs if "(missing)" in told]
        assert any("by a signed note" in told for told in rungs)
        (begun,) = (
            line
            for line in map(json.loads, (plant.workspace / "runs" / "ledger.jsonl").read_text().splitlines())
            if line["kind"] == "begun" and line["mode"] == "live"
        )
        assert len(begun["approvals"]) == 2
        assert ended.directory is not None
        report = (ended.directory / "report.html").read_text(encoding="utf-8")
        assert " live" in report
        assert not is_isolated(lab)
        # Its approvals are spent: no second run goes by them.
        again = plant.far.asked("run", "quarterly-isolation", "--mode", "live")
        assert again.returncode == 4
        assert "it was spent by the run in line" in " ".join(again.stderr.split())
        assert second not in (ended.directory / "journals" / "conductor.jsonl").read_text(encoding="utf-8")
        checked_and_closed(plant, ended.directory, report)


def checked_and_closed(plant: LivePlant, run: Path, report: str) -> None:
    """Check the bundle as an outsider does, before and after somebody closes the run."""
    checked_by_an_outsider(run)
    assert "in the lab" not in report
    assert "Requested by" in report
    assert "by a code of the go sheet" in report
    assert " is open: nobody has confirmed that the service is back." in plant.far.asked("status").stdout
    closed = plant.far.asked("close", run.name, "--by", "Shift lead")
    assert closed.returncode == 0, closed.stderr
    assert " is open: " not in plant.far.asked("status").stdout
    checked_by_an_outsider(run)


def checked_by_an_outsider(run: Path) -> None:
    """Play every command of the run's VERIFY.md, as it stands there."""
    commands = re.findall(r"```\n(.*?)```", (run / "VERIFY.md").read_text(encoding="utf-8"), re.DOTALL)
    assert len(commands) == 5
    for command in commands:
        played = subprocess.run(["sh", "-c", command], cwd=run, capture_output=True, text=True, check=False)
        assert played.returncode == 0, (command, played.stdout, played.stderr)


@pytest.mark.more
def test_a_broken_glass_asks_nobody_is_loud_and_proves_nothing_for_the_drill(lab: Lab, tmp_path: Path) -> None:
    with live_plant(lab, tmp_path, promoted=False) as plant:
        ended = end(plant.live("--break-glass", "The plant manager", "--why", "A vendor is inside"), plant.workspace)
        told = "BREAK GLASS by The plant manager: A vendor is inside"
        assert ended.code == 0, ended.output
        assert f"(LIVE, {told})" in " ".join(ended.output.split())
        assert ended.directory is not None
        for page in ("card.html", "report.html"):
            assert told in (ended.directory / page).read_text(encoding="utf-8")
        assert "go.asked" not in ended.kinds()
        # The dead-man and the guardian are there as in any run.
        assert {"arm.result", "dead_man.read", "guardian.proved"} <= set(ended.kinds())
        ledger = plant.far.asked("ledger")
        assert "live, BREAK GLASS" in " ".join(ledger.stdout.split())
        after = plant.far.asked("run", DRILL, "--mode", "live")
        assert "This drill was never rehearsed" in " ".join(after.stderr.split())


def running_dir(plant: LivePlant) -> Path:
    """Give the folder of the newest run."""
    found = newest_run(plant.workspace)
    assert found is not None
    return found


def holds(text: str) -> str:
    """Hold the first stage long enough to be killed in it, and not longer: it is rehearsed too."""
    return text.replace("hold: 2 s", "hold: 10 s")


CONDUCTOR = (
    "ledger.entered",
    "go.reread",
    "arm.intent",
    "arm.result",
    "isolate.intent",
    "isolate.result",
    "hold.started",
)
"""The records of a live run at which it is killed: from before anything is armed until the hold."""


def kill(plant: LivePlant, running: Drill, who: str) -> None:
    """Kill a process of a run, or both."""
    if "guardian" in who:
        os.kill(guardian_pid(plant.workspace), signal.SIGKILL)
    if "conductor" in who:
        os.killpg(running.pid, signal.SIGKILL)


@pytest.fixture(scope="module")
def standing(first_up: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LivePlant]:
    """Give one plant to all that is killed; each run of it has approvals of its own."""
    with live_plant(first_up, tmp_path_factory.mktemp("killed"), {f"drills/{DRILL}.yaml": holds}) as plant:
        yield plant


def begin(plant: LivePlant, kind: str) -> Drill:
    """Begin a live run, say go, and come back at a record of it."""
    if '"mode":"live"' in (plant.workspace / "runs" / "ledger.jsonl").read_text(encoding="utf-8"):
        # A run that was killed before is unproven, and stands against the drill until that was rehearsed anew.
        refused = plant.far.asked("run", DRILL, "--mode", "live")
        if "A run of this drill is not closed: " in " ".join(refused.stderr.split()):
            plant.rehearse()
    code = plant.approve()[0]
    before = newest_run(plant.workspace)
    running = plant.live()
    wait_for(running, plant.workspace, "go.asked", before=before)
    said = plant.go(code)
    wait_for(running, plant.workspace, kind, before=before)
    assert said.returncode == 0, said.stderr
    return running


def is_back(plant: LivePlant) -> None:
    """See the plant restored, and every command of the product say so, with no word of a lab."""
    wait_until(lambda: plant.far.asked("status").returncode == 0, "status says that nothing is owed")
    assert not is_isolated(plant.far.lab)
    assert plant.far.asked("restore").returncode == 0


@pytest.mark.more
@pytest.mark.parametrize("kind", CONDUCTOR)
def test_a_live_run_whose_conductor_is_killed_is_restored_by_its_guardian(standing: LivePlant, kind: str) -> None:
    running = begin(standing, kind)
    kill(standing, running, "conductor")
    end_quietly(running)
    is_back(standing)


@pytest.mark.more
@pytest.mark.parametrize("kind", ["isolate.intent", "hold.started"])
def test_a_live_run_whose_guardian_is_killed_is_restored_by_its_conductor(standing: LivePlant, kind: str) -> None:
    running = begin(standing, kind)
    kill(standing, running, "guardian")
    ended = end(running, standing.workspace)
    assert ended.code in (3, 4), ended.output
    is_back(standing)


@pytest.mark.more
def test_a_live_run_of_which_nobody_lives_is_restored_by_a_command_that_names_no_lab(standing: LivePlant) -> None:
    running = begin(standing, "hold.started")
    kill(standing, running, "guardian, conductor")
    end_quietly(running)
    status = standing.far.asked("status")
    assert status.returncode == 5
    assert "STRANDED" in status.stderr
    restored = standing.far.asked("restore")
    assert restored.returncode == 0, restored.stderr
    is_back(standing)


@pytest.mark.more
def test_an_abort_ends_a_live_run_in_its_hold_and_asks_nobody(standing: LivePlant) -> None:
    running = begin(standing, "hold.started")
    status = standing.far.asked("status")
    assert "is running, LIVE on the plant" in status.stdout
    assert standing.far.asked("abort").returncode == 0
    ended = end(running, standing.workspace)
    assert ended.code == 3, ended.output
    is_back(standing)
