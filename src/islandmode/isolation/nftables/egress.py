"""nftables as a witness: rules that count, in a conduit's own table, what still leaves the firewall. Pure.

They stand at the last priority of postrouting, so that they see what every other rule let pass: with nft 1.0.6 only an inet
chain there matches the pair of interfaces of a forwarded packet (netdev egress knows one interface, and so do an
interface's own counters). A packet that the firewall itself sent has no interface by which it came in, `iif 0`. What
comes in for the firewall itself passes no postrouting, so that is counted at the last priority of input.

Standing in the conduit's table they are created with it, owned with it and gone with it: restore, the card and the mending
of a saved configuration need no word about them. No rule here drops or changes anything.

What leaves by other doors is not seen here: frames of packet sockets, redirects of netdev, tc or XDP, flows that a flowtable
or hardware carries, bridged frames, and ARP.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from islandmode.core.egress import Side, Way
from islandmode.core.pair import PairMember
from islandmode.isolation import incoming
from islandmode.isolation.nftables import vrrp

LAST = 2**31 - 1
OUT, IN = "counted_out", "counted_in"
_HOOKS = {OUT: "postrouting", IN: "input"}
_NEIGHBOURS = ("nd-neighbor-solicit", "nd-neighbor-advert")
_DISCOVERY = f"icmpv6 type {{ {', '.join(_NEIGHBOURS)} }}"

Match = tuple[str, str, tuple[str, ...]]
Rule = tuple[str, str, frozenset[Match]]
"""A rule as read back: its chain, its comment, and what it matches."""


def lines(own: str, ways: Sequence[Way], pair: PairMember | None = None) -> list[str]:
    """Write the chains and rules that count; none where there is nothing to count. What a pair may say is not counted."""
    if not ways:
        return []
    written = [
        f"add chain {own} {chain} {{ type filter hook {hook} priority {LAST}; policy accept; }}"
        for chain, hook in _HOOKS.items()
    ]
    through = [way for way in ways if way.kind != "firewall"]
    own_ways = [way for way in ways if way.kind == "firewall"]
    written += _rules(own, through)
    if own_ways:
        # The isolation lets neighbour discovery of the firewall itself pass, so it is let go before the rest is counted.
        written.append(f"add rule {own} {OUT} meta iif 0 {_DISCOVERY} accept")
        written.append(f"add rule {own} {IN} {_DISCOVERY} accept")
        outer = _outer(own_ways)
        written += [f"add rule {own} {OUT} meta iif 0 {match} accept" for match in vrrp.matches(pair, "output", outer)]
        written += [f"add rule {own} {IN} {match} accept" for match in vrrp.matches(pair, "input", outer)]
    return [*written, *_rules(own, own_ways)]


def _outer(ways: Sequence[Way]) -> tuple[str, ...]:
    """Name the outer interfaces: those at the other end of a way onto the firewall."""
    return tuple(dict.fromkeys(name for way in ways if way.kind == "firewall" for name in way.enters.names))


def _rules(own: str, ways: Sequence[Way]) -> list[str]:
    rules = (f'{own} {_chain(way)} {match} counter comment "{way.name}"' for way in ways for match in _matches(way))
    return [f"add rule {' '.join(rule.split())}" for rule in rules]


def _chain(way: Way) -> str:
    return IN if way.leaves.is_firewall else OUT


def _matches(way: Way) -> tuple[str, ...]:
    """Write what the rules of a way match: one rule, or one for each address family where addresses matter."""
    ends = f"{_side('iif', way.enters)} {_side('oif', way.leaves) if _chain(way) == OUT else ''}".strip()
    if not way.networks:
        return (ends,)
    end = "saddr" if way.enters.but else "daddr"
    families = (("ip", 4), ("ip6", 6))
    listed = ((word, [str(net) for net in way.networks if net.version == version]) for word, version in families)
    return tuple(f"{ends} {word} {end} {{ {', '.join(nets)} }}" for word, nets in listed if nets)


def _side(key: str, side: Side) -> str:
    if side.is_firewall:
        return f"meta {key} 0" if key == "iif" else ""
    if not side.but:
        return f"{key}name {_quoted(side.names)}"
    if not side.names:
        return ""
    # A packet of the firewall's own has no name there, which is "any other" to some kernels and no match to others.
    return f"{'meta iif != 0 ' if key == 'iif' else ''}{key}name != {{ {', '.join(_quoted((name,)) for name in side.names)} }}"


def _quoted(names: tuple[str, ...]) -> str:
    return f'"{names[0]}"'


def counted(
    listed: Sequence[Mapping[str, Any]], ways: Sequence[Way], pair: PairMember | None = None
) -> dict[str, int] | None:
    """Read what was counted, by way; None when the rules that count are not all there, or others stand among them."""
    if not ways or _hooked(listed) != set(_HOOKS):
        return None
    rules = [row["rule"] for row in listed if "rule" in row and row["rule"]["chain"] in _HOOKS]
    if Counter(map(_read, rules)) != Counter(_expected(ways, pair)):
        return None
    packets = {way.name: 0 for way in ways}
    for rule in rules:
        found = [part["counter"]["packets"] for part in rule["expr"] if "counter" in part]
        if "comment" in rule and found:
            packets[rule["comment"]] += int(incoming.number(found[0]))
        elif "comment" in rule:
            return None
    return packets


def _hooked(listed: Sequence[Mapping[str, Any]]) -> set[str]:
    chains = (row["chain"] for row in listed if "chain" in row)
    return {
        chain["name"]
        for chain in chains
        if chain["name"] in _HOOKS and chain.get("hook") == _HOOKS[chain["name"]] and chain.get("prio") == LAST
    }


def _read(rule: Mapping[str, Any]) -> Rule:
    parts = [part["match"] for part in rule.get("expr", ()) if "match" in part]
    return rule["chain"], rule.get("comment", ""), frozenset(_match(part) for part in parts)


def _match(part: Mapping[str, Any]) -> Match:
    left, right = part["left"], part["right"]
    if "payload" in left:
        key = f"{left['payload']['protocol']} {left['payload']['field']}"
        # Devices write networks back in forms of their own; only which packets have an address at all must match.
        return key, part["op"], () if key.startswith("ip") else _values(right)
    return left["meta"]["key"], part["op"], _values(right)


def _values(right: object) -> tuple[str, ...]:
    values = right["set"] if isinstance(right, dict) and "set" in right else [right]
    return tuple(sorted(str(value) for value in values))


def _expected(ways: Sequence[Way], pair: PairMember | None) -> Iterator[Rule]:
    if any(way.kind == "firewall" for way in ways):
        discovery = ("icmpv6 type", "==", tuple(sorted(_NEIGHBOURS)))
        yield OUT, "", frozenset({("iif", "==", ("0",)), discovery})
        yield IN, "", frozenset({discovery})
        yield from _expected_vrrp(ways, pair)
    for way in ways:
        ends = {*_end("iif", way.enters), *(_end("oif", way.leaves) if _chain(way) == OUT else ())}
        end = "saddr" if way.enters.but else "daddr"
        families = sorted({net.version for net in way.networks})
        if not families:
            yield _chain(way), way.name, frozenset(ends)
        for version in families:
            yield _chain(way), way.name, frozenset({*ends, (f"{'ip' if version == 4 else 'ip6'} {end}", "==", ())})


def _expected_vrrp(ways: Sequence[Way], pair: PairMember | None) -> Iterator[Rule]:
    for interface in _outer(ways):
        for family in vrrp.families(pair):
            fields = {(field, "==", ()) for field in vrrp.FIELDS[family]}
            yield OUT, "", frozenset({("iif", "==", ("0",)), ("oifname", "==", (interface,)), *fields})
            yield IN, "", frozenset({("iifname", "==", (interface,)), *fields})


def _end(key: str, side: Side) -> tuple[Match, ...]:
    if side.is_firewall:
        return ((key, "==", ("0",)),) if key == "iif" else ()
    if not side.names:
        return ()
    names = tuple(sorted(side.names))
    if not side.but:
        return ((f"{key}name", "==", names),)
    there = (("iif", "!=", ("0",)),) if key == "iif" else ()
    return (*there, (f"{key}name", "!=", names))
