"""Level hard on a Linux firewall: the deny of `recipe.py`, and the outer interfaces go down with it. Pure.

An interface has no timer of its own. So two processes on the firewall (`keep.sh`) are begun when the tables are armed, and read back.
They follow the tables: an interface is down only while its conduit is in `armed` and in `hold`. So the kernel's timer is the dead-man
of both, and every line that isolates, renews or restores is the one that it is at level deny, with its ticket and its owner. Nothing
else takes an interface down, so that a line that comes late can no more do so than it can isolate.

Each of the two puts the interface up again by itself, with the addresses, routes and permanent neighbours that it had. Where one of
them is gone the timer counts as not read back, and the run restores at once. A restore does it too, by the same script. With both of
them killed nothing on the firewall would: that is why the undo is of tier B.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from islandmode.core.capabilities import Calls
from islandmode.core.rendering import Rendering, StageLines
from islandmode.isolation import incoming
from islandmode.isolation.nftables import recipe
from islandmode.isolation.point import ConduitState

SCRIPT = Path(__file__).with_name("keep.sh").read_text(encoding="ascii")
"""Read when this is imported: a restore waits for no file."""
FOLDER = "/run/islandmode-hard"
KEEPERS = frozenset({"1", "2"})
LAG_S = 5.0
"""How long after the timer's end an interface may be down: two looks, and the programs that put all of it back, on a busy machine."""
BEGIN_S = 10.0
"""How long the command that begins both processes may be on its way; without their tables they end by themselves, and take nothing down."""
CAPABILITIES = recipe.CAPABILITIES.model_copy(
    update={
        "undo_tier": "B",
        "dead_man_min_s": 10.0,
        # The timer runs while both processes are begun.
        "read_back_s": BEGIN_S,
        "lag_s": LAG_S,
        "calls_s": Calls(arm=20.0, isolate=8.0, renew=5.0, read=3.0, restore=6.0, restore_anew=15.0),
    }
)
READS = {
    "addresses": "ip -oneline address show | sed 's/_lft [0-9]*sec/_lft some/g;s/^[0-9]*: //'",
    "neighbours": "ip neigh show nud permanent; ip -6 neigh show nud permanent; ip neigh show proxy",
}
"""What is read beside, or otherwise than, at level deny: one address a line, since an interface gets them back in another order."""


@dataclass(frozen=True)
class Kept:
    """What a look at the firewall says: the processes that live, each with its run and tables, what is held down for whom, what is down."""

    keepers: frozenset[tuple[str, str, frozenset[str]]]
    held: Mapping[str, str]
    down: frozenset[str]

    def fit(self, run: str | None, table: str) -> bool:
        """Tell whether both processes live that follow a table of a run."""
        following = {number for number, whose, tables in self.keepers if table in tables and whose == run}
        return following >= KEEPERS

    def left(self, table: str, outer: Sequence[str]) -> str | None:
        """Name the run that a conduit's interfaces are held down for, or whose processes still follow its table."""
        found = sorted(whose for _, whose, tables in self.keepers if table in tables)
        return next(iter((*(self.held[name] for name in outer if name in self.held), *found)), None)


def kept_of(answer: str) -> Kept:
    """Read the answer to a look; ValueError where it is not whole."""
    lines = [line.split() for line in answer.splitlines() if line.strip()]
    if not lines or lines[-1] != ["end"]:
        raise ValueError("the look has no end")
    keepers, held, down = set(), {}, set()
    for what, *words in lines[:-1]:
        if what == "keeper" and len(words) > 1:
            keepers.add((words[0], incoming.word(words[1]), frozenset(word.partition(",")[0] for word in words[2:])))
        elif what == "held" and words:
            held[words[0]] = incoming.word(words[1]) if words[1:] else ""
        elif what == "down" and words:
            down.add(words[0])
    return Kept(frozenset(keepers), held, frozenset(down))


def state_at(state: ConduitState, conduit: str, outer: Sequence[str], kept: Kept, run: str | None) -> ConduitState:
    """Give the state of a conduit at level hard, from that of its table and a look: isolating only if its interfaces are down too."""
    table = recipe.table_of(conduit)
    left = kept.left(table, outer)
    whose = state.owner if state.present else left or None
    fit = kept.fit(state.owner, table)
    return replace(
        state,
        present=state.present or left is not None,
        owner=whose,
        ours=state.ours if state.present else run is None or whose in (None, run),
        armed_s=state.armed_s if fit else None,
        isolating=state.isolating and fit and set(outer) <= kept.down,
    )


def pairs(between: recipe.Between, interfaces: recipe.Interfaces) -> tuple[str, ...]:
    """Write what each process follows: the table of each conduit, and each of its outer interfaces."""
    return tuple(
        f"{recipe.table_of(conduit)},{interface}"
        for conduit, (outer, _) in between.items()
        for interface in interfaces.get(outer, ())
    )


def start_command(sh: str, moment_s: float, run: str, what: Sequence[str]) -> str:
    """Write the command that begins both processes before a moment of the firewall's uptime; its input is the script."""
    begin = f"exec sh {FOLDER}/keep start {math.floor(moment_s * 100)} {run} {' '.join(what)}"
    return f"{sh} -c 'umask 077; mkdir -p {FOLDER} && cat >{FOLDER}/new && mv {FOLDER}/new {FOLDER}/keep && {begin}'"


def undo_command(sh: str, run: str | None) -> str:
    """Write the command that puts everything back; its input is the script."""
    return f"{sh} -s undo {run or 'any'}"


def look_command(sh: str, interfaces: Sequence[str]) -> str:
    """Write the command that looks; its input is the script."""
    return f"{sh} -s look {' '.join(interfaces)}"


def rendering(denied: Rendering, interfaces: recipe.Interfaces, between: recipe.Between) -> Rendering:
    """Add to the lines of level deny what takes interfaces down, and what puts them up again by hand."""
    mine = {conduit: between[conduit] for conduit in denied.conduits}
    what = pairs(mine, interfaces)
    outer = tuple(dict.fromkeys(pair.partition(",")[2] for pair in what))
    begun = (f"sh {FOLDER}/keep start THIS-MOMENT {recipe.ANY_RUN} {' '.join(what)}",) if what else ()
    return denied.model_copy(
        update={
            "arm": (*denied.arm, *begun),
            "stages": tuple(_goes_down(stage, between, interfaces) for stage in denied.stages),
            "restore": (
                *denied.restore,
                f"sh {FOLDER}/keep undo any",
                *(f"ip link set dev {name} up" for name in outer),
            ),
            "capabilities": CAPABILITIES,
        }
    )


def _goes_down(stage: StageLines, between: recipe.Between, interfaces: recipe.Interfaces) -> StageLines:
    """Say what the processes do once the line of a stage has landed."""
    names = dict.fromkeys(name for conduit in stage.conduits for name in interfaces.get(between[conduit][0], ()))
    return stage.model_copy(update={"isolate": (*stage.isolate, *(f"ip link set dev {name} down" for name in names))})
