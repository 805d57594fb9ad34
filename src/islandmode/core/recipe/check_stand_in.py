"""What is refused of a recipe's stand-in when it is loaded: whatever could make a bench touch more than one object that nothing names. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from islandmode.core.problem import Problem
from islandmode.core.recipe.known import AT_REST, WINDOW
from islandmode.core.recipe.model import Recipe
from islandmode.core.recipe.parts import lines_of, wrong
from islandmode.core.recipe.stand_in import object_name
from islandmode.core.recipe.words import placeholders

REMOVES = re.compile(r"\s*/?(?:no|delete|del|undo|remove|unset|clear)\b", re.IGNORECASE)
WRITTEN = ("arm", "isolate", "restore", "take_away")
"""The steps of which a bench sends lines."""
OF_OBJECT = WINDOW | AT_REST | {"object", "run"}
"""What such a line may name: the object, and moments."""


def stand_in_problems(recipe: Recipe) -> Iterator[Problem]:
    """Find what is wrong with the stand-in of a recipe; nothing where it has none."""
    if recipe.stand_in is None and not recipe.take_away:
        return
    if recipe.stand_in is None or not recipe.take_away:
        key, other = ("take_away", "stand_in") if recipe.stand_in is None else ("stand_in", "take_away")
        yield wrong((key,), f"{key} needs {other} beside it: a stand-in must be known by a line and be removed.")
        return
    if recipe.cycle != "clock":
        sentence = f"Only a clock recipe has an object that isolates nothing by itself; take stand_in and take_away out of this {recipe.cycle} recipe."
        yield wrong(("stand_in",), sentence)
        return
    if not recipe.configuration:
        yield wrong(
            ("stand_in",),
            "That nothing names the stand-in is seen in the configuration, so say under it how that is read.",
        )
    form = recipe.names.get("object")
    if form is not None and len(object_name(recipe)) > form.most:
        sentence = f'The stand-in would be named "{object_name(recipe)}", and the device takes {form.most} characters; shorten the form.'
        yield wrong(("names", "object", "form"), sentence)
    yield from _shown(recipe)
    yield from _lines(recipe)


def _shown(recipe: Recipe) -> Iterator[Problem]:
    own = {find.gives for read in recipe.reads.state if read.each == "conduit" for find in read.finds}
    missing = sorted({"starts", "ends"} - own)
    if missing:
        sentence = f"Of a stand-in no read gives {' and '.join(missing)}: that must be in a read for each conduit, because nothing else is there."
        yield wrong(("reads", "state"), sentence)
    if "{object}" not in (recipe.stand_in or ""):
        yield wrong(("stand_in",), "The line that is the stand-in itself must have {object} in it.")


def _lines(recipe: Recipe) -> Iterator[Problem]:
    for sent in lines_of(recipe, *WRITTEN):
        others = {found.name for found in placeholders(sent.line.send)} - OF_OBJECT
        if others or sent.each != "conduit":
            named = f"names {{{min(others)}}}" if others else f'is sent for each "{sent.each}"'
            sentence = f"A bench sends this line for its stand-in, which is one object alone, and the line {named}; without a stand-in it may."
            yield wrong((*sent.path, "send"), sentence)
    for sent in lines_of(recipe, "take_away"):
        if REMOVES.match(sent.line.send) and "{object}" not in sent.line.send:
            yield wrong(
                (*sent.path, "send"),
                f'"{sent.line.send}" removes something and does not name {{object}}, which alone a bench has made.',
            )
