"""nftables: two timed sets in an Islandmode table, one table per conduit.

A packet is dropped only while its pair of interfaces is in `armed` and in `hold`. Arming fills `armed`, with a timeout
that the kernel counts down; isolating fills `hold`. When `armed` expires, or the table is deleted, traffic passes.

A line has a latest moment. Resetting Islandmode's connection does not empty what the device has received and not yet read, so a
line can come long after it was given up. What each line does then:

    isolate, renew   begin by deleting a *ticket*: a fresh random element of a timed set that this line alone names, and
                     that was written and read back before the line left. It lives 2 to 4 s on the device's own clock;
                     then, or on a deleted table, the line fails as a whole, because it is one transaction
    ticket           adds an element that no other line names; fails on a deleted table
    arm              refers to nothing, because it is the first. A shell on the device reads the whole line, compares the
                     device's uptime with a moment at most 4 s away, and only then hands it to nft. Between the two it may
                     still be held up; then it makes a timed object that isolates nothing, and no ticket was given out for it
    restore          deletes what is this run's, and nothing else

So nothing that isolates, or keeps isolated, acts later than `latest_s` after it left, from any process: once the table is
deleted, only an arm could still leave an object, and a look after its latest moment sees that. A device that as a whole
stands still, as a paused virtual machine does, counts none of this time; it forwards nothing meanwhile either.

The chains stand before the site's own (priority -10): a drop there is final, whatever later chains accept. They cover
forward, and on the outer interfaces input and output too, because a VPN or relay that ends on the firewall must die
as well. That traffic is matched as the interface's pair with itself; forwarding back out of the same interface, which
has the same pair and does not cross the conduit, is let go before. So is IPv6 neighbour discovery on the firewall: it
is what ARP is to IPv4, never leaves the link, and conduits that are not isolated may need it on the same interface.
Where the site states a pair that speaks VRRP, that is let go there too, or both members would become active (`vrrp.py`).

What still leaves the firewall all the same is counted by rules in the same table: `egress`.

A counter in the table has the run in its name. Each later line deletes and makes that counter again, which fails as a
whole where the table is another run's: a line that comes late cannot touch what somebody else has armed since.

One command per object, all in one line, which is one transaction: with nft 1.0.6 the block form of `create table` makes
an empty table in interactive mode, and only `create` (not `add`) fails when the object is there already, which makes
it a lock.
"""

from __future__ import annotations

import math
import re
import secrets
from collections.abc import Mapping

from islandmode.core.capabilities import Capabilities
from islandmode.core.egress import Way
from islandmode.core.errors import InputError
from islandmode.core.pair import PairMember
from islandmode.core.rendering import Rendering, StageLines
from islandmode.isolation.nftables import egress, vrrp

PLATFORM = "nftables"
PREFIX = "islandmode_"
OWNER = "by_"
ANY_RUN = "this-run"
"""Stands in a plan for the run that is not known yet."""
ANY_TICKET = "this-ticket"
"""Stands in a plan for the ticket that each line is given when it is sent."""
TICKET_LEAST_S, TICKET_MOST_S = 2, 4
TICKET_TRIPS = 4
"""How many round trips a ticket outlives: its own way there and back, the way of the line that names it, and as much again."""
LATEST_MARGIN_S = 0.5
"""The device's clock and this machine's may differ by this much over a ticket's life."""
SAVED = "/etc/nftables.conf"
MEND_SAVED = f"sed -i '/^table inet {PREFIX}.*}}$/d;/^table inet {PREFIX}/,/^}}/d' {SAVED} && nft -c -f {SAVED}"
"""Takes every Islandmode table out of a saved ruleset as `nft list ruleset` writes it, and checks what is left.

A table on one line goes first: a range that begins with it would end in the next table, which is the site's.
"""
LIST_OFFLOADED = "list flowtables"
CAPABILITIES = Capabilities(
    arms="before",
    undo_tier="A",
    renewable=True,
    dead_man_min_s=2.0,
    dead_man_max_s=24 * 3600.0,
    granularity_s=1.0,
    latest_s=TICKET_MOST_S + LATEST_MARGIN_S,
    witness="egress",
)

BENCH = BENCH_OUT, BENCH_IN = "imode-bench-out", "imode-bench-in"
"""Interfaces between which a bench's stand-in would isolate: there are none of these names, so that no packet meets it."""
Pair = tuple[str, str]
Interfaces = Mapping[str, tuple[str, ...]]
Between = Mapping[str, tuple[str, str]]
"""Outer and inner zone by conduit."""
Ways = Mapping[str, tuple[Way, ...]]
"""What is counted, by conduit."""

INTERFACE = re.compile(r"[A-Za-z0-9_.:@-]{1,15}")
INTERFACE_WORDS = "1 to 15 letters, digits or _.:@-"
_HOOKS = ("forward", "input", "output")
_NEIGHBOURS = "icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept"


def table_of(conduit: str) -> str:
    """Name the table of a conduit; conduit names have no underscore, so two never share a table."""
    return PREFIX + conduit.replace("-", "_")


def pairs_of(outer: tuple[str, ...], inner: tuple[str, ...]) -> tuple[Pair, ...]:
    """List the interface pairs of a conduit: through the firewall both ways, and onto and off it on the outer side."""
    through = [pair for interface in outer for other in inner for pair in ((interface, other), (other, interface))]
    return (*through, *((interface, interface) for interface in outer))


def arm_line(
    conduits: tuple[str, ...],
    between: Between,
    interfaces: Interfaces,
    ways: Ways,
    for_s: float,
    run: str,
    pair: PairMember | None = None,
) -> str:
    """Create the tables with their timers running; fails as a whole when one of them exists."""
    parts = []
    for conduit in conduits:
        outer = interfaces[between[conduit][0]]
        parts += _table(table_of(conduit), outer, _pairs(conduit, between, interfaces), for_s, pair)
        parts += egress.lines(f"inet {table_of(conduit)}", ways.get(conduit, ()), pair)
        parts.append(f"add counter inet {table_of(conduit)} {OWNER}{run}")
    return "; ".join(parts)


def _table(
    table: str, outer: tuple[str, ...], pairs: tuple[Pair, ...], for_s: float, pair_member: PairMember | None
) -> list[str]:
    own = f"inet {table}"
    timed = "{ type ifname . ifname; flags timeout; }"
    lines = [f"create table {own}", f"add set {own} armed {timed}", f"add set {own} hold {timed}"]
    lines.append(f"add set {own} ticket {{ type ifname; flags timeout; }}")
    lines += [f"add chain {own} {hook} {{ type filter hook {hook} priority -10; policy accept; }}" for hook in _HOOKS]
    through = f"{_in_both('iifname . oifname')} counter drop"
    for interface in outer:
        lines.append(f'add rule {own} forward iifname "{interface}" oifname "{interface}" accept')
        lines.append(f'add rule {own} forward iifname "{interface}" {through} comment "inward"')
        lines.append(f'add rule {own} forward oifname "{interface}" {through} comment "outward"')
    for hook, pair, direction in (("input", "iifname . iifname", "inward"), ("output", "oifname . oifname", "outward")):
        lines.append(f"add rule {own} {hook} {_NEIGHBOURS}")
        lines += [f"add rule {own} {hook} {match} accept" for match in vrrp.matches(pair_member, hook, outer)]
        lines.append(f'add rule {own} {hook} {_in_both(pair)} counter drop comment "{direction}"')
    lines.append(f"add element {own} armed {_elements(pairs, for_s)}")
    return lines


def _in_both(pair: str) -> str:
    return f"{pair} @armed {pair} @hold"


def new_ticket() -> str:
    """Draw a ticket; as long as an interface's name may be, because that is the type of its set."""
    return secrets.token_hex(7)


def ticket_life_s(trip_s: float) -> int | None:
    """Say how long a ticket lives on a way that takes so long there and back; None when that is too slow for any."""
    wanted_s = max(TICKET_LEAST_S, math.ceil(TICKET_TRIPS * trip_s))
    return wanted_s if wanted_s <= TICKET_MOST_S else None


def ticket_line(conduits: tuple[str, ...], run: str, ticket: str, life_s: int = TICKET_LEAST_S) -> str:
    """Give out a ticket for a line about these conduits; one is enough, because the line acts as a whole or not at all."""
    return f'{_if_ours(conduits[0], run)}; add element {_tickets(conduits)} {{ "{ticket}" timeout {life_s}s }}'


def list_tickets(conduits: tuple[str, ...]) -> str:
    """Ask for the tickets where `ticket_line` puts them."""
    return f"list set {_tickets(conduits)}"


def _tickets(conduits: tuple[str, ...]) -> str:
    return f"inet {table_of(conduits[0])} ticket"


def _spend(conduits: tuple[str, ...], ticket: str) -> str:
    return f'delete element {_tickets(conduits)} {{ "{ticket}" }}'


def isolate_line(conduits: tuple[str, ...], between: Between, interfaces: Interfaces, run: str, ticket: str) -> str:
    """Put armed conduits into isolation: elements only, so that without a running timer nothing happens."""
    parts = [_spend(conduits, ticket)]
    for name in conduits:
        hold = f"inet {table_of(name)} hold"
        parts += [_if_ours(name, run), f"add element {hold} {_elements(_pairs(name, between, interfaces))}"]
    return "; ".join(parts)


def _if_ours(conduit: str, run: str) -> str:
    counter = f"counter inet {table_of(conduit)} {OWNER}{run}"
    return f"delete {counter}; add {counter}"


def renew_line(
    conduits: tuple[str, ...], between: Between, interfaces: Interfaces, for_s: float, run: str, ticket: str
) -> str:
    """Extend running timers in one transaction; fails as a whole when one has expired: `delete` finds nothing."""
    parts = [_spend(conduits, ticket)]
    for name in conduits:
        pairs, armed = _pairs(name, between, interfaces), f"inet {table_of(name)} armed"
        parts.append(_if_ours(name, run))
        parts.append(f"delete element {armed} {_elements(pairs)}")
        parts.append(f"add element {armed} {_elements(pairs, for_s)}")
    return "; ".join(parts)


def release_line(conduits: tuple[str, ...], run: str) -> str:
    """Delete the tables of a run in one line, which fails as a whole where one of them is missing or another run's."""
    tables = (f"inet {table_of(name)}" for name in conduits)
    return "; ".join(f"delete counter {table} {OWNER}{run}; delete table {table}" for table in tables)


def restore_line(conduits: tuple[str, ...]) -> str:
    """Delete the tables, whether or not they are there and whichever run owns them; needs no run-time value."""
    return "; ".join(f"add table inet {table_of(name)}; delete table inet {table_of(name)}" for name in conduits)


def list_lines(conduits: tuple[str, ...]) -> tuple[str, ...]:
    """Ask for the table of each conduit."""
    return tuple(f"list table inet {table_of(name)}" for name in conduits)


def _pairs(conduit: str, between: Between, interfaces: Interfaces) -> tuple[Pair, ...]:
    outer, inner = between[conduit]
    return pairs_of(interfaces[outer], interfaces[inner])


def _elements(pairs: tuple[Pair, ...], for_s: float | None = None) -> str:
    timeout = "" if for_s is None else f" timeout {round(for_s)}s"
    return "{ " + ", ".join(f'"{entering}" . "{other}"{timeout}' for entering, other in pairs) + " }"


def check(name: str, between: Between, interfaces: Interfaces) -> None:
    """Refuse a point whose interfaces cannot tell the conduit's two sides apart."""
    for conduit, zones in between.items():
        for zone in zones:
            if not interfaces.get(zone):
                raise InputError(f"{name}: conduit {conduit} needs an interface towards zone {zone}; name it there.")
            odd = [interface for interface in interfaces[zone] if not INTERFACE.fullmatch(interface)]
            if odd:
                raise InputError(f'{name}: "{odd[0]}" is no interface name; it has {INTERFACE_WORDS}.')
        shared = set(interfaces[zones[0]]) & set(interfaces[zones[1]])
        if shared:
            raise InputError(
                f"{name}: interface {min(shared)} leads to both {zones[0]} and {zones[1]}, so isolating {conduit} by "
                "interface would not part them; give each zone its own interface."
            )


def render(
    name: str,
    stages: Mapping[str, tuple[str, ...]],
    between: Between,
    interfaces: Interfaces,
    for_s: float,
    ways: Ways,
    pair: PairMember | None = None,
) -> Rendering:
    """Render every line of one point: `stages` gives the conduits that each stage isolates on it."""
    conduits = tuple(conduit for group in stages.values() for conduit in group)
    check(name, {conduit: between[conduit] for conduit in conduits}, interfaces)
    return Rendering(
        point=name,
        platform=PLATFORM,
        conduits=conduits,
        arm=(arm_line(conduits, between, interfaces, ways, for_s, ANY_RUN, pair),) if conduits else (),
        stages=tuple(
            StageLines(
                stage=stage,
                conduits=group,
                isolate=(
                    ticket_line(group, ANY_RUN, ANY_TICKET),
                    isolate_line(group, between, interfaces, ANY_RUN, ANY_TICKET),
                ),
            )
            for stage, group in stages.items()
            if group
        ),
        renew=(
            ticket_line(conduits, ANY_RUN, ANY_TICKET),
            renew_line(conduits, between, interfaces, for_s, ANY_RUN, ANY_TICKET),
        )
        if conduits
        else (),
        restore=tuple(f"nft '{restore_line((conduit,))}'" for conduit in conduits),
        capabilities=CAPABILITIES,
        ways={conduit: ways.get(conduit, ()) for conduit in conduits},
    )
