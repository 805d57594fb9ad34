"""Secrets: resolved from references when needed, never printed, and looked for in whatever is written down."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

from islandmode.core.errors import InputError, Refused


class Secrets:
    """Resolves env:NAME, file:PATH and lab:NAME; `lab` is given only where a running lab may be asked."""

    def __init__(self, workspace: Path, lab: Callable[[str], str] | None = None) -> None:
        """Resolve relative paths against the workspace."""
        self._workspace = workspace
        self._lab = lab
        self._known: set[str] = set()

    def resolve(self, reference: str) -> str:
        """Return the secret that a reference names; errors name the reference, never a value."""
        kind, _, name = reference.partition(":")
        value = {"env": self._env, "file": self._file, "lab": self._from_lab}[kind](name)
        if not value:
            raise InputError(f"The secret {reference} is empty.")
        self._known.add(value)
        return value

    def redact(self, text: str) -> str:
        """Replace every secret resolved so far, the longest first, so that none survives in a part of another."""
        for value in sorted(self._known, key=len, reverse=True):
            text = text.replace(value, "[secret]")
        return text

    def _env(self, name: str) -> str:
        try:
            return os.environ[name]
        except KeyError:
            raise InputError(f"The secret env:{name} is not set in the environment of this process.") from None

    def _file(self, name: str) -> str:
        path = self._workspace / name
        try:
            mode = path.stat().st_mode
            text = path.read_text(encoding="utf-8")
        except OSError as error:
            raise InputError(f"The secret file:{name} cannot be read ({error.strerror}).") from None
        if mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise InputError(f"The secret file:{name} can be read by others; make it private: chmod 600 {name}")
        return text.rstrip("\r\n")

    def _from_lab(self, name: str) -> str:
        if self._lab is None:
            raise Refused(f"The secret lab:{name} exists only in a rehearsal; give the plant's device a secret of its own.")
        return self._lab(name)
