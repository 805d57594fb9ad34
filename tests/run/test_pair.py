"""A drill on a pair in the simulated world: two devices, one network, and a failover that moves the path and not the object."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from islandmode.core.lifecycle import Phase
from islandmode.core.plan import Plan
from islandmode.operate.plan import plan_of
from islandmode.simulate.faults import Fault, Kind, draw_faults
from islandmode.simulate.platforms import PathMember
from tests.more import one_in
from tests.run.simulated_run import Ended, run

WORKSPACE = Path(__file__).parents[2] / "examples" / "ashby"
A, B = "station-firewall-a", "station-firewall-b"
CONDUIT = "offices-station"
DEVICES = {"nftables": PathMember}
SEEDS = 15


@pytest.fixture(scope="module")
def plan() -> Plan:
    return plan_of(WORKSPACE, "cut-off")[1]


def play(plan: Plan, *faults: Fault, seed: int = 1, **more: Any) -> Ended:
    ended = run(seed, plan=plan, faults=faults, devices=DEVICES, **more)
    assert ended.violations == (), ended.story()
    return ended


def roles(ended: Ended) -> list[tuple[str, str, str]]:
    told = (record.data for record in ended.claims.records if record.kind == "pair.role")
    return [(data["point"], data["before"], data["role"]) for data in told]


def codes(ended: Ended) -> set[str]:
    assert ended.verdict is not None
    return {finding.code for finding in ended.verdict.findings}


def in_hold(kind: Kind, target: str, **more: Any) -> Fault:
    return Fault(kind, Phase.HOLDING, 2.0, target=target, **more)


def test_both_members_isolate_and_the_roles_stand(plan: Plan) -> None:
    ended = play(plan)
    assert ended.verdict is not None
    assert (ended.verdict.verdict.value, ended.verdict.restoration.value) == ("held", "proven")
    assert set(roles(ended)) == {(A, "", "active"), (B, "", "standby")}
    by = {stretch.by.split()[0] for stretch in ended.plant.network.stretches(CONDUIT)}
    assert by == {A, B}


def test_a_failover_in_the_hold_is_recorded_and_each_member_read_again(plan: Plan) -> None:
    ended = play(plan, in_hold(Kind.EDIT, A))
    assert ended.verdict is not None
    assert "pair-was-split" not in codes(ended)
    assert (ended.verdict.verdict.value, ended.verdict.restoration.value) == ("held", "proven"), ended.story()
    assert set(roles(ended)[2:]) == {(A, "active", "standby"), (B, "standby", "active")}
    assert "pair-role-changed" in codes(ended)
    changed = next(record for record in ended.claims.records if record.kind == "pair.role" and record.data["before"])
    after = [
        record.data["point"]
        for record in ended.claims.records
        if record.kind == "dead_man.read" and record.seq > changed.seq
    ]
    # The loop of each member may notice it, and reads all of them.
    assert set(after[:4]) == {A, B}


def test_a_member_that_restarts_ends_the_drill_although_the_other_isolates(plan: Plan) -> None:
    """Its object is gone: whether it is active or not, it does not isolate any more."""
    ended = play(plan, in_hold(Kind.RESTART, A, amount_s=5.0))
    assert ended.verdict is not None
    assert ended.verdict.verdict.value in ("breached", "inconclusive")
    assert ended.claims.restored
    assert ended.plant.network.active(ended.claims.ended_us) == B


def test_where_the_other_member_does_not_isolate_a_failover_is_a_leak(plan: Plan) -> None:
    """The other member only says that it isolates."""
    lie = Fault(Kind.LIES_ISOLATE, Phase.PREFLIGHT, target=B)
    ended = play(plan, lie, in_hold(Kind.EDIT, A))
    assert ended.verdict is not None
    assert ended.verdict.verdict.value == "breached"
    assert "leak" in codes(ended)


@pytest.mark.parametrize("call", ["facts", "role"])
def test_a_member_that_does_not_answer_is_refused_with_nothing_touched(plan: Plan, call: str) -> None:
    ended = play(plan, Fault(Kind.LOST_REQUEST, Phase.PREFLIGHT, target=B, call=call, times=1))
    told = {"facts": f"{B} at 192.168.98.2 did not answer", "role": f"{B} did not show whether it is active"}
    assert told[call] in ended.why
    assert ended.conducted is None
    assert ended.plant.network.stretches(CONDUIT) == ()


def test_with_one_member_refusing_its_arm_none_is_isolated(plan: Plan) -> None:
    ended = play(plan, Fault(Kind.REFUSED, Phase.ARMED, target=B, call="arm", times=1))
    assert ended.conducted is None
    assert ended.plant.network.stretches(CONDUIT) == ()
    assert not any(device.objects for device in ended.plant.devices.values())


LIES = frozenset({Kind.LIES_ISOLATE, Kind.LIES_RESTORE})


def drawn(dice: random.Random, plan: Plan) -> tuple[Fault, ...]:
    """Draw faults, but for a device that only says what it did: no packet crosses a standby, so that nothing tells; tests of their own do."""
    return tuple(fault for fault in draw_faults(dice, plan) if fault.kind not in LIES)


def test_no_packet_tells_that_a_standby_only_says_that_it_restored(plan: Plan) -> None:
    """What is known of it is its own word; its timer ends the isolation all the same, before anybody could fail over to it for long."""
    lie = Fault(Kind.LIES_RESTORE, Phase.PREFLIGHT, target=B)
    ended = run(1, plan=plan, faults=(lie,), devices=DEVICES)
    assert ended.verdict is not None
    assert ended.verdict.restoration.value == "proven"
    assert len(ended.violations) == 2
    (standby,) = (stretch for stretch in ended.plant.network.stretches(CONDUIT) if stretch.by.startswith(B))
    device = ended.plant.devices[B]
    assert all(device.will_release(conduit, made, ended.claims.ended_us) for conduit, made in device.made)
    assert standby.until_us > ended.claims.ended_us


@pytest.mark.parametrize("seed", one_in(3, range(SEEDS)))
def test_it_survives_the_faults_that_a_seed_draws_and_a_failover(plan: Plan, seed: int) -> None:
    dice = random.Random(seed)
    failover = Fault(
        Kind.EDIT, dice.choice((Phase.ARMED, Phase.ISOLATING, Phase.HOLDING, Phase.RESTORING)), 0.05, target=A
    )
    play(plan, *drawn(dice, plan), failover, seed=seed)


def with_a_failover(plan: Plan, seed: int) -> None:
    """Play a seed with a failover at some moment."""
    dice = random.Random(seed)
    failover = Fault(Kind.EDIT, dice.choice(tuple(Phase)), 0.5 * dice.random(), target=dice.choice((A, B)))
    play(plan, *drawn(dice, plan), failover, seed=seed)


@pytest.mark.parametrize(
    "seed", [1490, 1909], ids=["a rule comes late on the standby", "the path moves between the two isolations"]
)
def test_only_the_member_that_carries_the_packets_tells_how_long_a_pair_isolated(plan: Plan, seed: int) -> None:
    with_a_failover(plan, seed)


@pytest.mark.many_seeds
@pytest.mark.parametrize("hundred", range(10))
def test_it_survives_a_thousand_seeds(plan: Plan, hundred: int) -> None:
    for number in range(100):
        with_a_failover(plan, 1000 + 100 * hundred + number)
