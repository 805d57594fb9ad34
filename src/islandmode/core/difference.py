"""What differs on a device before and after: what was edited, and what is the same and yet was made anew. Pure."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

LINES_MAX, LINE_MAX = 3, 120
HEAD = 2
"""How many lines at the top of a difference name its sides."""
PAIRS_MAX = 200_000
"""How many pairs of a line before and an equal line after are aligned: a configuration of 20,000 lines has about as many."""


@dataclass(frozen=True)
class Comparable:
    """What a platform must say of its configuration before two of them can be compared, line by line."""

    kept: Callable[[str, str], str | None] = lambda _part, line: line
    """A line of a part without what the device changes by itself; None for a line that the device keeps by itself."""
    unnumbered: Callable[[str], str] = lambda line: line
    """A line without the number that the device gave the object in it: an object that is made again has another number."""

    def is_numbered(self, line: str) -> bool:
        """Tell whether a line has such a number."""
        return self.unnumbered(line) != line


UNTOUCHED = Comparable()
"""For a platform that changes nothing by itself."""


def compare_parts(
    before: Mapping[str, str], after: Mapping[str, str], comparable: Comparable = UNTOUCHED
) -> dict[str, str]:
    """Compare device state part by part; a part that only one side has is a difference too."""
    found: dict[str, str] = {}
    for part in sorted({*before, *after}):
        old, new = (_kept(part, side.get(part, ""), comparable) for side in (before, after))
        names = (f"{part} before", f"{part} after")
        if old != new:
            aligned = difflib.unified_diff if _is_aligned_soon(old, new) else _unaligned
            found[part] = "\n".join(aligned(old, new, *names, lineterm=""))
    return found


def _kept(part: str, text: str, comparable: Comparable) -> list[str]:
    lines = (comparable.kept(part, line) for line in text.splitlines())
    return [line for line in lines if line is not None]


def _is_aligned_soon(old: list[str], new: list[str]) -> bool:
    """Tell whether two texts are like those of devices: one made of the same lines over and over takes hours to align."""
    many = len(new) // 100 + 1
    times = {line: count for line, count in Counter(new).items() if count <= many}
    return sum(times.get(line, 0) for line in old) <= PAIRS_MAX


def _unaligned(old: list[str], new: list[str], before: str, after: str, *, lineterm: str) -> Iterator[str]:
    """Say which lines went and came, each as often as it did, without saying where."""
    yield f"--- {before}{lineterm}"
    yield f"+++ {after}{lineterm}"
    yield f"@@ too many equal lines to say where @@{lineterm}"
    gone, come = Counter(old) - Counter(new), Counter(new) - Counter(old)
    yield from (f"-{line}" for line in gone.elements())
    yield from (f"+{line}" for line in come.elements())


def changed_lines(diff: str, ours: str = "", comparable: Comparable = UNTOUCHED) -> list[str]:
    """Give the first lines that somebody added or took away, without those of Islandmode and those that were only made anew."""
    own = {comparable.unnumbered(line).strip() for line in ours.splitlines()}
    anew = {sign: _both_ways(diff, comparable) for sign in "-+"}
    found = []
    for sign, line in _changed(diff):
        text = comparable.unnumbered(line).strip()
        if comparable.is_numbered(line) and anew[sign][text] > 0:
            anew[sign][text] -= 1
        elif text and not (sign == "+" and text in own):
            found.append(f"{sign} {text}"[:LINE_MAX])
    return found[:LINES_MAX]


def lost_lines(diff: str) -> tuple[list[str], str]:
    """Give the first lines that are not there any more, and the difference without any of them."""
    kept = [line for number, line in enumerate(diff.splitlines()) if number < HEAD or not line.startswith("-")]
    gone = Counter(line.strip() for sign, line in _changed(diff) if sign == "-")
    come = Counter(line.strip() for sign, line in _changed(diff) if sign == "+")
    lost = [line[:LINE_MAX] for line in (gone - come) if line]
    return lost[:LINES_MAX], "\n".join(kept)


def made_anew(diff: str, comparable: Comparable = UNTOUCHED) -> list[str]:
    """Give the first lines that went and came back the same, as another object: their counters began anew."""
    return [text[:LINE_MAX] for text in _both_ways(diff, comparable)][:LINES_MAX]


def _changed(diff: str) -> list[tuple[str, str]]:
    """Give every line that differs, after the sign of its side."""
    # The two lines at the top of a unified diff name its sides.
    return [(line[0], line[1:]) for line in diff.splitlines()[HEAD:] if line.startswith(("+", "-"))]


def _both_ways(diff: str, comparable: Comparable) -> Counter[str]:
    """Count the numbered objects that stand on both sides of a difference and differ in nothing but their number."""
    gone, come = (
        Counter(
            comparable.unnumbered(line).strip()
            for side, line in _changed(diff)
            if side == sign and comparable.is_numbered(line)
        )
        for sign in "-+"
    )
    return gone & come
