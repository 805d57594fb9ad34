"""Simulated devices with one pending change: a timer of the device that takes back all that was changed under it.

The timer belongs to the device and not to a conduit. A confirm by any session confirms everything that is pending.

CommitConfirmed     Junos. Arming writes nothing; each isolate is a `commit confirmed`, and confirms what waited before it, so
                    that the timer takes back the last stage only. Anybody's commit confirms
UnarmedChangeTimer  IOS `configure terminal revert timer`. Arming starts the timer with nothing isolated; all changes until it is
                    confirmed go back together, those of colleagues too. A change by itself confirms nothing.
                    It breaks the arming rule on purpose: a change refers to nothing that was armed, so an isolate that comes
                    after the timer has ended, or after a restore, isolates, and no timer takes it back

Words on the tape, beside those of `device`: armed (the timer alone), confirmed (no timer takes it back any more).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import ClassVar

from islandmode.isolation.point import PointState
from islandmode.simulate.clock import SimulatedClock
from islandmode.simulate.clocked import SECOND_US
from islandmode.simulate.device import OURS, DeviceObject, SimulatedDevice
from islandmode.simulate.network import SimulatedNetwork

Made = tuple[str, DeviceObject]


@dataclass
class Pending:
    """What waits for confirmation, and what its timer would take back."""

    owner: str
    until_us: int | None
    kept_edits: int
    covers: list[Made] = field(default_factory=list)


class PendingDevice(SimulatedDevice):
    """Common to devices with one pending change."""

    gives_tickets = False
    loads_all: ClassVar[bool] = False
    """Whether the timer takes back what colleagues changed, too."""

    def __init__(self, name: str, network: SimulatedNetwork, clock: SimulatedClock) -> None:
        """Start with nothing pending."""
        super().__init__(name, network, clock)
        self.pending: Pending | None = None
        self._for_us: dict[str, int] = {}

    # What a session asks for.

    def create(self, conduits: tuple[str, ...], for_us: int, owner: str = OURS) -> str:
        """See that nothing waits for confirmation and nothing isolates; the device is its own lock."""
        if self.pending is not None:
            return f"a change of {self.pending.owner} waits for confirmation"
        covered = next((conduit for conduit in conduits if conduit in self.objects), None)
        if covered is not None:
            return f"an object already covers {covered}"
        self._for_us[owner] = for_us
        return self._arm(conduits, owner)

    def _arm(self, _conduits: tuple[str, ...], _owner: str) -> str:
        return ""

    def waits_for_confirmation(self) -> str:
        """Name the owner of the pending change."""
        return "" if self.pending is None else self.pending.owner

    def isolate(self, conduits: tuple[str, ...], owner: str = OURS) -> str:
        """Put conduits into isolation."""
        refused = next((why for conduit in conduits if (why := self._foreign(conduit, owner))), "")
        if not refused and self.pending is not None and self.pending.owner != owner:
            refused = f"a change of {self.pending.owner} waits for confirmation"
        if refused:
            return refused
        self._begin_change(owner)
        for conduit in conduits:
            made = DeviceObject(owner, 0, None, made_us=self.clock.monotonic_us())
            made = self.objects.setdefault(conduit, made)
            if (conduit, made) not in self.made:
                self.made.append((conduit, made))
            if self.pending is not None:
                self.pending.covers.append((conduit, made))
            self._enforce(conduit, made)
        return ""

    def _begin_change(self, _owner: str) -> None:
        """Do what this device does with what is pending when a further change comes."""

    def renew(self, conduits: tuple[str, ...], for_us: int, owner: str = OURS) -> str:
        """Let the timer run for longer; a timer that has ended is not brought back."""
        if self.pending is None or self.pending.owner != owner:
            return "nothing of this run waits for confirmation"
        self._set_timer(for_us)
        for conduit in conduits:
            if conduit in self.objects:
                self._write("renewed", conduit, self.objects[conduit], "request")
        return ""

    def delete(self, conduits: tuple[str, ...], owner: str = OURS) -> str:
        """Take the owner's rules away, and confirm where nothing else of it is left: that ends the timer."""
        refused = super().delete(conduits, owner)
        mine = [made for made in self.objects.values() if made.owner == owner]
        # A device that only hides what it was to delete does not confirm either.
        if self.pending is not None and self.pending.owner == owner and not mine and not self.pretends_delete:
            self.pending = None
        return refused

    def timer_left_s(self, owner: str = OURS) -> float | None:
        """Tell what is left of the device's timer, if it is the owner's change that waits."""
        if self.pending is None or self.pending.owner != owner or self.pending.until_us is None:
            return None
        return max(0, self.pending.until_us - self.clock.monotonic_us()) / SECOND_US

    def look(self, conduits: tuple[str, ...], owner: str = OURS) -> PointState:
        """Show what stands there now, and what is left of the device's timer if the owner's change waits."""
        return replace(super().look(conduits, owner), timer_s=self.timer_left_s(owner))

    # What it does by itself.

    def _open(self, owner: str) -> None:
        self.pending = Pending(owner, None, len(self.edits))
        self._set_timer(self._for_us.get(owner, SECOND_US))

    def _set_timer(self, for_us: int) -> None:
        pending = self.pending
        if pending is None or self.drops_timers:
            return
        pending.until_us = until_us = self._until_us(for_us)
        if not self.fakes_timers:
            self.clock.at(until_us + self.lag_us, lambda: self._take_back(pending, until_us))

    def _take_back(self, pending: Pending, until_us: int) -> None:
        if self.pending is not pending or pending.until_us != until_us:
            return
        self.pending = None
        for conduit, made in pending.covers:
            if self.objects.get(conduit) is made:
                self._forget(conduit)
            if made.isolating:
                self._write("released", conduit, made, "timer")
                self._let_pass(conduit, made)
        self._tell_what_stays(pending.owner)
        if self.loads_all:
            nobody = DeviceObject(pending.owner, 0, None)
            for edit in self.edits[pending.kept_edits :]:
                self._write(f"edit lost: {edit}", "", nobody, "timer")
            del self.edits[pending.kept_edits :]

    def will_release(self, conduit: str, made: DeviceObject, now_us: int) -> bool:
        """Tell whether the device's timer will end an isolation that stands now."""
        pending = self.pending
        if pending is None or pending.until_us is None or self.fakes_timers:
            return False
        covered = any(name == conduit and covered_by is made for name, covered_by in pending.covers)
        return covered and pending.until_us + self.lag_us > now_us

    # What others do to it.

    def _confirm(self, by: str) -> None:
        if self.pending is not None:
            for conduit, made in self.pending.covers:
                if made.isolating:
                    self._write("timer stopped" if by == "somebody" else "confirmed", conduit, made, by)
            self.pending = None

    def stop_timer(self, _conduit: str) -> None:
        """Confirm what waits, as somebody does who finds it and means well."""
        self._confirm("somebody")

    def restart(self, for_us: int) -> None:
        """Boot from what is saved; nothing waits any more."""
        self.pending = None
        super().restart(for_us)


class CommitConfirmed(PendingDevice):
    """Commits with a timer; each commit confirms the commit before, also a stranger's."""

    one_write_at_a_time = True
    lands_in_part = False
    takes_us: ClassVar[Mapping[str, int]] = MappingProxyType(
        dict.fromkeys(("isolate", "renew", "restore"), 6 * SECOND_US)
    )

    def _begin_change(self, owner: str) -> None:
        self._confirm("request")
        self._open(owner)

    def edit(self, text: str) -> None:
        """Take in a colleague's commit, which confirms what waited."""
        super().edit(text)
        self._confirm("somebody")


class UnarmedChangeTimer(PendingDevice):
    """Starts a timer for the whole configuration and takes changes line by line, also while no timer runs: it breaks the arming rule.

    The contract of the platforms must refuse a platform with such a device (tests/isolation/pending/test_contract_tells.py).
    """

    loads_all = True
    takes_us: ClassVar[Mapping[str, int]] = MappingProxyType(dict.fromkeys(("arm", "isolate", "restore"), SECOND_US))

    def _arm(self, conduits: tuple[str, ...], owner: str) -> str:
        self._open(owner)
        for conduit in conduits:
            self._write("armed", conduit, DeviceObject(owner, 0, None), "request")
        return ""
