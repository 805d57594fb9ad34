"""A run that needs a go: it waits after a good baseline, arms only by a good one, and ends with nothing armed by anything else."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from islandmode.core.go import KeyFound, Question, Said, needed_s
from islandmode.core.go_code import code_of, code_sha256
from islandmode.core.lifecycle import Phase
from islandmode.core.moments import utc_text
from islandmode.core.request import Request
from islandmode.core.verdict import Restoration, Result
from islandmode.run.go_desk import Answers, GoDesk
from islandmode.simulate.faults import Fault, Kind, draw_faults
from islandmode.simulate.plant import SimulatedPlant
from tests.more import first_of
from tests.run import simulated_drill
from tests.run.simulated_drill import Shape
from tests.run.simulated_run import AsksGo, Ended, run

PLAN = "cd" * 32
RIGHT, SECOND, REVOKED = (code_of(number) for number in (1, 2, 3))
WRONG = tuple(code_of(number) for number in range(10, 16))
SHAPE = Shape()
BEGUN = datetime.fromtimestamp(SimulatedPlant(simulated_drill.make(SHAPE), 1, ()).clock.utc_us() / 1_000_000, UTC)
SHIFT = utc_text(BEGUN + timedelta(hours=8))
GO = {"answer": "go", "code": RIGHT, "shift_ends": SHIFT}


def desk(
    plant: SimulatedPlant,
    said: Said | None = None,
    hours: float = 4.0,
    still: Callable[[], str] = lambda: "",
    key: KeyFound | None = None,
) -> GoDesk:
    question = Question(
        "run-1",
        PLAN,
        "NONCE",
        BEGUN - timedelta(hours=1),
        BEGUN + timedelta(hours=hours),
        needed_s(plant.plan),
        {code_sha256(PLAN, "approval-a", code): "approval-a" for code in (RIGHT, SECOND)},
        frozenset({"shift-lead"}),
        {code_sha256(PLAN, "approval-b", REVOKED): ("approval-b", "the shift lead revoked it")},
    )

    async def stands() -> str:
        return still()

    async def looks(challenge: bytes, signature: str) -> KeyFound:
        assert challenge == question.challenge
        return key or KeyFound("", f"{signature} is no signature")

    return GoDesk(question, said or Said(), looks, stands, "islandmode go run-1")


def asks(*answers: tuple[str, float, dict[str, str]], **more: object) -> AsksGo:
    return AsksGo(lambda plant: desk(plant, **more), answers)  # type: ignore[arg-type]


NO = ("asked", 4.0, {"answer": "no", "why": "Enough"})
"""Ends the waiting, so that a test does not wait for a quarter of an hour."""


def after(seconds: float, **said: str) -> tuple[str, float, dict[str, str]]:
    return "asked", seconds, said


def ended_by(asked: AsksGo, *faults: Fault) -> Ended:
    ended = run(1, SHAPE, faults, asks_go=asked)
    assert ended.violations == (), ended.story()
    return ended


def answered(ended: Ended) -> list[tuple[str, str]]:
    return [
        (record.data["outcome"], record.data["why"]) for record in ended.claims.records if record.kind == "go.answered"
    ]


def result_of(ended: Ended) -> str:
    """Give how the waiting ended without a go, with nothing armed."""
    assert ended.claims.refused
    assert not [each for device in ended.plant.devices.values() for each in device.tape if each.what == "created"]
    assert not [record for record in ended.claims.records if record.kind == "arm.intent"]
    (found,) = [str(record.data["result"]) for record in ended.claims.records if record.kind == "go.ended"]
    return found


def code_of_refusal(ended: Ended) -> str:
    (record,) = (record for record in ended.claims.records if record.kind == "run.refused")
    return str(record.data["code"])


@pytest.mark.parametrize("after_s", first_of([0.5, 60.0, 890.0], 2))
def test_a_go_lets_the_run_arm_and_the_waiting_costs_no_sample(after_s: float) -> None:
    ended = ended_by(asks(after(after_s, **GO)))
    assert ended.verdict is not None
    assert (ended.verdict.verdict, ended.verdict.restoration) == (Result.HELD, Restoration.PROVEN)
    assert answered(ended) == [("go", "go by a code of approval-a")]
    (asked_us,), (armed_us,) = ended.times("go.asked"), ended.times("arm.intent")[:1]
    assert armed_us - asked_us >= after_s * 1_000_000
    assert RIGHT not in ended.story()


def test_a_go_by_a_key_is_one_too() -> None:
    said = {"answer": "go", "signature": "signed", "shift_ends": SHIFT}
    ended = ended_by(asks(after(1.0, **said), key=KeyFound("shift-lead")))
    assert answered(ended) == [("go", "go by the key of shift-lead")]
    assert ended.verdict is not None
    assert ended.verdict.verdict is Result.HELD


def test_no_answer_at_all_is_no_go() -> None:
    ended = ended_by(asks())
    assert result_of(ended) == "skipped: no go"
    assert ended.why.startswith("Skipped, no go: no answer came until ")
    assert ended.why.endswith(" Nothing was armed.")
    assert code_of_refusal(ended) == "go"


BAD_INPUT: dict[str, tuple[AsksGo, str]] = {
    "of an approval that is revoked": (
        asks(after(1.0, **(GO | {"code": REVOKED})), NO),
        "that code belongs to approval-b, which does not count: the shift lead revoked it",
    ),
    "replayed": (
        asks(after(1.0, **GO), NO, said=Said(used=frozenset({code_sha256(PLAN, "approval-a", RIGHT)}))),
        "that code was said before, and each is good once; take the other code of the sheet",
    ),
    "before the baseline": (
        asks(("baseline", 0.2, GO), NO),
        "the go is not asked for yet: the baseline is not good yet",
    ),
    "by a key of nobody": (
        asks(after(1.0, answer="go", signature="x", shift_ends=SHIFT), NO),
        "x is no signature",
    ),
}


@pytest.mark.parametrize("what", BAD_INPUT)
def test_a_go_that_is_not_good_arms_nothing(what: str) -> None:
    asked, sentence = BAD_INPUT[what]
    ended = ended_by(asked)
    assert answered(ended)[0] == ("not taken", sentence)
    assert result_of(ended) == "skipped: no go"


def test_a_go_that_is_late_arms_nothing() -> None:
    short = needed_s(simulated_drill.make(SHAPE)) / 3600 + 0.01
    ended = ended_by(asks(after(36.0, **GO), hours=short))
    assert result_of(ended) == "skipped: no go"
    assert code_of_refusal(ended) == "go"


def test_five_wrong_codes_end_it() -> None:
    ended = ended_by(asks(*(after(number + 1.0, **(GO | {"code": code})) for number, code in enumerate(WRONG[:5]))))
    assert [outcome for outcome, _ in answered(ended)] == ["not taken"] * 4 + ["no go"]
    assert result_of(ended) == "skipped: no go"
    assert ended.why == (
        "Skipped, no go: 5 wrong codes were said, so nobody gives a go in this window any more. Nothing was armed."
    )


def test_a_no_and_a_veto_are_recorded_as_what_they_are() -> None:
    no = ended_by(asks(after(1.0, answer="no", why="Work permit open")))
    assert (result_of(no), no.why) == (
        "skipped: no go",
        "Skipped, no go: the plant floor said no: Work permit open. Nothing was armed.",
    )
    veto = ended_by(asks(after(1.0, answer="veto", person="The planner", why="A truck waits")))
    assert (result_of(veto), code_of_refusal(veto)) == ("vetoed", "veto")
    assert veto.why == "Vetoed by The planner: A truck waits. Nothing was armed."


def test_not_yet_waits_and_repeats_the_baseline() -> None:
    until = utc_text(BEGUN + timedelta(minutes=2))
    second = GO | {"code": SECOND}
    ended = ended_by(asks(after(1.0, answer="not yet", until=until), after(60.0, **GO), after(150.0, **second)))
    assert [outcome for outcome, _ in answered(ended)] == ["not yet", "not taken", "go"]
    assert ended.verdict is not None
    assert ended.verdict.verdict is Result.HELD
    # The probes are seen good once more after the go.
    assert len(ended.times("vantage.looked")) == 2
    assert ended.times("vantage.looked")[1] > ended.times("go.answered")[-1]


def test_nobody_waits_longer_than_an_hour() -> None:
    until = utc_text(BEGUN + timedelta(minutes=90))
    ended = ended_by(asks(after(1.0, answer="not yet", until=until), NO))
    said, _ = answered(ended)
    assert said[0] == "not taken"
    assert said[1].startswith("nobody waits longer than ")
    assert result_of(ended) == "skipped: no go"


@pytest.mark.parametrize("kind", [Kind.ABORT, Kind.SIGNAL])
def test_an_abort_ends_the_waiting_at_once(kind: Kind) -> None:
    ended = ended_by(asks(), Fault(kind, Phase.BASELINE, 30.0))
    assert ended.claims.refused
    assert code_of_refusal(ended) == "stopped"
    assert ended.times("run.refused")[0] - ended.times("go.asked")[0] < 35_000_000
    assert not ended.times("arm.intent")


def test_a_guardian_that_ends_while_the_go_is_waited_for_lets_nothing_arm() -> None:
    ended = ended_by(asks(after(60.0, **GO)), Fault(Kind.GUARDIAN_KILLED, Phase.BASELINE, 30.0))
    assert ended.claims.refused
    assert (code_of_refusal(ended), ended.why) == ("guardian", "The guardian is gone. Nothing was armed.")
    assert not ended.times("arm.intent")


def test_a_probe_that_goes_bad_while_the_go_is_waited_for_lets_nobody_say_go() -> None:
    bad = Fault(Kind.OUTAGE, Phase.BASELINE, 30.0, target="10.40.0.50", for_s=1e6)
    ended = ended_by(asks(after(60.0, **GO), ("asked", 62.0, NO[2])), bad)
    (outcome, why), _ = answered(ended)
    assert outcome == "not taken"
    assert why.startswith("the baseline is not good now (")
    assert result_of(ended) == "skipped: no go"


def test_a_configuration_that_is_edited_between_go_and_arm_ends_it() -> None:
    def edit_later(plant: SimulatedPlant) -> GoDesk:
        def edit() -> None:
            for device in plant.devices.values():
                device.edits.append("a rule of a colleague")

        plant.clock.at(plant.clock.monotonic_us() + 30_000_000, edit)
        return desk(plant)

    ended = ended_by(AsksGo(edit_later, (after(60.0, **GO),)))
    assert ended.claims.refused
    assert code_of_refusal(ended) == "changed"
    assert "is not as preflight read it: its running and saved changed (+ a rule of a colleague" in ended.why
    assert ended.why.endswith("Nothing was armed.")
    assert not ended.times("arm.intent")


def test_approvals_that_do_not_count_any_more_make_a_go_void() -> None:
    sentence = "The people files (persons, keys, revoked keys, policy) were changed since it was signed."
    ended = ended_by(asks(after(1.0, **GO), still=lambda: sentence))
    assert result_of(ended) == "skipped: no go"
    assert ended.why == (
        "Skipped, no go: the go does not count any more: the people files (persons, keys, revoked keys, policy) were changed since it was "
        "signed. Nothing was armed."
    )


ENDS = {
    "veto": {"answer": "veto", "person": "The planner", "why": "A truck waits"},
    "no": {"answer": "no", "person": "The shift lead", "why": "A truck waits"},
}


@pytest.mark.parametrize("what", ENDS)
@pytest.mark.parametrize("go_first", [True, False])
def test_of_a_go_and_what_ends_the_attempt_at_the_same_moment_the_go_does_not_count(
    what: str, *, go_first: bool
) -> None:
    both = [after(1.0, **GO), after(1.0, **ENDS[what])]
    ended = ended_by(asks(*(both if go_first else reversed(both))))
    assert result_of(ended) == ("vetoed" if what == "veto" else "skipped: no go")
    assert "A truck waits" in ended.why


@pytest.mark.parametrize("what", ENDS)
def test_what_ends_the_attempt_right_behind_the_go_lets_nothing_arm(what: str) -> None:
    ended = ended_by(asks(after(1.0, **GO), after(1.02, **ENDS[what])))
    assert ended.claims.refused
    assert code_of_refusal(ended) == ("veto" if what == "veto" else "go")
    assert "A truck waits" in ended.why
    assert not ended.times("arm.intent")


def test_a_go_that_comes_with_a_go_changes_nothing() -> None:
    ended = ended_by(asks(after(1.0, **GO), after(1.0, **(GO | {"code": SECOND}))))
    assert sorted(answered(ended)) == [
        ("go", "go by a code of approval-a"),
        ("not taken", "the go was given already; to stop the run, abort it"),
    ]
    assert ended.verdict is not None
    assert ended.verdict.verdict is Result.HELD


def test_a_code_that_was_said_too_early_is_known_to_later_runs() -> None:
    ended = ended_by(asks(("baseline", 0.2, GO), NO))
    (early, _) = [record.data for record in ended.claims.records if record.kind == "go.answered"]
    assert early["code_sha256"] == code_sha256(PLAN, "approval-a", RIGHT)


def test_a_run_that_asks_for_no_go_is_stopped_by_a_veto_all_the_same() -> None:
    answers = Answers()
    veto = Request("go", "run-1", "1", "operator", 0, answer="veto", person="The planner", why="A truck waits.")
    assert answers.take("a", replace(veto, answer="no")) == "this run asks for no go; to stop it, abort it"
    assert answers.take("b", replace(veto, person="")) == "this run asks for no go; to stop it, abort it"
    assert answers.veto == ""
    assert answers.take("c", veto) == ""
    assert answers.veto == "Vetoed by The planner: A truck waits."


def test_a_veto_after_the_go_stops_the_run() -> None:
    answers = Answers()
    veto = Request("go", "run-1", "1", "operator", 0, answer="veto", person="The planner", why="A truck waits.")
    answers.opens()
    assert answers.take("a", veto) == ""
    assert [name for name, _ in answers.fresh()] == ["a"]
    answers.is_given()
    assert answers.take("b", replace(veto, answer="go")) == "the go was given already; to stop the run, abort it"
    assert answers.take("c", veto) == ""
    assert answers.veto == "Vetoed by The planner: A truck waits."


@pytest.mark.parametrize("seed", first_of(range(60), 3))
def test_with_any_fault_nothing_is_armed_before_a_good_go(seed: int) -> None:
    dice = random.Random(f"go {seed}")
    shape = simulated_drill.draw_shape(dice)
    faults = draw_faults(dice, simulated_drill.make(shape))
    wrong = [after(dice.uniform(0, 20), **(GO | {"code": code})) for code in dice.sample(WRONG, dice.randrange(6))]
    good = [after(dice.uniform(0, 40), **GO)] if dice.random() < 0.7 else []
    ended = run(seed, shape, faults, asks_go=asks(*wrong, *good, ("asked", 60.0, NO[2])))
    assert ended.violations == (), ended.story()
