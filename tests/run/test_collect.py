"""Samples are asked for until they are there, or for as long as the drill says, or until a person wants to wait no longer."""

from __future__ import annotations

from islandmode.core.lifecycle import Phase
from islandmode.core.outcome import Outcome, Reading
from islandmode.observe.vantage import Collected
from islandmode.simulate.faults import Fault, Kind
from islandmode.simulate.plant import SimulatedPlant
from islandmode.simulate.vantage import SimulatedVantage
from tests.run.simulated_run import Ended, run

SILENT_TIMES = 7


class Later(SimulatedVantage):
    """A vantage to which there is no way for a while after the restore."""

    async def collect(self, deadline_s: float) -> Reading[Collected]:
        tried = self._tried = getattr(self, "_tried", 0) + 1
        if tried <= SILENT_TIMES:
            await self._clock.sleep(self.call_s)
            return Reading(Outcome.UNKNOWN, None, "no way to it")
        return await super().collect(deadline_s)


class Never(SimulatedVantage):
    """A vantage to which there is no way any more."""

    async def collect(self, deadline_s: float) -> Reading[Collected]:
        await self._clock.sleep(min(deadline_s, self.call_s))
        return Reading(Outcome.UNKNOWN, None, "no way to it")


class Nonsense(Never):
    """A vantage that gives something that is no spool."""

    async def collect(self, deadline_s: float) -> Reading[Collected]:
        return Reading(Outcome.NOT_DONE, None, "what was fetched is not a spool")


def of_kind(kind: type[SimulatedVantage], *faults: Fault) -> Ended:
    def prepare(plant: SimulatedPlant) -> None:
        plant.vantages["office"].__class__ = kind

    return run(1, faults=faults, prepare=prepare)


def collecting_s(ended: Ended) -> float:
    (done,), (result,) = ended.times("verify.done"), ended.times("collect.result")[-1:]
    return (result - done) / 1e6


def test_a_vantage_that_answers_late_is_waited_for() -> None:
    ended = of_kind(Later)
    assert (ended.claims.verdict, ended.claims.restoration) == ("held", "proven")
    assert ended.violations == ()
    assert 7 * 15 < collecting_s(ended) < 150


def test_a_vantage_that_never_answers_closes_the_run_after_ten_minutes() -> None:
    ended = of_kind(Never)
    assert ended.claims.verdict == "inconclusive"
    assert 580 < collecting_s(ended) < 610
    results = [record for record in ended.claims.records if record.kind == "collect.result"]
    assert [record.data["why"] for record in results if record.data["vantage"] == "office"] == ["no way to it"]


def test_what_is_no_spool_is_asked_for_once() -> None:
    ended = of_kind(Nonsense)
    assert ended.claims.verdict == "inconclusive"
    assert collecting_s(ended) < 5


def test_a_person_may_close_the_run_without_it() -> None:
    ended = of_kind(Never, Fault(Kind.SIGNAL, Phase.COLLECTED, 60.0))
    assert ended.claims.verdict == "inconclusive"
    assert 55 < collecting_s(ended) < 90
    # The drill was over: nothing was stopped.
    assert ended.conducted is not None
    assert ended.conducted.stop is None
    assert ended.times("stop") == ()
