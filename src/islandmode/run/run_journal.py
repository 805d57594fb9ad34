"""The journal of a run, as the conductor and its parts write it.

A journal that failed pulls the stop latch; it never breaks a restore.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec

from islandmode.core.entry import Entry
from islandmode.core.record import Record
from islandmode.run.progress import Stop, StopLatch
from islandmode.store.journal import Journal, JournalFailed

P = ParamSpec("P")


class RunJournal:
    """Writes records for the conductor and its parts."""

    def __init__(self, journal: Journal, latch: StopLatch) -> None:
        """Write into this journal; pull this latch when it fails."""
        self._journal = journal
        self._latch = latch

    async def append(self, entry: Entry) -> bool:
        """Return true when the record is durable; false, with the latch pulled, when the journal failed.

        No durable record, no isolate: a caller that is about to change a device must look at the answer.
        """
        if not self._journal.trusted:
            # Not durable any more, but the verdict and the report still need it: without it they would know less.
            self._journal.keep(entry.record_kind, entry.data())
            return False
        try:
            await self._journal.append(entry)
        except JournalFailed as failed:
            self._latch.pull(Stop("internal", f"The journal cannot be written any more ({failed})."))
            return False
        return True

    def note(self, make: Callable[P, Entry], *args: P.args, **said: P.kwargs) -> Record:
        """Keep a record without waiting for any disk: for everything from the order to restore until it was seen."""
        return self._journal.note(make, *args, **said)
