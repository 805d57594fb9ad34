"""CPU time of `islandmode --help`, with user and system time of the child; the goal is under 0.25 s.

A number for people, not a test: a busy machine must not turn a build red.
"""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys

RUNS, GOAL_S = 10, 0.25


def cpu_s() -> float:
    """Run the command once and give the processor time it used."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-m", "islandmode", "--help"], check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


if __name__ == "__main__":
    measured = sorted(cpu_s() for _ in range(RUNS))
    print(f"--help: median {statistics.median(measured):.3f} s, worst {measured[-1]:.3f} s, goal {GOAL_S} s of CPU")
