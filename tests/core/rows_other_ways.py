"""Rows of refusals: other ways round a conduit, and targets that stand for another address."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.core.given import Documents, put
from tests.core.spoilt import Row, adding, both, carrier_outside, tcp

MODEM = "filler-modem"
CONDUITS = "corporate-dmz, corporate-line3, dmz-line3, remote-access"
ZONES = "corporate, dmz, line3, vendors"


def other_way(name: str = MODEM, **more: Any) -> Callable[[Documents], object]:
    """Declare a modem round the remote access."""
    way = {"round": "remote-access", "what": "cellular modem on the filler", "owner": "Line 3 maintenance", **more}
    return lambda at: at.site.setdefault("other_ways", {}).update({name: way})


def by_modem(role: str = "severed", **more: Any) -> Callable[[Documents], object]:
    """Let a probe ask the HMI through the modem."""
    return adding("drill", role, "modem-to-hmi", **{**tcp("vendor", "10.40.0.20"), "by": MODEM, **more})


def translated(**more: Any) -> Callable[[Documents], object]:
    """Let a probe ask the PLC by an address of the corporate network."""
    return adding(
        "drill", "severed", "office-to-nat", **{**tcp("office", "10.10.0.99", 502), "stands_for": "10.40.0.10", **more}
    )


OTHER_WAYS = (
    Row(
        "a way round no conduit",
        other_way(round="remote-acess"),
        "site",
        ("other_ways", MODEM, "round"),
        f'There is no conduit "remote-acess"; known: {CONDUITS}. Did you mean "remote-access"?',
    ),
    Row(
        "a way between zones that do not exist",
        other_way(between=["carrier", "line3"]),
        "site",
        ("other_ways", MODEM, "between", 0),
        f'There is no zone "carrier"; known: {ZONES}.',
    ),
    Row(
        "a way within a zone",
        other_way(between=["line3", "line3"]),
        "site",
        ("other_ways", MODEM, "between"),
        f'Other way {MODEM} has zone "line3" on both ends; it must join two zones.',
    ),
    Row(
        "a way with the name of a conduit",
        other_way("dmz-line3"),
        "site",
        ("other_ways", "dmz-line3"),
        "Other way dmz-line3 has the name of a conduit; give it a name of its own.",
    ),
    Row(
        "a way between the zones of another conduit",
        other_way(between=["dmz", "line3"]),
        "site",
        ("other_ways", MODEM, "between"),
        f"Other way {MODEM} joins dmz and line3 as conduit dmz-line3 does, and so leads round that; write round: dmz-line3, and leave "
        "between out.",
    ),
    Row(
        "a way that leads outwards",
        both(carrier_outside, other_way(between=["line3", "carrier"])),
        "site",
        ("other_ways", MODEM, "between"),
        f"Other way {MODEM} leads into carrier, which is neither line3, the inner zone of remote-access, nor an OT zone; write the outer "
        "zone first, or correct the zones.",
    ),
)
"""What is wrong in a site by itself."""
BY_OTHER_WAYS = (
    Row(
        "a probe by a way that does not exist",
        both(other_way(), by_modem(by="filer-modem")),
        "probes",
        ("modem-to-hmi", "by"),
        f'There is no other way "filer-modem"; known: {MODEM}. Did you mean "{MODEM}"?',
    ),
    Row(
        "a probe by a way, of a site that has none",
        by_modem(),
        "probes",
        ("modem-to-hmi", "by"),
        f'There is no other way "{MODEM}"; known: none.',
    ),
    Row(
        "a probe whose vantage is not beyond its way",
        both(other_way(), by_modem(vantage="office")),
        "drill",
        ("severed", 15),
        f"Probe modem-to-hmi goes by {MODEM}, which joins vendors and line3, but from zone corporate to zone line3; ask from a vantage "
        "beyond that way, for a host on its other side.",
    ),
    Row(
        "a severed probe by a way round what stays open",
        both(other_way(round="dmz-line3"), by_modem(vantage="historian")),
        "drill",
        ("severed", 15),
        f"Severed probe modem-to-hmi goes by {MODEM}, which leads round dmz-line3, and this drill does not isolate that "
        "(corporate-dmz, corporate-line3, remote-access); isolate dmz-line3 in a stage, or take the probe out.",
    ),
    Row(
        "a continuity probe by a way round what is isolated",
        both(other_way(), by_modem("continuity")),
        "drill",
        ("continuity", 4),
        f"Continuity probe modem-to-hmi must stay alive, but goes by {MODEM}, by which nothing may pass while remote-access is "
        "isolated; ask from a vantage in zone line3, or list it under severed.",
    ),
    Row(
        "a target that stands for an address in no zone",
        translated(stands_for="192.0.2.9"),
        "drill",
        ("severed", 15),
        "Probe office-to-nat asks 10.10.0.99, which stands for 192.0.2.9, and that lies in no zone's networks, so its path is not "
        "known; correct the address.",
    ),
    Row(
        "a target that stands for an address on the same side",
        translated(stands_for="10.10.0.50"),
        "drill",
        ("severed", 15),
        "Severed probe office-to-nat crosses no conduit that this drill isolates (corporate-dmz, corporate-line3, remote-access): it "
        "stays inside zone corporate. Give it a vantage on the other side, or take it out.",
    ),
    Row(
        "only a probe by an other way is left for a direction",
        both(
            other_way("second-link", round="corporate-line3"),
            lambda at: put(at.probes["office-to-plc"], "by", "second-link"),
            lambda at: at.drill["severed"].remove("office-canary"),
        ),
        "drill",
        ("stages", 1, "isolate", 1),
        "Stage corporate isolates corporate-line3, but no severed probe crosses it inward over IPv4",
    ),
)
