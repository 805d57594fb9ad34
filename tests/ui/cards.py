"""The card of a plan as a test wants it: of a workspace and a program that no machine has."""

from __future__ import annotations

from pathlib import Path

from islandmode.core.plan import Plan
from islandmode.ui.card import TypedAt, render_card

AT = TypedAt(Path("/srv/plant north"), "/opt/islandmode/bin/islandmode", "plant")


def card_of(plan: Plan, run: str | None = None, *, lab: bool = False) -> str:
    return render_card(plan, run, at=AT, lab=lab)
