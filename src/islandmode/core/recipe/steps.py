"""The exact lines of each step of a recipe, for a site's point and a run; or as a plan has them, before there is a run. Pure."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from islandmode.core.recipe.known import MOMENTS, NETWORKS, ONCE
from islandmode.core.recipe.model import Group, Line, Read, Recipe, step_of
from islandmode.core.recipe.place import ConduitAt, PointAt, Things
from islandmode.core.recipe.window import REST, armed_window, isolating_window
from islandmode.core.recipe.words import Placeholder, filled, filled_pattern, write_moment, write_network

ANY_RUN = "this-run"
"""Stands in a plan for the run that is not known yet."""
NOT_YET = {"starts": "this-runs-start", "armed_until": "this-runs-end-told", "end": "this-runs-end"}
"""What stands in a plan for moments that are computed at arm."""


@dataclass(frozen=True)
class RunValues:
    """What only a run knows: its name, how long a timer is set, and when it ends on the device's clock (None for a plan)."""

    run: str
    for_s: float
    ends: datetime | None = None


@dataclass(frozen=True)
class Ready:
    """A line that is ready to be sent. `must` and `must_not` are looked for in its answer before the next one is."""

    send: str
    must: str | None = None
    must_not: str | None = None
    answers: tuple[tuple[str, str], ...] = ()
    """What the device may ask back, and what it is answered."""
    is_play: bool = False
    """Whether it names a playbook and what that is given, and is no line of the device."""


def planned(for_s: float) -> RunValues:
    """Give what stands in a plan for what only a run knows."""
    return RunValues(ANY_RUN, for_s)


def step_lines(
    recipe: Recipe, step: str, at: PointAt, run: RunValues, only: Collection[str] | None = None
) -> tuple[Ready, ...]:
    """Write the lines of a step for some conduits of a point, or for all.

    What a pending change isolated is restored for all conduits together: once it is confirmed, no timer is left for any of them.
    """
    is_whole = only is None or (recipe.cycle == "pending" and step == "restore" and bool(only))
    wanted = {conduit.name for conduit in at.conduits} if is_whole or only is None else set(only)
    return tuple(_lines(recipe, step, at, run, wanted))


def _lines(recipe: Recipe, step: str, at: PointAt, run: RunValues, only: set[str]) -> Iterator[Ready]:
    # What is kept closed stands behind what was provisioned, and before the site's own.
    number = _numbered(recipe, "provision", at) if step == "keep_closed" else 0
    for group in step_of(recipe, step):
        for conduit, things in _times(group, at):
            wanted = only if conduit is None else only & {conduit.name}
            is_asked = any(other.name in wanted and other.carries(group.family) for other in at.conduits)
            for line in group.lines:
                # Numbers run on over the conduits of the whole point, so that no two stages use the same.
                number += "{line}" in line.send
                if is_asked:
                    yield _ready(line, Values(recipe, at, run, conduit, things, number), is_play(recipe, step))


def _numbered(recipe: Recipe, step: str, at: PointAt) -> int:
    """Count the numbers that a step takes."""
    return sum(
        "{line}" in line.send for group in step_of(recipe, step) for _ in _times(group, at) for line in group.lines
    )


def _times(group: Group, at: PointAt) -> Iterator[tuple[ConduitAt | None, Things]]:
    """Give each thing for which a group is sent, with its conduit; a group that is sent once has none."""
    if group.each not in ONCE:
        for conduit in at.conduits:
            if conduit.carries(group.family):
                yield from ((conduit, things) for things in at.things(conduit, group.each))
    elif any(conduit.carries(group.family) for conduit in at.conduits):
        yield None, {}


def is_play(recipe: Recipe, step: str) -> bool:
    """Tell whether the lines of a step are plays."""
    return recipe.plays is not None and step in recipe.plays.steps


def _ready(line: Line, values: Values, is_play: bool) -> Ready:  # noqa: FBT001 - of the step, for each of its lines
    return Ready(
        filled(line.send, values),
        None if line.must is None else filled_pattern(line.must, values).pattern,
        None if line.must_not is None else filled_pattern(line.must_not, values).pattern,
        tuple((filled_pattern(answer.on, values).pattern, answer.send) for answer in line.answers),
        is_play,
    )


@dataclass(frozen=True)
class AskReady:
    """A command that changes nothing, ready to be sent, with the values for the patterns of its answer."""

    send: str
    read: Read
    values: Values


def asks_of(recipe: Recipe, reads: tuple[Read, ...], at: PointAt, conduit: str) -> tuple[AskReady, ...]:
    """Write the commands that tell the state of a conduit."""
    where, nothing = at.conduit(conduit), planned(0)
    found = []
    for read in reads:
        if where.carries(read.family):
            for things in at.things(where, read.each):
                values = Values(recipe, at, nothing, where, things, 0)
                found.append(AskReady(filled(read.ask, values), read, values))
    return tuple(found)


def asked_once(asks: tuple[AskReady, ...]) -> tuple[str, ...]:
    """List the commands, each once."""
    return tuple(dict.fromkeys(ask.send for ask in asks))


@dataclass(frozen=True)
class Values:
    """Gives the value of a placeholder; which may stand where was checked when the recipe was loaded."""

    recipe: Recipe
    at: PointAt
    run: RunValues
    conduit: ConduitAt | None
    things: Things
    number: int

    def __call__(self, found: Placeholder) -> str:
        """Give the value."""
        if found.name in MOMENTS:
            return self._moment(found)
        if found.name in NETWORKS:
            network = self.things[found.name]
            return network if isinstance(network, str) else write_network(network, found.form)
        plain = self._plain()
        if found.name in plain:
            return plain[found.name]
        if found.name in self.things:
            return str(self.things[found.name])
        return self._of_conduit(found)

    def _plain(self) -> Mapping[str, str]:
        return {key: str(value) for key, value in self.at.options.items()} | {
            "management": str(self.at.management),
            "management_port": str(self.at.management_port),
            "run": self.run.run,
            "for_s": str(math.ceil(self.run.for_s)),
            "for_min": str(math.ceil(self.run.for_s / 60)),
            "line": str(self.number),
        }

    def _of_conduit(self, found: Placeholder) -> str:
        conduit = self.conduit
        if conduit is None:
            raise KeyError(found.name)
        if found.name in self.recipe.names:
            return self.recipe.names[found.name].form.replace("{conduit}", conduit.name)
        if found.name in {"outer_interfaces", "inner_interfaces"}:
            interfaces: tuple[str, ...] = getattr(conduit, found.name)
            return " ".join(f'"{interface}"' if found.form == "quoted" else interface for interface in interfaces)
        return {
            "conduit": conduit.name,
            "outer_zone": conduit.outer_zone,
            "inner_zone": conduit.inner_zone,
        }[found.name]

    def _moment(self, found: Placeholder) -> str:
        form = found.form or ""
        if found.name in {"rest_starts", "rest_end"}:
            return write_moment(form, REST.starts if found.name == "rest_starts" else REST.ends)
        if self.run.ends is None:
            return NOT_YET[found.name]
        armed, isolating = armed_window(self.run.run, self.run.ends), isolating_window(self.run.run, self.run.ends)
        moments = {"starts": armed.starts, "armed_until": armed.ends, "end": isolating.ends}
        return write_moment(form, moments[found.name])
