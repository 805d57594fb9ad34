"""How a spool is written down: segments of a few minutes at most, each with a header, one short row a sample, and a seal.

Standard library only and Python 3.9: it goes to far hosts with the worker. docs/spool.md says the same to an outsider.

    {"v":2,"run":…,"vantage":…,"segment":1,"prev":"000…","at_us":…,"probes":[…]}
    [0,104,812,1234]                                            good: probe, since, took, value
    [3,99871,800112,null,"bad","nothing","no answer in time",""]     and what was seen and heard, why, and who refused
    {"rows":600,"mac":"…"}                                      the last seal of a spool also says how its worker ended

`since` is in microseconds since the row before was asked (the first: since `at_us`) and may be negative, because rows are written in
the order in which they were answered; `took` is from question to answer. Seals are chained: a `mac` is HMAC-SHA256, under the
vantage's key of this run, over the seal before it (`prev`) and every byte of the segment before its seal.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any

FORMAT = 2
FIRST = "0" * 64
"""What the first segment names, which has none before it."""
ROWS_MAX = 20_000
SPOOL_MAX_BYTES = 4 << 30
"""What a spool may hold at most, compressed; a drill that needs more is refused when it is planned."""
SAMPLE_BYTES, OPEN_SEGMENT_BYTES = 20, 2 << 20
"""What a sample takes when it is kept, generously, and what the segment that is being written takes."""
ENDINGS = frozenset({"schedule", "asked", "full", "disk", "left", "lost"})
"""How a worker may have ended: the last seal says it, and no sum is over that word."""
OPEN, CLOSED = ".part", ".jsonl.gz"
"""How the file of a segment ends: one that is being written is plain text, a closed one is compressed with gzip."""

Row = dict[str, Any]


def file_of(number: int) -> str:
    """Name the file of a segment, without its ending."""
    return "%06d" % number


def header(run: str, vantage: str, number: int, previous: str, at_us: int, probes: list[str]) -> bytes:
    """Make the first line of a segment."""
    told = {"v": FORMAT, "run": run, "vantage": vantage, "segment": number, "prev": previous, "at_us": at_us}
    return _line({**told, "probes": probes})


def row(place: int, since_us: int, sample: Row) -> bytes:
    """Make the line of one sample, which the worker gives as a mapping."""
    took_us = sample["answered_us"] - sample["asked_us"]
    short = [place, since_us, took_us, sample["value"]]
    if sample["seen"] == "good" and sample["heard"] == "answer" and not (sample["why"] or sample["sender"]):
        return _line(short)
    return _line([*short, sample["seen"], sample["heard"], sample["why"], sample["sender"]])


def seal(rows: int, mac: str, ended: str) -> bytes:
    """Make the last line of a segment; `ended` is empty but for the last segment of a spool."""
    told: Row = {"rows": rows, "mac": mac}
    return _line({**told, "ended": ended} if ended else told)


def begun(key: bytes, previous: str) -> hmac.HMAC:
    """Begin the sum of a segment; its bytes are added as they come."""
    return hmac.new(key, previous.encode("ascii"), hashlib.sha256)


def _line(what: Any) -> bytes:
    return json.dumps(what, separators=(",", ":")).encode() + b"\n"
