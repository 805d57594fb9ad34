"""What a person sees who answers a run that waits for the go."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

from islandmode.core.errors import InputError
from islandmode.operate.answering import NOTHING_SAID, Spoken, answer


def print_answered(workspace: Path, run: str, spoken: Spoken) -> int:
    """Answer a run, and say what became of it; a code may be typed at the terminal, where no list of processes shows it."""
    if not (spoken.code or spoken.key or spoken.not_yet or spoken.no or spoken.veto or spoken.release):
        if not sys.stdin.isatty():
            raise InputError(f"Give one answer: --code, --key, --not-yet, --no, --veto or --release. {NOTHING_SAID}")
        print("Type the six words that were read out: ", end="", file=sys.stderr, flush=True)
        spoken = replace(spoken, code=sys.stdin.readline().strip() or "-")
    print(answer(workspace, run, spoken))
    return 0
