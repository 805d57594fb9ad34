"""How long a lab takes to come up and to go, in both back ends: python bench/lab_backends.py [rounds].

The rounds are interleaved, and the namespaces are the floor: what the same plant takes without containers. As root, with
Docker and containerlab (scripts/with-docker); without them only the floor is measured, and that is said.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from statistics import median

from islandmode.core.errors import Refused
from islandmode.rehearse import backends

TOPOLOGY = Path(__file__).parents[1] / "lab" / "plant.clab.yml"


def measure(backend: str, state_dir: Path) -> tuple[float, float]:
    """Bring the lab up and take it down; returns the seconds of each."""
    began = time.monotonic()
    backends.up(TOPOLOGY, name="bench", state_dir=state_dir, backend=backend)
    stood = time.monotonic()
    backends.down("bench", state_dir)
    return stood - began, time.monotonic() - stood


def main(rounds: int) -> None:
    """Measure, and print medians and ratios."""
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in backends.UP}
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(rounds):
            for name in list(taken):
                try:
                    taken[name].append(measure(name, Path(folder)))
                except Refused as why:
                    print(f"{name} is not measured: {why}")
                    del taken[name]
    floor = [median(times) for times in zip(*taken["namespaces"], strict=True)]
    print(f"{'back end':14}{'up s':>8}{'x floor':>9}{'down s':>9}{'x floor':>9}   medians of {rounds}, interleaved")
    for name, rows in taken.items():
        up_s, down_s = (median(times) for times in zip(*rows, strict=True))
        print(f"{name:14}{up_s:8.2f}{up_s / floor[0]:9.1f}{down_s:9.2f}{down_s / floor[1]:9.1f}")


if __name__ == "__main__":
    given = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    given.add_argument("rounds", nargs="?", type=int, default=5)
    main(given.parse_args().rounds)
