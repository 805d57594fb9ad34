"""The verdict: a pure function of the plan, the journal and the episodes. Worst wins: breached, inconclusive, not tested, held."""

from __future__ import annotations

import json
from collections.abc import Sequence
from enum import StrEnum
from typing import Any, Literal

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer

from islandmode.core.backlog import Drained
from islandmode.core.boundary import Boundary
from islandmode.core.frozen import Frozen
from islandmode.core.plan import ClosedWay
from islandmode.core.plant_state import IDLE_SHOWS, PlantState
from islandmode.core.text import in_words


class Result(StrEnum):
    """What a drill showed; listed from best to worst."""

    HELD = "held"
    NOT_TESTED = "not tested"
    INCONCLUSIVE = "inconclusive"
    BREACHED = "breached"


class Restoration(StrEnum):
    """Whether the plant was seen as it was before."""

    PROVEN = "proven"
    KEPT_CLOSED = "kept closed"
    """No Islandmode object was left on a device; what stays dead, somebody else keeps closed."""
    UNPROVEN = "unproven"


class Interval(Frozen):
    """A moment known to lie between two samples, in seconds after the order; `latest_s` None: not seen at all."""

    earliest_s: float
    latest_s: float | None


class Times(Frozen):
    """Ordered to effective (an interval from samples) and ordered to verified, in seconds."""

    ordered_to_effective: Interval | None
    ordered_to_verified: float | None


class Finding(Frozen):
    """One thing that was found: a code to look up, a sentence to read, when, and the journal records it rests on.

    `first_s` and `last_s` count from the start of the run.
    """

    code: str
    result: Result
    sentence: str
    stage: str | None = None
    probe: str | None = None
    conduit: str | None = None
    first_s: float | None = None
    last_s: float | None = None
    records: tuple[int, ...] = ()

    @property
    def word(self) -> str:
        """Say what kind of finding it is; what speaks against nothing is a note."""
        return "note" if self.result is Result.HELD else self.result.value


class Row(Frozen):
    """One probe in one stage: what was expected, what was seen, and the journal records it rests on.

    `passed` counts the samples that came back through the path, whether they were good or not.
    """

    stage: str
    probe: str
    role: str
    vantage: str
    expected: str
    result: Result
    good: int
    bad: int
    unknown: int
    passed: int
    longest_gap_s: float | None
    records: tuple[int, ...]

    @property
    def stopped(self) -> int:
        """Count the samples that surely said that nothing came back; more may have, where an answer told nothing of its path."""
        return max(self.good + self.bad - self.passed, 0)


class StageVerdict(Frozen):
    """One stage's result and its three times."""

    name: str
    result: Result
    isolation_s: Times
    held_s: float | None


class Counted(Frozen):
    """What a firewall counted on one way: from arming until isolated, and while isolated; None where that is not known."""

    point: str
    conduit: str
    way: str
    before: int
    isolated: int | None
    records: tuple[int, ...]


class FirewallWitness(Frozen):
    """What the verdict rests on. `not_seen` lists what no firewall's counter could show; probes may have looked there.

    `last_read_s` is how long before the order to restore the counters were last read, on the device where that is longest.
    """

    basis: Literal["probes and firewall counters", "probes only"]
    not_seen: tuple[str, ...] = ()
    counted: tuple[Counted, ...] = ()
    last_read_s: float | None = None


class KeptClosed(Frozen):
    """A conduit that the site's own deny or cable keeps closed: who said that they do, and on which devices the deny was seen to come."""

    conduit: str
    by: tuple[str, ...]
    seen_on: tuple[str, ...]

    @property
    def who(self) -> str:
        """Name who keeps it closed; where only the deny was seen, that."""
        return in_words(self.by) if self.by else f"a deny on {in_words(self.seen_on)}"

    @property
    def told(self) -> str:
        """Say by whom it is kept closed, and what was seen of that."""
        seen = f"the site's own deny was seen on {in_words(self.seen_on)}" if self.seen_on else "no device shows it"
        if not self.by:
            return f"{seen}, and nobody is on record who ordered it"
        return f"{in_words(self.by)} said to keep {self.conduit} closed, and {seen}"


UNKEYED = "samples-unkeyed"
"""The finding of a verdict that rests on samples for which only the person who brought them vouches."""
UNWATCHED_WAY = (
    "It is not called an island: preflight found a way over a device that is never isolated, and no counter watched it."
)


class Verdict(Frozen):
    """What the run showed."""

    format: int = 1
    verdict: Result
    restoration: Restoration
    isolation_s: Times
    restoration_s: Times
    longest_ot_gap_s: float | None
    leaks: int
    stages: tuple[StageVerdict, ...]
    rows: tuple[Row, ...]
    findings: tuple[Finding, ...]
    witness: FirewallWitness
    island: bool
    """Whether the verdict is held, no conduit across the boundary was left, and no way on a device went unwatched."""
    boundary: Boundary
    closed_by_rule: tuple[ClosedWay, ...]
    """What this drill did not test, because the site's allow-list permits nothing there."""
    mode: str
    lab: bool
    site: str
    drill: str
    run: str
    drill_digest: str
    plan_digest: str
    plant_state: PlantState = "running"
    """What the drill declares of the plant; it stands in a verdict only where that is idle."""
    kept_closed: tuple[KeptClosed, ...] = Field(default=(), exclude_if=lambda given: not given)
    """What stays dead because somebody else keeps it closed; where the restoration is said to be that."""

    backlogs: tuple[Drained, ...] = Field(default=(), exclude_if=lambda given: not given)
    """What became of what had piled up: of production, and told apart from packets."""

    @model_serializer(mode="wrap")
    def _leave_out_what_goes_without_saying(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave out a plant that ran, so that a verdict of an earlier version keeps its bytes; of an idle one, say what that shows."""
        told: dict[str, Any] = write(self)
        if self.plant_state == "running":
            told.pop("plant_state", None)
        return told

    @property
    def sentence(self) -> str:
        """Say the verdict and, when it is held, what that rests on and what was not seen."""
        if self.verdict is not Result.HELD:
            return self.verdict.value
        unkeyed = any(finding.code == UNKEYED for finding in self.findings)
        return held_by(self.witness.basis, self.witness.not_seen, unkeyed=unkeyed, plant_state=self.plant_state)

    @property
    def restoration_told(self) -> str:
        """Say whether the plant was seen as it was; where it is kept closed, by whom."""
        return restoration_told(self.restoration, [kept.who for kept in self.kept_closed])

    @property
    def boundary_told(self) -> str:
        """Say what becomes of the boundary; for a drill that was not held, only what its plan says, since it may not have come to its end."""
        return self.boundary.told if self.verdict is Result.HELD else f"By its plan: {self.boundary.told}"

    @property
    def island_told(self) -> str:
        """Say whether the plant was an island, and if not, what was left; empty where the drill was not held."""
        if self.verdict is not Result.HELD:
            return ""
        if self.island:
            ran = "The plant ran as an island." if self.plant_state == "running" else "The idle plant was an island."
            return f"{ran} {self.boundary.told}"
        if self.boundary.is_island:
            return f"{self.boundary.told} {UNWATCHED_WAY}"
        return self.boundary.told


def restoration_told(restoration: str, names: Sequence[str]) -> str:
    """Say a restoration; `names` are those who keep something closed, where it is that."""
    if restoration != Restoration.KEPT_CLOSED:
        return str(restoration)
    return f"ours removed; kept closed by {in_words(list(dict.fromkeys(names)) or ['somebody'])}"


def held_by(basis: str, not_seen: Sequence[str], *, unkeyed: bool = False, plant_state: PlantState = "running") -> str:
    """Say `held` with what it rests on, and of an idle plant all that it shows."""
    idle = f"; {IDLE_SHOWS}" if plant_state == "idle" else ""
    missing = f"; not seen: {'; '.join(not_seen)}" if not_seen else ""
    brought = "; unkeyed samples among them" if unkeyed else ""
    return f"{Result.HELD.value} ({basis}{brought}{missing}){idle}"


def verdict_json(verdict: Verdict) -> str:
    """Write a verdict as JSON, the same bytes for the same verdict."""
    return json.dumps(verdict.model_dump(mode="json"), indent=2, ensure_ascii=False) + "\n"
