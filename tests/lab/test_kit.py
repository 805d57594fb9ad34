"""A kit that a person starts in the office: the run does not contact it, and what it saw is added when it is brought back."""

from __future__ import annotations

import io
import json
import os
import re
import signal
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from islandmode.rehearse.lab import Lab
from islandmode.ui.program import command
from tests.lab.drills import drill, make_workspace
from tests.lab.rogue.bypass import in_node
from tests.operate.test_kits import DRILL, SITE, carried, utc_in
from tests.patience import PATIENCE_S, wait_until

pytestmark = pytest.mark.lab

OFFICE = ("office-to-plc", "office-to-plc-v6", "office-canary")


def bring_back(lab: Lab, folder: Path) -> None:
    """Carry what it wrote out of the office's own disk."""
    spool = folder / "spool"
    wait_until(lambda: "ended" in in_node(lab, "office", "ls", str(spool)).split(), "the kit has ended")
    argv = lab.enter("office", ("tar", "-C", str(folder), "-c", "spool"))
    packed = subprocess.run(argv, capture_output=True, check=True, timeout=PATIENCE_S).stdout
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        archive.extractall(folder, filter="data")


def test_a_kit_in_the_office_makes_the_verdict_whole_when_it_is_brought_back(
    lab: Lab, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    workspace = make_workspace(tmp_path / "workspace", lab.state_dir, {SITE: carried})
    where, folder = ["--workspace", str(workspace)], tmp_path / "kit"
    kit = ["vantage", "kit", "office", "--drill", DRILL, "--until", utc_in(3600), "--to", str(folder)]
    assert command([*kit, *where]) == 0
    said = tmp_path / "said"
    with said.open("wb") as heard:
        argv = lab.enter("office", (sys.executable, "-I", str(folder / "worker.pyz"), "kit"))
        started = subprocess.Popen(argv, stdout=heard, stderr=subprocess.STDOUT, start_new_session=True)
        try:
            wait_until(lambda: all(f"{name}: good" in said.read_text() for name in OFFICE), "the office sees the plant")
            ended = drill(workspace, lab.name)
        finally:
            os.killpg(started.pid, signal.SIGINT)
            started.wait(PATIENCE_S)
    bring_back(lab, folder)
    assert (ended.code, ended.verdict["verdict"]) == (3, "inconclusive"), ended.output
    lost = ended.finding("witness-lost")["sentence"]
    assert re.match(r"The samples of vantage office were not collected \(a person brings its kit back; then ", lost)
    assert {one["code"] for one in ended.verdict["findings"] if one["result"] == "inconclusive"} >= {"witness-lost"}
    assert not [
        record
        for record in ended.records()
        if record["kind"] == "vantage.started" and record["data"]["vantage"] == "office"
    ]
    assert ended.directory is not None
    first = (ended.directory / "SHA256SUMS").read_bytes()
    capsys.readouterr()
    code = command(["collect", "last", "--from", str(folder), "--json", *where])
    verdict = json.loads(capsys.readouterr().out)
    assert (code, verdict["verdict"], verdict["restoration"]) == (0, "held", "proven"), verdict["findings"]
    assert "samples-unkeyed" in {finding["code"] for finding in verdict["findings"]}
    dead = [row for row in verdict["rows"] if row["vantage"] == "office" and row["expected"] == "dead"]
    assert dead
    assert all(row["bad"] > 0 for row in dead)
    assert (ended.directory / "SHA256SUMS").read_bytes() == first
    summed = subprocess.run(["sha256sum", "-c", "--quiet", "SHA256SUMS"], cwd=ended.directory, check=False)
    assert summed.returncode == 0
