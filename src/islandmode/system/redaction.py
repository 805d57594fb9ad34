"""Secrets in text: a value that never shows itself, and what takes known secrets out of everything that is written."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable
from urllib.parse import quote

HIDDEN = "[secret]"
LINE_LEAST = 16
BASE64_LEAST = 6
"""Fewer characters of base64 stand by chance in many a word."""


class Secret(str):
    """A secret's text. Code that sends it to a device uses `text`; code that prints it gets a placeholder."""

    __slots__ = ()

    def __repr__(self) -> str:
        """Never show the value."""
        return HIDDEN

    def __str__(self) -> str:
        """Never show the value."""
        return HIDDEN

    def __format__(self, form: str) -> str:
        """Never show the value, in any form."""
        return format(HIDDEN, form)


class Redactor:
    """Takes known secrets out of text: as they are, and as JSON, Python, URLs and base64 would write them.

    In base64 a secret is found behind other text too, as behind the account's name in a header of HTTP.
    """

    def __init__(self) -> None:
        """Know no secret yet."""
        self._known: set[str] = set()
        self._pattern: re.Pattern[str] | None = None

    def learn(self, secret: str) -> None:
        """Learn another secret; for a secret with several lines, such as a key, each line as well."""
        # A Secret's own methods hide it; slicing gives plain text.
        plain = secret[:]
        lines = [line for line in plain.splitlines() if len(line) >= LINE_LEAST and not line.startswith("-----")]
        self._known.update(form for value in (plain, *lines) for form in _forms(value) if form)
        # The longest first, so that none survives in a part of another; in one pass, so that no placeholder is searched.
        self._pattern = re.compile("|".join(re.escape(form) for form in sorted(self._known, key=len, reverse=True)))

    def redact(self, text: str) -> str:
        """Return the text with a placeholder for every known secret."""
        # Searching for each form takes a hundredth of the pattern's time, and nearly every text has no secret.
        if self._pattern is None or not any(form in text for form in self._known):
            return text
        return self._pattern.sub(HIDDEN, text)


KNOWN = Redactor()
"""Every secret that this process has resolved; all parts of a process mask the same secrets."""


def redacted(text: str) -> str:
    """Take every secret that this process has resolved out of a text."""
    return KNOWN.redact(text)


def _forms(value: str) -> Iterable[str]:
    yield value
    yield json.dumps(value)[1:-1]
    yield json.dumps(value, ensure_ascii=False)[1:-1]
    yield repr(value)[1:-1]
    data = value.encode("utf-8", "surrogatepass")
    yield repr(data)[2:-1]
    yield quote(value, safe="", errors="surrogatepass")
    yield base64.b64encode(data).decode("ascii")
    yield from _in_base64(data)


def _in_base64(data: bytes) -> Iterable[str]:
    """Give the characters of base64 that these bytes alone decide, behind each number of bytes that makes a difference."""
    for before in range(3):
        written = base64.b64encode(bytes(before) + data).decode("ascii")
        own = written[-(-before * 8 // 6) : (before + len(data)) * 8 // 6]
        if len(own) >= BASE64_LEAST:
            yield own
