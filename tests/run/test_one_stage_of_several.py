"""A stage on several devices isolates all of its conduits or none: whatever becomes of one device, every device is restored."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest

from islandmode.core.lifecycle import Phase
from islandmode.core.plan import Step
from islandmode.run.conductor import Conductor
from islandmode.run.progress import Stop
from islandmode.simulate.faults import Fault, Kind
from islandmode.simulate.kinds import KINDS
from tests.more import one_in
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


@pytest.mark.parametrize("platform", one_in(3, PLATFORMS))
def test_a_stage_on_two_devices_isolates_both_at_once(platform: str) -> None:
    """Without trouble, so that what stands below can fail."""
    ended = played(platform)
    assert (ended.claims.verdict, ended.claims.restoration, ended.violations) == ("held", "proven", ())
    assert "isolating" in did(ended, LINE)
    assert "isolating" in did(ended, VENDOR)


@pytest.mark.parametrize(("trouble", "platform"), one_in(3, itertools.product(TROUBLES, PLATFORMS)))
def test_what_one_device_did_not_do_is_undone_on_the_other(platform: str, trouble: str) -> None:
    ended = played(platform, TROUBLES[trouble])
    assert ended.violations == (), ended.story()
    assert ended.claims.verdict != "held"
    assert ended.times("hold.ended") == ()
    assert not any(device.objects for device in ended.plant.devices.values())


@pytest.mark.parametrize("platform", one_in(3, PLATFORMS))
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


SLOW = Fault(kind=Kind.SLOW_WRITE, phase=Phase.ISOLATING, target=LINE, call="isolate", amount_s=0.3, times=1)
STOPS = {
    "the other device refuses": AT_ISOLATE,
    "somebody stops the run": Fault(kind=Kind.SIGNAL, phase=Phase.ISOLATING, after_s=0.1),
}


@pytest.mark.parametrize("stop", STOPS)
@pytest.mark.parametrize("platform", one_in(3, PLATFORMS))
def test_a_device_that_was_stopped_in_the_middle_is_proven_restored_as_soon_as_it_has_answered(
    platform: str, stop: str
) -> None:
    """And not when the last moment has passed at which its line might act: on a device that goes by its clock that takes minutes."""
    ended = played(platform, STOPS[stop], SLOW)
    assert (ended.violations, ended.claims.restoration) == ((), "proven"), ended.story()
    # The order under way, the restore that it may keep waiting, and one that takes back what it did.
    most_s = 1.0 + takes_s(platform, "isolate") + 2 * takes_s(platform, "restore")
    assert most_s < KINDS[platform].capabilities().latest_s + 2 * takes_s(platform, "restore")
    seen_s = (seen_us(ended, LINE) - ended.times("restore.ordered")[0]) / 1_000_000
    assert seen_s < most_s


@pytest.mark.parametrize("platform", PLATFORMS)
def test_what_an_order_isolates_that_lands_behind_the_restore_is_taken_back_at_once(platform: str) -> None:
    ended = played(platform, AT_ISOLATE, SLOW)
    isolated = [one.at_us for one in ended.plant.devices[LINE].tape if one.what == "isolating"]
    for at_us in isolated:
        back = min(one.at_us for one in ended.plant.devices[LINE].tape if one.what == "deleted" and one.at_us >= at_us)
        assert (back - at_us) / 1_000_000 < 1.0 + takes_s(platform, "isolate") + takes_s(platform, "restore")


class StoppedAtTheLastMoment(Conductor):
    """Hears that another device refused while it asks, right before an order, whether it may still isolate."""

    async def _isolate_step(self, stage: str, step: Step) -> None:
        closed = self._guards.closed

        async def hears() -> Stop | None:
            self._latch.pull(Stop("isolate", "Another device refused.", proven=False))
            return await closed()

        self._guards.closed = hears  # type: ignore[method-assign]
        await super()._isolate_step(stage, step)


@pytest.mark.parametrize("platform", PLATFORMS)
def test_a_device_that_has_not_begun_when_another_refuses_does_not_begin(platform: str) -> None:
    shape = Shape.of(platform, two_points=True, one_stage=True)
    ended = run(1, shape, conductor=StoppedAtTheLastMoment, dice_type=Steady)
    assert ended.violations == ()
    assert "isolating" not in did(ended, LINE) + did(ended, VENDOR)


def takes_s(platform: str, call: str) -> float:
    """Tell how long a kind of device works on a call."""
    return KINDS[platform].device.takes_us.get(call, 0) / 1_000_000


def seen_us(ended: Ended, device: str) -> int:
    """Give when a device was seen restored."""
    return next(
        one.monotonic_us - ended.claims.started_us
        for one in ended.claims.records
        if one.kind == "restore.seen" and one.data["point"] == device
    )
