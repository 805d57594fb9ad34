"""The life of a run: the table is walked, so that no edit of it can lose the two rules it keeps."""

from __future__ import annotations

import itertools

import pytest

from islandmode.core.lifecycle import MAY_BE_ISOLATED, MOVES, Event, IllegalMove, Phase, next_phase

MOVED = [(phase, event) for phase, moves in MOVES.items() for event in moves]
LEAVES_RESTORE_TO_DO = (Phase.ARMED, Phase.ISOLATING, Phase.HOLDING, Phase.RETURNING, Phase.STRANDED)


def reached_from(start: Phase, *, without: Phase | None = None) -> set[Phase]:
    """Every phase that can follow, with one phase taken out of the table."""
    seen, waiting = set(), [start]
    while waiting:
        phase = waiting.pop()
        if phase not in seen and phase is not without:
            seen.add(phase)
            waiting += MOVES[phase].values()
    return seen


def test_every_phase_stands_in_the_table_and_can_be_reached() -> None:
    assert set(MOVES) == set(Phase)
    assert reached_from(Phase.PLANNED) == set(Phase)


def test_every_event_moves_something() -> None:
    assert {event for _, event in MOVED} == set(Event)


@pytest.mark.parametrize("phase", LEAVES_RESTORE_TO_DO)
def test_restore_is_one_legal_step_away_wherever_something_may_be_isolated(phase: Phase) -> None:
    assert next_phase(phase, Event.RESTORE_STARTED) is Phase.RESTORING


def test_the_phases_in_which_something_may_be_isolated_are_known() -> None:
    armed = reached_from(Phase.ARMED, without=Phase.RESTORED)
    assert armed == MAY_BE_ISOLATED
    assert set(LEAVES_RESTORE_TO_DO) | {Phase.RESTORING} == MAY_BE_ISOLATED


@pytest.mark.parametrize("phase", sorted(MAY_BE_ISOLATED))
def test_nothing_that_was_armed_ends_without_restoration_having_been_seen(phase: Phase) -> None:
    assert Phase.FINISHED not in reached_from(phase, without=Phase.RESTORED)
    assert Phase.FINISHED in reached_from(phase)


def test_nothing_is_armed_before_the_baseline_was_looked_at() -> None:
    for first in (Phase.PREFLIGHT, Phase.BASELINE):
        assert not reached_from(Phase.PLANNED, without=first) & MAY_BE_ISOLATED


def test_restored_is_entered_only_by_seeing_it() -> None:
    into = {event for phase, event in MOVED if MOVES[phase][event] is Phase.RESTORED}
    assert into == {Event.RESTORE_SEEN}


def test_nothing_follows_the_end() -> None:
    assert MOVES[Phase.FINISHED] == {}


@pytest.mark.parametrize(("phase", "event"), MOVED)
def test_legal_moves_follow_the_table(phase: Phase, event: Event) -> None:
    assert next_phase(phase, event) is MOVES[phase][event]


def test_illegal_moves_raise_say_what_is_wrong_and_change_nothing() -> None:
    before = {phase: dict(moves) for phase, moves in MOVES.items()}
    for phase, event in itertools.product(Phase, Event):
        if (phase, event) not in MOVED:
            with pytest.raises(IllegalMove, match=f"{event.value} is not possible while {phase.value}"):
                next_phase(phase, event)
    assert before == MOVES


def test_a_whole_run_and_a_stranded_one_that_comes_home() -> None:
    phase = Phase.PLANNED
    for event in (
        Event.PREFLIGHT_STARTED,
        Event.BASELINE_STARTED,
        Event.ARMING_STARTED,
        Event.ISOLATE_STARTED,
        Event.STAGE_ISOLATED,
        Event.ISOLATE_STARTED,
        Event.RESTORE_STARTED,
        Event.RESTORE_UNSEEN,
        Event.RESTORE_STARTED,
        Event.RESTORE_SEEN,
        Event.COLLECT_STARTED,
        Event.FINISHED,
    ):
        phase = next_phase(phase, event)
    assert phase is Phase.FINISHED
