"""The simulated isolation point: the edge between a run and a simulated device, with every way a session can fail.

A request travels, takes effect on the device, and its reply travels back; each leg can be slow or lost on its own. So a
call that nobody waits for any more, because its deadline passed or its task was cancelled, still takes effect when it
lands. What may come back from a call:

    done        the reply came in time; its value is what the device showed at that moment
    not done    the device, or its closed door, refused in time
    unknown     no reply within the deadline; the request may have landed, may land later, may be lost

A request that writes has a latest moment, after which the device refuses it: a ticket that was given out before, where
arming and isolating are two acts, and else a time of the device's clock that it carries. The reply to a request whose caller was
cancelled is still heard for a while beside the restore.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import anyio

from islandmode.core.capabilities import Capabilities
from islandmode.core.outcome import Outcome, Reading
from islandmode.core.pair import Role, Sync
from islandmode.isolation.point import Configuration, Facts, PointState
from islandmode.isolation.session import LAST_ANSWER_S
from islandmode.simulate.clock import SimulatedClock
from islandmode.simulate.device import LIFE_US, OURS, SimulatedDevice
from islandmode.simulate.faults import FaultBook, Kind

T = TypeVar("T")

WRITES = frozenset({"arm", "isolate", "renew", "restore"})
QUICK_US = (2_000, 40_000)
"""A leg of a healthy call takes between these."""
LATEST_S = 2.5
"""How long a ticket lives, and room for the way there."""
DOOR_OPENS_US = 500_000
"""A booting device is silent, and for this long before it is up it answers with a closed port."""


@dataclass
class Reply(Generic[T]):
    """The answer to a request, once it came."""

    came: anyio.Event = field(default_factory=anyio.Event)
    value: T | None = None
    refused: str = ""


@dataclass
class Unheard:
    """A write that was given up, until when it may act, and the moment from which on it is known to be over."""

    until_us: int
    reply: Reply[PointState] | None = None
    """None where nobody listens any more."""
    heard_until_us: int = 0
    over_us: int = 0


class _BrokenOff(Exception):
    """A write ended in the middle, and no reply comes."""


class SimulatedPoint:
    """Implements `IsolationPoint` on a simulated device."""

    def __init__(
        self,
        device: SimulatedDevice,
        capabilities: Capabilities,
        interfaces: tuple[str, ...],
        clock: SimulatedClock,
        faults: FaultBook,
        dice: random.Random,
        owner: str = OURS,
    ) -> None:
        """Know the device, and for which run; nothing is asked yet."""
        self._owner = owner
        self._device = device
        self._capabilities = capabilities
        self._interfaces = interfaces
        self._clock = clock
        self._faults = faults
        self._dice = dice
        self.closed = False
        self._unheard: list[Unheard] = []
        self._has_failed = False
        self.lands_last_us = 0
        """When the last request reaches the device that is under way."""

    @property
    def name(self) -> str:
        """Name of the isolation point in the site."""
        return self._device.name

    @property
    def capabilities(self) -> Capabilities:
        """What this way of isolating can do."""
        return self._capabilities

    @property
    def late_until_us(self) -> int:
        """Until when a request that was given up may still act; 0 when none was."""
        return max((write.over_us or write.until_us for write in self._unheard), default=0)

    async def facts(self, deadline_s: float) -> Reading[Facts]:
        """Log in and read facts."""
        return await self._ask("facts", deadline_s, lambda: (self._facts(), ""))

    def _facts(self) -> Facts:
        pending = self._device.waits_for_confirmation()
        return Facts(self._interfaces, pending=pending)

    async def role(self, deadline_s: float) -> Reading[Role]:
        """Read whether it is the active member of its pair."""
        return await self._ask("role", deadline_s, lambda: (self._device.role(), ""))

    async def sync(self, deadline_s: float) -> Reading[Sync]:
        """Read whether it is in sync with the other members of its pair."""
        return await self._ask("sync", deadline_s, lambda: (self._device.sync(), ""))

    async def configuration(self, deadline_s: float) -> Reading[Configuration]:
        """Read what stands on the device."""
        return await self._ask("configuration", deadline_s, lambda: (self._configuration(), ""))

    def _configuration(self) -> Configuration:
        parts = self._device.configuration()
        lines = {
            part: [line for line in text.splitlines() if line.startswith("islandmode object")]
            for part, text in parts.items()
        }
        return Configuration(parts, {part: "\n".join(found) for part, found in lines.items()})

    async def ready(self, deadline_s: float) -> Reading[None]:
        """Log in for a restore to come."""
        return await self._ask("ready", deadline_s, lambda: (None, ""))

    async def try_login(self, deadline_s: float) -> Reading[None]:
        """Log in anew, and out again."""
        return await self._ask("try_login", deadline_s, lambda: (None, ""))

    async def arm(self, conduits: tuple[str, ...], for_s: float, deadline_s: float) -> Reading[PointState]:
        """Create the objects, start their timers and read back."""
        for_us = round(for_s * 1_000_000)
        return await self._send(
            "arm", conduits, deadline_s, lambda some: self._device.create(some, for_us, self._owner)
        )

    async def prepare(self, conduits: tuple[str, ...], deadline_s: float) -> Reading[None]:
        """Get ready for an isolate; nothing of a simulated device changes by that."""
        return await self._ask("prepare", deadline_s, lambda: (None, ""))

    async def isolate(self, conduits: tuple[str, ...], deadline_s: float) -> Reading[PointState]:
        """Put armed conduits into isolation and read back."""
        return await self._refer("isolate", conduits, deadline_s, lambda some: self._device.isolate(some, self._owner))

    async def renew(self, conduits: tuple[str, ...], for_s: float, deadline_s: float) -> Reading[PointState]:
        """Extend running timers and read back."""
        for_us = round(for_s * 1_000_000)
        return await self._refer(
            "renew", conduits, deadline_s, lambda some: self._device.renew(some, for_us, self._owner)
        )

    async def restore(self, conduits: tuple[str, ...], deadline_s: float) -> Reading[PointState]:
        """Delete the objects and read back; what was given up is heard out beside that."""
        given_up = [(write, write.reply) for write in self._unheard if write.reply is not None]
        if self._has_failed:
            # The session is reset: what is under way on it may be why the device does not take the restore.
            for write, _ in given_up:
                write.reply = None
        if not given_up or self._has_failed:
            return await self._take_back(conduits, deadline_s)
        async with anyio.create_task_group() as beside:
            for write, reply in given_up:
                beside.start_soon(self._hear_out, write, reply)
            reading = await self._take_back(conduits, deadline_s)
            if not reading.done or reading.value is None or not reading.value.clear:
                # Another attempt waits for nothing.
                beside.cancel_scope.cancel()
        self._has_failed = not reading.done
        return reading

    async def _take_back(self, conduits: tuple[str, ...], deadline_s: float) -> Reading[PointState]:
        return await self._change("restore", conduits, deadline_s, lambda some: self._device.delete(some, self._owner))

    async def _hear_out(self, write: Unheard, reply: Reply[PointState]) -> None:
        """Wait for the reply to a write that was given up, not for long, and reset its session."""
        last_us = self._clock.monotonic_us() + round(LAST_ANSWER_S * 1_000_000)
        write.heard_until_us = write.heard_until_us or min(last_us, write.until_us)
        with anyio.move_on_after(max(0, write.heard_until_us - self._clock.monotonic_us()) / 1_000_000):
            await reply.came.wait()
            write.over_us = self._clock.monotonic_us() + 1
        write.reply = None

    async def state(self, conduits: tuple[str, ...], deadline_s: float) -> Reading[PointState]:
        """Read what the device shows now."""
        return await self._change("state", conduits, deadline_s, lambda _: "")

    async def close(self) -> None:
        """End all sessions; what already travels still lands."""
        self.closed = True

    async def _refer(
        self, call: str, conduits: tuple[str, ...], deadline_s: float, act: Callable[[tuple[str, ...]], str]
    ) -> Reading[PointState]:
        """Write what refers to an armed object: with a ticket, where the object can keep one."""
        if not self._device.gives_tickets:
            return await self._send(call, conduits, deadline_s, act)
        begun_us = self._clock.monotonic_us()
        ticket = f"{self._dice.getrandbits(32):08x}"
        given = await self._ask(
            "ticket",
            deadline_s,
            lambda: (None, self._device.give_ticket(ticket, conduits[0], LIFE_US, self._owner)),
        )
        if not given.done:
            return Reading(given.outcome, None, given.why, given.asked_us, given.answered_us)
        left_s = deadline_s - (given.answered_us - begun_us) / 1_000_000

        def act_with_ticket(some: tuple[str, ...]) -> str:
            return self._device.spend(ticket) or act(some)

        return await self._send(call, conduits, left_s, act_with_ticket, carries_time=False)

    async def _send(
        self,
        call: str,
        conduits: tuple[str, ...],
        deadline_s: float,
        act: Callable[[tuple[str, ...]], str],
        *,
        carries_time: bool = True,
    ) -> Reading[PointState]:
        """Write, and remember until when the write may still act if its outcome stays unknown."""
        until_us = self._clock.monotonic_us() + self._device.life_us

        def act_in_time(some: tuple[str, ...]) -> str:
            return (self._device.too_late(until_us) if carries_time else "") or act(some)

        reply: Reply[PointState] = Reply()
        write = Unheard(until_us + self._device.takes_us.get(call, 0) + 1, reply)
        self._unheard.append(write)
        # Stays there where the caller was cancelled meanwhile.
        found = await self._change(call, conduits, deadline_s, act_in_time, reply)
        write.reply = None
        if found.outcome is not Outcome.UNKNOWN:
            self._unheard.remove(write)
        return found

    async def _change(
        self,
        call: str,
        conduits: tuple[str, ...],
        deadline_s: float,
        act: Callable[[tuple[str, ...]], str],
        reply: Reply[PointState] | None = None,
    ) -> Reading[PointState]:
        def act_and_look() -> tuple[PointState, str]:
            if len(conduits) > 1 and self._faults.take(Kind.HALF_WRITE, self.name, call):
                # The session breaks off between two commands: the caller is not told how far it came.
                if self._device.lands_in_part:
                    act(conduits[:1])
                raise _BrokenOff
            refused = act(conduits)
            return self._device.look(conduits, self._owner), refused

        return await self._ask(call, deadline_s, act_and_look, reply)

    async def _ask(
        self, call: str, deadline_s: float, act: Callable[[], tuple[T, str]], reply: Reply[T] | None = None
    ) -> Reading[T]:
        """Send a request on its way, and wait for its reply until the deadline."""
        self._clock.refuse_if_over()
        asked_us = self._clock.monotonic_us()
        reply = Reply() if reply is None else reply
        lands_us = self._lands_us(call, asked_us)
        if lands_us is not None:
            self.lands_last_us = max(self.lands_last_us, lands_us + self._device.takes_us.get(call, 0))
            self._clock.at(lands_us, lambda: self._land(call, act, reply, asked_us))
        with anyio.move_on_after(deadline_s):
            await reply.came.wait()
        now_us = self._clock.monotonic_us()
        if not reply.came.is_set():
            return Reading(Outcome.UNKNOWN, None, f"no answer within {deadline_s:g} s", asked_us, now_us)
        if reply.refused:
            return Reading(Outcome.NOT_DONE, reply.value, reply.refused, asked_us, now_us)
        return Reading(Outcome.DONE, reply.value, "", asked_us, now_us)

    def _lands_us(self, call: str, asked_us: int) -> int | None:
        """Tell when a request reaches the device; None when it is lost."""
        leg_us = self._dice.randint(*QUICK_US)
        if self._faults.take(Kind.LOST_REQUEST, self.name, call) or self._faults.take(Kind.HANG, self.name, call):
            return None
        slow = self._faults.take(Kind.SLOW_WRITE, self.name, call)
        if slow is not None:
            return asked_us + leg_us + round(slow.amount_s * 1_000_000)
        hangs_until_us = self._faults.until_us(Kind.HANG_LATE, self.name)
        if hangs_until_us is not None and self._faults.take(Kind.HANG_LATE, self.name, call):
            return hangs_until_us + leg_us
        return asked_us + leg_us

    def _land(self, call: str, act: Callable[[], tuple[T, str]], reply: Reply[T], sent_us: int) -> None:
        """Let a request arrive at the device, which acts on it at once or works on it for a while."""
        now_us = self._clock.monotonic_us()
        device = self._device
        if now_us < device.down_until_us - DOOR_OPENS_US:
            return
        takes_us = 0
        if now_us < device.down_until_us:
            reply.refused = "the device refused the connection"
        elif self._faults.take(Kind.REFUSED, self.name, call):
            reply.refused = "the device refused the command"
        elif call in WRITES and now_us < device.standby_until_us:
            reply.refused = "this member is on standby"
        elif call in WRITES:
            takes_us, reply.refused = device.begin(call)
        boots = device.boots

        def finish() -> None:
            # A restart ends what a device works on, and nobody is told.
            if boots == device.boots and (reply.refused or self._acts(act, reply, sent_us, now_us)):
                self._answer(call, reply)

        if takes_us:
            self._clock.at(now_us + takes_us, finish)
        else:
            finish()

    def _acts(self, act: Callable[[], tuple[T, str]], reply: Reply[T], sent_us: int, arrived_us: int) -> bool:
        """Let a request take effect; false when it broke off, and then nothing is answered."""
        self._device.sent_us, self._device.arrived_us = sent_us, arrived_us
        try:
            reply.value, reply.refused = act()
        except _BrokenOff:
            return False
        finally:
            self._device.sent_us = self._device.arrived_us = None
        return True

    def _answer(self, call: str, reply: Reply[T]) -> None:
        if not self._faults.take(Kind.LOST_REPLY, self.name, call):
            self._clock.at(self._clock.monotonic_us() + self._dice.randint(*QUICK_US), reply.came.set)
