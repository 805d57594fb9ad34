"""Where the text of devices enters: their answers, configurations, banners and errors, and what libraries say of them.

Everything that is kept or shown of it comes through here, once. What may steer a terminal is written as an escape, secrets
are masked, and lengths are bounded; so code behind this edge need not care what a device may say.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from typing import TypeVar, cast

from islandmode.core.difference import UNTOUCHED, Comparable
from islandmode.core.masking import masked
from islandmode.core.text import cleaned
from islandmode.system.redaction import HIDDEN, redacted

T = TypeVar("T")
_PLAIN = {"str": str, "int": int, "bool": bool, "None": type(None)}
SENTENCE_MAX, WORD_MAX, CONFIGURATION_MAX = 1000, 100, 8 * 1024 * 1024
COUNT_MAX = 2**64 - 1
_MARK = re.compile(rf"{re.escape(HIDDEN[:-1])} [0-9a-f]{{8}}\]")
_RAW_MAX = 64 * 1024
"""Text beyond this is dropped: masking more of it would take longer than a restore may wait."""


def sentence(text: object) -> str:
    """Take in a reason that this program or a library gives for trouble with a device."""
    told = redacted(str(text)[:_RAW_MAX])
    return _short(cleaned(masked(told, lambda _: HIDDEN, sentence=True)), SENTENCE_MAX)


def quoted(text: object) -> str:
    """Take in a device's own words: a line of its configuration may stand among them."""
    told = redacted(str(text)[:_RAW_MAX])
    return _short(cleaned(masked(told, lambda _: HIDDEN), lines=True), SENTENCE_MAX)


def spoken_part(text: str) -> str:
    """Give as much of a text as `spoken` takes in: whole lines only, as half a secret would not be known."""
    if len(text) <= _RAW_MAX:
        return text
    kept = text[: text.rfind("\n", 0, _RAW_MAX) + 1]
    return f"{kept}(and {len(text) - len(kept)} characters more)"


def spoken(text: str) -> str:
    """Take in what was said at a console, for its transcript: it keeps its lines, and is not cut to a sentence."""
    told = redacted(spoken_part(text))
    return cleaned(masked(told, lambda _: HIDDEN), lines=True)


def word(text: object) -> str:
    """Take in a name that a device gives."""
    return _short(cleaned(redacted(str(text)[:_RAW_MAX])), WORD_MAX)


def number(value: object, most: float = COUNT_MAX) -> float:
    """Take in a number; ValueError for anything else, and for NaN or 1e999, which JSON knows."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= most:
        raise ValueError(f"expected a number from 0 to {most:g}")
    return float(value)


def fit(value: T) -> T:
    """Take in what was read into values: clean every text in it and check its type; ValueError for a wrong type."""
    if isinstance(value, str):
        return cast("T", _short(cleaned(redacted(value[:_RAW_MAX])), SENTENCE_MAX))
    if isinstance(value, tuple):
        return cast("T", tuple(fit(item) for item in value))
    if not is_dataclass(value) or isinstance(value, type):
        return value
    for field in fields(value):
        kinds = tuple(_PLAIN[name] for name in str(field.type).split(" | ") if name in _PLAIN)
        if kinds and not isinstance(getattr(value, field.name), kinds):
            raise ValueError(f"{field.name} is not of the type that it should be")
    return replace(value, **{field.name: fit(getattr(value, field.name)) for field in fields(value)})


def _short(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def unkeyed(line: str) -> str:
    """Give a line of a configuration without what the run's own key put into the marks of secrets."""
    return _MARK.sub(HIDDEN, line)


class Configurations:
    """Takes in the configurations of one device during one run: what was changed shows, secrets do not.

    A secret is replaced by a keyed digest; the key is drawn per run and never written down. So the same secret has the same mark
    before and after a drill, a different secret has a different mark, and a short password cannot be found by trying.
    """

    def __init__(self, comparable: Comparable = UNTOUCHED) -> None:
        """Draw the key; `comparable` is the platform's."""
        self._key = secrets.token_bytes(32)
        self._unnumbered = comparable.unnumbered

    def _mark(self, secret: str) -> str:
        digest = hmac.new(self._key, secret.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()
        return f"{HIDDEN[:-1]} {digest[:8]}]"

    def taken_in(self, parts: Mapping[str, str]) -> dict[str, str]:
        """Take in texts by part; ValueError when one is longer than any configuration."""
        for part, text in parts.items():
            if len(text) > CONFIGURATION_MAX:
                raise ValueError(f"its {part} has {len(text)} characters; at most {CONFIGURATION_MAX} are read")
        return {part: redacted(self._masked(cleaned(text, lines=True))) for part, text in parts.items()}

    def _masked(self, text: str) -> str:
        return masked(text, self._mark, unnumbered=self._unnumbered)
