"""Text of an nftables ruleset, taken apart by table. Pure; works on what `nft -s list ruleset` prints."""

from __future__ import annotations

import difflib
import re

_HEAD = re.compile(r"^table (\S+) (\S+) \{", re.MULTILINE)

Table = tuple[str, str]
"""Family and name."""


def tables_of(listing: str) -> dict[Table, str]:
    """Split a listing into its tables, each with its exact text."""
    heads = list(_HEAD.finditer(listing))
    ends = [head.start() for head in heads[1:]] + [len(listing)]
    return {
        (head.group(1), head.group(2)): listing[head.start() : end].rstrip() + "\n"
        for head, end in zip(heads, ends, strict=True)
    }


def undo_of(before: str, after: str) -> str:
    """Make the script that takes back a change, table by table: nothing that the change did not touch is in it.

    `add` before `delete` makes it work whether or not the table still stands when it is run.
    """
    old, new = tables_of(before), tables_of(after)
    lines: list[str] = []
    for table in sorted({*old, *new}):
        if old.get(table) == new.get(table):
            continue
        family, name = table
        lines += [f"add table {family} {name}\n", f"delete table {family} {name}\n"]
        if table in old:
            lines.append(old[table])
    return "".join(lines)


def whole_undo_of(before: str) -> str:
    """Make the script that loads a whole ruleset again; it resets counters and timers, so only a replace may use it."""
    return f"flush ruleset\n{before}"


def diff_of(before: str, after: str) -> str:
    """Compare two listings as a unified diff; empty when they are the same."""
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), "running", "candidate", lineterm="")
    return "\n".join(lines)
