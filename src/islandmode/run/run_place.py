"""Where a run writes, how it names itself, and what it knows of its machine and of runs before it."""

from __future__ import annotations

import shlex
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from islandmode.core.entered import LedgerAcknowledged, LedgerEntered
from islandmode.core.hand import HandAsk
from islandmode.core.preflight_drift import EarlierReading
from islandmode.core.records import RunStarted
from islandmode.run.go_desk import LONGEST_S, GoDesk


@dataclass(frozen=True)
class RunPlace:
    """Where a run writes, and how it names itself."""

    run: str
    directory: Path
    started_by: str
    header: RunStarted
    enter: Callable[[], Awaitable[LedgerEntered]]
    """Enters the run in the ledger of its workspace; raises `Refused`."""
    acknowledge: Callable[[LedgerEntered], Awaitable[LedgerAcknowledged]] | None = None
    """Has that line acknowledged off this host, where the site names who does; raises `Refused`."""
    forwards: tuple[str, ...] = ()
    """The address families that this machine itself forwards."""
    restore: str = "islandmode restore"
    """The command that restores here, as a person types it."""
    confirm: str = "islandmode confirm"
    """The command that confirms an act by hand of this run, without the point and the person."""
    earlier: tuple[EarlierReading, ...] = ()
    """What dry runs of the plan have read of its devices."""
    go: GoDesk | None = None
    """What the go of the plant floor is held against; None where the run needs none."""

    def asked_told(self, ask: HandAsk) -> str:
        """Say what a person is asked for, and how that is confirmed."""
        if ask.act == "restore":
            return ask.told()
        return f"{ask.told()} To confirm: {self.confirm} {shlex.quote(ask.point)} --person {shlex.quote(ask.person)}"

    @property
    def waits_s(self) -> float:
        """Bound how long people are waited for before anything is armed."""
        return 0.0 if self.go is None else LONGEST_S
