"""What a recipe asks a member of a pair, and how its answers are read: which role it has, and whether the pair is in sync. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from islandmode.core.frozen import Frozen
from islandmode.core.recipe.grounded import Grounded, Pattern, Sent
from islandmode.core.recipe.words import compiled

if TYPE_CHECKING:
    from islandmode.core.pair import Role, Sync


class RoleAsked(Grounded):
    """How a member tells whether it is the active one."""

    ask: Sent = Field(description="A command that changes nothing.", examples=["get system status"])
    active: Pattern = Field(
        description="What shows that the member is active. An answer that shows this and `standby` is told as *divided*, one that shows neither "
        "as unknown, and both are refused.",
        examples=["Current HA mode: a-p, primary"],
    )
    standby: Pattern = Field(
        description="What shows that the member is not active.", examples=["Current HA mode: a-p, secondary"]
    )


class SyncAsked(Grounded):
    """How a member tells whether the pair is in sync."""

    ask: Sent = Field(description="A command that changes nothing.", examples=["get system ha status"])
    in_sync: Pattern = Field(
        description="What shows that it is, of all members. An answer that shows neither this nor `out_of_sync` is unknown, and refused.",
        examples=["in-sync"],
    )
    out_of_sync: Pattern = Field(
        description="What shows that it is not; it counts whatever else the answer shows.", examples=["out-of-sync"]
    )


class OfPair(Frozen):
    """What is asked of a member of a pair, before a drill and while it isolates."""

    role: RoleAsked = Field(description="How a member tells whether it is the active one.")
    shares: Literal["configuration", "nothing"] = Field(
        description="What the members have in common. `configuration`: a line that one of them takes, the other has too, so that one object "
        "of a run stands on both; `sync` is needed then. `nothing`: each takes its own lines.",
        examples=["configuration"],
    )
    sync: SyncAsked | None = Field(
        default=None,
        description="How a member tells whether the pair is in sync; left out where nothing is kept in sync between the members.",
    )


def read_role(asked: RoleAsked, answer: str) -> Role | None:
    """Read a member's role; None where the answer shows none."""
    shows = _shows(answer)
    roles: dict[tuple[bool, bool], Role] = {(True, True): "divided", (True, False): "active", (False, True): "standby"}
    return roles.get((shows(asked.active), shows(asked.standby)))


def read_sync(asked: SyncAsked, answer: str) -> Sync | None:
    """Read whether the pair is in sync; None where the answer shows neither."""
    shows = _shows(answer)
    if shows(asked.out_of_sync):
        return "out-of-sync"
    return "in-sync" if shows(asked.in_sync) else None


def _shows(answer: str) -> Callable[[str], bool]:
    text = answer.replace("\r", "")
    return lambda pattern: compiled(pattern).search(text) is not None
