"""The clock edge: nothing else in the product reads a clock or sleeps."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

import anyio


class Clock(Protocol):
    """Monotonic microseconds for durations, UTC microseconds for people, and a way to wait."""

    @property
    def boot_id(self) -> str:
        """Name the boot that the monotonic clock belongs to."""
        ...

    def monotonic_us(self) -> int:
        """Read the monotonic clock in microseconds."""
        ...

    def utc_us(self) -> int:
        """Read UTC in microseconds since 1970."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait on the monotonic clock."""
        ...


@dataclass(frozen=True)
class MachineClock:
    """The clock of this machine."""

    boot_id: str

    @classmethod
    def of_this_boot(cls) -> MachineClock:
        """Make a clock that knows this boot's identity."""
        return cls(Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip())

    def monotonic_us(self) -> int:
        """Read the monotonic clock in microseconds."""
        return time.monotonic_ns() // 1000

    def utc_us(self) -> int:
        """Read UTC in microseconds since 1970."""
        return time.time_ns() // 1000

    async def sleep(self, seconds: float) -> None:
        """Wait on the monotonic clock."""
        await anyio.sleep(seconds)


def iso_utc(utc_us: int) -> str:
    """Write UTC microseconds as ISO 8601 with a Z, to the microsecond."""
    return datetime.fromtimestamp(utc_us / 1_000_000, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
