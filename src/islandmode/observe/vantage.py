"""The edge to a vantage: a worker that is given its whole schedule, samples alone, and is collected after restore."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from islandmode.core.episodes import Sample
from islandmode.core.outcome import Reading
from islandmode.core.placing import Spooled
from islandmode.core.probe import Probe


@dataclass(frozen=True)
class Schedule:
    """Everything a worker needs: which probes, how often, and when to end by itself."""

    run: str
    vantage: str
    probes: dict[str, Probe]
    sample_every_s: float
    end_after_s: float


@dataclass(frozen=True)
class Offset:
    """A worker's clocks against the conductor's: add `monotonic_us` to the worker's monotonic time to get the conductor's.

    `uncertainty_us` is half the shortest round trip by which it was measured, `at_us` the worker's monotonic time when it was.
    `kept` says whether NTP keeps its host's clock (yes, no, unknown), `error_us` how far off the host itself says that its clock may
    be, `rate_ppb` by how much its rate is corrected.
    """

    monotonic_us: int
    utc_us: int
    uncertainty_us: int
    boot_id: str
    at_us: int = 0
    kept: str = "unknown"
    error_us: int = 0
    rate_ppb: int = 0


@dataclass(frozen=True)
class Collected:
    """What a worker spooled: how many samples in its own monotonic time, where they are kept, and whether the spool was whole.

    `chain_ok` is false when a segment was altered or the spool's seals do not close; `why` then says where. `length` and `sha256`
    are of all its bytes, `key` (hexadecimal) is what sealed them.
    """

    spool: Spooled
    samples: int
    chain_ok: bool
    ended: str
    why: str = ""
    length: int = 0
    sha256: str = ""
    key: str = ""


class Vantage(Protocol):
    """A place from which probes look. A `far` vantage is cut off because the drill works, so it samples alone."""

    @property
    def name(self) -> str:
        """Name of the vantage in the site."""
        ...

    @property
    def far(self) -> bool:
        """Tell whether nothing can be heard from this vantage during the hold."""
        ...

    @property
    def key_sha256(self) -> str:
        """Give the SHA-256 of the key under which its worker seals samples, once it has it; empty where anybody could seal them."""
        ...

    @property
    def key(self) -> str:
        """Give that key, in hexadecimal; for a run that is closed without the samples, so that they can still be checked."""
        ...

    @property
    def call_s(self) -> float:
        """Seconds within which its host answers one question while it is well."""
        ...

    async def offset(self, deadline_s: float) -> Reading[Offset]:
        """Measure the worker's clocks against the conductor's; never called during the hold for a far vantage."""
        ...

    async def start(self, schedule: Schedule, deadline_s: float) -> Reading[None]:
        """Hand over the whole schedule and start sampling."""
        ...

    def fresh(self) -> tuple[Sample, ...]:
        """Return samples that arrived since the last call, in the conductor's monotonic time; always empty for a far vantage."""
        ...

    async def look(self, deadline_s: float) -> Reading[tuple[Sample, ...]]:
        """Read what each probe of a far worker said last, in the worker's own time, while it goes on.

        Only before anything is armed; never called during the hold.
        """
        ...

    async def collect(self, deadline_s: float) -> Reading[Collected]:
        """Stop the worker and fetch its spool, with times as the worker recorded them; what came is kept before it is read."""
        ...

    async def stop(self) -> None:
        """End the worker without collecting; used when a run is refused."""
        ...

    async def forget(self) -> None:
        """Take away what is left of the worker on its host; only once its samples are kept, or nobody will want them."""
        ...
