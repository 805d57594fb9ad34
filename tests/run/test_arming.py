"""Arming: on record before the first device is touched, at once on all of them, and taken back where one refuses."""

from __future__ import annotations

import random

import anyio
import pytest

from islandmode.core.lifecycle import Phase
from islandmode.core.plan import Step
from islandmode.run.conductor import Conductor
from islandmode.simulate.faults import Fault, Kind
from islandmode.simulate.kinds import KINDS, OWN_TIMER
from islandmode.simulate.pending import Pending, PendingDevice
from islandmode.simulate.plant import SimulatedPlant
from tests.more import one_in
from tests.run import simulated_drill
from tests.run.simulated_drill import Shape
from tests.run.simulated_run import Ended, run

VENDOR, LINE = "vendor-firewall", "line-firewall"
ARMS = tuple(name for name, kind in KINDS.items() if kind.capabilities().arms == "before")


class Steady(random.Random):
    """Dice that always show the smallest number: every latency is the same."""

    def randint(self, a: int, b: int) -> int:
        return min(a, b)


def at_arm(kind: Kind, **more: object) -> Fault:
    return Fault(**{"kind": kind, "phase": Phase.ARMED, "after_s": 0.0, "times": 1} | more)  # type: ignore[arg-type]


def armed_us(ended: Ended) -> dict[str, int]:
    """Give when each device was armed."""
    happened = [one for device in ended.plant.devices.values() for one in device.tape]
    return {one.device: one.at_us for one in happened if one.what in ("created", "armed")}


def left(ended: Ended) -> list[str]:
    return [conduit for device in ended.plant.devices.values() for conduit in device.objects]


@pytest.mark.parametrize("kind", one_in(2, ARMS))
def test_all_points_are_armed_at_the_same_moment_so_that_their_timers_end_together(kind: str) -> None:
    ended = run(1, Shape.of(kind, two_points=True), dice_type=Steady)
    assert set(armed_us(ended)) == {VENDOR, LINE}
    assert len(set(armed_us(ended).values())) == 1
    assert ended.violations == ()


@pytest.mark.parametrize("seed", range(5))
def test_every_point_is_on_record_and_owed_by_the_guardian_before_the_first_is_armed(seed: int) -> None:
    ended = run(seed, Shape(two_points=True))
    first_us = min(armed_us(ended).values())
    intents = [one for one in ended.claims.records if one.kind == "arm.intent"]
    # In the order of the plan, whichever task runs first.
    assert [one.data["point"] for one in intents] == [VENDOR, LINE]
    owes = [one for one in ended.claims.others if one.kind == "guardian.owes"]
    assert {one.data["point"] for one in owes} == {VENDOR, LINE}
    assert max(one.monotonic_us for one in (*intents, *owes)) < first_us


def test_what_cannot_be_written_down_of_one_point_arms_none() -> None:
    ended = run(1, Shape(two_points=True), (at_arm(Kind.SYNC_FAILS, after_s=0.00025),), dice_type=Steady)
    assert ended.claims.refused
    assert "The journal cannot be written any more" in ended.why
    assert armed_us(ended) == {}
    assert len(ended.times("arm.cancelled")) == len(ended.times("arm.intent")) == 2
    assert ended.violations == ()


def test_a_point_that_refuses_has_all_others_restored_and_every_refusal_is_told() -> None:
    one = run(1, Shape(two_points=True), (at_arm(Kind.REFUSED, target=VENDOR, call="arm"),), dice_type=Steady)
    assert one.claims.refused
    assert list(armed_us(one)) == [LINE]
    assert (left(one), one.violations) == ([], ())
    assert VENDOR in one.why
    assert one.why.endswith(f"{LINE} was armed already: its object was removed and seen gone.")
    both = run(1, Shape(two_points=True), (at_arm(Kind.REFUSED, call="arm", times=2),), dice_type=Steady)
    assert both.claims.refused
    assert all(f"{name}: the dead-man was not armed" in both.why for name in (VENDOR, LINE))
    assert (armed_us(both), left(both), both.violations) == ({}, [], ())


def test_a_stop_while_all_are_armed_waits_for_each_answer_and_restores_each() -> None:
    slow = at_arm(Kind.SLOW_WRITE, target=LINE, call="arm", amount_s=1.0)
    ended = run(1, Shape(two_points=True), (slow, at_arm(Kind.SIGNAL, after_s=0.5)), dice_type=Steady)
    for name in (VENDOR, LINE):
        assert [one.what for one in ended.plant.devices[name].tape] == ["created", "deleted"]
    assert (left(ended), ended.claims.restored, ended.violations) == ([], True, ())


def test_a_quick_device_that_is_armed_beside_a_slow_one_keeps_its_timer_until_both_are() -> None:
    plan = simulated_drill.make(Shape.of("slow commits", two_points=True))
    quick = {"platform": OWN_TIMER, "capabilities": KINDS[OWN_TIMER].capabilities()}
    mixed = plan.model_copy(update={"points": {**plan.points, LINE: plan.points[LINE].model_copy(update=quick)}})
    ended = run(1, plan=mixed, dice_type=Steady)
    assert armed_us(ended)[VENDOR] - armed_us(ended)[LINE] == 60_000_000
    assert "released" not in [one.what for device in ended.plant.devices.values() for one in device.tape]
    # It is read meanwhile: a timer that somebody stops is not found a minute later.
    (slow,) = [one for one in ended.claims.records if one.kind == "arm.result" and one.data["point"] == VENDOR]
    reads = [one for one in ended.claims.records if one.kind == "dead_man.read" and one.data["point"] == LINE]
    assert sum(one.seq < slow.seq for one in reads) > 50
    assert (ended.claims.verdict, ended.claims.restoration, ended.violations) == ("held", "proven", ())


# Somebody else's change waits on the device.


def colleagues_change(plant: SimulatedPlant) -> None:
    """Let a change of a colleague wait on every device, which isolates nothing."""
    for device in plant.devices.values():
        assert isinstance(device, PendingDevice)
        device.pending = Pending("a colleague", None, 0)


@pytest.mark.parametrize("kind", ["commit confirmed", "change timer"])
def test_a_change_of_somebody_else_that_waits_is_refused_at_preflight(kind: str) -> None:
    ended = run(1, Shape.of(kind), prepare=colleagues_change)
    assert ended.claims.refused
    assert "has a change of a colleague that waits to be confirmed" in ended.why
    assert (ended.times("arm.intent"), armed_us(ended)) == ((), {})
    assert [one.waits_for_confirmation() for one in ended.plant.devices.values()] == ["a colleague"]
    assert ended.violations == ()


# Taken over while an isolate waits for its turn.


class WaitsForARenewal(Conductor):
    """Has the device renewed right before each isolate; while that goes on, the run is taken over."""

    async def _isolate_step(self, stage: str, step: Step) -> None:
        begun = anyio.Event()

        async def renew() -> None:
            async with self._dead_man.writing[step.point]:
                begun.set()
                await self._clock.sleep(1.0)
                await self._guards._claim.take()

        async with anyio.create_task_group() as beside:
            beside.start_soon(renew)
            await begun.wait()
            await super()._isolate_step(stage, step)


def test_who_takes_the_run_over_while_an_isolate_waits_is_heard_before_it_is_ordered() -> None:
    ended = run(1, Shape(), dice_type=Steady, conductor=WaitsForARenewal)
    happened = [one.what for device in ended.plant.devices.values() for one in device.tape]
    assert "created" in happened
    assert "isolating" not in happened
    assert ended.times("isolate.result") == ()
    assert ended.conducted is not None
    assert ended.conducted.stop is not None
    assert ended.conducted.stop.by == "guardian"
    assert (left(ended), ended.violations) == ([], ())
