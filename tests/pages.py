"""Pages of what is told of each story: a heading, then its lines. They are read by people and compared by tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

HEADING = "## "


def written(page: Path) -> dict[str, list[str]]:
    """Read a page: by story what is told of it."""
    found: dict[str, list[str]] = {}
    mine: list[str] = []
    for line in page.read_text(encoding="utf-8").splitlines():
        if line.startswith(HEADING):
            mine = found.setdefault(line.removeprefix(HEADING), [])
        elif line:
            mine.append(line)
    return found


def write(page: Path, stories: Mapping[str, Sequence[str]]) -> None:
    """Write a page."""
    parts = ["\n".join([f"{HEADING}{name}", *lines]) for name, lines in stories.items()]
    page.write_text("\n\n".join(parts) + "\n", encoding="utf-8")
