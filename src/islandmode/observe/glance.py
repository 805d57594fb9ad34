"""One look from where this process stands, beside the workers: how a restore sees what a person's hand did."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from islandmode.core.probe import Probe
from islandmode.observe.looks import LOOKS, sample


async def glance(probes: Mapping[str, Probe]) -> dict[str, dict[str, Any]]:
    """Ask some probes once, all at the same time, each within its own timeout; gives what a sample says of each, by name."""
    found = await asyncio.gather(*(_ask(probe) for probe in probes.values()))
    return dict(zip(probes, found, strict=True))


async def _ask(probe: Probe) -> dict[str, Any]:
    return await sample(LOOKS[probe.kind](probe.model_dump(mode="json", by_alias=True)), probe.timeout)
