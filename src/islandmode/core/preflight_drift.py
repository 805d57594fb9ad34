"""Drift: whether a device's configuration is still what the last dry run of the plan read. Pure.

A plan is made of files; what stands on a device then is read by a dry run. Compared is what people and programs write, the running and
the saved configuration, without what is numbered anew when the same is loaded again, and without the marks of secrets, which each
run draws anew: a changed password is not seen. Routes, addresses and interfaces are looked at by every preflight.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from islandmode.core.difference import Comparable, changed_lines, compare_parts
from islandmode.core.preflight import PreflightFinding

WRITTEN = ("running", "saved")
"""The parts of a configuration that only people and programs write."""


@dataclass(frozen=True)
class EarlierReading:
    """What a dry run of the same plan read of its devices: texts by isolation point and part, None where one cannot be read any more."""

    run: str
    parts: Mapping[str, Mapping[str, str | None]]


@dataclass(frozen=True)
class Drift:
    """How a device's configuration differs from an earlier reading, part by part; empty where it does not."""

    point: str
    run: str
    differences: Mapping[str, str]
    """Unified differences by part; empty for a part whose earlier text cannot be read any more."""

    @property
    def changed(self) -> tuple[str, ...]:
        """Give the first lines that went or came."""
        return tuple(line for text in self.differences.values() for line in changed_lines(text))[:3]

    @property
    def finding(self) -> PreflightFinding:
        """Say that it differs, and what to do."""
        lost = [part for part, text in self.differences.items() if not text]
        differ = [part for part in self.differences if part not in lost]
        what = f" ({'; '.join(self.changed)})" if self.changed else ""
        files = " and ".join(f"artifacts/{file_of(self.point, part)}" for part in differ)
        said = [
            *(
                (f"its {' and '.join(differ)} configuration is not what dry run {self.run} read{what}",)
                if differ
                else ()
            ),
            *(
                (f"what dry run {self.run} read of its {' and '.join(lost)} configuration is not there any more",)
                if lost
                else ()
            ),
        ]
        read = f"Read the difference in {files} of this run" if files else "Look what changed"
        sentence = f"{self.point}: {', and '.join(said)}. {read}; where it is meant, do the dry run again. Nothing was touched."
        return PreflightFinding("configuration-drifted", sentence, refuses=True)


def file_of(point: str, part: str) -> str:
    """Name the artifact that holds a difference."""
    return f"{point}.{part}.drift.txt"


def drift_of(
    point: str,
    parts: Mapping[str, str],
    earlier: Sequence[EarlierReading],
    comparable: Comparable,
    unkeyed: Callable[[str], str],
) -> Drift | None:
    """Compare a device with earlier readings, the newest first; None where none of them has read it.

    Where it is as any of them read it, nothing drifted: somebody was shown that, or put back what was there before.
    """
    found = [
        Drift(point, reading.run, dict(_differences(reading.parts[point], parts, _settled(comparable, unkeyed))))
        for reading in earlier
        if point in reading.parts
    ]
    return next((drift for drift in found if not drift.differences), found[0] if found else None)


def _settled(comparable: Comparable, unkeyed: Callable[[str], str]) -> Comparable:
    """Leave out of every line what is drawn or numbered anew while its meaning stays."""

    def kept(part: str, line: str) -> str | None:
        own = comparable.kept(part, line)
        return None if own is None else unkeyed(comparable.unnumbered(own))

    return Comparable(kept=kept)


def _differences(
    before: Mapping[str, str | None], now: Mapping[str, str], settled: Comparable
) -> Iterator[tuple[str, str]]:
    for part in WRITTEN:
        old, new = before.get(part, ""), now.get(part, "")
        if old is None:
            yield part, ""
        else:
            yield from compare_parts({part: old}, {part: new}, settled).items()
