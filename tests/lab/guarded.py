"""Drills that stand in a long hold, and who else has a hand on them: the guardian, and a referee in the plant."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from islandmode.rehearse.lab import Lab
from tests.lab.drills import Drill, make_workspace, newest_run, start, wait_for
from tests.lab.rogue.bypass import in_node
from tests.patience import LONG_PATIENCE_S, wait_until
from tests.standing_still import stand_still

REACH = "import socket; socket.create_connection(('10.40.0.20', 8080), 3)"
NO_WAY_IN = (
    "add table inet noway; add chain inet noway in { type filter hook input priority -20; }; "
    "add rule inet noway in iifname eth0 drop"
)
DRILL = "drills/quarterly-isolation.yaml"
RESTORE_WITHIN_S = 10.0
"""The limit that this drill itself sets, and is breached by."""
Edit = Callable[[str], str]


def held(text: str) -> str:
    """Hold the first stage for two minutes."""
    return text.replace("hold: 2 s", "hold: 2 min")


def settling(text: str) -> str:
    """Look at the plant for two minutes before anything is armed: a busy machine takes its time to start what must come before."""
    return held(text).replace("stages:", "settle: 2 min\nstages:")


def hold_workspace(folder: Path, lab: Lab, change: Edit = held, more: Mapping[str, Edit] | None = None) -> Path:
    """Make a workspace whose drill stands in its first hold until somebody ends it."""
    return make_workspace(folder, lab.state_dir, {DRILL: change, **(more or {})})


def hold(workspace: Path, lab: Lab, **options: Any) -> Drill:
    """Start a drill and come back in the middle of its first hold."""
    running = start(workspace, lab.name, **options)
    wait_for(running, workspace, "hold.started", stage="vendors")
    return running


def run_of(workspace: Path) -> Path:
    """Find the run's directory."""
    found = newest_run(workspace)
    assert found is not None
    return found


def records(workspace: Path, writer: str) -> list[dict[str, Any]]:
    """Read one journal of the newest run."""
    path = run_of(workspace) / "journals" / f"{writer}.jsonl"
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    return [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]


def kinds(workspace: Path, writer: str) -> list[str]:
    """Name the kinds of a journal's records."""
    return [record["kind"] for record in records(workspace, writer)]


def guardian_pid(workspace: Path) -> int:
    """Find the guardian's process by what it was started with."""
    mark = b"\0guard\0" + run_of(workspace).name.encode()
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with suppress(OSError):
                if mark in (folder / "cmdline").read_bytes():
                    return int(folder.name)
    raise AssertionError("no guardian runs")


def conductor_pid(workspace: Path) -> int:
    """Find the conductor: a drill's first process may have become another on the operations host, but not forked."""
    text = (workspace / "runs" / ".locks" / "riverside.remote-access.lock").read_text(encoding="utf-8")
    return int(text.split()[0])


def is_isolated(lab: Lab) -> bool:
    """Ask the firewall itself."""
    return "islandmode_" in in_node(lab, "fw", "nft", "list", "tables")


def see_restored(lab: Lab) -> None:
    """See that no Islandmode object stands on the firewall now, and that a vendor passes again."""
    assert not is_isolated(lab)
    assert in_node(lab, "vendor", "python3", "-c", REACH) == ""


def wait_restored(lab: Lab) -> None:
    """Wait until no Islandmode object stands on the firewall, and see that a vendor passes again."""
    wait_until(lambda: not is_isolated(lab), "no Islandmode object on the firewall")
    see_restored(lab)


def assert_aborted(aborted: subprocess.CompletedProcess[str], run: str = "") -> None:
    """Both are right: a conductor that is slow on a busy machine is not waited for, and the command restores by itself."""
    ends = ("stopped; restoration was seen.", "restored by this command;")
    assert aborted.returncode == 0, aborted.stderr
    assert any(f"{run}: {end}" in aborted.stdout for end in ends), aborted.stdout


def stop_to_restored_s(workspace: Path, writer: str = "conductor", begins: str = "stop") -> float:
    """Read from a journal how long the restore took; the look that proves it may come later."""
    found = records(workspace, writer)
    begun_us = next(one["mono_us"] for one in found if one["kind"] == begins)
    done = (one for one in found if one["kind"] == "restore.attempt" and one["data"]["outcome"] == "done")
    return float(next(done)["mono_us"] - begun_us) / 1_000_000


def ask(workspace: Path, lab: Lab, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run one of our commands to its end."""
    argv = [sys.executable, "-m", "islandmode", *arguments, "--workspace", str(workspace)]
    # To stop or restore a run, a person need not know the name of its lab.
    # And what reads a run's record only has no lab to name.
    named = (
        ()
        if arguments[0] in ("abort", "ledger", "restore", "show") and "--drill" not in arguments
        else ("--lab", lab.name)
    )
    return subprocess.run([*argv, *named], capture_output=True, text=True, check=False, timeout=LONG_PATIENCE_S)


def kill_both(workspace: Path, running: subprocess.Popen[str]) -> None:
    """Kill guardian and conductor so that neither has a moment in which it could restore."""
    stand_still(guardian_pid(workspace))
    running.kill()
    os.kill(guardian_pid(workspace), signal.SIGKILL)
    end_quietly(running)


def end_quietly(running: subprocess.Popen[str]) -> str:
    """End a drill that may be stopped, and return what it printed."""
    with suppress(ProcessLookupError):
        os.kill(running.pid, signal.SIGCONT)
    output, _ = running.communicate(timeout=LONG_PATIENCE_S)
    return output or ""
