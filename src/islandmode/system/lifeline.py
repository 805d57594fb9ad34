"""The line between a conductor and its guardian: what is said on it, and both ends as edges.

The conductor says, a line each: `beat` once a second while its loops are healthy; `owe NAME` before it arms a point and
`paid NAME` when the device refused that; `restoring`, then `restored` or `stranded`. The guardian says `ready` or `refused WHY`
once, then answers each line with `here`, and before it takes the run over it says `taken`: a pipe waits for no disk. The end of
the line means that the other process is gone; silence means that it is stuck.
"""

from __future__ import annotations

from typing import Protocol

BEAT_S = 1.0
READY, REFUSED, HERE, TAKEN = "ready", "refused", "here", "taken"
BEAT, OWE, PAID, RESTORING, RESTORED, STRANDED = "beat", "owe", "paid", "restoring", "restored", "stranded"


class Lifeline(Protocol):
    """The conductor's end."""

    async def ready(self, deadline_s: float) -> str | None:
        """Wait until the guardian has logged in on every point by itself; returns why it has not, None when it has."""
        ...

    def tell(self, line: str) -> None:
        """Say a line; never waits and never raises."""
        ...

    def silent_s(self) -> float | None:
        """Tell how long ago the guardian was last heard; None when it is gone."""
        ...

    def taken_over(self) -> bool:
        """Tell whether the guardian has said that it takes the run over; never waits and never raises."""
        ...

    async def close(self) -> None:
        """Let go of the line; a guardian that still owes a restore goes on alone."""
        ...


class Hearing(Protocol):
    """The guardian's end."""

    async def next_line(self) -> str | None:
        """Wait for the conductor's next line; None when the conductor is gone. May be cancelled and called again."""
        ...

    def answer(self, line: str) -> None:
        """Say a line to the conductor, if it still listens; never waits and never raises."""
        ...


class Requests(Protocol):
    """What people ask of a run while it goes on."""

    def fresh(self) -> tuple[tuple[str, bytes], ...]:
        """Return files of requests, as name and bytes, that were not there at the last call; never waits."""
        ...
