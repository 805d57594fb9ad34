"""The commands that restore by hand, as plain lines, for a screen on which something is wrong right now."""

from __future__ import annotations

from islandmode.core.rescue import Restorable
from islandmode.isolation.table import by_hand


def lines_by_hand(left: Restorable) -> tuple[str, ...]:
    """Write what is on the card for every device: how to log in, the commands, and what must and must not show afterwards."""
    lines = []
    for name, point in left.points.items():
        hands = by_hand(point)
        lines.append(
            f"on {name} ({point.place}). {hands.become}" if hands.is_typed else f"{name}, by hand: {hands.become}"
        )
        lines += [f"  {command}" for command in hands.commands]
        if hands.locked:
            lines.append(
                f"  If a line is refused because another session has locked the configuration: {hands.locked}."
            )
        lines += [f"  {look.command}   {look.expects}" for look in hands.looks]
    return tuple(lines)
