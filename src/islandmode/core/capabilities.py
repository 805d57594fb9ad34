"""What a way of isolating can do, and how long it takes: every deadline and limit of a run on it derives from here.

A field that a platform leaves out has the value of nftables and stands in no plan. So a plan of an earlier version, which knew
no other platform, is read as it was meant, and its digest stays the same.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import SerializerFunctionWrapHandler, model_serializer

from islandmode.core.frozen import Frozen
from islandmode.core.site import Covered


class Calls(Frozen):
    """How many seconds each call may take, the device's own work on it included; what became of a longer call is unknown."""

    login: float = 15.0
    """Ten round trips."""
    arm: float = 15.0
    """Traffic still passes, so a slow link to the device may take its time; the times that were measured then refuse it."""
    isolate: float = 5.0
    renew: float = 3.0
    """Two round trips."""
    read: float = 2.0
    restore: float = 3.0
    """Through the session that was opened for it."""
    restore_anew: float = 12.0
    """Through a session that must be opened first: on a slow way no shorter attempt would ever end."""


class Works(Frozen):
    """How many seconds the device works on a change before the change takes effect and is answered: a commit, not the link to it."""

    arm: float = 0.0
    isolate: float = 0.0
    renew: float = 0.0
    restore: float = 0.0


class Capabilities(Frozen):
    """What a way of isolating can do, from Islandmode's own table, never from a driver's signature.

    `arms`: "before" when traffic still passes after arming; "with_isolate" when arming and isolating are one act.
    `latest_s`: how long after it was sent a line may still act on the device, whatever held it up on its way.
    `witness`: what the device itself can say of an isolation. "egress": it counts what still leaves it across the conduit.
    "denies": it counts only what it dropped, which never proves that nothing passed. "none": it counts nothing.
    `denies_with`: "refusal" where the isolation itself may answer in the target's name, with a reset or an ICMP error.
    """

    arms: Literal["before", "with_isolate"]
    undo_tier: Literal["A", "B", "C", "D"]
    renewable: bool
    """Whether a running timer can be set again."""
    dead_man_min_s: float
    dead_man_max_s: float
    granularity_s: float
    """The step in which a timer can be set."""
    latest_s: float = 30.0
    """Left out in plans of an earlier version, whose lines had no latest moment."""
    witness: Literal["egress", "denies", "none"] = "none"
    denies_with: Literal["silence", "refusal"] = "silence"

    timer: Literal["conduit", "device", "none"] = "conduit"
    """What the dead-man belongs to: the object of each conduit, or the device, which then has one timer for all that is pending; or
    there is no timer, so that nothing but a person restores."""
    further: Literal["keeps", "confirms"] = "keeps"
    """What a further change does to the isolations before it: they stay under the timer, or lose it for good."""
    reverts: Literal["own", "commit", "everything"] = "own"
    """What the device's timer takes back: the Islandmode object, the commit that it came with, or all changes since, other people's too."""
    calls_s: Calls = Calls()
    works_s: Works = Works()
    read_every_s: float = 1.0
    """How often the device is read while it is armed."""
    shown_step_s: float | None = None
    """The step in which the device shows what is left of a timer; None: the step in which a timer is set."""
    read_back_s: float = 2.0
    """By how much a fresh timer may differ from what was asked: the way to the device and back."""
    rounding_s: float = 0.0
    """By how much longer than asked a timer may be set, as where it must end at a whole minute."""
    lag_s: float = 0.0
    """How long after its timer has ended a device may still isolate."""
    atomic_stage: bool = True
    """Whether a write for several conduits lands for all of them or for none."""
    cuts_established: Literal["itself", "after_flush", "no"] = "itself"
    """Whether packets of connections that are open stop passing: with the isolation itself, or with lines that are sent with it and
    end such connections, or not."""
    families: tuple[Literal[4, 6], ...] = (4, 6)
    logs_in: bool = True
    """Whether it has sessions: a session can be opened for a restore to come, and a login can be tried while it isolates."""
    shows_configuration: bool = True
    """Whether its configuration can be read, to compare it before and after. Where it cannot, a verdict is at best inconclusive,
    and the restoration is never called proven."""
    covers: tuple[Covered, ...] = ("forward", "to_device", "vpn")
    asks_person: bool = False
    """Whether a person is asked for each act, and only probes show what became of it: a call waits for their answer, what they did
    not confirm is never taken for done, and there is no configuration to compare."""
    after_restart: Literal["gone", "stays", "reverts", "unknown"] = "gone"
    """What a restart of the device makes of an isolation that nobody saved: the card's last resort rests on it."""

    @model_serializer(mode="wrap")
    def _leave_out_what_goes_without_saying(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        told: dict[str, Any] = write(self)
        usual = {name: type(self).model_fields[name].default for name in SAID_WHERE_OTHER}
        return {name: value for name, value in told.items() if name not in usual or getattr(self, name) != usual[name]}

    @property
    def step_s(self) -> float:
        """Tell the step in which what is left of a timer is shown."""
        return self.granularity_s if self.shown_step_s is None else self.shown_step_s

    def settable_s(self, for_s: float) -> float:
        """Give the longest timer that can be set and is no longer than `for_s`."""
        # A step of a second or less is the recipe's own affair.
        return for_s if self.granularity_s <= 1 else for_s // self.granularity_s * self.granularity_s

    def shown_after(self, for_s: float) -> tuple[float, float]:
        """Give the least and the most that a timer may show when it is read back after it was set."""
        return for_s - self.differs_s - self.works_s.arm, for_s + self.differs_s + self.rounding_s

    @property
    def differs_s(self) -> float:
        """Tell by how much what is left of a timer may differ from what is shown of it."""
        return max(self.read_back_s, self.step_s)

    @property
    def late_s(self) -> float:
        """Tell how much later than asked the device may let traffic pass by itself."""
        return self.rounding_s + self.lag_s

    @property
    def fresh_s(self) -> float:
        """Tell for how long the last reading counts as current; a renewal is read back at its end."""
        return self.read_every_s + self.calls_s.read + self.works_s.renew

    @property
    def silent_s(self) -> float:
        """Tell for how long a device that holds may be silent before it must be restored."""
        return 10 * self.read_every_s + self.works_s.renew

    @property
    def look_s(self) -> float:
        """Tell how long one look may take by a process that has not read the device for a while."""
        return self.calls_s.read + 1.0

    @property
    def check_s(self) -> float:
        """Tell how long a look may take while nothing is armed: a slow link may take its time."""
        return 5 * self.calls_s.read

    @property
    def configuration_s(self) -> float:
        """Tell how long reading a configuration may take: fifteen round trips, with nothing armed."""
        return 10 * self.calls_s.read

    @property
    def facts_s(self) -> float:
        """Tell how long reading facts may take: thirty round trips, with nothing armed."""
        return 20 * self.calls_s.read

    @property
    def ready_s(self) -> float:
        """Tell how long a process may take to start, and to log in for a restore to come."""
        return self.calls_s.login + 5.0

    @property
    def restoring_s(self) -> float:
        """Tell for how long one process may restore before another does so beside it."""
        return self.calls_s.restore + 1.0

    @property
    def stranded_s(self) -> float:
        """Tell how long past the device's own timer restoring is tried: once as usual, once through a new login."""
        return self.calls_s.restore + self.calls_s.restore_anew

    @property
    def needs_look(self) -> bool:
        """Tell whether a restore that was not answered must be looked for before it is written again.

        Where a change is answered at once, writing a restore again is the look, and puts the plant back soonest. Where the device
        works on a change, a second write only disturbs the first.
        """
        return self.works_s.restore > 0


SAID_WHERE_OTHER = frozenset(Capabilities.model_fields) - {
    *("arms", "undo_tier", "renewable", "dead_man_min_s", "dead_man_max_s", "granularity_s", "latest_s"),
    *("witness", "denies_with"),
}
"""Fields that stand in a plan only where a platform differs from nftables in them."""
