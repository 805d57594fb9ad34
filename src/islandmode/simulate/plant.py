"""One simulated plant for one plan: its devices, packets, vantages, disk and clock, and the faults that strike them."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence

from islandmode.core.hand import HandAsk
from islandmode.core.lifecycle import Phase
from islandmode.core.plan import Plan
from islandmode.core.site import MANUAL
from islandmode.simulate.clock import SimulatedClock
from islandmode.simulate.device import SimulatedDevice
from islandmode.simulate.disk import SimulatedDisk
from islandmode.simulate.faults import ON_PROCESSES, Fault, FaultBook, Kind
from islandmode.simulate.kinds import KINDS, OWN_TIMER
from islandmode.simulate.network import FOREVER_US, Leak, Outage, SimulatedNetwork
from islandmode.simulate.point import SimulatedPoint
from islandmode.simulate.vantage import SimulatedVantage

STRANGER = "another machine"
STRANGER_FOR_US = 600_000_000
Devices = Mapping[str, type[SimulatedDevice]]


class SimulatedPlant:
    """Everything a run touches, and the truth about it."""

    def __init__(
        self,
        plan: Plan,
        seed: int,
        faults: Sequence[Fault] = (),
        *,
        devices: Devices | None = None,
        dice_type: type[random.Random] = random.Random,
    ) -> None:
        """Build the plant that a plan describes; `devices` names other devices, by platform."""
        # An operator's own plan names a real platform; by itself it acts as the kind with its own timer does.
        kinds = {"nftables": KINDS[OWN_TIMER].device} | {name: kind.device for name, kind in KINDS.items()}
        # A cable that a person pulls does nothing by itself.
        kinds |= {MANUAL: SimulatedDevice, **dict(devices or {})}
        dice = dice_type(seed)
        self.plan = plan
        self.clock = SimulatedClock()
        self.faults = FaultBook(faults, self.clock)
        self.faults.when_struck(self._strike)
        others = {planned.crosses for planned in plan.probes.values() if planned.crosses is not None}
        self.network = SimulatedNetwork(tuple(sorted({*plan.conduits, *others})), seed)
        self.disk = SimulatedDisk(self.clock, self.faults, dice_type(dice.random()))
        self.devices = {
            name: kinds[point.platform](name, self.network, self.clock) for name, point in plan.points.items()
        }
        for name, point in plan.points.items():
            self.devices[name].ways = point.rendering.ways
            self.devices[name].fit(point.capabilities)
        for members in plan.pairs.values():
            self.network.join(members)
        self.points = {name: self._point(name, dice_type(dice.random())) for name in plan.points}
        self.vantages = {
            name: self._vantage(name, dice_type(dice.random())) for name in plan.vantages if name not in plan.kits
        }
        self.guardian_points = {name: self._point(name, dice_type(dice.random())) for name in plan.points}
        """The guardian's own sessions to the same devices."""
        self.resume_points = {name: self._point(name, dice_type(dice.random())) for name in plan.points}
        """The sessions of a person who restores later."""
        self.when_process: Callable[[Fault], bool] = lambda _: False
        self.when_signalled: Callable[[], None] = lambda: None
        self.when_asked: Callable[[], bool] = lambda: False
        self.when_confirmed: Callable[[HandAsk, str], None] = lambda _ask, _name: None

    def confirm(self, ask: HandAsk, person: str) -> None:
        """Put a person's word into the run's folder."""
        self.when_confirmed(ask, person)

    def _point(self, name: str, dice: random.Random) -> SimulatedPoint:
        planned = self.plan.points[name]
        interfaces = tuple(interface for group in planned.interfaces.values() for interface in group)
        return SimulatedPoint(self.devices[name], planned.capabilities, interfaces, self.clock, self.faults, dice)

    def _vantage(self, name: str, dice: random.Random) -> SimulatedVantage:
        probes = {key: planned for key, planned in self.plan.probes.items() if planned.probe.vantage == name}
        far = self.plan.vantages[name].far
        return SimulatedVantage(name, probes, self.network, self.clock, self.faults, dice, far=far)

    @property
    def lands_last_us(self) -> int:
        """When the last request still under way reaches its device."""
        sessions = (self.points, self.guardian_points, self.resume_points)
        # Where a person stands, nothing is under way.
        return max(getattr(point, "lands_last_us", 0) for points in sessions for point in points.values())

    def phase_is(self, phase: Phase) -> None:
        """Hear which phase the run is in; faults that waited for it are set off."""
        if phase is not self.faults.phase:
            self.faults.phase_is(phase)

    def _strike(self, fault: Fault) -> None:
        """Start a fault that acts by itself; the other faults strike the next matching call."""
        strikes = _STRIKES.get(fault.kind)
        if (strikes is not None and strikes(self, fault)) or (fault.kind in ON_PROCESSES and self.when_process(fault)):
            self.faults.hit(fault.kind)

    def until_us(self, fault: Fault) -> int:
        """Tell when a window that begins now ends."""
        return min(FOREVER_US, self.clock.monotonic_us() + round(fault.for_s * 1_000_000))


def _stop_timer(plant: SimulatedPlant, fault: Fault) -> bool:
    plant.devices[fault.target].stop_timer(fault.conduit)
    return fault.conduit in plant.devices[fault.target].objects


def _take_object(plant: SimulatedPlant, fault: Fault) -> bool:
    there = fault.conduit in plant.devices[fault.target].objects
    plant.devices[fault.target].take_object(fault.conduit)
    return there


def _stranger(plant: SimulatedPlant, fault: Fault) -> bool:
    device = plant.devices[fault.target]
    refused = device.create((fault.conduit,), STRANGER_FOR_US, STRANGER)
    return not (refused or device.isolate((fault.conduit,), STRANGER))


def _restart(plant: SimulatedPlant, fault: Fault) -> bool:
    plant.devices[fault.target].restart(round(fault.amount_s * 1_000_000))
    return True


def _edit(plant: SimulatedPlant, fault: Fault) -> bool:
    plant.devices[fault.target].edit("rule of a colleague")
    return True


def _break_device(plant: SimulatedPlant, fault: Fault) -> bool:
    for name, device in plant.devices.items():
        if fault.target not in ("", name):
            continue
        device.pretends_isolate |= fault.kind is Kind.LIES_ISOLATE
        device.pretends_delete |= fault.kind is Kind.LIES_RESTORE
        device.drops_timers |= fault.kind is Kind.DROPS_TIMERS
        device.fakes_timers |= fault.kind is Kind.FAKES_TIMERS
        if fault.kind is Kind.RULE_LAG:
            device.rule_lag_us = round(fault.amount_s * 1_000_000)
        if fault.kind is Kind.CUTS_TOO_MUCH:
            device.also_blocks = (fault.conduit,)
    return True


def _leak(plant: SimulatedPlant, fault: Fault) -> bool:
    only_open = fault.kind is Kind.LEAK_OPEN
    window = (plant.clock.monotonic_us(), plant.until_us(fault))
    plant.network.leaks.append(Leak(fault.conduit, *window, fault.direction, fault.family, only_open))
    return True


def _outage(plant: SimulatedPlant, fault: Fault) -> bool:
    window = (plant.clock.monotonic_us(), plant.until_us(fault))
    plant.network.outages.append(Outage(fault.target, *window, freezes=fault.kind is Kind.FREEZE))
    return True


def _worker_dies(plant: SimulatedPlant, fault: Fault) -> bool:
    plant.vantages[fault.target].die()
    return True


def _probe_trouble(plant: SimulatedPlant, fault: Fault) -> bool:
    plant.vantages[fault.target].troubles.append((plant.clock.monotonic_us(), plant.until_us(fault)))
    return True


def _signal(plant: SimulatedPlant, _fault: Fault) -> bool:
    plant.when_signalled()
    return True


def _abort(plant: SimulatedPlant, _fault: Fault) -> bool:
    return plant.when_asked()


def _utc_step(plant: SimulatedPlant, fault: Fault) -> bool:
    plant.clock.step_utc(round(fault.amount_s * 1_000_000))
    return True


_STRIKES: dict[Kind, Callable[[SimulatedPlant, Fault], bool]] = {
    Kind.TIMER_STOPPED: _stop_timer,
    Kind.OBJECT_TAKEN: _take_object,
    Kind.STRANGER: _stranger,
    Kind.RESTART: _restart,
    Kind.EDIT: _edit,
    Kind.LIES_ISOLATE: _break_device,
    Kind.LIES_RESTORE: _break_device,
    Kind.DROPS_TIMERS: _break_device,
    Kind.FAKES_TIMERS: _break_device,
    Kind.RULE_LAG: _break_device,
    Kind.CUTS_TOO_MUCH: _break_device,
    Kind.LEAK: _leak,
    Kind.LEAK_OPEN: _leak,
    Kind.FREEZE: _outage,
    Kind.OUTAGE: _outage,
    Kind.WORKER_DIES: _worker_dies,
    Kind.PROBE_TROUBLE: _probe_trouble,
    Kind.SIGNAL: _signal,
    Kind.ABORT: _abort,
    Kind.UTC_STEP: _utc_step,
}
