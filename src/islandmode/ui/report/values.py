"""What a report's templates lay out: words and tables as plain text. Nothing here is markup."""

from __future__ import annotations

from dataclasses import dataclass

from islandmode.core.flows_told import Concerned


@dataclass(frozen=True)
class Judged:
    """A word with its sign; its kind gives it a colour."""

    word: str
    kind: str


Cell = str | Judged


@dataclass(frozen=True)
class Table:
    """A table; its kind says whether a phone stacks its cells, or its type is small."""

    head: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    kind: str = "stack"


@dataclass(frozen=True)
class Headline:
    """One of the large boxes at the top, which says what it means beneath its word."""

    said: str
    kind: str
    about: str
    seen_by: str = ""
    not_seen: tuple[str, ...] = ()


@dataclass(frozen=True)
class Failure:
    """One thing that failed: what, when, whose and what to do; `more` counts sentences of its kind that are left out."""

    word: str
    kind: str
    what: tuple[str, ...]
    when: str
    whose: Concerned
    do: str
    more: int = 0
