"""What of a drill's intent changed, in words: a drill digest alone says only that something did. Pure.

The intent is what `drill_intent` writes and a run keeps in `intent.json`: the very bytes behind its drill digest.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from islandmode.core.quantities import written
from islandmode.core.text import cleaned, how_many, in_words

CHANGES_MAX = 4
"""How many changes a sentence names."""
VALUE_MAX = 60
DURATIONS = ("limits", "hold", "settle", "sample_every", "autonomy_target", "bad_for", "timeout", "changes_within")
"""Keys below which a number is a time in seconds."""
WHOLE = "all of it"


def read_intent(data: bytes, digest: str) -> Mapping[str, Any] | None:
    """Read the bytes behind a drill digest; None where they are not those."""
    if hashlib.sha256(data).hexdigest() != digest:
        return None
    try:
        intent = json.loads(data)
    except (ValueError, RecursionError):
        return None
    return intent if isinstance(intent, dict) else None


def changes_told(before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """Say in one clause what changed between two intents, at most some of it; empty where nothing did."""
    changes = list(_changes("", _by_name(before), _by_name(now)))
    more = len(changes) - CHANGES_MAX
    told = "; ".join(changes[:CHANGES_MAX])
    return f"{told}; and {how_many(more, 'more change')}" if more > 0 else told


def _by_name(intent: Mapping[str, Any]) -> dict[str, Any]:
    """Give what stands in lists its name, so that one change is told as one."""
    named = dict(intent)
    stages = [stage for stage in _list(intent.get("stages")) if isinstance(stage, Mapping)]
    named["stages"] = {str(stage.get("name")): {**stage, "name": None} for stage in stages}
    named["order of the stages"] = " then ".join(str(stage.get("name")) for stage in stages)
    for key, what in (("abort_when", "bad_for"), ("left_open", "accepted_by")):
        named[key] = {str(pair[0]): {what: pair[1]} for pair in _list(intent.get(key)) if len(_list(pair)) == 2}
    named["abort_when"] = {
        probe: {"bad_for": {"millionths": rule["bad_for"]}} for probe, rule in named["abort_when"].items()
    }
    return named


def _list(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list) else ()


def _changes(path: str, before: Any, now: Any) -> Iterator[str]:
    if before == now:
        return
    if _is_part(before) and _is_part(now):
        for key in (*before, *(key for key in now if key not in before)):
            where = f"{path}.{key}" if path else key
            yield from _changes(where, before.get(key), now.get(key))
        return
    name = cleaned(path or WHOLE)
    if before is None or now is None:
        here, value = ("is new", now) if before is None else ("is gone", before)
        yield f"{name} {here}" if _is_part(value) else f"{name} {here} ({_shown(path, value)})"
    elif isinstance(before, list) and isinstance(now, list) and set(map(str, before)) != set(map(str, now)):
        yield f"{name} {_members(before, now)}"
    else:
        yield f"{name} was {_shown(path, before)} and is now {_shown(path, now)}"


def _is_part(value: Any) -> bool:
    return isinstance(value, Mapping) and value.keys() != {"millionths"}


def _members(before: list[Any], now: list[Any]) -> str:
    came = [cleaned(str(each)) for each in now if each not in before]
    went = [cleaned(str(each)) for each in before if each not in now]
    told = [f"now has {in_words(came)}"] if came else []
    told += [f"has no longer {in_words(went)}"] if went else []
    return " and ".join(told)


def _shown(path: str, value: Any) -> str:
    """Write a value for people."""
    if isinstance(value, Mapping) and isinstance(value.get("millionths"), int):
        number = value["millionths"] / 1_000_000
        is_time = any(part in DURATIONS for part in path.split("."))
        return written(number) if is_time else f"{number:g}"
    if isinstance(value, list):
        return ", ".join(_shown(path, each) for each in value) or "nothing"
    told = cleaned("nothing" if value is None else str(value))
    return told if len(told) <= VALUE_MAX else f"{told[:VALUE_MAX]}..."
