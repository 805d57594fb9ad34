"""What an isolation lets pass between the members of a pair: VRRP on the outer interfaces, and nothing else. Pure.

It stands in input and output only, so nothing that is forwarded can use it. Every address at both ends is named, and the hop limit must be
255, which no router leaves as it is: what matches was sent on the same link, by a member's address, to the group or to this device.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from islandmode.core.frozen import Address
from islandmode.core.pair import VRRP, VRRP_GROUPS, PairMember

FIELDS = {
    4: ("ip protocol", "ip ttl", "ip saddr", "ip daddr"),
    6: ("ip6 nexthdr", "ip6 hoplimit", "ip6 saddr", "ip6 daddr"),
}
"""By address family, what a match looks at, in order."""
HOP_LIMIT = 255


def families(pair: PairMember | None) -> tuple[int, ...]:
    """Name the address families in which a member both sends and hears VRRP."""
    if pair is None:
        return ()
    return tuple(family for family in FIELDS if _of(pair.own, family) and _of(pair.peers, family))


def matches(pair: PairMember | None, hook: str, outer: Sequence[str]) -> Iterator[str]:
    """Write what matches a member's VRRP on its outer interfaces: what it hears where `hook` is input, else what it sends."""
    own, peers = ((), ()) if pair is None else (pair.own, pair.peers)
    key, sender, hearer = ("iifname", peers, own) if hook == "input" else ("oifname", own, peers)
    for interface in outer:
        for family in families(pair):
            protocol, hops, source, destination = FIELDS[family]
            to = ", ".join((VRRP_GROUPS[family], *_of(hearer, family)))
            ends = f"{source} {{ {', '.join(_of(sender, family))} }} {destination} {{ {to} }}"
            yield f'{key} "{interface}" {protocol} {VRRP} {hops} {HOP_LIMIT} {ends}'


def _of(addresses: Sequence[Address], family: int) -> tuple[str, ...]:
    return tuple(str(address) for address in addresses if address.version == family)
