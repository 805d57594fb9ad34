"""A dry run on a plant: everything that comes before arming, on the real devices, which it only reads."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from islandmode.operate.plan import plan_of
from islandmode.rehearse.lab import Lab
from tests.lab.declared import interlocked
from tests.lab.drills import make_workspace, newest_run, read_journal
from tests.lab.far_vantages import DRILL, FIREWALL_NODE, HOSTS, FarPlant, far_plant
from tests.operate.approvals_given import approve_now
from tests.patience import wait_until
from tests.signing import Keys

pytestmark = pytest.mark.lab


@pytest.fixture
def plant(lab: Lab, tmp_path: Path) -> Iterator[FarPlant]:
    with far_plant(lab, tmp_path, {f"drills/{DRILL}.yaml": interlocked}) as made:
        approve_now(made.workspace, Keys(tmp_path / "keys"), DRILL)
        yield made


def dry_run(plant: FarPlant) -> subprocess.CompletedProcess[str]:
    return plant.asked("run", DRILL, "--mode", "dry-run")


MONITOR = "nft monitor >/run/changes 2>&1 & echo $! >/run/monitor"
POINT = "conduit-firewall"
RULE = "nft add table inet seen && nft 'add chain inet seen c'"
CHANGE = "nft add table inet seen && nft delete table inet seen"


def came_to_its_end(done: subprocess.CompletedProcess[str]) -> bool:
    """Tell whether a dry run found nothing wrong with the plant; what must stand behind a live run is missing here."""
    return done.returncode == 4 and "islandmode: A live run could not begin:" in done.stderr


def test_it_says_what_is_missing_for_a_live_run_and_the_firewall_heard_no_change(plant: FarPlant) -> None:
    plant.on(FIREWALL_NODE, "sh", "-ec", MONITOR)
    try:
        done = dry_run(plant)
        heard = plant.on(FIREWALL_NODE, "cat", "/run/changes")
        # What changes is heard, so that silence means something.
        plant.on(FIREWALL_NODE, "sh", "-ec", CHANGE)
        wait_until(lambda: "add table inet seen" in plant.on(FIREWALL_NODE, "cat", "/run/changes"), "a change is heard")
    finally:
        plant.on(FIREWALL_NODE, "sh", "-c", "kill $(cat /run/monitor); rm -f /run/monitor /run/changes")
    assert (came_to_its_end(done), heard) == (True, ""), done.stdout + done.stderr
    for missing in (
        "This drill was never rehearsed; rehearse it: ",
        "There is no signed note of a tabletop of this drill; talk the drill through",
        f"No record of a bench counts for {POINT}; bench it: ",
    ):
        assert missing in " ".join(done.stderr.split())
    # Its approvals are good, so nothing is said of them.
    assert not re.search(r"approv", done.stderr), done.stderr
    assert not re.search(r"\b(held|passed|completed|proven)\b", done.stdout), done.stdout
    directory = newest_run(plant.workspace)
    assert directory is not None
    records = read_journal(directory)
    kinds = [record["kind"] for record in records]
    assert [told.split(":")[0] for told in records[0]["data"]["rungs"]] == [
        "rehearsal (missing)",
        "breaches",
        "tabletop (missing)",
        "benches (missing)",
        "undo tier",
    ]
    assert (directory / "intent.json").exists()
    assert (kinds[0], kinds[-1]) == ("run.started", "run.looked")
    assert not {"arm.intent", "isolate.intent", "restore.ordered"} & set(kinds)
    assert (directory / "SHA256SUMS").exists()
    assert plant.asked("status").returncode == 0
    assert "dry run, a live run could not begin" in plant.asked("runs").stdout
    # No worker and no spool stays on a host.
    for node in HOSTS:
        assert plant.on(node, "sh", "-c", "ls /run/witness/.cache/islandmode/spools").split() == []


@pytest.mark.more
def test_what_nobody_approved_could_not_begin_live(plant: FarPlant) -> None:
    for path in plant.workspace.glob("approvals/approval-*"):
        path.unlink()
    done = dry_run(plant)
    told = " ".join(done.stderr.split())
    assert done.returncode == 4
    assert "A live run could not begin: Request request-" in told
    assert "is not approved by plant-operations; who may: shift-lead, plant-manager." in told
    assert "dry run, a live run could not begin" in plant.asked("runs").stdout


@pytest.mark.more
def test_what_would_refuse_a_live_run_refuses_a_dry_run_in_the_same_words(plant: FarPlant) -> None:
    key = plant.workspace / "office-key"
    key.write_text((plant.workspace / "erp-key").read_text())
    done = dry_run(plant)
    assert done.returncode == 4
    assert "The worker on vantage office did not start (witness@10.10.0.20 port 22 does not take the key)." in " ".join(
        done.stderr.split()
    )
    assert done.stderr.rstrip().endswith("Nothing was touched.")
    assert "refused (worker-not-started), nothing is left of it on a device" in plant.asked("runs").stdout


def compared(plant: FarPlant) -> list[dict[str, object]]:
    """Give with what the newest dry run compared its devices."""
    directory = newest_run(plant.workspace)
    assert directory is not None
    return [record["data"] for record in read_journal(directory) if record["kind"] == "configuration.since"]


@pytest.mark.more
def test_a_rule_that_came_since_the_last_dry_run_refuses_until_it_was_shown(plant: FarPlant) -> None:
    first = dry_run(plant)
    assert came_to_its_end(first), first.stdout + first.stderr
    assert compared(plant) == []
    plant.on(FIREWALL_NODE, "sh", "-ec", RULE)
    try:
        drifted, shown = dry_run(plant), newest_run(plant.workspace)
        # The same rules, loaded again, have other handles.
        plant.on(FIREWALL_NODE, "sh", "-ec", f"nft delete table inet seen && {RULE}")
        again, like_before = dry_run(plant), compared(plant)
    finally:
        plant.on(FIREWALL_NODE, "nft", "delete", "table", "inet", "seen")
    said = " ".join(drifted.stderr.split())
    assert drifted.returncode == 4
    assert f"{POINT}: its running configuration is not what dry run " in said
    assert "(+ table inet seen {" in said
    assert said.endswith("where it is meant, do the dry run again. Nothing was touched.")
    assert came_to_its_end(again), again.stdout + again.stderr
    assert shown is not None
    assert "+table inet seen {" in (shown / "artifacts" / f"{POINT}.running.drift.txt").read_text()
    assert like_before == [{"point": POINT, "dry_run": shown.name, "differs": [], "changed": []}]
    # What the last dry run read is what counts, also where it is the rule that was taken away.
    assert not came_to_its_end(dry_run(plant))
    assert "refused (configuration-drifted)" in plant.asked("runs").stdout


@pytest.mark.more
def test_each_host_is_tried_before_any_drill(plant: FarPlant) -> None:
    tried = plant.asked("vantage", "check", "vendor")
    assert tried.returncode == 0, tried.stderr
    assert "outlived the login that had started it" in tried.stdout
    assert plant.on("vendor", "sh", "-c", "ls /run/witness/.cache/islandmode/spools").split() == []
    refused = plant.asked("vantage", "check", "here")
    assert (refused.returncode, "does not say how to log in to vantage here" in refused.stderr) == (2, True)


WAYS: dict[str, dict[str, tuple[str, set[str]]]] = {
    "IPv4": {
        "vendor": ("10.40.0.20", {"vendor-to-hmi", "vendor-canary"}),
        "erp": ("10.20.0.10", {"erp-to-historian", "erp-canary"}),
        "office": ("10.40.0.10", {"office-to-plc", "office-canary"}),
        "historian": ("10.10.0.10", {"historian-to-erp"}),
    },
    "IPv6": {
        "vendor": ("fd10:40::20", {"vendor-to-hmi-v6"}),
        "erp": ("fd10:20::10", {"erp-to-historian-v6"}),
        "office": ("fd10:40::10", {"office-to-plc-v6"}),
        "historian": ("fd10:10::10", {"historian-to-erp-v6"}),
    },
    "a service of its own": {"historian": ("10.20.0.10", {"historian-buffer"})},
}
"""The ways that are broken together, one for each host: what is asked there, and by which probes."""


@contextmanager
def without_a_way(plant: FarPlant, node: str, target: str) -> Iterator[None]:
    """Let nothing of a host reach a target."""
    family = "ip6" if ":" in target else "ip"
    rule = f"nft add table inet broken; nft 'add chain inet broken out {{ type filter hook output priority 0; }}'; nft 'add rule inet broken out {family} daddr {target} tcp dport {{ 502, 8080 }} drop'"
    plant.on(node, "sh", "-ec", rule)
    try:
        yield
    finally:
        plant.on(node, "nft", "delete", "table", "inet", "broken")


@pytest.mark.more
@pytest.mark.parametrize("name", WAYS)
def test_far_probes_without_a_way_are_refused_before_anything_is_armed(plant: FarPlant, name: str) -> None:
    """What only a far host sees is looked at over SSH: nobody would hear of it in the hold."""
    broken = {probe: node for node, (_, probes) in WAYS[name].items() for probe in probes}
    with ExitStack() as ways:
        for node, (target, _) in WAYS[name].items():
            ways.enter_context(without_a_way(plant, node, target))
        done = dry_run(plant)
    said = " ".join(done.stderr.split())
    assert done.returncode == 4, said
    named = re.search(r"Probe (\S+) from vantage (\S+) .*is bad before the drill", said)
    assert named is not None, said
    assert broken[named[1]] == named[2]
    assert said.endswith("Nothing was touched.")
    directory = newest_run(plant.workspace)
    assert directory is not None
    records = read_journal(directory)
    assert not {"arm.intent", "isolate.intent"} & {record["kind"] for record in records}
    (looked,) = (record["data"] for record in records if record["kind"] == "vantage.looked")
    assert set(looked["probes"]) == set(broken)
    for probe, node in broken.items():
        assert [each for each in looked["what"] if each.startswith(f"Probe {probe} from vantage {node} ")]


def test_every_far_probe_is_broken_once(tmp_path: Path) -> None:
    _, plan = plan_of(make_workspace(tmp_path, tmp_path), DRILL)
    far = {probe for probe, planned in plan.probes.items() if planned.probe.vantage in HOSTS}
    assert far == {probe for hosts in WAYS.values() for _, probes in hosts.values() for probe in probes}
