"""How a run sees what a person did: the plan's own near probes, read as the judge reads them."""

from __future__ import annotations

from functools import partial
from typing import Any

import anyio
import pytest

from islandmode.core.rescue import Rescue
from islandmode.isolation.manual.eye import Sight
from islandmode.observe import glance as looking
from islandmode.operate.eyes import ProbeEye, eye_of
from islandmode.simulate.person import with_hand
from tests.run import simulated_drill
from tests.run.simulated_drill import Shape

POINT, CONDUIT = "vendor-firewall", "remote-access"
PLAN = with_hand(simulated_drill.make(Shape(two_points=True)), POINT)
V4, V6 = "vendor-out-v4", "vendor-out-v6"
GOOD, SILENT = ("good", "answer", ""), ("bad", "nothing", "")


def sight(monkeypatch: pytest.MonkeyPatch, v4: tuple[str, str, str], v6: tuple[str, str, str]) -> Sight:
    """Look while the two probes across the conduit meet this: what they saw, what they heard, and from whom."""
    met = {V4: v4, V6: v6}

    async def glance(probes: dict[str, Any]) -> dict[str, dict[str, Any]]:
        assert set(probes) == {V4, V6}
        return {
            name: {"seen": seen, "heard": heard, "sender": sender, "why": f"{name} failed"}
            for name, (seen, heard, sender) in met.items()
        }

    monkeypatch.setattr(looking, "glance", glance)
    found: dict[str, Sight] = anyio.run(partial(ProbeEye(PLAN).look, (CONDUIT,)))
    return found[CONDUIT]


def test_what_passes_and_what_is_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    assert sight(monkeypatch, GOOD, GOOD) == Sight(passed=(V4, V6))
    assert sight(monkeypatch, SILENT, SILENT) == Sight(silent=(V4, V6))
    assert sight(monkeypatch, GOOD, SILENT) == Sight(passed=(V4,), silent=(V6,))


def test_an_answer_that_is_not_good_passed_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    assert sight(monkeypatch, ("bad", "answer", ""), SILENT).passed == (V4,)


def test_who_refuses_on_this_side_of_the_cable_is_silence_and_the_target_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    this_side = ("bad", "unreachable", "10.40.0.1")
    assert sight(monkeypatch, this_side, SILENT).silent == (V4, V6)
    target = ("bad", "refused", str(PLAN.probes[V4].probe.target))
    assert sight(monkeypatch, target, SILENT).passed == (V4,)
    nobody_knows = ("bad", "unreachable", "")
    assert sight(monkeypatch, nobody_knows, SILENT) == Sight(refused=(V4,), silent=(V6,))


def test_a_probe_s_own_trouble_is_unknown_and_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    found = sight(monkeypatch, ("unknown", "unknown", ""), SILENT)
    assert (found.unknown, found.why) == ((V4,), f"{V4} failed")


def test_a_conduit_that_nothing_looks_at_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    async def glance(_: dict[str, Any]) -> dict[str, dict[str, Any]]:
        return {}

    monkeypatch.setattr(looking, "glance", glance)
    plan = PLAN.model_copy(update={"probes": {}})
    found: dict[str, Sight] = anyio.run(partial(ProbeEye(plan).look, (CONDUIT,)))
    assert found == {CONDUIT: Sight(unknown=("no probe",), why="no probe crosses it from here")}


def test_without_a_plan_there_is_no_eye() -> None:
    assert eye_of(Rescue(site="s", points={}, conduits=())) is None
    assert eye_of(PLAN) is not None
