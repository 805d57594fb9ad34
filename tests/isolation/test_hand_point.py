"""The point that asks a person: whose word is taken for what, and what only the probes say."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import anyio

from islandmode.core.hand import HandAsk
from islandmode.core.outcome import Outcome, Reading
from islandmode.isolation.manual.eye import Sight
from islandmode.isolation.manual.platform import able_of
from islandmode.isolation.manual.point import HandPoint
from islandmode.isolation.point import PointState
from islandmode.run.restore import restore_until_seen
from islandmode.simulate.clock import SimulatedClock
from islandmode.simulate.person import NAME, WITHIN_S, hands_of
from islandmode.simulate.world import run_world

CONDUIT, LONG_S = "remote-access", 100.0
PASSES, SILENT = Sight(passed=("probe",)), Sight(silent=("probe",))
REFUSED, UNKNOWN = Sight(refused=("probe",)), Sight(unknown=("probe",), why="no descriptor is left")


class Cabinet:
    """A point, what its probes see, and what it asked for."""

    def __init__(self) -> None:
        self.sight, self.clock, self.asks = PASSES, SimulatedClock(), list[HandAsk]()
        hands = hands_of((CONDUIT,))
        assert hands.person is not None
        self.point = HandPoint("plug", hands, hands.person, able_of(hands), self, self.clock)
        self.point.tells(self.asks.append)
        self.answers: list[str] = []

    async def look(self, conduits: tuple[str, ...]) -> dict[str, Sight]:
        return dict.fromkeys(conduits, self.sight)

    def acts(self, after_s: float, act: Callable[[], object]) -> None:
        self.clock.at(self.clock.monotonic_us() + round(after_s * 1_000_000), lambda: _do(act))

    def says(self, person: str = NAME, ask: str = "") -> None:
        self.answers.append(self.point.confirm(ask or self.asks[-1].id, person))

    def sees(self, sight: Sight) -> None:
        self.sight = sight


def _do(act: Callable[[], object]) -> None:
    act()


def play(story: Callable[[Cabinet], Awaitable[Any]]) -> tuple[Cabinet, Any]:
    """Play a story in virtual time."""
    cabinet = Cabinet()
    found: list[Any] = []

    async def main() -> None:
        found.append(await story(cabinet))

    run_world(1, main)
    return cabinet, found[0]


async def isolated(cabinet: Cabinet) -> Reading[PointState]:
    return await cabinet.point.isolate((CONDUIT,), LONG_S)


def test_arming_asks_for_nothing_but_presence_and_changes_nothing() -> None:
    async def story(cabinet: Cabinet) -> Reading[PointState]:
        cabinet.acts(3, cabinet.says)
        return await cabinet.point.arm((CONDUIT,), 60.0, LONG_S)

    cabinet, reading = play(story)
    assert (reading.done, reading.value.clear, [ask.act for ask in cabinet.asks]) == (True, True, ["be there"])
    assert (cabinet.asks[0].lines, cabinet.point.late_until_us, cabinet.point.asked) == ((), 0, None)


def test_an_act_is_done_only_when_it_is_confirmed_and_no_probe_passes() -> None:
    async def story(cabinet: Cabinet) -> Reading[PointState]:
        cabinet.acts(2, lambda: cabinet.sees(SILENT))
        cabinet.acts(9, cabinet.says)
        return await isolated(cabinet)

    cabinet, reading = play(story)
    assert (reading.outcome, reading.value.conduits[CONDUIT].isolating) == (Outcome.DONE, True)
    assert reading.answered_us - reading.asked_us > 8_500_000
    # Done and seen: nothing is left that the person may still do.
    assert cabinet.point.late_until_us == 0


def test_silent_probes_without_a_word_in_time_are_unknown_and_nothing_is_proven_until_the_act_cannot_come_any_more() -> (
    None
):
    async def story(cabinet: Cabinet) -> Reading[PointState]:
        cabinet.sees(SILENT)
        return await isolated(cabinet)

    cabinet, reading = play(story)
    assert reading.outcome is Outcome.UNKNOWN
    assert reading.why == f"{NAME} did not confirm within {WITHIN_S:g} s that it is done"
    assert cabinet.point.late_until_us - reading.asked_us == cabinet.point.capabilities.latest_s * 1_000_000


def test_a_word_alone_is_not_done_and_a_refusal_from_somewhere_is_no_silence() -> None:
    for sight in (PASSES, REFUSED):

        async def story(cabinet: Cabinet, sight: Sight = sight) -> Reading[PointState]:
            cabinet.sees(sight)
            cabinet.acts(1, cabinet.says)
            return await isolated(cabinet)

        _, reading = play(story)
        assert (reading.outcome, reading.value.conduits[CONDUIT].isolating) == (Outcome.NOT_DONE, False)
        assert reading.why.startswith(f"{NAME} confirmed it, and probe ")


def test_a_probe_that_could_not_ask_says_neither() -> None:
    async def story(cabinet: Cabinet) -> Reading[PointState]:
        cabinet.sees(UNKNOWN)
        return await cabinet.point.state((CONDUIT,), 5.0)

    _, reading = play(story)
    assert (reading.outcome, reading.value) == (Outcome.UNKNOWN, None)
    assert "no descriptor is left" in reading.why


def test_what_does_not_answer_the_open_ask_in_the_right_name_is_not_taken_and_the_reason_is_said() -> None:
    async def story(cabinet: Cabinet) -> Reading[PointState]:
        cabinet.sees(SILENT)
        cabinet.acts(1, lambda: cabinet.says("J. Doe"))
        cabinet.acts(2, lambda: cabinet.says(ask="77"))
        cabinet.acts(3, cabinet.says)
        cabinet.acts(3, cabinet.says)
        reading = await isolated(cabinet)
        cabinet.says()
        await cabinet.point.restore((CONDUIT,), 1.0)
        cabinet.says(ask=cabinet.asks[0].id)
        return reading

    cabinet, reading = play(story)
    assert reading.done
    assert cabinet.answers == [
        f"{NAME} was asked, and not J. Doe",
        "what it answers was never made here; something else is asked now",
        "",
        "that was confirmed already",
        "what it answers is over",
        "what it answers is over; something else is asked now",
    ]


def test_a_withdrawn_point_waits_for_nobody_and_asks_for_no_isolation_any_more() -> None:
    async def story(cabinet: Cabinet) -> list[Reading[PointState]]:
        cabinet.acts(1, cabinet.point.withdraw)
        return [await cabinet.point.arm((CONDUIT,), 60.0, LONG_S), await isolated(cabinet)]

    cabinet, (armed, late) = play(story)
    assert (armed.outcome, armed.answered_us - armed.asked_us < 2_000_000) == (Outcome.NOT_DONE, True)
    assert (late.outcome, [ask.act for ask in cabinet.asks]) == (Outcome.NOT_DONE, ["be there"])


def test_a_cancelled_ask_is_over_and_may_still_be_done() -> None:
    async def story(cabinet: Cabinet) -> None:
        with anyio.move_on_after(2.0):
            await isolated(cabinet)
        cabinet.says()

    cabinet, _ = play(story)
    assert (cabinet.point.asked, cabinet.answers) == (None, ["what it answers is over"])
    assert cabinet.point.late_until_us > cabinet.clock.monotonic_us()


def test_restore_asks_again_and_again_and_ends_when_a_probe_has_passed() -> None:
    async def story(cabinet: Cabinet) -> frozenset[str]:
        cabinet.sees(SILENT)
        cabinet.acts(100, lambda: cabinet.sees(PASSES))
        return await restore_until_seen(
            {"plug": cabinet.point}, {"plug": (CONDUIT,)}, notes=_Notes(), clock=cabinet.clock, give_up_after_s=1000.0
        )

    cabinet, seen = play(story)
    assert seen == {"plug"}
    assert [ask.act for ask in cabinet.asks] == ["restore"] * len(cabinet.asks)
    assert len(cabinet.asks) >= 3
    assert cabinet.point.asked is None


def test_a_restore_of_a_point_that_nobody_was_asked_to_isolate_asks_nobody() -> None:
    async def story(cabinet: Cabinet) -> Reading[PointState]:
        cabinet.acts(1, cabinet.says)
        await cabinet.point.arm((CONDUIT,), 60.0, LONG_S)
        return await cabinet.point.restore((CONDUIT,), 5.0)

    cabinet, reading = play(story)
    assert (reading.done, reading.value.clear, [ask.act for ask in cabinet.asks]) == (True, True, ["be there"])


class _Notes:
    def note(self, make: Callable[..., Any], *_: Any, **data: Any) -> object:
        """Keep nothing."""
        return None
