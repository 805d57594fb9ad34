"""What a device's answers show of a conduit, read by a recipe's patterns. Pure.

An answer that is not whole, or that tells two different things, shows nothing: the state is then unknown, and never taken for
*nothing there*. Where the device says itself whether it drops, its word counts, and not what its clock should make of a window.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from islandmode.core.recipe.model import DeviceTime, Find, Recipe
from islandmode.core.recipe.place import PointAt
from islandmode.core.recipe.steps import AskReady, asks_of
from islandmode.core.recipe.window import Meaning, Window, meaning
from islandmode.core.recipe.words import compiled, filled_pattern, read_moment

UNIT_S = {"s": 1.0, "min": 60.0, "h": 3600.0}
_BESIDE = re.compile(r"(?:(\d{1,4})w)?(?:(\d{1,4})d)?(?:(\d{1,4})h)?(?:(\d{1,4})m(?:in)?)?(?:(\d{1,5})(?:\.\d+)?s)?")
_COLONS = re.compile(r"(?:(\d{1,3}):)?(\d{1,2}):(\d{2})")
QUOTED_MAX = 60
Value = bool | int | float | str | datetime


@dataclass(frozen=True)
class Shown:
    """What a device shows of a conduit.

    `isolating` is true only where all that isolates is shown; `partly` where some of it is. `in_place` is None where nothing has to be
    provisioned. `window` is what a clock recipe's window says. `left_s` is what is left of
    the timer, `owner` whose the object is as the device has it, `pending` whether a change of the whole device waits.
    """

    isolating: bool
    in_place: bool | None = None
    window: Meaning | None = None
    left_s: float | None = None
    owner: str | None = None
    pending: bool = False
    partly: bool = False
    is_object: bool = False
    """Whether the owner is that of an object of the conduit, and no login's."""
    changer: str | None = None
    """Who made the newest change of the device's configuration, where it tells."""

    @property
    def at_rest(self) -> bool:
        """Tell whether nothing of any run stands there, and nothing is dropped."""
        quiet = self.window is None or self.window.says in {"rest", "over"}
        # What outlives its own timer has an owner still, and is to be taken away.
        is_left = self.is_object and self.owner is not None
        return quiet and not (self.isolating or self.partly or self.pending or is_left) and self.left_s is None


@dataclass(frozen=True)
class Unread:
    """Why answers show nothing."""

    why: str


def read_state(
    recipe: Recipe, at: PointAt, conduit: str, answers: Mapping[str, str], now: datetime | None
) -> Shown | Unread:
    """Read the state of a conduit from the answers to its commands; `now` is the device's own time, where the recipe needs it."""
    found: dict[str, Value] = {}
    for ask in asks_of(recipe, recipe.reads.state, at, conduit):
        trouble = _take(ask, answers.get(ask.send), found)
        if trouble:
            return Unread(trouble)
    return _shown(recipe, found, now)


def read_count(recipe: Recipe, at: PointAt, conduit: str, answers: Mapping[str, str]) -> int | Unread:
    """Read what a device has counted of a conduit: the sum over all its counters."""
    total = 0
    for ask in asks_of(recipe, recipe.reads.counts, at, conduit):
        found: dict[str, Value] = {}
        trouble = _take(ask, answers.get(ask.send), found)
        count = found.get("count")
        if trouble or not isinstance(count, int):
            return Unread(trouble or f'the answer to "{ask.send}" shows no count')
        total += count
    return total


def read_time(time: DeviceTime, answer: str) -> datetime | Unread:
    """Read a device's own time."""
    found = compiled(time.pattern).search(answer)
    moment = None if found is None else read_moment(time.format, " ".join(part for part in found.groups() if part))
    return Unread(f'the answer to "{time.ask}" shows no time') if moment is None else moment


def refused_by(recipe: Recipe, answer: str) -> str | None:
    """Give the words by which a device refused a line; None where it did not."""
    held = () if recipe.held is None else (recipe.held.refused,)
    found = [match for pattern in (*recipe.errors, *held) if (match := compiled(pattern).search(answer)) is not None]
    if not found:
        return None
    first = min(match.start() for match in found)
    words = answer[answer.rfind("\n", 0, first) + 1 :].strip().splitlines()
    return words[0].strip()[:QUOTED_MAX] if words else ""


def was_already_so(recipe: Recipe, answer: str) -> bool:
    """Tell whether a line of restore found nothing to do."""
    return any(compiled(pattern).search(answer) for pattern in recipe.already)


def _take(ask: AskReady, answer: str | None, found: dict[str, Value]) -> str:
    """Add what an answer shows to what others showed; say why it shows nothing."""
    if answer is None:
        return f'"{ask.send}" was not asked'
    text = answer.replace("\r", "")
    if not filled_pattern(ask.read.whole, ask.values).search(text):
        return f'the answer to "{ask.send}" is not whole'
    for find in ask.read.finds:
        match = filled_pattern(find.pattern, ask.values).search(text)
        if find.gives in {"in-place", "isolating", "pending"}:
            is_so = (match is not None) != find.absent
            found[find.gives] = bool(found.get(find.gives, True)) and is_so
            found[f"some {find.gives}"] = bool(found.get(f"some {find.gives}", False)) or is_so
            continue
        if match is None:
            continue
        value = _value(find, match)
        before = found.get("left")
        if find.gives == "left" and isinstance(value, float) and isinstance(before, float):
            # It counts down between two reads, and one object of several may have been written first: the least counts.
            value = found["left"] = min(value, before)
        if value is None or found.setdefault(find.gives, value) != value:
            return f'the answer to "{ask.send}" cannot be read where it tells {find.gives}'
    return ""


def _value(find: Find, match: re.Match[str]) -> Value | None:
    text = " ".join(part for part in match.groups() if part).strip()
    if find.format is not None:
        return read_moment(find.format, text)
    if find.gives in {"owner", "changer"}:
        return text or None
    if find.gives == "count" and not text:
        # A counter that has counted nothing is shown without a number.
        return 0
    if find.units == "told" and find.gives != "count":
        return _told_s(text)
    if not re.fullmatch(r"\d{1,15}(?:\.\d{1,6})?", text):
        return None
    return int(float(text)) if find.gives == "count" else float(text) * UNIT_S[find.units]


def _told_s(text: str) -> float | None:
    """Read a length whose units stand in it."""
    together = "".join(text.split()).lower()
    beside, colons = _BESIDE.fullmatch(together), _COLONS.fullmatch(together)
    if beside is not None and together:
        numbers, units_s = beside.groups(), (604800, 86400, 3600, 60, 1)
    elif colons is not None:
        numbers, units_s = ("0", "0", *colons.groups()), (604800, 86400, 3600, 60, 1)
    else:
        return None
    return float(sum(int(number or 0) * unit_s for number, unit_s in zip(numbers, units_s, strict=True)))


def _shown(recipe: Recipe, found: Mapping[str, Value], now: datetime | None) -> Shown | Unread:
    in_place = bool(found["in-place"]) if "in-place" in found else None
    owner = found.get("owner")
    if recipe.cycle == "clock":
        return _clocked(found, now, in_place)
    left_s = _left_s(recipe, found, now)
    if isinstance(left_s, Unread):
        return left_s
    some, pending = bool(found.get("some isolating", False)), bool(found.get("pending", False))
    isolating = bool(found.get("isolating", False)) and in_place is not False
    whose, changer = (told if isinstance(told, str) else None for told in (owner, found.get("changer")))
    return Shown(
        isolating, in_place, None, left_s, whose, pending, some and not isolating, recipe.cycle == "own-timer", changer
    )


def _clocked(found: Mapping[str, Value], now: datetime | None, in_place: bool | None) -> Shown | Unread:  # noqa: FBT001 - read as true, read as false, or not told
    starts, ends = found.get("starts"), found.get("ends")
    if now is None:
        return Unread("the device's own time is not known")
    if not isinstance(starts, datetime) or not isinstance(ends, datetime):
        # A deny that drops without a window that says until when is no rest, whatever else is missing.
        stands = starts or ends or in_place or found.get("some isolating", False)
        return Unread("no whole window is shown") if stands else Shown(isolating=False, in_place=False)
    says = meaning(Window(starts, ends), now)
    drops = bool(found.get("isolating", says.says == "isolating"))
    isolating = drops and in_place is not False
    left_s = (
        (says.ends - now).total_seconds() if says.ends is not None and says.says in {"armed", "isolating"} else None
    )
    return Shown(isolating, in_place, says, left_s, partly=drops and not isolating)


def _left_s(recipe: Recipe, found: Mapping[str, Value], now: datetime | None) -> float | Unread | None:
    if recipe.ends_by.shown == "remaining":
        left = found.get("left")
        return left if isinstance(left, float) else None
    started, length = found.get("started"), found.get("length")
    if recipe.ends_by.shown == "until":
        started, length = found.get("ends"), 0.0
    if not isinstance(started, datetime):
        return None
    if now is None:
        return Unread("the device's own time is not known")
    if not isinstance(length, float):
        return Unread("the timer is shown without its length")
    return (started + timedelta(seconds=length) - now).total_seconds()
