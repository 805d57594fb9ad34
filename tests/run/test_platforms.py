"""The conductor on devices as platforms really differ: coarse and absolute timers, whole-configuration undo, writes that land half."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from islandmode.core.lifecycle import Phase
from islandmode.core.recipe.derive import capabilities
from islandmode.core.recipe.shipped import SHIPPED
from islandmode.simulate.clocked import ClockDevice
from islandmode.simulate.device import OURS, SimulatedDevice
from islandmode.simulate.faults import Fault, Kind, draw_faults
from islandmode.simulate.kinds import KINDS, OWN_TIMER
from islandmode.simulate.plant import SimulatedPlant
from islandmode.simulate.platforms import CoarseTimers, HalfWrites, RoundsDown, Seconds
from islandmode.store.recipes import shipped_recipes
from tests.more import first_of, one_in
from tests.run import simulated_drill
from tests.run.simulated_drill import Shape
from tests.run.simulated_run import Ended, run

FIREWALL = "conduit-firewall"


def on_tape(ended: Ended, what: str) -> list[str]:
    """Name the conduits to which something happened, in order."""
    happened = [one for device in ended.plant.devices.values() for one in device.tape if one.what == what]
    return [one.conduit for one in sorted(happened, key=lambda one: one.at_us)]


def left_of_ours(ended: Ended) -> list[str]:
    """Name the conduits for which an object of this run stands when the run has ended."""
    return [
        conduit
        for device in ended.plant.devices.values()
        for conduit, made in device.objects.items()
        if made.owner == OURS
    ]


def verdict_of(ended: Ended) -> tuple[str | None, str | None]:
    return ended.claims.verdict, ended.claims.restoration


# Several conduits in one stage.


@pytest.mark.parametrize("kind", [OWN_TIMER, "schedule", "commit confirmed", "change timer"])
@pytest.mark.parametrize("two_points", [False, True])
def test_a_stage_isolates_all_its_conduits_at_once(kind: str, *, two_points: bool) -> None:
    ended = run(1, Shape.of(kind, one_stage=True, two_points=two_points))
    assert (*verdict_of(ended), ended.violations) == ("held", "proven", ())
    starts = [one.at_us for device in ended.plant.devices.values() for one in device.tape if one.what == "isolating"]
    assert len(starts) == 2
    assert max(starts) - min(starts) < 50_000


# Writes that land half.


def halving(call: str, kind: str, *, admits: bool) -> type[SimulatedDevice]:
    """Make a device on which one kind of write lands half, and says so or not."""
    like = KINDS[kind].device
    kinds = (HalfWrites,) if like is SimulatedDevice else (HalfWrites, like)
    return type("Halving", kinds, {"half": frozenset({call}), "admits": admits})


@pytest.mark.parametrize("kind", [OWN_TIMER, "schedule"])
@pytest.mark.parametrize("admits", [False, True])
@pytest.mark.parametrize("call", ["arm", "isolate", "restore"])
def test_a_write_that_lands_half_leaves_nothing_behind(call: str, kind: str, *, admits: bool) -> None:
    ended = run(1, Shape.of(kind, one_stage=True), devices={kind: halving(call, kind, admits=admits)})
    assert left_of_ours(ended) == []
    assert ended.claims.restored
    assert ended.violations == ()
    assert ended.claims.refused is (call == "arm")
    assert (ended.claims.verdict == "held") is (call == "restore")
    if call == "isolate":
        assert ended.conducted is not None
        assert ended.conducted.stop is not None
        assert ended.conducted.stop.by == "isolate"


def isolated_as(ended: Ended) -> list[str]:
    """Give what is on record of each order to isolate."""
    return [one.data["outcome"] for one in ended.claims.records if one.kind == "isolate.result"]


def test_an_order_that_was_refused_half_way_is_on_record_as_unknown_with_what_isolates() -> None:
    ended = run(1, Shape.of("partial write"))
    assert isolated_as(ended) == ["unknown"]
    assert ended.conducted is not None
    assert ended.conducted.stop is not None
    assert ended.conducted.stop.why == (
        "conduit-firewall did not isolate corporate-line3, and isolates remote-access: the commit failed half-way."
    )
    assert (ended.claims.restored, ended.violations) == (True, ())


@pytest.mark.parametrize(
    ("kind", "one_stage", "outcome"),
    [(OWN_TIMER, True, "not done"), ("partial write", False, "not done"), ("partial write", True, "unknown")],
)
def test_a_refusal_that_says_nothing_more_is_believed_only_where_a_stage_lands_whole(
    kind: str, *, one_stage: bool, outcome: str
) -> None:
    refused = Fault(Kind.REFUSED, Phase.ISOLATING, call="isolate", times=1)
    ended = run(1, Shape.of(kind, one_stage=one_stage), (refused,))
    assert isolated_as(ended) == [outcome]
    assert (ended.claims.restored, ended.violations) == (True, ())


@pytest.mark.parametrize("admits", [False, True])
def test_an_arm_that_landed_half_is_restored_later_when_the_conductor_dies_with_it(*, admits: bool) -> None:
    """What the journal says of a half-landed arm must not read as if another run's object stood there."""
    ended = run(1, Shape(one_stage=True), devices={OWN_TIMER: halving("arm", OWN_TIMER, admits=admits)})
    (armed,) = [one for one in ended.claims.records if one.kind == "arm.result"]
    assert armed.data["outcome"] != "not done"


# Timers that are coarse.


@pytest.mark.parametrize("device", [CoarseTimers, RoundsDown])
@pytest.mark.parametrize(("dead_man_s", "step_s"), one_in(2, [(120.0, 60.0), (60.0, 60.0), (30.0, 1.0), (8.0, 1.0)]))
def test_a_coarse_timer_is_renewed_before_it_can_end(
    device: type[CoarseTimers], dead_man_s: float, step_s: float
) -> None:
    stepped = type("Stepped", (device,), {"step_us": round(step_s * 1_000_000)})
    # No hold is planned that is shorter than the step of the timer.
    holds_s = (max(dead_man_s * 0.9, step_s), max(dead_man_s * 0.7, step_s))
    shape = Shape(dead_man_s=dead_man_s, granularity_s=step_s, holds_s=holds_s)
    ended = run(1, shape, devices={OWN_TIMER: stepped})
    assert on_tape(ended, "released") == []
    assert on_tape(ended, "renewed") != []
    assert (*verdict_of(ended), ended.violations) == ("held", "proven", ())


@pytest.mark.parametrize("first_hold_s", [50.0, 58.0, 66.0])
def test_a_stage_that_brings_a_timer_of_its_own_late_in_the_window_is_nobody_elses(first_hold_s: float) -> None:
    shape = Shape.of("commit confirmed", two_points=True, one_stage=False, holds_s=(first_hold_s, 1.0))
    ended = run(1, shape)
    assert (*verdict_of(ended), ended.violations) == ("held", "proven", ())


# Timers that end at a time of day.


def clock_set(by_s: float) -> Callable[[SimulatedPlant], None]:
    """Set the devices' own clocks a second into the first hold."""

    def prepare(plant: SimulatedPlant) -> None:
        def strike() -> None:
            for device in plant.devices.values():
                assert isinstance(device, ClockDevice)
                device.set_clock(round(by_s * 1_000_000))

        hear = plant.phase_is
        begun: list[Phase] = []

        def phase_is(phase: Phase) -> None:
            hear(phase)
            if phase is Phase.HOLDING and not begun:
                begun.append(phase)
                plant.clock.at(plant.clock.monotonic_us() + 1_000_000, strike)

        # Replaced in this one world only.
        plant.phase_is = phase_is  # type: ignore[method-assign]

    return prepare


@pytest.mark.parametrize(
    ("by_s", "stops"), [(-3600.0, True), (-90.0, True), (-1.0, False), (1.0, False), (3600.0, True)]
)
@pytest.mark.parametrize("two_points", [False, True])
def test_a_device_whose_clock_is_set_is_restored_when_its_timer_is_not_what_was_set(
    by_s: float, *, stops: bool, two_points: bool
) -> None:
    ended = run(1, Shape.of("schedule", two_points=two_points), prepare=clock_set(by_s))
    assert ended.conducted is not None
    stop = ended.conducted.stop
    assert (stop.by if stop is not None else None) == ("dead_man" if stops else None)
    assert left_of_ours(ended) == []
    assert (ended.claims.restored, ended.claims.restoration, ended.violations) == (True, "proven", ())
    # Found within a reading of the timer, far before the minute that the clock was set by.
    longest_us = max(one.until_us - one.from_us for one in ended.plant.network.stretches("remote-access"))
    assert longest_us < (3_000_000 if stops else 8_000_000)


# An undo that is a whole configuration.

EDIT = Fault(Kind.EDIT, Phase.HOLDING, 0.5, target=FIREWALL)


def test_our_own_restore_keeps_what_a_colleague_changed_where_the_timer_would_not() -> None:
    ended = run(1, Shape.of("change timer"), (EDIT,))
    assert ended.plant.devices[FIREWALL].edits == ["rule of a colleague"]
    assert (*verdict_of(ended), ended.violations) == ("held", "proven", ())
    assert ended.verdict is not None
    assert any("somebody else edited its" in one.sentence for one in ended.verdict.findings)


def test_a_timer_that_loads_a_whole_configuration_restores_and_is_never_called_held() -> None:
    silent = Fault(Kind.HANG, Phase.HOLDING, 1.0, for_s=130.0)
    ended = run(1, Shape.of("change timer"), (EDIT, silent))
    assert len(on_tape(ended, "edit lost: rule of a colleague")) == 1
    assert ended.plant.devices[FIREWALL].edits == []
    assert left_of_ours(ended) == []
    # Two minutes without an answer are longer than the site allows for a restore.
    assert (ended.claims.restored, ended.claims.verdict, ended.violations) == (True, "breached", ())


# All of them with the faults of many seeds.

COARSE: dict[str, type[SimulatedDevice]] = {
    "coarse": Seconds,
    "half": HalfWrites,
    "half, unsaid": halving("isolate", OWN_TIMER, admits=False),
}


@pytest.mark.parametrize("name", COARSE)
@pytest.mark.parametrize("first", first_of(range(0, 30, 10)))
def test_no_invariant_breaks_on_a_device_that_is_coarse_or_lands_half(name: str, first: int) -> None:
    for seed in range(first, first + 10):
        dice = random.Random(seed)
        shape = Shape(one_stage=dice.random() < 0.5, dead_man_s=dice.choice((8.0, 30.0)), granularity_s=1.0)
        faults = draw_faults(dice, simulated_drill.make(shape))
        ended = run(seed, shape, faults, devices={OWN_TIMER: COARSE[name]})
        assert ended.violations == (), ended.story()


@pytest.mark.parametrize("kind", one_in(4, KINDS))
@pytest.mark.parametrize("first", first_of(range(0, 15, 5)))
def test_no_invariant_breaks_on_any_kind_of_device(kind: str, first: int) -> None:
    for seed in range(first, first + 5):
        dice = random.Random(seed)
        two_points = dice.random() < 0.5
        shape = Shape.of(kind, two_points=two_points, one_stage=not two_points)
        ended = run(seed, shape, draw_faults(dice, simulated_drill.make(shape)))
        assert ended.violations == (), ended.story()


# Recipes that ship.


def test_what_passed_before_an_order_under_way_took_effect_proves_no_restoration() -> None:
    """The device takes a second for the order; the run is stopped meanwhile, and the device only says that it restores."""
    faults = (
        Fault(Kind.LIES_RESTORE, Phase.PREFLIGHT, target=FIREWALL),
        Fault(Kind.SIGNAL, Phase.ISOLATING, 0.01),
    )
    ended = run(1, Shape.of("ios-time-range", one_stage=True), faults)
    assert on_tape(ended, "isolating")
    assert on_tape(ended, "only hidden")
    assert (verdict_of(ended), ended.violations) == (("inconclusive", "unproven"), ()), ended.story()


@pytest.mark.parametrize("name", SHIPPED)
def test_a_recipe_that_ships_is_simulated_with_its_own_numbers(name: str) -> None:
    kind = KINDS[name]
    recipe = shipped_recipes()[name].recipe
    assert kind.capabilities() == capabilities(recipe, kind.dead_man_s)
    ended = run(1, Shape.of(name))
    assert verdict_of(ended) == ("held", "proven")
    planned = ended.plant.plan.points[FIREWALL].capabilities
    assert planned.model_copy(update={"granularity_s": recipe.ends_by.grain}) == kind.capabilities()
    device = ended.plant.devices[FIREWALL]
    assert device.lag_us == (recipe.ends_by.lag or 0.0) * 1_000_000
    assert device.late_s >= planned.late_s


@pytest.mark.parametrize("name", first_of(["fortios-schedule", "ios-time-range"]))
def test_a_renewal_of_a_window_that_lands_behind_the_restore_isolates_again_and_is_taken_back(name: str) -> None:
    held_s = KINDS[name].dead_man_s * 0.7
    late = Fault(Kind.SLOW_WRITE, Phase.HOLDING, call="renew", times=1, amount_s=4.0)
    quick = run(1, Shape.of(name, one_stage=True, holds_s=(held_s, held_s)), (late,))
    # On record four seconds and more after it was sent; it lands after four.
    renewed_us, held_us = quick.times("dead_man.renew")[0], quick.times("hold.started")[0]
    stop = Fault(Kind.SIGNAL, Phase.HOLDING, (renewed_us - held_us) / 1_000_000 - 3.0)
    ended = run(1, Shape.of(name, one_stage=True, holds_s=(held_s, held_s)), (late, stop))
    assert len(on_tape(ended, "isolating")) == 2 * len(set(on_tape(ended, "isolating")))
    assert (verdict_of(ended), ended.violations) == (("inconclusive", "proven"), ()), ended.story()
