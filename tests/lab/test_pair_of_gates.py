"""A drill on a cluster of two FortiGates beside a router and the lab's real firewall: both members isolate, whichever of them carries the packets.

The FortiGates are emulated, over real SSH, and what they share by FGCP is what their emulator was written to share: one configuration.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from islandmode.rehearse.lab import Lab
from tests.emulators.fortios import FortiDevice
from tests.lab.drills import Ended, wait_for
from tests.lab.guarded import records, run_of, see_restored
from tests.lab.test_three_platforms import points_of, see_only_planned
from tests.lab.three_platforms import FIREWALL, GATE, MANAGED, ROUTER, PlantOfThree, plant_of_three
from tests.patience import wait_until

pytestmark = [pytest.mark.lab, pytest.mark.more]

PEER = f"{GATE}-b"
BOTH = {GATE, PEER}
PLACES = {**MANAGED, PEER: ("10.40.0.63", 2263)}


def with_peer(site: str) -> str:
    """Name the second FortiGate, and the pair."""
    (entry,) = re.findall(rf"(?m)^  {GATE}:\n(?:    .*\n)+", site)
    host, port = PLACES[PEER]
    second = re.sub(r"\{address: [\d.]+, port: \d+,", f"{{address: {host}, port: {port},", entry)
    pairs = f"pairs:\n  edge:\n    members: [{GATE}, {PEER}]\n"
    return site.replace(entry, entry + second.replace(f"  {GATE}:", f"  {PEER}:")) + pairs


def roles(ended: Ended) -> list[tuple[str, str, str]]:
    found = (one["data"] for one in ended.records() if one["kind"] == "pair.role")
    return [(data["point"], data["before"], data["role"]) for data in found]


def see_all_four_held_and_restored(plant: PlantOfThree, ended: Ended) -> None:
    """See that each member was armed, isolated and restored under its own name, and heard nothing but what was planned."""
    assert (ended.code, ended.verdict.get("verdict")) == (0, "held"), ended.output
    assert ended.verdict["restoration"] == "proven"
    found = ended.records()
    for kind in ("arm.result", "isolate.result", "restore.seen"):
        assert sorted(points_of(found, kind)) == sorted({FIREWALL, ROUTER, *BOTH}), kind
    assert plant.is_restored
    see_restored(plant.lab)
    see_only_planned(plant, run_of(plant.workspace).name)


def test_both_members_of_a_cluster_are_isolated_held_and_restored(lab: Lab, tmp_path: Path) -> None:
    with plant_of_three(tmp_path, lab, edit=with_peer, managed=PLACES) as plant:
        running = plant.drill()
        wait_for(running, plant.workspace, "hold.started")
        assert plant.isolating() == dict.fromkeys((GATE, ROUTER, PEER, FIREWALL), True)
        ended = plant.end(running)
        see_all_four_held_and_restored(plant, ended)
    assert sorted(roles(ended)) == [(GATE, "", "active"), (PEER, "", "standby")]
    synced = [one["data"] for one in ended.records() if one["kind"] == "pair.sync"]
    assert sorted((data["point"], data["sync"]) for data in synced) == [(GATE, "in-sync"), (PEER, "in-sync")]


def test_a_failover_in_the_hold_is_told_and_nothing_passes_by_the_other_member(lab: Lab, tmp_path: Path) -> None:
    with plant_of_three(tmp_path, lab, edit=with_peer, managed=PLACES, hold="20 s") as plant:
        gate = plant.devices[GATE]
        assert isinstance(gate, FortiDevice)
        running = plant.drill()
        wait_for(running, plant.workspace, "hold.started")
        gate.hand_over()
        wait_until(
            lambda: len(points_of(records(plant.workspace, "conductor"), "pair.role")) >= len(BOTH) * 2,
            "both roles are read anew",
        )
        ended = plant.end(running)
        see_all_four_held_and_restored(plant, ended)
    assert sorted(roles(ended)[2:]) == [(GATE, "active", "standby"), (PEER, "standby", "active")]
    assert {"pair-role-changed"} == {code for code in ended.codes() if code.startswith("pair-")}
    found = ended.records()
    changed = max(place for place, one in enumerate(found) if one["kind"] == "pair.role")
    read = {one["data"]["point"] for one in found[changed:] if one["kind"] == "dead_man.read"}
    assert read >= BOTH
