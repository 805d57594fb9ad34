"""What differs on a device before and after: what was edited, and what is the same and yet was made anew. Pure."""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Iterator, Mapping

LINES_MAX, LINE_MAX = 3, 120
PAIRS_MAX = 200_000
"""Of a line before and an equal one after: a configuration of 20,000 lines has about as many."""
_HANDLE = re.compile(r"\s*# handle \d+$")
"""What an nftables device numbers its objects with; a table that is loaded again has another number, and new counters."""

RULES = frozenset({"running", "saved"})
"""Parts in which only people and programs write; the kernel keeps house in all others."""
_OF_THE_KERNEL = re.compile(r"\bproto kernel(?:_ll|_lo|_ra)?\b")
_DETECTION = re.compile(r" (?:tentative|dadfailed|optimistic)\b")


def compare_parts(before: Mapping[str, str], after: Mapping[str, str]) -> dict[str, str]:
    """Compare device state part by part; a part that only one side has is a difference too."""
    found: dict[str, str] = {}
    for part in sorted({*before, *after}):
        old, new = (_without_housekeeping(part, side.get(part, "")) for side in (before, after))
        names = (f"{part} before", f"{part} after")
        if old != new:
            aligned = difflib.unified_diff if _is_aligned_soon(old, new) else _unaligned
            found[part] = "\n".join(aligned(old, new, *names, lineterm=""))
    return found


def _without_housekeeping(part: str, text: str) -> list[str]:
    """Leave out what the kernel does by itself: routes that follow from addresses, and how far it has looked for twins of one."""
    lines = text.splitlines()
    if part in RULES:
        return lines
    return [_DETECTION.sub("", line).rstrip() for line in lines if not _OF_THE_KERNEL.search(line)]


def _is_aligned_soon(old: list[str], new: list[str]) -> bool:
    """Tell whether two texts are like those of devices: one made of the same lines over and over takes hours to align."""
    many = len(new) // 100 + 1
    times = {line: count for line, count in Counter(new).items() if count <= many}
    return sum(times.get(line, 0) for line in old) <= PAIRS_MAX


def _unaligned(old: list[str], new: list[str], before: str, after: str, *, lineterm: str) -> Iterator[str]:
    """Say what went and what came, each line as often as it did, without saying where."""
    yield f"--- {before}{lineterm}"
    yield f"+++ {after}{lineterm}"
    yield f"@@ too many equal lines to say where @@{lineterm}"
    gone, come = Counter(old) - Counter(new), Counter(new) - Counter(old)
    yield from (f"-{line}" for line in gone.elements())
    yield from (f"+{line}" for line in come.elements())


def changed_lines(diff: str, ours: str = "") -> list[str]:
    """Give the first lines that somebody added or took away, without those that are ours or were only made anew."""
    own = {_HANDLE.sub("", line).strip() for line in ours.splitlines()}
    anew = {sign: _both_ways(diff) for sign in "-+"}
    found = []
    for line in _changed(diff):
        text = _HANDLE.sub("", line[1:]).strip()
        if _HANDLE.search(line) and anew[line[0]][text] > 0:
            anew[line[0]][text] -= 1
        elif text and not (line[0] == "+" and text in own):
            found.append(f"{line[0]} {text}"[:LINE_MAX])
    return found[:LINES_MAX]


def made_anew(diff: str) -> list[str]:
    """Give the first lines that went and came back the same, as another object: their counters began anew."""
    return [text[:LINE_MAX] for text in _both_ways(diff)][:LINES_MAX]


def _changed(diff: str) -> list[str]:
    # The two lines at the top of a unified diff name its sides.
    return [line for line in diff.splitlines()[2:] if line.startswith(("+", "-"))]


def _both_ways(diff: str) -> Counter[str]:
    """Count the numbered objects that stand on both sides of a difference and differ in nothing but their number."""
    gone, come = (
        Counter(
            _HANDLE.sub("", line[1:]).strip() for line in _changed(diff) if line[0] == sign and _HANDLE.search(line)
        )
        for sign in "-+"
    )
    return gone & come
