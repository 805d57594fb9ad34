"""Conductor, guardian or both, killed or stopped, or asked to abort, at every moment of a drill at which anybody did anything.

How it works. A whole run is played once and every moment noted at which somebody read a clock: each record, each request that
left, each answer that came. Then the same run is played again for each of these moments, and a process is hit right after it. A
killed process runs no `finally`; what already travels to a device still lands.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import pytest

from islandmode.core.lifecycle import Phase
from islandmode.run.conductor import Conductor
from islandmode.run.guardian import OBEY_S, STUCK_S, Guardian
from islandmode.run.guards import SILENT_S
from islandmode.run.restore import restore_until_seen
from islandmode.simulate.device import OURS, SimulatedDevice
from islandmode.simulate.faults import Fault, Kind
from islandmode.simulate.kinds import KINDS, OWN_TIMER
from islandmode.simulate.line import SimulatedClaim
from islandmode.simulate.network import Blocked
from islandmode.simulate.plant import SimulatedPlant
from islandmode.simulate.truth import no_isolate_after_restore_seen
from islandmode.system.lifeline import Hearing
from tests.more import first_of, one_in
from tests.run.simulated_drill import Shape
from tests.run.simulated_run import Ended, run
from tests.run.test_invariants import Idle, NoArmingRule

RIGHT_AFTER_S = 0.000_000_5
SEEN_S = 1.0
"""How long a process that knows that the plant must be restored now needs on healthy devices."""
TRAVELS_S = 0.1
"""How long a request may be under way to a healthy device."""
EVERY = 14
"""Of the moments for the combinations that are not tried at each of them."""
PARTS = first_of(range(8))
"""Eight parts of all moments; of one a test run always knows."""
HALVES = first_of([0, EVERY])
"""At which moment the two halves of every fourteenth begin."""
STOPPED_S = 15.0


TRIED = first_of([OWN_TIMER, "commit confirmed"])


def shape(device: str) -> Shape:
    more = {"dead_man_s": 8.0} if device == OWN_TIMER else {"sample_every_s": 0.5}
    return Shape.of(device, two_points=True, one_stage=False, holds_s=(3.0, 2.0), **more)


def works_s(device: str) -> float:
    """Say how long a device may still work on an isolate that it took in, and after that on the restore."""
    works = KINDS[device].works
    return works.isolate + works.restore


@cache
def moments_us(device: str, tried: Shape | None = None) -> tuple[int, ...]:
    """Note every moment of a whole run at which somebody read a clock, from its beginning."""
    read: list[int] = []

    def listen(plant: SimulatedPlant) -> None:
        look = plant.clock.monotonic_us

        def monotonic_us() -> int:
            read.append(look())
            return read[-1]

        # Listened to in this one world only.
        plant.clock.monotonic_us = monotonic_us  # type: ignore[method-assign]

    ended = run(1, tried or shape(device), prepare=listen)
    assert (ended.claims.verdict, ended.violations) == ("held", ())
    return tuple(sorted({one - ended.claims.started_us for one in read if one >= ended.claims.started_us}))


def at(kind: Kind, at_us: int, amount_s: float = STOPPED_S) -> Fault:
    """Hit a process right after a moment."""
    return Fault(kind, Phase.PLANNED, at_us / 1_000_000 + RIGHT_AFTER_S, amount_s=amount_s)


def stretches(ended: Ended) -> list[Blocked]:
    network = ended.plant.network
    return [one for name in network.conduits for one in network.stretches(name) if one.by.endswith(f" for {OURS}")]


def longest_after_s(ended: Ended, at_us: int) -> float:
    """Say how long after a moment the plant was still isolated by what was under way at that moment, or stood already."""
    since_us = ended.claims.started_us + at_us
    works_us = max(KINDS[point.platform].works.isolate for point in ended.plant.plan.points.values()) * 1_000_000
    begun = [one for one in stretches(ended) if one.from_us < since_us + TRAVELS_S * 1_000_000 + works_us]
    return max((max(0, one.until_us - since_us) / 1_000_000 for one in begun), default=0.0)


def check(kind: Kind, at_us: int, device: str, bound_s: float, *more: Fault, tried: Shape | None = None) -> None:
    ended = run(1, tried or shape(device), (at(kind, at_us), *more))
    where = f"{kind.value} {at_us / 1_000_000:.6f} s after the run began\n{ended.story()}"
    if not any(hit is kind for hit, _ in ended.plant.faults.hits):
        # Nothing was there to be hit: the guardian had not begun, or had ended.
        return
    if kind in (Kind.CONDUCTOR_KILLED, Kind.HOST_LOST):
        since_us = ended.claims.started_us + at_us + (TRAVELS_S + KINDS[device].works.isolate) * 1_000_000
        assert not any(one.from_us > since_us for one in stretches(ended)), where
    assert ended.violations == (), where
    assert ended.claims.restored, where
    assert not any(one.objects for one in ended.plant.devices.values()), where
    assert longest_after_s(ended, at_us) <= bound_s + works_s(device), where


def test_a_drill_has_hundreds_of_moments() -> None:
    assert len(moments_us(OWN_TIMER)) > 250


@pytest.mark.parametrize("device", TRIED)
@pytest.mark.parametrize("part", PARTS)
def test_the_guardian_restores_within_a_second_whenever_the_conductor_is_killed(device: str, part: int) -> None:
    for at_us in moments_us(device)[part::8]:
        check(Kind.CONDUCTOR_KILLED, at_us, device, SEEN_S)


@pytest.mark.parametrize("half", HALVES)
@pytest.mark.parametrize("device", TRIED)
def test_a_conductor_that_stands_still_loses_the_run_to_its_guardian(device: str, half: int) -> None:
    for at_us in moments_us(device)[half :: 2 * EVERY]:
        check(Kind.CONDUCTOR_STOPPED, at_us, device, STUCK_S + 2 * SEEN_S)


@pytest.mark.parametrize("half", HALVES)
@pytest.mark.parametrize("device", TRIED)
@pytest.mark.parametrize("kind", [Kind.GUARDIAN_KILLED, Kind.GUARDIAN_STOPPED])
def test_a_conductor_without_its_guardian_restores_within_two_heartbeats_and_a_second(
    device: str, kind: Kind, half: int
) -> None:
    for at_us in moments_us(device)[half + 3 :: 2 * EVERY]:
        check(kind, at_us, device, SILENT_S + SEEN_S)


@pytest.mark.parametrize("half", HALVES)
@pytest.mark.parametrize("device", TRIED)
def test_the_device_restores_by_itself_when_nobody_is_left(device: str, half: int) -> None:
    for at_us in moments_us(device)[half :: 2 * EVERY]:
        check(Kind.HOST_LOST, at_us, device, shape(device).dead_man_s + TRAVELS_S)


@pytest.mark.parametrize("half", HALVES)
@pytest.mark.parametrize("device", TRIED)
def test_a_guardian_that_sleeps_while_the_conductor_dies_restores_when_it_wakes(device: str, half: int) -> None:
    for at_us in moments_us(device)[half + 5 :: 2 * EVERY]:
        asleep = at(Kind.GUARDIAN_STOPPED, at_us, amount_s=3.0)
        check(Kind.CONDUCTOR_KILLED, at_us, device, asleep.amount_s + SEEN_S, asleep)


@pytest.mark.parametrize("half", HALVES)
@pytest.mark.parametrize("device", TRIED)
def test_an_abort_is_obeyed_within_a_second_whenever_it_is_asked_for(device: str, half: int) -> None:
    for at_us in moments_us(device)[half + 1 :: 2 * EVERY]:
        check(Kind.ABORT, at_us, device, SEEN_S)


@pytest.mark.parametrize("half", HALVES)
@pytest.mark.parametrize("device", TRIED)
def test_an_abort_is_obeyed_by_the_guardian_when_the_conductor_sleeps(device: str, half: int) -> None:
    for at_us in moments_us(device)[half + 2 :: 2 * EVERY]:
        check(Kind.ABORT, at_us, device, OBEY_S + SEEN_S, at(Kind.CONDUCTOR_STOPPED, at_us))


IN_ORDER = Shape(two_points=True, in_order=True, word_within_s=3.0, holds_s=(1.0, 1.0))
KILLS = {
    Kind.CONDUCTOR_KILLED: SEEN_S,
    Kind.CONDUCTOR_STOPPED: STUCK_S + 2 * SEEN_S,
    Kind.GUARDIAN_KILLED: SILENT_S + SEEN_S,
    Kind.HOST_LOST: IN_ORDER.dead_man_s + TRAVELS_S,
    Kind.ABORT: SEEN_S,
}


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("kind", KILLS)
def test_in_the_middle_of_a_return_in_order_everything_is_restored_as_in_a_hold(kind: Kind, part: int) -> None:
    whole = run(1, IN_ORDER)
    since_us, until_us = whole.times("return.ordered")[0] - 200_000, whole.times("restore.ordered")[0] + 200_000
    moments = [at_us for at_us in moments_us(OWN_TIMER, IN_ORDER) if since_us <= at_us <= until_us]
    assert len(moments) > 40
    for at_us in moments[part::8]:
        check(kind, at_us, OWN_TIMER, KILLS[kind], tried=IN_ORDER)


def test_what_the_record_says_may_be_armed_is_owed_by_the_guardian_already() -> None:
    """A conductor that is killed with its intents on record leaves nothing that a person has to look at, whatever followed."""
    (since_us, *_) = run(1, shape(OWN_TIMER)).times("arm.intent")
    recorded = 0
    for later_us in range(0, 1000, 100):
        ended = run(1, shape(OWN_TIMER), (at(Kind.CONDUCTOR_KILLED, since_us + later_us),))
        intended = {one.data["point"] for one in ended.claims.records if one.kind == "arm.intent"}
        owed = {one.data["point"] for one in ended.claims.others if one.kind == "guardian.owes"}
        assert intended <= owed, ended.story()
        recorded += bool(intended)
    assert recorded


def dies_while_arming(guardian: type[Guardian], device: str) -> Ended:
    """Kill the conductor with an arm under way that its device gets to only when the guardian has looked once."""
    (first, *_) = run(1, shape(device)).times("arm.intent")
    slow = Fault(Kind.SLOW_WRITE, Phase.ARMED, call="arm", times=1, amount_s=1.8)
    return run(1, shape(device), (slow, at(Kind.CONDUCTOR_KILLED, first + 100_000)), guardian=guardian)


@pytest.mark.parametrize("device", TRIED)
def test_an_arm_that_lands_after_its_conductors_death_leaves_nothing(device: str) -> None:
    ended = dies_while_arming(Guardian, device)
    assert ended.plant.faults.hits[Kind.SLOW_WRITE, Phase.ARMED] == 1
    made = [one.what for firewall in ended.plant.devices.values() for one in firewall.tape]
    assert ("created" in made) is (device == OWN_TIMER)
    assert (ended.violations, ended.claims.restored) == ((), True), ended.story()


# What is shown above can fail: each layer and fence taken away on purpose.


@dataclass
class SaysNothing:
    """A guardian's end of the line that only hears."""

    hearing: Hearing

    async def next_line(self) -> str | None:
        return await self.hearing.next_line()

    def answer(self, line: str) -> None:
        pass


class TakesNoClaim(Guardian):
    """Restores, and leaves the conductor in the belief that the run is still its own."""

    async def _take_over(self, why: str) -> None:
        self._claim = SimulatedClaim()
        self._hearing = SaysNothing(self._hearing)
        await super()._take_over(why)


class DoesNotCare(Conductor):
    """Goes on without its guardian."""

    async def _watch_plant(self) -> None:
        beat = self._guards.stop_reason

        async def stop_reason() -> None:
            await beat()

        # The bug that is planted here.
        self._guards.stop_reason = stop_reason  # type: ignore[method-assign]
        await super()._watch_plant()


class LooksOnce(Guardian):
    """Believes its first look, and forgets what the conductor may have had under way."""

    async def _take_over(self, why: str) -> None:
        names = {"notes": self._journal, "clock": self._clock}
        await restore_until_seen(self._points, self._owed, give_up_after_s=60.0, **names)  # type: ignore[arg-type]

    async def _outlast(self) -> str | None:
        return None


def test_a_guardian_that_believes_its_first_look_leaves_an_arm_that_lands_late() -> None:
    ended = dies_while_arming(LooksOnce, OWN_TIMER)
    assert any("still has the Islandmode object" in one for one in ended.violations), ended.story()


def second_stage_us(seed: int = 1) -> int:
    """Find the moment at which a whole run decides to isolate its second stage; its intent is not durable yet."""
    (_, second) = run(seed, shape(OWN_TIMER)).times("isolate.intent")
    return second


@pytest.mark.parametrize(
    ("guardian", "device", "isolates"),
    one_in(
        2,
        [
            (TakesNoClaim, NoArmingRule, True),
            (Guardian, SimulatedDevice, False),
            (TakesNoClaim, SimulatedDevice, False),
            (Guardian, NoArmingRule, False),
        ],
    ),
)
def test_a_conductor_that_wakes_isolates_only_if_both_fences_are_gone(
    guardian: type[Guardian], device: type[SimulatedDevice], *, isolates: bool
) -> None:
    found = False
    for seed in range(20):
        asleep = at(Kind.CONDUCTOR_STOPPED, second_stage_us(seed))
        # A third fence is the time that a ticket takes: a conductor that woke sees in it that it stood still.
        ended = run(
            seed,
            shape(OWN_TIMER),
            (asleep,),
            conductor=DoesNotCare,
            guardian=guardian,
            devices={OWN_TIMER: device},
        )
        late = no_isolate_after_restore_seen(ended.plant, ended.claims)
        assert isolates or late == (), ended.story()
        found = found or late != ()
    assert found is isolates


def test_a_guardian_that_does_nothing_leaves_it_to_the_devices_timer() -> None:
    at_us = second_stage_us()
    ended = run(1, shape(OWN_TIMER), (at(Kind.CONDUCTOR_KILLED, at_us),), guardian=Idle)
    assert SEEN_S < longest_after_s(ended, at_us) <= shape(OWN_TIMER).dead_man_s


def test_a_conductor_that_does_not_look_at_its_guardian_goes_on_without_one() -> None:
    at_us = second_stage_us()
    ended = run(1, shape(OWN_TIMER), (at(Kind.GUARDIAN_KILLED, at_us),), conductor=DoesNotCare)
    assert ended.conducted is not None
    assert ended.conducted.stop is None
    ended = run(1, shape(OWN_TIMER), (at(Kind.GUARDIAN_KILLED, at_us),))
    assert ended.conducted is not None
    assert ended.conducted.stop is not None
    assert ended.conducted.stop.by == "guardian"
