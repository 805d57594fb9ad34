"""The table of platforms: never behind what the platforms and the recipes say of themselves."""

from __future__ import annotations

import re

from islandmode.core.recipe.shipped import SHIPPED
from islandmode.isolation.nftables.recipe import CAPABILITIES
from islandmode.isolation.table import IN_CODE
from scripts import platforms_page
from tests.packaging.installed import PROJECT

DOCS = PROJECT / "docs"


def test_the_committed_page_is_what_the_platforms_say() -> None:
    assert (DOCS / "platforms.md").read_text(encoding="utf-8") == platforms_page.page(), "Run `make reference`."


def test_every_platform_has_a_column_and_every_cell_says_something() -> None:
    told = platforms_page.told()
    for title, cells in told.items():
        assert list(cells) == [*IN_CODE, *SHIPPED, platforms_page.PLAYED_BY_ANSIBLE]
        assert title.startswith("refused for live") or all(cells.values()), title


def test_what_is_said_of_nftables_is_what_a_plan_says() -> None:
    told = {title: cells["nftables"] for title, cells in platforms_page.told().items()}
    assert (told["status"], told["undo tier"], told["witness"]) == ("`real`", "A", "`egress`")
    assert told["latest moment of a line"] == f"{CAPABILITIES.latest_s:g} s" == "4.5 s"
    assert told["timer"] == "2 s to 1 d"


def test_only_what_runs_in_every_test_run_is_called_real() -> None:
    status = platforms_page.told()["status"]
    assert {name for name, told in status.items() if told == "`real`"} == {"nftables", "nftables-plays"}
    assert {name for name, told in status.items() if told == "`emulated`"} == set(SHIPPED)


def test_what_plays_do_and_how_a_pair_is_read_is_told() -> None:
    told = platforms_page.told()
    by, role, sync = (
        told[title] for title in ("its steps are carried out by", "role of a pair's member", "a pair is in sync in")
    )
    assert (by["nftables-plays"], by["manual"], by["nftables"]) == (
        "Ansible plays: arm and isolate; the rest by lines",
        "a person",
        "lines",
    )
    assert role["fortios-schedule"] == "`get system status` (seen)"
    assert role["ios-revert"] == role["ios-time-range"] == "`show standby brief` (documented)"
    assert role["nftables-plays"] == "not asked; refused for live"
    assert sync["fortios-schedule"] == "its configuration: `get system ha status` (documented)"
    assert sync["ios-revert"] == sync["ios-time-range"] == "nothing is kept in sync"
    assert {name for name, platform in IN_CODE.items() if platform.tells_role} == {"nftables"}


def test_a_line_that_isolates_until_the_timer_ends_is_told_so() -> None:
    latest = platforms_page.told()["latest moment of a line"]
    assert latest["fortios-schedule"] == "the drill's timer and 2 min"
    assert latest["ios-revert"] == "30 s (unchecked)"


def test_every_link_of_the_page_leads_somewhere() -> None:
    links = re.findall(r"\]\(([^)#]+)", platforms_page.page())
    assert links
    assert [link for link in links if not (DOCS / link).exists()] == []
