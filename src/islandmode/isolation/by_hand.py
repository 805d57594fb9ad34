"""Restoring by hand: what a person types on a device, and what the device must then no longer show. Values only.

The commands are the plan's own, so that the plan's digest speaks for them; what a platform adds is how to look.
"""

from __future__ import annotations

from dataclasses import dataclass

from islandmode.core.plan import PlanPoint
from islandmode.core.site import Management

SSH_PORT = 22


@dataclass(frozen=True)
class Look:
    """A command that changes nothing, the words that its answer must not or must have, and what to do where it is not so."""

    command: str
    must_not_show: tuple[str, ...]
    otherwise: str
    must_show: tuple[str, ...] = ()

    @property
    def expects(self) -> str:
        """Say what its answer must have, and what not."""
        told = (("must show", self.must_show), ("must not show", self.must_not_show))
        return " and ".join(f"{how} {', '.join(words)}" for how, words in told if words)


@dataclass(frozen=True)
class ByHand:
    """Everything a person needs on one device's console; `last_resort` is for when the commands do not help."""

    become: str
    commands: tuple[str, ...]
    answer: str
    looks: tuple[Look, ...]
    last_resort: str
    console: str = ""
    """What a person types on another machine to get on the console; empty where that is not possible."""
    breaks_after: str = ""
    """Where a command may be printed over two lines, because Enter does no harm there; empty where it may not."""
    in_order: bool = False
    """Whether the commands mean something only in this order."""
    locked: str = ""
    """What to do where a command is refused because another session has locked the configuration; empty where nothing is known."""
    is_typed: bool = True
    """Whether they are typed on a console; a person may also have to pull a cable."""


def ssh_to(management: Management | None) -> str:
    """Write the command by which a person gets on a device's console over SSH; empty where nothing logs in."""
    if management is None:
        return ""
    port = f" -p {management.port}" if management.port != SSH_PORT else ""
    return f"ssh{port} YOU@{management.address}"


RESTARTED = {
    "gone": "A restart of the device clears it.",
    "reverts": "A restart of the device loads what was saved before, which clears it, with all that was not saved.",
    "stays": "A restart of the device does NOT clear it.",
    "unknown": "Whether a restart of the device clears it is not known.",
}
"""What a restart makes of an isolation that nobody saved."""


def plain(point: PlanPoint) -> ByHand:
    """Say what can be said of a platform of which no look is known: the plan's own commands."""
    return ByHand(
        become="Log in with the right to change its configuration.",
        commands=point.rendering.restore,
        answer="",
        looks=(),
        last_resort=f"Remove whatever has islandmode in its name. {RESTARTED[point.capabilities.after_restart]}",
    )
