"""How long a drill takes beside what it asks to wait for: python bench/drill.py [rounds].

The quarterly drill, rehearsed in a lab that stands, as root. Its holds, and what it watches before and after to settle, are the drill's own; all
else is the program's: starting, preflight, arming, isolating, restoring, collecting, judging, the report. Beside it, in the same run, the
floor: `islandmode plan`, which starts the same program, reads the same files and touches nothing.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from islandmode.operate.plan import plan_of
from islandmode.store.rundir import RunDirectory, earlier

DRILL, LAB = "quarterly-isolation", "bench"
PARTS = (
    ("preflight", "run.started", "baseline.started"),
    ("baseline", "baseline.started", "baseline.done"),
    ("arm, isolate, hold", "baseline.done", "verify.started"),
    ("watch after", "verify.started", "verify.done"),
    ("collect, compare", "verify.done", "run.finished"),
)
"""The parts of a drill, by the records between which they lie."""


def islandmode(*words: str) -> None:
    """Run a command, which must succeed."""
    argv = [sys.executable, "-m", "islandmode", *words]
    subprocess.run(argv, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL)


def timed(workspace: Path, *words: str) -> float:
    """Run a command in a workspace; gives its seconds."""
    began = time.monotonic()
    islandmode(*words, "--workspace", str(workspace))
    return time.monotonic() - began


def parts_of(run: RunDirectory) -> dict[str, float]:
    """Give the seconds of each part of a run, by its journal."""
    at_us: dict[str, int] = {}
    for line in run.journal.read_text(encoding="utf-8").splitlines():
        record = json.loads(line)
        at_us.setdefault(record["kind"], record["mono_us"])
    return {name: (at_us[end] - at_us[begin]) / 1_000_000 for name, begin, end in PARTS}


def main(rounds: int) -> None:
    """Measure, and print medians."""
    if os.geteuid() != 0:
        print("Nothing is measured: a lab needs root.")
        return
    with tempfile.TemporaryDirectory() as folder:
        workspace = Path(folder) / "plant"
        islandmode("init", str(workspace))
        plan = plan_of(workspace, DRILL)[1]
        timed(workspace, "lab", "up", "--lab", LAB)
        try:
            floor = [timed(workspace, "plan", DRILL) for _ in range(rounds)]
            whole = [timed(workspace, "run", DRILL, "--mode", "rehearsal", "--lab", LAB) for _ in range(rounds)]
            parts = [parts_of(run) for run in earlier(workspace)]
        finally:
            timed(workspace, "lab", "down", "--lab", LAB)
    asked_s = plan.hold_s + 2 * plan.drill.settle
    print(
        f"{rounds} drills, medians: {median(whole):.1f} s, of which the drill asks for {asked_s:g} s of hold and settling"
    )
    print(
        f"beside that {median(whole) - asked_s:.1f} s, {(median(whole) - asked_s) / median(floor):.1f} x a plan ({median(floor):.1f} s)"
    )
    for name, *_ in PARTS:
        print(f"  {name:20} {median(taken[name] for taken in parts):6.2f} s")


if __name__ == "__main__":
    given = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    given.add_argument("rounds", nargs="?", type=int, default=3)
    main(given.parse_args().rounds)
