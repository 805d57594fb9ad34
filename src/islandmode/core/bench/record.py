"""The record of a bench: what was tried on a device, and what was seen of it. Values only; `counting` says what it is worth.

Moments are this machine's. How late a device was is known between two looks: the last that still showed the object in force, and the first
that did not. Nothing was logged in between the arming and the end, so that the device had nobody but itself.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AwareDatetime, BeforeValidator

from islandmode.core.frozen import Frozen
from islandmode.core.quantities import as_tuple
from islandmode.core.rendering import RecipeUsed

Ground = Literal["device", "emulated", "lab"]
"""On what it was tried: a device, an emulator on this machine, or a device of a rehearsal lab."""
What = Literal["restart", "failover"]
"""What a person did to a spare device while its stand-in acted."""
SeenBy = Literal["device", "clock"]
"""By what an end was seen: the device itself says whether the object acts; or only its clock, against the end that it shows."""
Texts = Annotated[tuple[str, ...], BeforeValidator(as_tuple)]


class BenchFiring(Frozen):
    """One timer: armed, made to act, left alone, and looked at once its end was past."""

    armed_at: AwareDatetime
    """When the arming was asked for."""
    acting_at: AwareDatetime
    """When the object was seen to act; from then on no session was open."""
    ends_at: AwareDatetime
    """When its timer ends, at the latest, by what the device showed."""
    still_s: float | None = None
    """How long after its end a look began that still showed it acting; None if no look did."""
    gone_s: float | None = None
    """How long after its end a look had shown that it acts no more; None if none had."""
    why: str = ""
    """Why it was not seen to end."""


class BenchOutage(Frozen):
    """One restart or failover: the stand-in armed, made to act, and looked at once the device took logins again."""

    what: What
    declared: Literal["gone", "stays", "reverts", "isolates", "passes", "unknown"]
    """What the platform says that becomes of an isolation."""
    firing: BenchFiring
    """The timer that ran meanwhile."""
    away_s: float | None = None
    """For how long no login was taken; None where none was seen to fail."""
    serial_before: str = ""
    serial_after: str = ""
    """Which serial number answered; empty where none is told."""
    present: bool | None = None
    """Whether the object was still there; None where that was not seen, or only after the end of its timer."""
    acts: bool | None = None
    """Whether it still acted."""
    timer_s: float | None = None
    """What was left of its timer; None where none ran."""
    why: str = ""
    """Why something of this was not seen."""

    @property
    def was_seen(self) -> bool:
        """Tell whether anything shows that the device restarted, or that another member answers."""
        if self.what == "restart":
            return self.away_s is not None
        return bool(self.serial_before and self.serial_after) and self.serial_before != self.serial_after

    @property
    def survived(self) -> bool | None:
        """Tell whether object and timer were still there; None where that was not seen."""
        return None if self.present is None else bool(self.acts and self.timer_s is not None)


class LateLine(Frozen):
    """A line that makes the object act, sent after its own end and after all that the device may be late."""

    after_s: float
    """How long after its own end it was sent."""
    acted: bool | None
    """Whether the object acted then; None where that was not seen."""
    said: str = ""
    """What the device answered to the line, or why nothing is known."""


class BenchRecord(Frozen):
    """One bench of one device."""

    format: Literal[1] = 1
    version: str
    """Of Islandmode."""
    site: str
    device: str
    person: str
    """Who made it, as the allowed signers name the key."""
    at: AwareDatetime
    """When it began."""
    ground: Ground
    place: str
    """Address and port at which it was managed."""
    host_keys: Texts = ()
    """Fingerprints of the host keys by which it was known."""
    serial: str = ""
    """Its serial number; empty where it tells none."""
    firmware: str
    platform: str
    method: RecipeUsed
    """The recipe; of a platform that is code, the lines that it writes."""
    tried_on: str
    """The name of the object on the device."""
    timer_s: float
    """How long each timer was set."""
    declared_lag_s: float
    """How long after its end the device may still isolate, as the platform says."""
    step_s: float
    """The step in which the device shows a timer."""
    look_s: float
    """How long one login and one look may take."""
    seen_by: SeenBy
    firings: Annotated[tuple[BenchFiring, ...], BeforeValidator(as_tuple)] = ()
    late_line: LateLine | None = None
    outages: Annotated[tuple[BenchOutage, ...], BeforeValidator(as_tuple)] = ()
    """Restarts and failovers that a person caused, which is done on a spare only."""
    gone: bool
    """Whether the object was seen gone at the end."""
    same_configuration: bool | None
    """Whether the configuration was the same before and after; None where that is not known."""
    changed: Texts = ()
    """The first lines that differed."""
    transcript_sha256: str = ""
    """Of what was said at the console; empty where a platform has none."""

    @property
    def worst_lag_s(self) -> float | None:
        """Tell how late the latest end was, at most; None where no end was seen."""
        seen = [firing.gone_s for firing in self.firings if firing.gone_s is not None]
        return max(seen) if seen else None


class Signature(Frozen):
    """What became of checking a record's signature."""

    person: str = ""
    """Who signed it, by the allowed signers; empty where it does not hold."""
    trouble: str = ""
    """Why it does not hold; goes on after *its record*."""


class DeviceToday(Frozen):
    """What is known of a device now; what is not known keeps no record from counting."""

    site: str
    device: str
    method: RecipeUsed | None
    """How it would be isolated now; None where its platform cannot be used."""
    host_keys: Texts = ()
    firmware: str | None = None
    """None where it was not asked."""
    serial: str | None = None
    now: AwareDatetime
