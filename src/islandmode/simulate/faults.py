"""Faults, drawn from the seed: what goes wrong, in which phase of the run, and on whom.

A fault waits for its phase to begin, then for its seconds, then stands active for a while or for a number of uses.
What it really did is counted where it does it, with the phase of that moment: `print_table` shows which faults hit
which phases, so that a schedule that never hits anything is seen.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from islandmode.core.lifecycle import Phase
from islandmode.core.plan import Plan
from islandmode.simulate.clock import SimulatedClock


class Kind(StrEnum):
    """What can go wrong."""

    SLOW_WRITE = "slow write"
    LOST_REPLY = "lost reply"
    LOST_REQUEST = "lost request"
    REFUSED = "request refused"
    HALF_WRITE = "half of a write takes effect"
    HANG = "device hangs"
    HANG_LATE = "device hangs, requests land late"
    LIES_ISOLATE = "device only says it isolates"
    LIES_RESTORE = "device only says it restores"
    DROPS_TIMERS = "device drops timers"
    FAKES_TIMERS = "device fakes timers"
    TIMER_STOPPED = "somebody stops the timer"
    OBJECT_TAKEN = "somebody takes the object"
    STRANGER = "another machine isolates first"
    RESTART = "device restarts"
    EDIT = "a colleague edits the device"
    RULE_LAG = "rule comes late"
    CUTS_TOO_MUCH = "rule cuts too much"
    LEAK = "leak"
    LEAK_OPEN = "leak on open connections"
    FREEZE = "values freeze"
    OUTAGE = "target dies"
    WORKER_SILENT = "worker is not heard"
    WORKER_DIES = "worker dies"
    WORKER_NOT_STARTED = "worker does not start"
    SPOOL_LOSS = "spool has holes"
    COLLECT_SILENT = "spool cannot be fetched"
    OFFSET_SILENT = "offset cannot be measured"
    PROBE_TROUBLE = "probe has trouble of its own"
    SIGNAL = "a person stops the run"
    ABORT = "a person asks for an abort"
    UTC_STEP = "UTC is stepped"
    SYNC_FAILS = "fsync fails"
    DISK_FULL = "disk is full"
    DISK_SLOW = "disk is slow"
    CONDUCTOR_KILLED = "conductor is killed"
    CONDUCTOR_STOPPED = "conductor is stopped, and goes on"
    GUARDIAN_KILLED = "guardian is killed"
    GUARDIAN_STOPPED = "guardian is stopped, and goes on"
    HOST_LOST = "conductor's host is lost"


CALLS = (
    ("facts", Phase.PREFLIGHT),
    ("configuration", Phase.PREFLIGHT),
    ("configuration", Phase.COLLECTED),
    ("state", Phase.PREFLIGHT),
    ("state", Phase.ISOLATING),
    ("state", Phase.HOLDING),
    ("ready", Phase.BASELINE),
    ("try_login", Phase.ISOLATING),
    ("arm", Phase.ARMED),
    ("ticket", Phase.ISOLATING),
    ("isolate", Phase.ISOLATING),
    ("ticket", Phase.HOLDING),
    ("renew", Phase.HOLDING),
    ("restore", Phase.RESTORING),
    # By the guardian, which looks for itself.
    ("state", Phase.RESTORED),
)
"""Which calls to a device happen in which phase."""
WRITES = (
    ("arm", Phase.ARMED),
    ("restore", Phase.RESTORING),
    # More often: few drills isolate several conduits at once, or last long enough to renew.
    *(("isolate", Phase.ISOLATING),) * 4,
    *(("renew", Phase.HOLDING),) * 4,
)
DURATIONS_S = {
    Phase.PREFLIGHT: 0.2,
    Phase.BASELINE: 1.0,
    Phase.ARMED: 0.1,
    Phase.ISOLATING: 0.05,
    Phase.HOLDING: 6.0,
    Phase.RESTORING: 0.05,
    Phase.RESTORED: 1.0,
    Phase.COLLECTED: 0.2,
}
"""About how long each phase lasts in the simulated drill: a fault falls somewhere in it."""

NO_TIMER = frozenset({Kind.DROPS_TIMERS, Kind.FAKES_TIMERS, Kind.TIMER_STOPPED})
NO_REACH = frozenset(
    {
        Kind.HANG,
        Kind.HANG_LATE,
        Kind.LIES_RESTORE,
        Kind.LOST_REQUEST,
        Kind.LOST_REPLY,
        Kind.REFUSED,
        Kind.SLOW_WRITE,
        Kind.HALF_WRITE,
    }
)
"""One fault of each kind on one device leaves no layer that could restore it, which no program can mend."""
ON_PROCESSES = frozenset(
    {Kind.CONDUCTOR_KILLED, Kind.CONDUCTOR_STOPPED, Kind.GUARDIAN_KILLED, Kind.GUARDIAN_STOPPED, Kind.HOST_LOST}
)
TWO_LIES = frozenset({Kind.LIES_RESTORE, Kind.RULE_LAG})
"""A device that says it restored, and lets a late rule come into force after that, cannot be seen through in time."""


@dataclass(frozen=True)
class Fault:
    """One thing that goes wrong. Fields that a kind does not need stay empty."""

    kind: Kind
    phase: Phase = Phase.PLANNED
    after_s: float = 0.0
    target: str = ""
    call: str = ""
    for_s: float = 1e6
    times: int = 1 << 30
    amount_s: float = 0.0
    conduit: str = ""
    direction: str | None = None
    family: int | None = None
    nth: int = 1
    """At which beginning of its phase: each stage isolates and holds once more."""

    def __str__(self) -> str:
        """Say the fault in one line."""
        where = " ".join(part for part in (self.target, self.call, self.conduit, self.direction or "") if part)
        much = f" x{self.times}" if self.times < 1 << 30 else f" for {self.for_s:.2f} s"
        amount = f" by {self.amount_s:.2f} s" if self.amount_s else ""
        return f"{self.kind.value}: {where}{amount}{much}, {self.after_s:.2f} s into {self.phase.value} {self.nth}"


@dataclass
class _Active:
    fault: Fault
    until_us: int
    left: int


class FaultBook:
    """The faults of one world: waits, stands active, counts what it really did."""

    def __init__(self, faults: Sequence[Fault], clock: SimulatedClock) -> None:
        """Keep the faults; call `phase_is` with each phase of the run as it begins."""
        self._waiting = list(faults)
        self._clock = clock
        self._active: list[_Active] = []
        self._strikes: Callable[[Fault], None] = lambda _: None
        self.phase = Phase.PLANNED
        self._begun: Counter[Phase] = Counter()
        self.hits: Counter[tuple[Kind, Phase]] = Counter()

    def when_struck(self, strikes: Callable[[Fault], None]) -> None:
        """Name who acts when a fault begins."""
        self._strikes = strikes

    def phase_is(self, phase: Phase) -> None:
        """Set off the faults that waited for this phase."""
        self.phase = phase
        self._begun[phase] += 1
        now = [fault for fault in self._waiting if fault.phase is phase and fault.nth == self._begun[phase]]
        for fault in now:
            self._waiting.remove(fault)
            self._set_off(fault)

    def _set_off(self, fault: Fault) -> None:
        def begin() -> None:
            now_us = self._clock.monotonic_us()
            self._active.append(_Active(fault, now_us + round(fault.for_s * 1_000_000), fault.times))
            self._strikes(fault)

        if fault.after_s:
            self._clock.at(self._clock.monotonic_us() + round(fault.after_s * 1_000_000), begin)
        else:
            begin()

    def hit(self, kind: Kind) -> None:
        """Count that a fault really did something, now."""
        self.hits[kind, self.phase] += 1

    def take(self, kind: Kind, target: str = "", call: str = "") -> Fault | None:
        """Use an active fault once, if there is one for this kind, target and call."""
        now_us = self._clock.monotonic_us()
        for active in self._active:
            fault = active.fault
            if fault.kind is not kind or fault.target not in ("", target) or fault.call not in ("", call):
                continue
            if now_us < active.until_us and active.left > 0:
                active.left -= 1
                self.hit(kind)
                return fault
        return None

    def until_us(self, kind: Kind, target: str) -> int | None:
        """Tell when an active fault on a target ends, without using it; None if no fault is active."""
        now_us = self._clock.monotonic_us()
        ends = [
            active.until_us
            for active in self._active
            if active.fault.kind is kind and active.fault.target in ("", target) and now_us < active.until_us
        ]
        return max(ends, default=None)


def draw_faults(dice: random.Random, plan: Plan) -> tuple[Fault, ...]:
    """Draw no to three faults for a plan; never two that leave nothing which could restore a device."""
    drawn: list[Fault] = []
    for _ in range(dice.choices((0, 1, 2, 3), (1, 4, 3, 2))[0]):
        fault = _draw_fault(dice, plan)
        kinds = {kept.kind for kept in drawn} | {fault.kind}
        if not (kinds & NO_TIMER and kinds & NO_REACH) and not kinds >= TWO_LIES and not _hides_all([*drawn, fault]):
            drawn.append(fault)
    return tuple(drawn)


IN_RETURN = (
    *(
        Kind.SIGNAL,
        Kind.ABORT,
        Kind.CONDUCTOR_KILLED,
        Kind.CONDUCTOR_STOPPED,
        Kind.GUARDIAN_KILLED,
        Kind.GUARDIAN_STOPPED,
    ),
    *(Kind.HOST_LOST, Kind.HANG, Kind.HANG_LATE, Kind.RESTART, Kind.TIMER_STOPPED, Kind.OBJECT_TAKEN, Kind.OUTAGE),
    *(
        Kind.LOST_REPLY,
        Kind.LOST_REQUEST,
        Kind.REFUSED,
        Kind.SLOW_WRITE,
        Kind.SYNC_FAILS,
        Kind.DISK_SLOW,
        Kind.WORKER_SILENT,
    ),
)
"""What may go wrong while a drill's conduits come back in an order."""


def draw_faults_in_return(dice: random.Random, plan: Plan) -> tuple[Fault, ...]:
    """Draw one or two faults that come while conduits are given back in an order."""
    point = dice.choice(tuple(plan.points))
    drawn: list[Fault] = []
    for _ in range(dice.choice((1, 1, 2))):
        fault = Fault(dice.choice(IN_RETURN), Phase.RETURNING, dice.choice((0.0, dice.random() * 0.6)), target=point)
        if fault.kind in (Kind.LOST_REPLY, Kind.LOST_REQUEST, Kind.REFUSED, Kind.SLOW_WRITE):
            call = dice.choice(("restore", "restore", "state", "renew"))
            fault = replace(
                fault, call=call, after_s=0.0, times=dice.choice((1, 2, 5)), amount_s=dice.choice((1.0, 4.0))
            )
        elif fault.kind in (Kind.TIMER_STOPPED, Kind.OBJECT_TAKEN):
            fault = replace(fault, conduit=dice.choice(plan.points[point].conduits))
        elif fault.kind in (Kind.OUTAGE, Kind.WORKER_SILENT):
            fault = replace(_on_witness(dice, fault, plan), phase=Phase.RETURNING)
        elif fault.kind is Kind.SYNC_FAILS:
            fault = replace(fault, times=1)
        else:
            fault = replace(fault, for_s=dice.choice((0.5, 4.0, 20.0)), amount_s=dice.choice((0.5, 3.0, 15.0)))
        drawn.append(fault)
    return tuple(drawn)


def _hides_all(faults: Sequence[Fault]) -> bool:
    """Tell whether everything leaks round a rule that a device only says to have deleted: no probe can see that rule."""
    lies = any(fault.kind is Kind.LIES_RESTORE for fault in faults)
    return lies and any(fault.kind is Kind.LEAK and (fault.direction, fault.family) == (None, None) for fault in faults)


def _draw_fault(dice: random.Random, plan: Plan) -> Fault:
    kind = dice.choice(tuple(Kind))
    phase = dice.choice(tuple(DURATIONS_S))
    nth = dice.choice((1, 2)) if phase in (Phase.ISOLATING, Phase.HOLDING) else 1
    fault = Fault(kind, phase, dice.random() * DURATIONS_S[phase], nth=nth)
    point = dice.choice(tuple(plan.points))
    conduit = dice.choice(plan.conduits)
    if kind in (Kind.SLOW_WRITE, Kind.LOST_REPLY, Kind.LOST_REQUEST, Kind.REFUSED, Kind.HALF_WRITE):
        return _on_call(dice, replace(fault, target=point))
    if kind in (Kind.HANG, Kind.HANG_LATE):
        return replace(fault, target=point, for_s=dice.choice((0.5, 4.0, 20.0, 1e6)))
    if kind in (Kind.LIES_ISOLATE, Kind.LIES_RESTORE, Kind.DROPS_TIMERS, Kind.FAKES_TIMERS):
        return replace(fault, target=point, phase=Phase.PREFLIGHT, after_s=0.0, nth=1)
    if kind in (Kind.TIMER_STOPPED, Kind.OBJECT_TAKEN, Kind.STRANGER, Kind.EDIT):
        return replace(fault, target=point, conduit=dice.choice(plan.points[point].conduits))
    if kind is Kind.RESTART:
        return replace(fault, target=point, amount_s=dice.choice((1.0, 8.0, 30.0)))
    if kind is Kind.RULE_LAG:
        return replace(fault, target=point, amount_s=dice.choice((0.3, 2.0, 6.0)))
    if kind is Kind.CUTS_TOO_MUCH:
        return replace(fault, target=point, conduit=conduit)
    if kind in (Kind.LEAK, Kind.LEAK_OPEN):
        direction, family = dice.choice((None, "inward", "outward")), dice.choice((None, 4, 6))
        return replace(fault, conduit=conduit, direction=direction, family=family, for_s=dice.choice((1.5, 1e6)))
    if kind in (Kind.CONDUCTOR_STOPPED, Kind.GUARDIAN_STOPPED):
        return replace(fault, amount_s=dice.choice((0.5, 3.0, 15.0, 60.0)))
    return _on_witness(dice, fault, plan)


def _on_call(dice: random.Random, fault: Fault) -> Fault:
    call, phase = dice.choice(WRITES if fault.kind is Kind.HALF_WRITE else CALLS)
    nth = dice.choice((1, 2)) if phase in (Phase.ISOLATING, Phase.HOLDING) else 1
    amount_s = dice.choice((1.0, 4.0, 7.0, 12.0)) if fault.kind is Kind.SLOW_WRITE else 0.0
    # From the first moment of the phase: most phases have ended before a later fault could meet their call.
    return replace(fault, call=call, phase=phase, nth=nth, after_s=0.0, times=dice.choice((1, 2, 5)), amount_s=amount_s)


def _on_witness(dice: random.Random, fault: Fault, plan: Plan) -> Fault:
    kind = fault.kind
    if kind in (Kind.FREEZE, Kind.OUTAGE):
        inside = [probe.probe.target for probe in plan.probes.values() if probe.role == "continuity"]
        return replace(fault, target=str(dice.choice(inside)), for_s=dice.choice((1.5, 4.0, 1e6)))
    if kind in (Kind.WORKER_SILENT, Kind.PROBE_TROUBLE):
        return replace(fault, target=dice.choice(tuple(plan.vantages)), for_s=dice.choice((1.0, 4.0, 1e6)))
    if kind in (Kind.WORKER_NOT_STARTED, Kind.COLLECT_SILENT, Kind.OFFSET_SILENT, Kind.SPOOL_LOSS):
        return replace(fault, target=dice.choice(tuple(plan.vantages)), phase=Phase.PREFLIGHT, after_s=0.0, nth=1)
    if kind is Kind.WORKER_DIES:
        return replace(fault, target=dice.choice(tuple(plan.vantages)))
    if kind is Kind.UTC_STEP:
        return replace(fault, amount_s=dice.choice((-7200.0, -0.5, 3600.0)))
    if kind in (Kind.SYNC_FAILS, Kind.DISK_FULL):
        return replace(fault, times=1)
    if kind is Kind.DISK_SLOW:
        return replace(fault, amount_s=dice.choice((0.05, 1.0, 6.0, 1e6)), for_s=dice.choice((0.5, 5.0)))
    return fault


def print_table(hits: Counter[tuple[Kind, Phase]]) -> str:
    """Lay out how often each fault really hit each phase."""
    phases = [phase for phase in Phase if any(phase is hit_phase for _, hit_phase in hits)]
    head = f"{'':34}" + "".join(f"{phase.value:>11}" for phase in phases)
    rows = [f"{kind.value:34}" + "".join(f"{hits[kind, phase] or '.':>11}" for phase in phases) for kind in Kind]
    return "\n".join([head, *rows])
