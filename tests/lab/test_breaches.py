"""The same drill ends `breached`, with the right finding, against everything that lets traffic pass or stops too much."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from islandmode.rehearse.lab import Lab
from tests.lab.drills import Ended, drill, end, make_workspace, start, wait_for
from tests.lab.rogue import bypass
from tests.lab.rogue.bypass import in_node, second_link
from tests.patience import PATIENCE_S

pytestmark = pytest.mark.lab

ROGUE = Path(__file__).parent / "rogue"
OFFICE, OFFICE6 = "10.10.0.20", "fd10:10::20"
ERP, ERP6 = "10.10.0.10", "fd10:10::10"
MIXER, MIXER6 = "10.40.0.10", "fd10:40::10"
OPS, OPS6 = "10.40.0.30", "fd10:40::30"
HISTORIAN = "10.20.0.10"
LATE_S = 7.5


@pytest.fixture
def workspace(tmp_path: Path, lab: Lab) -> Path:
    """A workspace of the test's own, sharing the running lab."""
    return make_workspace(tmp_path, lab.state_dir)


def assert_leak(ended: Ended, *probes: str) -> None:
    """The drill is breached by leaks of exactly these probes, each with first and last seen, and the plant is back."""
    assert ended.code == 1, ended.output
    assert ended.verdict["verdict"] == "breached"
    assert ended.verdict["restoration"] == "proven"
    leaks = {found["probe"]: found for found in ended.verdict["findings"] if found["code"] == "leak"}
    assert set(leaks) == set(probes)
    for found in leaks.values():
        assert found["first_s"] is not None
        assert found["last_s"] >= found["first_s"]


@contextmanager
def relay_on_firewall(lab: Lab, *options: str) -> Iterator[None]:
    """Run the packet relay on the firewall node."""
    script = in_node(lab, "fw", "mktemp").strip()
    subprocess.run(
        lab.enter("fw", ("sh", "-c", f"cat > {script}")),
        input=(ROGUE / "packet_relay.py").read_text(encoding="utf-8"),
        text=True,
        check=True,
        timeout=PATIENCE_S,
    )
    argv = lab.enter("fw", ("python3", script, "eth1", "eth4", *options))
    relay = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)
    try:
        assert relay.stdout is not None
        assert relay.stdout.readline() == "ready\n"
        yield
    finally:
        # What `nsenter` started lives in the node's own process numbers; killing `nsenter` alone would leave it there.
        in_node(lab, "fw", "pkill", "-KILL", "-f", script)
        relay.communicate()


@pytest.mark.more
def test_a_relay_on_the_firewall_is_found(lab: Lab, workspace: Path) -> None:
    with relay_on_firewall(lab, "--family", "4"):
        ended = drill(workspace, lab.name)
    assert ended.code == 1, ended.output
    leaks = {found["probe"] for found in ended.verdict["findings"] if found["code"] == "leak"}
    assert "office-to-plc" in leaks
    assert not any(probe.endswith("-v6") for probe in leaks)


@pytest.mark.more
def test_a_second_link_round_the_firewall_is_found(lab: Lab, workspace: Path) -> None:
    with second_link(lab, "office", (4, OFFICE, MIXER), (6, OFFICE6, MIXER6)):
        ended = drill(workspace, lab.name)
    assert_leak(ended, "office-to-plc", "office-to-plc-v6", "office-canary")


@pytest.mark.more
def test_a_leak_in_ipv6_only_is_found(lab: Lab, workspace: Path) -> None:
    with second_link(lab, "office", (6, OFFICE6, MIXER6)):
        ended = drill(workspace, lab.name)
    assert_leak(ended, "office-to-plc-v6")


@pytest.mark.more
def test_a_leak_from_ot_to_corporate_only_is_found(lab: Lab, workspace: Path) -> None:
    with second_link(lab, "erp", (4, ERP, OPS)):
        ended = drill(workspace, lab.name)
    assert_leak(ended, "line3-to-erp")


def test_a_leak_on_an_open_connection_only_is_found(lab: Lab, workspace: Path) -> None:
    with relay_on_firewall(lab, "--established", "--family", "4"):
        ended = drill(workspace, lab.name)
    assert_leak(ended, "office-canary")


@pytest.mark.more
def test_a_leak_that_opens_late_in_the_hold_is_found(lab: Lab, tmp_path: Path) -> None:
    longer = {"drills/quarterly-isolation.yaml": lambda text: text.replace("hold: 3 s", "hold: 12 s")}
    workspace = make_workspace(tmp_path, lab.state_dir, longer)
    running = start(workspace, lab.name)
    held = wait_for(running, workspace, "hold.started", stage="corporate")
    # Short, because nothing is to end it before: the hold goes on for more than four seconds after that.
    with pytest.raises(subprocess.TimeoutExpired):
        running.wait(timeout=held["mono_us"] / 1_000_000 + LATE_S - time.monotonic())
    bypass.lay(lab, "office", ((4, OFFICE, MIXER),))
    try:
        ended = end(running, workspace)
    finally:
        bypass.lift(lab, "office")
    # The canary may come back too, if TCP tries again in time; the fresh connections must.
    assert ended.verdict["verdict"] == "breached"
    assert ended.finding("leak")["probe"] in {"office-to-plc", "office-canary"}
    assert {found["probe"] for found in ended.verdict["findings"] if found["code"] == "leak"} >= {"office-to-plc"}
    begun = next(record for record in ended.records() if record["kind"] == "run.started")
    hold_after_s = (held["mono_us"] - begun["mono_us"]) / 1_000_000
    assert ended.finding("leak")["first_s"] >= hold_after_s + LATE_S - 0.5


@contextmanager
def faulty_nft(lab: Lab, fault: str) -> Iterator[None]:
    """Put the lying nft in front of the real one on the firewall, for the length of a test."""
    nft = in_node(lab, "fw", "sh", "-c", "command -v nft || echo /usr/sbin/nft").strip()
    wrapper = (ROGUE / "nft_wrapper.py").read_text(encoding="utf-8")
    fetch = f"mkdir -p /run/faulty && cp {nft} /run/faulty/nft.real && cat > /run/faulty/nft.py"
    subprocess.run(lab.enter("fw", ("sh", "-c", fetch)), input=wrapper, text=True, check=True, timeout=PATIENCE_S)
    launcher = '#!/bin/sh\nNFT_REAL=/run/faulty/nft.real exec python3 /run/faulty/nft.py "$@"\n'
    script = f"printf '%s' '{launcher}' > /run/faulty/nft && chmod 755 /run/faulty/nft && echo {fault} > /etc/nft-fault"
    in_node(lab, "fw", "sh", "-c", f"{script} && mount --bind /run/faulty/nft {nft}")
    try:
        yield
    finally:
        in_node(lab, "fw", "sh", "-c", f"umount {nft}; rm -f /etc/nft-fault")


def test_a_point_that_says_done_and_does_nothing_is_found(lab: Lab, workspace: Path) -> None:
    with faulty_nft(lab, "swallow-hold"):
        ended = drill(workspace, lab.name)
    assert ended.code == 1, ended.output
    assert ended.verdict["verdict"] == "breached"
    assert "not-isolating" in ended.codes()


@pytest.mark.more
def test_a_late_reply_changes_no_effective_time_and_a_late_rule_does(lab: Lab, tmp_path: Path) -> None:
    times = {}
    for fault in ("obedient", "late-reply", "late-rule"):
        folder = tmp_path / fault
        folder.mkdir()
        with faulty_nft(lab, fault):
            ended = drill(make_workspace(folder, lab.state_dir), lab.name)
        times[fault] = ended.verdict["isolation_s"]["ordered_to_effective"]
    assert times["late-reply"]["latest_s"] < times["obedient"]["latest_s"] + 1
    assert times["late-rule"]["earliest_s"] > times["obedient"]["latest_s"] + 1


def test_an_nft_that_drops_timeouts_is_refused_and_leaves_nothing(lab: Lab, workspace: Path) -> None:
    with faulty_nft(lab, "drop-timeout"):
        ended = drill(workspace, lab.name)
    assert ended.code == 4, ended.output
    assert "timer" in ended.output
    assert "islandmode_" not in in_node(lab, "fw", "nft", "list", "tables")


@pytest.mark.more
def test_a_frozen_heartbeat_is_found_while_the_plc_still_answers(lab: Lab, workspace: Path) -> None:
    running = start(workspace, lab.name)
    wait_for(running, workspace, "hold.started", stage="corporate")
    in_node(lab, "plc-filler", "sh", "-c", "kill -USR1 $(cat /run/plc.pid)")
    try:
        ended = end(running, workspace)
    finally:
        in_node(lab, "plc-filler", "sh", "-c", "kill -USR2 $(cat /run/plc.pid)")
    assert ended.code == 1, ended.output
    assert ended.verdict["restoration"] == "proven"
    assert any(found["probe"] == "plc-filler" for found in ended.verdict["findings"])


@pytest.mark.more
def test_a_stage_that_stops_a_flow_it_should_not_is_found(lab: Lab, tmp_path: Path) -> None:
    """While the vendors are isolated, the firewall drops what the historian asks of the PLCs, too."""
    longer = {"drills/quarterly-isolation.yaml": lambda text: text.replace("hold: 2 s", "hold: 6 s")}
    workspace = make_workspace(tmp_path, lab.state_dir, longer)
    running = start(workspace, lab.name)
    try:
        wait_for(running, workspace, "hold.started", stage="vendors")
        in_node(lab, "fw", "/usr/sbin/nft", f"insert rule inet plant forward ip saddr {HISTORIAN} tcp dport 502 drop")
        ended = end(running, workspace)
    finally:
        in_node(lab, "fw", "/usr/sbin/nft", "-f", "/etc/nftables.conf")
    assert ended.code == 1, ended.output
    found = ended.finding("continuity-gap")
    assert found["probe"] == "historian-buffer"
    assert found["stage"] == "vendors"
