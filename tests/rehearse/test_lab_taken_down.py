"""A lab that is taken down while a command uses it: every question to it ends with a sentence, never with a fault."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from islandmode import __version__
from islandmode.core.errors import InputError
from islandmode.rehearse.lab import SECRETS, LabGone, LabUnknown
from islandmode.rehearse.namespaces.backend import NamespacesLab, RunningNode
from islandmode.rehearse.node_words import OPERATIONS_HOST
from islandmode.rehearse.processes import shares_user_namespace, started
from islandmode.rehearse.topology import read_topology
from tests.patience import wait_until

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


def test_a_lab_that_is_gone_before_a_command_enters_it_is_told_and_is_no_exit_code(
    process: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    lab = lab_of(process, tmp_path)
    process.kill()
    process.wait()
    with pytest.raises(LabGone):
        lab.ask(("--version",))
    with pytest.raises(LabGone):
        lab.go(("--version",), drill=True)


def test_a_lab_that_dies_while_a_command_enters_it_does_not_end_that_command(tmp_path: Path) -> None:
    """The command then says itself what became of the lab; an exit code of nsenter would be read as a verdict."""
    with subprocess.Popen(["unshare", "--map-root-user", "--net", "sleep", "600"]) as host:
        wait_until(lambda: not shares_user_namespace(host.pid), "the operations host has its own network")
        lab = replace(lab_of(host, tmp_path), rootless=True)
        argv, held = lab._on_operations_host(("--version",))
        host.kill()
        host.wait()
        entered = subprocess.run(argv, pass_fds=held, capture_output=True, text=True, check=False)
    assert (entered.returncode, entered.stdout.strip()) == (0, f"islandmode {__version__}"), entered.stderr


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
