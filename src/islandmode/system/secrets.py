"""Secrets: resolved from references when needed, never printed, and masked in everything that is written."""

from __future__ import annotations

import base64
import json
import os
import re
import stat
from collections.abc import Callable, Iterable
from pathlib import Path
from urllib.parse import quote

from islandmode.core.errors import InputError, Refused

SIZE_MAX_BYTES = 64 * 1024
HIDDEN = "[secret]"
LINE_LEAST = 16


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
    """Takes known secrets out of text: as they are, and as JSON, Python, URLs and base64 would write them."""

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
    yield quote(value, safe="", errors="surrogatepass")
    yield base64.b64encode(value.encode("utf-8", "surrogatepass")).decode("ascii")


class Secrets:
    """Resolves env:NAME, file:PATH and lab:NAME; `lab` is given only where a running lab may be asked."""

    def __init__(self, workspace: Path, lab: Callable[[str], str] | None = None, *, redactor: Redactor = KNOWN) -> None:
        """Resolve relative paths against the workspace; every resolved secret is added to the redactor."""
        self._workspace = workspace
        self._lab = lab
        self._redactor = redactor

    def resolve(self, reference: str) -> Secret:
        """Return the secret that a reference names; errors name the reference, never a value."""
        kind, _, name = reference.partition(":")
        sources = {"env": self._env, "file": self._file, "lab": self._from_lab}
        if kind not in sources or not name:
            # What stands there may be a secret written out by mistake, so it is not repeated.
            raise InputError("A secret is named by a reference: env:NAME, file:PATH or lab:NAME.")
        value = sources[kind](name)
        if not value:
            raise InputError(f"The secret {reference} is empty; give it a value.")
        self._redactor.learn(value)
        return Secret(value)

    def redact(self, text: str) -> str:
        """Replace every secret resolved so far by a placeholder."""
        return self._redactor.redact(text)

    def _env(self, name: str) -> str:
        try:
            return os.environ[name]
        except KeyError:
            raise InputError(f"The secret env:{name} is not set; export {name} before you start this.") from None

    def _file(self, name: str) -> str:
        try:
            return _private_text(self._workspace / name, name).rstrip("\r\n")
        except OSError as error:
            raise InputError(f"The secret file:{name} cannot be read ({error.strerror}).") from None
        except UnicodeDecodeError:
            raise InputError(f"The secret file:{name} is not UTF-8 text.") from None

    def _from_lab(self, name: str) -> str:
        if self._lab is None:
            raise Refused(
                f"The secret lab:{name} exists only in a rehearsal; give the plant's device a secret of its own."
            )
        return self._lab(name)


def _private_text(path: Path, name: str) -> str:
    """Read a file that no other account can read. It is opened first, so that the checked file is the file that is read."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    with os.fdopen(descriptor, "rb") as file:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise InputError(f"The secret file:{name} is not a file.")
        if stat.S_IMODE(found.st_mode) & (stat.S_IRWXG | stat.S_IRWXO):
            raise InputError(f"The secret file:{name} can be read by others; make it private: chmod 600 {path}")
        if found.st_size > SIZE_MAX_BYTES:
            raise InputError(f"The secret file:{name} has {found.st_size} bytes; at most {SIZE_MAX_BYTES} are read.")
        return file.read(SIZE_MAX_BYTES).decode("utf-8")
