"""Codes of a go sheet: six words of the list, which a person reads out by radio; an approval has only their hashes. Pure.

66 bits, drawn at random: who has the approval cannot guess a code from its hash. An outsider checks one with printf and sha256sum.
"""

from __future__ import annotations

import difflib
import hashlib

from islandmode.core.digest_words import BITS, WORDS
from islandmode.core.text import cleaned

FORMAT = "islandmode/go/v1"
CODE_WORDS = 6
CODES = 2
"""How many codes a sheet has: a second one, for an attempt that ended after the first was said."""
CODE_BITS = CODE_WORDS * BITS
TYPED_MAX = 200
_KNOWN = frozenset(WORDS)


class NotACode(Exception):
    """Why what was typed cannot be any code, in sentences. It says nothing of which code would be right."""


def code_of(number: int) -> str:
    """Write a random number of `CODE_BITS` bits as a code."""
    shifts = range(CODE_BITS - BITS, -1, -BITS)
    return " ".join(WORDS[number >> shift & (1 << BITS) - 1] for shift in shifts)


def read_code(typed: str) -> str:
    """Give a typed code in its only form, whatever its capitals and spaces; raises `NotACode`."""
    words = [cleaned(word) for word in typed[:TYPED_MAX].lower().replace(",", " ").split()]
    unknown = [word for word in dict.fromkeys(words) if word not in _KNOWN]
    if unknown:
        raise NotACode(" ".join(_unknown(word) for word in unknown[:CODE_WORDS]))
    if len(words) != CODE_WORDS:
        raise NotACode(f"A code has {CODE_WORDS} words, and there are {len(words)}.")
    return " ".join(words)


def _unknown(word: str) -> str:
    near = difflib.get_close_matches(word, WORDS, n=2, cutoff=0.7)
    nearby = f" (near it: {', '.join(near)})" if near else ""
    return f"{word} is no word of the list{nearby}."


def code_sha256(plan_digest: str, approval: str, code: str) -> str:
    """Give the hash by which an approval knows a code."""
    return hashlib.sha256(f"{FORMAT}\n{plan_digest}\n{approval}\n{code}\n".encode("ascii")).hexdigest()
