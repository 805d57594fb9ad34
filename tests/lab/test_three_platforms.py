"""A FortiGate, an IOS router and the lab's real nftables firewall isolated in one stage of one drill, and put back by the process that is left, or by the devices.

The first two are emulated, over real SSH; the third, its plant, the conductor, the guardian and every command are real.
"""

from __future__ import annotations

import json
import os
import signal
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from islandmode.core.recipe.told import TRIED
from islandmode.rehearse.lab import Lab
from islandmode.store.recipes import shipped_recipes
from tests.lab.drills import REFUSED, Drill, Ended, wait_for
from tests.lab.guarded import guardian_pid, kill_both, kinds, records, run_of, see_restored
from tests.lab.three_platforms import FIREWALL, GATE, MANAGED, ROUTER, PlantOfThree, forget_inventory, plant_of_three
from tests.more import first_of
from tests.operate.test_check_by_recipe import locked
from tests.patience import PATIENCE_S, wait_until

pytestmark = pytest.mark.lab

THREE = {FIREWALL, GATE, ROUTER}
CONDUITS = {FIREWALL: "remote-access", GATE: "utility-line3", ROUTER: "weighbridge-line3"}
REFUSES = {
    GATE: (r"^set end \S+ 202\d/", "value parse error before 'end'\nCommand fail. Return code -651\n"),
    ROUTER: (r"^absolute start .* 202\d$", "          ^\n% Invalid input detected at '^' marker.\n\n"),
}
"""The line that isolates, by its end in these years; what arms and what restores ends long before."""


def points_of(found: list[dict[str, Any]], kind: str, **wanted: str) -> list[str]:
    """Name the points of records of a kind, in their order."""
    chosen = (one["data"] for one in found if one["kind"] == kind)
    return [data["point"] for data in chosen if all(data[key] == value for key, value in wanted.items())]


def places_of(found: list[dict[str, Any]], kind: str) -> list[int]:
    return [place for place, one in enumerate(found) if one["kind"] == kind]


def see_only_planned(plant: PlantOfThree, run: str) -> None:
    """See that no emulated device heard a line that is neither a question nor a line of its recipe's steps for this run."""
    for name, device in plant.devices.items():
        steps = plant.planned_lines(name, run, ("arm", "isolate", "renew", "restore"))
        allowed = plant.questions(name).union(*map(set, steps))
        assert [line for line in device.received() if line not in allowed] == []


def see_in_order(ended: Ended) -> None:
    """See that all were armed before any was isolated, all isolated before the hold, and all held before any was restored."""
    found = ended.records()
    for kind in ("arm.intent", "arm.result", "isolate.intent", "isolate.result", "restore.seen"):
        assert sorted(points_of(found, kind)) == sorted(THREE), kind
    order = ("arm.intent", "arm.result", "isolate.intent", "isolate.result", "hold.started", "restore.ordered")
    # What one point answered may stand before what another is asked, where both are in one act.
    for before, after in pairwise(order):
        if (before, after) != ("isolate.intent", "isolate.result"):
            assert max(places_of(found, before)) < min(places_of(found, after)), (before, after)
    assert {one["data"]["stage"] for one in found if one["kind"] == "isolate.intent"} == {"outside"}


@pytest.mark.parametrize("router_recipe", first_of(["ios-time-range", "ios-revert"]))
def test_three_platforms_are_isolated_in_one_stage_and_restored(router_recipe: str, lab: Lab, tmp_path: Path) -> None:
    with plant_of_three(tmp_path, lab, router_recipe=router_recipe) as plant:
        ended = plant.end(plant.drill())
        assert (ended.code, ended.verdict.get("verdict")) == (0, "held"), ended.output
        assert ended.verdict["restoration"] == "proven"
        assert plant.is_restored
        see_restored(lab)
        see_in_order(ended)
        assert ended.directory is not None
        for name in MANAGED:
            planned = plant.planned_lines(name, ended.directory.name, ("arm", "isolate", "restore"))
            assert plant.written(name) in planned, (name, planned[0])
        see_only_planned(plant, ended.directory.name)
        see_told(plant, ended)


def see_told(plant: PlantOfThree, ended: Ended) -> None:
    """See that plan and report name both recipes and how far they were tried, and that the verdict says what no counter has shown."""
    assert ended.directory is not None
    plan = json.loads((ended.directory / "plan.json").read_text(encoding="utf-8"))
    report = (ended.directory / "report.html").read_text(encoding="utf-8")
    shipped = shipped_recipes()
    for name in MANAGED:
        recipe = plant.plan.points[name].platform
        assert plan["points"][name]["rendering"]["recipe"]["name"] == recipe
        assert f"recipe {recipe}, version {shipped[recipe].used.version}, sha256 " in report
        assert any(f"{CONDUITS[name]} by {name}" in told for told in ended.verdict["witness"]["not_seen"])
    assert report.count(TRIED["emulated"]) == 2
    assert not any(told.startswith(CONDUITS[FIREWALL]) for told in ended.verdict["witness"]["not_seen"])


@pytest.mark.parametrize("moment", first_of(["isolating", "holding", "armed", "restoring"]))
def test_the_guardian_restores_all_three_when_the_conductor_was_killed(moment: str, lab: Lab, tmp_path: Path) -> None:
    with plant_of_three(tmp_path, lab) as plant:
        died = see_died(plant, plant.drill(moment))
        wait_until(lambda: restored_by(plant) == THREE, "the guardian has restored all three")
        assert plant.is_restored
        see_restored(lab)
        assert sorted(points_of(died, "arm.result", outcome="done")) == sorted(THREE)
        isolated = sorted(THREE) if moment in {"holding", "restoring"} else []
        assert sorted(points_of(died, "isolate.result", outcome="done")) == isolated
        assert "guardian.took_over" in kinds(plant.workspace, "guardian")
        see_only_planned(plant, run_of(plant.workspace).name)


@pytest.mark.more
def test_the_conductor_restores_all_three_when_the_guardian_was_killed(lab: Lab, tmp_path: Path) -> None:
    with plant_of_three(tmp_path, lab, hold="2 min") as plant:
        running = plant.drill()
        wait_for(running, plant.workspace, "hold.started")
        os.kill(guardian_pid(plant.workspace), signal.SIGKILL)
        ended = plant.end(running)
        (stop,) = [one["data"]["by"] for one in ended.records() if one["kind"] == "stop"]
        assert (stop, "hold.ended" in ended.kinds()) == ("guardian", False)
        assert (ended.verdict["verdict"], ended.verdict["restoration"]) == ("inconclusive", "proven")
        assert sorted(points_of(ended.records(), "restore.seen")) == sorted(THREE)
        assert plant.is_restored
        see_restored(lab)
        see_only_planned(plant, run_of(plant.workspace).name)


def see_died(plant: PlantOfThree, running: Drill) -> list[dict[str, Any]]:
    """Wait for a conductor to kill itself, also where it was begun again because the machine was busy; give its records."""
    ended = plant.end(running)
    assert ended.code == -signal.SIGKILL, ended.output
    return ended.records()


def restored_by(plant: PlantOfThree) -> set[str]:
    """Name the points that the guardian has restored, as their devices answered."""
    return set(points_of(records(plant.workspace, "guardian"), "restore.attempt", outcome="done"))


@pytest.mark.minutes
def test_a_guardian_ends_when_nothing_of_its_dead_conductor_can_act_any_more(lab: Lab, tmp_path: Path) -> None:
    with plant_of_three(tmp_path, lab) as plant:
        see_died(plant, plant.drill("holding"))
        wait_until(lambda: restored_by(plant) == THREE, "the guardian has restored all three")
        run = run_of(plant.workspace)
        assert plant.run("status").returncode == 5
        wait_for_end(plant)
        found = records(plant.workspace, "guardian")
        (took_us,) = [one["mono_us"] for one in found if one["kind"] == "guardian.took_over"]
        for one in found:
            if one["kind"] == "restore.seen":
                latest_s = plant.plan.points[one["data"]["point"]].capabilities.latest_s
                assert one["data"]["asked_us"] >= took_us + latest_s * 1_000_000
        assert sorted(points_of(found, "restore.seen")) == sorted(THREE)
        wait_until((run / "verdict.json").is_file, "the guardian has judged the run")
        verdict = json.loads((run / "verdict.json").read_text(encoding="utf-8"))
        assert (verdict["verdict"], verdict["restoration"]) == ("inconclusive", "unproven")
        assert plant.is_restored
        status = plant.run("status")
        assert status.returncode == 0, status.stderr


def wait_for_end(plant: PlantOfThree) -> None:
    """Wait for the guardian's last record: it comes after the latest moment of whatever the conductor had sent."""
    for _ in range(round(plant.latest_s // PATIENCE_S)):
        with suppress(AssertionError):
            wait_until(lambda: "guardian.ended" in kinds(plant.workspace, "guardian"), "the guardian ends")
    wait_until(lambda: "guardian.ended" in kinds(plant.workspace, "guardian"), "the guardian ends")


@pytest.mark.minutes
def test_the_devices_own_timers_release_and_the_run_s_own_plan_restores(lab: Lab, tmp_path: Path) -> None:
    with plant_of_three(tmp_path, lab, hold="2 min") as plant:
        running = plant.drill()
        wait_for(running, plant.workspace, "hold.started")
        assert plant.isolating() == dict.fromkeys(plant.devices, True) | {FIREWALL: True}
        kill_both(plant.workspace, running)
        assert plant.isolating() == dict.fromkeys(plant.devices, True) | {FIREWALL: True}
        for device in plant.devices.values():
            device.clock.move(plant.latest_s)
        assert all(all(plant.ways(name).values()) for name in plant.devices)
        run = run_of(plant.workspace).name
        forget_inventory(plant)
        restored = plant.run("restore", run)
        assert restored.returncode == 0, restored.stderr
        for name in MANAGED:
            assert (
                restored.stdout.count(
                    f"{name} was read back without Islandmode objects. What was sent to it last may act"
                )
                == 1
            )
        assert f"{run}: restored by this command" in restored.stdout
        assert plant.is_restored
        see_restored(lab)
        see_only_planned(plant, run)
        assert plant.run("status").returncode == 0


def test_a_drill_is_refused_before_it_arms_anything_while_a_colleague_has_the_router_s_configuration(
    lab: Lab, tmp_path: Path
) -> None:
    with plant_of_three(tmp_path, lab) as plant:
        locked(plant.devices[ROUTER])
        ended = plant.end(plant.drill(again=0))
        checked = plant.run("devices", "check", ROUTER)
        assert (ended.code, ended.kinds().count("arm.intent")) == (REFUSED, 0), ended.output
        told = "it is locked for configuration by okello; let them leave configuration mode (end), or take the lock from them"
        assert told in " ".join(ended.output.split())
        assert (checked.returncode, told in checked.stdout) == (REFUSED, True), checked.stdout
        assert all(not plant.written(name) for name in MANAGED)
        assert plant.is_restored
        see_restored(lab)


@pytest.mark.parametrize(
    ("refuses", "router_recipe"),
    [
        (GATE, "ios-revert"),
        # The refusal may come in the middle of the FortiGate's lines: then the proof waits until none of them can act any more.
        pytest.param(ROUTER, "ios-time-range", marks=pytest.mark.minutes),
    ],
)
@pytest.mark.more
def test_where_one_device_refuses_the_others_are_restored_and_nothing_is_held(
    refuses: str, router_recipe: str, lab: Lab, tmp_path: Path
) -> None:
    with plant_of_three(tmp_path, lab, router_recipe=router_recipe) as plant:
        plant.devices[refuses].faults.rejected = dict([REFUSES[refuses]])
        ended = plant.end(plant.drill())
        assert ended.verdict.get("verdict") == "breached", ended.output
        assert ended.verdict["restoration"] == "proven"
        assert "hold.started" not in ended.kinds()
        assert points_of(ended.records(), "isolate.result", outcome="not done") == [refuses]
        assert sorted(points_of(ended.records(), "restore.seen")) == sorted(THREE)
        (stop,) = [one["data"] for one in ended.records() if one["kind"] == "stop"]
        assert (stop["by"], refuses in stop["why"]) == ("isolate", True)
        assert plant.is_restored
        see_restored(lab)
        assert ended.directory is not None
        see_only_planned(plant, ended.directory.name)
