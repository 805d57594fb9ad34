"""A drill that ends in the middle of an isolate on a device that goes by its clock, by the numbers of the recipes that ship.

The device works on the order for a second. However the drill ends, and whenever: the plant is back at once and stays so, and the run is
judged as it went. An order that comes much later, but before the end that it brings, isolates and is taken back; after that end it
isolates nothing.
"""

from __future__ import annotations

import pytest

from islandmode.core.lifecycle import Phase
from islandmode.run.restore import WATCH_MAX_S
from islandmode.simulate.by_recipe import Window
from islandmode.simulate.faults import Fault, Kind
from islandmode.simulate.kinds import KINDS
from tests.more import first_of, one_in
from tests.run.simulated_drill import Shape
from tests.run.simulated_run import Ended, run
from tests.run.test_arming import Steady

WINDOWS = tuple(name for name, kind in KINDS.items() if issubclass(kind.device, Window))
FIREWALL = "conduit-firewall"
WORKS_S = 1.0
STEPS_S = (0.001, 0.3, 0.999, 1.001)
"""Before the order has come, while the device works on it, and right before and after that."""
ENDS = {
    "somebody stops it": (Kind.SIGNAL, ("inconclusive", "proven")),
    "somebody asks for an abort": (Kind.ABORT, ("inconclusive", "proven")),
    "the conductor is killed": (Kind.CONDUCTOR_KILLED, (None, None)),
    "the conductor sleeps, and its guardian takes over": (Kind.CONDUCTOR_STOPPED, ("inconclusive", "proven")),
}
each_window = pytest.mark.parametrize("name", WINDOWS)
each_end = pytest.mark.parametrize("end", ENDS)


def stopped(name: str, end: str, after_s: float, *more: Fault) -> Ended:
    kind = ENDS[end][0]
    stop = Fault(kind, Phase.ISOLATING, after_s, amount_s=15.0)
    return run(1, Shape.of(name, one_stage=True), (stop, *more), dice_type=Steady)


def under_way(late_s: float) -> Fault:
    return Fault(Kind.SLOW_WRITE, Phase.ISOLATING, target=FIREWALL, call="isolate", times=1, amount_s=late_s)


def isolated_s(ended: Ended) -> list[float]:
    """Give how long each isolation of this run lasted."""
    network = ended.plant.network
    return [
        (one.until_us - one.from_us) / 1_000_000
        for name in network.conduits
        for one in network.stretches(name)
        if " isolates " in one.by
    ]


def window_ends_us(ended: Ended) -> int:
    """Give when the timer ends that was set at arm, with all that it may be late."""
    created = next(one for one in ended.plant.devices[FIREWALL].tape if one.what == "created")
    return created.at_us + round((ended.plant.plan.dead_man_s + ended.plant.devices[FIREWALL].late_s) * 1_000_000)


def rightly_judged(ended: Ended, end: str) -> None:
    assert ended.claims.restored
    assert (ended.claims.verdict, ended.claims.restoration) == ENDS[end][1]
    assert ended.violations == (), ended.story()
    assert not ended.plant.devices[FIREWALL].objects


@each_window
@each_end
@pytest.mark.parametrize("after_s", one_in(2, STEPS_S))
def test_it_is_restored_at_once_however_it_ends(name: str, end: str, after_s: float) -> None:
    ended = stopped(name, end, after_s)
    rightly_judged(ended, end)
    # A guardian is sure of the conductor's silence after a while.
    silent_s = 8.0 if ENDS[end][0] is Kind.CONDUCTOR_STOPPED else 1.0
    assert all(each < silent_s + 2 * WORKS_S for each in isolated_s(ended))


@each_window
@each_end
@pytest.mark.parametrize("late_s", first_of([40.0, 5.0, 150.0]))
def test_what_an_order_isolates_that_comes_late_is_taken_back_long_before_its_end(
    name: str, end: str, late_s: float
) -> None:
    ended = stopped(name, end, 0.3, under_way(late_s))
    rightly_judged(ended, end)
    assert len(isolated_s(ended)) == 2
    assert all(each < WATCH_MAX_S + 2 * WORKS_S for each in isolated_s(ended))


@each_window
@each_end
def test_an_order_that_comes_after_its_end_isolates_nothing(name: str, end: str) -> None:
    ended = stopped(name, end, 0.3, under_way(310.0))
    rightly_judged(ended, end)
    assert isolated_s(ended) == []


@each_window
@each_end
def test_an_order_that_was_not_answered_keeps_the_proof_waiting_for_its_end(name: str, end: str) -> None:
    """The look that proves it comes after the last moment at which the order could have acted; without one it comes at once."""
    kind = ENDS[end][0]
    lost = Fault(Kind.LOST_REQUEST, Phase.ISOLATING, target=FIREWALL, call="isolate", times=1)
    ended, heard = stopped(name, end, 0.3, lost), stopped(name, end, 0.3)
    rightly_judged(ended, end)
    assert first_seen_us(ended) >= window_ends_us(ended) - round(WORKS_S * 1_000_000)
    # Nobody hears the answers of a conductor that is dead, or sleeps.
    if kind in (Kind.SIGNAL, Kind.ABORT):
        assert first_seen_us(heard) < window_ends_us(heard) - 60_000_000


def first_seen_us(ended: Ended) -> int:
    """Give when the device was first seen restored, by whichever process."""
    return min(one.monotonic_us for one in (*ended.claims.records, *ended.claims.others) if one.kind == "restore.seen")
