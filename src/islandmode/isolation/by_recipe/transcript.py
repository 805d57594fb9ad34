"""The transcript of a console: each line that was sent and what was shown for it, masked, with the time. Bounded in size.

Masking takes longer than a restore may wait, and a sink may write to a disk that hangs: so a thread of its own does both, and who
speaks to a device only puts a text into a queue. Passwords that are typed never come here.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

from islandmode.isolation import incoming
from islandmode.system.clock import Clock
from islandmode.system.ready import start_work

LETTERS_MOST = 8 * 1024 * 1024
"""How much is kept of one console: a configuration or two, and what a drill says besides."""
ENTRIES_MOST = 50_000
LEFT_OUT = "(the rest is left out: the transcript is full)"


@dataclass(frozen=True)
class Said:
    """A line that was sent, or what was shown after it."""

    utc_us: int
    monotonic_us: int
    way: Literal["sent", "heard"]
    text: str


class Transcript(Protocol):
    """What a console tells of itself; neither call may block, or raise."""

    def sent(self, line: str) -> None:
        """A line is about to leave."""
        ...

    def heard(self, text: str) -> None:
        """This was shown since."""
        ...


class MaskedTranscript:
    """Hands what was said to a sink: masked, in order, in a thread of its own."""

    def __init__(self, clock: Clock, sink: Callable[[Said], None], *, letters_most: int = LETTERS_MOST) -> None:
        """Know where it goes. The sink may block; where it raises OSError or ValueError, nothing more is handed to it."""
        self._clock = clock
        self._sink = sink
        self._left = letters_most
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

    def _take(self, way: Literal["sent", "heard"], text: str) -> None:
        # Masking looks at this much and no more; what it drops need not be kept until then.
        kept = incoming.spoken_part(text)
        with self._lock:
            if self._is_full or self.trouble:
                return
            self._left -= len(kept) + 1
            self._entries -= 1
            if self._left < 0 or self._entries <= 0:
                self._is_full, kept = True, LEFT_OUT
            self._waiting.append(Said(self._clock.utc_us(), self._clock.monotonic_us(), way, kept))
            if self._is_handing:
                return
            self._is_handing = True
        try:
            start_work(self._hand_on)
        except RuntimeError as error:
            with self._lock:
                self._is_handing = False
                self.trouble = f"this machine has no thread left for it ({error})"

    def _hand_on(self) -> None:
        while True:
            with self._lock:
                if not self._waiting or self.trouble:
                    self._waiting.clear()
                    self._is_handing = False
                    return
                said = self._waiting.popleft()
            try:
                self._sink(Said(said.utc_us, said.monotonic_us, said.way, incoming.spoken(said.text)))
            except (OSError, ValueError) as error:
                with self._lock:
                    self.trouble = incoming.sentence(error)
