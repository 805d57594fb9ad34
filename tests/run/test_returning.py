"""The return to service in order: step by step while all is well, and everything at once whatever goes wrong."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from islandmode.core.lifecycle import Phase
from islandmode.core.request import Request
from islandmode.core.verdict import Restoration, Result
from islandmode.run.guards import Words
from islandmode.simulate.faults import Fault, Kind, draw_faults_in_return
from tests.more import first_of
from tests.run import simulated_drill
from tests.run.simulated_drill import Shape
from tests.run.simulated_run import Ended, run

ORDER = Shape(in_order=True)
APART = Shape(in_order=True, two_points=True)
WORD = replace(APART, word_within_s=3.0)
RENEWED = replace(WORD, dead_man_s=24.0, holds_s=(6.0, 6.0), word_within_s=3.0)
AT_ONCE_US = 1_000
"""The first attempt at every point leaves with the order; only the world's own steps lie between."""


def seen(ended: Ended, kind: str) -> list[dict[str, object]]:
    return [dict(record.data) for record in ended.claims.records if record.kind == kind]


def ordered_us(ended: Ended, kind: str) -> list[int]:
    return [record.monotonic_us for record in ended.claims.records if record.kind == kind]


def deleted(ended: Ended) -> list[str]:
    """Name the conduits in the order in which the devices gave them back."""
    tape = [each for device in ended.plant.devices.values() for each in device.tape if each.what == "deleted"]
    return [each.conduit for each in sorted(tape, key=lambda each: each.at_us)]


@pytest.mark.parametrize("shape", [ORDER, APART, WORD, RENEWED], ids=["one device", "two", "by word", "renewed"])
def test_conduits_come_back_in_the_drills_order_and_the_drill_is_held(shape: Shape) -> None:
    ended = run(1, shape)
    assert ended.violations == ()
    assert ended.verdict is not None
    assert (ended.verdict.verdict, ended.verdict.restoration) == (Result.HELD, Restoration.PROVEN)
    assert deleted(ended) == ["corporate-line3", "remote-access"]
    assert [step["conduits"] for step in seen(ended, "return.ordered")] == [["corporate-line3"]]
    assert ordered_us(ended, "return.ordered") < ordered_us(ended, "restore.ordered")


def test_a_limit_counts_from_each_conduits_own_order() -> None:
    """The vendors wait longer for a word than a restore may take."""
    shape = replace(WORD, word_within_s=12.0, dead_man_s=60.0)
    ended = run(1, shape, gives_word=True)
    assert ended.verdict is not None
    assert ended.verdict.verdict is Result.HELD
    effective = ended.verdict.restoration_s.ordered_to_effective
    assert effective is not None
    assert effective.latest_s is not None
    waited_s = (ordered_us(ended, "restore.ordered")[0] - ordered_us(ended, "return.ordered")[0]) / 1e6
    assert effective.latest_s < 0.5 < waited_s


def test_without_the_word_everything_is_restored_and_the_drill_is_not_held() -> None:
    ended = run(1, WORD, gives_word=False)
    assert ended.verdict is not None
    assert ended.verdict.verdict is Result.INCONCLUSIVE
    assert ended.verdict.restoration is Restoration.PROVEN
    (told,) = (each for each in ended.verdict.findings if each.code == "no-word")
    assert told.sentence == (
        "The drill was stopped and restored: Nobody gave the word to restore remote-access within 3 s."
    )


FAULTS: dict[str, Fault] = {
    "an abort": Fault(Kind.ABORT, Phase.RETURNING, 0.3),
    "Ctrl-C": Fault(Kind.SIGNAL, Phase.RETURNING, 0.01),
    "a device that refuses": Fault(Kind.REFUSED, Phase.RETURNING, 0.0, call="restore", times=1),
    "a device that does not answer": Fault(Kind.LOST_REPLY, Phase.RETURNING, 0.0, call="restore", times=1),
    "a device that hangs": Fault(Kind.HANG, Phase.RETURNING, 0.0, target="line-firewall", for_s=8.0),
    "an object that somebody takes": Fault(
        Kind.OBJECT_TAKEN, Phase.RETURNING, 0.0, target="vendor-firewall", conduit="remote-access"
    ),
    "a timer that somebody stops": Fault(
        Kind.TIMER_STOPPED, Phase.RETURNING, 0.0, target="vendor-firewall", conduit="remote-access"
    ),
    "a guardian that dies": Fault(Kind.GUARDIAN_KILLED, Phase.RETURNING, 0.1),
    "a PLC that dies": Fault(Kind.OUTAGE, Phase.RETURNING, 0.0, target="10.40.0.50", for_s=1e6),
}


@pytest.mark.parametrize("what", FAULTS)
def test_any_fault_in_it_restores_everything_at_once(what: str) -> None:
    ended = run(1, replace(WORD, word_within_s=6.0), (FAULTS[what],), gives_word=False)
    assert ended.violations == ()
    assert ended.claims.restored
    assert ended.verdict is not None
    assert ended.verdict.verdict is not Result.HELD
    (all_us,) = ordered_us(ended, "restore.ordered")
    first_us: dict[object, int] = {}
    for attempt in seen(ended, "restore.attempt"):
        first_us.setdefault(attempt["point"], int(str(attempt["asked_us"])))
    assert set(first_us) == set(ended.plant.plan.points)
    assert max(first_us.values()) - all_us < AT_ONCE_US
    assert all(us < all_us for us in ordered_us(ended, "return.ordered"))


@pytest.mark.parametrize("kind", [Kind.CONDUCTOR_KILLED, Kind.CONDUCTOR_STOPPED, Kind.HOST_LOST])
def test_a_conductor_that_is_lost_in_it_is_restored_after_at_once(kind: Kind) -> None:
    ended = run(
        1, replace(WORD, word_within_s=6.0), (Fault(kind, Phase.RETURNING, 0.2, amount_s=15.0),), gives_word=False
    )
    assert ended.violations == ()
    assert deleted(ended)[0] == "corporate-line3"
    if kind is not Kind.HOST_LOST:
        taken = [record for record in ended.claims.others if record.kind == "guardian.took_over"]
        assert len(taken) == 1
        assert {each.data["point"] for each in ended.claims.others if each.kind == "restore.seen"} == set(
            ended.plant.plan.points
        )


def test_a_word_is_taken_for_the_step_that_waits_and_for_no_other() -> None:
    words = Words()

    def says(step: str) -> str:
        return words.take(Request("return", "run-1", f"id-{step}", "operator", 0, step=step, person="the shift lead"))

    assert says("2") == "no step of the return to service waits for that word now"
    words.awaits("2")
    assert says("1")
    assert says("2") == ""
    assert words.given == ("the shift lead", "operator")
    assert says("2")
    words.awaits("")
    assert says("")


@pytest.mark.parametrize("first", first_of(range(0, 60, 15)))
def test_no_invariant_breaks_with_faults_in_it(first: int) -> None:
    """Drills of every kind of device that can, each with one or two faults while its conduits come back."""
    wrong = {}
    for seed in range(first, first + 15):
        dice = random.Random(f"return {seed}")
        shape = replace(simulated_drill.draw_shape(dice), two_points=True)
        while not (ordered := simulated_drill.with_order(shape, dice)).in_order:
            pass
        faults = draw_faults_in_return(dice, simulated_drill.make(ordered))
        ended = run(seed, ordered, faults, gives_word=dice.random() < 0.8)
        if ended.violations or ended.why.startswith("broken"):
            wrong[seed] = ended.story()
    assert wrong == {}
