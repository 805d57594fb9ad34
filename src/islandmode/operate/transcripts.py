"""What a process of a run said to devices and heard from them, kept in the run: masked, stamped, and in no restore's way.

One thread masks and hands on, and a child writes (`store/transcripts`). Both are there from the opening of the points on, before anything
is armed, so that a restore needs no thread more for it. Where there is no room for them, or no folder of the run, no transcript is kept.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from islandmode.store.transcripts import TranscriptFiles
from islandmode.system.clock import Clock, iso_utc
from islandmode.system.ready import Work, start_beside

if TYPE_CHECKING:
    # A restore of what has no console imports none.
    from islandmode.isolation.by_recipe.transcript import MaskedTranscript, Said
    from islandmode.isolation.platform import Transcript

HAND_ON_S, WRITE_S = 2.0, 2.0
"""How long the end of a process waits for what was said to be masked, and then written."""
INDENT = "    "
SIGNS = {"sent": ">", "heard": "<", "note": "!"}


class Transcripts:
    """The transcripts of one process of a run, of all its points."""

    def __init__(self, root: Path, writer: str, clock: Clock) -> None:
        """Know the run's folder, which may not be there yet, and who writes; nothing is started yet."""
        self._root, self._writer, self._clock = root, writer, clock
        self._files: TranscriptFiles | None = None
        self._is_begun = False
        self._works: queue.SimpleQueue[Work | None] = queue.SimpleQueue()
        self._made: dict[tuple[str, str], Transcript | None] = {}

    def of(self, point: str) -> Callable[[str], Transcript | None]:
        """Give what makes the transcript of a session of a point, by the session's name; sessions of one name share it."""
        return partial(self._of_session, point)

    def _of_session(self, point: str, session: str) -> Transcript | None:
        if (point, session) not in self._made:
            self._made[point, session] = self._make(point, session)
        return self._made[point, session]

    def _make(self, point: str, session: str) -> MaskedTranscript | None:
        from islandmode.isolation.by_recipe.transcript import MaskedTranscript  # noqa: PLC0415 - only who has a console needs it

        files = self._files = self._files or self._begun()
        if files is None:
            return None
        return MaskedTranscript(
            self._clock, lambda said: files.append(point, _told(session, said)), start=self._works.put
        )

    def _begun(self) -> TranscriptFiles | None:
        """Start child and thread, once; None where there is no room for them, or it is over."""
        if self._is_begun:
            return None
        self._is_begun = True
        try:
            files = TranscriptFiles(self._root, self._writer)
        except OSError:
            return None
        try:
            start_beside(self._work)
        except RuntimeError:
            files.close(0.0, is_whole=False)
            return None
        return files

    def _work(self) -> None:
        while (work := self._works.get()) is not None:
            work()

    def close(self) -> None:
        """End every file, once what was said is written; waits for a disk for a few seconds at most. Never raises."""
        if self._files is None:
            return
        handed_on = threading.Event()
        self._works.put(handed_on.set)
        self._works.put(None)
        self._files.close(WRITE_S, is_whole=handed_on.wait(HAND_ON_S))
        self._files = None


def _told(session: str, said: Said) -> str:
    """Write one entry: a line with its times, and under it the lines of an answer, set in, so that no device can write an entry."""
    head = f"{iso_utc(said.utc_us)} {said.monotonic_us / 1_000_000:.6f} s  {session} {SIGNS[said.way]}"
    if said.way == "heard":
        return f"{head}\n" + "".join(f"{INDENT}{line}\n" for line in said.text.splitlines())
    return f"{head} {said.text}\n"
