"""A line that is a play: which playbook it names, and what that is given. Pure.

    playbooks/isolate.yml table={object} outer="{outer_interfaces}"

The lines of a step that name one playbook are one run of it. It is given `conduits`, a list with what stands in each line.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from islandmode.core.recipe.model import Recipe
from islandmode.core.recipe.parts import lines_of
from islandmode.core.recipe.steps import is_play

PLAYBOOK = re.compile(r"(?!.*\.\.)[A-Za-z0-9][A-Za-z0-9_./-]{0,120}\.ya?ml")
KEY = re.compile(r"[a-z][a-z0-9_]{0,40}")
OWN_KEYS = "ansible_"
"""Variables that begin so are Ansible's, and say how to log in: that is the site's word, not a line's."""


@dataclass(frozen=True)
class PlayLine:
    """A playbook and what one line gives it."""

    playbook: str
    given: Mapping[str, str]


def play_line(text: str) -> PlayLine:
    """Read a line; raises ValueError with what is wrong."""
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise ValueError(f"a quotation mark has no other ({error})") from None
    if not words or not PLAYBOOK.fullmatch(words[0]):
        raise ValueError("it does not begin with a playbook, such as playbooks/isolate.yml")
    given: dict[str, str] = {}
    for word in words[1:]:
        key, equals, value = word.partition("=")
        if not equals or not KEY.fullmatch(key) or key.startswith(OWN_KEYS):
            raise ValueError(f'"{word}" is not what a play can be given; write key=value')
        given[key] = value
    return PlayLine(words[0], given)


@dataclass(frozen=True)
class PlayRun:
    """One run of a playbook."""

    playbook: str
    conduits: tuple[Mapping[str, str], ...]


def play_runs(lines: Iterable[str]) -> tuple[PlayRun, ...]:
    """Put lines together that name one playbook, in the order of the playbooks' first lines."""
    found: dict[str, list[Mapping[str, str]]] = {}
    for text in lines:
        line = play_line(text)
        found.setdefault(line.playbook, []).append(line.given)
    return tuple(PlayRun(playbook, tuple(given)) for playbook, given in found.items())


def playbooks_of(recipe: Recipe) -> Iterator[tuple[str, tuple[str | int, ...]]]:
    """Name every playbook of a recipe that was found good, with where its name stands."""
    if recipe.plays is None:
        return
    for sent in lines_of(recipe, *recipe.plays.steps):
        yield play_line(sent.line.send).playbook, (*sent.path, "send")
    if recipe.plays.facts is not None:
        yield play_line(recipe.plays.facts).playbook, ("plays", "facts")


__all__ = ["PlayLine", "PlayRun", "is_play", "play_line", "play_runs", "playbooks_of"]
