"""What is refused of a recipe whose lines are a candidate configuration: commands among them, a timer that NAPALM cannot set. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from islandmode.core.problem import Problem
from islandmode.core.recipe.drivers import by_candidate, driver_trouble
from islandmode.core.recipe.known import TIMED
from islandmode.core.recipe.model import Recipe, step_of
from islandmode.core.recipe.parts import lines_of, wrong
from islandmode.core.recipe.words import placeholders

COMMANDS = re.compile(
    r"^\s*(?:commit|confirm|rollback|abort|discard|configure|end|exit|quit|show|run|load|write|copy)\b", re.IGNORECASE
)
CANDIDATE_STEPS = ("isolate", "restore")


def candidate_problems(recipe: Recipe) -> Iterator[Problem]:
    """Find what is wrong with a recipe's driver, and with what only a candidate has or must not have."""
    trouble = driver_trouble(recipe.driver)
    if trouble:
        yield wrong(("driver",), trouble)
    if by_candidate(recipe.driver):
        yield from _cycle(recipe)
        yield from _steps(recipe)
        yield from _lines(recipe)
    else:
        yield from _of_candidates_only(recipe)


def _cycle(recipe: Recipe) -> Iterator[Problem]:
    if recipe.cycle != "pending":
        yield wrong(
            ("cycle",),
            "A candidate is committed with one timer for the whole device, which is a pending change: say cycle: pending.",
        )
    if recipe.further != "confirms":
        sentence = (
            "A commit through NAPALM takes the timer off the commit before it, or is refused: say further: confirms, so that all that such a "
            "device isolates stands in one stage."
        )
        yield wrong(("further",), sentence)
    if recipe.ends_by.renewable:
        yield wrong(("timer", "renewable"), "NAPALM has no call that sets a running timer again; say renewable: false.")
    if recipe.ends_by.grain % 1:
        yield wrong(("timer", "grain"), "revert_in is a whole number of seconds, so the grain must be whole seconds.")


def _steps(recipe: Recipe) -> Iterator[Problem]:
    for step in ("arm", "renew", "flush", "provision", "keep_closed"):
        if step_of(recipe, step):
            sentence = f"A candidate has no lines under {step}: arming and isolating are one commit, and nothing is sent beside it; take them out."
            yield wrong((step,), sentence)
    if not recipe.difference:
        sentence = (
            "Nothing says which lines of a difference are the run's own, so that somebody else's uncommitted edits would be committed with them; "
            "list under difference what a line of it may be."
        )
        yield wrong(("difference",), sentence)
    if not recipe.by_hand:
        sentence = "The lines of restore are a candidate, which nobody can type; say under by_hand what a person types at the device's console."
        yield wrong(("by_hand",), sentence)


def _lines(recipe: Recipe) -> Iterator[Problem]:
    for sent in lines_of(recipe, *CANDIDATE_STEPS):
        if COMMANDS.match(sent.line.send):
            sentence = f'"{sent.line.send}" is a command, and a candidate holds configuration only; how it is committed is not the recipe\'s.'
            yield wrong((*sent.path, "send"), sentence)
        if TIMED & {found.name for found in placeholders(sent.line.send)}:
            yield wrong(
                (*sent.path, "send"),
                "The timer is the commit's own, so that no line of a candidate has {for_s} or {for_min}; take it out.",
            )
        for key in ("must", "must_not", "answers"):
            if getattr(sent.line, key):
                sentence = f"A line of a candidate answers nothing, so that there is nothing to look for under {key}; take it out."
                yield wrong((*sent.path, key), sentence)


def _of_candidates_only(recipe: Recipe) -> Iterator[Problem]:
    for key in ("difference", "by_hand"):
        if getattr(recipe, key):
            sentence = f"Only a recipe whose driver is napalm has {key}, because only its lines are a candidate configuration; take it out."
            yield wrong((key,), sentence)
