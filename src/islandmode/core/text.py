"""Text from outside, made fit to be kept and shown: nothing in it can steer a terminal or spoil a file. And numbers with their nouns. Pure."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

STEERING = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Categories that are shown as escapes: controls, format (direction) marks, half surrogate pairs, what Unicode leaves open."""


def cleaned(text: str, *, lines: bool = False) -> str:
    """Write what would steer a terminal, or cannot be written at all, as an escape; `lines` keeps line feeds and tabs.

    Cleaning text twice is the same as cleaning it once.
    """
    if text.isascii() and text.isprintable():
        return text
    kept = "\n\t" if lines else ""
    return "".join(letter if letter in kept or not _steers(letter) else _escaped(letter) for letter in text)


def how_many(number: int, what: str) -> str:
    """Write a number with its noun, in the singular where there is 1 of it."""
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def in_words(names: Sequence[str]) -> str:
    """Write names as a sentence lists them: with commas, and one "and" before the last."""
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last


def share_text(share: float) -> str:
    """Write a share as a percentage; 100% is said only of all of it, and 0% only of nothing."""
    if 0 < share < 0.01:
        return "less than 1%"
    return "more than 99%" if 0.99 < share < 1 else f"{share:.0%}"


def _steers(letter: str) -> bool:
    return unicodedata.category(letter) in STEERING


def _escaped(letter: str) -> str:
    return letter.encode("unicode_escape").decode("ascii")
