"""A record of a bench that counts, to be spoilt in one place at a time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from islandmode.core.bench.record import BenchFiring, BenchRecord, DeviceToday, LateLine, Signature
from islandmode.core.rendering import RecipeUsed

AT = datetime(2026, 11, 27, 10, 0, tzinfo=UTC)
METHOD = RecipeUsed(name="ios-time-range", version=3, sha256="a" * 64)
SIGNED = Signature(person="A. Novak")
DECLARED_S, STEP_S, LOOK_S = 60.0, 1.0, 45.0


def firing(number: int = 0, **changed: Any) -> BenchFiring:
    begun = AT + timedelta(minutes=3 * number)
    told: dict[str, Any] = {
        "armed_at": begun,
        "acting_at": begun + timedelta(seconds=2),
        "ends_at": begun + timedelta(seconds=120),
        "gone_s": 1.5,
    }
    return BenchFiring(**(told | changed))


def record(**changed: Any) -> BenchRecord:
    told: dict[str, Any] = {
        "version": "0.1",
        "site": "kirkby",
        "device": "vendor-router",
        "person": "A. Novak",
        "at": AT,
        "ground": "device",
        "place": "10.20.0.2 port 22",
        "host_keys": ("SHA256:known",),
        "serial": "FDO1",
        "firmware": "17.15.1",
        "platform": "ios-time-range",
        "method": METHOD,
        "tried_on": "islandmode_STAND_IN",
        "timer_s": 120.0,
        "declared_lag_s": DECLARED_S,
        "step_s": STEP_S,
        "look_s": LOOK_S,
        "seen_by": "device",
        "firings": tuple(firing(number) for number in range(10)),
        "late_line": LateLine(after_s=63.0, acted=False),
        "gone": True,
        "same_configuration": True,
    }
    return BenchRecord(**(told | changed))


def today(**changed: Any) -> DeviceToday:
    told: dict[str, Any] = {
        "site": "kirkby",
        "device": "vendor-router",
        "method": METHOD,
        "host_keys": ("SHA256:known",),
        "firmware": "17.15.1",
        "serial": "FDO1",
        "now": AT + timedelta(days=30),
    }
    return DeviceToday(**(told | changed))
