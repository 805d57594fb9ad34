"""Rows of refusals: a site that contradicts itself, whatever drill is run there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.core.given import Documents, put
from tests.core.spoilt import FIREWALL, Row

ERP = ("conduits", "corporate-dmz", "flows", 0)


def adding_network(zone: str, *networks: str) -> Callable[[Documents], object]:
    """Add networks to a zone."""
    return lambda at: at.site["zones"][zone]["networks"].extend(networks)


def flow(**changes: Any) -> Callable[[Documents], object]:
    """Change the flow erp-to-historian, from 10.10.0.10 in corporate to 10.20.0.10 in the DMZ."""
    return lambda at: at.site["conduits"]["corporate-dmz"]["flows"][0].update(changes)


ZONES = (
    Row(
        "one network in two zones",
        adding_network("dmz", "10.10.0.0/24"),
        "site",
        ("zones", "dmz", "networks", 2),
        "Network 10.10.0.0/24 stands in zone corporate and in zone dmz; an address is in one zone only, so take the network "
        "out of one of them.",
    ),
    Row(
        "one network twice",
        adding_network("dmz", "10.20.0.0/24"),
        "site",
        ("zones", "dmz", "networks", 2),
        "Network 10.20.0.0/24 is listed twice in zone dmz; list it once.",
    ),
    Row(
        "a DMZ of everything",
        adding_network("dmz", "0.0.0.0/0"),
        "site",
        ("zones", "dmz", "networks", 2),
        "Network 0.0.0.0/0 of zone dmz (level 3.5) holds every IPv4 address; only a zone of level 5, the outside, may be that "
        "wide, so write the networks that this zone has.",
    ),
    Row(
        "a company of half of everything",
        adding_network("corporate", "128.0.0.0/1"),
        "site",
        ("zones", "corporate", "networks", 2),
        "Network 128.0.0.0/1 of zone corporate (level 4) holds 1/2 of all IPv4 addresses; only",
    ),
    Row(
        "a line of the whole IPv6 internet",
        adding_network("line3", "2000::/3"),
        "site",
        ("zones", "line3", "networks", 6),
        "Network 2000::/3 of zone line3 (level 2) holds 1/8 of all IPv6 addresses; only",
    ),
    Row(
        "a network of no host",
        adding_network("line3", "224.0.0.0/8"),
        "site",
        ("zones", "line3", "networks", 6),
        "Network 224.0.0.0/8 of zone line3 holds multicast addresses, which no host of a plant has; take it out.",
    ),
    Row(
        "a network of one interface",
        adding_network("line3", "fe80::%eth0/64"),
        "site",
        ("zones", "line3", "networks", 6),
        'Network fe80::%eth0/64 of zone line3 is valid on one interface of one machine only; write it without "%".',
    ),
    Row(
        "a network of the host itself",
        adding_network("line3", "127.0.0.0/8"),
        "site",
        ("zones", "line3", "networks", 6),
        "Network 127.0.0.0/8 of zone line3 holds loopback addresses, which no host of a plant has; take it out.",
    ),
)

FLOWS = (
    Row(
        "a source in no zone",
        flow(source=["10.10.0.10", "192.0.2.9"]),
        "site",
        (*ERP, "source", 1),
        "Flow erp-to-historian has the source 192.0.2.9, which lies in no zone's networks; correct it, or add its network to "
        "zone corporate or dmz.",
    ),
    Row(
        "a destination in no zone",
        flow(destination="192.0.2.0/24"),
        "site",
        (*ERP, "destination", 0),
        "Flow erp-to-historian has the destination 192.0.2.0/24, which lies in no zone's networks;",
    ),
    Row(
        "a source of everything",
        flow(source="0.0.0.0/0"),
        "site",
        (*ERP, "source", 0),
        "Flow erp-to-historian has the source 0.0.0.0/0, which lies partly in zone corporate and partly in zone dmz and partly "
        "in zone line3 and partly in zone vendors and partly in no zone; write the networks that are meant, each in one zone.",
    ),
    Row(
        "a destination in a third zone",
        flow(destination="10.40.0.0/28"),
        "site",
        (*ERP, "destination", 0),
        "Flow erp-to-historian is listed under conduit corporate-dmz, but its destination 10.40.0.0/28 lies in zone line3; list "
        "it under the conduit that carries it, or nobody can say when it dies.",
    ),
    Row(
        "both ends in one zone",
        flow(destination="10.10.0.20"),
        "site",
        ERP,
        "Flow erp-to-historian has sources and destinations in zone corporate; all of its sources must be on one side of "
        "conduit corporate-dmz and all of its destinations on the other, so write a flow for each direction.",
    ),
    Row(
        "both directions in one flow",
        flow(source=["10.10.0.10", "10.20.0.10"], destination=["10.20.0.10", "10.10.0.10"]),
        "site",
        ERP,
        "Flow erp-to-historian has sources and destinations in zone corporate and dmz;",
    ),
    Row(
        "ends of two families",
        flow(source="10.10.0.10", destination="fd10:20::10"),
        "site",
        ERP,
        "Flow erp-to-historian has no source and destination of one address family, so it permits nothing; add one.",
    ),
    Row(
        "two flows of one name under one conduit",
        lambda at: put(at.site, "conduits", "corporate-dmz", "flows", 1, "name", "erp-to-historian"),
        "site",
        ("conduits", "corporate-dmz", "flows", 1, "name"),
        "Flow erp-to-historian stands twice under conduit corporate-dmz; give each flow of a site a name of its own.",
    ),
    Row(
        "two flows of one name under two conduits",
        lambda at: put(at.site, "conduits", "dmz-line3", "flows", 1, "name", "erp-to-historian"),
        "site",
        ("conduits", "dmz-line3", "flows", 1, "name"),
        "Flow erp-to-historian stands under conduits corporate-dmz and dmz-line3; give each flow of a site a name of its own.",
    ),
)

POINTS = (
    Row(
        "the lab password of a point that is not there",
        lambda at: put(at.site, *FIREWALL, "login", "password", "lab:conduit-firewal"),
        "site",
        (*FIREWALL, "login", "password"),
        '"password" names a secret that no lab makes; a lab keeps the password of conduit-firewall under that name, so write '
        "lab:conduit-firewall.",
    ),
    Row(
        "the lab password of another point",
        lambda at: put(
            at.site,
            "isolation_points",
            "second",
            {
                **at.site["isolation_points"]["conduit-firewall"],
                "management": {"address": "172.31.255.9", "zone": "line3"},
            },
        ),
        "site",
        ("isolation_points", "second", "login", "password"),
        '"password" is lab:conduit-firewall, the password of another isolation point; a lab keeps the password of second under that name, so write '
        "lab:second.",
    ),
    Row(
        "a key of the lab",
        lambda at: put(at.site, *FIREWALL, "login", {"user": "islandmode", "key": "lab:conduit-firewall"}),
        "site",
        (*FIREWALL, "login", "key"),
        "A lab makes a password for each isolation point and no key; write `password: lab:conduit-firewall` instead.",
    ),
    Row(
        "a password for enable that nobody would type",
        lambda at: put(at.site, *FIREWALL, "login", "enable", "file:enable"),
        "site",
        (*FIREWALL, "login", "enable"),
        'conduit-firewall: "enable" names a password that is typed only with become: enable; write that too, or leave it out.',
    ),
)

SITES = (*ZONES, *FLOWS, *POINTS)
