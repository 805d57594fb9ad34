"""Preflight of a whole firewall: whether the interfaces that the site names are the only ways between the zones.

Rules that isolate match pairs of interface names. So packets must carry each name, it must lead where the site
says, and nothing else on the firewall may lead there or move packets past the rules. docs/preflight.md lists every code.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from ipaddress import ip_network

from islandmode.core.firewall import STACKED, TUNNELS, Firewall, Link, Socket, related
from islandmode.core.frozen import Network
from islandmode.core.pair import VRRP
from islandmode.core.plan import PlanPoint
from islandmode.core.preflight import PreflightFinding

Zones = Mapping[str, tuple[Network, ...]]
TOUCHED_NOTHING = "Nothing was touched."

_SPOKEN = (
    ("raw", {112}, "VRRP (IP protocol 112)"),
    ("raw", {89}, "OSPF (IP protocol 89)"),
    ("raw", {88}, "EIGRP (IP protocol 88)"),
    ("tcp", {179}, "BGP (TCP port 179)"),
    ("udp", {3784, 3785, 4784}, "BFD (UDP port 3784, 3785 or 4784)"),
    ("udp", {520, 521}, "RIP (UDP port 520 or 521)"),
)
_DHCP_CLIENT = {68, 546}
_IKE = {500, 4500}
_LOOPBACK = ("127.", "::1")


@dataclass(frozen=True)
class _Site:
    """One firewall, what it says of itself, and what the site says of it."""

    name: str
    planned: PlanPoint
    zones: Zones
    firewall: Firewall

    @property
    def where(self) -> str:
        return f"{self.name} at {self.planned.place}"

    @cached_property
    def named(self) -> dict[str, frozenset[str]]:
        """Zones by the interface that the site names for them."""
        found: dict[str, set[str]] = {}
        for zone, interfaces in self.planned.interfaces.items():
            for interface in interfaces:
                found.setdefault(interface, set()).add(zone)
        return {name: frozenset(zones) for name, zones in found.items()}

    @cached_property
    def ends(self) -> tuple[str, ...]:
        """Zones at either end of a conduit that this drill isolates here."""
        return tuple(dict.fromkeys(zone for sides in self.planned.between.values() for zone in sides))

    @cached_property
    def outer(self) -> tuple[str, ...]:
        """Interfaces on which the firewall's own traffic is stopped too."""
        sides = (outer for outer, _ in self.planned.between.values())
        return tuple(dict.fromkeys(interface for zone in sides for interface in self.planned.interfaces.get(zone, ())))

    @cached_property
    def management(self) -> str | None:
        """The interface that has the management address."""
        managed = self.planned.management
        if managed is None:
            return None
        return next((held.link for held in self.firewall.addresses if held.address.ip == managed.address), None)

    @cached_property
    def beneath(self) -> frozenset[str]:
        """Interfaces that only carry the packets of named interfaces."""
        return self.firewall.beneath(self.named) - set(self.named)

    def zone_of(self, network: Network) -> str | None:
        """Find the zone with the most specific network around a network; None when no zone has one."""
        best: tuple[int, str] | None = None
        for zone, networks in self.zones.items():
            for other in networks:
                if _inside(network, other) and (best is None or other.prefixlen > best[0]):
                    best = (other.prefixlen, zone)
        return best[1] if best else None

    @cached_property
    def ways(self) -> tuple[tuple[str, Network], ...]:
        """Pair every interface with each network that it leads to."""
        # A dummy holds addresses of the firewall itself; what is down leads nowhere today.
        skipped = {link.name for link in self.firewall.links if link.kind == "dummy" or not link.up} | {"lo"}
        own = [(held.link, held.address.network) for held in self.firewall.addresses if not held.address.is_link_local]
        routed = [(route.link, route.network) for route in self.firewall.routes]
        return tuple((link, network) for link, network in (*own, *routed) if link not in skipped)

    @cached_property
    def leads(self) -> dict[str, dict[str, str]]:
        """Zones by the interface through which packets to them leave, each with a network that shows it.

        A route into a zone counts. Where no route is as narrow as the zone's own network, the narrowest route around it counts.
        """
        found: dict[str, dict[str, str]] = {}
        for link, network in self.ways:
            zone = self.zone_of(network)
            if zone is not None:
                found.setdefault(link, {}).setdefault(zone, str(network))
        for zone, networks in self.zones.items():
            for network in networks:
                for link, way in self._widest(network):
                    found.setdefault(link, {}).setdefault(zone, way)
        return found

    def _widest(self, network: Network) -> Iterator[tuple[str, str]]:
        if any(_inside(way, network) for _, way in self.ways):
            return
        around = [(link, way) for link, way in self.ways if _inside(network, way)]
        narrowest = max((way.prefixlen for _, way in around), default=-1)
        yield from ((link, str(way)) for link, way in around if way.prefixlen == narrowest)


def judge_firewall(name: str, planned: PlanPoint, zones: Zones, firewall: Firewall) -> tuple[PreflightFinding, ...]:
    """Judge one firewall by all that it says of itself; what refuses comes first."""
    site = _Site(name, planned, zones, firewall)
    found = (
        *_never_carries(site),
        *_in_other_zone(site),
        *_other_ways(site),
        *_redirected(site),
        *_bridged(site),
        *_offloaded(site),
        *_speaks(site),
        *_member_addresses(site),
        *_leased(site),
        *_unread(site),
        *_unplaced(site),
        *_unnamed(site),
        *_across_management(site),
    )
    return tuple(sorted(found, key=lambda finding: not finding.refuses))


def judge_host(forwards: tuple[str, ...]) -> tuple[PreflightFinding, ...]:
    """Advise where this machine itself forwards packets: on two networks it would be a way round the firewall."""
    if not forwards:
        return ()
    sentence = (
        f"This machine forwards {' and '.join(forwards)} packets; if it stands on two networks it is a way round the "
        "isolation that no firewall sees. Turn forwarding off (sysctl net.ipv4.ip_forward, net.ipv6.conf.all.forwarding)."
    )
    return (PreflightFinding("host-forwards", sentence, refuses=False),)


def _inside(network: Network, around: Network) -> bool:
    return network.version == around.version and network.subnet_of(around)  # type: ignore[arg-type] # same version


def _refusal(code: str, sentence: str) -> PreflightFinding:
    return PreflightFinding(code, f"{sentence} {TOUCHED_NOTHING}", refuses=True)


def _advice(code: str, sentence: str) -> PreflightFinding:
    return PreflightFinding(code, sentence, refuses=False)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names)


def _never_carries(site: _Site) -> Iterator[PreflightFinding]:
    """Find names that no packet carries where rules match."""
    for name in site.named:
        link = site.firewall.link(name)
        why = _other_name(site, name) if link is None else _member(link) or _bare_parent(site, link)
        if why:
            sentence = f"{site.where}: {why}; a rule on {name} isolates nothing. Correct the site file."
            yield _refusal("point-interface-carries-nothing", sentence)


def _other_name(site: _Site, name: str) -> str:
    true = next((link.name for link in site.firewall.links if name in link.altnames), None)
    return f"{name} is another name of {true}, and packets carry {true}: name {true}" if true else ""


def _member(link: Link) -> str:
    if link.master is None:
        return ""
    if link.member_kind == "bridge":
        return f"{link.name} is a port of {link.master}: name {link.master}"
    if link.member_kind == "vrf":
        return (
            f"{link.name} is a member of VRF {link.master}, so packets carry {link.master} on their way in and "
            f"{link.name} on their way out, which this version cannot isolate"
        )
    return f"{link.name} is a member of {link.member_kind or 'group'} {link.master}: name {link.master}"


def _bare_parent(site: _Site, link: Link) -> str:
    """Tell of a parent that has no address of its own while an interface on it has."""
    if link.kind == "vrf":
        return f"{link.name} is a VRF, whose name packets carry only on their way in, which this version cannot isolate"
    has = {held.link for held in site.firewall.addresses if not held.address.is_link_local}
    upper = [
        above
        for above in site.firewall.links
        if above.parent == link.name and above.kind in STACKED and above.name in has
    ]
    if link.name in has or not upper or any(above.name in site.named for above in upper):
        return ""
    names = _listed(above.name for above in upper)
    return f"{link.name} is the parent of {names} ({upper[0].kind}) and has no address of its own: name {names}"


def _in_other_zone(site: _Site) -> Iterator[PreflightFinding]:
    for name, zone, address in _strayed(site):
        said = _listed(sorted(site.named[name]))
        sentence = (
            f"{site.where}: the site names {name} for zone {said}, but its address {address} lies in zone {zone}; "
            "isolating by this interface would isolate the wrong path. Correct the site file."
        )
        yield _refusal("point-interface-in-other-zone", sentence)


def _strayed(site: _Site) -> tuple[tuple[str, str, str], ...]:
    """List named interfaces that have an address in a zone for which they are not named, each zone once."""
    found: dict[tuple[str, str], str] = {}
    for held in site.firewall.addresses:
        zone = None if held.address.is_link_local else site.zone_of(ip_network(held.address.ip))
        if zone is not None and held.link in site.named and zone not in site.named[held.link]:
            found.setdefault((held.link, zone), str(held.address.ip))
    return tuple((link, zone, address) for (link, zone), address in found.items())


def _other_ways(site: _Site) -> Iterator[PreflightFinding]:
    """Find interfaces through which packets to an isolated zone leave although the site does not name them for it."""
    strayed = {name for name, _, _ in _strayed(site)}
    for link, zones in site.leads.items():
        for zone in (zone for zone in site.ends if zone in zones and link not in strayed):
            if zone in site.named.get(link, ()) or (link == site.management and _own_network(site, link, zone)):
                continue
            said = (
                f"which the site names for zone {_listed(sorted(site.named[link]))} only"
                if link in site.named
                else "which the site names for no zone"
            )
            sentence = (
                f"{site.where}: interface {link}, {said}, leads to zone {zone} (route {zones[zone]}), so isolating "
                f"{_listed(_conduits_of(site, zone))} would leave a way past. Name {link} under interfaces for {zone}, or "
                "take that route away."
            )
            yield _refusal("point-way-past", sentence)


def _own_network(site: _Site, link: str, zone: str) -> bool:
    """Tell whether the management interface leads to a zone by nothing but the network that it is managed in."""
    wanted = {held.address.network for held in site.firewall.addresses if held.link == link}
    ways = [network for name, network in site.ways if name == link and site.zone_of(network) == zone]
    around = [str(network) for network in ways if network not in wanted]
    return bool(ways) and not around


def _conduits_of(site: _Site, zone: str) -> tuple[str, ...]:
    return tuple(conduit for conduit, sides in site.planned.between.items() if zone in sides)


def _redirected(site: _Site) -> Iterator[PreflightFinding]:
    """Find what moves packets, or copies of them, between interfaces before any rule that isolates.

    A copy is refused where its target meets packets of a zone: by name, by what the name stands on, or because it leads there.
    """
    met = related(site.firewall, site.named) | {
        link for link, zones in site.leads.items() if set(site.ends) & set(zones)
    }
    for redirect in site.firewall.redirects:
        target = redirect.target or "an interface that it chooses itself"
        if redirect.what == "program":
            sentence = f"{site.where}: {redirect.by} may send packets past every rule, and programs cannot be read; take it off."
            yield _refusal("point-redirects", sentence)
        elif redirect.what == "moves" or redirect.target is None or redirect.target in met:
            verb = "sends packets" if redirect.what == "moves" else "copies packets"
            sentence = f"{site.where}: {redirect.by} {verb} to {target}, past every rule that isolates; take it off."
            yield _refusal("point-redirects", sentence)
        else:
            sentence = f"{site.where}: {redirect.by} copies packets to {target}; the copies leave there while the zones are isolated."
            yield _advice("point-copies", sentence)
    for link in site.firewall.links:
        if link.program:
            sentence = (
                f"{site.where}: an XDP program on {link.name} may send packets past every rule, and programs cannot be "
                "read; take it off."
            )
            yield _refusal("point-redirects", sentence)


def _bridged(site: _Site) -> Iterator[PreflightFinding]:
    """Find bridges that join interfaces of several zones: what they switch passes no rule."""
    for bridge in (link for link in site.firewall.links if link.kind in {"bridge", "openvswitch"}):
        ports = [link.name for link in site.firewall.links if link.master == bridge.name]
        touched = {bridge.name, *ports, *site.firewall.beneath(ports)}
        zones = sorted({zone for name in touched for zone in site.named.get(name, ())})
        own = site.named.get(bridge.name)
        if len(zones) > 1 and (own is None or not set(zones) <= own):
            sentence = (
                f"{site.where}: bridge {bridge.name} joins interfaces of zones {_listed(zones)} (ports {_listed(ports)}), "
                "and what it switches passes no rule that isolates; take the ports apart."
            )
            yield _refusal("point-bridged", sentence)


def _offloaded(site: _Site) -> Iterator[PreflightFinding]:
    met = sorted(set(site.firewall.offloaded) & related(site.firewall, site.named))
    dialled = [link.name for link in site.firewall.links if link.kind == "ppp" and link.name in site.named]
    if met or (dialled and site.firewall.offloaded):
        which = _listed(met or site.firewall.offloaded)
        carried = sorted(name for name in site.named if set(met) & related(site.firewall, (name,))) or dialled
        sentence = (
            f"{site.where}: a flowtable offloads flows on {which}, which carries {_listed(carried)}, past every rule that "
            "isolates; take it off."
        )
        yield _refusal("point-offloaded", sentence)
    elif site.firewall.offloaded:
        sentence = f"{site.where}: a flowtable offloads flows on {_listed(site.firewall.offloaded)}; no zone's interface is there."
        yield _advice("point-offloads-elsewhere", sentence)


def _speaks(site: _Site) -> Iterator[PreflightFinding]:
    """Find protocols by which another device would take over, or routes would change, while this firewall is isolated."""
    pair = site.planned.pair
    excepted = {VRRP} if pair is not None and pair.own else set[int]()
    spoken = [
        words
        for kind, ports, words in _SPOKEN
        if ports - excepted and any(_uses(socket, kind, ports) for socket in site.firewall.sockets)
    ]
    if spoken:
        in_pair = "Name the pair in the site file with the addresses from which its members send VRRP (docs/pairs.md), stop it, or isolate elsewhere."
        sentence = (
            f"{site.where} speaks {_listed(spoken)}: isolating stops that too, and another device or route may then carry "
            f"what is isolated here. {in_pair if spoken == [_SPOKEN[0][2]] else 'Stop it, or isolate elsewhere.'}"
        )
        yield _refusal("point-speaks-to-peers", sentence)


def _member_addresses(site: _Site) -> Iterator[PreflightFinding]:
    """Find addresses of VRRP that the site names for a member and that it has on no outer interface: what it really sends would be stopped."""
    pair = site.planned.pair
    if pair is None or not pair.own or any(unread.what == "addresses" for unread in site.firewall.unread):
        return
    on_outer = {held.address.ip for held in site.firewall.addresses if held.link in site.outer}
    missing = [address for address in pair.own if address not in on_outer]
    if missing:
        sentence = (
            f"{site.where} has no address {_listed(map(str, missing))} on {_listed(site.outer)}, from which it sends VRRP as pair {pair.pair} says; "
            "while it is isolated the other member would not hear it, and both would be active. Correct vrrp in the site file."
        )
        yield _refusal("pair-address-missing", sentence)
    silent = [
        link
        for link in site.outer
        if any(held.link == link for held in site.firewall.addresses)
        and not any(held.link == link and held.address.ip in pair.own for held in site.firewall.addresses)
        and any(held.link == link and held.address.ip in pair.virtual_addresses for held in site.firewall.addresses)
    ]
    if silent:
        sentence = (
            f"{site.where} has a virtual address of pair {pair.pair} on {_listed(silent)}, an outer interface that this drill isolates, and vrrp "
            "names none of its own addresses there, so the other member would not hear it. Name that address under vrrp in the site file."
        )
        yield _refusal("pair-address-missing", sentence)


def _uses(socket: Socket, kind: str, ports: set[int]) -> bool:
    if socket.kind != kind or socket.address.startswith(_LOOPBACK):
        return False
    return socket.port in ports or (kind == "tcp" and socket.remote_port in ports)


def _leased(site: _Site) -> Iterator[PreflightFinding]:
    """Find outer interfaces whose address runs out unless it is renewed, which isolating stops."""
    leased = {held.link: f"its address {held.address.ip} is leased" for held in site.firewall.addresses if held.leased}
    clients = [socket for socket in site.firewall.sockets if socket.kind == "udp" and socket.port in _DHCP_CLIENT]
    holders = {str(held.address.ip): held.link for held in site.firewall.addresses}
    for client in clients:
        link = client.link or holders.get(client.address)
        if link is not None:
            leased.setdefault(link, f"a DHCP client runs there (UDP port {client.port})")
    for name in (name for name in site.outer if name in leased):
        sentence = (
            f"{site.where}: on {name}, an outer interface that this drill isolates, {leased[name]}; isolating stops the "
            "renewal, and the firewall may lose its address. Give it a fixed address there."
        )
        yield _refusal("point-address-leased", sentence)
    if any(client.link is None and client.address not in holders for client in clients) and not leased:
        sentence = f"{site.where}: a DHCP client runs, and the firewall does not show for which interface."
        yield _advice("point-dhcp-client", sentence)


def _unread(site: _Site) -> Iterator[PreflightFinding]:
    for unread in site.firewall.unread:
        sentence = f"{site.where}: {unread.what} could not be read ({unread.why}), so nothing is known of it here."
        yield _advice("point-part-unread", sentence)


def _unplaced(site: _Site) -> Iterator[PreflightFinding]:
    strayed = {name for name, _, _ in _strayed(site)}
    for name, zones in site.named.items():
        there = site.firewall.link(name) is not None
        if there and name not in strayed and not zones & set(site.leads.get(name, {})):
            sentence = (
                f"{site.where}: no address and no route shows that {name} leads to zone {_listed(sorted(zones))}, as the "
                "site says."
            )
            yield _advice("point-interface-unproven", sentence)


def _unnamed(site: _Site) -> Iterator[PreflightFinding]:
    """Advise of interfaces that are up and that the site does not name; tunnels and VPN ends on their own."""
    has = {held.link for held in site.firewall.addresses if not held.address.is_link_local}
    carriers = {name for name in site.beneath if name not in has}
    others = [
        link
        for link in site.firewall.links
        if link.up and link.name not in {*site.named, *carriers, site.management, "lo"} and link.kind != "dummy"
    ]
    tunnels = [f"{link.name} ({link.kind})" for link in others if link.kind in TUNNELS]
    plain = [link.name for link in others if link.kind not in TUNNELS]
    if plain:
        sentence = (
            f"{site.where} has interfaces that the site names for no zone: {_listed(plain)}; what passes there is not "
            "isolated, and no probe watches it."
        )
        yield _advice("point-interface-unnamed", sentence)
    named = [
        f"{name} ({link.kind})" for name in site.named if (link := site.firewall.link(name)) and link.kind in TUNNELS
    ]
    if any(_uses(socket, "udp", _IKE) for socket in site.firewall.sockets):
        tunnels.append("IPsec (UDP port 500 or 4500 is open)")
    if tunnels or named:
        sentence = (
            f"{site.where} ends tunnels: {_listed((*tunnels, *named))}; who is at the other end does not show here, and what "
            "comes out of a tunnel carries the tunnel's name."
        )
        yield _advice("point-tunnel", sentence)


def _across_management(site: _Site) -> Iterator[PreflightFinding]:
    link = site.management
    if link is None or link in site.named:
        return
    zones = [zone for zone in site.zones if zone in site.leads.get(link, {})]
    if zones:
        sentence = (
            f"{site.where}: the management interface {link} leads to zone {_listed(zones)} and is never isolated; what the "
            "firewall forwards between it and other interfaces goes on."
        )
        yield _advice("point-management-across", sentence)
