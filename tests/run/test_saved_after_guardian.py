"""A guardian that had to restore reads what is saved on the devices too: a restart of one could isolate the plant again."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from functools import partial

import pytest

from islandmode.core.firewall import Unread
from islandmode.core.lifecycle import Phase
from islandmode.core.outcome import Outcome, Reading
from islandmode.core.unfinished import SAVED, left_in_saved
from islandmode.isolation.point import ConduitState, Configuration, Facts, PointState
from islandmode.run.guardian import SAVED_LOOKS, Guardian
from islandmode.simulate.faults import Fault, Kind
from islandmode.simulate.plant import SimulatedPlant
from tests.run.simulated_run import Ended, run

POINT = "conduit-firewall"
KILLED = (Fault(Kind.CONDUCTOR_KILLED, Phase.HOLDING, 1.0),)
CLEAN = Reading(Outcome.DONE, Facts(standing=()))
KEPT = Reading(Outcome.DONE, Facts(saved_ours=("/etc/nftables.conf",), standing=()))
DENIED = Reading(Outcome.DONE, Facts(saved_unread=(Unread("/etc/nftables.conf", "permission denied"),), standing=()))
SILENT: Reading[Facts] = Reading(Outcome.UNKNOWN, None, "no answer")


def saying(answers: list[Reading[Facts]], plant: SimulatedPlant) -> None:
    """Let the device say one thing after the other of what is saved on it, and the last for ever."""

    async def facts(deadline_s: float) -> Reading[Facts]:
        await plant.clock.sleep(min(0.01, deadline_s))
        return answers.pop(0) if len(answers) > 1 else answers[0]

    for point in plant.guardian_points.values():
        # Of this one world only.
        point.facts = facts  # type: ignore[method-assign]


def killed(*answers: Reading[Facts], guardian: type[Guardian] = Guardian) -> Ended:
    ended = run(3, None, KILLED, prepare=partial(saying, list(answers)), guardian=guardian)
    assert (ended.violations, ended.claims.restored) == ((), True), ended.story()
    return ended


def looks(ended: Ended) -> list[dict[str, object]]:
    return [one.data for one in ended.claims.others if one.kind == SAVED]


@pytest.mark.parametrize(
    ("answers", "number", "left"),
    [
        pytest.param((CLEAN,), 1, False, id="nothing saved"),
        pytest.param((KEPT,), 1, True, id="an isolation saved"),
        pytest.param((SILENT, DENIED, CLEAN), 3, False, id="read at the third look"),
        pytest.param((SILENT, KEPT), 2, True, id="saved, at the second look"),
        pytest.param((DENIED,), SAVED_LOOKS, True, id="never readable"),
        pytest.param((SILENT,), SAVED_LOOKS, True, id="never an answer"),
    ],
)
def test_a_guardian_that_restored_keeps_the_alarm_until_nothing_is_saved(
    answers: tuple[Reading[Facts], ...], number: int, *, left: bool
) -> None:
    ended = killed(*answers)
    kinds = [one.kind for one in ended.claims.others]
    assert kinds[-1] == "guardian.ended"
    assert kinds.index("restore.seen") < kinds.index(SAVED)
    assert len(looks(ended)) == number
    assert left_in_saved(ended.claims.others) == (frozenset({POINT}) if left else frozenset())


@dataclass(frozen=True)
class Terminated:
    """A machine that goes down."""

    why: str | None = "SIGTERM was received"


class ToldToEnd(Guardian):
    """Is told to end when the plant is back."""

    async def _look_into_saved(self) -> None:
        """Be told, then go on as the product does."""
        self._signals = Terminated()
        await super()._look_into_saved()


def test_a_guardian_that_is_told_to_end_does_not_stay_for_what_is_saved() -> None:
    assert looks(killed(KEPT, guardian=ToldToEnd)) == []


def test_a_guardian_whose_conductor_restored_leaves_the_look_to_it() -> None:
    ended = run(3, None, (), prepare=partial(saying, [KEPT]))
    assert ended.claims.verdict == "held"
    assert looks(ended) == []


def kept_after(plant: SimulatedPlant) -> None:
    """Let somebody save an Islandmode object between the two readings of the configuration."""
    for point in plant.points.values():
        read = point.configuration
        times: list[float] = []

        async def configuration(
            deadline_s: float,
            *,
            read: Callable[[float], Awaitable[Reading[Configuration]]] = read,
            times: list[float] = times,
        ) -> Reading[Configuration]:
            reading = await read(deadline_s)
            times.append(deadline_s)
            if len(times) == 1 or reading.value is None:
                return reading
            line = "islandmode object for remote-access"
            parts = reading.value.parts | {"saved": f"{reading.value.parts['saved']}\n{line}"}
            return replace(reading, value=Configuration(parts, {"saved": line}, ("/etc/nftables.conf",)))

        # Of this one world only.
        point.configuration = configuration  # type: ignore[method-assign]


def test_an_object_that_is_saved_at_the_end_is_on_record_as_left() -> None:
    ended = run(3, None, (), prepare=kept_after)
    compared = {
        one.data["part"]: one.data["ours"] for one in ended.claims.records if one.kind == "configuration.compared"
    }
    assert compared == {"running": False, "saved": True}
    assert ended.claims.restoration == "unproven"
    assert ended.verdict is not None
    assert "ours-left" in {one.code for one in ended.verdict.findings}


def disagreeing(plant: SimulatedPlant) -> None:
    """Let the guardian's first look see an object that the conductor does not see."""
    for point in plant.guardian_points.values():
        look = point.state
        times: list[float] = []

        async def state(
            conduits: tuple[str, ...],
            deadline_s: float,
            *,
            look: Callable[[tuple[str, ...], float], Awaitable[Reading[PointState]]] = look,
            times: list[float] = times,
        ) -> Reading[PointState]:
            reading = await look(conduits, deadline_s)
            times.append(deadline_s)
            standing = PointState({name: ConduitState(present=True, armed_s=1.0, isolating=True) for name in conduits})
            return replace(reading, value=standing) if len(times) == 1 else reading

        # Of this one world only.
        point.state = state  # type: ignore[method-assign]


def test_a_guardian_that_sees_an_object_says_so_and_restores() -> None:
    ended = run(3, None, (), prepare=disagreeing)
    (disagrees,) = [one.data for one in ended.claims.others if one.kind == "guardian.disagrees"]
    assert disagrees == {"point": POINT, "why": f"{POINT} still shows an object."}
    assert "restore.seen" in [one.kind for one in ended.claims.others]
