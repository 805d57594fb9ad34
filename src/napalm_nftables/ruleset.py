"""Rulesets as text: which tables they hold, and how two of them differ. Pure."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Mapping

Table = tuple[str, str]
"""Family and name of a table."""

_TABLE = re.compile(r"^table (\S+) (\S+) \{.*?^\}", re.MULTILINE | re.DOTALL)
_DELETES = re.compile(r"delete table (\S+) (\S+)")
_USES_INTERFACES = re.compile(r"\b(?:iif|oif|device|devices)\b")


def tables(listing: str) -> dict[Table, str]:
    """Split a listing of `nft list ruleset` into its tables."""
    return {(match.group(1), match.group(2)): match.group(0) for match in _TABLE.finditer(listing)}


def diff(before: str, after: str) -> str:
    """Write the unified difference of two listings; empty when they are equal."""
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), "running", "candidate", lineterm="")
    return "\n".join(lines)


def own_tables(before: str, after: str, removable: Collection[Table] = ()) -> tuple[Table, ...]:
    """Name the tables that a merge adds; ValueError when it touches a table that was there before, but for those that it may remove."""
    old, new = tables(before), tables(after)
    touched = [
        f"{family} {name}"
        for (family, name), text in old.items()
        if new.get((family, name)) != text and not ((family, name) in removable and (family, name) not in new)
    ]
    if touched:
        raise ValueError(", ".join(touched))
    return tuple(table for table in new if table not in old)


def removed_tables(before: str, after: str) -> tuple[Table, ...]:
    """Name the tables that a merge removes."""
    new = tables(after)
    return tuple(table for table in tables(before) if table not in new)


def removal(own: tuple[Table, ...]) -> str:
    """Write the undo of a merge: remove its own tables and nothing else, whether they are still there or not."""
    return "".join(f"add table {family} {name}\ndelete table {family} {name}\n" for family, name in own)


def removed_by(undo: str) -> tuple[Table, ...]:
    """Name the tables that an undo removes; none where it does anything else."""
    lines = [line for line in undo.splitlines() if line.strip() and not line.startswith("#")]
    found = tuple((match[1], match[2]) for line in lines if (match := _DELETES.fullmatch(line)))
    return found if "\n".join(lines) == removal(found).strip() else ()


def return_of(removed: tuple[Table, ...], running: str) -> str:
    """Write what brings removed tables back, with the counters that they had; it fails where a table of that name is there again."""
    listed = tables(running)
    return "".join(f"create table {family} {name}\n{listed[family, name]}\n" for family, name in removed)


def guarded(candidate: str, own: tuple[Table, ...]) -> str:
    """Make a merge fail where a table of the same name has appeared since it was checked: it would belong to another program."""
    creates = "".join(
        f"create table {family} {name}\n" for family, name in own if not _creates(candidate, family, name)
    )
    return creates + candidate


def needs_interfaces(texts: Mapping[str, str]) -> bool:
    """Tell whether any text names interfaces by index or device, which must exist where it is loaded."""
    return any(_USES_INTERFACES.search(text) for text in texts.values())


def _creates(candidate: str, family: str, name: str) -> bool:
    return re.search(rf"\bcreate\s+table\s+{re.escape(family)}\s+{re.escape(name)}\b", candidate) is not None
