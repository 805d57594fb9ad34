"""Judging a value that was read: whether it is a value at all, is fresh, and has good quality. Pure.

Standard library only and Python 3.9: it goes to far hosts with the worker.
"""

from __future__ import annotations

import datetime
import hashlib
import json
import math
from collections.abc import Sequence
from typing import Any

from islandmode.core.text import cleaned
from islandmode.observe.answers import ANSWER, Bad, Unknown, Value

TOO_MANY_REQUESTS = 429
VALUE_MAX_CHARACTERS = 200
WHOLE_MAX = 2**63
REMEMBERED_LOOKS, REMEMBERED_MOST = 8, 65536
EPOCH_LEAST = 1_000_000_000
"""A number from here on is a time since 1970 (September 2001 in seconds); counters of PLCs are smaller."""
GOOD_QUALITY: tuple[Any, ...] = ("good", "ok", True, 192)
"""The usual words. OPC UA's status 0 (Good) is not among them: in OPC DA 0 is Bad, so a site says which it has."""
NO_VALUES = frozenset({"", "nan", "-nan", "inf", "-inf", "+inf", "infinity", "-infinity"})


class Fresh:
    """Tells a value that moves on from a value that stands still or repeats: an answer alone proves nothing.

    A value is new when it was not seen before within the window (nor in the last few looks), and, where it is a time,
    when it is also later than the one before. So two frozen servers that answer in turn are stale, and so is a clock
    that goes back. A counter may wrap.
    """

    def __init__(self, within_s: float | None) -> None:
        """Demand a new value within so many seconds; None demands none."""
        self._within_us = None if within_s is None else int(within_s * 1_000_000)
        self._seen_us: dict[Any, int] = {}
        self._last: Any = None
        self._new_us: int | None = None

    def check(self, value: Any, now_us: int) -> None:
        """Take the newest value; raises `Bad` when none was new for too long."""
        if self._within_us is None:
            return
        if not isinstance(value, (int, float, str)):
            value = json.dumps(value, sort_keys=True)
        if isinstance(value, str) and len(value) > VALUE_MAX_CHARACTERS:
            value = hashlib.sha256(value.encode("utf-8", "surrogatepass")).hexdigest()
        is_new = value not in self._seen_us and not _goes_back(self._last, value)
        turned = value != self._last
        self._last = value
        self._remember(value, now_us)
        if is_new or self._new_us is None:
            self._new_us = now_us
        elif now_us - self._new_us > self._within_us:
            old_s = (now_us - self._new_us) / 1e6
            if not turned:
                raise Bad("stale: it has stood at %s for %.1f s" % (shown(value), old_s))
            raise Bad(
                "stale: nothing new for %.1f s, only values seen before or going back, now %s" % (old_s, shown(value))
            )

    def _remember(self, value: Any, now_us: int) -> None:
        """Keep what was seen within the window, the newest last."""
        self._seen_us.pop(value, None)
        self._seen_us[value] = now_us
        while len(self._seen_us) > REMEMBERED_LOOKS:
            oldest = next(iter(self._seen_us))
            if now_us - self._seen_us[oldest] <= (self._within_us or 0) and len(self._seen_us) <= REMEMBERED_MOST:
                return
            del self._seen_us[oldest]


def _goes_back(before: Any, now: Any) -> bool:
    """Tell whether both are times, and the second is the earlier."""
    if isinstance(now, int) and now < EPOCH_LEAST:
        return False
    first, second = _time_of(before), _time_of(now)
    return first is not None and second is not None and second < first


def _time_of(value: Any) -> float | None:
    if isinstance(value, str):
        text = value.strip()
        if text.isascii() and text.isdigit() and len(text) < 20:
            value = int(text)
        else:
            try:
                # Before Python 3.11 no Z was understood.
                found = datetime.datetime.fromisoformat(text[:-1] + "+00:00" if text.endswith(("Z", "z")) else text)
            except ValueError:
                return None
            return (found if found.tzinfo else found.replace(tzinfo=datetime.timezone.utc)).timestamp()
    return float(value) if isinstance(value, (int, float)) and EPOCH_LEAST <= value < 1e20 else None


def at_path(document: Any, path: str) -> Any:
    """Follow a path of keys, parted by "/", into a JSON document; keys may contain dots."""
    for part in path.split("/"):
        document = document[int(part)] if isinstance(document, list) else document[part]
    return document


def shown(value: Any) -> Value:
    """Give a JSON value as a sample keeps it: a whole number of 64 bits or a short clean text."""
    if value is None or (isinstance(value, int) and not isinstance(value, bool) and -WHOLE_MAX <= value < WHOLE_MAX):
        return value
    text = value if isinstance(value, str) else json.dumps(value)
    return cleaned(text[:VALUE_MAX_CHARACTERS])[:VALUE_MAX_CHARACTERS]


def judge_json(probe: dict[str, Any], fresh: Fresh, status: int, body: bytes, now_us: int) -> Value:
    """Judge an HTTP answer; returns the value to write down."""
    if status == TOO_MANY_REQUESTS:
        raise Unknown("HTTP 429: asked too often", ANSWER)
    if status != 200:
        raise Bad("HTTP %d" % status)
    paths = [probe.get(key) for key in ("value", "quality", "fresh")]
    if not any(paths):
        return status
    try:
        document = json.loads(body)
        value, quality, moving = (at_path(document, path) if path else None for path in paths)
        if paths[0]:
            _must_be_a_value(value)
        if paths[2]:
            _must_be_a_value(moving)
            fresh.check(moving, now_us)
        elif paths[0]:
            fresh.check(value, now_us)
        written = shown(value if paths[0] else status)
    except (ValueError, KeyError, IndexError, TypeError, RecursionError, OverflowError):
        raise Bad("the answer is not the JSON that was expected") from None
    if paths[1]:
        _must_be_good(quality, probe.get("good_quality") or GOOD_QUALITY)
    return written


def _must_be_a_value(value: Any) -> None:
    """Refuse what JSON programs write where they have no value: NaN, infinities, null."""
    if value is None:
        raise Bad("no value: null")
    if isinstance(value, float) and not math.isfinite(value):
        raise Bad("no value: %s" % value)
    if isinstance(value, str) and value.strip().casefold() in NO_VALUES:
        raise Bad("no value: %s" % (shown(value) or "an empty text"))


def _must_be_good(quality: Any, words: Sequence[Any]) -> None:
    if _word(quality) in [_word(word) for word in words]:
        return
    why = "quality %s" % shown(quality)
    if _word(quality) == _word(0):
        why += " (Good in OPC UA, Bad in OPC DA: where it is good, the probe says good_quality: [0])"
    raise Bad(why)


def _word(quality: Any) -> tuple[str, Any]:
    """Tell true from 1, and take a word in any case."""
    if isinstance(quality, bool):
        return "truth", quality
    if isinstance(quality, (int, float)):
        return "number", quality
    return ("text", quality.strip().casefold()) if isinstance(quality, str) else ("other", None)


def judge_register(probe: dict[str, Any], fresh: Fresh, value: int, now_us: int) -> int:
    """Judge a register's value; returns it."""
    fresh.check(value, now_us)
    low, high = probe.get("minimum"), probe.get("maximum")
    if (low is not None and value < low) or (high is not None and value > high):
        raise Bad("out of range: %s" % value)
    return value
