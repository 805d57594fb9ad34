"""What a restore needs of this machine, taken while there is still plenty: threads that wait for work, and memory to give back.

A thread that cannot be started, or memory that is not there, must be found out before anything is isolated and not by a restore.
"""

from __future__ import annotations

import _thread
import mmap
import os
import queue
from collections import deque
from collections.abc import Callable

from islandmode.system.arenas import keep_arenas_few

SPACE_BYTES = 64 * 1024 * 1024
"""Addresses, for stacks and for what the libraries below map by themselves; nothing is used of it."""
BLOCK_BYTES, BLOCKS = 60 * 1024, 32
"""Memory for objects, in blocks small enough to lie in the heap: it can be used even when no more memory can be mapped."""

Work = Callable[[], None]
_waiting: deque[queue.SimpleQueue[Work]] = deque()
# A forked child has none of the parent's threads: work handed to a thread there would never be done.
os.register_at_fork(after_in_child=_waiting.clear)


def start_work(work: Work) -> None:
    """Do blocking work in a thread that waits for some, else in a new thread; raises RuntimeError when there can be none.

    Work never waits behind other work, as it would in a pool. No thread keeps the program from ending.
    """
    try:
        _waiting.pop().put(work)
    except IndexError:
        _start(_work_on, work, queue.SimpleQueue())


def keep_threads(count: int) -> None:
    """Start threads that wait for work; raises RuntimeError when there can be none."""
    for _ in range(count):
        _start(_work_on, _nothing, queue.SimpleQueue())


def start_beside(work: Work) -> None:
    """Do work on which no restore rests in a thread of its own, and in none that waits for a restore; raises RuntimeError."""
    _start(work)


def _start(work: Callable[..., None], *given: object) -> None:
    keep_arenas_few()
    # Not `threading.Thread`: its `start` waits for ever for a thread that found no memory to begin with.
    _thread.start_new_thread(work, given)


def _nothing() -> None:
    pass


def _work_on(work: Work, inbox: queue.SimpleQueue[Work]) -> None:
    while True:
        work()
        _waiting.append(inbox)
        work = inbox.get()


class MemoryReserve:
    """Memory that is held from arming on and given back when a restore begins."""

    def __init__(self) -> None:
        """Hold nothing yet."""
        self._space: mmap.mmap | None = None
        self._blocks: list[bytearray] = []
        self._end = bytearray()

    def take(self) -> str:
        """Take it; returns why it is not there."""
        try:
            self._space = mmap.mmap(-1, SPACE_BYTES, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
            self._blocks = [bytearray(BLOCK_BYTES) for _ in range(BLOCKS)]
            # Kept for ever: memory freed at the end of the heap goes back to the machine, and may not be available again.
            self._end = bytearray(BLOCK_BYTES)
        except (MemoryError, OSError):
            self.give_back()
            return f"this process gets no {(SPACE_BYTES + BLOCKS * BLOCK_BYTES) // 2**20} MiB more for a restore"
        return ""

    def give_back(self) -> None:
        """Give it back; a second call has no effect. Never raises."""
        self._blocks.clear()
        if self._space is not None:
            self._space.close()
            self._space = None
