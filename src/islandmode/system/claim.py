"""The claim on a run: one small file whose new name says that the conductor may only restore from now on.

Renaming needs no room on a full disk, and succeeds for exactly one of all who try.
"""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

FREE, TAKEN = "claim.conductor", "claim.taken"


class Claim(Protocol):
    """Who may change devices in a run: its conductor, until somebody takes that away."""

    def take(self) -> bool:
        """Take the run from its conductor; true for exactly one caller. Never raises."""
        ...

    @property
    def free(self) -> bool:
        """Tell whether the conductor may still do more than restore; false when that cannot be told."""
        ...


class FileClaim:
    """A claim in a run's folder."""

    def __init__(self, folder: Path) -> None:
        """Know the folder."""
        self._free, self._taken = folder / FREE, folder / TAKEN

    def make(self) -> None:
        """Lay the claim down, before anything is armed; raises OSError."""
        self._free.touch(exist_ok=False)

    def take(self) -> bool:
        """Take the run from its conductor; true for exactly one caller. Never raises."""
        try:
            self._free.rename(self._taken)
        except OSError:
            return False
        return True

    @property
    def free(self) -> bool:
        """Tell whether the conductor may still do more than restore; false when that cannot be told."""
        return self._free.exists()
