"""What keeps a pattern from being used: it cannot be compiled, finds everything, or may take for ever on what a device says."""

from __future__ import annotations

import re

from islandmode.core.recipe.words import compiled, without_placeholders

_UNBOUNDED, _VARIABLE = re.compile(r"[*+]|\{\d*,\}"), re.compile(r"[*+?|]|\{\d*,\d*\}")


def pattern_trouble(pattern: str) -> str:
    """Say what is wrong with a pattern; empty where nothing is."""
    plain = without_placeholders(pattern)
    try:
        made = compiled(plain)
    except re.error as error:
        return f"is no regular expression ({error.msg})"
    if made.search(""):
        return "is found in an answer that says nothing, so that it tells nothing"
    if repeats_within_repeat(plain):
        return "repeats a part without end that can itself be long or short, which may take for ever; write it without that"
    return ""


def groups_in(pattern: str) -> int:
    """Count the groups whose text is a value; the pattern must be one."""
    return compiled(without_placeholders(pattern)).groups


def repeats_within_repeat(pattern: str) -> bool:
    """Tell whether a group is repeated without end that matches in more than one way: repeats, options or choices stand in it."""
    inside: list[bool] = [False]
    at = 0
    while at < len(pattern):
        letter = pattern[at]
        if letter == "\\":
            at += 2
            continue
        if letter == "[":
            at = _end_of_set(pattern, at)
        elif letter == "(":
            inside.append(False)
            # What follows says what kind of group it is.
            at += 1 if pattern[at + 1 : at + 2] == "?" else 0
        elif letter == ")" and len(inside) > 1:
            repeats = inside.pop()
            if repeats and _UNBOUNDED.match(pattern, at + 1):
                return True
            inside[-1] |= repeats
        elif _VARIABLE.match(pattern, at):
            inside[-1] = True
        at += 1
    return False


def _end_of_set(pattern: str, at: int) -> int:
    """Give the place of the bracket that ends a set."""
    at += 1
    if pattern[at : at + 1] == "^":
        at += 1
    at += 1
    while at < len(pattern) and pattern[at] != "]":
        at += 2 if pattern[at] == "\\" else 1
    return at
