"""Other ways and translated addresses are told where people look: in the plan, on the card, in the report."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from islandmode.core.plan import Plan
from islandmode.ui.plan_text import print_plan
from tests.core.given import Documents, given
from tests.core.rows_other_ways import by_modem, other_way, translated
from tests.core.spoilt import both
from tests.core.story import Story
from tests.ui.card_reading import words
from tests.ui.cards import card_of
from tests.ui.test_boundary_told import report_of

TESTED = both(other_way(), by_modem(port=9), translated())
NAMED = "filler-modem (cellular modem on the filler, owner Line 3 maintenance)"
UNTESTED = f"no severed probe goes by {NAMED}, which leads round remote-access"


def planned(plan: Plan) -> str:
    written = io.StringIO()
    print_plan(plan, Console(file=written, width=240))
    return " ".join(written.getvalue().replace("│", " ").split())


def test_the_plan_lists_each_way_with_what_tests_it_and_both_addresses() -> None:
    told = planned(given(TESTED).plan())
    assert f"other way round remote-access: {NAMED}, vendors to line3; tested by modem-to-hmi" in told
    assert "modem-to-hmi (by filler-modem)" in told
    assert "office-to-nat (asks 10.10.0.99, which stands for 10.40.0.10)" in told


@pytest.mark.parametrize("where", ["plan", "card", "report"])
def test_a_way_that_nobody_tests_is_told_everywhere(where: str) -> None:
    plan = given(other_way()).plan()
    told = {
        "plan": lambda: planned(plan),
        "card": lambda: " ".join(words(card_of(plan))),
        "report": lambda: report_of(Story(plan)),
    }
    assert UNTESTED in " ".join(told[where]().split())


def test_the_report_lists_each_way_and_both_addresses() -> None:
    told = " ".join(report_of(Story(given(TESTED).plan())).split())
    assert f"Other way round remote-access: {NAMED}, vendors to line3; tested by modem-to-hmi." in told
    assert "modem-to-hmi (by filler-modem)" in told
    assert "office-to-nat (asks 10.10.0.99, which stands for 10.40.0.10)" in told


def test_the_card_tries_a_conduit_with_no_probe_that_goes_round_it() -> None:
    def spoil(at: Documents) -> None:
        at.probes["office-to-plc"].update(target="10.10.0.99", stands_for="10.40.0.10")
        at.drill["severed"] = ["modem-to-hmi", *(name for name in at.drill["severed"] if name != "modem-to-hmi")]

    told = " ".join(words(card_of(given(both(TESTED, spoil)).plan())))
    assert "vendor (10.15.0.10) reaches 10.40.0.20, TCP 8080" in told
    assert "reaches 10.10.0.99, which stands for 10.40.0.10, TCP 502" in told
