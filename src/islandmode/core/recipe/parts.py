"""The parts of a recipe with their paths into its file, so that a complaint about any of them has its place."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from islandmode.core.problem import Path, Problem
from islandmode.core.recipe.grounded import Grounded
from islandmode.core.recipe.model import STEPS, Each, Line, Read, Recipe, step_of
from islandmode.core.recipe.of_pair import RoleAsked, SyncAsked


@dataclass(frozen=True)
class SentLine:
    """A line of a step, and for what it is sent."""

    step: str
    each: Each
    line: Line
    path: Path


@dataclass(frozen=True)
class Asked:
    """A command that changes nothing, and for what it is asked."""

    part: str
    each: Each
    ask: str
    path: Path


@dataclass(frozen=True)
class PatternAt:
    """A pattern; `each` says for what it is looked for, and is None where it may hold no placeholder."""

    part: str
    each: Each | None
    pattern: str
    path: Path


def wrong(path: Path, sentence: str) -> Problem:
    """Complain about a part of a recipe."""
    return Problem("recipe", path, sentence)


def lines_of(recipe: Recipe, *steps: str) -> Iterator[SentLine]:
    """Give the lines of some steps, or of all."""
    for step in steps or STEPS:
        for number, group in enumerate(step_of(recipe, step)):
            for index, line in enumerate(group.lines):
                yield SentLine(step, group.each, line, (step, number, "lines", index))


def reads_of(recipe: Recipe) -> Iterator[tuple[str, Read, Path]]:
    """Give the reads, with the part in which each stands."""
    for part, reads in (("state", recipe.reads.state), ("counts", recipe.reads.counts)):
        for number, read in enumerate(reads):
            yield part, read, ("reads", part, number)


def asked_of(recipe: Recipe) -> Iterator[Asked]:
    """Give every command that must change nothing."""
    for number, need in enumerate(recipe.needs):
        yield Asked("needs", "point" if _is_of_point(need.ask) else "conduit", need.ask, ("needs", number, "ask"))
    for _, read, path in reads_of(recipe):
        yield Asked("reads", read.each, read.ask, (*path, "ask"))
    for number, look in enumerate(recipe.card.looks):
        yield Asked("card", "conduit", look.ask, ("card", "looks", number, "ask"))
    for number, part in enumerate(recipe.configuration):
        yield Asked("configuration", "point", part.ask, ("configuration", number, "ask"))
    yield Asked("versions", "point", recipe.versions.ask, ("versions", "ask"))
    if recipe.held is not None:
        yield Asked("held", "point", recipe.held.ask, ("held", "ask"))
    for key, question in _of_pair(recipe):
        yield Asked("pair", "point", question.ask, ("pair", key, "ask"))
    if recipe.serial is not None:
        yield Asked("serial", "point", recipe.serial.ask, ("serial", "ask"))
    if recipe.device_time is not None:
        yield Asked("device_time", "point", recipe.device_time.ask, ("device_time", "ask"))


def _of_pair(recipe: Recipe) -> Iterator[tuple[str, RoleAsked | SyncAsked]]:
    if recipe.pair is not None:
        yield "role", recipe.pair.role
        if recipe.pair.sync is not None:
            yield "sync", recipe.pair.sync


def _is_of_point(ask: str) -> bool:
    return "{" not in ask


def patterns_of(recipe: Recipe) -> Iterator[PatternAt]:
    """Give every pattern."""
    yield from _patterns_of_lines(recipe)
    yield from _patterns_of_looks(recipe)
    yield from _patterns_of_pair(recipe)
    yield from _patterns_of_all(recipe)


def _patterns_of_lines(recipe: Recipe) -> Iterator[PatternAt]:
    for sent in lines_of(recipe):
        yield from _named(sent.step, sent.each, sent.line, sent.path, "must", "must_not")
        for number, answer in enumerate(sent.line.answers):
            yield PatternAt(sent.step, sent.each, answer.on, (*sent.path, "answers", number, "on"))
    for number, changed in enumerate(recipe.difference):
        yield PatternAt("difference", changed.each, changed.pattern, ("difference", number, "pattern"))


def _patterns_of_looks(recipe: Recipe) -> Iterator[PatternAt]:
    for number, need in enumerate(recipe.needs):
        each: Each = "point" if _is_of_point(need.ask) else "conduit"
        yield from _named("needs", each, need, ("needs", number), "must", "must_not")
    for _, read, path in reads_of(recipe):
        yield PatternAt("reads", read.each, read.whole, (*path, "whole"))
        for number, find in enumerate(read.finds):
            yield PatternAt("reads", read.each, find.pattern, (*path, "finds", number, "pattern"))
    if recipe.stand_in is not None:
        yield PatternAt("stand_in", "conduit", recipe.stand_in, ("stand_in",))


def _patterns_of_pair(recipe: Recipe) -> Iterator[PatternAt]:
    for key, question in _of_pair(recipe):
        for field in ("active", "standby") if isinstance(question, RoleAsked) else ("in_sync", "out_of_sync"):
            yield PatternAt("pair", None, getattr(question, field), ("pair", key, field))


def _patterns_of_all(recipe: Recipe) -> Iterator[PatternAt]:
    """Give the patterns that are the same for every site."""
    for key in ("errors", "already", "comparable"):
        for number, pattern in enumerate(getattr(recipe, key)):
            yield PatternAt(key, None, pattern, (key, number))
    for number, part in enumerate(recipe.configuration):
        yield PatternAt("configuration", None, part.whole, ("configuration", number, "whole"))
    yield PatternAt("versions", None, recipe.versions.pattern, ("versions", "pattern"))
    for number, refused in enumerate(recipe.versions.refused):
        yield PatternAt("versions", None, refused.match, ("versions", "refused", number, "match"))
    if recipe.held is not None:
        for key in ("free", "by", "refused"):
            yield PatternAt("held", None, getattr(recipe.held, key), ("held", key))
    if recipe.serial is not None:
        yield PatternAt("serial", None, recipe.serial.pattern, ("serial", "pattern"))
    if recipe.device_time is not None:
        yield PatternAt("device_time", None, recipe.device_time.pattern, ("device_time", "pattern"))
    for key, option in recipe.options.items():
        yield PatternAt("options", None, option.form, ("options", key, "form"))


def _named(part: str, each: Each, holder: Grounded, path: Path, *fields: str) -> Iterator[PatternAt]:
    for field in fields:
        pattern = getattr(holder, field)
        if pattern is not None:
            yield PatternAt(part, each, pattern, (*path, field))


def grounded_of(recipe: Recipe) -> Iterator[tuple[Grounded, Path]]:
    """Give everything that must say where it is from."""
    for sent in lines_of(recipe):
        yield sent.line, sent.path
    for number, need in enumerate(recipe.needs):
        yield need, ("needs", number)
    for _, read, path in reads_of(recipe):
        yield read, path
    for number, changed in enumerate(recipe.difference):
        yield changed, ("difference", number)
    for number, part in enumerate(recipe.configuration):
        yield part, ("configuration", number)
    yield recipe.versions, ("versions",)
    for number, refused in enumerate(recipe.versions.refused):
        yield refused, ("versions", "refused", number)
    for key, question in _of_pair(recipe):
        yield question, ("pair", key)
    singly = {"serial": recipe.serial, "device_time": recipe.device_time, "held": recipe.held, "late": recipe.late}
    yield from ((said, (key,)) for key, said in singly.items() if said is not None)
