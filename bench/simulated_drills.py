"""CPU time of one simulated drill with its faults, and of the bare world under it; ten thousand should take under 3 minutes.

Numbers for people, not a test. The floor is a world in which as many callbacks run as in the median drill, and nothing else.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from pathlib import Path

import anyio

sys.path.insert(0, str(Path(__file__).parents[1]))

from islandmode.simulate.world import run_world
from tests.run.simulated_run import run_seed

SEEDS, STEPS, CORES, GOAL_S = range(150), 3000, 2, 180.0


def drill_s(seed: int) -> float:
    """Play one seed and give the processor time it used."""
    began = time.process_time()
    run_seed(seed)
    return time.process_time() - began


def floor_s() -> float:
    """Let a world do nothing, many times."""

    async def nothing() -> None:
        for _ in range(STEPS):
            await anyio.sleep(0.001)

    began = time.process_time()
    run_world(1, nothing)
    return time.process_time() - began


if __name__ == "__main__":
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    drills, floor = [drill_s(seed) for seed in SEEDS], statistics.median(floor_s() for _ in range(5))
    median, mean = statistics.median(drills), statistics.fmean(drills)
    print(
        f"simulated drill: median {median * 1000:.1f} ms of CPU, {median / floor:.1f} times {STEPS} empty steps of the world"
    )
    print(f"ten thousand on {CORES} cores: about {mean * 10_000 / CORES:.0f} s, goal {GOAL_S:.0f} s")
