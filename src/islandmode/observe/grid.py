"""Every probe's slots: fixed times, staggered against each other, and what becomes of those for which the worker was late. Pure.

Standard library only and Python 3.9: it goes to far hosts with the worker.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping

LATE_SLOTS_MAX = 20


Slot = tuple[str, int, int]
"""A probe's turn: its name, when it is due, and how many of its slots before this one passed while nobody could use them."""


class Grid:
    """Gives each slot once.

    A probe whose questions may overlap gets up to `LATE_SLOTS_MAX` late slots one by one, and asks for each. More are missed:
    asking many times now would not recover them. A probe with one question at a time could only ask once, so it misses
    every late slot but the newest.
    """

    def __init__(self, overlaps: Mapping[str, bool], every_us: int, begin_us: int) -> None:
        """Stagger the probes over one period."""
        count = max(len(overlaps), 1)
        self._every_us = every_us
        self._probes = tuple(overlaps.items())
        # In order of time, so it is a heap.
        self._next = [(begin_us + place * every_us // count, place) for place in range(len(overlaps))]

    @property
    def next_us(self) -> float:
        """Tell when the next slot is due; never, where there is no probe."""
        return self._next[0][0] if self._next else float("inf")

    def due(self, now_us: int) -> Iterator[Slot]:
        """Give the slots that are due by now."""
        every_us, coming = self._every_us, self._next
        while coming and coming[0][0] <= now_us:
            due_us, place = coming[0]
            name, overlaps = self._probes[place]
            missed = (now_us - due_us) // every_us
            if missed and overlaps and missed <= LATE_SLOTS_MAX:
                missed = 0
            due_us += missed * every_us
            heapq.heapreplace(coming, (due_us + every_us, place))
            yield name, due_us, missed
