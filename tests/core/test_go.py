"""What an answer to the question for the go means: a row for each, and properties of all that may be said in any order."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from islandmode.core.go import (
    ENDING,
    WRONG_MAX,
    Answer,
    Decision,
    GoOutcome,
    KeyFound,
    Question,
    Said,
    decide,
    latest_go,
    needed_s,
    void_now,
    waits_until,
)
from islandmode.core.go_code import code_of, code_sha256
from islandmode.core.moments import utc_text
from tests.run import simulated_drill

PLAN = "ab" * 32
BEGIN = datetime(2027, 1, 9, 6, 0, tzinfo=UTC)
NOW = BEGIN + timedelta(hours=1)
ENDS = BEGIN + timedelta(hours=4)
SHIFT = BEGIN + timedelta(hours=8)
RIGHT, SECOND, REVOKED, OTHER = (code_of(number) for number in (1, 2, 3, 4))
SUM = {code: code_sha256(PLAN, "approval-a", code) for code in (RIGHT, SECOND)}
VOID = code_sha256(PLAN, "approval-b", REVOKED)
QUESTION = Question(
    "run-1",
    PLAN,
    "NONCE",
    BEGIN,
    ENDS,
    2400.0,
    dict.fromkeys(SUM.values(), "approval-a"),
    frozenset({"shift-lead"}),
    {VOID: ("approval-b", "the shift lead revoked it at 2027-01-08T09:00:00Z: boiler open")},
)
GO = Answer("go", "run-1", "operator", RIGHT, shift_ends=SHIFT)
BY_KEY = replace(GO, code="", key=KeyFound("shift-lead"))


NOTHING = Said()


def told(answer: Answer, *, said: Said = NOTHING, now: datetime = NOW, bad: tuple[str, ...] | None = ()) -> Decision:
    return decide(QUESTION, said, answer, now, bad)


def test_a_code_and_a_key_are_a_go() -> None:
    by_code = told(GO)
    assert (by_code.outcome, by_code.approval, by_code.code_sha256) == (GoOutcome.GO, "approval-a", SUM[RIGHT])
    by_key = told(BY_KEY)
    assert (by_key.outcome, by_key.person, by_key.code_sha256) == (GoOutcome.GO, "shift-lead", "")
    assert told(replace(GO, code=f"  {RIGHT.upper()} ")).outcome is GoOutcome.GO


NEXT = "after the handover the next shift may say go"
LATEST = ENDS - timedelta(seconds=2400)
NOT_TAKEN: dict[str, tuple[Answer, Said, datetime, tuple[str, ...] | None, str]] = {
    "of another run": (
        replace(GO, run="run-2"), Said(), NOW, (), "it is meant for run run-2, and this is run run-1",
    ),
    "before the baseline was good": (
        GO, Said(), NOW, None, "the go is not asked for yet: the baseline is not good yet",
    ),
    "while a probe is bad": (
        GO, Said(), NOW, ("plc",), "the baseline is not good now (plc); say go again when it is",
    ),
    "before the window": (
        GO, Said(), BEGIN - timedelta(seconds=1), (), "the window has not begun; it begins at 2027-01-09T06:00:00Z",
    ),
    "late": (
        GO, Said(), LATEST + timedelta(seconds=1), (),
        f"it is late: a go had to come by {utc_text(LATEST)}, 40 min before the window ends",
    ),
    "late in the shift": (
        replace(GO, shift_ends=NOW + timedelta(minutes=39)), Said(), NOW, (),
        f"the shift of who says go ends at 2027-01-09T07:39:00Z, and this go had to come by 2027-01-09T06:59:00Z; {NEXT}",
    ),
    "without the end of the shift": (
        replace(GO, shift_ends=None), Said(), NOW, (), "it does not say when the shift ends of who says go",
    ),
    "replayed": (
        GO, Said(used=frozenset({SUM[RIGHT]})), NOW, (),
        "that code was said before, and each is good once; take the other code of the sheet",
    ),
    "of a revoked approval": (
        replace(GO, code=REVOKED), Said(), NOW, (),
        "that code belongs to approval-b, which does not count: the shift lead revoked it at 2027-01-08T09:00:00Z: boiler open",
    ),
    "wrong": (replace(GO, code=OTHER), Said(), NOW, (), "that code is wrong (1 of 5)"),
    "no code at all": (replace(GO, code=""), Said(), NOW, (), "a go needs a code of the go sheet, or a key"),
    "misheard": (
        replace(GO, code="abandon abandn"), Said(), NOW, (),
        "abandn is no word of the list (near it: abandon, brand); this was not counted as a wrong code",
    ),
    "before the moment that was said": (
        GO, Said(not_before=NOW + timedelta(minutes=5)), NOW, (), "the plant floor said not yet until 2027-01-09T07:05:00Z",
    ),
    "by a person who may not": (
        replace(BY_KEY, key=KeyFound("engineer")), Said(), NOW, (), "engineer may not say go by the site's policy",
    ),
    "by a key that does not hold": (
        replace(BY_KEY, key=KeyFound("shift-lead", "its signature does not hold")), Said(), NOW, (), "its signature does not hold",
    ),
    "not yet until a moment that is over": (
        Answer("not yet", "run-1", "operator", until=NOW), Said(), NOW, (), "it does not say until when, or that is over",
    ),
    "not yet until it is too late": (
        Answer("not yet", "run-1", "operator", until=LATEST + timedelta(minutes=1)), Said(), NOW, (),
        f"a go after {utc_text(LATEST)} would be too late for this window; say no, and ask for another window",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", NOT_TAKEN)
def test_an_answer_that_is_not_taken_says_why(what: str) -> None:
    answer, said, now, bad, sentence = NOT_TAKEN[what]
    found = told(answer, said=said, now=now, bad=bad)
    assert (found.outcome, found.why) == (GoOutcome.NOT_TAKEN, sentence)


def test_a_no_and_a_veto_end_it_at_any_moment() -> None:
    for bad in (None, (), ("plc",)):
        veto = told(Answer("veto", "run-1", "operator", person="The planner", why="A truck waits"), bad=bad)
        assert (veto.outcome, veto.person, veto.why) == (GoOutcome.VETOED, "The planner", "A truck waits")
        no = told(Answer("no", "run-1", "operator", why="Work permit open"), bad=bad)
        assert (no.outcome, no.why) == (GoOutcome.NO_GO, "the plant floor said no: Work permit open")


def test_the_fifth_wrong_code_ends_it_also_where_earlier_runs_of_the_window_heard_four() -> None:
    found = told(replace(GO, code=OTHER), said=Said(wrong=WRONG_MAX - 1))
    assert (found.outcome, found.why) == (
        GoOutcome.NO_GO,
        "5 wrong codes were said, so nobody gives a go in this window any more",
    )
    assert told(GO, said=found.said).outcome is GoOutcome.NO_GO


def test_a_code_that_was_read_out_too_early_is_used() -> None:
    early = told(GO, bad=None)
    assert told(GO, said=early.said).outcome is GoOutcome.NOT_TAKEN
    assert told(replace(GO, code=SECOND), said=early.said).outcome is GoOutcome.GO


def test_not_yet_moves_the_end_of_the_waiting() -> None:
    until = NOW + timedelta(minutes=20)
    found = told(Answer("not yet", "run-1", "operator", until=until))
    assert found.outcome is GoOutcome.NOT_YET
    assert waits_until(QUESTION, NOW, Said()) == NOW + timedelta(minutes=15)
    assert waits_until(QUESTION, NOW, found.said) == until + timedelta(minutes=15)
    assert told(GO, said=found.said, now=until).outcome is GoOutcome.GO
    assert waits_until(QUESTION, LATEST - timedelta(minutes=1), Said()) == LATEST


def test_a_go_is_void_at_the_handover_and_when_it_became_late() -> None:
    go = told(replace(GO, shift_ends=NOW + timedelta(minutes=50)))
    assert void_now(QUESTION, go, NOW + timedelta(minutes=10)) == ""
    assert void_now(QUESTION, go, NOW + timedelta(minutes=11)) == (
        "it became too late: what was said had to be used by 2027-01-09T07:10:00Z"
    )
    assert void_now(QUESTION, go, NOW + timedelta(minutes=50)) == (
        "the shift of who said go ended at 2027-01-09T07:50:00Z, and a go is void at the handover"
    )
    assert void_now(QUESTION, told(replace(GO, code=OTHER)), NOW) == "nobody said go"


def test_the_latest_go_leaves_hold_dead_man_lag_and_half_an_hour() -> None:
    plan = simulated_drill.make(None)
    late_s = max(point.capabilities.late_s for point in plan.points.values())
    assert needed_s(plan) >= plan.hold_s + plan.dead_man_s + late_s + 1800
    assert latest_go(plan, ENDS, SHIFT) == ENDS - timedelta(seconds=needed_s(plan))
    assert latest_go(plan, ENDS, NOW) == NOW - timedelta(seconds=needed_s(plan))


MOMENTS = st.integers(-3600, 6 * 3600).map(lambda second: BEGIN + timedelta(seconds=second))
ANSWERS = st.builds(
    Answer,
    st.sampled_from(["go", "go", "go", "not yet"]),
    st.sampled_from(["run-1", "run-1", "run-1", "run-2"]),
    st.just("operator"),
    st.sampled_from([RIGHT, SECOND, REVOKED, OTHER, "", "abandon", "zzz"]),
    st.one_of(st.none(), st.builds(KeyFound, st.sampled_from(["shift-lead", "engineer"]), st.sampled_from(["", "no"]))),
    until=st.one_of(st.none(), MOMENTS),
    shift_ends=st.one_of(st.none(), MOMENTS),
)
BAD = st.sampled_from([(), (), (), ("plc",), None])


@given(st.lists(st.tuples(ANSWERS, MOMENTS, BAD), max_size=20))
def test_whatever_is_said_in_any_order_only_a_good_go_lets_a_run_arm(
    spoken: list[tuple[Answer, datetime, tuple[str, ...] | None]],
) -> None:
    said, gone, wrong = Said(), set[str](), 0
    for answer, now, bad in spoken:
        found = decide(QUESTION, said, answer, now, bad)
        if found.outcome is GoOutcome.GO:
            assert wrong < WRONG_MAX
            assert answer.run == "run-1"
            assert bad == ()
            assert answer.shift_ends is not None
            assert BEGIN <= now <= min(ENDS, answer.shift_ends) - timedelta(seconds=2400)
            assert void_now(QUESTION, found, now) == ""
            if answer.key is None:
                assert answer.code in SUM
            else:
                assert answer.key == KeyFound("shift-lead")
            assert not answer.code or answer.code not in gone
        if answer.kind == "go" and answer.run == "run-1" and answer.code in (*SUM, REVOKED):
            gone.add(answer.code)
        wrong = found.said.wrong
        assert said.wrong <= wrong
        assert said.used <= found.said.used
        # What is said of a wrong code never has a word of a right one.
        if answer.code == OTHER and answer.kind == "go":
            assert not any(code in found.why for code in (RIGHT, SECOND, REVOKED))
        said = found.said
        if found.outcome in ENDING:
            break
