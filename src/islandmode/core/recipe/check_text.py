"""What is refused of a recipe's texts when it is loaded: placeholders, patterns, names, sources, secrets. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from islandmode.core.masking import masked
from islandmode.core.problem import Path, Problem, listed
from islandmode.core.recipe.known import OWN_WORDS, TIME_ZONE, placeholder_trouble
from islandmode.core.recipe.model import Find, Recipe
from islandmode.core.recipe.parts import asked_of, grounded_of, lines_of, patterns_of, reads_of, wrong
from islandmode.core.recipe.patterns import groups_in, pattern_trouble
from islandmode.core.recipe.words import form_trouble, odd_brace, placeholders

NAME_LETTERS = re.compile(r"[A-Za-z0-9_.-]*")
WRITES = re.compile(
    r"(?:conf(?:ig|igure|)?\b|set\b|unset\b|edit\b|delete\b|del\b|no\b|undo\b|clear\b|write\b|wr\b|copy\b|reload\b|commit\b|save\b"
    r"|rollback\b|reset\b|reboot\b|add\b|insert\b|move\b|request\b|execute\s+(?!date\b|time\b|ping)|diagnose\s.*\bclear\b)",
    re.IGNORECASE,
)
"""How a command begins that changes something, on some device or other."""
WRITES_INSIDE = re.compile(
    r"\|\s*(?:redirect|tee|append|save)\b|[\[;{]\s*/?[^\];}]*\b(?:add|set|remove|enable|disable|move|reset|unset|delete)\b|>\s*\S",
    re.IGNORECASE,
)
"""What changes something though the command begins as one that only looks."""


def text_problems(recipe: Recipe) -> Iterator[Problem]:
    """Find what is wrong in the texts of a recipe."""
    yield from _sources(recipe)
    yield from _names(recipe)
    yield from _lines(recipe)
    yield from _asks(recipe)
    yield from _patterns(recipe)
    yield from _values(recipe)
    yield from _card(recipe)
    yield from _secrets(recipe)


def _sources(recipe: Recipe) -> Iterator[Problem]:
    for grounded, path in grounded_of(recipe):
        if grounded.source is None and grounded.confidence != "unchecked":
            sentence = f"This is said to be {grounded.confidence}, but not where; add its source, one of {listed(recipe.sources)}."
            yield wrong((*path, "confidence"), sentence)
        if grounded.source is not None and grounded.source not in recipe.sources:
            sentence = f'There is no source "{grounded.source}" under sources; known: {listed(recipe.sources)}.'
            yield wrong((*path, "source"), sentence)
    used = {grounded.source for grounded, _ in grounded_of(recipe)}
    for key in recipe.sources.keys() - used:
        yield wrong(
            ("sources", key), f"Nothing here rests on the source {key}; take it out, or name it where it is used."
        )


def _names(recipe: Recipe) -> Iterator[Problem]:
    if "object" not in recipe.names:
        yield wrong(
            ("names",), "There is no name called object; it is the one that stands for a conduit on the device."
        )
    for key, name in recipe.names.items():
        fixed, found, rest = name.form.partition("{conduit}")
        at: Path = ("names", key, "form")
        if not found or not NAME_LETTERS.fullmatch(fixed + rest):
            sentence = "A name must have {conduit} in it once, and beside it only letters, digits and _.- : two conduits would share a name without."
            yield wrong(at, sentence)
        elif len(fixed + rest) >= name.most:
            sentence = (
                f'"{name.form}" is too long for the device, which takes {name.most} characters: {len(fixed + rest)} of them are fixed, so that '
                "no conduit's name is left; shorten it."
            )
            yield wrong(at, sentence)
    for part in ("names", "options"):
        for key in getattr(recipe, part):
            if key in OWN_WORDS or key == TIME_ZONE or (part == "options" and key in recipe.names):
                yield wrong(
                    (part, key), f'"{key}" already has a meaning of its own in every recipe; choose another word.'
                )


def _lines(recipe: Recipe) -> Iterator[Problem]:
    for sent in lines_of(recipe):
        at: Path = (*sent.path, "send")
        yield from _one_line(sent.line.send, at)
        for found in placeholders(sent.line.send):
            trouble = placeholder_trouble(recipe, sent.step, sent.each, found)
            if trouble:
                yield wrong(at, f"{{{found.name}}} cannot stand here: {trouble}.")
        for number, answer in enumerate(sent.line.answers):
            if "{" in answer.send or "\n" in answer.send:
                yield wrong((*sent.path, "answers", number, "send"), "An answer must be one line without placeholders.")


def _one_line(text: str, at: Path) -> Iterator[Problem]:
    if "\n" in text or text != text.strip():
        yield wrong(
            at, "This must be one line, with no space before or after it: each line waits for the prompt by itself."
        )
    odd = odd_brace(text)
    if odd is not None:
        sentence = f'"{odd}" begins with a brace that is no placeholder\'s; write {{name}} for a placeholder, or {{{{ and }}}} for braces.'
        yield wrong(at, sentence)


def _asks(recipe: Recipe) -> Iterator[Problem]:
    for asked in asked_of(recipe):
        yield from _one_line(asked.ask, asked.path)
        if WRITES.match(asked.ask.strip()) or WRITES_INSIDE.search(asked.ask):
            sentence = f'"{asked.ask}" looks like a command that changes something; what is asked must only look.'
            yield wrong(asked.path, sentence)
        for found in placeholders(asked.ask):
            trouble = placeholder_trouble(recipe, asked.part, asked.each, found)
            if trouble:
                yield wrong(asked.path, f"{{{found.name}}} cannot stand here: {trouble}.")


def _card(recipe: Recipe) -> Iterator[Problem]:
    for number, look in enumerate(recipe.card.looks):
        at: Path = ("card", "looks", number)
        if look.must_show is None and look.must_not_show is None:
            yield wrong(
                at,
                "This look expects nothing, so that nobody could see whether a restore worked; say must_show or must_not_show.",
            )
        for key in ("must_show", "must_not_show"):
            words = getattr(look, key)
            for found in placeholders(words or ""):
                trouble = placeholder_trouble(recipe, "card", "conduit", found)
                if trouble:
                    yield wrong((*at, key), f"{{{found.name}}} cannot stand here: {trouble}.")
    if recipe.card.mend_saved is not None:
        yield from _one_line(recipe.card.mend_saved, ("card", "mend_saved"))
        for found in placeholders(recipe.card.mend_saved):
            yield wrong(
                ("card", "mend_saved"), f"{{{found.name}}} cannot stand here: this command is the same for all sites."
            )


def _patterns(recipe: Recipe) -> Iterator[Problem]:
    for looked in patterns_of(recipe):
        trouble = pattern_trouble(looked.pattern)
        if trouble:
            yield wrong(looked.path, f'The pattern "{looked.pattern}" {trouble}.')
        for found in placeholders(looked.pattern, in_line=False):
            problem = (
                "this pattern is the same for all sites"
                if looked.each is None
                else placeholder_trouble(recipe, looked.part, looked.each, found)
            )
            if problem:
                yield wrong(looked.path, f"{{{found.name}}} cannot stand here: {problem}.")


def _values(recipe: Recipe) -> Iterator[Problem]:
    """Check what is taken out of answers: a value needs a group, and a moment its form."""
    for _, read, path in reads_of(recipe):
        for number, find in enumerate(read.finds):
            if not pattern_trouble(find.pattern):
                yield from _value(find, (*path, "finds", number))
    time = recipe.device_time
    if time is not None:
        if not pattern_trouble(time.pattern) and not groups_in(time.pattern):
            yield wrong(("device_time", "pattern"), "Put what tells the time in parentheses.")
        yield from _form(time.format, ("device_time", "format"))
    if not pattern_trouble(recipe.versions.pattern) and groups_in(recipe.versions.pattern) != 1:
        yield wrong(("versions", "pattern"), "Put what tells the version in parentheses, once.")
    serial = recipe.serial
    if serial is not None and not pattern_trouble(serial.pattern) and groups_in(serial.pattern) != 1:
        yield wrong(("serial", "pattern"), "Put what tells the serial number in parentheses, once.")


def _value(find: Find, at: Path) -> Iterator[Problem]:
    is_moment = find.gives in {"starts", "ends", "started"}
    has_value = is_moment or find.gives in {"left", "length", "owner", "count", "changer"}
    if has_value and not groups_in(find.pattern):
        yield wrong((*at, "pattern"), f"This gives {find.gives}, so put what is its value in parentheses.")
    if is_moment != (find.format is not None):
        sentence = "add its format" if is_moment else "take its format out: it is no moment"
        yield wrong(at, f"This gives {find.gives}; {sentence}.")
    elif find.format is not None:
        yield from _form(find.format, (*at, "format"))
    if has_value and find.absent:
        yield wrong((*at, "absent"), f"{find.gives} is a value, which what is absent does not have.")


def _form(form: str, at: Path) -> Iterator[Problem]:
    trouble = form_trouble(form)
    if trouble:
        yield wrong(at, f"This form of a moment cannot be read: {trouble}.")


def _secrets(recipe: Recipe) -> Iterator[Problem]:
    commands = [((*sent.path, "send"), sent.line.send) for sent in lines_of(recipe)]
    commands += [(asked.path, asked.ask) for asked in asked_of(recipe)]
    commands += [
        ((*sent.path, "answers", number, "send"), answer.send)
        for sent in lines_of(recipe)
        for number, answer in enumerate(sent.line.answers)
    ]
    commands += [(("card", "mend_saved"), recipe.card.mend_saved or "")]
    for path, text in commands:
        if masked(text, lambda _: "\0") != text:
            yield wrong(
                path,
                "A secret seems to stand here; a recipe is printed, kept and shared, so no secret may stand in it.",
            )
    for key, source in recipe.sources.items():
        if masked(source.url, lambda _: "\0", sentence=True) != source.url:
            yield wrong(("sources", key, "url"), "A secret seems to stand in this address; write it without.")
