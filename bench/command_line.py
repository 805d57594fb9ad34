"""Processor time of short commands, beside floors measured in the same rounds: python bench/command_line.py [rounds].

User and system time of the child, so that a busy machine changes little; medians, and ratios to `import pydantic`, which
carry over to another machine. Numbers for people, not a test: a busy machine must not turn a build red.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from islandmode.core.chain import GENESIS, digest
from islandmode.core.record import Record
from islandmode.store.journal import encode

ROUNDS, EARLIER_RUNS, MANY_RUNS, RECORDS = 9, 500, 5000, 90
PROJECT = Path(__file__).parents[1]
DRILL = "quarterly-isolation"
FLOOR = "import pydantic"
POINT = {"point": "conduit-firewall"}


def cpu_s(argv: Sequence[str]) -> float:
    """Run a program once and give the processor time it used."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(argv, check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def leave_runs(workspace: Path, many: int) -> None:
    """Write finished runs, with journals and verdicts as long as those of the quarterly drill."""
    kinds = ["run.started", "arm.intent", *["dead_man.read"] * RECORDS, "restore.seen", "run.finished"]
    verdict = {"verdict": "held", "restoration": "proven", "rows": [{"probe": "x" * 40, "records": [*range(40)]}] * 130}
    for number in range(many):
        run = f"2026-01-01T{number:06d}Z-{DRILL}-0000"
        journals = workspace / "runs" / run / "journals"
        journals.mkdir(parents=True)
        previous, lines = GENESIS, []
        for seq, kind in enumerate(kinds):
            data = {**POINT, "conduits": ["remote-access"], "told": "x" * 300}
            lines.append(encode(Record(seq, "riverside", run, "conductor", "boot", 1, seq, kind, data), previous))
            previous = digest(lines[-1])
        (journals / "conductor.jsonl").write_bytes(b"".join(lines))
        (journals.parent / "verdict.json").write_text(json.dumps(verdict), encoding="utf-8")


def commands(years: Path, ages: Path) -> dict[str, tuple[str, float | None]]:
    """Give what is measured by its name: the arguments, and the goal in seconds where there is one."""
    of_project, of_years, of_ages = f"--workspace {PROJECT}", f"--workspace {years}", f"--workspace {ages}"
    return {
        "python -c pass": ("-c pass", None),
        FLOOR: ("-c import_pydantic", None),
        "--help": ("-m islandmode --help", 0.25),
        "validate": (f"-m islandmode validate {of_project}", 0.55),
        "plan": (f"-m islandmode plan {DRILL} {of_project}", 0.55),
        "abort, no run": (f"-m islandmode abort {of_project}", None),
        f"abort, {EARLIER_RUNS} runs": (f"-m islandmode abort {of_years}", 0.35),
        f"runs, {EARLIER_RUNS} runs": (f"-m islandmode runs {of_years}", None),
        f"abort, {MANY_RUNS} runs": (f"-m islandmode abort {of_ages}", None),
        f"runs, {MANY_RUNS} runs": (f"-m islandmode runs {of_ages}", None),
    }


def main(rounds: int) -> None:
    """Measure in rounds, and print medians, ratios and goals."""
    with tempfile.TemporaryDirectory() as folder:
        years, ages = Path(folder) / "years", Path(folder) / "ages"
        leave_runs(years, EARLIER_RUNS)
        leave_runs(ages, MANY_RUNS)
        os.environ["ISLANDMODE_STATE"] = str(Path(folder) / "state")
        measured = commands(years, ages)
        taken: dict[str, list[float]] = {name: [] for name in measured}
        for _ in range(rounds + 1):
            for name, (arguments, _goal) in measured.items():
                words = [word.replace("import_pydantic", FLOOR) for word in arguments.split()]
                taken[name].append(cpu_s([sys.executable, *words]))
    # The first round fills caches: the system's, Python's compiled files, and what is remembered of finished runs.
    floor = median(taken[FLOOR][1:])
    for name, (_arguments, goal) in measured.items():
        middle = median(taken[name][1:])
        aim = f", goal {goal:g} s" if goal is not None else ""
        print(f"{name:18} {middle:6.3f} s, {middle / floor:5.1f} x {FLOOR} (first {taken[name][0]:.3f} s{aim})")


if __name__ == "__main__":
    given = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    given.add_argument("rounds", nargs="?", type=int, default=ROUNDS)
    main(given.parse_args().rounds)
