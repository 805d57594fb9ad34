"""A long drill's spool: bytes, time and memory for each sample, written, read and folded: python bench/spool_day.py [--hours H] [--probes N].

24 hours of 100 probes at 10 Hz are 86.4 million samples; the default is one hour of them. Beside it, in the same run, the floor: the
same bytes unpacked and parsed as JSON, and nothing else. Processor time, so that a busy machine changes little; for people, not a test.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from islandmode.core.clocks import ClockLine
from islandmode.core.placing import Placed
from islandmode.core.spool import KeptSpool
from islandmode.core.spool_lines import Expected
from islandmode.observe.spooling import Spool
from islandmode.system.segments import segments_in

KEY = "07" * 32
EVERY_US, SEVERED_SHARE, BAD_SHARE = 100_000, 0.2, 0.0005
"""Ten a second; a fifth of the probes are cut off for the middle third; now and then an answer is late."""


def samples(hours: float, probes: list[str], dice: random.Random) -> Iterator[dict[str, object]]:
    """Make what a worker sees in a drill, in the order in which it is answered."""
    slots = round(hours * 3_600_000_000 / EVERY_US)
    good = {"seen": "good", "heard": "answer", "why": "", "sender": ""}
    silent = {"seen": "bad", "heard": "nothing", "why": "no answer in time", "sender": "", "value": None}
    severed = round(len(probes) * SEVERED_SHARE)
    for slot in range(slots):
        isolated = slots // 3 <= slot < 2 * slots // 3
        for place, probe in enumerate(probes):
            asked_us = slot * EVERY_US + place * EVERY_US // len(probes) + dice.randrange(900)
            if (isolated and place < severed) or dice.random() < BAD_SHARE:
                yield {"probe": probe, "asked_us": asked_us, "answered_us": asked_us + 800_000, **silent}
            else:
                answered_us = asked_us + 300 + dice.randrange(700)
                yield {"probe": probe, "asked_us": asked_us, "answered_us": answered_us, "value": slot, **good}


def write(folder: Path, hours: float, probes: list[str]) -> tuple[int, float]:
    """Let a worker's spool write it; gives how many samples, and the processor time of the spool alone, in seconds."""
    spool = Spool(str(folder), {"run": "bench", "vantage": "here", "key": KEY, "probes": dict.fromkeys(probes)}, None)
    count, used_s, batch = 0, 0.0, []
    for sample in samples(hours, probes, random.Random(1)):  # noqa: S311 - made up, and the same each time
        batch.append(sample)
        count += 1
        if len(batch) == 10_000:
            used_s += _add(spool, batch)
            batch = []
    used_s += _add(spool, batch)
    spool.close_segment("schedule")
    spool.forget_reserve()
    return count, used_s


def _add(spool: Spool, batch: list[dict[str, object]]) -> float:
    began = time.process_time()
    for sample in batch:
        spool.add(sample)
    return time.process_time() - began


def parse(folder: Path) -> int:
    """The floor: unpack and parse every line, and keep nothing."""
    count = 0
    for name, data in segments_in(folder):
        plain = gzip.decompress(data) if name.endswith(".gz") else data
        count += sum(1 for line in plain.splitlines() if json.loads(line))
    return count


def fold(folder: Path, hours: float, probes: list[str]) -> int:
    """Check, place on a clock that drifts by 50 ppm, and fold, as a verdict does; gives the number of episodes."""
    spool = KeptSpool(
        partial(segments_in, folder), Expected("bench", "here", frozenset(probes), 10.8), bytes.fromhex(KEY)
    )
    line = ClockLine(1, 5_000_000, 50e-6, 100)
    third_us = round(hours * 1_200_000_000)
    placed = Placed(dict.fromkeys(probes, "here"), {"here": spool}, {"here": line})
    return sum(map(len, placed.folded((third_us, 2 * third_us)).values()))


def main() -> None:
    """Measure each step in a process of its own, and print."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--hours", type=float, default=1.0)
    asked.add_argument("--probes", type=int, default=100)
    asked.add_argument("--step", nargs=2, help=argparse.SUPPRESS)
    wanted = asked.parse_args()
    probes = [f"probe-{number}" for number in range(wanted.probes)]
    if wanted.step:
        what, folder = wanted.step[0], Path(wanted.step[1])
        found = fold(folder, wanted.hours, probes) if what == "fold" else parse(folder) if what == "parse" else 0
        print(found, time.process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
        return
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        count, write_s = write(folder, wanted.hours, probes)
        kept = sum(path.stat().st_size for path in folder.iterdir())
        print(f"{count} samples, {wanted.probes} probes, {wanted.hours:g} h")
        print(f"kept      {kept / count:6.1f} bytes a sample, {kept / 1e6:.1f} MB")
        print(f"written   {write_s / count * 1e6:6.2f} us a sample")
        floor_us = 0.0
        for what in ("nothing", "parse", "fold"):
            argv = [sys.executable, __file__, "--hours", str(wanted.hours), "--probes", str(wanted.probes)]
            said = subprocess.run([*argv, "--step", what, place], check=True, capture_output=True, text=True).stdout
            told, used_s, peak_mb = said.split()
            each_us = float(used_s) / count * 1e6
            floor_us = floor_us or (each_us if what == "parse" else 0.0)
            ratio = f", {each_us / floor_us:.2f} x the floor" if floor_us else ""
            print(f"{what:9} {each_us:6.2f} us a sample{ratio}, {peak_mb} MB at most, found {told}")


if __name__ == "__main__":
    main()
