"""Rows of refusals: what probes would show, and what devices can do."""

from __future__ import annotations

from tests.core.given import put
from tests.core.spoilt import FIREWALL, HOST_V4, Row, adding, both, tcp, without

SEVERED_VENDOR = ("vendor-to-hmi", "vendor-to-hmi-v6", "line3-to-vendor", "line3-to-vendor-v6", "vendor-canary")

PATHS = (
    Row(
        "a severed probe that crosses a conduit which stays open",
        adding("drill", "severed", "view", **tcp("here", "10.20.0.10")),
        "drill",
        ("severed", 15),
        "Severed probe view crosses no conduit that this drill isolates (corporate-dmz, corporate-line3, "
        "remote-access): it crosses dmz-line3. Give it a vantage on the other side, isolate dmz-line3 in a stage, or take it out.",
    ),
    Row(
        "a severed probe from the same side",
        adding("drill", "severed", "inside", **tcp("here", "10.40.0.10", 502)),
        "drill",
        ("severed", 15),
        "Severed probe inside crosses no conduit that this drill isolates (corporate-dmz, corporate-line3, "
        "remote-access): it stays inside zone line3. Give it a vantage on the other side, or take it out.",
    ),
    Row(
        "a severed probe whose vantage lacks the family",
        both(
            lambda at: put(at.site, "vantages", "spare", HOST_V4),
            adding("drill", "severed", "lame", **tcp("spare", "fd10:40::20")),
        ),
        "drill",
        ("severed", 15),
        "Probe lame asks fd10:40::20, but its vantage spare has no IPv6 address to ask from; give the vantage such an address.",
    ),
    Row(
        "a severed probe to nowhere",
        adding("drill", "severed", "lost", **tcp("here", "192.0.2.7")),
        "drill",
        ("severed", 15),
        "Probe lost asks 192.0.2.7, which lies in no zone's networks, so its path is not known; correct the address.",
    ),
    Row(
        "a severed probe where no conduit is",
        adding("drill", "severed", "far", **tcp("vendor", "10.10.0.10")),
        "drill",
        ("severed", 15),
        "Probe far goes from zone vendors to zone corporate, and the site has no conduit between them, so its path "
        "is not known; declare that conduit, or take the probe out.",
    ),
    Row(
        "a continuity probe that crosses the isolation",
        adding("drill", "continuity", "mixer-seen", **tcp("office", "10.40.0.10", 502)),
        "drill",
        ("continuity", 4),
        "Continuity probe mixer-seen must stay alive, but its path crosses corporate-line3, which this drill "
        "isolates; ask from a vantage in zone line3.",
    ),
    Row(
        "a continuity probe to nowhere",
        adding("drill", "continuity", "lost", **tcp("here", "192.0.2.7")),
        "drill",
        ("continuity", 4),
        "Probe lost asks 192.0.2.7, which lies in no zone's networks, so its path is not known; correct the address.",
    ),
    Row(
        "no continuity probe in the OT zone beside the isolation",
        lambda at: (at.drill.update(continuity=["historian-buffer"]), at.drill.pop("abort_when")),
        "drill",
        ("continuity",),
        "No continuity probe asks anything in OT zone line3, which lies next to a conduit that this drill isolates; "
        "without one nobody would see the plant stop.",
    ),
    Row(
        "IPv6 inward not crossed",
        without("office-to-plc-v6"),
        "drill",
        ("stages", 1, "isolate", 1),
        "Stage corporate isolates corporate-line3, but no severed probe crosses it inward over IPv6 (inward is "
        "corporate to line3); what no probe crosses is not tested, so add one for each.",
    ),
    Row(
        "outward not crossed in either family",
        without("historian-to-erp", "historian-to-erp-v6"),
        "drill",
        ("stages", 1, "isolate", 0),
        "Stage corporate isolates corporate-dmz, but no severed probe crosses it outward over IPv4, outward over "
        "IPv6 (inward is corporate to dmz); what no probe crosses is not tested, so add one for each.",
    ),
    Row(
        "a conduit not crossed at all",
        both(
            without(*SEVERED_VENDOR),
            lambda at: put(at.drill, "stages", 0, "isolate", ["remote-access", "corporate-dmz"]),
            lambda at: put(at.drill, "stages", 1, "isolate", ["corporate-line3"]),
        ),
        "drill",
        ("stages", 0, "isolate", 0),
        "Stage vendors isolates remote-access, but no severed probe crosses it inward over IPv4, inward over IPv6, "
        "outward over IPv4, outward over IPv6 (inward is vendors to line3); what no probe crosses is not tested, so "
        "add one for each.",
    ),
    Row(
        "a way that only a canary crosses",
        without("office-to-plc"),
        "drill",
        ("stages", 1, "isolate", 1),
        "Stage corporate isolates corporate-line3, but only a canary crosses it inward over IPv4 (inward is corporate to "
        "line3); a held connection need not come back, so nothing would show that this is restored. Add a probe that opens "
        "fresh connections for each.",
    ),
    Row(
        "a way that only a canary crosses, though no flow is declared there",
        both(
            lambda at: at.site["conduits"]["corporate-line3"]["flows"].pop(0),
            without("office-to-plc", "office-to-plc-v6"),
        ),
        "drill",
        ("stages", 1, "isolate", 1),
        "Stage corporate isolates corporate-line3, but only a canary crosses it inward over IPv4",
    ),
    Row(
        "a stage that only isolates what the allow-list permits nothing on",
        both(without(*SEVERED_VENDOR), lambda at: put(at.site, "conduits", "remote-access", "flows", [])),
        "drill",
        ("stages", 0, "isolate"),
        "No severed probe crosses what stage vendors isolates (remote-access), so nothing would show that it came into "
        "effect; add probes, or isolate it in a stage that has some.",
    ),
    Row(
        "a stop rule on a probe that nobody hears",
        lambda at: put(at.drill, "abort_when", 1, "probe", "historian-buffer"),
        "drill",
        ("abort_when", 1, "probe"),
        'abort_when watches historian-buffer, but nothing is heard from its vantage "historian" while the plant is '
        'isolated; use a probe from vantage "here".',
    ),
    Row(
        "a stop rule on a probe that must die",
        lambda at: put(at.drill, "abort_when", 1, "probe", "line3-to-erp"),
        "drill",
        ("abort_when", 1, "probe"),
        "abort_when watches line3-to-erp, which must die in this drill and so would always stop it; use a continuity "
        "probe.",
    ),
)

DEVICES = (
    Row(
        "a conduit with no isolation point",
        lambda at: at.site["isolation_points"]["conduit-firewall"]["isolates"].remove("corporate-dmz"),
        "drill",
        ("stages", 1, "isolate", 0),
        "Conduit corporate-dmz has no isolation point; name it under isolates of the device that can isolate it.",
    ),
    Row(
        "management in the isolated zone",
        lambda at: put(at.site, *FIREWALL, "management", {"address": "10.10.0.1", "zone": "corporate"}),
        "site",
        (*FIREWALL, "management", "zone"),
        "conduit-firewall is managed at 10.10.0.1 in zone corporate, out of reach of the operations host in zone "
        "line3 once corporate-line3 is isolated; manage it from the operations host's side.",
    ),
    Row(
        "management at an address of another zone",
        lambda at: put(at.site, *FIREWALL, "management", "address", "10.15.0.1"),
        "site",
        (*FIREWALL, "management", "zone"),
        "Isolation point conduit-firewall is managed from zone line3, but its management address 10.15.0.1 lies in zone "
        "vendors; correct the zone or the address.",
    ),
    Row(
        "a conduit that protects the DMZ from the plant",
        lambda at: put(at.site, "conduits", "dmz-line3", "between", ["line3", "dmz"]),
        "site",
        ("conduits", "dmz-line3", "between"),
        "Conduit dmz-line3 names zone line3 (level 2) as its outer zone and dmz (level 3.5) as its inner zone; "
        "write the outer zone first: between: [dmz, line3].",
    ),
    Row(
        "a flow that must never be interrupted",
        lambda at: put(at.site, "conduits", "remote-access", "flows", 0, "never_cut", "safety"),
        "site",
        ("conduits", "remote-access", "flows", 0, "never_cut"),
        "Flow vendor-to-hmi is marked never_cut: safety (owner Line 3 maintenance), and stage vendors isolates its "
        "conduit remote-access; take the conduit out of the drill or give the flow a path of its own.",
    ),
    Row(
        "a flow listed under the wrong conduit",
        lambda at: put(at.site, "conduits", "dmz-line3", "flows", 0, "source", ["10.10.0.10"]),
        "site",
        ("conduits", "dmz-line3", "flows", 0, "source", 0),
        "Flow historian-to-plcs is listed under conduit dmz-line3, but its source 10.10.0.10 lies in zone corporate; "
        "list it under the conduit that carries it, or nobody can say when it dies.",
    ),
    Row(
        "a hold too long for a device that cannot renew",
        lambda at: (put(at.site, *FIREWALL, "renewable", False), put(at.drill, "stages", 1, "hold", "3 min")),
        "drill",
        ("stages", 1, "hold"),
        "conduit-firewall cannot renew its timer and allows 180 s, but this drill needs 213 s: 188 s of hold, 2 x 5 s "
        "to isolate, 10 s to restore and 5 s of margin; shorten the holds.",
    ),
    Row(
        "holds whose sum is too long, although each alone is not",
        lambda at: (
            put(at.site, *FIREWALL, "renewable", False),
            put(at.drill, "limits", "dead_man", "44 s"),
        ),
        "drill",
        ("stages", 1, "hold"),
        "conduit-firewall cannot renew its timer and allows 44 s, but this drill needs 45 s:",
    ),
    Row(
        "a dead-man longer than the site allows",
        lambda at: put(at.site, *FIREWALL, "dead_man_max", "2 min"),
        "drill",
        ("limits", "dead_man"),
        "dead_man (180 s) is longer than conduit-firewall allows (120 s); shorten it.",
    ),
    Row(
        "isolating slower than the dead-man",
        lambda at: put(at.drill, "limits", "isolate_within", "3 min"),
        "drill",
        ("limits", "isolate_within"),
        "isolate_within (180 s) must be less than dead_man (180 s), or the device's own timer would act first; "
        "shorten it or lengthen dead_man.",
    ),
    Row(
        "restoring slower than the dead-man",
        lambda at: put(at.drill, "limits", "restore_within", "1 h"),
        "drill",
        ("limits", "restore_within"),
        "restore_within (3600 s) must be less than dead_man (180 s), or the device's own timer would act first; "
        "shorten it or lengthen dead_man.",
    ),
    Row(
        "a gap too short to be seen",
        lambda at: put(at.drill, "limits", "longest_ot_gap", "100 ms"),
        "drill",
        ("limits", "longest_ot_gap"),
        "longest_ot_gap (0.1 s) must be more than sample_every (0.1 s): a gap shorter than the time between two "
        "samples cannot be seen; lengthen longest_ot_gap or shorten sample_every.",
    ),
    Row(
        "a settling too short for two samples",
        lambda at: at.drill.update(settle="150 ms"),
        "drill",
        ("settle",),
        "settle (0.15 s) must be at least twice sample_every (0.1 s): what comes back after a restore is seen by samples within it; "
        "lengthen settle or shorten sample_every.",
    ),
    Row(
        "more samples than a vantage can keep",
        lambda at: [put(at.drill, "stages", 0, "hold", "2000 h"), at.drill.update(sample_every="20 ms", settle="1 s")],
        "drill",
        ("sample_every",),
        "sample_every (0.02 s) gives 2520 million samples at vantage here, which may need 50 GB, and a vantage keeps at most 4 GB; "
        "lengthen it, or shorten the holds.",
    ),
    Row(
        "a probe that asks without a pause",
        lambda at: at.drill.update(sample_every="19 ms"),
        "drill",
        ("sample_every",),
        "sample_every (19 ms) must be at least 20 ms: a probe must not burden the devices that run the plant; lengthen it.",
    ),
)
