"""A return to service in order on the real firewall: the office passes again while the vendors still wait for a person's word."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from islandmode.core.episodes import Seen
from islandmode.operate.judge import evidence_of, judge_evidence
from islandmode.rehearse.lab import Lab
from islandmode.store.rundir import RunDirectory
from tests.lab.drills import end, make_workspace, start, wait_for
from tests.lab.guarded import ask, end_quietly, guardian_pid, kinds, wait_restored
from tests.patience import PATIENCE_S, wait_until

pytestmark = pytest.mark.lab

DRILL = "drills/quarterly-isolation.yaml"
SITE = "inventory/riverside.yaml"
NOBODY = """ledger_receiver:
  mail: {address: 127.0.0.1, port: 9, from: ot@plant.example, to: audit@corp.example}
  demanded: true

vantages:
"""
ORDER = """restore_order:
  - restore: [corporate]
  - {restore: [remote-access], by_word: true, within: 60 s}
severed:
"""


def test_the_vendors_come_back_last_and_by_word(lab: Lab, tmp_path: Path) -> None:
    edits = {
        DRILL: lambda text: text.replace("severed:\n", ORDER),
        # Nobody is there: a rehearsal says so, and goes on.
        SITE: lambda text: text.replace("vantages:\n", NOBODY),
    }
    workspace = make_workspace(tmp_path, lab.state_dir, edits)
    running = start(workspace, lab.name)
    waits = wait_for(running, workspace, "return.waits")
    assert (waits["data"]["step"], waits["data"]["conduits"]) == (2, ["remote-access"])
    # The timer of what is isolated still goes on, and is read.
    wait_for(running, workspace, "dead_man.read", isolating={"remote-access": True})
    said = subprocess.run(
        [sys.executable, "-m", "islandmode", "confirm", "last", "return", "--person", "R. Ortiz, shift lead"],
        cwd=workspace,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_S,
    )
    ended = end(running, workspace)
    assert said.returncode == 0, said.stderr
    assert "R. Ortiz, shift lead gave the word for step 2 of the return to service." in said.stdout
    assert ended.code == 0, ended.output
    assert ended.directory is not None
    assert "stop" not in ended.kinds()
    (asked,) = (record["data"] for record in ended.records() if record["kind"] == "ledger.acknowledged")
    assert (asked["acknowledged"], asked["said"]) == (False, "Connection refused")
    assert "did not acknowledge line 2: Connection refused." in " ".join(ended.output.split())
    assert "line 2 NOT acknowledged by mail to audit@corp.example" in (ended.directory / "report.html").read_text()
    evidence = evidence_of(RunDirectory(ended.directory))
    at_us = {record.kind: record.monotonic_us for record in evidence.records}
    episodes = judge_evidence(evidence).episodes
    first_us = {
        probe: min(
            each.first_us
            for each in episodes[probe]
            if each.seen is Seen.GOOD and each.first_us >= at_us["return.ordered"]
        )
        for probe in ("office-to-plc", "erp-to-historian", "vendor-to-hmi")
    }
    # As the packets of the probes saw it.
    assert (
        max(first_us["office-to-plc"], first_us["erp-to-historian"]) < at_us["return.word"] < first_us["vendor-to-hmi"]
    )


@pytest.mark.more
def test_a_conductor_that_is_killed_in_the_middle_of_a_return_leaves_the_rest_to_its_guardian(
    lab: Lab, tmp_path: Path
) -> None:
    """Right after its newest record: the office is back, and the vendors wait for a word that nobody can give any more."""
    workspace = make_workspace(tmp_path, lab.state_dir, {DRILL: lambda text: text.replace("severed:\n", ORDER)})
    running = start(workspace, lab.name)
    wait_for(running, workspace, "return.waits")
    guardian = guardian_pid(workspace)
    os.killpg(running.pid, signal.SIGKILL)
    wait_restored(lab)
    wait_until(lambda: not Path(f"/proc/{guardian}").exists(), "the guardian ends when restoration was seen")
    end_quietly(running)
    assert "guardian.took_over" in kinds(workspace, "guardian")
    assert "restore.seen" in kinds(workspace, "guardian")
    said = ask(workspace, lab, "confirm", "last", "return", "--person", "R. Ortiz")
    assert said.returncode != 0
    assert "Traceback" not in said.stderr
    assert ask(workspace, lab, "status").returncode == 0
    shown = ask(workspace, lab, "show", "last")
    assert "held" not in shown.stdout.split("verdict", 1)[-1].split()[:1]
