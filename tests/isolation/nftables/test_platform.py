"""nftables as a platform: what it refuses of a site, each at its place, and what it makes of two configurations."""

from __future__ import annotations

import pytest

from islandmode import isolation
from islandmode.core.planning.plan_drill import check
from islandmode.isolation import incoming
from islandmode.isolation.nftables.platform import NFTABLES
from islandmode.isolation.table import IN_CODE
from tests.core.given import given, put
from tests.core.spoilt import FIREWALL, Row

ROWS = (
    Row(
        "no interface towards the zone of a conduit that this drill leaves open",
        lambda at: put(
            at.site,
            "isolation_points",
            "second",
            {
                **at.site["isolation_points"]["conduit-firewall"],
                "management": {"address": "172.31.255.9", "zone": "line3"},
                "login": {"user": "islandmode", "password": "lab:second"},
                "isolates": ["dmz-line3"],
                "interfaces": {"line3": ["eth4"]},
            },
        ),
        "site",
        ("isolation_points", "second", "interfaces"),
        "second isolates dmz-line3 but names no interface towards zone dmz; add it under interfaces.",
    ),
    Row(
        "an interface that leads to two zones",
        lambda at: put(at.site, *FIREWALL, "interfaces", "dmz", ["eth3", "eth4"]),
        "site",
        (*FIREWALL, "interfaces", "line3"),
        "Interface eth4 of conduit-firewall leads to zone dmz and to zone line3, so isolating by interface would not part them; "
        "name it under the one zone that it leads to.",
    ),
    Row(
        "no interface towards a zone",
        lambda at: at.site["isolation_points"]["conduit-firewall"]["interfaces"].pop("vendors"),
        "site",
        (*FIREWALL, "interfaces"),
        "conduit-firewall isolates remote-access but names no interface towards zone vendors; add it under interfaces.",
    ),
    Row(
        "a word that is no interface",
        lambda at: put(at.site, *FIREWALL, "interfaces", "dmz", ["eth3", "eth 4"]),
        "site",
        (*FIREWALL, "interfaces", "dmz", 1),
        'conduit-firewall: "eth 4" is no interface name; it has 1 to 15 letters, digits or _.:@-.',
    ),
    Row(
        "an option, of which it has none",
        lambda at: put(at.site, *FIREWALL, "options", {"vdom": "plant"}),
        "site",
        (*FIREWALL, "options", "vdom"),
        'There is no option of nftables named "vdom"; known: none.',
    ),
    Row(
        "a router's way to more rights",
        lambda at: put(at.site, *FIREWALL, "login", "become", "enable"),
        "site",
        (*FIREWALL, "login", "become"),
        "conduit-firewall is a Linux firewall, where nobody says enable; write become: sudo, or root if the account is root.",
    ),
)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_one_fault_makes_one_problem_at_its_place(row: Row) -> None:
    spoilt = given(row.spoil)
    assert check(spoilt.drill, spoilt.site, spoilt.probes) == ()
    assert [(one.source, one.path, one.sentence) for one in isolation.problems(spoilt.site)] == [
        (row.source, row.path, row.sentence)
    ]


def test_a_site_without_a_fault_has_no_problem() -> None:
    assert isolation.problems(given().site) == ()


def test_it_stands_in_the_table() -> None:
    assert IN_CODE["nftables"] is NFTABLES


def test_what_nft_numbers_its_objects_with_is_no_part_of_a_secret() -> None:
    """A table that is called password is no secret, and a secret that stays the same is the same when its rule has a new number."""
    texts = incoming.Configurations(NFTABLES.comparable)

    def taken_in(text: str) -> str:
        return texts.taken_in({"running": text})["running"]

    assert taken_in("table inet password { # handle 4") == "table inet password { # handle 4"
    first, second = (taken_in(f"enable secret Gh7-kq2Zp # handle {number}") for number in (5, 17))
    assert "Gh7" not in first
    assert first.endswith(" # handle 5")
    assert first.removesuffix("5") == second.removesuffix("17")
