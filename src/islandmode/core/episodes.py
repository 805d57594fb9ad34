"""Samples and episodes: what a probe saw and heard, and runs of equal states."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import cast


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


def _begun_with(sample: Sample) -> Episode:
    asked_us, answered_us = sample.asked_us, sample.answered_us
    return Episode(
        probe=sample.probe,
        seen=sample.seen,
        first_us=asked_us,
        last_us=asked_us,
        count=1,
        longest_gap_us=0,
        answered_us=answered_us,
        why=sample.why,
        heard=sample.heard,
        sender=sample.sender,
        ended_us=answered_us,
        waited_us=answered_us - asked_us,
    )


class Folder:
    """Folds samples into episodes as they come; the result is the same however they are dealt into batches.

    Samples come in the order in which they were asked. At each of `edges` (times) an episode ends, so that no episode
    lies in two stages.
    """

    def __init__(self, edges: tuple[int, ...] = ()) -> None:
        """Start without samples."""
        self._edges = tuple(sorted(edges))
        self._done: list[Episode] = []
        self._open: Episode | None = None

    def add(self, samples: Iterable[Sample]) -> None:
        """Take more samples."""
        for sample in samples:
            now = self._open
            if now is None or not _is_like(now, sample) or self._is_parted(now.last_us, sample.asked_us):
                if now is not None:
                    self._done.append(now)
                self._open = _begun_with(sample)
                continue
            asked_us, answered_us = sample.asked_us, sample.answered_us
            # Written out: `dataclasses.replace` was half the cost of folding an hour of samples.
            self._open = Episode(
                now.probe,
                now.seen,
                now.first_us,
                asked_us,
                now.count + 1,
                max(now.longest_gap_us, asked_us - now.last_us),
                min(now.answered_us, answered_us),
                now.why,
                now.heard,
                now.sender,
                max(now.ended_us, answered_us),
                now.waited_us + answered_us - asked_us,
            )

    def _is_parted(self, before_us: int, after_us: int) -> bool:
        return bisect_right(self._edges, before_us) != bisect_right(self._edges, after_us)

    @property
    def episodes(self) -> tuple[Episode, ...]:
        """Give the episodes so far, the open one last."""
        return (*self._done, self._open) if self._open is not None else tuple(self._done)


def _is_like(now: Episode, sample: Sample) -> bool:
    # The sender too: a reset from beyond the firewall must not hide behind one from this side.
    return now.seen is sample.seen and now.heard is sample.heard and now.sender == sample.sender


def fold(samples: Iterable[Sample], edges: tuple[int, ...] = ()) -> tuple[Episode, ...]:
    """Fold samples into episodes at once."""
    folder = Folder(edges)
    folder.add(samples)
    return folder.episodes
