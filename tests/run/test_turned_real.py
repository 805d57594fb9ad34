"""A drill that turns real while it holds: somebody else closes a conduit, the undo never lifts that, and the end says who keeps it closed."""

from __future__ import annotations

import random

import pytest

from islandmode.core.live.declared import Closing, Declared
from islandmode.core.live.values import AskedFor, KeepClosed
from islandmode.core.plan import Plan
from islandmode.core.verdict import Restoration, Result
from islandmode.simulate.device import FOR_REAL
from islandmode.simulate.faults import draw_faults
from tests.more import first_of
from tests.run import simulated_drill
from tests.run.simulated_run import Ended, TurnsReal, run

CONDUIT = "corporate-line3"
BOTH = TurnsReal(CONDUIT, after_s=1.0)


def declared() -> Plan:
    """Give the simulated drill's plan, with a deny that shows itself declared for a conduit."""
    how = KeepClosed(by="deny", what=("deny it",), shows_as=f"deny {CONDUIT} for real", ordered_by="Plant manager")
    closing = Closing(conduit=CONDUIT, point=None, how=how)
    found = Declared(asked_for=AskedFor(), backups=None, keep_closed=(closing,))
    return simulated_drill.make(None).model_copy(update={"declared": found})


def ended_as(ended: Ended) -> tuple[Restoration, Result]:
    assert ended.violations == (), ended.story()
    assert ended.verdict is not None
    return ended.verdict.restoration, ended.verdict.verdict


@pytest.mark.parametrize(
    ("turns", "told"),
    [
        (BOTH, "ours removed; kept closed by the plant manager"),
        (TurnsReal(CONDUIT, 1.0, says=False), "ours removed; kept closed by a deny on "),
    ],
)
def test_what_was_closed_for_real_stays_closed_and_the_end_says_by_whom(turns: TurnsReal, told: str) -> None:
    ended = run(1, plan=declared(), turns_real=turns)
    assert ended_as(ended) == (Restoration.KEPT_CLOSED, Result.INCONCLUSIVE)
    assert ended.verdict is not None
    assert ended.verdict.restoration_told.startswith(told)
    assert any(by.endswith(FOR_REAL) for by in ended.plant.network.reasons(CONDUIT, ended.claims.over_us))


def test_a_word_without_a_deny_is_told_apart_once_it_passes_again() -> None:
    ended = run(1, plan=declared(), turns_real=TurnsReal(CONDUIT, 1.0, denies=False))
    assert ended_as(ended) == (Restoration.PROVEN, Result.INCONCLUSIVE)
    assert ended.verdict is not None
    assert "not-kept-closed" in {finding.code for finding in ended.verdict.findings}


def test_a_deny_that_nobody_declared_or_said_explains_nothing() -> None:
    ended = run(1, turns_real=TurnsReal(CONDUIT, 1.0, says=False))
    assert ended_as(ended)[0] is Restoration.UNPROVEN


@pytest.mark.parametrize("seed", first_of(range(400), 24))
def test_with_any_fault_nothing_false_is_said_of_it(seed: int) -> None:
    dice = random.Random(seed)
    plan = declared()
    turns = TurnsReal(CONDUIT, dice.uniform(0.0, 8.0), says=dice.random() < 0.7, denies=dice.random() < 0.8)
    ended = run(seed, plan=plan, faults=draw_faults(dice, plan), turns_real=turns)
    assert ended.violations == (), ended.story()
