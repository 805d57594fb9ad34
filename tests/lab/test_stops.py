"""However a drill is stopped in the middle of a hold: the plant is restored, that is seen, and the reason is recorded."""

from __future__ import annotations

import fcntl
import os
import pty
import signal
import subprocess
import termios
import time
from pathlib import Path
from typing import Any

import pytest

from islandmode.rehearse.lab import Lab
from tests.lab.drills import Ended, end, make_workspace, newest_run, read_journal, start, wait_for
from tests.lab.guarded import ask, held, hold, hold_workspace, is_isolated, kill_both
from tests.lab.rogue.bypass import in_node
from tests.patience import PATIENCE_S, wait_until

pytestmark = pytest.mark.lab


@pytest.fixture
def workspace(tmp_path: Path, lab: Lab) -> Path:
    """A workspace whose last hold is long, so that a stop always falls into it."""
    long_hold = {"drills/quarterly-isolation.yaml": lambda text: text.replace("hold: 3 s", "hold: 2 min")}
    return make_workspace(tmp_path, lab.state_dir, long_hold)


def assert_restored(lab: Lab, directory: Path, by: str, word: str) -> None:
    """The journal says who stopped it and that restore was seen, and the firewall agrees."""
    records = read_journal(directory)
    stop = next(record for record in records if record["kind"] == "stop")
    assert stop["data"]["by"] == by
    assert word in stop["data"]["why"]
    assert [record["kind"] for record in records].count("restore.seen") == 1
    assert "islandmode_" not in in_node(lab, "fw", "nft", "list", "tables")


def stopped_by(workspace: Path, lab: Lab, *signals: signal.Signals) -> Ended:
    """Start a drill, send signals in the middle of its last hold, and wait for its end."""
    running = start(workspace, lab.name)
    wait_for(running, workspace, "hold.started", stage="corporate")
    # Long enough for every probe to have shown itself dead: its own timeout and a little.
    time.sleep(1.5)
    for number in signals:
        running.send_signal(number)
        time.sleep(0.05)
    return end(running, workspace)


@pytest.mark.parametrize(
    "signals",
    [
        (signal.SIGINT,),
        pytest.param((signal.SIGINT, signal.SIGINT), marks=pytest.mark.more),
        pytest.param((signal.SIGTERM,), marks=pytest.mark.more),
        pytest.param((signal.SIGHUP,), marks=pytest.mark.more),
    ],
    ids=["int", "int-int", "term", "hup"],
)
def test_a_signal_in_the_hold_restores(lab: Lab, workspace: Path, signals: tuple[signal.Signals, ...]) -> None:
    ended = stopped_by(workspace, lab, *signals)
    assert ended.code == 3, ended.output
    assert ended.verdict["verdict"] == "inconclusive"
    assert ended.verdict["restoration"] == "proven"
    assert ended.directory is not None
    assert_restored(lab, ended.directory, "signal", signals[0].name)


@pytest.mark.more
def test_a_closed_terminal_in_the_hold_restores(lab: Lab, workspace: Path) -> None:
    ours, theirs = pty.openpty()
    # A controlling terminal of its own: closing our end is what closing the window is.
    options: dict[str, Any] = {"stdin": theirs, "stdout": theirs, "stderr": theirs, "start_new_session": False}
    # Never begun again: its terminal is closed to us.
    running = start(workspace, lab.name, again=0, **options, preexec_fn=lambda: own_terminal(theirs))
    os.close(theirs)
    drain = subprocess.Popen(["cat"], stdin=ours, stdout=subprocess.DEVNULL)
    try:
        wait_for(running, workspace, "hold.started", stage="corporate")
    finally:
        drain.kill()
        drain.wait()
        os.close(ours)
    running.wait(timeout=PATIENCE_S)
    directory = newest_run(workspace)
    assert directory is not None
    assert_restored(lab, directory, "signal", "SIGHUP")


def own_terminal(terminal: int) -> None:
    """Make a terminal the controlling one of a new session; runs in the child."""
    os.setsid()
    fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)


def test_with_conductor_and_guardian_dead_the_device_restores_by_its_own_timer(lab: Lab, tmp_path: Path) -> None:
    workspace = hold_workspace(tmp_path, lab, lambda text: held(text).replace("dead_man: 3 min", "dead_man: 12 s"))
    running = hold(workspace, lab)
    kill_both(workspace, running)
    reach = "import socket; socket.create_connection(('10.40.0.20', 8080), 1)"
    with pytest.raises(AssertionError):
        in_node(lab, "vendor", "python3", "-c", reach)
    wait_until(lambda: "expires" not in in_node(lab, "fw", "nft", "list", "ruleset"), "the timer ends")
    assert in_node(lab, "vendor", "python3", "-c", reach) == ""
    # The timer lets traffic pass; the object goes with a restore, as nobody would want to find it there.
    assert is_isolated(lab)
    assert ask(workspace, lab, "restore").returncode == 0
    assert not is_isolated(lab)


@pytest.mark.more
def test_a_management_path_that_is_lost_in_the_hold_is_said_loudly_while_the_device_restores(
    lab: Lab, tmp_path: Path
) -> None:
    """The firewall can no longer be reached: its own timer restores, and the run ends STRANDED, exit 5."""
    changes = {
        "drills/quarterly-isolation.yaml": lambda text: (
            text.replace("hold: 3 s", "hold: 2 min")
            .replace("dead_man: 3 min", "dead_man: 8 s")
            .replace("isolate_within: 5 s", "isolate_within: 3 s")
            .replace("restore_within: 10 s", "restore_within: 5 s")
        )
    }
    workspace = make_workspace(tmp_path, lab.state_dir, changes)
    running = start(workspace, lab.name)
    wait_for(running, workspace, "hold.started", stage="corporate")
    in_node(lab, "fw", "nft", "insert", "rule", "inet", "plant", "input", "iifname", "eth0", "drop")
    try:
        ended = end(running, workspace)
        reach = "import socket; socket.create_connection(('10.40.0.10', 502), 3)"
        assert in_node(lab, "office", "python3", "-c", reach) == ""
    finally:
        in_node(lab, "fw", "nft", "-f", "/etc/nftables.conf")
    assert ended.code == 5, ended.output
    assert ended.verdict["restoration"] == "unproven"
    assert "STRANDED: restoration was not seen" in ended.output
    assert "islandmode_corporate_dmz" in ended.output
    assert {"stranded"} <= ended.codes()
