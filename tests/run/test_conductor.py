"""The conductor on a steady simulated plant: what reached the devices, at which exact moment.

Every leg to a device takes 2 ms and every fsync 0.2 ms here, so a moment that is off shows a wait that should not be. Each isolate
and each renewal takes a ticket first, 4 ms; before a stage is held, a new login is seen to work: 4.2 ms. Between arming and
isolating the counters get a tenth of a second to count something on every way.
Times are milliseconds since the first stage began to hold.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

import pytest

from islandmode.core.lifecycle import Phase
from islandmode.core.plan import PlanStage
from islandmode.core.planning.check_devices import run_s
from islandmode.core.verdict import Result
from islandmode.run.conductor import Conductor
from islandmode.simulate.faults import Fault, Kind
from tests.more import first_of, one_in
from tests.run.simulated_drill import Shape
from tests.run.simulated_run import Ended, run

TWO = Shape(two_points=True)
ONE = Shape()
VENDOR, LINE, CONDUIT = "vendor-firewall", "line-firewall", "conduit-firewall"
IN_HOLD = 1.0


class Steady(random.Random):
    """Dice that always show the smallest number: every latency is the same."""

    def randint(self, a: int, b: int) -> int:
        return min(a, b)


@dataclass(frozen=True)
class Scenario:
    """Faults, and what must come of them. `stop` is who asked for restore; None when the plan was completed."""

    name: str
    faults: tuple[Fault, ...]
    tape: tuple[tuple[float, str], ...]
    stop: str | None = None
    shape: Shape = TWO
    restored: bool = True


def fault(kind: Kind, **more: object) -> Fault:
    """Let a fault strike in mid-hold of the first stage, unless told otherwise."""
    return Fault(**{"kind": kind, "phase": Phase.HOLDING, "after_s": IN_HOLD} | more)  # type: ignore[arg-type]


def at_isolate(kind: Kind, **more: object) -> Fault:
    """Let a fault meet the first isolate."""
    return fault(kind, **{"phase": Phase.ISOLATING, "after_s": 0.0, "call": "isolate", "times": 1} | more)


ARMED = ((-114.8, f"{LINE} created corporate-line3"), (-114.8, f"{VENDOR} created remote-access"))
FIRST_STAGE = (*ARMED, (-6.4, f"{VENDOR} isolating remote-access"))
BOTH_STAGES = (*FIRST_STAGE, (3006.4, f"{LINE} isolating corporate-line3"))


def both_deleted(at_ms: float) -> tuple[tuple[float, str], ...]:
    return (at_ms, f"{LINE} deleted corporate-line3"), (at_ms, f"{VENDOR} deleted remote-access")


SCENARIOS = (
    Scenario("the plan is completed", (), (*BOTH_STAGES, *both_deleted(7015.0))),
    Scenario("Ctrl-C in mid-hold", (fault(Kind.SIGNAL),), (*FIRST_STAGE, *both_deleted(1002.0)), "signal"),
    Scenario(
        "a PLC's values freeze: one second to see it, two that the rule allows",
        (fault(Kind.FREEZE, target="10.40.0.50"),),
        (*BOTH_STAGES, *both_deleted(3984.8)),
        "abort_when",
    ),
    Scenario(
        "the near worker falls silent",
        (fault(Kind.WORKER_SILENT, target="here"),),
        (*FIRST_STAGE, *both_deleted(2784.8)),
        "flying_blind",
    ),
    Scenario(
        "somebody makes the isolation permanent",
        (fault(Kind.TIMER_STOPPED, target=VENDOR, conduit="remote-access"),),
        (*FIRST_STAGE, (1000.0, f"{VENDOR} timer stopped remote-access"), *both_deleted(1548.2)),
        "dead_man",
    ),
    Scenario(
        "somebody takes the isolation away",
        (fault(Kind.OBJECT_TAKEN, target=VENDOR, conduit="remote-access"),),
        (*FIRST_STAGE, (1000.0, f"{VENDOR} lost remote-access"), (1548.2, f"{LINE} deleted corporate-line3")),
        "dead_man",
    ),
    Scenario(
        "an isolate's reply is lost: the device is asked what it did, and the drill goes on",
        (at_isolate(Kind.LOST_REPLY),),
        (
            (-5110.8, f"{LINE} created corporate-line3"),
            (-5110.8, f"{VENDOR} created remote-access"),
            (-5002.4, f"{VENDOR} isolating remote-access"),
            (3006.4, f"{LINE} isolating corporate-line3"),
            *both_deleted(7015.0),
        ),
    ),
    Scenario(
        "the journal fails in mid-hold: the next stage is not isolated",
        (fault(Kind.SYNC_FAILS, after_s=2.9, times=1),),
        (*FIRST_STAGE, *both_deleted(3002.4)),
        "internal",
    ),
    Scenario(
        "the disk is slow when the stop comes: restore does not wait for it",
        (fault(Kind.DISK_SLOW, after_s=0.9, amount_s=6.0), fault(Kind.SIGNAL)),
        (*FIRST_STAGE, *both_deleted(1002.0)),
        "signal",
    ),
    Scenario(
        "the disk hangs in mid-hold: nothing more is isolated, and the restore does not wait for it",
        (fault(Kind.DISK_SLOW, after_s=0.9, amount_s=1e6),),
        (*FIRST_STAGE, *both_deleted(6548.0)),
        "internal",
    ),
    Scenario(
        "the disk hangs just before the last hold ends: it ends when it was planned to",
        (fault(Kind.DISK_SLOW, after_s=2.9, amount_s=1e6, nth=2),),
        (*BOTH_STAGES, *both_deleted(7015.0)),
        "internal",
    ),
    Scenario(
        "UTC is stepped back two hours: nothing notices",
        (fault(Kind.UTC_STEP, amount_s=-7200.0),),
        (*BOTH_STAGES, *both_deleted(7015.0)),
    ),
    Scenario(
        "the timer runs low: it is renewed at half, on the device",
        (),
        (
            (-114.8, f"{CONDUIT} created corporate-line3"),
            (-114.8, f"{CONDUIT} created remote-access"),
            (-6.4, f"{CONDUIT} isolating remote-access"),
            (3006.4, f"{CONDUIT} isolating corporate-line3"),
            (4565.0, f"{CONDUIT} renewed corporate-line3"),
            (4565.0, f"{CONDUIT} renewed remote-access"),
            (7015.0, f"{CONDUIT} deleted corporate-line3"),
            (7015.0, f"{CONDUIT} deleted remote-access"),
        ),
        shape=Shape(dead_man_s=8.0),
    ),
)


def tape_of(ended: Ended, since_us: int) -> tuple[tuple[float, str], ...]:
    happened = [one for device in ended.plant.devices.values() for one in device.tape]
    rows = [(round((one.at_us - since_us) / 1000, 3), f"{one.device} {one.what} {one.conduit}") for one in happened]
    return tuple(sorted(rows))


def hold_began_us(ended: Ended) -> int:
    return next(at_us for at_us, phase in ended.phases if phase is Phase.HOLDING)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=[scenario.name for scenario in SCENARIOS])
@pytest.mark.parametrize("seed", first_of([1, 2, 3]))
def test_what_reaches_the_devices_and_when(scenario: Scenario, seed: int) -> None:
    ended = run(seed, scenario.shape, scenario.faults, dice_type=Steady)
    assert tape_of(ended, hold_began_us(ended)) == scenario.tape
    assert ended.conducted is not None
    stop = ended.conducted.stop
    assert (stop.by if stop is not None else None) == scenario.stop
    assert ended.claims.restored is scenario.restored
    assert ended.violations == ()


def test_a_dead_point_does_not_delay_the_other_and_ends_stranded() -> None:
    faults = (fault(Kind.HANG, target=VENDOR), fault(Kind.SIGNAL, after_s=1.5))
    ended = run(1, TWO, faults, dice_type=Steady)
    tape = {what: at_ms for at_ms, what in tape_of(ended, hold_began_us(ended))}
    assert tape[f"{LINE} deleted corporate-line3"] == 1502.0
    assert f"{VENDOR} deleted remote-access" not in tape
    # Nobody could reach it: what released it is the device's own timer, 30 s after it was armed.
    assert tape[f"{VENDOR} released remote-access"] == tape[f"{VENDOR} created remote-access"] + 30_000.0
    assert not ended.claims.restored
    assert ended.phases[-1][1] is Phase.STRANDED
    assert ended.violations == ()


@pytest.mark.parametrize("dead", [Kind.LOST_REQUEST, Kind.SLOW_WRITE])
def test_an_isolate_that_did_not_arrive_in_time_stops_the_drill_and_never_isolates(dead: Kind) -> None:
    ended = run(1, TWO, (at_isolate(dead, amount_s=12.0),), dice_type=Steady)
    assert ended.conducted is not None
    assert ended.conducted.stop is not None
    assert ended.conducted.stop.by == "isolate"
    assert not any("isolating" in what for _, what in tape_of(ended, 0))
    assert ended.violations == ()


def test_another_machine_that_isolates_is_left_alone() -> None:
    stranger = fault(Kind.STRANGER, phase=Phase.ARMED, after_s=0.0, target=LINE, conduit="corporate-line3")
    ended = run(1, TWO, (stranger,), dice_type=Steady)
    assert ended.claims.refused
    assert "an object already covers corporate-line3" in ended.why
    assert {name: list(device.objects) for name, device in ended.plant.devices.items()} == {
        VENDOR: [],
        LINE: ["corporate-line3"],
    }
    assert ended.violations == ()


def test_a_device_that_drops_timers_is_refused_and_left_clean() -> None:
    ended = run(1, TWO, (fault(Kind.DROPS_TIMERS, phase=Phase.PREFLIGHT, after_s=0.0, target=LINE),), dice_type=Steady)
    assert ended.claims.refused
    assert "without a running timer" in ended.why
    assert not any(device.objects for device in ended.plant.devices.values())
    assert ended.violations == ()


def test_an_arm_without_an_answer_counts_as_armed_and_is_restored() -> None:
    lost = fault(Kind.LOST_REPLY, phase=Phase.ARMED, after_s=0.0, call="arm", times=1)
    ended = run(1, TWO, (lost,), dice_type=Steady)
    assert ended.claims.refused
    assert not any(device.objects for device in ended.plant.devices.values())
    assert ended.violations == ()


class SlowProofs(Conductor):
    """A conductor whose other layers take 20 s to show that they would restore, as on a busy machine."""

    async def _baseline(self) -> None:
        prove = self._guards.prove

        async def slowly() -> str | None:
            await self._clock.sleep(20.0)
            return await prove()

        self._guards.prove = slowly  # type: ignore[method-assign] # the proofs are the guardian's and the machine's
        await super()._baseline()


def test_what_counts_before_arming_is_what_a_probe_said_last_and_not_before_the_proofs() -> None:
    slow_start = fault(Kind.OUTAGE, phase=Phase.BASELINE, after_s=0.0, target="10.40.0.50", for_s=15.0)
    assert not run(1, TWO, (slow_start,), dice_type=Steady, conductor=SlowProofs).claims.refused
    goes_bad = fault(Kind.OUTAGE, phase=Phase.BASELINE, after_s=15.0, target="10.40.0.50")
    ended = run(1, TWO, (goes_bad,), dice_type=Steady, conductor=SlowProofs)
    assert ended.claims.refused
    assert ended.times("arm.intent") == ()


@pytest.mark.parametrize("phase", [Phase.PREFLIGHT, Phase.BASELINE])
def test_a_stop_before_arming_touches_nothing(phase: Phase) -> None:
    ended = run(1, TWO, (fault(Kind.SIGNAL, phase=phase, after_s=0.0),), dice_type=Steady)
    assert ended.claims.refused
    assert tape_of(ended, 0) == ()
    assert ended.times("arm.intent") == ()


@pytest.mark.parametrize("phase", [Phase.ARMED, Phase.ISOLATING, Phase.HOLDING, Phase.RESTORING, Phase.RESTORED])
@pytest.mark.parametrize("after_ms", [0.3, 2.1, 4.3])
def test_a_stop_at_any_moment_after_arming_restores_and_is_recorded(phase: Phase, after_ms: float) -> None:
    ended = run(1, TWO, (fault(Kind.SIGNAL, phase=phase, after_s=after_ms / 1000),), dice_type=Steady)
    assert ended.claims.restored
    assert not any(device.objects for device in ended.plant.devices.values())
    assert ended.violations == ()


@pytest.mark.parametrize("after_ms", [0.0, 0.1])
def test_a_stop_while_the_first_arm_is_written_down_is_a_refusal(after_ms: float) -> None:
    ended = run(1, TWO, (fault(Kind.SIGNAL, phase=Phase.ARMED, after_s=after_ms / 1000),), dice_type=Steady)
    assert ended.claims.refused
    assert ended.why == "Stopped before anything was armed: SIGINT was received. Nothing was touched."
    assert tape_of(ended, 0) == ()
    # And the record says so: `status` must not call STRANDED what nobody touched.
    assert len(ended.times("arm.cancelled")) == len(ended.times("arm.intent"))
    assert ended.violations == ()


def test_a_refusal_after_one_point_was_armed_says_that_it_was() -> None:
    refused = fault(Kind.REFUSED, phase=Phase.ARMED, after_s=0.0, target=LINE, call="arm", times=1)
    ended = run(1, TWO, (refused,), dice_type=Steady)
    assert ended.claims.refused
    assert ended.why.endswith(f"{VENDOR} was armed already: its object was removed and seen gone.")
    assert not any(device.objects for device in ended.plant.devices.values())
    assert ended.violations == ()


def test_a_lost_reply_changes_no_effective_time() -> None:
    ended = run(1, TWO, (at_isolate(Kind.LOST_REPLY),), dice_type=Steady)
    assert ended.verdict is not None
    effective = ended.verdict.stages[0].isolation_s.ordered_to_effective
    assert effective is not None
    assert effective.latest_s is not None
    assert effective.latest_s < 0.3
    (result,) = [one for one in ended.claims.records if one.kind == "isolate.result" and one.data["stage"] == "vendors"]
    isolating = next(one for one in ended.plant.devices[VENDOR].tape if one.what == "isolating")
    assert result.data["asked_us"] == isolating.at_us - 2_000
    assert ended.violations == ()


def test_a_stop_waits_for_an_arm_in_flight_so_that_nothing_is_left() -> None:
    slow = fault(Kind.SLOW_WRITE, phase=Phase.ARMED, after_s=0.0, call="arm", times=1, amount_s=1.0)
    ended = run(1, TWO, (slow, fault(Kind.SIGNAL, phase=Phase.ARMED, after_s=0.5)), dice_type=Steady)
    assert [one.what for one in ended.plant.devices[VENDOR].tape] == ["created", "deleted"]
    assert not any(device.objects for device in ended.plant.devices.values())
    assert ended.violations == ()


def test_a_silent_device_does_not_starve_another_of_its_renewal() -> None:
    silent = fault(Kind.HANG, target=LINE, for_s=30.0)
    ended = run(1, Shape(two_points=True, dead_man_s=8.0), (silent,), dice_type=Steady)
    tape = [(at_ms, what) for at_ms, what in tape_of(ended, hold_began_us(ended)) if what.startswith(VENDOR)]
    assert (4564.8, f"{VENDOR} renewed remote-access") in tape
    assert not any("released" in what for _, what in tape)


def test_nothing_more_is_isolated_while_a_device_is_silent() -> None:
    silent = fault(Kind.HANG, after_s=0.5, target=VENDOR, for_s=30.0)
    ended = run(1, Shape(two_points=True, holds_s=(6.0, 1.0)), (silent,), dice_type=Steady)
    assert not any(what == f"{LINE} isolating corporate-line3" for _, what in tape_of(ended, 0))
    assert ended.conducted is not None
    assert ended.conducted.stop is not None
    assert ended.conducted.stop.by == "dead_man"
    assert ended.violations == ()


def test_a_device_that_is_silent_in_the_hold_is_restored_and_has_breached_nothing_that_was_seen() -> None:
    silent = fault(Kind.HANG, target=VENDOR, for_s=30.0)
    ended = run(1, Shape(two_points=True, holds_s=(30.0, 1.0)), (silent,), dice_type=Steady)
    assert (result_of(ended, "dead-man"), ended.violations) == (Result.INCONCLUSIVE, ())


def result_of(ended: Ended, code: str) -> Result | None:
    """Give what a finding of a run says; None where there is no such finding."""
    assert ended.verdict is not None
    return next((one.result for one in ended.verdict.findings if one.code == code), None)


LOGINS: dict[str, tuple[Fault, Result | None]] = {
    "the device refuses a new login, and lives": (at_isolate(Kind.REFUSED, call="try_login"), Result.BREACHED),
    "the device answers no new login, and lives": (at_isolate(Kind.LOST_REPLY, call="try_login"), Result.BREACHED),
    "the device hangs: it is silent, and has locked nobody out": (
        fault(Kind.HANG, phase=Phase.ISOLATING, after_s=0.0085, target=VENDOR, for_s=30.0),
        None,
    ),
}


@pytest.mark.parametrize("name", LOGINS)
def test_locked_out_is_said_of_a_device_that_lives(name: str) -> None:
    failing, result = LOGINS[name]
    ended = run(1, Shape(two_points=True, dead_man_s=60.0), (failing,), dice_type=Steady)
    assert (result_of(ended, "locked-out"), ended.violations) == (result, ())


def renewing(kind: Kind, times: int) -> Ended:
    """Let the first renewals of a long hold meet a fault."""
    failing = Fault(kind=kind, phase=Phase.HOLDING, after_s=0.0, call="renew", times=times)
    return run(1, Shape(dead_man_s=20.0, holds_s=(30.0, 1.0)), (failing,), dice_type=Steady)


@pytest.mark.parametrize("kind", [Kind.REFUSED, Kind.LOST_REQUEST])
def test_a_renewal_that_fails_once_is_tried_again_and_the_drill_goes_on(kind: Kind) -> None:
    ended = renewing(kind, 1)
    assert (ended.claims.verdict, ended.violations) == ("held", ())


@pytest.mark.parametrize("kind", [Kind.REFUSED, Kind.LOST_REQUEST])
def test_renewals_that_go_on_failing_end_the_drill_before_the_timer_does(kind: Kind) -> None:
    ended = renewing(kind, 100)
    assert (ended.claims.verdict, ended.violations) == ("inconclusive", ())
    assert ended.conducted is not None
    assert ended.conducted.stop is not None
    assert "was not renewed" in ended.conducted.stop.why
    whats = [what for _, what in tape_of(ended, 0)]
    assert f"{CONDUIT} deleted corporate-line3" in whats or f"{CONDUIT} deleted remote-access" in whats


def test_what_happens_after_the_journal_failed_is_still_known() -> None:
    ended = run(1, TWO, (fault(Kind.SYNC_FAILS, times=1),), dice_type=Steady)
    kinds = [record.kind for record in ended.claims.records]
    assert kinds.count("verify.done") == 1
    assert kinds.count("run.finished") == 1
    assert ended.violations == ()


EVENTS = len(run(1, TWO, dice_type=Steady).claims.records)


@pytest.mark.parametrize("number", one_in(8, range(EVENTS)))
def test_when_the_conductors_host_is_lost_after_any_record_the_devices_release_by_themselves(number: int) -> None:
    whole = run(1, TWO, dice_type=Steady)
    lost_s = (whole.claims.records[number].monotonic_us - whole.claims.started_us) / 1_000_000 + 0.000_05
    ended = run(1, TWO, (Fault(Kind.HANG, Phase.PLANNED, lost_s),), dice_type=Steady)
    assert ended.violations == ()
    for device in ended.plant.devices.values():
        assert not any(ended.plant.network.blocked_by(name, ended.claims.ended_us) for name in device.network.conduits)


class Oversleeps(Conductor):
    """Holds far longer than planned, in perfect health, and would renew for ever."""

    async def _hold(self, stage: PlanStage) -> None:
        await self._clock.sleep(100 * stage.hold_s)


def test_a_hold_that_does_not_end_ends_with_the_window_and_no_timer_outlasts_it() -> None:
    shape = Shape(dead_man_s=8.0)
    ended = run(1, shape, conductor=Oversleeps, dice_type=Steady)
    assert ended.conducted is not None
    assert ended.conducted.stop is not None
    assert ended.conducted.stop.by == "window"
    window_ends_us = ended.times("arm.intent")[0] + round(run_s(ended.plant.plan.drill) * 1_000_000)
    renewals = [one for one in ended.claims.records if one.kind == "dead_man.renew"]
    assert len(renewals) > 2
    for one in renewals:
        ends_us = one.data["answered_us"] + round(one.data["for_s"] * 1_000_000) - ended.claims.started_us
        assert ends_us <= window_ends_us + 100_000
    (seen,) = ended.times("restore.seen")
    assert abs(seen - window_ends_us) < 500_000
    assert ended.claims.restored
