"""Plan, result, report and card tell the whole boundary, and say island only where it is one."""

from __future__ import annotations

import re
from io import StringIO

import pytest
from rich.console import Console

from islandmode.core.episodes import Heard, Seen
from islandmode.core.plan import Plan
from islandmode.core.verdict import Result, Verdict
from islandmode.ui.plan_text import print_plan
from islandmode.ui.report.judged import render_report
from tests.core.given import Documents, given, put
from tests.core.story import CORPORATE, RESTORE, Story
from tests.core.test_boundary import CORPORATE_DMZ, isolating, modem
from tests.core.test_closed_by_rule import probed_only_there
from tests.ui.cards import card_of

OPEN = "remote-access is left open, accepted by Ann, OT security"


def vpn_left_open(at: Documents) -> None:
    """Isolate all but the vendors' VPN, which somebody accepted."""
    del at.drill["stages"][0]
    at.drill["severed"] = [name for name in at.drill["severed"] if "vendor" not in name]
    put(at.drill, "left_open", [{"conduit": "remote-access", "accepted_by": "Ann, OT security"}])


def plan_text(plan: Plan) -> str:
    console = Console(width=400, record=True, file=StringIO())
    print_plan(plan, console)
    return console.export_text()


def plain(document: str) -> str:
    return re.sub(r"<[^>]+>", " ", re.sub(r"<style>.*?</style>", "", document, flags=re.DOTALL))


def report_of(story: Story) -> str:
    episodes = story.episodes()
    return plain(render_report(story.plan, story.judge(), story.records, episodes, configuration_diffs={}))


def everywhere(plan: Plan) -> dict[str, str]:
    return {"plan": plan_text(plan), "card": plain(card_of(plan))}


@pytest.mark.parametrize("where", ["plan", "card"])
def test_an_island_is_told_where_nothing_is_left(where: str) -> None:
    assert (
        "Every conduit that the site file names across the boundary of dmz and line3 is isolated in this drill."
        in everywhere(given().plan())[where]
    )


@pytest.mark.parametrize("where", ["plan", "card"])
def test_a_vpn_that_is_left_open_is_told_with_who_accepted_it(where: str) -> None:
    told = everywhere(given(vpn_left_open).plan())[where]
    assert OPEN in told
    assert "an island" not in told


def test_the_report_says_island_of_a_drill_that_held_and_left_nothing() -> None:
    assert "The plant ran as an island." in report_of(Story())


def test_the_report_says_by_what_each_conduit_was_isolated() -> None:
    told = " ".join(report_of(Story()).split())
    assert "isolated in stage vendors conduit-firewall (nftables)" in told


def test_the_report_of_a_drill_that_left_a_modem_says_so_and_never_that_it_was_an_island() -> None:
    told = report_of(Story(given(modem).plan()))
    assert "modem cannot be isolated (no isolation point stands on it), accepted by nobody" in told
    assert "not isolable" in told
    assert "as an island" not in told


def test_the_report_of_a_breach_says_nothing_of_an_island_that_ran() -> None:
    story = Story()
    story.see("office-to-plc", Seen.BAD, CORPORATE, RESTORE, "exception 2", heard=Heard.ANSWER)
    assert "as an island" not in report_of(story)


def test_what_a_platform_does_not_stop_is_told_as_not_isolated_everywhere() -> None:
    plan = given().plan(covers=("forward",))
    told = (
        "what ends on conduit-firewall is not isolated; what comes out of a tunnel on conduit-firewall is not isolated"
    )
    for where, said in (everywhere(plan) | {"report": report_of(Story(plan))}).items():
        assert told in said, where


def test_ways_round_are_listed() -> None:
    plan = given(isolating("corporate-line3", without_probes=CORPORATE_DMZ)).plan()
    way = "round corporate-line3: corporate to dmz to line3, over corporate-dmz, dmz-line3"
    assert way in plan_text(plan)
    assert way in plain(card_of(plan))
    assert f"Way {way}." in report_of(Story(plan))


def test_what_is_closed_by_rule_is_told_as_not_tested() -> None:
    plan = given(probed_only_there).plan()
    assert "closed by rule (declared), not tested: corporate-line3 outward over IPv6" in plan_text(plan)
    assert "corporate-line3 outward over IPv6: closed by rule (declared), not tested by this drill." in report_of(
        Story(plan)
    )


def test_a_bad_answer_that_came_back_is_counted_and_drawn_apart() -> None:
    story = Story()
    story.see("office-to-plc", Seen.BAD, CORPORATE, RESTORE, "exception 2", heard=Heard.ANSWER)
    document = render_report(story.plan, story.judge(), story.records, story.episodes(), configuration_diffs={})
    assert "✖ LEAK office-to-plc<" in document
    row = next(row for row in story.judge().rows if (row.probe, row.stage) == ("office-to-plc", "corporate"))
    assert (row.good, row.passed) == (0, 120)
    perfect: Verdict = Story().judge()
    assert all(row.passed <= 1 for row in perfect.rows if row.expected == "dead")


def test_a_drill_that_was_not_held_says_of_its_boundary_only_what_was_planned() -> None:
    sentence = "Every conduit that the site file names across the boundary of dmz and line3 is isolated in this drill."
    held, stopped = Story(), Story()
    stopped.records = [one for one in stopped.records if one.data.get("stage") != "corporate"]
    assert f"By its plan: {sentence}" not in report_of(held)
    assert stopped.judge().verdict is not Result.HELD
    assert f"By its plan: {sentence}" in report_of(stopped)
