"""The simulated device: what its rules really do to the network, by the arming rule, and its own timer.

Nothing here knows of sessions, latencies or lost replies: that is `point`. A device acts at the moment a
request reaches it, keeps its timers by itself, and writes everything that took effect on its tape. This one creates an object with a
timer, which isolate refers to; the other kinds are in `clocked`, `pending` and `platforms`, and `kinds` lists all.

Words on the tape: created, isolating, released (by the timer), left isolated (when it ended), deleted,
renewed, timer stopped, lost (by force); and of a device that lies: pretended (to isolate), only hidden (not deleted).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import ClassVar

from islandmode.core.capabilities import Capabilities
from islandmode.core.egress import Way
from islandmode.core.pair import Role, Sync
from islandmode.isolation.point import ConduitState, PointState
from islandmode.simulate.clock import SimulatedClock
from islandmode.simulate.network import SimulatedNetwork

OURS = "this run"
FOR_REAL = " denies it for the site"
"""What the network's history says of a deny of the site's own."""
LIFE_US = 2_000_000
"""How long a ticket lives, or how far off the time is that a line carries."""


@dataclass
class DeviceObject:
    """One object that covers one conduit. `armed_until_us` is None when no timer runs; `real` is false when it only looks so."""

    owner: str
    for_us: int
    armed_until_us: int | None
    timer_runs: bool = True
    isolating: bool = False
    real: bool = True
    made_us: int = 0


@dataclass(frozen=True)
class Happening:
    """Something that took effect on a device."""

    at_us: int
    device: str
    what: str
    conduit: str
    owner: str
    by: str
    late_us: int = 0
    """How long before this the line that caused it was sent."""


class SimulatedDevice:
    """A firewall with self-expiring objects, as nftables does it: a packet is dropped only while armed *and* held."""

    # What differs between kinds of device.
    takes_us: ClassVar[Mapping[str, int]] = MappingProxyType({})
    """How long it works on a write, by call, before that takes effect and is answered."""
    one_write_at_a_time: ClassVar[bool] = False
    """Whether a write is refused while it works on another."""
    gives_tickets: ClassVar[bool] = True
    """Whether a line can name a ticket; elsewhere a line carries its latest moment."""
    lands_in_part: ClassVar[bool] = True
    """Whether a write that breaks off has done its first lines; false where a write is one commit."""
    lag_us: int = 0
    """How long after its timer has ended it lets traffic pass."""
    rounding_us: int = 0
    """How much longer than asked a timer may be set."""
    life_us: int = LIFE_US
    """How long a line may be on its way and still act."""

    def __init__(self, name: str, network: SimulatedNetwork, clock: SimulatedClock) -> None:
        """Start empty: everything passes."""
        self.name = name
        self.network = network
        self.clock = clock
        self.objects: dict[str, DeviceObject] = {}
        self.made: list[tuple[str, DeviceObject]] = []
        """Every object that ever stood here: an object that the session no longer shows may still block."""
        self.tape: list[Happening] = []
        self.sent_us: int | None = None
        """When the line that acts now was sent; None while no line acts."""
        self.tickets: dict[str, tuple[str, int]] = {}
        """For which conduit each ticket was given out, and until when it lives."""
        self.ways: Mapping[str, tuple[Way, ...]] = {}
        """What it counts, by conduit; nothing where this kind of device cannot."""
        self.arrived_us: int | None = None
        """When the line that acts now arrived."""
        self.busy_until_us = 0
        self.standby_until_us = 0
        """Until when it refuses to be changed, as a standby of a pair does."""
        self.boots = 0
        self.down_until_us = 0
        self.edits: list[str] = []
        # How this device may be broken; a fault sets these.
        self.drops_timers = False
        self.fakes_timers = False
        self.pretends_isolate = False
        self.pretends_delete = False
        self.rule_lag_us = 0
        self.also_blocks: tuple[str, ...] = ()

    @property
    def late_s(self) -> float:
        """How much later than asked its own timer may let traffic pass: rounding, lag, and the work on the write that set it."""
        works_us = max([0, *(self.takes_us.get(call, 0) for call in ("arm", "isolate", "renew"))])
        return (self.rounding_us + self.lag_us + works_us) / 1_000_000

    def fit(self, able: Capabilities) -> None:
        """Hear what a plan says that it can do; a kind whose numbers stand in a recipe takes them from there."""

    # What a management session can ask for. Each returns why it was refused, or nothing.

    def create(self, conduits: tuple[str, ...], for_us: int, owner: str = OURS) -> str:
        """Make one object per conduit, all or none; refused when any conduit is covered already."""
        for conduit in conduits:
            if conduit in self.objects:
                return f"an object already covers {conduit}"
        for conduit in conduits:
            until_us = None if self.drops_timers else self._until_us(for_us)
            made_us = self.clock.monotonic_us()
            made = DeviceObject(owner, for_us, until_us, timer_runs=not self.fakes_timers, made_us=made_us)
            self.objects[conduit] = made
            self.made.append((conduit, made))
            self._write("created", conduit, made, "request")
            self._watch_timer(conduit, made)
        return ""

    def _until_us(self, for_us: int) -> int:
        """Tell when a timer ends that is set now."""
        return self.clock.monotonic_us() + for_us

    def begin(self, call: str) -> tuple[int, str]:
        """Take in a write: how long it works on it, or why it does not."""
        now_us = self.clock.monotonic_us()
        if self.one_write_at_a_time and now_us < self.busy_until_us:
            return 0, "another commit is in progress"
        takes_us = self.takes_us.get(call, 0)
        self.busy_until_us = max(self.busy_until_us, now_us + takes_us)
        return takes_us, ""

    def waits_for_confirmation(self) -> str:
        """Name the owner of a change that waits to be confirmed; empty if no change waits."""
        return ""

    def give_ticket(self, ticket: str, conduit: str, life_us: int, owner: str = OURS) -> str:
        """Give out a ticket, kept with the owner's object."""
        if conduit not in self.objects or self._foreign(conduit, owner):
            return f"no object of this run covers {conduit}"
        self.tickets[ticket] = (conduit, self.clock.monotonic_us() + life_us)
        return ""

    def spend(self, ticket: str) -> str:
        """Take a ticket back from the one line that names it; refused when it has run out, or went with its object."""
        conduit, until_us = self.tickets.pop(ticket, ("", 0))
        there = conduit in self.objects and self.clock.monotonic_us() < until_us
        return "" if there else "the ticket is gone"

    def too_late(self, until_us: int) -> str:
        """Refuse a line that carries its own end, and came after it."""
        arrived_us = self.clock.monotonic_us() if self.arrived_us is None else self.arrived_us
        return "the line came after its time" if arrived_us > until_us else ""

    def isolate(self, conduits: tuple[str, ...], owner: str = OURS) -> str:
        """Put armed conduits into isolation; refers to the owner's objects, so without them it has no effect."""
        for conduit in conduits:
            refused = self._foreign(conduit, owner) or self.may_isolate(conduit)
            if refused:
                return refused
        for conduit in conduits:
            self._enforce(conduit, self.objects[conduit])
        return ""

    def _foreign(self, conduit: str, owner: str) -> str:
        made = self.objects.get(conduit)
        return f"{conduit} is {made.owner}'s" if made is not None and made.owner != owner else ""

    def may_isolate(self, conduit: str) -> str:
        """Say why an isolate has no effect now; empty when it has."""
        made = self.objects.get(conduit)
        if made is None:
            return f"no object covers {conduit}"
        if made.armed_until_us is None and not self.drops_timers:
            return f"the timer of {conduit} has ended"
        return ""

    def renew(self, conduits: tuple[str, ...], for_us: int, owner: str = OURS) -> str:
        """Extend running timers; a timer that has ended is not brought back."""
        for conduit in conduits:
            made = self.objects.get(conduit)
            if self._foreign(conduit, owner):
                return self._foreign(conduit, owner)
            if made is None or made.armed_until_us is None:
                return f"no timer runs for {conduit}"
        for conduit in conduits:
            made = self.objects[conduit]
            made.armed_until_us = self._until_us(for_us)
            self._write("renewed", conduit, made, "request")
            self._watch_timer(conduit, made)
        return ""

    def delete(self, conduits: tuple[str, ...], owner: str = OURS) -> str:
        """Take the owner's objects away; nothing there is fine too."""
        for conduit in conduits:
            made = self.objects.get(conduit)
            if made is None or made.owner != owner:
                continue
            self._forget(conduit)
            if self.pretends_delete:
                self._write("only hidden", conduit, made, "request")
                continue
            self._write("deleted", conduit, made, "request")
            self._let_pass(conduit, made)
        return ""

    def _forget(self, conduit: str) -> DeviceObject | None:
        self.tickets = {ticket: given for ticket, given in self.tickets.items() if given[0] != conduit}
        return self.objects.pop(conduit, None)

    def look(self, conduits: tuple[str, ...], owner: str = OURS) -> PointState:
        """Show what stands there now, and whether it is the owner's."""
        return PointState({conduit: self._state(conduit, owner) for conduit in conduits})

    def role(self) -> Role:
        """Tell whether it is the active member of its pair."""
        active = self.network.active(self.clock.monotonic_us())
        return "unknown" if not active else "active" if active == self.name else "standby"

    def sync(self) -> Sync:
        """Tell whether it is in sync with the other members of its pair: nothing is copied between them."""
        return "not-kept"

    def configuration(self) -> dict[str, str]:
        """Show running and saved configuration as text."""
        lines = ["table inet site", *self.edits, *(f"islandmode object for {name}" for name in self.objects)]
        return {"running": "\n".join(lines), "saved": "\n".join(["table inet site", *self.edits])}

    def _state(self, conduit: str, owner: str) -> ConduitState:
        made = self.objects.get(conduit)
        if made is None:
            return ConduitState(present=False, armed_s=None, isolating=False)
        left_us = None if made.armed_until_us is None else max(0, made.armed_until_us - self.clock.monotonic_us())
        left_s = None if left_us is None else left_us / 1_000_000
        egress = self._counted(conduit, made)
        return ConduitState(True, left_s, made.isolating, ours=made.owner == owner, owner=made.owner, egress=egress)

    def _counted(self, conduit: str, made: DeviceObject) -> dict[str, int] | None:
        """Count a packet for every millisecond in which the conduit passed on this device; a leak goes round it, uncounted."""
        ways = self.ways.get(conduit, ())
        if not ways:
            return None
        now_us = self.clock.monotonic_us()
        packets = {
            "across": self.network.unblocked_us(conduit, made.made_us, now_us, self.name) // 1000,
            "control": (now_us - made.made_us) // 1000,
        }
        return {way.name: packets.get(way.kind, 0) for way in ways}

    # What the device does by itself.

    def _watch_timer(self, conduit: str, made: DeviceObject) -> None:
        until_us = made.armed_until_us
        if until_us is not None and made.timer_runs:
            self.clock.at(until_us + self.lag_us, lambda: self._timer_ended(conduit, made, until_us))

    def will_release(self, _conduit: str, made: DeviceObject, now_us: int) -> bool:
        """Tell whether its own timer will end an isolation that stands now."""
        return made.timer_runs and made.armed_until_us is not None and made.armed_until_us + self.lag_us > now_us

    def _timer_ended(self, conduit: str, made: DeviceObject, until_us: int) -> None:
        """Let traffic pass again. The object may be hidden by now, which is why the timer belongs to it and not to the table."""
        if made.armed_until_us != until_us or not made.timer_runs:
            return
        made.armed_until_us = None
        self._write("released", conduit, made, "timer")
        self._let_pass(conduit, made)
        self._tell_what_stays(made.owner)

    def _tell_what_stays(self, owner: str) -> None:
        """Write down what of an owner stays isolated, although a timer has just ended, and no timer will end it."""
        just_now_us = self.clock.monotonic_us() - 1
        for conduit, made in self.made:
            if made.owner == owner and made.isolating and not self.will_release(conduit, made, just_now_us):
                self._write("left isolated", conduit, made, "timer")

    def _enforce(self, conduit: str, made: DeviceObject) -> None:
        if made.isolating:
            return
        made.isolating = True
        if self.pretends_isolate:
            self._write("pretended", conduit, made, "request")
            return
        if self.rule_lag_us:
            self.clock.at(self.clock.monotonic_us() + self.rule_lag_us, lambda: self._block(conduit, made))
        else:
            self._block(conduit, made)

    def _block(self, conduit: str, made: DeviceObject) -> None:
        if not made.isolating:
            return
        self._write("isolating", conduit, made, "request")
        for name in (conduit, *self.also_blocks):
            self.network.block(name, self.reason(conduit, made), self.clock.monotonic_us())

    def _let_pass(self, conduit: str, made: DeviceObject) -> None:
        made.isolating, made.timer_runs = False, False
        for name in self.network.conduits:
            self.network.unblock(name, self.reason(conduit, made), self.clock.monotonic_us())

    def reason(self, conduit: str, made: DeviceObject) -> str:
        """Name this block in the network's history."""
        return f"{self.name} isolates {conduit} for {made.owner}"

    # What others do to it.

    def edit(self, text: str) -> None:
        """Take in what a colleague changes."""
        self.edits.append(text)

    def close_for_real(self, conduit: str) -> None:
        """Put a deny of the site's own in force, without an end, as somebody does on the day when a drill turns real."""
        self.edit(f"deny {conduit} for real")
        self.network.block(conduit, f"{self.name}{FOR_REAL}", self.clock.monotonic_us())

    def stop_timer(self, conduit: str) -> None:
        """Take the timer off an object, as somebody who confirms a pending commit does; it would never end by itself."""
        made = self.objects.get(conduit)
        if made is not None and made.armed_until_us is not None:
            made.armed_until_us = None
            self._write("timer stopped", conduit, made, "somebody")

    def take_object(self, conduit: str) -> None:
        """Delete an object without the run knowing."""
        made = self._forget(conduit)
        if made is not None:
            self._write("lost", conduit, made, "somebody")
            self._let_pass(conduit, made)

    def restart(self, for_us: int) -> None:
        """Boot from saved configuration: Islandmode objects are gone, and nothing passes until it is up."""
        self.boots += 1
        self._lose_all()
        self._go_down(for_us)

    def _lose_all(self) -> None:
        now_us = self.clock.monotonic_us()
        for conduit, made in tuple(self.objects.items()):
            self._forget(conduit)
            # A rule that was still to come into force goes with the memory it was in.
            made.timer_runs, made.isolating = False, False
            self._write("lost", conduit, made, "restart")
        for conduit in self.network.conduits:
            for reason in self.network.reasons(conduit, now_us):
                if reason.startswith(f"{self.name} "):
                    self.network.unblock(conduit, reason, now_us)

    def _go_down(self, for_us: int) -> None:
        now_us = self.clock.monotonic_us()
        self.down_until_us = now_us + for_us
        for conduit in self.network.conduits:
            self.network.block(conduit, f"{self.name} is down", now_us)
        self.clock.at(self.down_until_us, self._boot)

    def _boot(self) -> None:
        if self.clock.monotonic_us() >= self.down_until_us:
            for conduit in self.network.conduits:
                self.network.unblock(conduit, f"{self.name} is down", self.clock.monotonic_us())

    def _write(self, what: str, conduit: str, made: DeviceObject, by: str) -> None:
        now_us = self.clock.monotonic_us()
        late_us = 0 if self.sent_us is None else now_us - self.sent_us
        self.tape.append(Happening(now_us, self.name, what, conduit, made.owner, by, late_us))
