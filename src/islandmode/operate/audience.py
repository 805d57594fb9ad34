"""Who a drill is for: what hears it, what follows it, and what makes its pages."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import tzinfo
from pathlib import Path
from typing import Protocol

from islandmode.core.episodes import Episode
from islandmode.core.plan import Plan
from islandmode.core.record import Record
from islandmode.core.refusal import Refusal
from islandmode.core.verdict import Verdict
from islandmode.operate.ground import Ground
from islandmode.operate.telling import Kept, Listener
from islandmode.run.progress import Progress


@dataclass(frozen=True)
class OnCard:
    """What a card says of the run itself."""

    mode: str
    loud: tuple[str, ...] = ()
    """Sentences that nobody who reads it may miss."""


class Pages(Protocol):
    """Makes the pages that a run leaves for people, each as one HTML document; pure."""

    def card(self, plan: Plan, run: str, workspace: Path, ground: Ground, said: OnCard) -> str:
        """Make the page by which a person restores every device by hand."""
        ...

    def report(
        self,
        plan: Plan,
        verdict: Verdict,
        records: Sequence[Record],
        episodes: Mapping[str, tuple[Episode, ...]],
        *,
        others: Sequence[Record],
        configuration_diffs: Mapping[str, str],
        zone: tzinfo,
    ) -> str:
        """Make the report of a run that was judged."""
        ...

    def refusal(
        self, plan: Plan, run: str, refusal: Refusal, records: Sequence[Record], *, lab: bool, zone: tzinfo
    ) -> str:
        """Make the report of a run that was refused."""
        ...


class Follower(Protocol):
    """Follows a drill while it runs; must never keep it waiting."""

    def show(self, progress: Progress) -> None:
        """Take the newest moment."""
        ...

    def close(self) -> None:
        """Stop following."""
        ...


class Unfollowed:
    """Follows nothing."""

    def show(self, progress: Progress) -> None:
        """Go on."""

    def close(self) -> None:
        """Go on."""


@dataclass(frozen=True)
class Audience:
    """Who a drill is for."""

    pages: Pages
    listener: Listener = field(default_factory=Kept)
    follow: Callable[[Plan], Follower] = lambda _plan: Unfollowed()
