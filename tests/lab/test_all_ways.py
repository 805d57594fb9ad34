"""One works cut off in every way at once, as examples/selby has it: nftables, a pair, NAPALM, Ansible, FRR, and a person's hand.

The person is played by a program, which really pulls the cable and types the real command. What passes is tried beside the drill's own probes.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from islandmode.rehearse import backends
from islandmode.rehearse.lab import Lab
from tests.lab import examples
from tests.lab.by_hand import GOOD, Act, Cable, at_the_cabinet
from tests.lab.drills import Ended, drill, start, wait_for
from tests.lab.guarded import kill_both
from tests.lab.rogue.bypass import in_node
from tests.lab.test_pair import edited
from tests.lab.test_plays import FAILS, ISOLATE, ending_with
from tests.patience import LONG_PATIENCE_S, PATIENCE_S, wait_until

pytestmark = pytest.mark.lab
SELBY, DRILL = "selby", "cut-off"
CABLE = Cable("roller-modem", "modem", "eth1")
NODES = {
    "office-firewall-a": "fw-a",
    "office-firewall-b": "fw-b",
    "vendor-firewall": "fw-vendors",
    "laboratory-firewall": "fw-laboratory",
    "weighbridge-firewall": "fw-weighbridge",
    "energy-router": "rtr-energy",
    CABLE.point: CABLE.node,
}
OUTSIDE = ("10.80.0.20", "10.82.0.10", "10.83.0.10", "10.84.0.10", "10.85.0.10", "10.86.0.10")
TRY = """
import json, socket, sys, threading, time

def go_on(host):
    while True:
        begun_us = time.monotonic_ns() // 1000
        try:
            socket.create_connection((host, 8443), 1).close()
            came = True
        except OSError:
            came = False
        said = json.dumps([host, begun_us, time.monotonic_ns() // 1000, came])
        with lock:
            print(said, flush=True)
        time.sleep(0.3)

lock = threading.Lock()
for host in sys.argv[1:]:
    threading.Thread(target=go_on, args=(host,)).start()
"""


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Copy the example to where runs may be written, and have its lab up."""
    with examples.up(SELBY, tmp_path_factory.mktemp("project")) as folder:
        yield folder


@pytest.fixture
def selby(workspace: Path) -> Lab:
    """Give the lab, of which the pair has found out who is active."""
    found = backends.attach(SELBY, workspace / ".lab")
    assert found is not None
    wait_until(lambda: any("10.80.0.1/" in addresses(found, node) for node in ("fw-a", "fw-b")), "one is active")
    return found


def addresses(lab: Lab, node: str) -> str:
    return in_node(lab, node, "ip", "-4", "-brief", "address")


@contextmanager
def tried(lab: Lab, told: Path) -> Iterator[None]:
    """Try new connections to every host outside for the length of a block, each way by itself, and write down when which of them came."""
    argv = lab.enter("ops", (sys.executable, "-c", TRY, *OUTSIDE), network_only=True)
    with told.open("wb") as out:
        trying = subprocess.Popen(argv, stdout=out, stdin=subprocess.DEVNULL, start_new_session=True)
    try:
        yield
    finally:
        os.killpg(trying.pid, signal.SIGKILL)
        trying.wait(PATIENCE_S)


def came(told: Path, from_us: int, until_us: int) -> dict[str, set[bool]]:
    """Tell of each host whether the tries that began and ended between two moments came."""
    found: dict[str, set[bool]] = {host: set() for host in OUTSIDE}
    for line in told.read_text(encoding="ascii").splitlines():
        host, begun_us, ended_us, passed = json.loads(line)
        if from_us <= begun_us and ended_us <= until_us:
            found[host].add(passed)
    return found


def kept(lab: Lab) -> dict[str, str]:
    """Give what an isolation may change on each device: rules, whether links are up, addresses, routes, and what runs as configuration."""
    asked = "nft -s -t list ruleset; ip -brief link; ip -4 -brief address; ip route; [ ! -e /run/frr ] || vtysh -c 'show running-config'"
    told = {point: in_node(lab, node, "sh", "-c", asked) for point, node in NODES.items()}
    # The kernel numbers the next hops anew.
    return {point: re.sub(r" nhid \d+", "", text) for point, text in told.items()}


def cut_off(lab: Lab, workspace: Path, acts: Mapping[str, Act] = GOOD) -> Ended:
    with at_the_cabinet(lab, workspace, acts, CABLE):
        return drill(workspace, SELBY, named=DRILL)


def points_of(ended: Ended, kind: str, **wanted: Any) -> set[str]:
    """Name the points of records of a kind."""
    data = [record["data"] for record in ended.records() if record["kind"] == kind]
    return {one["point"] for one in data if wanted.items() <= one.items()}


def moment(ended: Ended, kind: str) -> int:
    return next(int(record["mono_us"]) for record in ended.records() if record["kind"] == kind)


def test_every_way_isolates_at_once_and_everything_comes_back(workspace: Path, selby: Lab, tmp_path: Path) -> None:
    before, told = kept(selby), tmp_path / "tried"
    with tried(selby, told):
        ended = cut_off(selby, workspace)
    assert (ended.code, ended.verdict.get("verdict"), ended.verdict.get("restoration")) == (0, "held", "proven"), (
        ended.output
    )
    assert points_of(ended, "isolate.result", outcome="done") == set(NODES)
    assert points_of(ended, "restore.seen") == set(NODES)
    assert came(told, 0, moment(ended, "arm.intent")) == {host: {True} for host in OUTSIDE}
    held = came(told, moment(ended, "hold.started"), moment(ended, "restore.ordered"))
    assert held == {host: {False} for host in OUTSIDE}
    assert kept(selby) == before
    see_told(ended)


def see_told(ended: Ended) -> None:
    """See what such a drill must not hide: what no counter saw, what a recipe leaves open, and who restored the modem."""
    assert "No island of works" in ended.output
    for point in ("laboratory-firewall", "weighbridge-firewall", "energy-router", CABLE.point):
        assert f"{point}, which counts nothing" in " ".join(ended.output.split())
    assert ended.directory is not None
    report = (ended.directory / "report.html").read_text(encoding="utf-8")
    assert f"{CABLE.point}: restored by a person" in report
    assert all(name in report for name in NODES)


@pytest.mark.more
def test_where_a_play_fails_half_way_all_others_are_restored(workspace: Path, selby: Lab, tmp_path: Path) -> None:
    folder = edited(workspace, tmp_path / SELBY, {ISOLATE: ending_with(FAILS)})
    before = kept(selby)
    ended = cut_off(selby, folder)
    assert (ended.code, ended.verdict.get("verdict"), ended.verdict.get("restoration")) == (1, "breached", "proven"), (
        ended.output
    )
    assert "hold.started" not in ended.kinds()
    results = [record["data"] for record in ended.records() if record["kind"] == "isolate.result"]
    assert {one["point"]: one["outcome"] for one in results if one["outcome"] != "done"} == {
        "weighbridge-firewall": "unknown"
    }, results
    assert points_of(ended, "restore.seen") == set(NODES)
    assert kept(selby) == before


@pytest.mark.more
def test_where_everybody_of_the_run_died_a_command_restores_what_no_timer_does(
    workspace: Path, selby: Lab, tmp_path: Path
) -> None:
    folder = edited(workspace, tmp_path / SELBY, {f"drills/{DRILL}.yaml": lambda text: text.replace("5 s", "1 min")})
    before = kept(selby)
    with at_the_cabinet(selby, folder, GOOD, CABLE) as person:
        running = start(folder, SELBY, named=DRILL)
        wait_for(running, folder, "hold.started")
        kill_both(folder, running)
        argv = [sys.executable, "-m", "islandmode", "restore"]
        asking = subprocess.Popen(argv, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        # It goes on asking for the cable; everything that is restored by lines is back before that.
        wait_until(
            lambda: {point for point, text in kept(selby).items() if text != before[point]} == {CABLE.point},
            "all but the cable is back",
            every_s=1.0,
        )
        assert asking.poll() is None
        person.push()
        told, _ = asking.communicate(timeout=LONG_PATIENCE_S)
    assert asking.returncode == 0, told
    assert "Put the yellow cable into port 1 of the modem." in told
    assert kept(selby) == before
