"""Disks that fail or wait on command. The disk is the real one; only its fsync is ours."""

from __future__ import annotations

import errno
import os
import threading


class CountingSync:
    """A real fsync that counts, and that can be held up: a sick disk answers when it likes."""

    def __init__(self) -> None:
        self.count = 0
        self.may_go = threading.Event()
        self.may_go.set()
        self.waiting = threading.Event()

    def __call__(self, descriptor: int) -> None:
        """Sync, when allowed to."""
        self.waiting.set()
        # The limit keeps a failed test from hanging for ever.
        self.may_go.wait(60)
        os.fsync(descriptor)
        self.count += 1


class FailingSync:
    """An fsync that fails once, when told, and would succeed ever after, as Linux's does."""

    def __init__(self) -> None:
        self.fails_next = False

    def __call__(self, descriptor: int) -> None:
        """Sync, or fail once."""
        if self.fails_next:
            self.fails_next = False
            raise OSError(errno.EIO, "Input/output error")
        os.fsync(descriptor)
