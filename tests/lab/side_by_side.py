"""Plays test files some at a time, each in a process (and a lab) of its own: python -m tests.lab.side_by_side COUNT FILE...

Drills spend most of their time waiting for what they hold; two labs on two cores do not disturb each other, four do.
"""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

COUNTED = re.compile(r"(\d+) (passed|failed|errors?|skipped|xfailed|deselected)")


def play(path: Path) -> tuple[int, str]:
    """Run one file's tests to their end; returns pytest's exit code and all it printed."""
    argv = [sys.executable, "-m", "pytest", "--quiet", "--no-header", str(path)]
    done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    print(f"== {path}\n{done.stdout}", end="", flush=True)
    return done.returncode, done.stdout


def main(at_once: int, paths: list[Path]) -> int:
    """Play every file, begun in the order given; returns 0 only when every one of them passed."""
    began = time.monotonic()
    with ThreadPoolExecutor(at_once) as pool:
        played = list(pool.map(play, paths))
    total: Counter[str] = Counter()
    for _, output in played:
        for count, what in COUNTED.findall(output.splitlines()[-1] if output else ""):
            total[what] += int(count)
    said = ", ".join(f"{count} {what}" for what, count in total.items())
    print(f"===== {said} in {time.monotonic() - began:.2f}s, {len(paths)} files, {at_once} at a time =====")
    return max((code for code, _ in played), default=0)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), [Path(word) for word in sys.argv[2:]]))
