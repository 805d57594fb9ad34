"""How every command ends: with the alarm of earlier runs that may have left something isolated, which never goes quiet."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from islandmode.system.own_program import typed

BANNER_S = 3.0
UNTOLD = "it is not known whether an earlier run left something isolated"
SAY_IT_THEMSELVES = frozenset({"islandmode status", "islandmode look", "islandmode restore", "islandmode guard"})


def end_with_banner(command: str, workspace: Path, at_the_end: Callable[[Callable[[], None]], object]) -> None:
    """Let a command end by naming earlier runs that may have left something isolated."""

    def say() -> None:
        from islandmode.ui.banner import print_banners  # noqa: PLC0415 - --help is quick

        print_banners(workspace)

    def say_soon() -> None:
        from islandmode.operate.watch import beside  # noqa: PLC0415 - --help is quick

        # Neither what an earlier run left nor a disk that hangs may change how this command ends.
        why = beside(say, BANNER_S)
        if why:
            print(f"islandmode: {UNTOLD}: {why}. To look again: `{typed('status')}`.", file=sys.stderr)

    if command not in SAY_IT_THEMSELVES:
        at_the_end(say_soon)
