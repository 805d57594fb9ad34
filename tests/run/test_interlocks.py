"""While the plant is isolated: an interlock that is not as the plant's state needs it restores, as `abort_when` does, and so does one that is not heard."""

from __future__ import annotations

from typing import Any, cast

import pytest

from islandmode.core.episodes import Sample, Seen
from islandmode.run.witness import Witness
from tests.core.given import given
from tests.core.interlocked import idle, interlocked

SECOND = 1_000_000


class Hand:
    """A clock that is moved by hand, and the near vantage that says what it is told to."""

    def __init__(self) -> None:
        self.now_us = 0
        self.said: list[Sample] = []

    def monotonic_us(self) -> int:
        return self.now_us

    def fresh(self) -> list[Sample]:
        said, self.said = self.said, []
        return said

    def say(self, plan: Any, **otherwise: Seen) -> None:
        """Let every near probe say something now: good, unless told otherwise."""
        for name in plan.probes:
            seen = otherwise.get(name.replace("-", "_"), Seen.GOOD)
            self.said.append(
                Sample(name, 0, self.now_us, self.now_us, seen, None, "" if seen is Seen.GOOD else "it is 1")
            )


def witness(hand: Hand, *, is_idle: bool = True) -> tuple[Witness, Any]:
    plan = given(idle if is_idle else interlocked).plan()
    return Witness(plan, {"here": cast("Any", hand)}, cast("Any", None), cast("Any", hand), "run"), plan


@pytest.mark.parametrize("seen", [Seen.BAD, Seen.UNKNOWN])
def test_an_interlock_that_is_otherwise_for_too_long_stops_the_drill(seen: Seen) -> None:
    hand = Hand()
    watching, plan = witness(hand)
    stop = None
    for tenth in range(22):
        hand.now_us = tenth * SECOND // 10
        hand.say(plan, **({} if tenth == 0 else {"filler_running": seen}))
        watching.listen()
        stop = watching.stop_reason()
        # The drill allows two seconds.
        assert (stop is None) == (hand.now_us <= 2 * SECOND)
    assert stop is not None
    assert (stop.by, stop.why) == (
        "abort_when",
        "Interlock filler-running was not seen to read 0 (the filler runs) for 2.1 s (it is 1).",
    )


def test_a_moment_otherwise_stops_nothing() -> None:
    hand = Hand()
    watching, plan = witness(hand, is_idle=False)
    for tenth in range(60):
        hand.now_us = tenth * SECOND // 10
        hand.say(plan, **({"filler_running": Seen.BAD} if tenth % 20 else {}))
        watching.listen()
        assert watching.stop_reason() is None


def test_each_interlock_has_its_own_patience() -> None:
    hand = Hand()
    watching, plan = witness(hand)
    hand.say(plan)
    watching.listen()
    hand.now_us = SECOND * 6 // 10
    hand.say(plan, filler_alarm=Seen.BAD, filler_running=Seen.BAD)
    watching.listen()
    stop = watching.stop_reason()
    assert stop is not None
    assert stop.why.startswith("Interlock filler-alarm was not seen to read 0 (an alarm is open) for 0.6 s")


def test_an_interlock_that_is_not_heard_stops_the_drill() -> None:
    hand = Hand()
    watching, plan = witness(hand)
    hand.say(plan)
    watching.listen()
    hand.now_us = 3 * SECOND
    hand.said = [sample for sample in _all(hand, plan) if not sample.probe.startswith("filler-")]
    watching.listen()
    stop = watching.stop_reason()
    assert stop is not None
    assert stop.by == "abort_when"


def _all(hand: Hand, plan: Any) -> list[Sample]:
    hand.say(plan)
    return hand.fresh()
