"""A complaint about an operator's file: which file, where in it, and one sentence that says what to do."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Source = Literal["drill", "site", "probes", "recipe"]
Path = tuple[str | int, ...]


@dataclass(frozen=True)
class Problem:
    """One thing wrong in a file; `path` leads into its YAML document, so that the catalog can say file:line:column.

    Probes stand in several files, so a path of source "probes" begins with the probe's name.
    """

    source: Source
    path: Path
    sentence: str


class PlanRefused(Exception):
    """A drill that must not be planned, with every problem that was found."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        """Keep the problems apart; the text is all of their sentences."""
        super().__init__(" ".join(problem.sentence for problem in problems))
        self.problems = problems


def listed(names: Iterable[str]) -> str:
    """Write names for a sentence, in order, "none" when there is nothing to list."""
    return ", ".join(sorted(names)) or "none"


def unknown(source: Source, path: Path, what: str, name: str, known: Iterable[str]) -> Problem:
    """Complain about a name that does not exist, and list the names that do."""
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=1)
    hint = f' Did you mean "{near[0]}"?' if near else ""
    return Problem(source, path, f'There is no {what} "{name}"; known: {listed(names)}.{hint}')
