"""Restoring by hand: what a person types on a device, and what the device must then no longer show. Pure.

The commands are the plan's own, so that the plan's digest speaks for them; what is added here is how to look.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from islandmode.core.rendering import Rendering
from islandmode.isolation.nftables import recipe as nftables
from islandmode.isolation.nftables import saved as saved_files


@dataclass(frozen=True)
class Look:
    """A command that changes nothing, the words that its answer must not have, and what to do if it has them."""

    command: str
    must_not_show: tuple[str, ...]
    otherwise: str


@dataclass(frozen=True)
class ByHand:
    """Everything a person needs on one device's console; `last_resort` is for when the commands do not help."""

    become: str
    commands: tuple[str, ...]
    answer: str
    looks: tuple[Look, ...]
    last_resort: str


def by_hand(rendering: Rendering) -> ByHand:
    """Say how to restore a device by hand; a platform that we know no look for still has its commands."""
    return _PLATFORMS.get(rendering.platform, _plain)(rendering)


def mend_saved(platform: str, files: tuple[str, ...] = ()) -> str:
    """Give the command that takes our objects out of saved files; empty for a platform of which we know none.

    Without files it is for the saved configuration's main file.
    """
    return saved_files.mend(files) if platform == "nftables" else ""


def _nftables(rendering: Rendering) -> ByHand:
    tables = tuple(nftables.table_of(conduit) for conduit in rendering.conduits)
    return ByHand(
        become="Log in as root, or become root with: sudo -i",
        commands=rendering.restore,
        answer="A command that worked answers nothing.",
        looks=(
            Look(
                "nft list tables",
                tables,
                "Type the command with that name again, letter by letter.",
            ),
            Look(
                f"grep -rs {nftables.PREFIX} {nftables.SAVED} {nftables.SAVED.removesuffix('.conf')}.d",
                (nftables.PREFIX,),
                f"Somebody saved the isolation, and a restart isolates again. Type, with the file that was shown: {nftables.MEND_SAVED}",
            ),
        ),
        last_resort="A restart of the device clears it, unless somebody saved it (step 3): Islandmode itself saves nothing "
        "there. ALL traffic through the device stops while it starts.",
    )


def _plain(rendering: Rendering) -> ByHand:
    return ByHand(
        become="Log in with the right to change its configuration.",
        commands=rendering.restore,
        answer="",
        looks=(),
        last_resort=f"Remove whatever has {nftables.PREFIX} in its name.",
    )


_PLATFORMS: dict[str, Callable[[Rendering], ByHand]] = {"nftables": _nftables}
