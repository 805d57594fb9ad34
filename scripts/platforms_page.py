"""Write docs/platforms.md from what the platforms and the recipes that ship say of themselves: `make reference`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from islandmode.core.capabilities import Capabilities
from islandmode.core.described import Described
from islandmode.core.quantities import written
from islandmode.core.recipe.derive import capabilities, latest_s, live_refusals
from islandmode.core.recipe.described import described
from islandmode.core.recipe.model import Recipe
from islandmode.core.site import IsolationLevel
from islandmode.core.text import in_words
from islandmode.isolation.platform import Platform
from islandmode.isolation.table import IN_CODE
from islandmode.store.recipes import own_recipes, shipped_recipes

PROJECT = Path(__file__).resolve().parents[1]
PAGE = PROJECT / "docs" / "platforms.md"

HEAD = """# Platforms: what each can do, and how far that was tried

Written from what the platforms and the recipes say of themselves (`make reference`); a test fails where they differ. Other tests play
each recipe on its emulator and hold these rows to what it does: %s. That shows that a recipe and its emulator
agree, and not that a device does. `nftables-plays` is the recipe with [Ansible plays](ansible.md) that `islandmode init` gives. Other recipes of a workspace are not listed; what a recipe is, and
where its facts are from: [recipes](recipes.md). [Pairs](pairs.md) have a page of their own.

"""
TAIL = """
**Status.** `real`: every test run isolates and restores real kernels. `benched`: a person tried it on a device, and the record of that is
kept. `emulated`: tried on an emulator that was written from documents, and on no device. `untried`: neither.

**Undo tier.** A: a timer of the isolation's own, counted from now, that takes back nothing else. B: a timer that goes by the device's clock, or
takes back more. C: nothing on the device ends it. D: a person does.

**Levels.** `deny`: traffic is denied, and every interface stays up. `hard`: the interfaces towards the outer zone go down ([levels](levels.md)).

**Latest moment** of a line: how long after it was sent a line may still act, whatever held it up. Where that is the drill's own timer, a line that
comes late isolates until that timer's end, and no longer.

**Witness.** `egress`: the device counts what still leaves it across the conduit. `denies`: it counts what it dropped, which never proves that nothing
passed. `none`: it counts nothing; only probes tell.
"""
PLAYED_BY_ANSIBLE = "nftables-plays"
PLAYS_VERSIONS = "ansible-core 2.19 and later; nft as for `nftables`"
COVERED = {"forward": "forwarded", "to_device": "to and from the device itself", "vpn": "out of its tunnels"}
CYCLES = {
    "own-timer": "own timer",
    "clock": "clock",
    "pending": "pending change",
    "none": "no timer",
}
ESTABLISHED = {
    "itself": "stop with the isolation",
    "after_flush": "stop once they are flushed, which is part of isolating",
    "no": "go on",
}
RESTARTS = {
    "gone": "clears it",
    "stays": "keeps it; its timer still ends it",
    "reverts": "takes it back",
    "unknown": "unknown",
}
FAILOVERS = {
    "isolates": "the other member isolates too",
    "passes": "the other member lets traffic pass",
    "unknown": "unknown",
}
TAKEN_BACK = {
    "own": "no",
    "commit": "those of the same commit",
    "everything": "**all since it was armed**",
}


@dataclass(frozen=True)
class Column:
    """A platform: what it is, what it can do, and the recipe behind it."""

    name: str
    described: Described
    able: Capabilities
    recipe: Recipe | None = None
    levels: tuple[IsolationLevel, ...] = ("deny",)


def columns() -> tuple[Column, ...]:
    """Give every platform that ships: those that are code, then the recipes."""
    code = [
        Column(name, platform.described, platform.capabilities, levels=levels_of(platform))
        for name, platform in IN_CODE.items()
        if platform.described is not None
    ]
    recipes = [loaded.recipe for loaded in shipped_recipes().values()]
    shipped = [Column(known.recipe, described(known), capabilities(known), known, (known.level,)) for known in recipes]
    plays = own_recipes(PROJECT).good[PLAYED_BY_ANSIBLE].recipe
    # Its tests play it with real Ansible on a real kernel; in a workspace it is the site's own file, and a plan says no more than it knows.
    told = replace(described(plays), tried="real", versions=PLAYS_VERSIONS)
    return (*code, *shipped, Column(plays.recipe, told, capabilities(plays), plays, (plays.level,)))


def levels_of(platform: Platform) -> tuple[IsolationLevel, ...]:
    """Name the levels at which a platform isolates."""
    return (platform.level,) if platform.hard is None else ("deny", "hard")


def _of_timer(tell: Callable[[Capabilities], str]) -> Callable[[Column], str]:
    """Say something of a timer, where there is a timer."""
    return lambda column: "no timer" if column.able.timer == "none" else tell(column.able)


def _driven(tell: Callable[[Capabilities], str]) -> Callable[[Column], str]:
    """Say something of what Islandmode does; what a person does is the site's to say."""
    return lambda column: "not known" if column.described.cycle == "none" else tell(column.able)


def _latest(column: Column) -> str:
    recipe = column.recipe
    if column.able.timer == "none":
        return "no line is sent"
    if recipe is None:
        return written(column.able.latest_s)
    if recipe.late is not None:
        sure = " (unchecked)" if recipe.late.confidence == "unchecked" else ""
        return f"{written(recipe.late.at_most)}{sure}"
    return f"the drill's timer and {written(latest_s(recipe, 0.0))}"


def _lag(column: Column) -> str:
    able = column.able
    if able.timer == "none":
        return "no timer"
    rounded = f"; set up to {written(able.rounding_s)} longer than asked" if able.rounding_s else ""
    return f"{written(able.lag_s) if able.lag_s else 'none'}{rounded}"


def _covers(column: Column) -> str:
    if column.described.cycle == "none":
        return "what the site says"
    told = in_words([COVERED[part] for part in column.able.covers])
    return f"{told}; **not** {column.described.not_covered}" if column.described.not_covered else told


def _lock(column: Column) -> str:
    if column.recipe is None:
        return "not known" if column.described.cycle == "none" else "no such lock"
    held = column.recipe.held
    return (
        "not looked for"
        if held is None
        else f"refused before a drill ({held.confidence}), and named where it comes later"
    )


def _by(column: Column) -> str:
    """Say what carries out its steps."""
    if column.described.cycle == "none":
        return "a person"
    plays = None if column.recipe is None else column.recipe.plays
    return "lines" if plays is None else f"Ansible plays: {in_words(list(plays.steps))}; the rest by lines"


def _role(column: Column) -> str:
    """Say how a member of a pair tells its role."""
    recipe = column.recipe
    if recipe is None:
        return ROLES[column.name]
    return (
        "not asked; refused for live"
        if recipe.pair is None
        else f"`{recipe.pair.role.ask}` ({recipe.pair.role.confidence})"
    )


def _sync(column: Column) -> str:
    """Say how it is seen that a pair is in sync, and in what."""
    pair = None if column.recipe is None else column.recipe.pair
    if column.recipe is None:
        return SYNCS[column.name]
    if pair is None:
        return "not asked"
    return (
        "nothing is kept in sync"
        if pair.sync is None
        else f"its {pair.shares}: `{pair.sync.ask}` ({pair.sync.confidence})"
    )


def _for_live(column: Column) -> str:
    return "; ".join(live_refusals(column.recipe)) if column.recipe is not None else ""


ROLES = {"nftables": "by which of the pair's virtual addresses it has", "manual": "no member of a pair"}
SYNCS = {"nftables": "its sessions: `conntrackd -s link`, where that runs", "manual": "no member of a pair"}
"""What the platforms that are code say of a pair, by name."""
ROWS: dict[str, Callable[[Column], str]] = {
    "what it is": lambda column: column.described.title,
    "status": lambda column: f"`{column.described.tried}`",
    "versions": lambda column: column.described.versions,
    "cycle": lambda column: CYCLES[column.described.cycle],
    "its steps are carried out by": _by,
    "undo tier": lambda column: column.able.undo_tier,
    "timer": _of_timer(lambda able: f"{written(able.dead_man_min_s)} to {written(able.dead_man_max_s)}"),
    "grain of the timer": _of_timer(lambda able: written(able.granularity_s)),
    "may end later by": _lag,
    "can be renewed": lambda column: "yes" if column.able.renewable else "no",
    "latest moment of a line": _latest,
    "one timer for": _of_timer(lambda able: "each conduit" if able.timer == "conduit" else "the whole device"),
    "address families": _driven(lambda able: in_words([f"IPv{family}" for family in able.families])),
    "levels": lambda column: "what the site says" if column.described.cycle == "none" else in_words(column.levels),
    "stops": _covers,
    "open connections": _driven(lambda able: ESTABLISHED[able.cuts_established]),
    "a stage of several conduits": lambda column: "all or none" if column.able.atomic_stage else "one after the other",
    "witness": lambda column: f"`{column.able.witness}`",
    "a restart of the device": lambda column: RESTARTS[column.able.after_restart],
    "at a failover": lambda column: FAILOVERS[column.described.after_failover],
    "role of a pair's member": _role,
    "a pair is in sync in": _sync,
    "its timer takes back other people's edits": lambda column: TAKEN_BACK[column.able.reverts],
    "another session's lock": _lock,
    "its configuration is compared": lambda column: "yes" if column.able.shows_configuration else "no",
    "refused for live because it": _for_live,
}
"""What the page says of each platform, by the words at the beginning of the row."""
PLAYED = (
    *("may end later by", "can be renewed", "address families", "stops", "open connections", "a restart of the device"),
    "its timer takes back other people's edits",
)
"""The rows that tests/emulators/test_platforms_page.py holds to what an emulator does."""


def told() -> dict[str, dict[str, str]]:
    """Give what stands in each cell, by row and platform."""
    shown = columns()
    return {title: {column.name: tell(column) for column in shown} for title, tell in ROWS.items()}


def page() -> str:
    """Give the whole page."""
    cells = told()
    head = ["", *(f"`{name}`" for name in next(iter(cells.values())))]
    rows = [head, ["---"] * len(head), *([title, *of_each.values()] for title, of_each in cells.items())]
    return HEAD % in_words(PLAYED) + "\n".join(map(_row, rows)) + "\n" + TAIL


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def main() -> None:
    """Write the page."""
    PAGE.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
