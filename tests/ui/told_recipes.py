"""Tells what a person reads of devices that go by recipes or by hand, and writes `recipes.txt`.

    python -m tests.ui.told_recipes     writes it anew; read the difference before it is committed

The plan, the card and the lines by hand of a site with a FortiGate, an IOS router and a modem (examples/kirkby), to the word, but for
digests, which every comment in a recipe changes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from islandmode.core.plan import Plan
from islandmode.operate.by_hand import lines_by_hand
from islandmode.operate.plan import plan_of
from tests.pages import write
from tests.ui.card_reading import words
from tests.ui.cards import card_of
from tests.ui.test_boundary_told import plan_text

PAGE = Path(__file__).with_name("recipes.txt")
KIRKBY = Path(__file__).resolve().parents[2] / "examples" / "kirkby"


def plan() -> Plan:
    return plan_of(KIRKBY, "all-ways")[1]


def told() -> dict[str, list[str]]:
    """Tell all three."""
    made = plan()
    framed = (line.strip("╭─╮│╰╯ ") for line in plan_text(made).splitlines())
    return {
        "the plan": _without_digests(made, (line for line in framed if line)),
        "the card": _without_digests(made, words(card_of(made))),
        "by hand, on a screen": list(lines_by_hand(made)),
    }


def _without_digests(made: Plan, lines: Iterable[str]) -> list[str]:
    used = [point.rendering.recipe for point in made.points.values() if point.rendering.recipe is not None]
    digests = (made.plan_digest, made.plan_digest[:12], *(one.sha256[:12] for one in used))
    digest = re.compile("|".join(digests))
    return [digest.sub("DIGEST", line) for line in lines]


if __name__ == "__main__":
    write(PAGE, told())
