"""The edge to an isolation point: a device and a way to isolate conduits on it.

The arming rule, which every implementation keeps: `arm` makes one object per conduit on the device by an atomic create
and starts its timer, and traffic still passes; `isolate` only refers to that object, so that an isolate which
arrives late (after expiry, after restore) has no effect; `restore` deletes the object and is idempotent. No line acts
later than `capabilities.latest_s` after it was sent, and a point says until when one that it gave up may still act.
Device trouble is never raised: it is a `Reading` that is *not done* or *unknown*.

`IsolationPoint` is what every way of isolating has. What only some have is a protocol of its own, and a capability says
whether a point has it: `renewing`, `logging_in`, `showing_configuration` and `asking` ask. Counting is in the state itself (`egress`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol, cast

from islandmode.core.capabilities import Capabilities
from islandmode.core.firewall import Firewall, Unread
from islandmode.core.hand import HandAsk
from islandmode.core.open_sessions import Tracked
from islandmode.core.outcome import Reading
from islandmode.core.pair import Role, Sync
from islandmode.core.recipe.window import owner_of


@dataclass(frozen=True)
class Facts:
    """What a device says of itself at preflight. `saved_ours`: the saved files that hold an Islandmode object.

    `saved_unread` are files that could not be read, `saved_absent` files that are included but missing. `firewall` is everything
    else that the device says of its interfaces and paths; None for a platform that is not asked.
    """

    interfaces: tuple[str, ...] | None = ()
    """The device's interfaces; None for a platform that is not asked, because its own reads show whether the isolation is in place."""
    trouble: str = ""
    """Why the device, logged in to, cannot be used: the step that failed and what to do; then nothing else was read."""
    unready: tuple[str, ...] = ()
    """Every reason why a drill must not use the device though all of it was read, each with what to do; each goes on after *it*."""
    saved_ours: tuple[str, ...] = ()
    saved_unread: tuple[Unread, ...] = ()
    saved_absent: tuple[str, ...] = ()
    printed: str = ""
    """The first line of what a login file prints before a command; it is left out of every answer."""
    firewall: Firewall | None = None
    pending: str = ""
    """Whose change of the device waits to be confirmed, whatever it changes; empty where none does, or where there is no such thing."""
    standing: tuple[str, ...] | None = None
    """Every Islandmode object that stands on the device, of any conduit and run; None if that was not read."""
    version: str = ""
    """What it says of its version, for people."""
    serial: str = ""
    """Its serial number; empty where it tells none."""
    clock_ahead_s: float | None = None
    """By how much its clock is ahead of this machine's, each by its own time zone; None where an isolation does not end by its clock."""
    lock_unread: str = ""
    """Why it was not seen whether another session has locked its configuration; empty where it was, or where nothing asks for that."""

    @property
    def saved_has_ours(self) -> bool:
        """Tell whether a restart would bring an isolation back."""
        return bool(self.saved_ours)


@dataclass(frozen=True)
class ConduitState:
    """What the device shows for one conduit, read back from it.

    `armed_s` is the dead-man's remaining time as the device says it; None when no timer runs. `isolating` is true only
    when traffic is being dropped: object present, timer running and hold entries present and unexpired. `ours` says that the
    object is this run's or has no owner; another run's object is never changed or deleted, and `owner` names that run.
    `mark` is what a device shows that has no room for a name: `is_of` knows a run by it. `egress` is how many packets the device has counted on each way since it was armed; None where it cannot count, or where
    what counts is not whole any more.
    """

    present: bool
    armed_s: float | None
    isolating: bool
    ours: bool = True
    owner: str | None = None
    egress: Mapping[str, int] | None = None
    mark: str = ""

    def is_of(self, run: str) -> bool | None:
        """Tell whether what stands is a run's; None where the device does not tell whose it is."""
        if self.owner is not None:
            return self.owner == run
        return self.mark == owner_of(run).isoformat() if self.mark else None

    @property
    def stands(self) -> bool:
        """Tell whether this run's object is there."""
        return self.present and self.ours


@dataclass(frozen=True)
class PointState:
    """The state of every conduit asked about, by conduit name."""

    conduits: dict[str, ConduitState]
    timer_s: float | None = None
    """What is left of the device's one timer, where the dead-man is the device's; None when no timer of this run runs.

    Another session's commit that confirmed this run's change leaves no timer.
    """

    @property
    def clear(self) -> bool:
        """Tell whether no Islandmode object is left, and no timer that would still take something back."""
        return self.timer_s is None and not any(state.stands for state in self.conduits.values())


@dataclass(frozen=True)
class Configuration:
    """Device state for comparison before and after: text per part (running, saved, routes, addresses ...).

    `ours` gives the Islandmode objects in a part: of the running configuration this run's only, because another run's may
    stand beside them; of the saved configuration all, because none belongs there.
    """

    parts: dict[str, str]
    ours: dict[str, str] = field(default_factory=dict)
    saved_ours: tuple[str, ...] = ()
    """The files of the saved configuration that hold an Islandmode object."""


@dataclass(frozen=True)
class Rights:
    """What the account may do on a device, as the device says it, and the least that every call needs."""

    least: tuple[str, ...]
    """The lines by which a person gives the account no more than it needs, on the device."""
    broader: tuple[str, ...] = ()
    """What it may do beyond that."""
    from_elsewhere: str = ""
    """Why a login needs another machine than the device; empty where nothing that was read says so."""
    unread: str = ""
    """Why the device did not tell what the account may do; then `broader` says nothing."""


class IsolationPoint(Protocol):
    """A device that can isolate conduits and always be restored. All calls are bounded by `deadline_s`."""

    @property
    def name(self) -> str:
        """Name of the isolation point in the site."""
        ...

    @property
    def capabilities(self) -> Capabilities:
        """What this way of isolating can do."""
        ...

    @property
    def late_until_us(self) -> int:
        """Until when a line that this point gave up may still act on the device (monotonic); 0 if no line was given up.

        Only a look that begins after this moment proves that no Islandmode object stands there.
        """
        ...

    async def facts(self, deadline_s: float) -> Reading[Facts]:
        """Log in (one attempt) and read facts; nothing is changed."""
        ...

    async def arm(self, conduits: tuple[str, ...], for_s: float, deadline_s: float) -> Reading[PointState]:
        """Create the objects, start their timers, open the restore session, and return what was read back."""
        ...

    async def isolate(self, conduits: tuple[str, ...], deadline_s: float) -> Reading[PointState]:
        """Put armed conduits into isolation and read back."""
        ...

    async def restore(self, conduits: tuple[str, ...], deadline_s: float) -> Reading[PointState]:
        """Delete the objects, close sessions that could still write, and read back that they are gone. Idempotent."""
        ...

    async def state(self, conduits: tuple[str, ...], deadline_s: float) -> Reading[PointState]:
        """Read what the device shows now."""
        ...

    async def close(self) -> None:
        """End all sessions; never changes the device."""
        ...


class Renews(Protocol):
    """A point whose running timer can be set again; its capabilities say `renewable`."""

    async def renew(self, conduits: tuple[str, ...], for_s: float, deadline_s: float) -> Reading[PointState]:
        """Extend running timers; fails on an expired one."""
        ...


class LogsIn(Protocol):
    """A point with sessions; its capabilities say `logs_in`."""

    async def ready(self, deadline_s: float) -> Reading[None]:
        """Open the session that a restore will use, and try it; nothing is changed."""
        ...

    async def try_login(self, deadline_s: float) -> Reading[None]:
        """Log in and out again, beside the open sessions: tells whether a new login is still possible."""
        ...


class Prepares(Protocol):
    """A point that can do beforehand what an isolate needs; `isolation.table.preparing` says whether a platform's points can."""

    async def prepare(self, conduits: tuple[str, ...], deadline_s: float) -> Reading[None]:
        """Get ready for the isolate that follows at once; traffic still passes, and what is not used ends by itself within seconds."""
        ...


class ShowsConfiguration(Protocol):
    """A point whose configuration can be read; its capabilities say `shows_configuration`."""

    async def configuration(self, deadline_s: float) -> Reading[Configuration]:
        """Read running and saved configuration, routes and addresses, for the comparison before and after."""
        ...


class ShowsRights(Protocol):
    """A point that can tell what its account may do; `isolation.table.showing_rights` says whether a platform's points can."""

    async def rights(self, deadline_s: float) -> Reading[Rights]:
        """Ask the device what the account may do; nothing is changed."""
        ...


class TellsRole(Protocol):
    """A point that can tell its role in a pair; `isolation.table.telling_role` says whether a platform's points can."""

    async def role(self, deadline_s: float) -> Reading[Role]:
        """Read whether it is the active member; nothing is changed."""
        ...

    async def sync(self, deadline_s: float) -> Reading[Sync]:
        """Read whether it is in sync with the other members; nothing is changed."""
        ...


class ListsSessions(Protocol):
    """A point that can list the sessions that pass it; `isolation.table.listing_sessions` says whether a platform's points can."""

    async def open_sessions(self, deadline_s: float) -> Reading[tuple[Tracked, ...]]:
        """List what it tracks; nothing is changed."""
        ...


class AsksPerson(Protocol):
    """A point that is isolated by a person's hand; its capabilities say `asks_person`."""

    @property
    def asked(self) -> HandAsk | None:
        """Give what a person is asked for now; None where nothing is asked."""
        ...

    def tells(self, hear: Callable[[HandAsk], object]) -> None:
        """Call `hear` for each ask from now on, also where the same is asked again; it must neither wait nor raise."""
        ...

    def confirm(self, ask: str, person: str) -> str:
        """Take a person's word that an act is done; returns why it is not taken, or an empty string."""
        ...

    def withdraw(self) -> None:
        """Ask for nothing more that isolates, and wait for no answer; what was asked for already may still be done."""
        ...


@dataclass(frozen=True)
class StandInSeen:
    """What of a bench's stand-in is on a device."""

    present: bool
    referring: tuple[str, ...] = ()
    """What would make it more than an object that isolates nothing: lines that name it, interfaces that have its names."""
    runs_for_s: float | None = None
    """How long a timer of it still runs; None where none does."""


@dataclass(frozen=True)
class LateLineSeen:
    """What came of a line that makes a stand-in act, sent after its own last moment."""

    after_s: float
    """How long after that moment it was sent."""
    acted: bool
    said: str
    """What the device answered; empty where it said nothing against it."""


class StandsIn(IsolationPoint, LogsIn, ShowsConfiguration, Protocol):
    """A point whose only conduit is a bench's stand-in: an object of its platform's kind that isolates nothing.

    `restore` leaves the object in whatever state it has between drills; `take_away` removes it.
    """

    @property
    def object_name(self) -> str:
        """Name the stand-in, as the device has it."""
        ...

    @property
    def says_itself(self) -> bool:
        """Tell whether the device says itself that the stand-in acts; where not, its clock against the end that it shows does."""
        ...

    async def stand_in(self, deadline_s: float) -> Reading[StandInSeen]:
        """Look what of the stand-in is there, and whether anything refers to it; nothing is changed."""
        ...

    async def lay(self, deadline_s: float) -> Reading[None]:
        """Make the object as it is between drills, where a platform has it there then."""
        ...

    async def acts(self, deadline_s: float) -> Reading[bool]:
        """Tell whether the object acts still, or its timer still runs, as the device shows it."""
        ...

    async def late_line(self, deadline_s: float) -> Reading[LateLineSeen]:
        """Send a line that makes the object act after that line's own last moment, and look."""
        ...

    async def take_away(self, deadline_s: float) -> Reading[StandInSeen]:
        """Remove the object through a fresh session, and read back what is left of it. Idempotent."""
        ...


def renewing(point: IsolationPoint) -> Renews | None:
    """Give a point as one that renews, if it does."""
    return cast("Renews", point) if point.capabilities.renewable else None


def logging_in(point: IsolationPoint) -> LogsIn | None:
    """Give a point as one that has sessions, if it has."""
    return cast("LogsIn", point) if point.capabilities.logs_in else None


def showing_configuration(point: IsolationPoint) -> ShowsConfiguration | None:
    """Give a point as one whose configuration can be read, if it can."""
    return cast("ShowsConfiguration", point) if point.capabilities.shows_configuration else None


def asking(point: IsolationPoint) -> AsksPerson | None:
    """Give a point as one that asks a person, if it does."""
    return cast("AsksPerson", point) if point.capabilities.asks_person else None
