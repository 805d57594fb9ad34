"""What use cases say, printed: what was done on standard output, what is wrong on standard error."""

from __future__ import annotations

import sys
from collections.abc import Sequence


class Spoken:
    """Prints what is said; with `only_warnings`, what was done is left to a document for machines."""

    def __init__(self, *, only_warnings: bool = False) -> None:
        """Choose what is printed."""
        self._only_warnings = only_warnings

    def say(self, sentence: str) -> None:
        """Print what was done or seen, at once: what comes after may be another process."""
        if not self._only_warnings:
            print(sentence, flush=True)

    def warn(self, sentence: str) -> None:
        """Print what is wrong."""
        print(f"islandmode: {sentence}", file=sys.stderr)

    def stranded(self, by_hand: Sequence[str]) -> None:
        """Print loudly how to restore every device by hand."""
        print("STRANDED: restoration was not seen. Look at the plant, and restore by hand:", file=sys.stderr)
        for line in by_hand:
            print(f"  {line}", file=sys.stderr)
