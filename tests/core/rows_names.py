"""Rows of refusals: names and addresses."""

from __future__ import annotations

from tests.core.given import put
from tests.core.spoilt import HOST_V4, Row, both, carrier_outside, second_firewall, without

CONDUITS = "corporate-dmz, corporate-line3, dmz-line3, remote-access"
VANTAGES = "erp, here, historian, office, vendor"

NAMES = (
    Row(
        "the site is another one",
        lambda at: put(at.drill, "site", "lakeside"),
        "drill",
        ("site",),
        'The drill is for site "lakeside", but this site is "riverside"; correct the name.',
    ),
    Row(
        "a conduit that does not exist",
        lambda at: put(at.drill, "stages", 0, "isolate", 0, "remote-acess"),
        "drill",
        ("stages", 0, "isolate", 0),
        f'There is no conduit "remote-acess"; known: {CONDUITS}. Did you mean "remote-access"?',
    ),
    Row(
        "a conduit left open that does not exist",
        lambda at: put(at.drill, "left_open", [{"conduit": "modem", "accepted_by": "Ann"}]),
        "drill",
        ("left_open", 0, "conduit"),
        f'There is no conduit "modem"; known: {CONDUITS}.',
    ),
    Row(
        "a conduit both isolated and left open",
        lambda at: put(at.drill, "left_open", [{"conduit": "corporate-dmz", "accepted_by": "Ann"}]),
        "drill",
        ("left_open", 0, "conduit"),
        "Conduit corporate-dmz is left open, but stage corporate isolates it; take it out of one of the two.",
    ),
    Row(
        "a conduit left open that lies within the boundary",
        lambda at: put(at.drill, "left_open", [{"conduit": "dmz-line3", "accepted_by": "Ann"}]),
        "drill",
        ("left_open", 0, "conduit"),
        "Conduit dmz-line3 is left open, but does not cross the boundary of what this drill isolates (dmz and line3): both of "
        "its zones, dmz and line3, lie within it. It stays open without being accepted, so take it out of left_open.",
    ),
    Row(
        "a conduit left open that lies outside the boundary",
        both(carrier_outside, lambda at: put(at.drill, "left_open", [{"conduit": "uplink", "accepted_by": "Ann"}])),
        "drill",
        ("left_open", 0, "conduit"),
        "Conduit uplink is left open, but does not cross the boundary of what this drill isolates (dmz and line3): both of its "
        "zones, carrier and corporate, lie outside it. It stays open without being accepted, so take it out of left_open.",
    ),
    Row(
        "a conduit left open twice",
        lambda at: put(
            at.drill, "left_open", [{"conduit": "dmz-line3", "accepted_by": name} for name in ("Ann", "Bo")]
        ),
        "drill",
        ("left_open", 1, "conduit"),
        "Conduit dmz-line3 is left open twice; accept it once.",
    ),
    Row(
        "a probe that does not exist",
        lambda at: put(at.drill, "severed", 0, "zzz"),
        "drill",
        ("severed", 0),
        'There is no probe "zzz"; known: erp-canary, erp-to-historian, erp-to-historian-v6, filler-alarm, filler-bypass, filler-in-batch, filler-running, historian-buffer, '
        "historian-to-erp, historian-to-erp-v6, hmi-line3, line3-to-erp, line3-to-erp-v6, line3-to-vendor, "
        "line3-to-vendor-v6, office-canary, office-to-plc, office-to-plc-v6, plc-filler, plc-mixer, vendor-canary, "
        "vendor-to-hmi, vendor-to-hmi-v6.",
    ),
    Row(
        "a continuity probe that does not exist",
        lambda at: at.drill["continuity"].append("plc-filer"),
        "drill",
        ("continuity", 4),
        'There is no probe "plc-filer"; known: ',
    ),
    Row(
        "a rule on a probe that is not in the drill",
        lambda at: (without("line3-to-erp")(at), put(at.drill, "abort_when", 0, "probe", "line3-to-erp")),
        "drill",
        ("abort_when", 0, "probe"),
        "There is no probe in this drill named",
    ),
    Row(
        "a vantage that does not exist",
        lambda at: put(at.probes, "plc-filler", "vantage", "hear"),
        "probes",
        ("plc-filler", "vantage"),
        f'There is no vantage "hear"; known: {VANTAGES}. Did you mean "here"?',
    ),
    Row(
        "a conduit to a zone that does not exist",
        lambda at: put(at.site, "conduits", "remote-access", "between", 0, "vendor"),
        "site",
        ("conduits", "remote-access", "between", 0),
        'There is no zone "vendor"; known: corporate, dmz, line3, vendors. Did you mean "vendors"?',
    ),
    Row(
        "a vantage in a zone that does not exist",
        lambda at: put(at.site, "vantages", "erp", "zone", "office"),
        "site",
        ("vantages", "erp", "zone"),
        'There is no zone "office"; known: corporate, dmz, line3, vendors.',
    ),
    Row(
        "a device in a zone that does not exist",
        lambda at: put(at.site, "isolation_points", "conduit-firewall", "management", "zone", "line4"),
        "site",
        ("isolation_points", "conduit-firewall", "management", "zone"),
        'There is no zone "line4"; known: corporate, dmz, line3, vendors. Did you mean "line3"?',
    ),
    Row(
        "an interface towards a zone that does not exist",
        lambda at: put(at.site, "isolation_points", "conduit-firewall", "interfaces", "guests", ["eth9"]),
        "site",
        ("isolation_points", "conduit-firewall", "interfaces", "guests"),
        'There is no zone "guests"; known: corporate, dmz, line3, vendors.',
    ),
    Row(
        "a device that isolates what does not exist",
        lambda at: put(at.site, "isolation_points", "conduit-firewall", "isolates", 3, "dmz-line4"),
        "site",
        ("isolation_points", "conduit-firewall", "isolates", 3),
        f'There is no conduit "dmz-line4"; known: {CONDUITS}. Did you mean "dmz-line3"?',
    ),
    Row(
        "no vantage on the operations host",
        lambda at: (
            put(at.site, "vantages", "there", at.site["vantages"].pop("here")),
            [probe.update(vantage="there") for probe in at.probes.values() if probe["vantage"] == "here"],
        ),
        "site",
        ("vantages",),
        'The site needs a vantage named "here": the operations host, from which the drill is run and the plant is '
        "watched; known: erp, historian, office, there, vendor.",
    ),
    Row(
        "a conduit from a zone to itself",
        lambda at: put(at.site, "conduits", "dmz-line3", "between", ["dmz", "dmz"]),
        "site",
        ("conduits", "dmz-line3", "between"),
        'Conduit dmz-line3 has zone "dmz" on both ends; it must join two zones.',
    ),
    Row(
        "two conduits between two zones",
        lambda at: put(at.site, "conduits", "dmz-line3", "between", ["dmz", "corporate"]),
        "site",
        ("conduits", "dmz-line3", "between"),
        "Conduits corporate-dmz and dmz-line3 both join dmz and corporate; a conduit is the only path between two "
        "zones, so write them as one conduit.",
    ),
    Row(
        "two stages of one name",
        lambda at: put(at.drill, "stages", 1, "name", "vendors"),
        "drill",
        ("stages", 1, "name"),
        'Two stages are named "vendors"; give each stage a name of its own.',
    ),
    Row(
        "a conduit in two stages",
        lambda at: at.drill["stages"][1]["isolate"].append("remote-access"),
        "drill",
        ("stages", 1, "isolate", 2),
        "Conduit remote-access is isolated twice, in stages vendors and corporate; a stage keeps what earlier stages "
        "isolated, so name it once.",
    ),
    Row(
        "a probe listed twice",
        lambda at: at.drill["continuity"].append("plc-filler"),
        "drill",
        ("continuity", 4),
        "Probe plc-filler is listed twice under continuity; list it once.",
    ),
    Row(
        "a probe that must live and die",
        lambda at: at.drill["severed"].append("plc-filler"),
        "drill",
        ("severed", 15),
        "Probe plc-filler is listed under continuity and under severed; it cannot stay alive and die.",
    ),
)


ADDRESSES = (
    Row(
        "two devices at one address",
        lambda at: second_firewall(at, management={"address": "172.31.255.1", "zone": "line3"}),
        "site",
        ("isolation_points", "inner-firewall", "management", "address"),
        "Isolation point inner-firewall has the address 172.31.255.1 of isolation point conduit-firewall; two devices "
        "cannot share one, so correct one of them.",
    ),
    Row(
        "two devices at one address, written in two ways",
        lambda at: second_firewall(at, management={"address": "::ffff:172.31.255.1", "zone": "line3"}),
        "site",
        ("isolation_points", "inner-firewall", "management", "address"),
        "Isolation point inner-firewall has the address",
    ),
    Row(
        "a vantage at another's address",
        lambda at: put(at.site, "vantages", "office", "address", ["10.10.0.10", "fd10:10::20"]),
        "site",
        ("vantages", "office", "address", 0),
        "Vantage office has the address 10.10.0.10 of vantage erp; two devices cannot share one, so correct one of them.",
    ),
    Row(
        "a device at an address of one interface",
        lambda at: put(at.site, "isolation_points", "conduit-firewall", "management", "address", "fe80::1%eth0"),
        "site",
        ("isolation_points", "conduit-firewall", "management", "address"),
        "Isolation point conduit-firewall has the address fe80::1%eth0, which is valid on one interface of one machine only; write "
        'an address without "%".',
    ),
    Row(
        "a vantage outside its zone",
        lambda at: put(at.site, "vantages", "spare", {**HOST_V4, "zone": "dmz"}),
        "site",
        ("vantages", "spare", "address", 0),
        "Vantage spare stands in zone dmz, but its address 10.15.0.20 lies in zone vendors; correct the zone or the address.",
    ),
    Row(
        "a vantage outside every zone",
        lambda at: put(at.site, "vantages", "spare", {**HOST_V4, "address": ["192.0.2.1"]}),
        "site",
        ("vantages", "spare", "address", 0),
        "Vantage spare stands in zone vendors, but its address 192.0.2.1 lies in no zone's networks; correct the zone or the address.",
    ),
)
