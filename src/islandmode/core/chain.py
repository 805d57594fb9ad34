"""A chain over exact bytes: each line names the SHA-256 of the line before it."""

from __future__ import annotations

import hashlib

GENESIS = "0" * 64
"""What the first line names, having none before it."""


def digest(line: bytes) -> str:
    """Hash one line, its newline included, as the next line names it."""
    return hashlib.sha256(line).hexdigest()
