"""A lab's life: it comes up whole or not at all, stands beside others, restarts its nodes, and leaves nothing behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from islandmode.core.errors import InputError
from islandmode.rehearse.lab import Lab, LabFailed
from islandmode.rehearse.namespaces import backend as namespaces
from tests.lab.guarded import (
    NO_WAY_IN,
    ask,
    end_quietly,
    guardian_pid,
    hold,
    hold_workspace,
    kinds,
    records,
)
from tests.lab.one_meaning import assert_one_meaning, small_lab
from tests.lab.rogue.bypass import in_node
from tests.more import first_of, one_in
from tests.patience import PATIENCE_S, wait_until
from tests.shared_lab import TOPOLOGY

pytestmark = pytest.mark.lab

READY = "/run/plant/plant/ready.py"
UP = """
import sys, threading
from pathlib import Path
from islandmode.rehearse.namespaces import backend as namespaces

stage = sys.argv[3]
for name in ("_start_anchor", "_inside", "wait_until_ready"):
    def said(*given, _name=name, _real=getattr(namespaces, name), **named):
        if _name == stage:
            print(_name, flush=True)
        if _name == "wait_until_ready":
            threading.Event().wait()  # However fast this machine is: the lab never comes up whole.
        return _real(*given, **named)
    setattr(namespaces, name, said)
namespaces.up(Path(sys.argv[1]), name="one", state_dir=Path(sys.argv[2]))
"""


def host_state(state_dir: Path) -> dict[str, object]:
    """Give what a lab could leave on this machine; what other tests mount in folders of their own is not looked at."""
    others = str(Path(tempfile.gettempdir()) / "pytest-of-")
    links = json.loads(subprocess.run(["ip", "-j", "link"], capture_output=True, check=True, text=True).stdout)
    mounts = Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines()
    named = Path("/run/netns")
    return {
        "links": sorted(link["ifname"] for link in links),
        "mounts": sorted(line for line in mounts if f" {others}" not in line or str(state_dir.parent) in line),
        "networks": sorted(path.name for path in named.iterdir()) if named.is_dir() else [],
    }


def processes_of(state_dir: Path) -> list[int]:
    """Name every process whose command line speaks of a lab's place."""
    mark = str(state_dir).encode()
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and int(folder.name) != os.getpid():
            try:
                found += [int(folder.name)] if mark in (folder / "cmdline").read_bytes() else []
            except OSError:
                continue
    return found


def is_ready(lab: Lab) -> bool:
    """Tell whether the whole plant answers."""
    argv = lab.enter("ops", (sys.executable, READY))
    return subprocess.run(argv, check=False, capture_output=True, timeout=PATIENCE_S).returncode == 0


def test_up_and_down_leave_nothing(state_dir: Path) -> None:
    before = host_state(state_dir)
    lab = namespaces.up(TOPOLOGY, name="one", state_dir=state_dir)
    assert host_state(state_dir) == before
    assert is_ready(lab)
    namespaces.down("one", state_dir)
    assert host_state(state_dir) == before
    assert processes_of(state_dir) == []
    assert not (state_dir / "one").exists()


@pytest.mark.parametrize("number", first_of([signal.SIGKILL, signal.SIGINT]), ids=["kill-9", "ctrl-c"])
@pytest.mark.parametrize(
    ("stage", "later_s"), one_in(2, [("_inside", 0.2), ("_inside", 0), ("wait_until_ready", 0.1), ("_start_anchor", 0)])
)
def test_an_up_that_is_ended_half_way_leaves_nothing_that_a_second_up_does_not_mend(
    state_dir: Path, number: signal.Signals, stage: str, later_s: float
) -> None:
    before = host_state(state_dir)
    first = subprocess.Popen(
        [sys.executable, "-c", UP, str(TOPOLOGY), str(state_dir), stage],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert first.stdout is not None
    assert first.stdout.readline().decode().strip() == stage
    time.sleep(later_s)
    first.send_signal(number)
    first.communicate(timeout=PATIENCE_S)
    if number is signal.SIGINT:
        # What it killed needs a moment to be gone.
        wait_until(lambda: processes_of(state_dir) == [], "nothing of the lab is left")
    assert is_ready(namespaces.up(TOPOLOGY, name="one", state_dir=state_dir))
    namespaces.down("one", state_dir)
    assert processes_of(state_dir) == []
    assert host_state(state_dir) == before


@pytest.mark.more
def test_two_labs_stand_side_by_side(state_dir: Path) -> None:
    one, two = (namespaces.up(TOPOLOGY, name=name, state_dir=state_dir) for name in ("one", "two"))
    assert is_ready(one)
    assert is_ready(two)
    assert one.secret("conduit-firewall") != two.secret("conduit-firewall")
    assert one.known_hosts.read_bytes() != two.known_hosts.read_bytes()
    namespaces.down("one", state_dir)
    assert is_ready(two)


def test_a_running_lab_is_not_brought_up_again_but_found(state_dir: Path) -> None:
    lab = namespaces.up(TOPOLOGY, name="one", state_dir=state_dir)
    with pytest.raises(InputError, match="already up"):
        namespaces.up(TOPOLOGY, name="one", state_dir=state_dir)
    found = namespaces.attach("one", state_dir)
    assert found is not None
    assert found.identity == lab.identity
    assert namespaces.attach("two", state_dir) is None


def test_a_restart_keeps_links_and_saved_files_and_clears_what_was_running(state_dir: Path) -> None:
    lab = namespaces.up(TOPOLOGY, name="one", state_dir=state_dir)
    links = sorted(row["ifname"] for row in json.loads(in_node(lab, "fw", "ip", "-j", "link")))
    in_node(lab, "fw", "sh", "-c", "echo 'table inet saved { }' >> /etc/nftables.conf; : > /run/running")
    in_node(lab, "fw", "nft", "add", "table", "inet", "running")
    in_node(lab, "fw", "ip", "addr", "add", "192.0.2.1/32", "dev", "eth1")
    lab = namespaces.restart(lab, "fw")
    tables = in_node(lab, "fw", "nft", "list", "tables")
    assert "table inet saved" in tables
    assert "table inet running" not in tables
    assert "192.0.2.1" not in in_node(lab, "fw", "ip", "addr")
    assert in_node(lab, "fw", "ls", "/run/running", check=False) == ""
    assert sorted(row["ifname"] for row in json.loads(in_node(lab, "fw", "ip", "-j", "link"))) == links
    assert is_ready(lab)


def test_a_topology_that_would_not_be_honoured_is_refused_with_its_place(tmp_path: Path, state_dir: Path) -> None:
    path = tmp_path / "odd.clab.yml"
    text = TOPOLOGY.read_text(encoding="utf-8")
    path.write_text(text.replace("    erp:\n", "    erp:\n      cpu: 2\n"), encoding="utf-8")
    with pytest.raises(InputError, match=r'odd\.clab\.yml:\d+:7: The namespaces back end does not honour "cpu"'):
        namespaces.up(path, name="one", state_dir=state_dir)
    assert processes_of(state_dir) == []


@pytest.mark.more
def test_a_guardian_whose_lab_is_taken_down_ends(state_dir: Path, tmp_path: Path) -> None:
    """What it could not see restored is gone with the lab; it must not try for ever, in a network without a plant."""
    own = namespaces.up(TOPOLOGY, name="gone", state_dir=state_dir)
    workspace = hold_workspace(tmp_path / "workspace", own)
    running = hold(workspace, own)
    guardian = guardian_pid(workspace)
    in_node(own, "fw", "nft", NO_WAY_IN)
    running.kill()
    end_quietly(running)
    wait_until(lambda: "restore.attempt" in kinds(workspace, "guardian"), "a first attempt")
    assert ask(workspace, own, "lab", "down").returncode == 4
    # It restores first; that is not seen here, and is said.
    assert ask(workspace, own, "lab", "down", "--force").returncode == 5
    wait_until(lambda: not Path(f"/proc/{guardian}").exists(), "the guardian ends")
    assert records(workspace, "guardian")[-1]["data"]["why"] == "The lab is gone, and the isolation with it."
    status = ask(workspace, own, "status")
    assert (status.returncode, "its lab is gone" in status.stdout) == (0, True)


def test_what_a_file_says_is_what_becomes_of_it(tmp_path: Path, state_dir: Path) -> None:
    """As in containers: tests/containerlab/test_one_meaning.py."""
    file = small_lab(tmp_path)
    assert_one_meaning(namespaces.up(file, name="small", state_dir=state_dir), file)


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("- touch", "- false\n        - touch", "witness did not boot: exit status 1"),
        ("- touch", "- no-such-program\n        - touch", "witness did not boot: .*no-such-program"),
        ('"witness:eth1"', '"witness:eth/1"', "eth/1"),
        ("net.ipv4.ping_group_range: 0 1000", "net.ipv4.no_such_thing: 1", "no_such_thing"),
        ("./written:/run/written", "./nowhere:/run/written", "nowhere"),
        ("ops: {", "ops: {labels: {islandmode.ready-check: /run/none.py}, ", "none.py"),
    ],
)
def test_a_lab_that_cannot_come_up_says_why_and_leaves_nothing(
    tmp_path: Path, state_dir: Path, old: str, new: str, sentence: str
) -> None:
    before = host_state(state_dir)
    file = small_lab(tmp_path)
    file.write_text(file.read_text(encoding="utf-8").replace(old, new, 1), encoding="utf-8")
    with pytest.raises(LabFailed, match=sentence) as raised:
        namespaces.up(file, name="small", state_dir=state_dir)
    assert "Traceback" not in str(raised.value)
    assert not processes_of(state_dir)
    assert host_state(state_dir) == before
