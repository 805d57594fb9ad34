"""What each probe of a worker said last, read off its spool while it goes on sampling. Standard library only.

    python -m islandmode.observe.last_words SPOOL     prints the newest whole line of each probe, as the worker wrote it, then "end",
                                                      or "ended HOW" where the worker does not live any more

It reads, and does nothing else: the worker neither ends nor waits. However large the spool is, only the end of it is read.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from islandmode.observe.worker_host import ending, living

READ_MAX_BYTES = 8 * 1024 * 1024
END, ENDED = b"end", b"ended "
"""How the last line begins: without it, what was printed is not all."""


def tail(folder: Path) -> bytes:
    """Give the end of a spool, in whole lines, over as many of its newest segments as are needed."""
    data = b""
    segments = [path for path in folder.iterdir() if path.suffix in (".jsonl", ".part")]
    for path in sorted(segments, reverse=True):
        left = READ_MAX_BYTES - len(data)
        if left <= 0:
            break
        data = end_of(path, left) + data
    return data


def end_of(path: Path, most_bytes: int) -> bytes:
    """Give whole lines from the end of a segment; a segment that was closed meanwhile is read under its new name."""
    try:
        return _end_of(path, most_bytes)
    except FileNotFoundError:
        return _end_of(path.with_suffix(".jsonl"), most_bytes)


def _end_of(path: Path, most_bytes: int) -> bytes:
    with path.open("rb") as file:
        start = max(file.seek(0, os.SEEK_END) - most_bytes, 0)
        file.seek(start)
        data = file.read(most_bytes)
    if start:
        data = data.partition(b"\n")[2]
    # The line that is being written now is not whole yet.
    return data[: data.rfind(b"\n") + 1]


def last_lines(data: bytes) -> list[bytes]:
    """Keep the line of each probe that was asked last."""
    found: dict[str, tuple[int, bytes]] = {}
    for line in data.splitlines():
        try:
            row = json.loads(line)
            probe, asked_us = str(row["probe"]), int(row["asked_us"])
        except (ValueError, KeyError, TypeError):
            continue
        if probe not in found or asked_us >= found[probe][0]:
            found[probe] = (asked_us, line)
    return [line for _, line in found.values()]


def main(spool: str) -> None:
    """Print the last words of a spool."""
    lines = last_lines(tail(Path(spool))) if os.path.isdir(spool) else []
    # After the lines are read: a worker that ended meanwhile must not look as if it had written them alive.
    end = END if living(spool) else ENDED + ending(spool).encode()
    sys.stdout.buffer.write(b"".join(line + b"\n" for line in (*lines, end)))


if __name__ == "__main__":
    main(sys.argv[1])
