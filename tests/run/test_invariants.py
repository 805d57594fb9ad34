"""Each invariant, shown to be able to fail: a bug is planted, and the invariant that guards against it catches it.

Beside every planted bug stands the same run without it, in which nothing is violated.
"""

from __future__ import annotations

import errno
from collections.abc import Callable
from dataclasses import replace

import pytest

from islandmode.core.capabilities import Calls
from islandmode.core.device_records import ArmIntent
from islandmode.core.errors import Refused
from islandmode.core.lifecycle import Phase
from islandmode.core.outcome import Reading
from islandmode.core.plan import PlanStage, Step
from islandmode.observe.vantage import Offset
from islandmode.operate.judge import judge_evidence
from islandmode.run.conductor import Conducted, Conductor
from islandmode.run.guardian import Guardian
from islandmode.simulate import truth
from islandmode.simulate.device import FOR_REAL, OURS, DeviceObject, SimulatedDevice
from islandmode.simulate.disk import SimulatedDisk, SimulatedFile
from islandmode.simulate.faults import Fault, Kind
from islandmode.simulate.kinds import OWN_TIMER
from islandmode.simulate.plant import SimulatedPlant
from islandmode.simulate.point import SimulatedPoint
from islandmode.simulate.vantage import SimulatedVantage
from tests.run.simulated_drill import Shape
from tests.run.simulated_run import Ended, run
from tests.run.test_go_wait import SHAPE as ASKED
from tests.run.test_go_wait import asks
from tests.run.test_turned_real import BOTH, declared
from tests.run.test_turned_real import CONDUIT as CLOSED

Check = Callable[[SimulatedPlant, truth.Claims], tuple[str, ...]]


def violations(check: Check, ended: Ended) -> tuple[str, ...]:
    return check(ended.plant, ended.claims)


# Broken conductors.


class SaysRestored(Conductor):
    """Reports success without having sent a single restore."""

    async def _restore(self, refusal: str | None) -> bool:
        return True

    async def _finish(self, *, restored: bool) -> None:
        """End as a whole run does, whatever the phase."""


class TrustsTheDisk(Conductor):
    """Isolates first and writes its intent afterwards."""

    async def _isolate_step(self, stage: str, step: Step) -> None:
        await self._points[step.point].isolate(step.conduits, Calls().isolate)
        await super()._isolate_step(stage, step)


class RefusesTooLate(Conductor):
    """Says after the hold that the drill was refused and nothing was touched."""

    async def conduct(self) -> Conducted:
        await super().conduct()
        raise Refused("Nothing was touched.")


class ForgetsThatItGaveUp(Conductor):
    """Writes down that it will arm a point, is stopped before it does, and leaves the intent standing."""

    async def _isolate_all(self) -> str | None:
        await self._journal.append(ArmIntent(point="line-firewall", conduits=("corporate-line3",), for_s=20.0))
        return "Stopped. Nothing was touched."


class RestoresWhatItDoesNotOwn(Conductor):
    """Restores every point of the plan, also one whose arm was refused because another machine isolates there."""

    async def _restore(self, refusal: str | None) -> bool:
        self._dead_man._touched.update({name: point.conduits for name, point in self._plan.points.items()})
        return await super()._restore(refusal)


class HoldsOn(Conductor):
    """Renews for ever: forgets when to end the hold, and when its window ends."""

    async def _hold(self, stage: PlanStage) -> None:
        self._guards.open_window(1_000_000.0)
        await self._clock.sleep(20 * stage.hold_s)


class ForgetsTheOrder(Conductor):
    """Gives the vendors back at the end of the hold, before it is their turn."""

    async def _hold(self, stage: PlanStage) -> None:
        await super()._hold(stage)
        if stage is self._plan.stages[-1]:
            self._dead_man.give_back("vendor-firewall", ("remote-access",))
            await self._points["vendor-firewall"].restore(("remote-access",), Calls().restore)


class IsolatesWhatCameBack(Conductor):
    """Isolates once more what a step of the return has given back."""

    async def _restore(self, refusal: str | None) -> bool:
        await self._points["line-firewall"].isolate(("corporate-line3",), Calls().isolate)
        return await super()._restore(refusal)


class Idle(Guardian):
    """Says that it is ready and hears everything; restores nothing."""

    async def _take_over(self, why: str) -> None:
        """Leave it as it is."""

    async def _disagreement(self) -> str | None:
        return None


# Broken devices and disks.


class NoOwnerRule(SimulatedDevice):
    """Deletes whatever stands there, no matter which run made it."""

    def delete(self, conduits: tuple[str, ...], owner: str = OURS) -> str:
        for conduit in conduits:
            made = self.objects.get(conduit)
            super().delete((conduit,), made.owner if made is not None else owner)
        return ""


class NoLatestMoment(SimulatedDevice):
    """Acts on whatever comes, however late."""

    def give_ticket(self, ticket: str, conduit: str, life_us: int, owner: str = OURS) -> str:
        return ""

    def spend(self, ticket: str) -> str:
        return ""

    def too_late(self, until_us: int) -> str:
        return ""


class NoArmingRule(NoLatestMoment):
    """Isolates on request, armed or not: what a plain deny rule does."""

    def may_isolate(self, conduit: str) -> str:
        if conduit not in self.objects:
            self.objects[conduit] = DeviceObject("this run", 10**12, self.clock.monotonic_us() + 10**12)
            self.made.append((conduit, self.objects[conduit]))
        return ""


class NeverReleases(SimulatedDevice):
    """Shows timers that run, and does nothing when they end."""

    def _timer_ended(self, conduit: str, made: DeviceObject, until_us: int) -> None:
        """Forget about it."""


class OneTimerForAll(SimulatedDevice):
    """Has one timer for the whole device: what isolates next confirms what isolated before, and looks as if it had not."""

    def isolate(self, conduits: tuple[str, ...], owner: str = OURS) -> str:
        refused = super().isolate(conduits, owner)
        for conduit, made in self.objects.items():
            if not refused and made.isolating and conduit not in conduits:
                made.timer_runs = False
        return refused


class ForgivingFile(SimulatedFile):
    """Calls bytes durable although the fsync failed: the kernel said so once, and nobody looked."""

    async def write_synced(self, data: bytes) -> None:
        try:
            await super().write_synced(data)
        except OSError as error:
            if error.errno == errno.EIO:
                self._failed = False


def forgive(plant: SimulatedPlant) -> None:
    """Give the plant a disk whose files forgive."""

    class ForgivingDisk(SimulatedDisk):
        async def create(self, path: object, reserve_bytes: int = 0) -> SimulatedFile:
            made = ForgivingFile(self._clock, self._faults, self._dice)
            self.files[path] = made  # type: ignore[index]
            return made

    plant.disk = ForgivingDisk(plant.clock, plant.faults, plant.disk._dice)


def test_never_left_isolated_catches_a_run_that_says_restored_and_is_not() -> None:
    broken = claimed(run(1, conductor=SaysRestored, guardian=Idle), restoration="proven")
    assert "still blocked" in violations(truth.never_left_isolated, broken)[0]
    assert run(1, guardian=Idle).violations == ()


def test_never_left_isolated_catches_a_timer_that_would_never_release() -> None:
    hang = (Fault(Kind.HANG, Phase.HOLDING, 1.0),)
    broken = run(1, faults=(Fault(Kind.FAKES_TIMERS, Phase.PREFLIGHT), *hang))
    assert any("no timer will ever" in one for one in violations(truth.never_left_isolated, broken))
    assert run(1, faults=hang).violations == ()


def test_never_left_isolated_catches_a_device_whose_timer_does_nothing() -> None:
    hang = (Fault(Kind.HANG, Phase.HOLDING, 1.0),)
    broken = run(1, faults=hang, devices={OWN_TIMER: NeverReleases})
    assert violations(truth.never_left_isolated, broken) != ()


def test_no_isolate_after_restore_seen_catches_a_device_without_the_arming_rule() -> None:
    late = (Fault(Kind.SLOW_WRITE, Phase.ISOLATING, call="isolate", times=1, amount_s=6.0),)
    broken = run(1, faults=late, devices={OWN_TIMER: NoArmingRule})
    assert "after it was seen restored" in violations(truth.no_isolate_after_restore_seen, broken)[0]
    whole = run(1, faults=late)
    assert whole.plant.faults.hits[Kind.SLOW_WRITE, Phase.ISOLATING] == 1
    assert whole.violations == ()


def test_no_line_acts_after_its_latest_moment_catches_a_device_that_takes_late_lines() -> None:
    late = (Fault(Kind.SLOW_WRITE, Phase.ISOLATING, call="isolate", times=1, amount_s=4.0),)
    broken = run(1, faults=late, devices={OWN_TIMER: NoLatestMoment})
    assert "4.0" in violations(truth.no_line_acts_after_its_latest_moment, broken)[0]
    assert run(1, faults=late).violations == ()


def test_dead_man_bounds_every_isolation_catches_a_renewal_that_lands_late() -> None:
    """The conductor's host is lost while a renewal is held up: the timer that it extends is all that is left."""
    long = Shape(dead_man_s=30.0, holds_s=(40.0, 1.0))
    held_up = Fault(Kind.SLOW_WRITE, Phase.HOLDING, call="renew", times=1, amount_s=12.0)
    lost = Fault(Kind.HOST_LOST, Phase.HOLDING, 16.5)
    broken = run(1, long, (held_up, lost), devices={OWN_TIMER: NoLatestMoment})
    assert broken.plant.faults.hits[Kind.SLOW_WRITE, Phase.HOLDING] == 1
    assert "longer than the dead-man" in violations(truth.dead_man_bounds_every_isolation, broken)[0]
    assert run(1, long, (held_up, lost)).violations == ()


def test_dead_man_covers_every_isolation_catches_a_stage_that_confirms_the_one_before() -> None:
    """The host is lost in the second stage: its timer fires, and a person comes a little later to what is still isolated."""
    lost = (Fault(Kind.HOST_LOST, Phase.HOLDING, 1.0, nth=2),)
    shape = Shape(dead_man_s=20.0)
    broken = run(1, shape, lost, devices={OWN_TIMER: OneTimerForAll})
    assert violations(truth.dead_man_covers_every_isolation, broken) == (
        "conduit-firewall: remote-access stays isolated although the dead-man has fired.",
    )
    assert run(1, shape, lost).violations == ()


def test_nothing_left_where_restored_is_said_catches_an_arm_that_lands_after_the_restore() -> None:
    late = (Fault(Kind.SLOW_WRITE, Phase.ARMED, call="arm", times=1, amount_s=Calls().arm + 1.0),)
    broken = run(1, faults=late, devices={OWN_TIMER: NoLatestMoment})
    assert "still has the Islandmode object" in violations(truth.nothing_left_where_restored_is_said, broken)[0]
    assert run(1, faults=late).violations == ()


def test_nothing_isolated_without_record_catches_an_isolate_before_its_intent() -> None:
    broken = run(1, conductor=TrustsTheDisk)
    assert "before the intent was durable" in violations(truth.nothing_isolated_without_record, broken)[0]


def test_no_acknowledged_record_lost_catches_a_forgiven_fsync() -> None:
    fails = (Fault(Kind.SYNC_FAILS, Phase.HOLDING, 0.5, times=1),)
    broken = run(1, faults=fails, prepare=forgive)
    assert "was acknowledged and is not on the disk" in violations(truth.no_acknowledged_record_lost, broken)[0]
    assert run(1, faults=fails).violations == ()


def test_strangers_left_alone_catches_a_restore_of_what_is_not_ours() -> None:
    stranger = (Fault(Kind.STRANGER, Phase.ARMED, target="conduit-firewall", conduit="remote-access"),)
    broken = run(1, faults=stranger, conductor=RestoresWhatItDoesNotOwn, devices={OWN_TIMER: NoOwnerRule})
    assert "another machine's isolation" in violations(truth.strangers_left_alone, broken)[0]
    # Even that conductor does no harm where the device knows whose an object is.
    assert run(1, faults=stranger, conductor=RestoresWhatItDoesNotOwn).violations == ()
    assert run(1, faults=stranger).violations == ()


def test_a_guardian_puts_right_what_a_broken_conductor_leaves() -> None:
    ended = run(1, conductor=SaysRestored)
    assert not any(device.objects for device in ended.plant.devices.values())


def test_refused_touches_nothing_catches_a_refusal_after_the_hold() -> None:
    broken = run(1, conductor=RefusesTooLate)
    assert "in a run that was refused" in violations(truth.refused_touches_nothing, broken)[0]


def test_refused_touches_nothing_catches_an_intent_that_stays_on_record() -> None:
    broken = run(1, conductor=ForgetsThatItGaveUp)
    assert "owes line-firewall a restore" in violations(truth.refused_touches_nothing, broken)[0]


def test_ended_in_bounds_catches_a_hold_that_goes_on() -> None:
    broken = run(1, shape=Shape(dead_man_s=8.0), conductor=HoldsOn)
    assert "was isolated for" in violations(truth.ended_in_bounds, broken)[0]


def claimed(ended: Ended, **words: str) -> Ended:
    """Let a broken judge say what it likes about a run."""
    return replace(ended, claims=replace(ended.claims, **words))  # type: ignore[arg-type]


def test_restoration_was_true_catches_a_judge_that_believes_the_device() -> None:
    lies = (Fault(Kind.LIES_RESTORE, Phase.PREFLIGHT),)
    broken = claimed(run(1, faults=lies), restoration="proven")
    assert "still blocked" in violations(truth.restoration_was_true, broken)[0]
    assert violations(truth.restoration_was_true, claimed(run(1), restoration="proven")) == ()


HIDDEN = {
    "a leak one way, one family": Fault(
        Kind.LEAK, Phase.HOLDING, 0.2, conduit="remote-access", direction="inward", family=6
    ),
    "a leak on open connections": Fault(Kind.LEAK_OPEN, Phase.HOLDING, 0.2, conduit="remote-access"),
    "a device that only says it isolates": Fault(Kind.LIES_ISOLATE, Phase.PREFLIGHT),
    "a PLC that freezes": Fault(Kind.FREEZE, Phase.HOLDING, 1.5, target="10.40.0.51"),
    "a rule that comes late": Fault(Kind.RULE_LAG, Phase.PREFLIGHT, amount_s=3.5),
    "a rule that cuts too much": Fault(Kind.CUTS_TOO_MUCH, Phase.PREFLIGHT, conduit="corporate-line3"),
}


@pytest.mark.parametrize("name", HIDDEN)
def test_held_was_true_catches_a_judge_that_says_held(name: str) -> None:
    broken = claimed(run(1, faults=(HIDDEN[name],)), verdict="held")
    assert violations(truth.held_was_true, broken) != ()
    assert violations(truth.held_was_true, claimed(run(1), verdict="held")) == ()


def judged_alone(ended: Ended) -> Ended:
    """Judge a run as the product does, but without the guardian's journal."""
    assert ended.evidence is not None
    assert judge_evidence(ended.evidence).verdict == ended.claims.judged
    alone = judge_evidence(replace(ended.evidence, others=())).verdict
    return replace(ended, claims=replace(ended.claims, judged=alone))


def test_leaks_were_true_catches_a_judge_that_does_not_see_the_guardian_restore() -> None:
    asleep = Fault(Kind.CONDUCTOR_STOPPED, Phase.HOLDING, 0.5, amount_s=12.0)
    ended = run(1, shape=Shape(holds_s=(6.0, 6.0)), faults=(asleep,))
    assert ended.claims.verdict == "inconclusive"
    assert violations(truth.leaks_were_true, ended) == ()
    assert "was restored" in violations(truth.leaks_were_true, judged_alone(ended))[0]


def test_counts_were_true_catches_a_count_that_nothing_passed_for() -> None:
    honest = run(1, faults=(Fault(Kind.LIES_ISOLATE, Phase.PREFLIGHT),))
    judged = honest.claims.judged
    assert judged is not None
    assert "egress-leak" in {one.code for one in judged.findings}
    assert violations(truth.counts_were_true, honest) == ()
    good = run(1)
    assert good.claims.judged is not None
    assert good.claims.judged.sentence == "held (probes and firewall counters)"
    told = good.claims.judged.model_copy(update={"findings": judged.findings})
    broken = replace(good, claims=replace(good.claims, judged=told))
    assert "blocked all the time" in violations(truth.counts_were_true, broken)[0]


@pytest.mark.parametrize(("lag_s", "found"), [(1.0, False), (5.0, True)])
def test_a_rule_that_comes_as_late_as_the_site_allows_is_no_counted_leak(lag_s: float, *, found: bool) -> None:
    lag = Fault(Kind.RULE_LAG, Phase.PREFLIGHT, amount_s=lag_s)
    judged = run(1, shape=Shape(holds_s=(8.0, 8.0)), faults=(lag,)).claims.judged
    assert judged is not None
    assert ("egress-leak" in {one.code for one in judged.findings}) is found


def test_a_device_that_counts_nothing_leaves_the_verdict_to_the_probes() -> None:
    judged = run(1, shape=Shape.of("schedule")).claims.judged
    assert judged is not None
    told = "remote-access by conduit-firewall, which counts nothing"
    assert judged.sentence.startswith(f"held (probes only; not seen: {told};")


def test_times_were_true_catches_a_far_clock_that_was_measured_wrong() -> None:
    class Misled(SimulatedVantage):
        async def offset(self, deadline_s: float) -> Reading[Offset]:
            measured = await super().offset(deadline_s)
            if not self.far or measured.value is None:
                return measured
            return replace(
                measured, value=replace(measured.value, monotonic_us=measured.value.monotonic_us + 1_000_000)
            )

    def mislead(plant: SimulatedPlant) -> None:
        for vantage in plant.vantages.values():
            vantage.__class__ = Misled

    broken = run(1, prepare=mislead)
    assert "is said to be in effect after" in violations(truth.times_were_true, broken)[0]
    assert violations(truth.times_were_true, run(1)) == ()


@pytest.mark.parametrize(
    "leak",
    [
        Fault(Kind.LEAK, Phase.PREFLIGHT, conduit="corporate-line3", direction="inward"),
        Fault(Kind.LEAK, Phase.RESTORED, 0.2, conduit="corporate-line3", direction="outward", family=4),
        Fault(Kind.LEAK_OPEN, Phase.RESTORED, 0.2, conduit="corporate-line3"),
    ],
)
def test_what_leaks_round_a_rule_that_is_still_there_proves_no_restoration(leak: Fault) -> None:
    ended = run(1, shape=Shape(two_points=True), faults=(leak, Fault(Kind.LIES_RESTORE, Phase.PREFLIGHT)))
    assert ended.claims.restoration == "unproven"
    assert ended.violations == ()


def test_a_lost_witness_does_not_make_a_restoration_unproven() -> None:
    # It saw nothing stop, so it is not missed where others see the way back.
    lost = Fault(Kind.WORKER_DIES, Phase.ARMED, target="vendor")
    assert run(1, faults=(lost,)).claims.restoration == "proven"


def test_comes_back_in_order_or_at_once_catches_a_step_before_its_turn() -> None:
    order = Shape(two_points=True, in_order=True)
    broken = run(1, order, conductor=ForgetsTheOrder)
    assert violations(truth.comes_back_in_order_or_at_once, broken) == (
        "remote-access was given back before its turn.",
    )
    assert run(1, order).violations == ()


def test_nothing_isolates_again_after_it_came_back_catches_a_second_isolate() -> None:
    order = Shape(two_points=True, in_order=True)
    broken = run(1, order, conductor=IsolatesWhatCameBack, devices={OWN_TIMER: NoArmingRule})
    assert violations(truth.nothing_isolates_again_after_it_came_back, broken) == (
        "corporate-line3 was isolated again after it had come back.",
    )
    assert run(1, order).violations == ()


class Hasty(Conductor):
    """A conductor that asks nobody."""

    async def _hear_go(self) -> None:
        """Wait for nothing."""


def test_no_arm_before_a_good_go_catches_a_conductor_that_does_not_wait() -> None:
    hasty = run(1, ASKED, asks_go=asks(), conductor=Hasty)
    assert "conduit-firewall was armed for remote-access before anybody said go." in violations(
        truth.no_arm_before_a_good_go, hasty
    )
    assert run(1, ASKED, asks_go=asks()).violations == ()


class LiftsEverything(Conductor):
    """Takes away whatever denies something on a device, as a broad undo would."""

    async def _restore(self, refusal: str | None) -> bool:
        seen = await super()._restore(refusal)
        for name, point in self._points.items():
            assert isinstance(point, SimulatedPoint)
            point._device.network.unblock(CLOSED, f"{name}{FOR_REAL}", self._clock.monotonic_us())
        return seen


def test_never_lifts_what_is_kept_closed_catches_an_undo_that_lifts_it() -> None:
    ended = run(1, plan=declared(), conductor=LiftsEverything, turns_real=BOTH)
    assert violations(truth.never_lifts_what_is_kept_closed, ended) != ()
    assert violations(truth.never_lifts_what_is_kept_closed, run(1, plan=declared(), turns_real=BOTH)) == ()


def test_kept_closed_was_true_catches_an_object_left_behind_a_deny() -> None:
    ended = run(1, plan=declared(), turns_real=BOTH)
    assert violations(truth.kept_closed_was_true, ended) == ()
    device = next(iter(ended.plant.devices.values()))
    ended.plant.network.block(CLOSED, f"{device.name} isolates {CLOSED} for {OURS}", ended.claims.over_us)
    assert violations(truth.kept_closed_was_true, ended) != ()


def test_every_invariant_is_shown_to_fail() -> None:
    shown = [name for name in globals() if name.startswith("test_")]
    names = [check.__name__ for check in truth.INVARIANTS]
    assert [name for name in names if not any(one.startswith(f"test_{name}_catches") for one in shown)] == []
