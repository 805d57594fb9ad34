"""What truly passes in a lab, seen by the machine's own clock: connections begun every few milliseconds, beside the drill's own probes."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from islandmode.rehearse.lab import Lab
from tests.patience import PATIENCE_S, wait_until

PROGRAM = """
import select, socket, sys, time
waiting, next_s = [], time.monotonic()
while True:
    left_s = max(next_s - time.monotonic(), 0)
    ready = select.select([sys.stdin], [each[0] for each in waiting], [], left_s)
    if ready[0]:
        break
    for each in list(waiting):
        one, asked, sent, end_s = each
        if one in ready[1]:
            failed = one.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            print("no" if failed else "yes", asked, time.time_ns() // 1000, flush=True)
        elif time.monotonic() > end_s:
            print("no", asked, sent, flush=True)
        else:
            continue
        one.close()
        waiting.remove(each)
    if time.monotonic() >= next_s:
        next_s = time.monotonic() + 0.02
        one = socket.socket()
        one.setblocking(False)
        asked = time.time_ns() // 1000
        one.connect_ex((sys.argv[1], int(sys.argv[2])))
        # A first packet is sent once within that time: what did not come back was stopped when it was sent.
        waiting.append((one, asked, time.time_ns() // 1000, time.monotonic() + 0.5))
"""


@dataclass(frozen=True)
class Seen:
    """One connection: whether it came about, when it was begun, and when it was surely sent or answered, in us of UTC."""

    passed: bool
    from_us: int
    to_us: int


@dataclass(frozen=True)
class Between:
    """A moment that lies between two others, in us of UTC."""

    from_us: int
    to_us: int


@dataclass(frozen=True)
class Watch:
    """What was seen from one node."""

    file: Path

    def seen(self) -> list[Seen]:
        """Give every connection, in the order in which they were begun."""
        rows = [line.split() for line in self.file.read_text(encoding="ascii").splitlines()]
        return sorted((Seen(row[0] == "yes", int(row[1]), int(row[2])) for row in rows), key=lambda one: one.from_us)

    def stopped(self) -> Between:
        """Give the moment from which nothing passed: after the last that passed before the longest silence, and before the first that did not."""
        seen = self.seen()
        first, _ = _longest_silence(seen)
        return Between(seen[first - 1].from_us, seen[first].to_us)

    def back(self) -> Between:
        """Give the moment from which all passed again."""
        seen = self.seen()
        _, last = _longest_silence(seen)
        return Between(seen[last].from_us, seen[last + 1].to_us)


def _longest_silence(seen: list[Seen]) -> tuple[int, int]:
    """Give the first and the last of the most connections in a row that did not come about."""
    best, start = (0, -1), 0
    for place, one in enumerate(seen):
        if one.passed:
            start = place + 1
        elif place - start > best[1] - best[0]:
            best = (start, place)
    assert 0 < best[0] <= best[1] < len(seen) - 1
    return best


@contextmanager
def watching(lab: Lab, folder: Path, targets: Mapping[str, tuple[str, int]]) -> Iterator[Mapping[str, Watch]]:
    """Watch from some nodes until the block ends."""
    processes, watches = [], {node: Watch(folder / f"seen-from-{node}") for node in targets}
    try:
        for node, (host, port) in targets.items():
            argv = lab.enter(node, (sys.executable, "-c", PROGRAM, host, str(port)))
            with watches[node].file.open("wb") as out:
                processes.append(subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=out))
        wait_until(lambda: all("yes" in watch.file.read_text() for watch in watches.values()), "all of it passes")
        yield watches
    finally:
        for process in processes:
            # It ends by itself with its input.
            process.communicate(timeout=PATIENCE_S)


def latest(moments: list[Between]) -> Between:
    """Give the last of some moments."""
    return Between(max(one.from_us for one in moments), max(one.to_us for one in moments))
