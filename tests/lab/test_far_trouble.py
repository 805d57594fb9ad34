"""Hosts that are logged in to, each in trouble of its own: each has its own sentence, and what it watched is lost or refused."""

from __future__ import annotations

import json
import re
import resource
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from islandmode.rehearse.lab import Lab
from tests.lab import far_trouble
from tests.lab.drills import Ended, end, wait_for
from tests.lab.far_trouble import puts
from tests.lab.far_vantages import DRILL, FIREWALL_NODE, HOSTS, FarPlant, far_plant
from tests.lab.test_other_ways import SITE, translating

pytestmark = [pytest.mark.lab, pytest.mark.more]

DRILL_FILE = f"drills/{DRILL}.yaml"
MEMORY_MAX_KIB = 250 * 1024


OUTSIDE = "10.10.0.99"
"""The address at which a translating firewall offers the office's login."""


def translated(text: str) -> str:
    """Log in to the office at that address."""
    login = "key: 'file:office-key',"
    assert login in text
    return text.replace(login, f"address: {OUTSIDE}, {login}").replace(
        "[10.10.0.10, 10.10.0.20], service: tcp/22", f"[10.10.0.10, {OUTSIDE}], service: tcp/22"
    )


@pytest.fixture
def plant(lab: Lab, tmp_path: Path) -> Iterator[FarPlant]:
    with far_plant(lab, tmp_path, {DRILL_FILE: patient}, far_trouble.PYTHON) as made:
        for node in HOSTS:
            puts(made, node)
        yield made


def patient(text: str) -> str:
    """Hold the first stage for so long that a host can be brought into trouble in it; ask for samples for a few seconds."""
    return text.replace("hold: 2 s", "hold: 15 s").replace("sample_every:", "collect_within: 6 s\nsample_every:")


def lost(ended: Ended) -> dict[str, str]:
    """Give what a verdict says of each vantage that was lost."""
    sentences = [found["sentence"] for found in ended.verdict["findings"] if found["code"] == "witness-lost"]
    return {name: next((one for one in sentences if f"of vantage {name} " in one), "") for name in HOSTS}


def assert_nothing_is_proven(ended: Ended) -> None:
    """What nobody outside saw proves no isolation, and where nobody outside is left, no restoration either."""
    assert ended.verdict["verdict"] == "inconclusive", ended.output
    assert ended.code == {"proven": 3, "unproven": 5}[ended.verdict["restoration"]], ended.output
    assert "Traceback" not in ended.output


def in_the_hold(plant: FarPlant, happens: Callable[[], object]) -> Ended:
    """Run the drill, and let something happen while it holds its first stage."""
    running = plant.drill()
    try:
        wait_for(running, plant.workspace, "hold.started", stage="vendors")
        happens()
        return end(running, plant.workspace)
    finally:
        if running.poll() is None:
            # It restores, and the next test finds the lab as it was.
            running.terminate()
            running.communicate()


def test_what_hostile_hosts_give_in_place_of_their_spools(plant: FarPlant) -> None:
    before_kib = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    puts(plant, "office", far_trouble.ENDLESS)
    puts(plant, "erp", far_trouble.MALFORMED)
    puts(plant, "vendor", far_trouble.FOREIGN)
    puts(plant, "historian", far_trouble.REPLAYED)
    ended = plant.done()
    told = lost(ended)
    assert_nothing_is_proven(ended)
    assert "its spool is longer than its schedule can give: more than " in told["office"]
    assert "what was fetched is not a spool; it begins " in told["erp"]
    assert "line 1: it is of another run or vantage than " in told["vendor"]
    assert "It lacks its last seal: " in told["historian"]
    # The most that any process took that this one started: the conductor, unless an earlier test took more.
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss <= max(before_kib, MEMORY_MAX_KIB)


def test_what_becomes_of_hosts_in_the_hold(plant: FarPlant) -> None:
    puts(plant, "office", far_trouble.RECHAINED)

    def happens() -> None:
        far_trouble.restarts(plant, "erp")
        far_trouble.takes_no_login(plant, "vendor")
        far_trouble.shows_another_key(plant, "historian")

    try:
        ended = in_the_hold(plant, happens)
    finally:
        plant.on("erp", "sh", "-c", far_trouble.RUNS_ON)
        far_trouble.takes_logins(plant, "vendor")
    told = lost(ended)
    assert_nothing_is_proven(ended)
    assert "the chain is broken; a segment was altered, removed or added." in told["office"]
    assert "Its host restarted during the drill, so its clock began anew" in told["erp"]
    assert "witness@10.15.0.10 port 22 refuses connections" in told["vendor"]
    assert "10.20.0.10 port 22 shows another host key than " in told["historian"]


def dry_run(plant: FarPlant) -> tuple[int, str]:
    """Give how a dry run ends, and what it says."""
    done = plant.asked("run", DRILL, "--mode", "dry-run")
    return done.returncode, " ".join((done.stdout + done.stderr).split())


def test_hosts_that_cannot_watch_are_refused_and_each_says_why(plant: FarPlant) -> None:
    plant.on("office", "rm", far_trouble.PYTHON)
    puts(plant, "erp", far_trouble.OLD_PYTHON)
    puts(plant, "vendor", far_trouble.KILLS_WHAT_A_SESSION_LEAVES)
    with far_trouble.small_disk(plant, "historian", "64k"):
        code, told = dry_run(plant)
    assert code == 4
    refused = "The worker on vantage {} did not start ({}"
    assert (
        refused.format("office", f"there is no {far_trouble.PYTHON} there; name the Python to use, 3.9 or newer")
        in told
    )
    assert (
        refused.format(
            "erp", "the worker could not be put there (Python 3.8 is too old there; 3.9 or newer is needed))"
        )
        in told
    )
    assert refused.format("vendor", "its worker ended with the login that had started it; ") in told
    assert (
        refused.format(
            "historian", "the worker could not be put there (/run/witness/.cache/islandmode: No space left on device)"
        )
        in told
    )
    assert told.endswith("Nothing was touched.")
    for node in HOSTS:
        puts(plant, node)
    # The same without a drill, and what a run would find next.
    far_trouble.shows_another_key(plant, "office")
    far_trouble.locks(plant, "erp")
    far_trouble.takes_no_login(plant, "vendor")
    try:
        with far_trouble.small_disk(plant, "historian", "1m"):
            code, told = dry_run(plant)
    finally:
        far_trouble.unlocks(plant, "erp")
        far_trouble.takes_logins(plant, "vendor")
    assert code == 4
    assert "10.10.0.20 port 22 shows another host key than " in told
    assert refused.format("erp", "witness@10.10.0.10 port 22 does not take the key)") in told
    assert refused.format("vendor", "witness@10.15.0.10 port 22 refuses connections)") in told
    assert refused.format("historian", "its disk has ") in told


def known_by(plant: FarPlant, address: str, node: str) -> None:
    """Know a host by another address."""
    known = plant.workspace / "inventory" / "known_hosts"
    words = plant.on(node, "cat", "/run/witness-host-key.pub").split()
    known.write_text(known.read_text() + f"{address} {words[0]} {words[1]}\n")


def test_a_drill_lives_with_a_host_behind_nat_an_hour_off_full_or_slow(lab: Lab, tmp_path: Path) -> None:
    edits = {DRILL_FILE: patient, SITE: translated}
    with (
        far_plant(lab, tmp_path, edits, far_trouble.PYTHON) as plant,
        translating(lab, FIREWALL_NODE, OUTSIDE, HOSTS["office"], 22),
        far_trouble.small_disk(plant, "vendor", "8m"),
    ):
        known_by(plant, OUTSIDE, "office")
        for node, text in {"erp": far_trouble.HOUR_OFF, "historian": far_trouble.SLOW}.items():
            puts(plant, node, text)
        for node in ("office", "vendor"):
            puts(plant, node)
        tried = plant.asked("vantage", "check", "erp")
        fill = "cat /dev/zero >/run/witness/filled || true"
        ended = in_the_hold(plant, lambda: plant.on("vendor", "sh", "-c", fill))
    assert f"Its clock is {far_trouble.HOUR_S} s ahead of it" in tried.stdout, tried.stderr
    assert (ended.code, ended.verdict["verdict"], ended.verdict["restoration"]) == (0, "held", "proven"), ended.output
    (coarse,) = (found["sentence"] for found in ended.verdict["findings"] if found["code"] == "clock-coarse")
    assert re.match(
        r"The clock of vantage historian was measured to \d\.\d s only, because its host answered late; ", coarse
    )
    collected = {one["data"]["vantage"]: one["data"] for one in ended.records() if one["kind"] == "collect.result"}
    assert all(one["chain_ok"] and one["ended"] == "asked" for one in collected.values())


def test_samples_that_came_too_late_are_fetched_when_the_host_answers_again(plant: FarPlant) -> None:
    """Two hosts lose their login in the hold, and take it again, one after the other."""

    def happens() -> None:
        far_trouble.locks(plant, "office")
        far_trouble.takes_no_login(plant, "erp")

    ended = in_the_hold(plant, happens)
    told = lost(ended)
    assert_nothing_is_proven(ended)
    assert "witness@10.10.0.20 port 22 does not take the key" in told["office"]
    assert "witness@10.10.0.10 port 22 refuses connections" in told["erp"]
    none = plant.asked("collect", "last")
    assert none.returncode == 4
    assert (
        "The samples of vantage office were not collected: witness@10.10.0.20 port 22 does not take the key."
        in none.stderr
    )
    assert ended.directory is not None
    assert not (ended.directory / "addenda" / "1").exists()
    first = (ended.directory / "SHA256SUMS").read_bytes()
    far_trouble.unlocks(plant, "office")
    one = plant.asked("collect", "last")
    far_trouble.takes_logins(plant, "erp")
    both = plant.asked("collect", "last", "--json")
    assert (one.returncode, "addendum 1 of " in one.stdout) == (3, True), one.stderr
    assert (
        "The samples of vantage erp were not collected: witness@10.10.0.10 port 22 refuses connections." in one.stderr
    )
    verdict = json.loads(both.stdout)
    assert (both.returncode, verdict["verdict"], verdict["restoration"]) == (0, "held", "proven"), both.stderr
    assert (ended.directory / "SHA256SUMS").read_bytes() == first
    unkeyed = [found["sentence"] for found in verdict["findings"] if found["code"] == "samples-unkeyed"]
    assert len(unkeyed) == 2
    assert all("fetched from its host after the run was closed" in sentence for sentence in unkeyed)
    for node in ("office", "erp"):
        assert plant.on(node, "sh", "-c", "ls /run/witness/.cache/islandmode/spools").split() == []
    again = plant.asked("collect", "last")
    assert (again.returncode, "has the samples of every vantage already" in again.stderr) == (2, True), again.stderr
