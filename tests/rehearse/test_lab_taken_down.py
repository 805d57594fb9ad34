"""A lab that is taken down while a command uses it: every question to it ends with a sentence, never with a fault."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from islandmode.core.errors import InputError
from islandmode.rehearse.lab import SECRETS, LabGone, LabUnknown
from islandmode.rehearse.namespaces import NamespacesLab, RunningNode
from islandmode.rehearse.processes import started
from islandmode.rehearse.topology import OPERATIONS_HOST, read_topology

TOPOLOGY = Path(__file__).resolve().parents[2] / "lab" / "plant.clab.yml"


@pytest.fixture
def process() -> Iterator[subprocess.Popen[bytes]]:
    """Give the process by which a lab lives."""
    running = subprocess.Popen(["sleep", "600"])
    yield running
    running.kill()
    running.wait()


def lab_of(process: subprocess.Popen[bytes], state_dir: Path) -> NamespacesLab:
    """Make a lab whose nodes are all one process."""
    topology, pid = read_topology(TOPOLOGY), process.pid
    nodes = {name: RunningNode(node, pid, pid) for name, node in topology.nodes.items()}
    return NamespacesLab("plant", state_dir, "one", topology, pid, started(pid), nodes, rootless=False)


def test_a_lab_that_was_taken_down_says_so_when_it_is_asked_where_we_are(
    process: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    lab = lab_of(process, tmp_path)
    assert lab.is_here()
    process.kill()
    # Killed, and then reaped: neither has a network any more.
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    with pytest.raises(
        LabGone, match=r"^Lab plant was taken down meanwhile, and what was isolated in it is gone with it\.$"
    ):
        lab.is_here()
    process.wait()
    with pytest.raises(LabGone):
        lab.is_here()


def test_an_operations_host_that_is_gone_from_a_living_lab_is_not_called_the_end_of_the_lab(
    process: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    lab = lab_of(process, tmp_path)
    host = replace(lab.nodes[OPERATIONS_HOST], network_pid=2**22 + 1)
    broken = replace(lab, nodes={**lab.nodes, OPERATIONS_HOST: host})
    with pytest.raises(LabUnknown, match="The operations host of lab plant cannot be seen"):
        broken.is_here()


def test_secrets_of_a_lab_whose_folder_is_gone_are_said_to_be_unread(
    process: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    lab = lab_of(process, tmp_path)
    folder = tmp_path / "plant" / SECRETS
    folder.mkdir(parents=True)
    (folder / "fw").write_text("x", encoding="ascii")
    assert lab.secret("fw") == "x"
    with pytest.raises(InputError, match="has no secret nope; known secrets: fw"):
        lab.secret("nope")
    shutil.rmtree(tmp_path / "plant")
    with pytest.raises(LabUnknown, match=r"The secrets of lab plant in .* cannot be read"):
        lab.secret("fw")
