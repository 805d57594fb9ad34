"""Samples and episodes: what a probe saw and heard, and runs of equal states."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, cast


class Seen(StrEnum):
    """What one sample saw. Unknown is the probe's own trouble; it is never good."""

    GOOD = "good"
    BAD = "bad"
    UNKNOWN = "unknown"


class Heard(StrEnum):
    """What came back, whether it was good or not: a path that lets anything back is not dead.

    `answer`: the target accepted the connection or answered in its protocol, a Modbus exception or HTTP 503 too.
    `refused`: a reset, from the target or from something before it. `unreachable`: an ICMP error, or this host knows no
    way. `nothing`: silence. `unknown`: the probe's own trouble.
    """

    ANSWER = "answer"
    REFUSED = "refused"
    UNREACHABLE = "unreachable"
    NOTHING = "nothing"
    UNKNOWN = "unknown"


HEARD_BY_SEEN = {Seen.GOOD: Heard.ANSWER, Seen.BAD: Heard.NOTHING, Seen.UNKNOWN: Heard.UNKNOWN}
"""What a sample of an older spool says about what came back: nothing more than whether it was good."""

_FROM_SEEN = cast("Heard", "")
"""Stands in for `heard` where it was not given, until the sample is made: it then follows from `seen`."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One observation: asked and answered in monotonic microseconds, what was seen, the value, and why if not good.

    `heard` says what came back; where it is not given it follows from `seen`. `sender` is the address that refused or
    called the target unreachable, empty where the system does not tell.
    """

    probe: str
    seq: int
    asked_us: int
    answered_us: int
    seen: Seen
    value: int | str | None = None
    why: str = ""
    heard: Heard = _FROM_SEEN
    sender: str = ""

    def __post_init__(self) -> None:
        """Let `heard` follow from `seen` where it was not given."""
        if not self.heard:
            object.__setattr__(self, "heard", HEARD_BY_SEEN[self.seen])

    def at(self, asked_us: int, answered_us: int) -> Sample:
        """Give the same observation in another clock's time."""
        # Written out: `dataclasses.replace` takes five times as long, and a drill moves every sample.
        return Sample(
            self.probe, self.seq, asked_us, answered_us, self.seen, self.value, self.why, self.heard, self.sender
        )


State = tuple[Seen, Heard, str]
"""What one sample saw and heard, and who refused: samples of one state make an episode."""
Row = tuple[int, int, State, "int | str | None", str]
"""A sample without its probe's name, for the places that see a hundred million: asked and answered in us, state, value, why."""
NEVER_US = 1 << 63


def row_of(sample: Sample) -> Row:
    """Give a sample as a row."""
    return sample.asked_us, sample.answered_us, (sample.seen, sample.heard, sample.sender), sample.value, sample.why


def sample_of(probe: str, seq: int, row: Row) -> Sample:
    """Give a row as a sample."""
    asked_us, answered_us, (seen, heard, sender), value, why = row
    return Sample(probe, seq, asked_us, answered_us, seen, value, why, heard, sender)


@dataclass(frozen=True, slots=True)
class Episode:
    """A run of samples of one probe that saw and heard the same; times are when the first and the last were asked.

    `longest_gap_us` is the longest time between two of its samples. `answered_us` is when the earliest of them was answered,
    `ended_us` when the latest was; `waited_us` is how long all of them together waited; `why` is the first reason given.
    """

    probe: str
    seen: Seen
    first_us: int
    last_us: int
    count: int
    longest_gap_us: int
    answered_us: int
    why: str = ""
    heard: Heard = Heard.UNKNOWN
    sender: str = ""
    ended_us: int = 0
    waited_us: int = 0


class Folder:
    """Folds samples into episodes as they come; the result is the same however they are dealt into batches.

    Samples come in the order in which they were asked. At each of `edges` (times) an episode ends, so that no episode
    lies in two stages.
    """

    def __init__(self, edges: tuple[int, ...] = (), probe: str = "") -> None:
        """Start without samples; `probe` is whose they are, where they come as rows."""
        self._edges = tuple(sorted(edges))
        self._probe = probe
        self._done: list[Episode] = []
        self._state: State | None = None
        self._edge_us = 0
        """The first edge after the last sample: the next episode begins there at the latest."""
        self._first_us = self._last_us = self._count = self._gap_us = 0
        self._answered_us = self._ended_us = self._waited_us = 0
        self._why = ""

    def add(self, samples: Iterable[Sample]) -> None:
        """Take more samples."""
        for sample in samples:
            self._probe = sample.probe
            self.take((row_of(sample),))

    def take(self, rows: Iterable[Row]) -> None:
        """Take more samples of this folder's probe, as rows."""
        # A drill of a day has a hundred million: what is written out here is not called for each.
        state = self._state
        last_us, edge_us, gap_us, count = self._last_us, self._edge_us, self._gap_us, self._count
        answered_us, ended_us, waited_us = self._answered_us, self._ended_us, self._waited_us
        for asked, answered, now, _, why in rows:
            # The sender too: a reset from beyond the firewall must not hide behind one from this side.
            if asked >= edge_us or (now is not state and now != state):
                if state is not None:
                    self._last_us, self._gap_us, self._count = last_us, gap_us, count
                    self._answered_us, self._ended_us, self._waited_us = answered_us, ended_us, waited_us
                    self._done.append(self._episode(state))
                state, edge_us = now, self._edge_after(asked)
                self._first_us, self._why = asked, why
                gap_us, count, answered_us, ended_us, waited_us = 0, 0, answered, answered, 0
                last_us = asked
            if asked - last_us > gap_us:
                gap_us = asked - last_us
            if answered > ended_us:
                ended_us = answered
            elif answered < answered_us:
                answered_us = answered
            count += 1
            waited_us += answered - asked
            last_us = asked
        self._state = state
        self._last_us, self._edge_us, self._gap_us, self._count = last_us, edge_us, gap_us, count
        self._answered_us, self._ended_us, self._waited_us = answered_us, ended_us, waited_us

    def _edge_after(self, moment_us: int) -> int:
        place = bisect_right(self._edges, moment_us)
        return self._edges[place] if place < len(self._edges) else NEVER_US

    def _episode(self, state: State) -> Episode:
        seen, heard, sender = state
        return Episode(
            probe=self._probe,
            seen=seen,
            first_us=self._first_us,
            last_us=self._last_us,
            count=self._count,
            longest_gap_us=self._gap_us,
            answered_us=self._answered_us,
            why=self._why,
            heard=heard,
            sender=sender,
            ended_us=self._ended_us,
            waited_us=self._waited_us,
        )

    @property
    def episodes(self) -> tuple[Episode, ...]:
        """Give the episodes so far, the open one last."""
        return (*self._done, self._episode(self._state)) if self._state is not None else tuple(self._done)


def fold(samples: Iterable[Sample], edges: tuple[int, ...] = ()) -> tuple[Episode, ...]:
    """Fold samples into episodes at once."""
    folder = Folder(edges)
    folder.add(samples)
    return folder.episodes


class Folded(Protocol):
    """Samples of a run that fold into episodes, wherever they are kept."""

    def folded(self, edges: tuple[int, ...]) -> Mapping[str, tuple[Episode, ...]]:
        """Fold the samples of every probe, in the conductor's monotonic time."""
        ...
