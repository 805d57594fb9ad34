"""Promotion: what must stand behind a drill before it may be live, as rungs of a ladder. Pure.

What is known of earlier runs comes in as values. A result is believed only where it was recomputed from the run's record, and the
record is the one that the ledger has; of every other run only what speaks against it counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from islandmode.core.ledger import REFUSED, WITHOUT_RESULT, Attempt, Ledger
from islandmode.core.policy import Policy
from islandmode.core.quantities import written
from islandmode.core.text import how_many, in_words
from islandmode.core.verdict import Restoration, Result

TIERS = "ABCD"
REHEARSAL = "rehearsal"
RungName = Literal["rehearsal", "breaches", "tabletop", "benches", "undo tier"]
_RESTORED = (Restoration.PROVEN.value, Restoration.KEPT_CLOSED.value)
SKIPPED_RUNGS: tuple[RungName, ...] = ("rehearsal", "breaches", "tabletop")
"""Of a run for which the glass was broken. Benches and the undo tier are about what restores the plant, and are asked for all the same."""


@dataclass(frozen=True)
class Rung:
    """One thing that a live run needs: what there is of it, or what is missing and what to do."""

    name: RungName
    stands: bool
    told: str


@dataclass(frozen=True)
class AttemptJudged:
    """An attempt of the ledger, and what its record says now.

    `result` and `restoration` were recomputed; they are empty where the record says nothing that can be believed, and `why` says why.
    Against a drill the ledger's own word counts then.
    """

    attempt: Attempt
    at: datetime
    """When it can have begun at the latest: a clock that was set forward makes no run younger."""
    result: str = ""
    restoration: str = ""
    why: str = ""

    @property
    def holds(self) -> bool:
        """Tell whether it held, and the plant was seen as before; what nobody approved proves nothing for a drill, and may speak against it."""
        if self.attempt.broke_glass:
            return False
        return (self.result, self.restoration) == (Result.HELD.value, Restoration.PROVEN.value)

    @property
    def is_open(self) -> bool:
        """Tell whether it speaks against the drill until a run holds: it breached, was not seen restored, or has no result.

        So it is by what its record says now, and by how the ledger says that it ended: a word that was given afterwards is no test.
        """
        result, restoration = self._said
        if result == REFUSED:
            return False
        return self._ended_badly or _speaks_against(result) or restoration not in _RESTORED

    @property
    def _ended_badly(self) -> bool:
        """Tell whether it ended breached or unproven by the ledger, and does not hold by what was added since."""
        ended = self.attempt
        return not self.holds and (
            ended.result == Result.BREACHED.value or ended.restoration == Restoration.UNPROVEN.value
        )

    @property
    def _said(self) -> tuple[str, str]:
        return (self.result, self.restoration) if self.result else (self.attempt.result, self.attempt.restoration)

    @property
    def told(self) -> str:
        """Name it with its day."""
        return f"{self.attempt.run} ({self.at:%Y-%m-%d})"

    @property
    def result_told(self) -> str:
        """Say what came of it."""
        result, restoration = self._said
        now = _ending_told(result, restoration)
        if self.why:
            return f"{now} by the ledger, and {self.why}"
        ended = _ending_told(self.attempt.result, self.attempt.restoration)
        is_later_word = self.result and self._ended_badly and ended != now
        return f"{now} by what was added to it, and ended {ended}" if is_later_word else now


def _speaks_against(result: str) -> bool:
    return result in (Result.BREACHED.value, WITHOUT_RESULT)


def _ending_told(result: str, restoration: str) -> str:
    return f"{result}, restoration unproven" if restoration == Restoration.UNPROVEN.value else result


@dataclass(frozen=True)
class OtherDrill:
    """The newest held rehearsal of the drill as it was then, where it was another; `changes` says what changed since, if that is known."""

    run: str
    at: datetime
    changes: str


@dataclass(frozen=True)
class Tabletop:
    """A signed note that a drill was talked through; `why` says as a clause why it does not count, empty where it does."""

    name: str
    at: datetime
    drill_digest: str
    signed_by: str = ""
    why: str = ""


def latest_moments(ledger: Ledger) -> Mapping[int, datetime]:
    """Give for each line when it can have been written at the latest: no later than any line after it, whatever its clock said."""
    found: dict[int, datetime] = {}
    latest = datetime.max.replace(tzinfo=UTC)
    for line in reversed(ledger.lines):
        latest = min(latest, entered_at(line.utc))
        found[line.number] = latest
    return found


def entered_at(utc: str) -> datetime:
    """Read a ledger's time; one that nobody can read is long ago."""
    try:
        moment = datetime.fromisoformat(utc)
    except ValueError:
        return datetime.min.replace(tzinfo=UTC)
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def is_within(at: datetime, now: datetime, age_s: float) -> bool:
    """Tell whether a moment is in the past, and not longer ago than an age."""
    return timedelta() <= now - at <= timedelta(seconds=age_s)


def rehearsal_rungs(
    attempts: Iterable[AttemptJudged], other: OtherDrill | None, policy: Policy, now: datetime, rehearse: str
) -> tuple[Rung, Rung]:
    """Say whether a rehearsal that held stands behind a drill, and whether a breach since then is open.

    `attempts` are of the drill digest in question, newest first; they are taken only as far as needed. `rehearse` is the command.
    """
    newest: AttemptJudged | None = None
    open_since: list[AttemptJudged] = []
    is_closed = False
    for judged in attempts:
        is_rehearsal = judged.attempt.mode == REHEARSAL
        if judged.holds and is_rehearsal:
            return _rehearsed(judged, policy, now, rehearse), _breaches(open_since, rehearse)
        is_closed = is_closed or judged.holds
        if judged.is_open and not is_closed:
            open_since.append(judged)
        if is_rehearsal and newest is None:
            newest = judged
    return Rung("rehearsal", stands=False, told=_never(newest, other, rehearse)), _breaches(open_since, rehearse)


def _rehearsed(judged: AttemptJudged, policy: Policy, now: datetime, rehearse: str) -> Rung:
    if is_within(judged.at, now, policy.ages.rehearsal):
        until = judged.at + timedelta(seconds=policy.ages.rehearsal)
        told = f"{judged.told} held, and its restoration is proven; that counts until {until:%Y-%m-%d}"
        return Rung("rehearsal", stands=True, told=told)
    told = f"The newest rehearsal of this drill that held is {judged.told}, and one counts for {written(policy.ages.rehearsal)}; rehearse it again: {rehearse}."
    return Rung("rehearsal", stands=False, told=told)


def _never(newest: AttemptJudged | None, other: OtherDrill | None, rehearse: str) -> str:
    do = f"rehearse it: {rehearse}."
    if newest is not None:
        return f"No rehearsal of this drill counts: the newest, {newest.told}, is {newest.result_told}; {do}"
    if other is None:
        return f"This drill was never rehearsed; {do}"
    then = f"The rehearsal of {other.at:%Y-%m-%d} ({other.run}) was of another drill"
    why = other.changes or "what changed since cannot be told, as that run kept no intent.json of its digest"
    return f"{then}: {why}; {do}"


def _breaches(found: Sequence[AttemptJudged], rehearse: str) -> Rung:
    if not found:
        return Rung("breaches", stands=True, told="none is open")
    named = in_words([f"{judged.told} is {judged.result_told}" for judged in found[:2]])
    more = f", and {how_many(len(found) - 2, 'earlier run')} too" if len(found) > 2 else ""
    told = f"A run of this drill is not closed: {named}{more}; find out why, and close it by a rehearsal that holds: {rehearse}."
    return Rung("breaches", stands=False, told=told)


def tabletop_rung(
    tabletops: Iterable[Tabletop], drill_digest: str, policy: Policy, now: datetime, sign: str = ""
) -> Rung:
    """Say whether a signed note of a tabletop stands behind a drill; `sign` is the command that makes one."""
    found = sorted(tabletops, key=lambda each: each.at, reverse=True)
    known = [each for each in found if not each.why]
    same = [each for each in known if each.drill_digest == drill_digest]
    counts = next((each for each in same if is_within(each.at, now, policy.ages.tabletop)), None)
    if counts is not None:
        until = counts.at + timedelta(seconds=policy.ages.tabletop)
        return Rung(
            "tabletop",
            stands=True,
            told=f"by a signed note, {counts.name} ({counts.at:%Y-%m-%d}{counts.signed_by}); that counts until {until:%Y-%m-%d}",
        )
    do = f"talk the drill through with those who take part, and sign a note of it{f': {sign}' if sign else ''}"
    bad = next((each for each in found if each.why and each.drill_digest == drill_digest), None)
    if bad is not None:
        told = f"The signed note of a tabletop, {bad.name}, does not count: {bad.why}; {do}."
    elif same:
        told = f"The newest tabletop of this drill is of {same[0].at:%Y-%m-%d}, and one counts for {written(policy.ages.tabletop)}; {do}."
    elif known:
        told = (
            f"The newest tabletop, {known[0].name} of {known[0].at:%Y-%m-%d}, was of the drill as it was before; {do}."
        )
    else:
        told = f"There is no signed note of a tabletop of this drill; {do}."
    return Rung("tabletop", stands=False, told=told)


def bench_rung(unbenched: Mapping[str, str], devices: int, bench: str) -> Rung:
    """Say whether every device is benched; `unbenched` says by device why no record counts, empty where it has no record."""
    if not unbenched:
        return Rung("benches", stands=True, told=f"{how_many(devices, 'device')}, each with a record that counts")
    named = in_words([f"{name} ({why})" if why else name for name, why in unbenched.items()])
    return Rung("benches", stands=False, told=f"No record of a bench counts for {named}; bench it: {bench}.")


def tier_rung(tiers: Mapping[str, str], policy: Policy) -> Rung:
    """Say whether every point's way back is at least what the site asks for a live drill."""
    weaker = {name: tier for name, tier in tiers.items() if TIERS.find(tier) > TIERS.find(policy.undo_tier)}
    if not weaker:
        return Rung("undo tier", stands=True, told=f"none is weaker than {policy.undo_tier}")
    named = in_words([f"{name} is undone by tier {tier}" for name, tier in weaker.items()])
    told = (
        f"{named}, and a live drill of this site may not go below tier {policy.undo_tier}; isolate there by a platform with a "
        "better way back."
    )
    return Rung("undo tier", stands=False, told=told)
