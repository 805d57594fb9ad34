"""The part of a bench that a person takes part in: a restart or a failover of a spare, while the stand-in acts.

Nothing here sends a command for it. The person is asked beforehand, and told when; what is believed is what is seen from here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from islandmode.core.bench.record import BenchFiring, BenchOutage, What
from islandmode.core.bench.stand_in import STAND_IN
from islandmode.core.errors import InputError, Refused
from islandmode.core.plan import PlanPoint
from islandmode.isolation.point import StandsIn
from islandmode.isolation.table import after_failover_of
from islandmode.operate.site_devices import Device
from islandmode.operate.telling import Listener
from islandmode.system.clock import Clock

LONGEST_S = 1800.0
"""A timer must outlive a restart, or nothing is seen of what that made of it."""
BEGINS_WITHIN_S, BACK_WITHIN_S = 600.0, 1500.0
LOOK_EVERY_S: dict[What, float] = {"restart": 5.0, "failover": 20.0}
"""How often a login is tried. Who answers is asked through one of its own."""
ACT: dict[What, str] = {
    "restart": "Restart {} now, as a loss of power would, without saving anything",
    "failover": "Have the pair of {} fail over now",
}


def outage_timer_s(stand_in: PlanPoint) -> float:
    """Tell how long the timer of an outage is set."""
    able = stand_in.capabilities
    return able.settable_s(max(able.dead_man_min_s, min(LONGEST_S, able.dead_man_max_s)))


def refuse_outages(device: Device, outages: Sequence[What]) -> None:
    """Raise `Refused` for a restart or failover of what is no spare."""
    if not outages:
        return
    words = " and ".join(f"--{what}" for what in outages)
    if device.lab_secret:
        raise Refused(
            f"{device.name} is a device of a rehearsal lab, which has nothing that restarts or fails over as a device does. Leave {words} out. "
            "Nothing was touched."
        )
    if not device.point.spare:
        place = device.tree.place(("isolation_points", device.name))
        raise Refused(
            f"{place}: {device.where} is not said to be a spare, so that the plant may run through it, and {words} would stop that. If nothing does, "
            f"say `spare: true` there; else leave {words} out. Nothing was touched."
        )


def refuse_unconfirmed(device: Device, outages: Sequence[What], confirmed: str) -> None:
    """Raise `InputError` where the person did not type the device's name to confirm it."""
    if outages and confirmed != device.name:
        raise InputError(f"What was typed is not {device.name}, so that nothing was confirmed. Nothing was touched.")


@dataclass
class OutageWatch:
    """Watches one device through a restart or a failover."""

    point: StandsIn
    stand_in: PlanPoint
    serial: str
    """Which serial number answered before."""
    listener: Listener
    clock: Clock
    ready_s: float
    """How long a login may take."""

    async def watched(self, what: What, firing: BenchFiring, ends_us: int) -> BenchOutage:
        """Say what to do, look until it is over, and look what it left; raises nothing for what is not seen."""
        self.listener.say(
            f"{ACT[what].format(self.point.name)}. It is looked at every {LOOK_EVERY_S[what]:.0f} s; what does not begin within "
            f"{BEGINS_WITHIN_S / 60:.0f} min counts as not seen."
        )
        declared = self.stand_in.capabilities.after_restart if what == "restart" else after_failover_of(self.stand_in)
        seen = BenchOutage(what=what, declared=declared, firing=firing, serial_before=self.serial)
        seen = await self._until_over(seen)
        if not seen.was_seen:
            return seen
        return await self._left(seen, ends_us)

    async def _until_over(self, seen: BenchOutage) -> BenchOutage:
        """Look until it was seen: a login that failed and then worked, or another serial number that answers."""
        began_us = self.clock.monotonic_us()
        away_us: int | None = None
        while True:
            looked_us = self.clock.monotonic_us()
            login = await self.point.try_login(self.ready_s)
            if not login.done:
                away_us = looked_us if away_us is None else away_us
            elif away_us is not None or seen.what == "failover":
                away_s = None if away_us is None else (login.answered_us - away_us) / 1_000_000
                seen = await self._answering(seen.model_copy(update={"away_s": away_s or seen.away_s}))
                if seen.was_seen:
                    return seen
                away_us = None
            waited_s = (self.clock.monotonic_us() - began_us) / 1_000_000
            if waited_s >= (BEGINS_WITHIN_S if away_us is None else BEGINS_WITHIN_S + BACK_WITHIN_S):
                why = "" if away_us is None else f"no login was taken any more ({login.why.rstrip('.')})"
                return seen.model_copy(update={"why": why})
            await self.clock.sleep(LOOK_EVERY_S[seen.what])

    async def _answering(self, seen: BenchOutage) -> BenchOutage:
        """Ask who answers, through a login of now."""
        await self.point.close()
        facts = await self.point.facts(self.stand_in.capabilities.facts_s)
        serial = "" if facts.value is None else facts.value.serial
        return seen.model_copy(update={"serial_after": serial})

    async def _left(self, seen: BenchOutage, ends_us: int) -> BenchOutage:
        """Look what is left of the object, while its timer would still run."""
        able = self.stand_in.capabilities
        await self.point.close()
        stands = await self.point.stand_in(able.configuration_s)
        if stands.value is None:
            return seen.model_copy(update={"why": stands.why.rstrip(".")})
        if self.clock.monotonic_us() >= ends_us:
            return seen.model_copy(update={"why": "it was back only after the end of the timer"})
        if not stands.value.present:
            return seen.model_copy(update={"present": False, "acts": False})
        state = await self.point.state((STAND_IN,), able.calls_s.login + able.check_s)
        shown = None if state.value is None else state.value.conduits[STAND_IN]
        if shown is None or state.why:
            return seen.model_copy(update={"why": state.why.rstrip(".") or "the device gave no reason"})
        acts = shown.isolating or shown.armed_s is not None
        return seen.model_copy(update={"present": True, "acts": acts, "timer_s": shown.armed_s})
