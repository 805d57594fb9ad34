"""The packet world: which conduits really pass at any moment, and what a probe really sees there.

This is the truth that invariants are checked against; the product never reads it except through probes. It is a
history, so that a far vantage that is collected late sees what was true when it sampled. Blocks are logged as they
happen. Leaks, freezes and outages are windows that begin when a fault strikes.
"""

from __future__ import annotations

import zlib
from bisect import bisect_right
from dataclasses import dataclass, replace
from itertools import pairwise

from islandmode.core.episodes import Heard, Sample, Seen
from islandmode.core.plan import PlanProbe
from islandmode.core.probe import CanaryProbe, HttpProbe, ModbusProbe

FOREVER_US = 1 << 62
FRESH_WITHIN_S = 2.0
"""How old a value may be for a probe that names no limit of its own."""


@dataclass(frozen=True)
class Leak:
    """Packets that pass although a rule blocks their conduit; None means every direction or family."""

    conduit: str
    from_us: int
    until_us: int = FOREVER_US
    direction: str | None = None
    family: int | None = None
    only_open: bool = False

    def lets_pass(self, planned: PlanProbe, at_us: int) -> bool:
        """Tell whether this leak carries a probe's packets at a moment."""
        return self.from_us <= at_us < self.until_us and self.carries(planned)

    def carries(self, planned: PlanProbe) -> bool:
        """Tell whether a probe's packets are of the kind that this leak lets pass."""
        if planned.crosses != self.conduit or (self.only_open and not isinstance(planned.probe, CanaryProbe)):
            return False
        return self.direction in (None, planned.direction) and self.family in (None, planned.family)


@dataclass(frozen=True)
class Outage:
    """A target that froze (answers, but its values stand still) or died (does not answer)."""

    target: str
    from_us: int
    until_us: int
    freezes: bool


@dataclass(frozen=True)
class Blocked:
    """One stretch of time in which a conduit was blocked, by whom; `until_us` is `FOREVER_US` while it lasts."""

    conduit: str
    by: str
    from_us: int
    until_us: int


class SimulatedNetwork:
    """Knows for every moment so far what passed."""

    def __init__(self, conduits: tuple[str, ...], seed: int) -> None:
        """Start with everything passing."""
        self.conduits = conduits
        self._seed = seed
        self._targets: dict[str, str] = {}
        self._times: dict[str, list[int]] = {name: [0] for name in conduits}
        self._by: dict[str, list[frozenset[str]]] = {name: [frozenset()] for name in conduits}
        self.leaks: list[Leak] = []
        self.outages: list[Outage] = []
        self._pair: frozenset[str] = frozenset()
        self._active: list[tuple[int, str]] = []

    # Two devices of a pair, one path: only what the active member does counts for the packets.

    def join(self, members: tuple[str, ...]) -> None:
        """Let some devices stand in for each other; the first is active."""
        self._pair, self._active = frozenset(members), [(0, members[0])]

    def step_down(self, name: str, at_us: int) -> None:
        """Move the path from a member to another, if it has it; what stands on each device stays there."""
        if self._active and self.active(at_us) == name:
            self._active.append((at_us, min(self._pair - {name})))

    def active(self, at_us: int) -> str:
        """Name the member that carries the packets at a moment; empty where there is no pair."""
        return next((name for since_us, name in reversed(self._active) if since_us <= at_us), "")

    @property
    def has_moved(self) -> bool:
        """Tell whether the path went from one member to another."""
        return len(self._active) > 1

    def _counts(self, reason: str, at_us: int) -> bool:
        """Tell whether what a device does matters at a moment: it does not where another member carries the packets."""
        by = self._member(reason)
        return not by or by == self.active(at_us)

    def _member(self, reason: str) -> str:
        """Name the member of a pair that a reason is of; empty for every other reason."""
        return next((name for name in self._pair if reason.startswith(f"{name} ")), "")

    def carried(self, stretch: Blocked) -> Blocked | None:
        """Give a stretch from when to when its member carried the packets; the whole of it where there is no pair, None where it never did."""
        member = self._member(stretch.by)
        if not member:
            return stretch
        ends = [*(at_us for at_us, _ in self._active[1:]), FOREVER_US]
        mine = [
            (since_us, end_us) for (since_us, name), end_us in zip(self._active, ends, strict=True) if name == member
        ]
        pieces = [
            (max(since_us, stretch.from_us), min(end_us, stretch.until_us))
            for since_us, end_us in mine
            if since_us < stretch.until_us and stretch.from_us < end_us
        ]
        return replace(stretch, from_us=pieces[0][0], until_us=pieces[-1][1]) if pieces else None

    def together(self, first: Blocked | None, other: Blocked) -> Blocked:
        """Join what two members of a pair blocked, from the first moment to the last; without a pair the later stretch counts alone."""
        if first is None or not self._member(other.by):
            return other
        ends_us = max(first.until_us, other.until_us)
        return replace(other, from_us=min(first.from_us, other.from_us), until_us=ends_us)

    # What devices do to it.

    def block(self, conduit: str, by: str, at_us: int) -> None:
        """Block a conduit for one reason; reasons add up."""
        self._log(conduit, self._by[conduit][-1] | {by}, at_us)

    def unblock(self, conduit: str, by: str, at_us: int) -> None:
        """Take one reason away."""
        self._log(conduit, self._by[conduit][-1] - {by}, at_us)

    def _log(self, conduit: str, by: frozenset[str], at_us: int) -> None:
        if by != self._by[conduit][-1]:
            self._times[conduit].append(at_us)
            self._by[conduit].append(by)

    # What is true at a moment.

    def blocked_by(self, conduit: str, at_us: int) -> frozenset[str]:
        """Name every reason why a conduit is blocked at a moment."""
        return frozenset(reason for reason in self.reasons(conduit, at_us) if self._counts(reason, at_us))

    def reasons(self, conduit: str, at_us: int) -> frozenset[str]:
        """Name what stands on any device at a moment to block a conduit, whether packets come that way or not."""
        return self._by[conduit][bisect_right(self._times[conduit], at_us) - 1]

    def unblocked_us(self, conduit: str, from_us: int, until_us: int, through: str = "") -> int:
        """Tell for how long of a stretch no rule blocked a conduit; `through` a member of a pair, only while that was active."""
        moved = [at_us for at_us, _ in self._active]
        last_us = max(until_us, self._times[conduit][-1])
        edges = [*sorted({*self._times[conduit], *(at_us for at_us in moved if at_us < last_us)}), last_us]
        free = (
            (max(begin_us, from_us), min(end_us, until_us))
            for begin_us, end_us in pairwise(edges)
            if not self.blocked_by(conduit, begin_us)
            and (through not in self._pair or self.active(begin_us) == through)
        )
        return sum(max(0, end_us - begin_us) for begin_us, end_us in free)

    def stretches(self, conduit: str) -> tuple[Blocked, ...]:
        """List when a conduit was blocked, one stretch per reason."""
        found: list[Blocked] = []
        since: dict[str, int] = {}
        for at_us, by in zip(self._times[conduit], self._by[conduit], strict=True):
            for reason in sorted(set(since) - by):
                found.append(Blocked(conduit, reason, since.pop(reason), at_us))
            for reason in by:
                since.setdefault(reason, at_us)
        found.extend(Blocked(conduit, reason, from_us, FOREVER_US) for reason, from_us in sorted(since.items()))
        return tuple(found)

    def passes(self, planned: PlanProbe, at_us: int) -> bool:
        """Tell whether a probe's packets pass at a moment."""
        if planned.crosses is None:
            return True
        by = self.blocked_by(planned.crosses, at_us)
        if not by:
            return True
        powered = not any(reason.endswith(" is down") for reason in by)
        return powered and any(leak.lets_pass(planned, at_us) for leak in self.leaks)

    # What a probe sees.

    def observe(self, name: str, planned: PlanProbe, seq: int, asked_us: int) -> Sample:
        """Send one probe at a moment that is past, and return what came back, in the world's own time."""
        probe = planned.probe
        answered_us = asked_us + 1_500 + zlib.crc32(f"{self._seed} {name} {seq}".encode()) % 7_000
        lost_us = asked_us + round(probe.timeout * 1_000_000)
        if not (self.passes(planned, asked_us) and self.passes(planned, answered_us)):
            return Sample(name, seq, asked_us, lost_us, Seen.BAD, None, f"no answer within {probe.timeout:g} s")
        outage = self._outage(self._target(name, planned), asked_us) if self.outages else None
        if outage is not None and not outage.freezes:
            return Sample(name, seq, asked_us, lost_us, Seen.BAD, None, f"no answer within {probe.timeout:g} s")
        value_us = asked_us if outage is None else outage.from_us
        value = (value_us // 100_000) & 0xFFFF
        old_s = (asked_us - value_us) / 1_000_000
        if isinstance(probe, ModbusProbe | HttpProbe) and old_s > (probe.changes_within or FRESH_WITHIN_S):
            why = f"the value {value} has not changed for {old_s:.1f} s"
            return Sample(name, seq, asked_us, answered_us, Seen.BAD, value, why, Heard.ANSWER)
        return Sample(name, seq, asked_us, answered_us, Seen.GOOD, value)

    def _target(self, name: str, planned: PlanProbe) -> str:
        # Writing an IPv6 address down is slow, and the same few are asked for thousands of times.
        if name not in self._targets:
            self._targets[name] = str(planned.probe.target)
        return self._targets[name]

    def _outage(self, target: str, at_us: int) -> Outage | None:
        for outage in self.outages:
            if outage.target == target and outage.from_us <= at_us < outage.until_us:
                return outage
        return None
