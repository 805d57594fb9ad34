"""What each probe of a worker said last, read off its spool while it goes on sampling. Standard library only.

    python -m islandmode.observe.last_words SPOOL     prints the newest sample of each probe as one line of JSON, then "end",
                                                      or "ended HOW" where the worker does not live any more

It reads, and does nothing else: the worker neither ends nor waits. However large the spool is, only its newest segments are read.
"""

from __future__ import annotations

import json
import os
import sys
import zlib
from pathlib import Path
from typing import Any

from islandmode.core.spool_rows import CLOSED, OPEN
from islandmode.observe.spooling import GZIP, SAID_FORMAT
from islandmode.observe.worker_host import ending, living

SEGMENTS_MAX = 3
"""How many of the newest segments are read: a probe that said nothing in all of them is silent."""
END, ENDED = b"end", b"ended "
"""How the last line begins: without it, what was printed is not all."""

Said = dict[str, Any]


def newest(folder: Path) -> list[bytes]:
    """Give the newest segments of a spool as plain text, the oldest of them first."""
    names = sorted({path.name.split(".")[0] for path in folder.iterdir() if path.name.endswith((OPEN, CLOSED))})
    return [segment_of(folder, name) for name in names[-SEGMENTS_MAX:]]


def segment_of(folder: Path, name: str) -> bytes:
    """Give one segment as plain text; it may be closed between two looks at it."""
    try:
        return (folder / (name + OPEN)).read_bytes()
    except FileNotFoundError:
        return zlib.decompress((folder / (name + CLOSED)).read_bytes(), GZIP)


def last_samples(segment: bytes) -> dict[str, Said]:
    """Give the sample of each probe that was asked last in one segment, as a worker says it to its listener."""
    # The line that is being written now is not whole yet.
    first, *lines = segment[: segment.rfind(b"\n") + 1].splitlines() or [b"{}"]
    head = json.loads(first)
    found: dict[str, Said] = {}
    asked_us, said = (
        int(head.get("at_us", 0)),
        {"v": SAID_FORMAT, "run": head.get("run"), "vantage": head.get("vantage")},
    )
    for number, line in enumerate(lines):
        if not line.startswith(b"["):
            continue
        place, since_us, took_us, value, *rest = json.loads(line)
        asked_us += since_us
        probe = head["probes"][place]
        if probe in found and asked_us < found[probe]["asked_us"]:
            continue
        seen, heard, why, sender = rest or ("good", "answer", "", "")
        times = {"seq": number, "asked_us": asked_us, "answered_us": asked_us + took_us}
        told = {"seen": seen, "value": value, "why": why, "heard": heard, "sender": sender}
        found[probe] = {**said, "probe": probe, **times, **told}
    return found


def last_words(folder: Path) -> list[Said]:
    """Give the newest sample of each probe of a spool."""
    found: dict[str, Said] = {}
    for segment in newest(folder):
        for probe, said in last_samples(segment).items():
            if probe not in found or said["asked_us"] >= found[probe]["asked_us"]:
                found[probe] = said
    return list(found.values())


def main(spool: str) -> None:
    """Print the last words of a spool."""
    said = last_words(Path(spool)) if os.path.isdir(spool) else []
    lines = [json.dumps(sample, separators=(",", ":")).encode() for sample in said]
    # After the lines are read: a worker that ended meanwhile must not look as if it had written them alive.
    end = END if living(spool) else ENDED + ending(spool).encode()
    sys.stdout.buffer.write(b"".join(line + b"\n" for line in (*lines, end)))


if __name__ == "__main__":
    main(sys.argv[1])
