"""nftables: two timed sets in a table of our own, one table per conduit.

A packet is dropped only while its pair of interfaces is in `armed` and in `hold`. Arming fills `armed`, with a timeout
that the kernel counts down; isolating fills `hold`. When `armed` expires, or the table is deleted, traffic passes, and
no line that comes late can change that: an element for a deleted table fails, one for an expired timer does nothing.

The chains stand before the site's own (priority -10): a drop there is final, whatever later chains accept. They cover
forward, and on the outer interfaces input and output too, because a VPN or relay that ends on the firewall must die
as well. That traffic is matched as the interface's pair with itself; forwarding back out of the same interface, which
has the same pair and does not cross the conduit, is let go before.

One command per object, all in one line: with nft 1.0.6 the block form of `create table` makes an empty table in
interactive mode, and only `create` (not `add`) fails when the object is there already, which makes it a lock.
"""

from __future__ import annotations

from collections.abc import Mapping

from islandmode.core.rendering import Capabilities, Rendering, StageLines

PREFIX = "islandmode_"
HOLD_TIMEOUT = "24h"
CAPABILITIES = Capabilities(
    arms="before", undo_tier="A", renewable=True, dead_man_min_s=2.0, dead_man_max_s=24 * 3600.0, granularity_s=1.0
)

Pair = tuple[str, str]
Interfaces = Mapping[str, tuple[str, ...]]
Between = Mapping[str, tuple[str, str]]
"""Outer and inner zone by conduit."""


def table_of(conduit: str) -> str:
    """Name the table of a conduit; conduit names have no underscore, so two never share a table."""
    return PREFIX + conduit.replace("-", "_")


def pairs_of(outer: tuple[str, ...], inner: tuple[str, ...]) -> tuple[Pair, ...]:
    """List the interface pairs of a conduit: through the firewall both ways, and onto it from outside."""
    through = [pair for o in outer for i in inner for pair in ((o, i), (i, o))]
    return (*through, *((o, o) for o in outer))


def arm_line(conduits: tuple[str, ...], between: Between, interfaces: Interfaces, for_s: float) -> str:
    """Create the tables with their timers running; fails as a whole when one of them exists."""
    parts = []
    for conduit in conduits:
        outer_zone, inner_zone = between[conduit]
        outer = interfaces[outer_zone]
        pairs = pairs_of(outer, interfaces[inner_zone])
        parts += _table(table_of(conduit), outer, pairs, for_s)
    return "; ".join(parts)


def _table(table: str, outer: tuple[str, ...], pairs: tuple[Pair, ...], for_s: float) -> list[str]:
    own = f"inet {table}"
    timed = "{ type ifname . ifname; flags timeout; }"
    lines = [f"create table {own}", f"add set {own} armed {timed}", f"add set {own} hold {timed}"]
    for hook in ("forward", "input", "output"):
        lines.append(f"add chain {own} {hook} {{ type filter hook {hook} priority -10; policy accept; }}")
    for one in outer:
        through = "iifname . oifname @armed iifname . oifname @hold"
        lines.append(f'add rule {own} forward iifname "{one}" oifname "{one}" accept')
        lines.append(f'add rule {own} forward iifname "{one}" {through} counter drop comment "inward"')
        lines.append(f'add rule {own} forward oifname "{one}" {through} counter drop comment "outward"')
    onto, off = "iifname . iifname @armed iifname . iifname @hold", "oifname . oifname @armed oifname . oifname @hold"
    lines.append(f'add rule {own} input {onto} counter drop comment "inward"')
    lines.append(f'add rule {own} output {off} counter drop comment "outward"')
    lines.append(f"add element {own} armed {_elements(pairs, f'{round(for_s)}s')}")
    return lines


def isolate_line(conduits: tuple[str, ...], between: Between, interfaces: Interfaces) -> str:
    """Put armed conduits into isolation: elements only, so that without a running timer nothing happens."""
    return "; ".join(
        f"add element inet {table_of(name)} hold {_elements(_pairs(name, between, interfaces), HOLD_TIMEOUT)}"
        for name in conduits
    )


def renew_line(conduits: tuple[str, ...], between: Between, interfaces: Interfaces, for_s: float) -> str:
    """Extend running timers in one transaction; fails as a whole when one has expired, because `delete` finds nothing."""
    parts = []
    for name in conduits:
        pairs, armed = _pairs(name, between, interfaces), f"inet {table_of(name)} armed"
        parts.append(f"delete element {armed} {_elements(pairs, None)}")
        parts.append(f"add element {armed} {_elements(pairs, f'{round(for_s)}s')}")
    return "; ".join(parts)


def restore_line(conduits: tuple[str, ...]) -> str:
    """Delete the tables, whether or not they are there; needs no run-time value."""
    return "; ".join(f"add table inet {table_of(name)}; delete table inet {table_of(name)}" for name in conduits)


def _pairs(conduit: str, between: Between, interfaces: Interfaces) -> tuple[Pair, ...]:
    outer, inner = between[conduit]
    return pairs_of(interfaces[outer], interfaces[inner])


def _elements(pairs: tuple[Pair, ...], timeout: str | None) -> str:
    more = f" timeout {timeout}" if timeout else ""
    return "{ " + ", ".join(f'"{one}" . "{other}"{more}' for one, other in pairs) + " }"


def render(
    name: str, stages: Mapping[str, tuple[str, ...]], between: Between, interfaces: Interfaces, for_s: float
) -> Rendering:
    """Render every line of one point: `stages` gives the conduits that each stage isolates on it."""
    conduits = tuple(conduit for group in stages.values() for conduit in group)
    return Rendering(
        point=name,
        platform="nftables",
        conduits=conduits,
        arm=(arm_line(conduits, between, interfaces, for_s),),
        stages=tuple(
            StageLines(stage=stage, conduits=group, isolate=(isolate_line(group, between, interfaces),))
            for stage, group in stages.items()
            if group
        ),
        renew=(renew_line(conduits, between, interfaces, for_s),),
        restore=tuple(f"nft '{line}'" for line in (restore_line((conduit,)) for conduit in conduits)),
        capabilities=CAPABILITIES,
    )
