"""Pairs of devices that go by a recipe: their roles and their sync as they say them, and one object of a run on both where they share a configuration."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from textwrap import dedent
from types import SimpleNamespace
from typing import Any, cast

import anyio
import pytest
from ruamel.yaml import YAML

from islandmode.core.outcome import Outcome
from islandmode.core.pair import PairMember
from islandmode.core.plan import Plan, PlanPoint
from islandmode.core.recipe.of_pair import RoleAsked, read_role
from islandmode.isolation.by_recipe.point import RecipePoint
from islandmode.isolation.point import PointState
from islandmode.run.pair_roles import PairRoles
from islandmode.run.run_journal import RunJournal
from tests.emulators.clock import DeviceClock
from tests.emulators.fortios import FortiDevice
from tests.emulators.ios import IosDevice
from tests.emulators.plant import NOW
from tests.isolation.by_recipe.world import AT, CONDUITS, World
from tests.isolation.contract import RUN

A, B = "edge-a", "edge-b"
SLOW_S = 60.0


class OfPair(World):
    """One member."""

    def __init__(self, name: str, other: str, recipe: str = "fortios-schedule") -> None:
        super().__init__(recipe)
        self.pair = PairMember(pair="edge", others=(other,))
        self.name = name

    def planned(self, dead_man_s: float | None = None, at: Any = AT) -> PlanPoint:
        return super().planned(dead_man_s, at).model_copy(update={"pair": self.pair})


class Members:
    """Two of them, with one clock of this machine; FortiGates form a cluster."""

    def __init__(self, recipe: str = "fortios-schedule", *, joined: bool = True) -> None:
        self.a, self.b = OfPair(A, B, recipe), OfPair(B, A, recipe)
        self.b.clock = clock = self.a.clock
        self.b.device.clock = DeviceClock(NOW, follows=lambda: clock.now_s)
        first, second = self.a.device, self.b.device
        if joined and isinstance(first, FortiDevice) and isinstance(second, FortiDevice):
            first.form_cluster(second)
        self.worlds = {A: self.a, B: self.b}

    def points(self, run: str | None = RUN) -> dict[str, RecipePoint]:
        return {name: world.point(run) for name, world in self.worlds.items()}

    @property
    def cluster(self) -> FortiDevice:
        device = self.a.device
        assert isinstance(device, FortiDevice)
        return device

    def roles(self, points: dict[str, RecipePoint], kept: list[Any]) -> PairRoles:
        planned = {name: world.planned(180.0) for name, world in self.worlds.items()}
        plan = cast("Plan", SimpleNamespace(points=planned, pairs={"edge": (A, B)}))

        class Journal:
            async def append(self, record: Any) -> None:
                kept.append(record)

        return PairRoles(plan, points, cast("RunJournal", Journal()))


def told(kept: Sequence[Any]) -> list[tuple[str, str, str, str]]:
    return [(each.record_kind, each.point, each.before, getattr(each, each.record_kind.split(".")[1])) for each in kept]


def all_done(states: dict[str, PointState | None], *, isolating: bool) -> None:
    for state in states.values():
        assert state is not None
        assert all(state.conduits[name].isolating is isolating for name in CONDUITS)
        assert all(state.conduits[name].ours for name in CONDUITS)


async def each(points: dict[str, RecipePoint], call: str, *args: Any) -> dict[str, PointState | None]:
    """Call both members at once, as a run does."""
    found: dict[str, PointState | None] = {}

    async def one(name: str, point: RecipePoint) -> None:
        reading = await getattr(point, call)(CONDUITS, *args, SLOW_S)
        assert reading.done, (name, call, reading.why)
        found[name] = reading.value

    async with anyio.create_task_group() as group:
        for name, point in points.items():
            group.start_soon(one, name, point)
    return found


def test_a_cluster_says_who_is_primary_and_that_it_is_in_sync() -> None:
    members, kept = Members(), list[Any]()

    async def story() -> None:
        assert await members.roles(members.points(), kept).check() == ()

    members.a.play(story)
    assert sorted(told(kept)) == [
        ("pair.role", A, "", "active"),
        ("pair.role", B, "", "standby"),
        ("pair.sync", A, "", "in-sync"),
        ("pair.sync", B, "", "in-sync"),
    ]
    assert not any(world.device.was_touched for world in members.worlds.values())


def _out_of_sync(members: Members) -> None:
    members.cluster.pair = "out-of-sync"


def _lost_the_other(members: Members) -> None:
    members.cluster.members = [members.cluster]


def _standalone(members: Members) -> None:
    members.cluster.ha_mode = "standalone"


def _split(members: Members) -> None:
    assert isinstance(members.b.device, FortiDevice)
    members.b.device.ha_mode = "a-p, primary"


def _both_standby(members: Members) -> None:
    members.cluster.ha_mode = "a-p, secondary"


@pytest.mark.parametrize(
    ("spoil", "code", "words"),
    [
        (_out_of_sync, "pair-out-of-sync", f"as {A} says. Bring its members in sync first."),
        (_lost_the_other, "pair-sync-unread", 'the answer to "get system ha status" does not show that all members are in sync'),
        (_standalone, "pair-role-unread", 'the answer to "get system status" shows no role in a pair'),
        (_split, "pair-split", f"{A} and {B} each say that they are active"),
        (_both_standby, "pair-without-active", "says that it is active. Mend the pair first. Nothing was touched."),
    ],
)  # fmt: skip
def test_a_pair_out_of_order_or_of_sync_is_refused(spoil: Any, code: str, words: str) -> None:
    members = Members()
    spoil(members)

    async def story() -> None:
        found = await members.roles(members.points(), []).check()
        assert [(each.code, each.refuses) for each in found if each.code == code] == [(code, True)]
        assert any(words in each.sentence for each in found)

    members.a.play(story)
    assert not any(world.device.was_touched for world in members.worlds.values())


def test_two_sessions_that_write_one_configuration_isolate_and_restore_together() -> None:
    members = Members()
    points, before = members.points(), members.cluster.configuration()

    async def story() -> None:
        await each(points, "arm", 600.0)
        all_done(await each(points, "isolate"), isolating=True)
        assert not any(any(world.passes(name)) for world in members.worlds.values() for name in CONDUITS)
        await members.a.clock.sleep(300)
        all_done(await each(points, "renew", 600.0), isolating=True)
        states = await each(points, "state")
        assert all((state.conduits[name].armed_s or 0) > 500 for state in states.values() if state for name in CONDUITS)
        await each(points, "restore")

    members.a.play(story)
    assert members.a.is_open
    assert members.b.is_open
    assert members.cluster.configuration() == before


@pytest.mark.parametrize("first", [A, B])
def test_the_end_that_the_other_member_wrote_a_minute_before_is_taken_up(first: str) -> None:
    """Each reads its own clock: a minute may pass between, and one object has one end."""
    members = Members()
    points = members.points()
    second = B if first == A else A

    async def story() -> None:
        await each({first: points[first]}, "arm", 600.0)
        await members.a.clock.sleep(45)
        await each({second: points[second]}, "arm", 600.0)
        await each(points, "isolate")
        (ends,) = {str(schedule) for schedule in members.cluster.tables["firewall schedule onetime"].entries.values()}
        await each(points, "state")
        await each({second: points[second]}, "renew", 600.0)
        await each({first: points[first]}, "renew", 600.0)
        (renewed,) = {
            str(schedule) for schedule in members.cluster.tables["firewall schedule onetime"].entries.values()
        }
        assert (ends != renewed) is True

    members.a.starts_at("2026-06-01T10:15:30")
    members.b.device.clock = DeviceClock(members.a.device.clock.local, follows=lambda: members.a.clock.now_s)
    members.a.play(story)
    assert not members.a.is_open


def test_a_renewal_that_did_not_reach_the_device_is_no_renewal_of_the_other_members() -> None:
    """An end that stood before is not taken for one that the other member just wrote, though it lies one step before."""
    members = Members()
    points = members.points()

    async def story() -> None:
        await each(points, "arm", 120.0)
        await each(points, "isolate")
        await members.a.clock.sleep(60)
        at = members.cluster.clock.local
        await each({A: points[A]}, "renew", 120.0)
        state = await points[A].state(CONDUITS, SLOW_S)
        assert state.value is not None
        assert all((state.value.conduits[name].armed_s or 0) > 110 for name in CONDUITS)
        assert members.cluster.clock.local - at < timedelta(seconds=5)

    members.a.play(story)


def test_what_another_run_armed_through_the_other_member_is_left_alone() -> None:
    members = Members()
    others, points = members.points("another-run"), members.points()

    async def story() -> None:
        await each({A: others[A]}, "arm", 600.0)
        reading = await points[B].arm(CONDUITS, 600.0, SLOW_S)
        assert reading.outcome is Outcome.NOT_DONE
        assert "another run has it" in reading.why

    members.a.play(story)


def test_a_failover_is_written_down_and_both_are_read_again() -> None:
    members, kept = Members(), list[Any]()
    points = members.points()

    async def story() -> None:
        roles = members.roles(points, kept)
        await roles.check()
        await each(points, "arm", 600.0)
        await each(points, "isolate")
        assert await roles.changed(A) == ()
        kept.clear()
        members.cluster.hand_over()
        members.cluster.pair = "out-of-sync"
        assert await roles.changed(B) == (A, B)
        assert await roles.changed(A) == ()
        all_done(await each(points, "state"), isolating=True)

    members.a.play(story)
    assert sorted(told(kept)) == [
        ("pair.role", A, "active", "standby"),
        ("pair.role", B, "standby", "active"),
        ("pair.sync", A, "in-sync", "out-of-sync"),
    ]


@pytest.mark.parametrize("recipe", ["ios-time-range", "ios-revert"])
@pytest.mark.parametrize(
    ("groups", "code"),
    [
        ((["Active", "Active"], ["Standby", "Standby"]), ""),
        ((["Active", "Standby"], ["Standby", "Active"]), "pair-out-of-step"),
        ((["Active"], ["Active"]), "pair-split"),
        ((["Active"], []), "pair-role-unread"),
    ],
)
def test_routers_that_speak_hsrp_share_nothing_and_say_who_is_active(
    groups: tuple[list[str], list[str]], code: str, recipe: str
) -> None:
    members, kept = Members(recipe), list[Any]()
    for world, states in zip(members.worlds.values(), groups, strict=True):
        assert isinstance(world.device, IosDevice)
        world.device.hsrp = states

    async def story() -> None:
        found = await members.roles(members.points(), kept).check()
        assert [each.code for each in found] == ([code] if code else [])

    members.a.play(story)
    assert {each[3] for each in told(kept) if each[0] == "pair.sync"} == {"not-kept"}


@pytest.mark.parametrize("recipe", ["ios-time-range", "ios-revert"])
def test_two_routers_are_two_points_that_each_isolate_by_themselves(recipe: str) -> None:
    """One of them isolates and restores, and the other hears of neither."""
    members = Members(recipe)
    points = members.points()

    async def story() -> None:
        await each({A: points[A]}, "arm", 180.0)
        await each({A: points[A]}, "isolate")
        assert not members.b.device.was_touched
        assert members.b.is_open
        await each({B: points[B]}, "arm", 180.0)
        await each({B: points[B]}, "isolate")
        assert not any(any(world.passes(name)) for world in members.worlds.values() for name in CONDUITS)
        await each({A: points[A]}, "restore")
        assert (members.a.is_open, members.b.is_open) == (True, False)
        await each({B: points[B]}, "restore")

    members.a.play(story)
    assert members.b.is_open


VRRP = """\
Interface          Grp Pri Time  Own Pre State   Master addr     Group addr
Gi0/0              20  110 3570       Y  {}  172.16.20.2     172.16.20.1
Vl100              100 120 3531   Y   Y  {}  10.10.100.10    10.10.100.1
"""


@pytest.mark.parametrize(
    ("states", "role"),
    [
        (("Master", "Master"), "active"),
        (("Backup", "Backup"), "standby"),
        (("Init", "Backup"), "standby"),
        (("Master", "Backup"), "divided"),
    ],
)
def test_the_question_for_vrrp_that_the_page_of_pairs_gives_reads_what_ios_shows(
    states: tuple[str, str], role: str
) -> None:
    page = (Path(__file__).parents[3] / "docs" / "pairs.md").read_text(encoding="utf-8")
    (given,) = re.findall(r"```yaml\n  (pair:\n.*?)  ```", page, re.DOTALL)
    pair = YAML(typ="safe").load(dedent(f"  {given}"))["pair"]
    asked = RoleAsked.model_validate(pair["role"])
    assert asked.ask == "show vrrp brief"
    assert read_role(asked, VRRP.format(*states)) == role
    assert read_role(asked, VRRP.splitlines()[0]) is None
