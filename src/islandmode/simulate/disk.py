"""The simulated disk: what was written, and what of it is durable since when.

It fails as disks do. After a failed fsync the pages that were not yet durable are gone, although later calls would have
succeeded: the edge's rule that a file is never trusted again is what keeps a record from being acknowledged and lost.
`after_power_loss` shows a file as it would be found after the power went: the durable bytes, and nothing else.
"""

from __future__ import annotations

import errno
import random
from pathlib import Path

from islandmode.simulate.clock import SimulatedClock
from islandmode.simulate.faults import FaultBook, Kind

SYNC_US = (200, 4_000)


class SimulatedFile:
    """One append-only file on the simulated disk."""

    def __init__(self, clock: SimulatedClock, faults: FaultBook, dice: random.Random) -> None:
        """Start empty."""
        self._clock = clock
        self._faults = faults
        self._dice = dice
        self._cached = b""
        self._failed = False
        self.durable = b""
        self._durable_at: list[tuple[int, int]] = []

    async def write_synced(self, data: bytes) -> None:
        """Append and return when durable."""
        self._refuse_if_failed()
        if self._faults.take(Kind.DISK_FULL):
            self._fail(errno.ENOSPC, "No space left on device")
        self._cached += data
        await self._clock.sleep(self._sync_s())
        self._refuse_if_failed()
        if self._faults.take(Kind.SYNC_FAILS):
            self._fail(errno.EIO, "Input/output error")
        self._flush()

    def _sync_s(self) -> float:
        slow = self._faults.take(Kind.DISK_SLOW)
        return (slow.amount_s if slow is not None else 0.0) + self._dice.randint(*SYNC_US) / 1_000_000

    def _fail(self, number: int, sentence: str) -> None:
        self._failed = True
        self._cached = b""
        raise OSError(number, sentence)

    def _refuse_if_failed(self) -> None:
        if self._failed:
            raise OSError(errno.EIO, "the file failed before and is not trusted any more")

    def write_unsynced(self, data: bytes) -> None:
        """Append if that is possible at once; the disk makes it durable when it gets to it."""
        if not self._failed:
            self._cached += data
            self._clock.at(self._clock.monotonic_us() + self._dice.randint(*SYNC_US), self._flush)

    async def close(self) -> None:
        """Close; the last bytes become durable if the file is sound."""
        self._flush()

    def _flush(self) -> None:
        if self._failed or self._clock.over:
            return
        self.durable += self._cached
        self._cached = b""
        self._durable_at.append((self._clock.monotonic_us(), len(self.durable)))

    def durable_at(self, at_us: int) -> bytes:
        """Show what was durable at a moment that is past."""
        lengths = [length for when_us, length in self._durable_at if when_us <= at_us]
        return self.durable[: max(lengths, default=0)]


class SimulatedDisk:
    """Implements the disk edge in memory."""

    def __init__(self, clock: SimulatedClock, faults: FaultBook, dice: random.Random) -> None:
        """Start empty."""
        self._clock = clock
        self._faults = faults
        self._dice = dice
        self.files: dict[Path, SimulatedFile] = {}
        self.replaced: dict[Path, bytes] = {}

    async def create(self, path: Path, reserve_bytes: int = 0) -> SimulatedFile:
        """Make a new file; an existing one is never overwritten."""
        self._clock.refuse_if_over()
        if path in self.files:
            raise FileExistsError(errno.EEXIST, "File exists", str(path))
        made = SimulatedFile(self._clock, self._faults, self._dice)
        self.files[path] = made
        return made

    def free_bytes(self, path: Path) -> int:
        """Say how much room there is."""
        return 1 << 30

    async def replace(self, path: Path, data: bytes) -> None:
        """Write a file whole or not at all."""
        await self._clock.sleep(self._dice.randint(*SYNC_US) / 1_000_000)
        if self._faults.take(Kind.DISK_FULL):
            raise OSError(errno.ENOSPC, "No space left on device")
        self.replaced[path] = data

    def after_power_loss(self, path: Path) -> bytes:
        """Show what would be found of a file if the power went now."""
        return self.files[path].durable
