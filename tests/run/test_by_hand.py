"""A drill with a person's hand in it: the production point asks a simulated person, and only the world's packets say what they did."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace

import pytest

from islandmode.core.lifecycle import Phase
from islandmode.core.refusal import refusal_of
from islandmode.simulate.faults import Fault, Kind
from islandmode.simulate.person import HABITS, Habit, draw_habit
from tests.more import first_of
from tests.run.simulated_drill import HAND, Shape
from tests.run.simulated_run import Ended, run

POINT, CONDUIT = HAND, "remote-access"
SHAPE = Shape(two_points=True, dead_man_s=120.0, sample_every_s=0.5)
KILLED = [
    (kind, phase)
    for kind in (Kind.CONDUCTOR_KILLED, Kind.HOST_LOST)
    for phase in (Phase.ISOLATING, Phase.HOLDING, Phase.ARMED, Phase.RESTORING)
]


def drilled(habit: Habit, faults: Sequence[Fault] = (), seed: int = 1) -> Ended:
    """Run the drill with somebody of these habits."""
    return run(seed, replace(SHAPE, habit=habit), faults)


def wrong(ended: Ended) -> list[str]:
    """Name the broken invariants; without a timer something may stay isolated only where the run says so."""
    assert ended.claims.stranded or ended.claims.killed or not out(ended), ended.story()
    return list(ended.violations)


def kinds(ended: Ended) -> list[str]:
    return [record.kind for record in ended.claims.records]


def out(ended: Ended) -> bool:
    """Tell whether the cable is out when all is over."""
    return any(by.startswith(POINT) for by in ended.plant.network.blocked_by(CONDUIT, ended.claims.over_us))


def others_are_back(ended: Ended) -> bool:
    return not any(device.objects for name, device in ended.plant.devices.items() if name != POINT)


@pytest.mark.parametrize("habit", ["prompt", "slow", "says it first and does it at the last moment"])
def test_who_does_what_is_asked_lets_the_drill_be_held(habit: str) -> None:
    ended = drilled(HABITS[habit])
    assert (ended.claims.verdict, ended.claims.restoration, wrong(ended)) == ("held", "proven", []), ended.story()
    acts = [record.data["act"] for record in ended.claims.records if record.kind == "hand.confirmed"]
    assert acts == ["be there", "isolate"]


def test_who_is_not_there_is_asked_for_nothing_else_and_nothing_is_isolated() -> None:
    ended = drilled(HABITS["never there"])
    assert (ended.claims.refused, wrong(ended)) == (True, [])
    assert "did not confirm within 20 s that they are there" in ended.why
    assert [one.data["act"] for one in ended.claims.records if one.kind == "hand.asked"] == ["be there"]
    assert "isolate.intent" not in kinds(ended)
    refusal = refusal_of(ended.claims.records)
    assert refusal is not None
    assert refusal.code == "nobody-there"


@pytest.mark.parametrize(
    "habit",
    ["never answers and never acts", "acts and never answers", "does it too late to say so", "somebody else answers"],
)
def test_what_nobody_confirmed_is_never_held_and_everything_is_restored(habit: str) -> None:
    ended = drilled(HABITS[habit])
    assert ended.claims.verdict != "held"
    assert wrong(ended) == [], ended.story()
    assert others_are_back(ended)
    assert not out(ended)
    assert ended.claims.restored
    results = [one.data for one in ended.claims.records if one.kind == "isolate.result"]
    if habit != "somebody else answers":
        assert [one["outcome"] for one in results] == ["unknown"]
        assert ended.claims.verdict == "inconclusive", ended.story()


def test_a_confirmation_without_the_act_isolates_nothing_and_is_never_held() -> None:
    ended = drilled(HABITS["says it and has not done it"])
    (result,) = [one.data for one in ended.claims.records if one.kind == "isolate.result"]
    assert result["outcome"] == "not done"
    assert "R. Ortiz confirmed it, and " in result["why"]
    assert (ended.claims.verdict, ended.claims.restored, wrong(ended)) == ("breached", True, [])
    assert ended.verdict is not None
    assert "not-by-hand" in {finding.code for finding in ended.verdict.findings}


def test_who_forgets_is_asked_again_until_a_probe_has_passed() -> None:
    ended = drilled(HABITS["puts it back when asked for the third time"])
    asked = [one.data["act"] for one in ended.claims.records if one.kind == "hand.asked"]
    asked += [one.data["act"] for one in ended.claims.others if one.kind == "hand.asked"]
    assert asked.count("restore") >= 3
    assert (out(ended), ended.claims.restored, wrong(ended)) == (False, True, [])


def test_what_is_never_put_back_is_stranded_and_the_guardian_goes_on_asking() -> None:
    ended = drilled(HABITS["never puts it back"])
    assert out(ended)
    assert (ended.claims.restored, ended.claims.restoration) == (False, "unproven")
    assert others_are_back(ended)
    asked = [one for one in ended.claims.others if one.kind == "hand.asked"]
    assert len(asked) > 5
    assert wrong(ended) == []


@pytest.mark.parametrize("killed", first_of(KILLED, 2))
def test_whoever_is_killed_somebody_asks_until_a_probe_has_passed(killed: tuple[Kind, Phase]) -> None:
    ended = drilled(Habit(), [Fault(*killed, 1.0)])
    assert not out(ended), ended.story()
    assert others_are_back(ended)
    assert wrong(ended) == [], ended.story()


def test_a_stop_while_a_person_is_asked_to_be_there_waits_for_nobody() -> None:
    ended = drilled(HABITS["never there"], [Fault(Kind.ABORT, Phase.ARMED, 1.0)])
    assert (ended.claims.restored, wrong(ended)) == (True, [])
    assert ended.times("restore.ordered")[0] - ended.times("request.taken")[0] < 1_000_000, ended.story()
    assert "isolate.intent" not in kinds(ended)


def test_a_stop_while_a_person_is_asked_to_isolate_is_obeyed_and_no_look_counts_before_they_can_act_no_more() -> None:
    ended = drilled(HABITS["does it too late to say so"], [Fault(Kind.ABORT, Phase.ISOLATING, 1.0)])
    assert (out(ended), ended.claims.restored, wrong(ended)) == (False, True, []), ended.story()


@pytest.mark.parametrize("seed", first_of(list(range(60)), 4))
def test_no_invariant_breaks_whoever_stands_there(seed: int) -> None:
    dice = random.Random(seed)
    faults = (
        [Fault(dice.choice(FAULTS), dice.choice(PHASES), dice.uniform(0, 8), amount_s=5.0)]
        if dice.random() < 0.7
        else []
    )
    ended = drilled(draw_habit(dice), faults, seed)
    assert wrong(ended) == [], ended.story()


FAULTS = (
    Kind.CONDUCTOR_KILLED,
    Kind.CONDUCTOR_STOPPED,
    Kind.GUARDIAN_KILLED,
    Kind.HOST_LOST,
    Kind.ABORT,
    Kind.SIGNAL,
    Kind.DISK_SLOW,
)
PHASES = (Phase.BASELINE, Phase.ARMED, Phase.ISOLATING, Phase.HOLDING, Phase.RESTORING)
