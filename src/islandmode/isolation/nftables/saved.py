"""Islandmode objects in a firewall's saved configuration: in which of its files, and the command that takes them out. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Iterable

from islandmode.isolation.nftables.reading import ours_in
from islandmode.isolation.nftables.recipe import MEND_SAVED, SAVED


def with_ours(files: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    """Name the files, given as path and text, in which an Islandmode object stands."""
    return tuple(path for path, text in files if ours_in(text))


def mend(files: tuple[str, ...] = (SAVED,)) -> str:
    """Write the command that takes every Islandmode table out of these files, and checks what is left of the whole."""
    out, _, check = MEND_SAVED.partition(" && ")
    return f"{out.removesuffix(SAVED)}{shlex.join(files or (SAVED,))} && {check}"
