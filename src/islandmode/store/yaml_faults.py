"""Why a file is not YAML, said in an operator's words: most often a line is not indented as it should be."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from typing import Any

from islandmode.core.errors import InputError, Place

ODD_SPACES = "\t\u00a0\u1680\u2000-\u200b\u202f\u205f\u2060\u3000\ufeff"
"""Characters that look like a space, or like nothing, and are no indentation; for use in a set of characters."""
_LEADING = re.compile(rf"[ ]*([{ODD_SPACES}])")
_AFTER_MARK = re.compile(rf"[ ]*(?:- +)*(-|[\w.-]+:)([{ODD_SPACES}])")
_IN_VALUE = re.compile(
    rf"(?:(?P<mark>-|[\w.-]+:)(?P<after>[{ODD_SPACES}])|(?P<first>[{ODD_SPACES}])|.*(?P<last>[{ODD_SPACES}])$)",
    re.DOTALL,
)
_KEY_WITHOUT_SPACE = re.compile(r"[ ]*(?:- +)*[\w.-]+:[^\s]")
_LEVELS_MAX = 5
_OPENED = {"]": ("list", "["), "}": ("mapping", "{")}
_CANNOT_START = re.compile(r"found character '(.+)' that cannot start any token", re.DOTALL)


def explained(text: str, shown: str, error: Any) -> InputError:
    """Turn a complaint of the parser, with its marks, into one sentence with the place that must be mended."""
    lines = text.split("\n")
    mark = error.problem_mark
    problem = " ".join(str(error.problem or error.context or "it cannot be read").split())
    if mark is None:
        return InputError(f"This is not YAML: {problem}.", Place(shown))
    begun = error.context_mark if error.context_mark is not None else mark
    # Without a context the fault may be in the line above, which the parser took for the beginning of this one.
    first = begun.line if error.context_mark is not None else max(mark.line - 1, 0)
    fault = _odd_space(lines, first, mark.line) or _told(lines, problem, begun, mark)
    if fault is None:
        return InputError(f"This is not YAML: {problem}.", Place(shown, mark.line + 1, mark.column + 1))
    line, column, sentence = fault
    return InputError(sentence, Place(shown, line + 1, column + 1))


def odd_indents(lines: Sequence[str]) -> dict[int, tuple[int, str]]:
    """Give the lines that are indented with anything but spaces: by number, the column and the character."""
    found = ((number, _LEADING.match(line)) for number, line in enumerate(lines))
    return {number: (match.start(1), match.group(1)) for number, match in found if match}


def odd_in_value(value: str) -> str | None:
    """Say what odd space spoils a value without quotes; None where no odd space does."""
    match = _IN_VALUE.match(value)
    if match is None:
        return None
    if match["mark"]:
        return after_mark(match["mark"], match["after"])
    where = "before" if match["first"] else "after"
    named = name_of(match["first"] or match["last"])
    return f"{named[0].upper()}{named[1:]} stands {where} this text and belongs to it; take it out."


def item_in_text(line: int) -> str:
    """Say that what looks like an item of a list is read as more of the text above it; lines count from 0."""
    return (
        f'This line begins with "- " and is read as more of the text that begins in line {line + 1}; indent it as the item '
        "that it stands beside, or put the text in quotes."
    )


def indented_with(space: str) -> str:
    """Say that a line is indented with an odd space."""
    return f"This line is indented with {name_of(space)}; YAML takes plain spaces only, so replace it by spaces."


def after_mark(mark: str, space: str) -> str:
    """Say that what ends a key, or begins an item, is followed by an odd space."""
    named = name_of(space)
    return f'{named[0].upper()}{named[1:]} stands after "{mark[-1]}"; YAML takes plain spaces only, so replace it by a plain space.'


def name_of(space: str) -> str:
    """Name a character that looks like a space."""
    name = "tab" if space == "\t" else unicodedata.name(space).lower()
    return f"{'an' if name[0] in 'aeio' else 'a'} {name}"


Fault = tuple[int, int, str]


def _odd_space(lines: Sequence[str], first: int, last: int) -> Fault | None:
    for number in range(first, min(last + 1, len(lines))):
        if match := _LEADING.match(lines[number]):
            return number, match.start(1), indented_with(match.group(1))
        if match := _AFTER_MARK.match(lines[number]):
            return number, match.start(2), after_mark(match.group(1), match.group(2))
    return None


def _told(lines: Sequence[str], problem: str, begun: Any, mark: Any) -> Fault | None:
    if problem.startswith("mapping values are not allowed"):
        return _no_mapping_here(lines, mark)
    if problem.startswith(("expected <block end>", "expected '<document start>'")):
        return _not_beside(lines, problem, mark)
    if problem.startswith("could not find expected ':'"):
        return _no_key(lines, begun)
    if problem == "found unexpected end of stream" and begun.line < len(lines):
        return begun.line, begun.column, "A quote opens here and is not closed; close it."
    if match := re.match(r"expected ',' or '(.)'", problem):
        what, bracket = _OPENED[match.group(1)]
        sentence = (
            f'The {what} that opens here with "{bracket}" is not closed, or lacks a comma before line {mark.line + 1}, column '
            f'{mark.column + 1}; add "{match.group(1)}" or ",".'
        )
        return begun.line, begun.column, sentence
    if match := _CANNOT_START.match(problem):
        return mark.line, mark.column, f'A value cannot begin with "{match.group(1)}"; put it in quotes.'
    return None


def _no_mapping_here(lines: Sequence[str], mark: Any) -> Fault:
    above = next(_open_lines(lines, mark.line), None)
    own = _indent(lines[mark.line])
    if above is not None and own > above[1]:
        number, column = above
        sentence = (
            f"This line is indented deeper than line {number + 1}, which has a value already and so takes no lines below it; "
            f"indent it to column {column + 1} as well, or take the value out of line {number + 1}."
        )
        return mark.line, own, sentence
    return mark.line, mark.column, 'A second ": " stands in this line; put the value in quotes.'


def _not_beside(lines: Sequence[str], problem: str, mark: Any) -> Fault:
    own = _indent(lines[mark.line])
    if mark.column != own:
        return mark.line, mark.column, "More text stands after the end of a value; put the whole value in quotes."
    levels: dict[int, int] = {}
    for number, column in _open_lines(lines, mark.line):
        levels.setdefault(column, number)
    if own not in levels:
        known = list(levels.items())[:_LEVELS_MAX]
        told = " or ".join(f"{column + 1} (as in line {number + 1})" for column, number in reversed(known))
        sentence = f"This line begins in column {own + 1}, beside nothing above it; begin it in column {told}."
        return mark.line, own, sentence
    if problem.endswith("found '-'"):
        sentence = 'A list item ("- ") stands here beside a key; indent it below the key whose list it belongs to.'
    else:
        sentence = (
            'A key stands here beside list items; begin the line with "- ", or indent it as the key it stands beside.'
        )
    return mark.line, own, sentence


def _no_key(lines: Sequence[str], begun: Any) -> Fault:
    if _KEY_WITHOUT_SPACE.match(lines[begun.line]):
        return begun.line, begun.column, 'There is no space after ":" here; write "key: value".'
    return begun.line, begun.column, 'There is no ":" in this line; write "key: value".'


def _open_lines(lines: Sequence[str], before: int) -> Iterator[tuple[int, int]]:
    """Go up from a line and give the number and column of everything that it could stand beside, the deepest first."""
    least: int | None = None
    for number in range(before - 1, -1, -1):
        line = lines[number]
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        columns = [_indent(line)]
        while line[columns[-1] :].startswith("- "):
            columns.append(columns[-1] + 2 + _indent(line[columns[-1] + 2 :]))
        for column in reversed(columns):
            if least is None or column < least:
                least = column
                yield number, column


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))
