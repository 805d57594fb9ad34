"""Two operators on two machines, each with a conductor and a guardian, drill the same conduits: the device is the lock between them."""

from __future__ import annotations

import copy
import random
from collections.abc import Sequence
from dataclasses import dataclass

import anyio
import pytest

from islandmode.core.lifecycle import Phase
from islandmode.core.plan import Plan
from islandmode.run.conductor import Conductor
from islandmode.simulate.clock import SimulatedClock
from islandmode.simulate.device import OURS, SimulatedDevice
from islandmode.simulate.disk import SimulatedDisk
from islandmode.simulate.faults import Fault, FaultBook, Kind, draw_faults
from islandmode.simulate.kinds import OWN_TIMER
from islandmode.simulate.plant import Devices, SimulatedPlant
from islandmode.simulate.point import SimulatedPoint
from islandmode.simulate.vantage import SimulatedVantage
from islandmode.simulate.world import run_world
from tests.more import first_of, one_in
from tests.run import simulated_drill
from tests.run.simulated_drill import Shape
from tests.run.simulated_run import _Stage

THEIRS = "their run"
LATER_S = (0.0, 0.001, 0.02, 0.3, 1.8, 1.9, 2.5, 5.0, 6.9, 7.0, 8.8, 12.0, 15.0)
"""When the second operator begins: together, in each phase of the first run, and after it."""


class NoLock(SimulatedDevice):
    """Lets the run that comes last have the conduit."""

    def create(self, conduits: tuple[str, ...], for_us: int, owner: str = OURS) -> str:
        for conduit in conduits:
            self.objects.pop(conduit, None)
        return super().create(conduits, for_us, owner)


@dataclass(frozen=True)
class Both:
    """How both runs ended."""

    devices: dict[str, SimulatedDevice]
    stages: dict[str, _Stage]

    def violations(self) -> tuple[str, ...]:
        """Say where two runs had the same conduit, and what either left behind although it said that it had not."""
        found = []
        for name, device in self.devices.items():
            has: dict[str, str] = {}
            for one in sorted(device.tape, key=lambda one: one.at_us):
                owner = has.get(one.conduit, one.owner)
                if owner != one.owner and one.what in ("created", "isolating", "renewed", "deleted"):
                    found.append(f"{name}: {one.conduit} was {one.what} by {one.owner} while it was {owner}'s.")
                if one.what == "created":
                    has[one.conduit] = one.owner
                elif one.what in ("deleted", "lost") and owner == one.owner:
                    has.pop(one.conduit, None)
            for conduit, made in device.objects.items():
                stage = self.stages[made.owner]
                if stage.restored and not stage.guardian_tries:
                    found.append(f"{name}: {made.owner} says restored, and its object for {conduit} stands.")
        for owner, stage in self.stages.items():
            tape = [one for device in self.devices.values() for one in device.tape if one.owner == owner]
            isolated = any(one.what == "isolating" for one in tape)
            if stage.refused and isolated:
                found.append(f"{owner} says that it was refused, and isolated.")
        return tuple(found)

    def told(self) -> dict[str, str]:
        return {owner: stage.why for owner, stage in self.stages.items()}


def second_machine(plant: SimulatedPlant, dice: random.Random) -> SimulatedPlant:
    """Give another operator a machine of their own, with sessions to the same devices and workers on the same vantages."""
    theirs = copy.copy(plant)
    theirs.clock = SimulatedClock("their boot")
    theirs.faults = FaultBook((), theirs.clock)
    theirs.disk = SimulatedDisk(theirs.clock, theirs.faults, dice)

    def points() -> dict[str, SimulatedPoint]:
        return {
            name: SimulatedPoint(
                plant.devices[name],
                planned.capabilities,
                tuple(one for group in planned.interfaces.values() for one in group),
                theirs.clock,
                theirs.faults,
                dice,
                THEIRS,
            )
            for name, planned in plant.plan.points.items()
        }

    theirs.points, theirs.guardian_points, theirs.resume_points = points(), points(), points()
    theirs.vantages = {
        name: SimulatedVantage(
            name,
            {key: planned for key, planned in plant.plan.probes.items() if planned.probe.vantage == name},
            plant.network,
            theirs.clock,
            theirs.faults,
            dice,
            far=planned_vantage.far,
        )
        for name, planned_vantage in plant.plan.vantages.items()
    }
    return theirs


def both(seed: int, plan: Plan, later_s: float, faults: Sequence[Fault] = (), devices: Devices | None = None) -> Both:
    """Let two operators run the same plan, the second some seconds after the first."""
    ours = SimulatedPlant(plan, seed, faults, devices=devices)
    theirs = second_machine(ours, random.Random(seed + 1))
    stages = {OURS: _Stage(ours, Conductor), THEIRS: _Stage(theirs, Conductor, machine="their ")}

    async def second() -> None:
        await anyio.sleep(later_s)
        await stages[THEIRS].play()

    async def play() -> None:
        async with anyio.create_task_group() as group:
            group.start_soon(second)
            await stages[OURS].play()

    run_world(seed, play)
    return Both(ours.devices, stages)


@pytest.mark.parametrize("device", first_of([OWN_TIMER, "change timer"]))
@pytest.mark.parametrize("later_s", one_in(3, LATER_S))
def test_never_two_runs_on_a_conduit(device: str, later_s: float) -> None:
    plan = simulated_drill.make(Shape.of(device))
    # A device that works a second on each change keeps the first drill busy for longer.
    over_s = 12.0 if device == OWN_TIMER else 15.0
    for seed in range(5):
        ended = both(seed, plan, later_s)
        assert ended.violations() == (), ended.told()
        assert not any(one.objects for one in ended.devices.values())
        completed = [owner for owner, stage in ended.stages.items() if not stage.refused]
        assert len(completed) == (2 if later_s >= over_s else 1), ended.told()


def isolated_at_once(ended: Both) -> list[str]:
    """Name what one run isolated while it was isolated by the other, on devices without objects of their own."""
    found = []
    for device in ended.devices.values():
        whose: dict[str, str] = {}
        for one in sorted(device.tape, key=lambda one: one.at_us):
            if one.what == "isolating":
                found += [one.conduit] if whose.get(one.conduit, one.owner) != one.owner else []
                whose[one.conduit] = one.owner
            elif one.what in ("deleted", "released"):
                whose.pop(one.conduit, None)
    return found


def happened(ended: Both, *what: str) -> set[str]:
    """Name the runs of which something is on a tape."""
    return {one.owner for device in ended.devices.values() for one in device.tape if one.what in what}


ONE_AFTER_THE_OTHER = {7.0, 24.0}
"""The second has looked at the device right before the first isolates, and arms when that is over; or it begins then."""


@pytest.mark.parametrize("later_s", one_in(4, [*LATER_S, 6.4, 24.0]))
def test_of_two_on_a_device_with_one_pending_change_the_second_isolates_nothing(later_s: float) -> None:
    plan = simulated_drill.make(Shape.of("commit confirmed"))
    for seed in range(5):
        ended = both(seed, plan, later_s)
        assert (ended.violations(), isolated_at_once(ended)) == ((), []), ended.told()
        # Nobody's commit took the timer off what the other isolates, and none had to act.
        assert happened(ended, "confirmed", "timer stopped", "released") == set()
        assert not any(one.objects or one.waits_for_confirmation() for one in ended.devices.values())
        assert len(happened(ended, "isolating")) == (2 if later_s in ONE_AFTER_THE_OTHER else 1), ended.told()


@pytest.mark.parametrize(
    ("device", "later_s", "why"),
    [
        ("commit confirmed", 6.4, f"a change of {OURS} waits for confirmation"),
        ("change timer", 0.02, f"a change of {OURS} waits for confirmation"),
        # By then it is seen without arming anything.
        ("commit confirmed", 9.5, f"has a change of {OURS} that waits to be confirmed"),
        ("change timer", 5.0, f"has a change of {OURS} that waits to be confirmed"),
    ],
)
def test_the_second_is_refused_while_a_change_of_the_first_waits(device: str, later_s: float, why: str) -> None:
    ended = both(1, simulated_drill.make(Shape.of(device)), later_s)
    first, second = ended.stages[OURS], ended.stages[THEIRS]
    assert (first.refused, first.restored, first.why) == (False, True, "")
    assert second.refused
    assert why in second.why
    asked_to_arm = any(one.kind == "arm.result" for one in second.records)
    assert asked_to_arm is ("waits for" in why)
    assert happened(ended, "isolating", "armed", "deleted") <= {OURS}


@pytest.mark.parametrize("later_s", one_in(4, LATER_S))
def test_two_that_arm_crosswise_leave_nothing_behind(later_s: float) -> None:
    plan = simulated_drill.make(Shape(two_points=True))
    for seed in range(5):
        ended = both(seed, plan, later_s)
        assert ended.violations() == (), ended.told()
        assert not any(one.objects for one in ended.devices.values())


@pytest.mark.parametrize("device", first_of([OWN_TIMER, "change timer"]))
@pytest.mark.parametrize("first", first_of(range(0, 100, 25)))
def test_never_two_runs_on_a_conduit_whatever_goes_wrong(device: str, first: int) -> None:
    for seed in range(first, first + 25):
        dice = random.Random(seed)
        plan = simulated_drill.make(Shape.of(device, two_points=dice.random() < 0.5))
        faults = [one for one in draw_faults(dice, plan) if one.kind is not Kind.STRANGER]
        ended = both(seed, plan, dice.choice(LATER_S), faults)
        assert ended.violations() == (), (seed, ended.told(), [str(one) for one in faults])


@pytest.mark.parametrize("device", first_of([OWN_TIMER, "change timer"]))
@pytest.mark.parametrize("kind", first_of([Kind.CONDUCTOR_KILLED, Kind.CONDUCTOR_STOPPED, Kind.HOST_LOST]))
def test_a_second_operator_touches_nothing_of_a_run_that_died(device: str, kind: Kind) -> None:
    plan = simulated_drill.make(Shape.of(device, two_points=True))
    for seed in range(30):
        dice = random.Random(seed)
        # Some time after the first stage was armed; their own run begins in the next ten seconds.
        lost = Fault(kind, Phase.ARMED, dice.random() * 4.0, amount_s=15.0)
        ended = both(seed, plan, 2.0 + dice.random() * 14.0, (lost,))
        assert ended.violations() == (), (seed, ended.told())
        assert not any(one.objects for one in ended.devices.values()), (seed, ended.told())


@pytest.mark.parametrize("later_s", [0.0, 0.001, 0.02])
def test_a_device_that_is_no_lock_is_found_out(later_s: float) -> None:
    ended = both(1, simulated_drill.make(Shape()), later_s, devices={OWN_TIMER: NoLock})
    assert any("while it was" in one for one in ended.violations())
