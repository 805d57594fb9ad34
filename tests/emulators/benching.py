"""A bench of an emulated device, in whose minutes nobody waits: a clock that jumps over every wait, and the device's with it."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import anyio
import anyio.lowlevel

from islandmode.core.bench.record import What
from islandmode.operate.bench import BenchEnd, BenchOrder, bench
from islandmode.operate.site_devices import find_device
from islandmode.operate.telling import Kept
from islandmode.system.clock import MachineClock
from tests.emulators.device import Device
from tests.emulators.kirkby import Kirkby

PERSON = "A. Novak"


class BenchClock(MachineClock):
    """This machine's clock, which jumps over every wait and takes the device's along."""

    def __init__(self, device: Device) -> None:
        super().__init__(MachineClock.of_this_boot().boot_id)
        object.__setattr__(self, "device", device)
        object.__setattr__(self, "skipped_us", 0)
        object.__setattr__(self, "waits", [])
        object.__setattr__(self, "at_wait", lambda _seconds: None)

    device: Device
    skipped_us: int
    waits: list[float]
    at_wait: Callable[[float], object]

    def monotonic_us(self) -> int:
        return super().monotonic_us() + self.skipped_us

    def utc_us(self) -> int:
        return super().utc_us() + self.skipped_us

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.at_wait(seconds)
        object.__setattr__(self, "skipped_us", self.skipped_us + round(seconds * 1_000_000))
        self.device.clock.move(seconds)
        await anyio.lowlevel.checkpoint()


def new_key(folder: Path, name: str = "operator") -> Path:
    """Make an SSH key of a person."""
    path = folder / name
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(path)], check=True)
    return path


def allow(workspace: Path, key: Path, person: str = PERSON, more: str = 'namespaces="bench@islandmode"') -> None:
    """Write a person's key into the workspace's allowed signers."""
    public = key.with_name(f"{key.name}.pub").read_text(encoding="ascii").strip()
    with (workspace / "inventory" / "allowed_signers").open("a", encoding="utf-8") as file:
        file.write(f'"{person}" {more} {public}\n')


class Bencher:
    """A person with a key, before an emulated device."""

    def __init__(self, kirkby: Kirkby) -> None:
        self.kirkby = kirkby
        self.key = new_key(kirkby.root)
        allow(kirkby.root, self.key)
        self.clock = BenchClock(kirkby.server.device)
        self.heard = Kept()

    def benches(self, firings: int = 2, *outages: What, confirmed: str | None = None) -> BenchEnd:
        """Bench the device, with what a person does to it meanwhile."""
        root, name = self.kirkby.root, self.kirkby.name
        typed = name if confirmed is None else confirmed
        order = BenchOrder(root, find_device(root, name, None), self.key, firings, outages, typed)
        ended = bench(order, self.heard, self.clock)
        assert isinstance(ended, BenchEnd)
        return ended

    @property
    def now(self) -> datetime:
        """What this machine's clock tells."""
        return datetime.fromtimestamp(self.clock.utc_us() / 1_000_000, UTC)
