"""How IOS reads a line: keywords may be shortened as long as they are unique, and a line that fits nothing is answered with a caret."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

INCOMPLETE = "% Incomplete command.\n"


@dataclass(frozen=True)
class Found:
    """A command, by the form that was found, and the words that stand for its capitals."""

    form: str
    values: tuple[str, ...]


def invalid(prompt: str, line: str, word: int) -> str:
    """Say where a line goes wrong: a caret below the first letter of the word."""
    at = 0
    for number, text in enumerate(line.split()):
        at = line.index(text, at)
        if number == word:
            break
        at += len(text)
    return f"{' ' * (len(prompt) + at)}^\n% Invalid input detected at '^' marker.\n\n"


def find(forms: Iterable[str], prompt: str, line: str) -> Found | str:
    """Find the command that a line means, or what is said because it means none.

    A form has keywords, CAPITALS for one word, and `...` for all that is left.
    """
    words = line.split()
    forms = tuple(forms)
    whole = [(form, values) for form in forms if (values := _values(form.split(), words)) is not None]
    if whole:
        most = max(_exact(form, words) for form, _ in whole)
        best = [(form, values) for form, values in whole if _exact(form, words) == most]
        if len(best) > 1:
            return f'% Ambiguous command:  "{line}"\n'
        return Found(best[0][0], tuple(best[0][1]))
    if any(_values(form.split()[: len(words)], words) is not None for form in forms):
        return INCOMPLETE
    longest = max(
        (
            count
            for form in forms
            for count in range(len(words))
            if _values(form.split()[:count], words[:count]) is not None
        ),
        default=0,
    )
    return invalid(prompt, line, longest)


def _values(form: list[str], words: list[str]) -> list[str] | None:
    values: list[str] = []
    for place, part in enumerate(form):
        if place >= len(words):
            return None
        if part == "...":
            return [*values, " ".join(words[place:])]
        if part.isupper():
            values.append(words[place])
        elif not part.startswith(words[place].lower()):
            return None
    return values if len(words) == len(form) else None


def _exact(form: str, words: list[str]) -> int:
    return sum(part == word for part, word in zip(form.split(), words, strict=False))
