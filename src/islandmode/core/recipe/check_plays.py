"""What is refused of a recipe whose steps are Ansible plays: no timer, no undo of the device's own, no proof, no time to start. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from islandmode.core.problem import Problem
from islandmode.core.recipe.drivers import by_candidate
from islandmode.core.recipe.model import Recipe, step_of
from islandmode.core.recipe.parts import lines_of, wrong
from islandmode.core.recipe.plays import play_line
from islandmode.core.recipe.words import placeholders

LEAST_S = 10.0
"""Ansible alone takes some seconds to start, and to log in."""
LOOKS_LIKE_PLAY = re.compile(r"^\s*(?:ansible(?:-playbook)?\s|\S+\.ya?ml(?:\s|$))")
ELSEWHERE = re.compile(
    r"^\s*(?:-\s+)?(?:[a-z_]+\.)*(?:(?:import|include)_[a-z]+|vars_files|roles|vars_prompt|collections)\s*:"
)
"""What a playbook takes from other files, or asks a person for."""
UNCHECKED = re.compile(
    r"StrictHostKeyChecking|UserKnownHostsFile|host_key_checking|\bssh_(?:common_|extra_)?args\b", re.IGNORECASE
)
PLAY = re.compile(r"^- .*", re.MULTILINE)
HOSTS = re.compile(r"^(?:- |  )hosts\s*:", re.MULTILINE)
REMARK = re.compile(r"^\s*#")


def play_problems(recipe: Recipe) -> Iterator[Problem]:
    """Find what is wrong in a recipe's plays, or that a line is one where the recipe does not say so."""
    steps = () if recipe.plays is None else recipe.plays.steps
    for sent in lines_of(recipe):
        if sent.step not in steps and LOOKS_LIKE_PLAY.match(sent.line.send):
            known = (
                "say so under plays, steps"
                if sent.step in {"arm", "isolate", "renew"}
                else "write the device's own line"
            )
            yield wrong(
                (*sent.path, "send"), f"A play stands under {sent.step}, where a line is sent to the device; {known}."
            )
    if recipe.plays is None:
        return
    if recipe.plays.texts:
        yield wrong(("plays", "texts"), "A playbook is a file of its own, which the line names; take texts out.")
    if by_candidate(recipe.driver):
        yield wrong(
            ("driver",), "Beside plays the device is looked at and restored by lines, so say netmiko:KIND or ssh:shell."
        )
    yield from _undo(recipe)
    yield from _lines(recipe)
    yield from _facts(recipe)
    yield from _times(recipe)


def _undo(recipe: Recipe) -> Iterator[Problem]:
    """Find whether what a play isolates has a timer of its own, which is armed before and read back."""
    if recipe.cycle != "own-timer":
        sentence = (
            f"What a play isolates must have a timer of its own, counted from now, which outlives Ansible; a {recipe.cycle} recipe cannot be driven by "
            "plays yet. Say cycle: own-timer, or write the steps as lines."
        )
        yield wrong(("cycle",), sentence)
    elif not recipe.arm:
        sentence = (
            "Nothing is armed, so that a play that comes late would isolate for the whole of a timer; let arm make an object with a timer, and let "
            "isolate be nothing without it."
        )
        yield wrong(("plays",), sentence)
    if recipe.timer is not None and recipe.timer.shown == "nothing":
        sentence = "Nothing shows the timer of what a play has armed, and a play's own word proves nothing; read the timer back."
        yield wrong(("timer", "shown"), sentence)


def _lines(recipe: Recipe) -> Iterator[Problem]:
    plays = recipe.plays
    for step in () if plays is None else plays.steps:
        if not step_of(recipe, step):
            yield wrong(
                ("plays", "steps"),
                f"{step} is said to be a play, and has no lines; name its playbook there, or take it out.",
            )
    for sent in lines_of(recipe, *(() if plays is None else plays.steps)):
        try:
            given = play_line(sent.line.send).given
        except ValueError as error:
            yield wrong((*sent.path, "send"), f"This is no line of a play: {error}.")
            continue
        if "{run}" not in given.values():
            sentence = (
                "A play must know whose isolation it makes, so that it leaves another run's alone; give it run={run}."
            )
            yield wrong((*sent.path, "send"), sentence)
        for key in ("must", "must_not", "answers"):
            if getattr(sent.line, key):
                yield wrong(
                    (*sent.path, key),
                    f"A play answers nothing, so that there is nothing to look for under {key}; take it out.",
                )


def _facts(recipe: Recipe) -> Iterator[Problem]:
    plays = recipe.plays
    if plays is not None and plays.facts is not None:
        try:
            play_line(plays.facts)
        except ValueError as error:
            yield wrong(("plays", "facts"), f"This is no line of a play: {error}.")
        if any(placeholders(plays.facts)):
            yield wrong(
                ("plays", "facts"), "This play is the same for all conduits, so that no placeholder has a value here."
            )


def _times(recipe: Recipe) -> Iterator[Problem]:
    for step in () if recipe.plays is None else recipe.plays.steps:
        told_s = recipe.calls.get(step, 0.0)
        if told_s < LEAST_S:
            sentence = (
                f"A play takes some seconds to start; say under calls how long {step} may take, at least {LEAST_S:g} s."
            )
            yield wrong(("calls",), sentence)
    if recipe.plays is not None and "renew" in recipe.plays.steps and not recipe.works.get("renew"):
        sentence = (
            "While a play renews, nobody reads the device, and its timer runs on; say under works how long renew takes, so that a drill whose timer is too "
            "short for that is refused."
        )
        yield wrong(("calls",), sentence)


def playbook_trouble(text: str) -> tuple[int, str] | None:
    """Say what keeps a playbook from being used, and on which of its lines; None where nothing does."""
    lines = text.splitlines()
    for number, line in enumerate(lines, 1):
        if REMARK.match(line):
            continue
        if ELSEWHERE.match(line):
            what = line.strip().removeprefix("- ").partition(":")[0]
            return number, (
                f"{what} takes something from elsewhere, and a plan carries this file whole and nothing else; write the tasks here."
            )
        if UNCHECKED.search(line):
            return number, "A play must not say how host keys are checked: they always are; take this line out."
    if not PLAY.search(text) or not HOSTS.search(text):
        return 1, "This is no playbook: a list of plays, each with hosts; write hosts: all, which is the one device."
    return None
