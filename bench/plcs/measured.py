"""What every reader of this bench keeps of its samples, and says at its end: four numbers a sample, CPU seconds and peak memory."""

from __future__ import annotations

import time
from array import array
from pathlib import Path


def now_us() -> int:
    """Read the monotonic clock."""
    return time.monotonic_ns() // 1000


def address(number: int) -> str:
    """Give a target's address, as server.c has it."""
    return f"127.1.{number // 250}.{number % 250 + 1}"


class Measured:
    """Samples of a stretch: those asked from `warm_s` after the beginning on, for `seconds`."""

    def __init__(self, warm_s: float, seconds: float) -> None:
        """Begin."""
        self.begin_us = now_us()
        self.from_us = self.begin_us + round(warm_s * 1e6)
        self.end_us = self.from_us + round(seconds * 1e6)
        self._rows = array("q")
        self._began_s: float | None = None
        self._ended_s: float | None = None

    def add(self, number: int, asked_us: int, answered_us: int, good: int) -> None:
        """Keep one sample."""
        if answered_us < self.from_us:
            return
        if self._began_s is None:
            self._began_s = time.process_time()
        if answered_us >= self.end_us and self._ended_s is None:
            self._ended_s = time.process_time()
        if self.from_us <= asked_us < self.end_us:
            self._rows.extend((number, asked_us, answered_us, good))

    def end(self, path: Path) -> None:
        """Write the samples, and say what they took."""
        ended_s = time.process_time() if self._ended_s is None else self._ended_s
        status = Path("/proc/self/status").read_text(encoding="ascii")
        # Not by getrusage: that begins with the memory of the parent process.
        peak_kib = int(status.partition("VmHWM:")[2].split()[0])
        path.write_bytes(self._rows.tobytes())
        print(f"{ended_s - (self._began_s or ended_s):f} {peak_kib}")
