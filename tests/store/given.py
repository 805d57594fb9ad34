"""A clock and disks for the store's tests."""

from __future__ import annotations

import errno
from dataclasses import dataclass, field
from pathlib import Path

import anyio

from islandmode.system.disk import AppendFile


@dataclass
class TickingClock:
    """Each reading is a millisecond after the one before."""

    boot_id: str = "boot-1"
    now_us: int = 0

    def monotonic_us(self) -> int:
        """Read and go on."""
        self.now_us += 1_000
        return self.now_us

    def utc_us(self) -> int:
        """Read without going on."""
        return 1_700_000_000_000_000 + self.now_us

    async def sleep(self, seconds: float) -> None:
        """Go on at once."""
        self.now_us += round(seconds * 1_000_000)
        await anyio.lowlevel.checkpoint()


@dataclass
class MemoryFile:
    """Keeps what is written, until it is told to fail; after that it would work again, if it were trusted."""

    written: bytes = b""
    fails: int = 0
    calls: list[str] = field(default_factory=list)

    async def write_synced(self, data: bytes) -> None:
        """Write, or fail once per count."""
        self.calls.append("synced")
        await anyio.lowlevel.checkpoint()
        if self.fails:
            self.fails -= 1
            raise OSError(errno.EIO, "Input/output error")
        self.written += data

    def write_unsynced(self, data: bytes) -> None:
        """Write at once."""
        self.calls.append("unsynced")
        self.written += data

    async def close(self) -> None:
        """Have nothing to close."""
        self.calls.append("close")


@dataclass
class MemoryDisk:
    """Makes one file in memory, or has no room."""

    file: MemoryFile = field(default_factory=MemoryFile)
    room: bool = True
    reserved: int = 0

    async def create(self, path: Path, reserve_bytes: int = 0) -> AppendFile:
        """Give the file."""
        if not self.room:
            raise OSError(errno.ENOSPC, "No space left on device", str(path))
        self.reserved = reserve_bytes
        return self.file

    async def replace(self, path: Path, data: bytes) -> None:
        """Keep nothing."""

    def free_bytes(self, path: Path) -> int:
        """Have plenty."""
        return 1 << 30
