"""The samples of a run's vantages, each in its own time, placed on the conductor's clock and folded. Pure, and in bounded memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from islandmode.core.clocks import ClockLine
from islandmode.core.episodes import Episode, Folder, Row, Sample, sample_of

Batch = tuple[str, list[Row]]


class Spooled(Protocol):
    """The samples of one vantage, wherever they are kept, in its own time."""

    def batches(self) -> Iterator[Batch]:
        """Give each probe's samples in the order in which they were asked, some at a time."""
        ...


@dataclass(frozen=True)
class Between:
    """The samples of a spool that were asked between two moments of its own time: a kit sees more than the run."""

    spool: Spooled
    from_us: int
    until_us: int

    def batches(self) -> Iterator[Batch]:
        """Give each probe's samples in the order in which they were asked."""
        for probe, rows in self.spool.batches():
            mine = [row for row in rows if self.from_us <= row[0] <= self.until_us]
            if mine:
                yield probe, mine


@dataclass(frozen=True)
class Placed:
    """What was collected of a run: the samples of each vantage, and the line of its clock; `vantages` names that of each probe."""

    vantages: Mapping[str, str]
    spools: Mapping[str, Spooled]
    lines: Mapping[str, ClockLine]

    def folded(self, edges: tuple[int, ...]) -> Mapping[str, tuple[Episode, ...]]:
        """Fold the samples of every probe, in the conductor's monotonic time."""
        folders = {probe: Folder(edges, probe) for probe in self.vantages}
        for probe, rows in self._batches():
            folders[probe].take(rows)
        return {probe: folder.episodes for probe, folder in folders.items()}

    def samples(self) -> dict[str, tuple[Sample, ...]]:
        """List the samples of every probe, numbered; for runs that are short."""
        found: dict[str, list[Sample]] = {probe: [] for probe in self.vantages}
        for probe, rows in self._batches():
            start = len(found[probe])
            found[probe] += [sample_of(probe, start + number, row) for number, row in enumerate(rows)]
        return {probe: tuple(samples) for probe, samples in found.items()}

    def _batches(self) -> Iterator[Batch]:
        for vantage, spool in self.spools.items():
            line = self.lines.get(vantage)
            if line is None:
                continue
            for probe, rows in spool.batches():
                # A vantage is heard about its own probes only, whatever its spool says.
                if self.vantages.get(probe) == vantage:
                    yield probe, list(_moved(rows, line))


def _moved(rows: Iterable[Row], line: ClockLine) -> Iterator[Row]:
    """Give rows in the conductor's time; a sample waits as long on either clock."""
    at = line.at
    for asked_us, answered_us, state, value, why in rows:
        shift_us = at(asked_us) - asked_us
        yield asked_us + shift_us, answered_us + shift_us, state, value, why
