"""A chain over exact bytes: each line names the SHA-256 of the line before it, and may carry a sum of its own.

The chain shows that a line was changed, removed or added anywhere but at the end; the sum covers the last line, which
no other names yet. Both find accidents and careless edits; against somebody who rewrites the whole file they need a
signature over the file.
"""

from __future__ import annotations

import hashlib

GENESIS = "0" * 64
"""What the first line names, which has no line before it."""

_SUM = b',"sum":"'
_SUM_DIGITS = 16


def digest(line: bytes) -> str:
    """Hash one line, its newline included, as the next line names it."""
    return hashlib.sha256(line).hexdigest()


def with_sum(body: bytes) -> bytes:
    """Make a line of one JSON object: its last key is the sum of all bytes before that key."""
    return b"".join((body[:-1], _SUM, digest(body[:-1])[:_SUM_DIGITS].encode("ascii"), b'"}\n'))


def sum_holds(line: bytes) -> bool:
    """Tell whether a line, its newline included, is exactly what `with_sum` made."""
    start = len(line) - len(_SUM) - _SUM_DIGITS - 3
    return start > 0 and with_sum(line[:start] + b"}") == line
