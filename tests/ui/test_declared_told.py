"""What a site declares for a live drill is shown to people: what is cut, worst first, its services, its backups, what keeps it closed."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from datetime import UTC, datetime

from rich.console import Console

from islandmode.ui.plan_text import print_plan
from tests.core.given import Documents, given, put
from tests.core.story import Story
from tests.ui.card_reading import words
from tests.ui.cards import card_of
from tests.ui.test_boundary_told import plain
from tests.ui.test_report import BEGUN_US, first_pages, told

REVIEW = ("if_cut", "reviewed_by", "reviewed_on", "cut_accepted_by")


def nothing(_: Documents) -> None:
    """Leave the shipped site as it is."""


def undeclared(at: Documents) -> None:
    """Take out of the site all that is declared for live drills."""
    del at.site["asked_for"], at.site["backups"], at.site["isolation_points"]["conduit-firewall"]["keep_closed"]
    del at.site["conduits"]["remote-access"]["keep_closed"]
    for conduit in at.site["conduits"].values():
        for flow in conduit["flows"]:
            [flow.pop(key, None) for key in REVIEW]


def radio_cut(at: Documents) -> None:
    put(at.site, "asked_for", "radio", "carried_by", "telemetry-to-vendor")


def planned(spoil: Callable[[Documents], object] = nothing, *live: str) -> str:
    console = Console(file=io.StringIO(), width=240)
    print_plan(given(spoil).plan(), console, live=live)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def in_order(said: str, *parts: str) -> bool:
    return re.search(".*".join(map(re.escape, parts)), said, re.DOTALL) is not None


def test_the_plan_says_what_is_lost_worst_first_and_who_said_so() -> None:
    said = planned(lambda at: [at.site["conduits"]["remote-access"]["flows"][0].pop(key) for key in REVIEW[:3]])
    assert in_order(
        said.partition("what is cut, worst first")[2],
        "not reviewed: vendor-to-hmi on remote-access, owner Line 3 maintenance",
        "legal (reviewed by Quality assurance on 2026-11-02; cut accepted by Plant manager): historian-to-erp",
        "quality (reviewed by Production planning on 2026-11-02): erp-to-historian",
        "nuisance (reviewed by Process engineering on 2026-11-02): office-to-plc",
    )


def test_the_plan_says_which_services_are_cut_and_what_nobody_answered() -> None:
    def spoil(at: Documents) -> None:
        radio_cut(at)
        del at.site["asked_for"]["telephones"]

    said = planned(spoil)
    assert "radio: CUT: telemetry-to-vendor carries it (said by Site security on 2026-11-02)" in said
    assert "telephones: nobody said what carries it" in said
    assert "emissions: historian-to-plcs (said by Environment officer on 2026-11-02)" in said


def test_the_plan_says_what_keeps_each_conduit_closed_and_who_may_order_it() -> None:
    said = planned()
    assert "remote-access: by cable; may be ordered by Plant manager" in said
    assert "corporate-dmz, corporate-line3: by deny on conduit-firewall; may be ordered by Plant manager" in said
    assert "  nft -f /etc/nftables-closed.conf" in said
    assert "conduit-firewall" in said.partition("backups that lie elsewhere")[2]


def test_the_plan_says_what_a_live_run_would_be_refused_for() -> None:
    assert "a live run would be refused" not in planned()
    said = planned(nothing, "inventory/riverside.yaml:5:1: Nobody said what carries radio.")
    assert in_order(
        said, "a live run would be refused", "inventory/riverside.yaml:5:1: Nobody said what carries radio."
    )


def test_a_site_that_declares_nothing_has_no_part_for_it() -> None:
    said = planned(undeclared)
    assert in_order(said, "what is cut, worst first", "not reviewed: vendor-to-hmi")
    assert not any(title in said for title in ("asked for by name", "backups that lie", "keeps each conduit closed"))
    assert given(undeclared).plan().declared is None
    card = " ".join(words(card_of(given(undeclared).plan())))
    assert "worst" not in card
    assert "If it is an attack" not in card


def test_the_card_names_owners_by_the_worst_that_they_lose_and_what_keeps_it_closed() -> None:
    said = " ".join(words(card_of(given(radio_cut).plan())))
    assert in_order(said, "Whom to call, the worst loss first", "radio: CUT: telemetry-to-vendor carries it")
    assert in_order(said, "legal: historian-to-erp, tcp/8080", "quality: erp-to-historian", "nuisance: vendor-to-hmi")
    assert in_order(
        said,
        "If it is an attack: what keeps each conduit closed",
        "corporate-dmz, corporate-line3: by deny on conduit-firewall; may be ordered by Plant manager",
        "nft -f /etc/nftables-closed.conf",
    )


def test_the_report_says_what_was_to_be_lost_worst_first_and_how_old_the_backups_were() -> None:
    said = first_pages(told(Story(given(radio_cut).plan())))
    assert in_order(
        said, "Cut, worst first", "legal: historian-to-erp; quality: erp-to-historian, production-orders; nuisance:"
    )
    assert in_order(said, "Services cut", "radio: CUT: telemetry-to-vendor carries it")
    assert in_order(said, "after restore", "if cut", "legal (reviewed by Quality assurance")
    days = (datetime.fromtimestamp(BEGUN_US / 1_000_000, UTC).date() - datetime(2026, 11, 2, tzinfo=UTC).date()).days
    assert in_order(said, "Backups that lie elsewhere", "conduit-firewall", f"2026-11-02, {days} days", "OT security")


def test_a_backup_that_was_too_old_on_the_day_of_the_run_says_so() -> None:
    old = given(
        lambda at: put(at.site, "backups", "isolation_points", "conduit-firewall", "taken_on", "2026-01-01")
    ).plan()
    assert re.search(r"2026-01-01, \d+ days, limit 90", plain(told(Story(old))))


def test_a_report_of_a_site_that_declares_nothing_is_as_before() -> None:
    said = first_pages(told(Story(given(undeclared).plan())))
    assert not any(word in said for word in ("worst first", "Services cut", "if cut", "Backups"))
