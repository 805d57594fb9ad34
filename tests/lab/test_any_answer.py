"""Whatever comes back through an isolation is no silence: exceptions, bad statuses, a server that closes, a reset.

Every target answers well until the last hold has begun, and badly from then on, through a hole in the firewall. Each of these
answers counted as *dead* once, so that a drill was *held* with nothing isolated.
"""

from __future__ import annotations

import re
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from islandmode.rehearse.lab import Lab
from tests.lab.drills import Ended, end, make_workspace, start, wait_for
from tests.lab.rogue.answering import answering, lead, other_answers, refuse
from tests.lab.rogue.bypass import in_node

pytestmark = pytest.mark.lab

OFFICE, OFFICE6, VENDOR, VENDOR6 = "10.10.0.20", "fd10:10::20", "10.15.0.10", "fd10:15::10"
OPS, OPS6 = "10.40.0.30", "fd10:40::30"
ADDRESS = {
    ("plc-mixer", 4): "10.40.0.10",
    ("plc-mixer", 6): "fd10:40::10",
    ("hmi", 4): "10.40.0.20",
    ("hmi", 6): "fd10:40::20",
    ("erp", 6): "fd10:10::10",
}
ROWS = (
    # probe, how it asks, node that answers, source, port, what it answers instead, what the finding quotes
    ("office-to-plc", "kind: modbus, table: input, address: 0", "plc-mixer", OFFICE, 502, "exception", "exception 2"),
    ("office-to-plc-v6", "kind: tcp", "plc-mixer", OFFICE6, 502, "close", ""),
    ("vendor-to-hmi", "kind: http, path: /api/tags", "hmi", VENDOR, 8080, "503 Busy", "503"),
    ("vendor-to-hmi-v6", "kind: http, path: /api/tags", "hmi", VENDOR6, 8080, "429 Slow Down", "429"),
    ("line3-to-erp", "kind: tcp", "erp", OPS, 8080, "reset", ""),
    ("line3-to-erp-v6", "kind: http, path: /orders", "erp", OPS6, 8080, "close", ""),
)
FIRST_PORT = 5020
BADLY_S = 3.0


def asked_so(text: str) -> str:
    """Let the severed probes ask as the rows say."""
    for probe, how, *_ in ROWS:
        text, count = re.subn(rf"(  {probe}:\n    \{{)kind: tcp,", rf"\g<1>{how},", text)
        assert count == 1, probe
    return text


def answer_badly(lab: Lab, held: ExitStack) -> None:
    """Make every target answer in its bad way, and only then open the firewall for it."""
    for node in sorted({row[2] for row in ROWS}):
        held.enter_context(other_answers(lab, node))
    for number, (_, _, node, source, port, answer, _) in enumerate(ROWS):
        if answer == "reset":
            refuse(lab, node, source, port)
        else:
            held.enter_context(answering(lab, node, FIRST_PORT + number, answer))
            lead(lab, node, source, port, ADDRESS[node, 6 if ":" in source else 4], FIRST_PORT + number)
    held.callback(in_node, lab, "fw", "/usr/sbin/nft", 'include "/etc/nftables.conf"')
    tables = ("islandmode_corporate_line3", "islandmode_remote_access", "plant")
    hole = "tcp dport { 502, 8080 } accept", "tcp sport { 502, 8080 } accept"
    in_node(
        lab, "fw", "/usr/sbin/nft", "; ".join(f"insert rule inet {one} forward {way}" for one in tables for way in hole)
    )


def leaks(ended: Ended) -> dict[str, str]:
    return {one["probe"]: one["sentence"] for one in ended.verdict["findings"] if one["code"] == "leak"}


def test_an_answer_of_any_kind_is_a_leak(lab: Lab, tmp_path: Path) -> None:
    edits = {
        "probes/boundary.yaml": asked_so,
        "drills/quarterly-isolation.yaml": lambda text: text.replace("hold: 3 s", "hold: 12 s"),
    }
    workspace = make_workspace(tmp_path, lab.state_dir, edits)
    with ExitStack() as held:
        running = start(workspace, lab.name)
        wait_for(running, workspace, "hold.started", stage="corporate")
        answer_badly(lab, held)
        time.sleep(BADLY_S)
    # Well again before the restore, so that the way back can be seen.
    ended = end(running, workspace)
    assert ended.code == 1, ended.output
    assert (ended.verdict["verdict"], ended.verdict["restoration"]) == ("breached", "proven")
    said = leaks(ended)
    for probe, _, _, _, _, answer, quoted in ROWS:
        if answer != "reset":
            assert probe in said, ended.output
            assert quoted in said[probe]
    # A reset names no sender, and the firewall counted what passed: the probe's word and its own are one leak.
    assert "line3-to-erp" in said
    assert {"leak", "egress-leak"} <= ended.codes()
