"""What an nftables device answers, read: the state of a conduit's table, its counters, and a listing to compare. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Sequence
from typing import Any

from islandmode.core.difference import Comparable
from islandmode.core.egress import Way
from islandmode.core.pair import PairMember
from islandmode.isolation import incoming
from islandmode.isolation.nftables import egress
from islandmode.isolation.nftables.recipe import OWNER, PREFIX, Pair, pairs_of
from islandmode.isolation.point import ConduitState

ABSENT = ConduitState(present=False, armed_s=None, isolating=False)

_SET = ("\tset ", "\tmap ", "\tmeter ")
_TABLE = re.compile(rf"table inet ({PREFIX}\w+) \{{")
_SAID = re.compile(r'"[^"\n]*"|#.*')
"""What only tells: texts in quotes, and comments."""
_MOVES = re.compile(r"\t\t(?:flags .*\b(?:dynamic|timeout)\b|timeout )")
TIMER_MAX_S = 10 * 366 * 86400.0

_HANDLE = re.compile(r"\s*# handle \d+$")
"""What nft numbers its objects with; a table that is loaded again has another number, and new counters."""
RULES = frozenset({"running", "saved"})
"""Parts in which only people and programs write; the kernel keeps house in all others."""
_OF_THE_KERNEL = re.compile(r"\bproto kernel(?:_ll|_lo|_ra)?\b")
_DETECTION = re.compile(r" (?:tentative|dadfailed|optimistic)\b")


def without_housekeeping(part: str, line: str) -> str | None:
    """Leave out what the kernel does by itself: routes that follow from addresses, and how far it has looked for twins of one."""
    if part in RULES:
        return line
    return None if _OF_THE_KERNEL.search(line) else _DETECTION.sub("", line).rstrip()


COMPARABLE = Comparable(kept=without_housekeeping, unnumbered=lambda line: _HANDLE.sub("", line))


def rows(answer: str) -> tuple[dict[str, Any], ...]:
    """Read the rows of one JSON listing; raises ValueError, or the error of a wrong shape, for anything else."""
    listed = json.loads(answer)["nftables"]
    if not isinstance(listed, list) or not all(isinstance(row, dict) for row in listed):
        raise ValueError("the listing is not a list of objects")
    return tuple(listed)


def state_of(
    answer: str,
    outer: tuple[str, ...],
    inner: tuple[str, ...],
    ways: Sequence[Way],
    run: str | None,
    pair: PairMember | None = None,
) -> ConduitState:
    """Read the state of a conduit from the listing of its table; "" when nft said that it has no such table.

    It is isolating only if every pair is in both sets *and* the rules that drop are all still there. It is `ours` if it
    belongs to `run` or has no owner, or if no run is asked for. What was counted is None where a rule that counts is gone.
    """
    if not answer:
        return ABSENT
    listed = rows(answer)
    sets = {row["set"]["name"]: row["set"] for row in listed if "set" in row}
    armed, hold = _elements(sets.get("armed", {})), _elements(sets.get("hold", {}))
    wanted = pairs_of(outer, inner)
    left = [armed.get(pair) for pair in wanted]
    timers = [incoming.number(value, TIMER_MAX_S) for value in left if value is not None]
    armed_s = min(timers) if len(timers) == len(wanted) else None
    whole = _drops(listed) >= _wanted_drops(outer)
    isolating = armed_s is not None and whole and set(wanted) <= set(hold)
    counters = (str(row["counter"]["name"]) for row in listed if "counter" in row)
    owner = next((incoming.word(name.removeprefix(OWNER)) for name in counters if name.startswith(OWNER)), None)
    packets = egress.counted(listed, ways, pair)
    return ConduitState(True, armed_s, isolating, ours=run is None or owner in (None, run), owner=owner, egress=packets)


def ticket_left_s(answer: str, ticket: str) -> float | None:
    """Read how long a ticket still lives, from the listing of its set; None when it is not there, or without a timer."""
    sets = [row["set"] for row in rows(answer) if "set" in row] if answer else []
    timed = (item["elem"] for listed in sets for item in listed.get("elem", ()) if isinstance(item, dict))
    left = next((element.get("expires") for element in timed if element.get("val") == ticket), None)
    return None if left is None else incoming.number(left, TIMER_MAX_S)


def standing_in(answer: str) -> tuple[str, ...]:
    """Name the Islandmode tables in a listing of all tables, of any conduit and run."""
    tables = [row["table"] for row in rows(answer) if "table" in row]
    return tuple(str(table["name"]) for table in tables if str(table["name"]).startswith(PREFIX))


def holds_anything(answer: str) -> bool:
    """Tell whether any pair is held, isolating or not."""
    return any(row["set"].get("elem") for row in rows(answer) if "set" in row and row["set"]["name"] == "hold")


def rules_are_whole(answer: str, outer: tuple[str, ...], ways: Sequence[Way], pair: PairMember | None = None) -> bool:
    """Tell whether every rule that drops or counts is in the table, on a chain with the right hook."""
    if not answer:
        return False
    listed = rows(answer)
    counts = not ways or egress.counted(listed, ways, pair) is not None
    return counts and _drops(listed) >= _wanted_drops(outer)


def offloaded(answer: str) -> frozenset[str]:
    """Name the interfaces whose flows may be offloaded past every chain, from `list flowtables`."""
    tables = [row["flowtable"].get("dev", ()) for row in rows(answer) if "flowtable" in row] if answer else []
    return frozenset(device for devices in tables for device in ((devices,) if isinstance(devices, str) else devices))


def comparable(listing: str) -> str:
    """Take out what moves by itself: elements of dynamic and timed sets come and go with the traffic."""
    kept: list[str] = []
    block: list[str] = []
    for line in listing.splitlines(keepends=True):
        if not block and not line.startswith(_SET):
            kept.append(line)
            continue
        block.append(line)
        if line.startswith("\t}"):
            kept += _still(block)
            block = []
    return "".join((*kept, *block))


def _still(block: list[str]) -> list[str]:
    """Take the elements out of a set, if they move; they end with the first line that ends with a brace."""
    if not any(_MOVES.match(line) for line in block):
        return block
    kept: list[str] = []
    moving: list[str] = []
    for line in block[:-1]:
        if moving or line.startswith("\t\telements = {"):
            moving.append(line)
            if line.endswith("}\n"):
                moving = []
        else:
            kept.append(line)
    # What does not end is no set of elements.
    return [*kept, *moving, block[-1]]


def ours_in(listing: str, tables: Collection[str] | None = None) -> str:
    """Give the Islandmode tables in a ruleset: the named tables, or all; a comment that only mentions Islandmode does not count."""
    found, rest = _tables(listing)
    if tables is not None:
        return "\n".join(text for name, text in found if name in tables)
    named = (line for line in rest if PREFIX in _SAID.sub("", line))
    return "\n".join((*(text for _, text in found), *named))


def _tables(listing: str) -> tuple[list[tuple[str, str]], list[str]]:
    """Split a listing into Islandmode tables, by name, and all other lines; a table without an end goes to the end."""
    found: list[tuple[str, str]] = []
    rest: list[str] = []
    block: list[str] = []
    name = ""
    for line in listing.splitlines():
        begins = None if block else _TABLE.match(line)
        if begins is not None:
            name = begins.group(1)
        elif not block:
            rest.append(line)
            continue
        block.append(line)
        if line.startswith("}") or (begins is not None and line.endswith("}")):
            found.append((name, "\n".join(block)))
            block = []
    return ([*found, (name, "\n".join(block))] if block else found), rest


def _elements(listed: dict[str, Any]) -> dict[Pair, float | None]:
    """Give each pair of a set and its remaining seconds; None where the element has no timer."""
    found: dict[Pair, float | None] = {}
    for item in listed.get("elem", ()):
        element = item.get("elem", item)
        entering, other = element.get("val", element)["concat"]
        found[entering, other] = element.get("expires")
    return found


def _rules(listed: tuple[dict[str, Any], ...]) -> Iterator[dict[str, Any]]:
    return (row["rule"] for row in listed if "rule" in row)


def _drops(listed: tuple[dict[str, Any], ...]) -> frozenset[tuple[str, str, str]]:
    """Name what is dropped while armed and held: chain, direction, and the interface that a rule is for."""
    hooked = {
        row["chain"]["name"]
        for row in listed
        if "chain" in row and row["chain"].get("hook") == row["chain"]["name"] and row["chain"].get("prio") == -10
    }
    found = set()
    for rule in _rules(listed):
        parts = rule.get("expr", ())
        matched = [part["match"]["right"] for part in parts if "match" in part]
        if rule["chain"] in hooked and {"drop": None} in parts and {"@armed", "@hold"} <= _texts(matched):
            only = [right for right in _texts(matched) if not right.startswith("@")]
            found.add((rule["chain"], rule.get("comment", ""), only[0] if only else ""))
    return frozenset(found)


def _texts(values: list[Any]) -> set[str]:
    return {value for value in values if isinstance(value, str)}


def _wanted_drops(outer: tuple[str, ...]) -> frozenset[tuple[str, str, str]]:
    forward = {("forward", direction, interface) for interface in outer for direction in ("inward", "outward")}
    return frozenset(forward | {("input", "inward", ""), ("output", "outward", "")})
