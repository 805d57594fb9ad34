"""A stage on several devices isolates all of its conduits or none: whatever becomes of one device, every device is restored."""

from __future__ import annotations

from dataclasses import replace

import pytest

from islandmode.core.lifecycle import Phase
from islandmode.simulate.faults import Fault, Kind
from islandmode.simulate.kinds import KINDS
from tests.run.simulated_drill import Shape
from tests.run.simulated_run import Ended, run
from tests.run.test_arming import LINE, VENDOR, Steady

PLATFORMS = tuple(name for name, kind in KINDS.items() if kind.capabilities().arms == "before")
AT_ISOLATE = Fault(kind=Kind.REFUSED, phase=Phase.ISOLATING, target=VENDOR, call="isolate", times=1)
TROUBLES = {
    "it refuses": AT_ISOLATE,
    "the order is lost": replace(AT_ISOLATE, kind=Kind.LOST_REQUEST),
    "it hangs, and takes the order late": replace(AT_ISOLATE, kind=Kind.HANG_LATE, call="", for_s=20.0, times=1 << 30),
    "it answers nothing any more": replace(AT_ISOLATE, kind=Kind.HANG, call="", for_s=20.0, times=1 << 30),
}


def played(platform: str, *faults: Fault) -> Ended:
    return run(1, Shape.of(platform, two_points=True, one_stage=True), faults, dice_type=Steady)


def did(ended: Ended, device: str) -> list[str]:
    return [one.what for one in ended.plant.devices[device].tape]


@pytest.mark.parametrize("platform", PLATFORMS)
def test_a_stage_on_two_devices_isolates_both_at_once(platform: str) -> None:
    """Without trouble, so that what stands below can fail."""
    ended = played(platform)
    assert (ended.claims.verdict, ended.claims.restoration, ended.violations) == ("held", "proven", ())
    assert "isolating" in did(ended, LINE)
    assert "isolating" in did(ended, VENDOR)


@pytest.mark.parametrize("trouble", TROUBLES)
@pytest.mark.parametrize("platform", PLATFORMS)
def test_what_one_device_did_not_do_is_undone_on_the_other(platform: str, trouble: str) -> None:
    ended = played(platform, TROUBLES[trouble])
    assert ended.violations == (), ended.story()
    assert ended.claims.verdict != "held"
    assert ended.times("hold.ended") == ()
    assert not any(device.objects for device in ended.plant.devices.values())


@pytest.mark.parametrize("platform", PLATFORMS)
def test_a_device_that_is_restored_late_delays_no_other(platform: str) -> None:
    """Each is restored on its own."""
    late = Fault(kind=Kind.HANG, phase=Phase.RESTORING, target=VENDOR, for_s=15.0)
    quick, slow = played(platform), played(platform, late)
    assert back_us(slow, LINE) == back_us(quick, LINE)
    assert back_us(slow, VENDOR) > back_us(quick, VENDOR) + 5_000_000


def back_us(ended: Ended, device: str) -> int:
    """Give when a device let traffic pass again, from the order to restore on."""
    last = next(one.at_us for one in reversed(ended.plant.devices[device].tape) if one.what in {"deleted", "released"})
    return last - ended.claims.started_us - ended.times("restore.ordered")[0]
