"""Disks that fail or wait on command. The disk is the real one; only its fsync is the test's.

It runs in the child that writes, so what tells it to wait or fail is shared between processes.
"""

from __future__ import annotations

import errno
import multiprocessing
import os

from tests.patience import PATIENCE_S


class CountingSync:
    """A real fsync that counts, and that can be held up: a sick disk answers when it likes."""

    def __init__(self) -> None:
        self._count = multiprocessing.Value("i", 0)
        self.may_go = multiprocessing.Event()
        self.may_go.set()
        self.waiting = multiprocessing.Event()

    @property
    def count(self) -> int:
        """How many were done."""
        return int(self._count.value)

    def forget(self) -> None:
        """Count from here."""
        self._count.value = 0

    def __call__(self, descriptor: int) -> None:
        """Sync, when allowed to."""
        self.waiting.set()
        # The limit keeps a failed test from hanging for ever.
        self.may_go.wait(PATIENCE_S)
        os.fsync(descriptor)
        self._count.value += 1


class FailingSync:
    """An fsync that fails once, when told, and would succeed ever after, as Linux's does."""

    def __init__(self) -> None:
        self._fails_next = multiprocessing.Event()

    def fail_next(self) -> None:
        """Fail the next one."""
        self._fails_next.set()

    def __call__(self, descriptor: int) -> None:
        """Sync, or fail once."""
        if self._fails_next.is_set():
            self._fails_next.clear()
            raise OSError(errno.EIO, "Input/output error")
        os.fsync(descriptor)
