"""The transcript of a console: each line that was sent and what was shown for it, masked, with the time. Bounded in size.

Masking takes longer than a restore may wait, and a sink may write to a disk that hangs: so a thread of its own does both, and who
speaks to a device only puts a text into a queue. Where the sink falls behind, what waits is bounded too, and what is left out is counted
in its place. Passwords that are typed never come here.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from islandmode.isolation import incoming
from islandmode.system.clock import Clock
from islandmode.system.ready import Work, start_work

LETTERS_MOST = 8 * 1024 * 1024
"""How much is kept of one console: a configuration or two, and what a drill says besides."""
ENTRIES_MOST = 50_000
WAITING_MOST = 256 * 1024
"""How much waits for a sink that is slow."""
LEFT_OUT = "(the rest is left out: the transcript is full)"
NOT_TAKEN = "(left out here, because what was said before was not written yet: {count})"


Way = Literal["sent", "heard", "note"]


@dataclass(frozen=True)
class Said:
    """A line that was sent, or what was shown after it; or, as a note, what is left out there."""

    utc_us: int
    monotonic_us: int
    way: Way
    text: str


class MaskedTranscript:
    """Hands what was said to a sink: masked, in order, in a thread of its own."""

    def __init__(
        self,
        clock: Clock,
        sink: Callable[[Said], None],
        *,
        letters_most: int = LETTERS_MOST,
        start: Callable[[Work], None] = start_work,
    ) -> None:
        """Know where it goes. The sink may block; where it raises OSError or ValueError, nothing more is handed to it.

        `start` has work done in another thread, at once or later; it may raise RuntimeError.
        """
        self._clock = clock
        self._sink = sink
        self._start = start
        self._left = letters_most
        self._unwritten = self._missed = 0
        self._entries = ENTRIES_MOST
        self._lock = threading.Lock()
        self._waiting: deque[Said] = deque()
        self._is_handing = False
        self._is_full = False
        self.trouble = ""
        """Why nothing more is handed on; empty while all is."""

    def sent(self, line: str) -> None:
        """Take in a line that leaves."""
        self._take("sent", line)

    def heard(self, text: str) -> None:
        """Take in what was shown."""
        if text:
            self._take("heard", text)

    def _take(self, way: Way, text: str) -> None:
        # Masking looks at this much and no more; what it drops need not be kept until then.
        kept = incoming.spoken_part(text)
        with self._lock:
            if self._is_full or self.trouble:
                return
            if self._unwritten + len(kept) > WAITING_MOST:
                self._missed += 1
                return
            self._left -= len(kept) + 1
            self._entries -= 1
            if self._left < 0 or self._entries <= 0:
                self._is_full, kept = True, LEFT_OUT
            self._tell_of_missed()
            self._put(way, kept)
            if self._is_handing:
                return
            self._is_handing = True
        try:
            self._start(self._hand_on)
        except RuntimeError as error:
            with self._lock:
                self._is_handing = False
                self.trouble = f"this machine has no thread left for it ({error})"

    def _put(self, way: Way, text: str) -> None:
        self._unwritten += len(text)
        self._waiting.append(Said(self._clock.utc_us(), self._clock.monotonic_us(), way, text))

    def _tell_of_missed(self) -> None:
        """Put in place of what was left out how much that was."""
        if self._missed:
            self._put("note", NOT_TAKEN.format(count=self._missed))
            self._missed = 0

    def _hand_on(self) -> None:
        while (said := self._next()) is not None:
            trouble = ""
            try:
                self._sink(Said(said.utc_us, said.monotonic_us, said.way, incoming.spoken(said.text)))
            except (OSError, ValueError) as error:
                trouble = incoming.sentence(error)
            with self._lock:
                self._unwritten -= len(said.text)
                self.trouble = self.trouble or trouble

    def _next(self) -> Said | None:
        with self._lock:
            if not self._waiting:
                self._tell_of_missed()
            if self._waiting and not self.trouble:
                return self._waiting.popleft()
            self._waiting.clear()
            self._is_handing = False
            return None
