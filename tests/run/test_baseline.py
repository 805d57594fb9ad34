"""Before anything is armed every probe is seen good, also those that only a far vantage can see."""

from __future__ import annotations

from itertools import pairwise

import pytest

from islandmode.core.episodes import Sample
from islandmode.core.lifecycle import Phase
from islandmode.core.outcome import Outcome, Reading
from islandmode.observe.vantage import Offset
from islandmode.simulate.faults import Fault, Kind
from islandmode.simulate.plant import SimulatedPlant
from islandmode.simulate.vantage import SimulatedVantage
from tests.run.simulated_run import Ended, run

FAR_ONLY = "fd10:40::50"
"""Asked over IPv6 by the vendor and the office, and by nobody near."""


def outage(for_s: float = 1e6) -> Fault:
    return Fault(Kind.OUTAGE, Phase.BASELINE, target=FAR_ONLY, for_s=for_s)


def assert_untouched(ended: Ended, said: str) -> None:
    """The drill was refused with this reason, and no device has seen anything of it."""
    assert ended.claims.refused
    assert said in ended.why
    assert ended.why.endswith("Nothing was touched.")
    assert ended.times("arm.intent") == ()
    assert not any(device.tape for device in ended.plant.devices.values())
    assert len(ended.times("vantage.looked")) == 1
    assert ended.violations == ()


def test_a_far_probe_that_never_reaches_its_target_refuses_the_drill_with_its_reason() -> None:
    ended = run(1, faults=(outage(),))
    assert_untouched(ended, "Probe vendor-in-v6 from vantage vendor is bad before the drill: no answer within 0.8 s.")


def test_a_far_probe_that_needs_a_moment_is_waited_for() -> None:
    ended = run(1, faults=(outage(for_s=4.0),))
    assert (ended.claims.verdict, ended.claims.restoration) == ("held", "proven")
    assert ended.violations == ()


def test_a_guardian_that_was_asked_nothing_during_a_long_baseline_is_not_called_silent() -> None:
    ended = run(1, faults=(outage(for_s=9.0),))
    assert ended.conducted is not None
    assert ended.conducted.stop is None


def test_a_far_worker_that_died_before_anything_was_armed_refuses_the_drill() -> None:
    ended = run(1, faults=(Fault(Kind.WORKER_DIES, Phase.BASELINE, target="office"),))
    assert_untouched(ended, "from vantage office said nothing")


class Unseen(SimulatedVantage):
    """A vantage into which nobody can look."""

    async def look(self, deadline_s: float) -> Reading[tuple[Sample, ...]]:
        await self._clock.sleep(deadline_s)
        return Reading(Outcome.UNKNOWN, None, "no answer")


class Unmeasured(SimulatedVantage):
    """A vantage whose clock could not be measured at first."""

    async def offset(self, deadline_s: float) -> Reading[Offset]:
        reading = await super().offset(deadline_s)
        return reading if self._sampled else Reading(Outcome.UNKNOWN, None, "no answer")


def of_kind(kind: type[SimulatedVantage], name: str) -> Ended:
    def prepare(plant: SimulatedPlant) -> None:
        plant.vantages[name].__class__ = kind

    return run(1, prepare=prepare)


def test_a_vantage_that_cannot_be_looked_at_refuses_the_drill() -> None:
    assert_untouched(
        of_kind(Unseen, "vendor"), "What vantage vendor sees could not be looked at before the drill: no answer."
    )


def test_without_a_measured_clock_a_far_vantage_is_looked_at_all_the_same() -> None:
    ended = of_kind(Unmeasured, "vendor")
    assert not ended.claims.refused
    assert ended.claims.verdict == "inconclusive"


@pytest.mark.parametrize("seed", range(3))
def test_a_look_changes_nothing_of_what_is_collected(seed: int) -> None:
    ended = run(seed)
    assert ended.conducted is not None
    every_us = ended.plant.plan.drill.sample_every * 1_000_000
    for rows in ended.conducted.samples.samples().values():
        assert len(rows) > 50
        # A far clock drifts, and is measured to a few milliseconds.
        assert all(abs(later.asked_us - one.asked_us - every_us) < every_us / 4 for one, later in pairwise(rows))
