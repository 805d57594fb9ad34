"""Writing a plan's card where somebody wants it, and over nothing else of theirs."""

from __future__ import annotations

import sys
from pathlib import Path

from islandmode.core.errors import InputError
from islandmode.core.plan import Plan
from islandmode.ui.card import TITLE, TypedAt, render_card

HEAD_BYTES = 400


def write_plan_card(plan: Plan, path: Path, at: TypedAt) -> None:
    """Write the card of a plan and say where it is; on standard error, since standard output may be for a machine."""
    try:
        if path.exists() and TITLE.encode() not in path.read_bytes()[:HEAD_BYTES]:
            raise InputError(f"{path} is there already and is no card; name another file for the card.")
        path.write_text(render_card(plan, at=at), encoding="utf-8")
    except OSError as error:
        raise InputError(
            f"The card {path} cannot be written ({error.strerror}); name a file that you may write."
        ) from None
    print(f"The card for restoring by hand is {path}; print it, and keep it where the devices are.", file=sys.stderr)
