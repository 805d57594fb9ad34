"""A run on a point that has no sessions, no configuration and no timer that can be set again: a cable that a person pulls."""

from __future__ import annotations

from typing import Any

import pytest

from islandmode.core.lifecycle import Phase
from islandmode.core.plan import Plan
from islandmode.simulate.faults import Fault, Kind
from islandmode.simulate.point import SimulatedPoint
from tests.run import simulated_drill
from tests.run.simulated_drill import Shape
from tests.run.simulated_run import Ended, run

ABILITIES = {"ready": "logs_in", "try_login": "logs_in", "configuration": "shows_configuration", "renew": "renewable"}


def plan_without(*capabilities: str) -> Plan:
    plan = simulated_drill.make(Shape(renewable=False, dead_man_s=60.0))
    points = {
        name: point.model_copy(
            update={"capabilities": point.capabilities.model_copy(update=dict.fromkeys(capabilities, False))}
        )
        for name, point in plan.points.items()
    }
    return plan.model_copy(update={"points": points})


def run_without(monkeypatch: pytest.MonkeyPatch, *capabilities: str, **options: Any) -> Ended:
    """Run on points that have no method for what they cannot do."""
    for method, capability in ABILITIES.items():
        if capability in capabilities:
            monkeypatch.delattr(SimulatedPoint, method)
    return run(1, plan=plan_without(*capabilities), **options)


def test_a_run_needs_none_of_the_abilities_and_calls_nothing_the_same_that_it_did_not_compare(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ended = run_without(monkeypatch, "logs_in", "shows_configuration", "renewable")
    assert ended.violations == ()
    # Every object was seen gone; whether all else on the device is as before, nobody can say.
    assert ended.claims.restored
    assert (ended.claims.verdict, ended.claims.restoration) == ("inconclusive", "unproven")
    assert ended.verdict is not None
    assert {one.code for one in ended.verdict.findings if one.result.value == "inconclusive"} == {
        "configuration-unread"
    }
    assert not {"login.tried", "configuration.read"} & {one.kind for one in ended.claims.records}


def test_without_sessions_alone_a_drill_is_held(monkeypatch: pytest.MonkeyPatch) -> None:
    ended = run_without(monkeypatch, "logs_in", "renewable")
    assert (ended.claims.verdict, ended.claims.restoration, ended.violations) == ("held", "proven", ())


def test_a_guardian_restores_such_a_point_when_its_conductor_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    killed = Fault(Kind.CONDUCTOR_KILLED, Phase.HOLDING, 1.0)
    ended = run_without(monkeypatch, "logs_in", "shows_configuration", "renewable", faults=(killed,))
    assert ended.violations == ()
    assert not any(device.objects for device in ended.plant.devices.values())
