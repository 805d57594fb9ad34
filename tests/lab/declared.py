"""What a plant of these tests declares beyond the shipped site, so that nothing of it speaks against a live drill."""

from __future__ import annotations

from islandmode.operate.declared import today

REVIEWED = "if_cut: nothing, reviewed_by: OT security, reviewed_on: 2026-11-02"
"""Of the flows that the tests add themselves."""
TAKEN = "taken_on: 2026-11-02"
LOCKS = "\ninterlocks: [{probe: filler-running, tells: the filler runs, running: 1, idle: 0, bad_for: 5 s}]\n"


def fresh_backups(site: str) -> str:
    """Let the backups be of today: those of the shipped site are as old as it is."""
    assert TAKEN in site
    return site.replace(TAKEN, f"taken_on: {today()}")


def interlocked(drill: str) -> str:
    """Let the drill see that the plant runs."""
    return drill + LOCKS
