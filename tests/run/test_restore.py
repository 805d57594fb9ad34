"""`restore_until_seen`, the one function that puts the plant back, on simulated devices that fail in every way."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import anyio
import pytest

from islandmode.core.capabilities import Capabilities
from islandmode.core.entry import Entry
from islandmode.core.outcome import Outcome, Reading
from islandmode.isolation.point import PointState
from islandmode.run.restore import WATCH_MAX_S, restore_until_seen
from islandmode.simulate.clock import START_US, SimulatedClock
from islandmode.simulate.device import OURS, SimulatedDevice
from islandmode.simulate.faults import Fault, FaultBook, Kind
from islandmode.simulate.network import SimulatedNetwork
from islandmode.simulate.point import LATEST_S, SimulatedPoint, Unheard
from islandmode.simulate.world import run_world

ABLE = Capabilities(
    arms="before",
    undo_tier="A",
    renewable=True,
    dead_man_min_s=1.0,
    dead_man_max_s=3600.0,
    granularity_s=1.0,
    latest_s=LATEST_S,
)


@dataclass
class Notebook:
    """Keeps what restore noted, and when."""

    clock: SimulatedClock
    rows: list[tuple[float, str, str, str]] = field(default_factory=list)

    def note(self, make: Callable[..., Entry], *_: Any, **data: Any) -> None:
        at_ms = (self.clock.monotonic_us() - START_US) / 1000
        kind = str(getattr(make, "record_kind", ""))
        self.rows.append((at_ms, kind, data["point"], data.get("outcome", "")))

    def about(self, point: str) -> list[tuple[float, str, str]]:
        return [(at_ms, kind, outcome) for at_ms, kind, name, outcome in self.rows if name == point]


class Steady(random.Random):
    """Every leg to a device takes 2 ms."""

    def randint(self, a: int, b: int) -> int:
        return min(a, b)


class Scene:
    """Some isolating devices, and the restore of all of them."""

    def __init__(self, *names: str, faults: tuple[Fault, ...] = ()) -> None:
        self.clock = SimulatedClock()
        self.faults = FaultBook(faults, self.clock)
        self.network = SimulatedNetwork(names, 1)
        self.devices = {name: SimulatedDevice(name, self.network, self.clock) for name in names}
        self.points = {
            name: SimulatedPoint(device, ABLE, (), self.clock, self.faults, Steady(1))
            for name, device in self.devices.items()
        }
        self.notes = Notebook(self.clock)

    def isolate(self) -> None:
        """Let every device isolate the conduit that bears its name."""
        for name, device in self.devices.items():
            device.create((name,), 600_000_000)
            device.isolate((name,))
        self.faults.phase_is(self.faults.phase)

    async def restore(self, give_up_after_s: float = 60.0, **more: Any) -> frozenset[str]:
        conduits = {name: (name,) for name in self.devices}
        return await restore_until_seen(
            self.points, conduits, notes=self.notes, clock=self.clock, give_up_after_s=give_up_after_s, **more
        )

    def play(self, seed: int = 1) -> frozenset[str]:
        async def main() -> frozenset[str]:
            self.isolate()
            return await self.restore()

        return run_world(seed, main)


def test_a_healthy_device_is_seen_restored_after_one_round_trip() -> None:
    scene = Scene("firewall")
    assert scene.play() == {"firewall"}
    assert scene.notes.about("firewall") == [(4.0, "restore.attempt", "done"), (4.0, "restore.seen", "")]


@pytest.mark.parametrize("seed", range(5))
def test_forty_five_devices_that_never_answer_do_not_delay_the_other(seed: int) -> None:
    dead = tuple(f"dead-{number}" for number in range(45))
    scene = Scene("alive", *dead, faults=tuple(Fault(Kind.HANG, target=name) for name in dead))
    assert scene.play(seed) == {"alive"}
    assert scene.notes.about("alive")[-1] == (4.0, "restore.seen", "")
    assert all(scene.notes.about(name)[-1][1] == "restore.unseen" for name in dead)


def test_attempts_back_off_and_end() -> None:
    scene = Scene("dead", faults=(Fault(Kind.HANG),))
    assert scene.play() == frozenset()
    attempts = [at_ms / 1000 for at_ms, kind, _ in scene.notes.about("dead") if kind == "restore.attempt"]
    # Three seconds for each answer, every third time twelve, and 0.2, 0.4, 0.8 ... up to 5 s between two attempts.
    assert attempts == pytest.approx([3.0, 6.2, 18.6, 22.4, 27.0, 42.2, 50.2, 58.2, 75.2])


def test_a_way_that_is_slow_is_waited_for() -> None:
    """A new login takes ten round trips: with attempts of three seconds alone it would never end."""
    scene = Scene("far", faults=(Fault(Kind.SLOW_WRITE, call="restore", amount_s=9.0),))
    assert scene.play() == {"far"}
    assert scene.notes.about("far")[-1][1] == "restore.seen"


def test_what_nobody_foresaw_at_one_device_ends_no_restore_of_another() -> None:
    class Odd(SimulatedPoint):
        async def restore(self, conduits: tuple[str, ...], deadline_s: float) -> Reading[PointState]:
            raise AssertionError("an answer that nobody foresaw")

    scene = Scene("odd", "other")
    scene.points["odd"] = Odd(scene.devices["odd"], ABLE, (), scene.clock, scene.faults, Steady(1))
    assert scene.play() == {"other"}
    assert scene.notes.about("odd")[-1][1] == "restore.unseen"


@pytest.mark.parametrize(
    ("kind", "outcome", "restored_ms"),
    [(Kind.REFUSED, "not done", 208.0), (Kind.LOST_REQUEST, "unknown", 3204.0), (Kind.LOST_REPLY, "unknown", 3204.0)],
)
def test_whatever_came_back_but_clear_is_tried_again(kind: Kind, outcome: str, restored_ms: float) -> None:
    scene = Scene("firewall", faults=(Fault(kind, call="restore", times=1),))
    assert scene.play() == {"firewall"}
    assert [row[2] for row in scene.notes.about("firewall")] == [outcome, "done", ""]
    assert scene.notes.about("firewall")[-1][0] == pytest.approx(restored_ms)


def test_done_without_being_clear_is_not_believed() -> None:
    class Deaf(SimulatedDevice):
        """Says done to the first two deletes, and does not delete."""

        deaf = 2

        def delete(self, conduits: tuple[str, ...], owner: str = OURS) -> str:
            self.deaf -= 1
            return "" if self.deaf >= 0 else super().delete(conduits, owner)

    scene = Scene("firewall")
    deaf = Deaf("firewall", scene.network, scene.clock)
    scene.devices["firewall"] = deaf
    scene.points["firewall"] = SimulatedPoint(deaf, ABLE, (), scene.clock, scene.faults, Steady(1))
    assert scene.play() == {"firewall"}
    assert [row[1:] for row in scene.notes.about("firewall")] == [("restore.attempt", "done")] * 3 + [
        ("restore.seen", "")
    ]


def test_a_cancel_from_outside_does_not_end_it() -> None:
    scene = Scene("firewall", faults=(Fault(Kind.HANG, for_s=10.0),))

    async def main() -> frozenset[str]:
        scene.isolate()
        with anyio.move_on_after(1.0):
            return await scene.restore()
        return frozenset()

    run_world(1, main)
    assert scene.notes.about("firewall")[-1][1] == "restore.seen"
    assert scene.network.blocked_by("firewall", scene.clock.monotonic_us()) == frozenset()


def test_restoring_what_is_restored_already_changes_nothing() -> None:
    scene = Scene("firewall")

    async def main() -> frozenset[str]:
        scene.isolate()
        await scene.restore()
        return await scene.restore()

    assert run_world(1, main) == {"firewall"}
    assert [one.what for one in scene.devices["firewall"].tape] == ["created", "isolating", "deleted"]


ARM_UNDER_WAY = Fault(Kind.SLOW_WRITE, call="arm", times=1, amount_s=1.5)


def test_a_look_while_a_line_that_was_given_up_may_still_act_proves_nothing() -> None:
    scene = Scene("firewall", faults=(ARM_UNDER_WAY,))

    async def main() -> frozenset[str]:
        scene.faults.phase_is(scene.faults.phase)
        given_up = await scene.points["firewall"].arm(("firewall",), 60.0, 0.5)
        assert given_up.outcome is Outcome.UNKNOWN
        return await scene.restore()

    assert run_world(1, main) == {"firewall"}
    *attempts, seen = scene.notes.about("firewall")
    assert {row[1:] for row in attempts} == {("restore.attempt", "done")}
    assert seen[1] == "restore.seen"
    # The device was clear at every one of them but where the line had landed.
    assert len(attempts) > 2
    assert [one.what for one in scene.devices["firewall"].tape] == ["created", "deleted"]
    assert seen[0] >= (scene.points["firewall"].late_until_us - START_US) / 1000


def test_what_a_late_line_isolates_goes_soon_and_not_only_when_no_line_may_act_any_more() -> None:
    """Of a device that goes by its clock a line may act until the timer's end: nobody looked until then."""
    scene = Scene("firewall")
    device = scene.devices["firewall"]
    able = ABLE.model_copy(update={"latest_s": 300.0})
    scene.points["firewall"] = SimulatedPoint(device, able, (), scene.clock, scene.faults, Steady(1))

    def isolate() -> None:
        device.create(("firewall",), 200_000_000)
        device.isolate(("firewall",))

    async def main() -> frozenset[str]:
        for after_s in (0.5, 100.0):
            scene.clock.at(START_US + round(after_s * 1_000_000), isolate)
        return await scene.restore(60.0, others_until_us=scene.clock.monotonic_us())

    assert run_world(1, main) == {"firewall"}
    begun = [one.at_us for one in device.tape if one.what == "isolating"]
    ended = [one.at_us for one in device.tape if one.what == "deleted"]
    assert [end - begin < WATCH_MAX_S * 1_000_000 for begin, end in zip(begun, ended, strict=True)] == [True, True]
    assert scene.notes.about("firewall")[-1][0] >= 300_000


@pytest.mark.parametrize("waits", [True, False])
def test_a_line_that_another_process_had_under_way_is_waited_for(*, waits: bool) -> None:
    scene = Scene("firewall", faults=(ARM_UNDER_WAY,))
    device = scene.devices["firewall"]
    other = SimulatedPoint(device, ABLE, (), scene.clock, scene.faults, Steady(2))

    async def main() -> frozenset[str]:
        scene.faults.phase_is(scene.faults.phase)
        with anyio.move_on_after(0.1):
            # Its process dies here, and knows nothing any more.
            await other.arm(("firewall",), 60.0, 5.0)
        others_until_us = scene.clock.monotonic_us() if waits else None
        seen = await scene.restore(60.0, others_until_us=others_until_us)
        await scene.clock.sleep(5.0)
        return seen

    assert run_world(1, main) == {"firewall"}
    assert bool(device.objects) is not waits


@pytest.mark.parametrize(("latest_s", "told"), [(300.0, [("firewall", 300, "back")]), (LATEST_S, [])])
def test_a_long_wait_for_the_look_that_proves_a_restoration_is_told(
    latest_s: float, told: list[tuple[str, int, str]]
) -> None:
    """Of a device that goes by its clock the proof takes minutes: without a word that looks like a restore that fails."""
    scene, heard = Scene("firewall"), list[tuple[str, int, str]]()
    able = ABLE.model_copy(update={"latest_s": latest_s})
    device = scene.devices["firewall"]
    scene.points["firewall"] = SimulatedPoint(device, able, (), scene.clock, scene.faults, Steady(1))

    def waits(point: str, wait_s: float) -> None:
        heard.append((point, round(wait_s), "isolated" if device.objects else "back"))

    async def main() -> frozenset[str]:
        scene.isolate()
        return await scene.restore(60.0, others_until_us=scene.clock.monotonic_us(), waits=waits)

    assert run_world(1, main) == {"firewall"}
    assert heard == told


class Receding(SimulatedPoint):
    """A point whose given-up line may always act a moment longer than the last look."""

    looks = 10

    async def restore(self, conduits: tuple[str, ...], deadline_s: float) -> Reading[PointState]:
        """Restore, and move on, so often."""
        reading = await super().restore(conduits, deadline_s)
        self.looks -= 1
        self._unheard = [Unheard(self._clock.monotonic_us() + 1)] if self.looks > 0 else []
        return reading


def test_a_last_moment_that_moves_on_makes_no_storm_of_logins() -> None:
    scene = Scene("firewall")
    scene.points["firewall"] = Receding(scene.devices["firewall"], ABLE, (), scene.clock, scene.faults, Steady(1))
    assert scene.play() == {"firewall"}
    attempts_ms = [at_ms for at_ms, kind, _ in scene.notes.about("firewall") if kind == "restore.attempt"]
    gaps_ms = [later - earlier for earlier, later in pairwise(attempts_ms)][1:]
    assert min(gaps_ms) >= 200
    assert gaps_ms[:5] == sorted(gaps_ms[:5])


@pytest.mark.parametrize("latest_s", [4.5, 15.5, 55.5, 300.25])
def test_the_look_that_proves_a_restoration_comes_as_soon_as_no_line_may_act_any_more(latest_s: float) -> None:
    """A guardian takes the run over from a conductor that restores for longer than its lines may act."""
    scene = Scene("firewall")
    able = ABLE.model_copy(update={"latest_s": latest_s})
    scene.points["firewall"] = SimulatedPoint(scene.devices["firewall"], able, (), scene.clock, scene.faults, Steady(1))

    async def main() -> frozenset[str]:
        scene.isolate()
        return await scene.restore(600.0, others_until_us=scene.clock.monotonic_us())

    assert run_world(1, main) == {"firewall"}
    seen_ms, kind, _ = scene.notes.about("firewall")[-1]
    assert kind == "restore.seen"
    assert 0 <= seen_ms - latest_s * 1000 < 100
