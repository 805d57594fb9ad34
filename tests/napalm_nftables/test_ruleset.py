from __future__ import annotations

import pytest

from napalm_nftables import ruleset, scripts

SITE = "table inet site {\n\tchain forward {\n\t}\n}\n"
OWN = "table ip own {\n\tset s {\n\t}\n}\n"


def test_tables_are_told_apart_by_family_and_name() -> None:
    assert list(ruleset.tables(SITE + OWN)) == [("inet", "site"), ("ip", "own")]
    assert ruleset.tables("") == {}


def test_own_tables_are_the_added_ones() -> None:
    assert ruleset.own_tables(SITE, SITE + OWN) == (("ip", "own"),)
    assert ruleset.own_tables(SITE, SITE) == ()


@pytest.mark.parametrize("after", [OWN, SITE.replace("forward", "input") + OWN])
def test_a_removed_or_changed_table_is_not_our_own(after: str) -> None:
    with pytest.raises(ValueError, match="inet site"):
        ruleset.own_tables(SITE, after)


def test_removal_works_whether_the_table_stands_or_not() -> None:
    assert ruleset.removal((("ip", "own"),)) == "add table ip own\ndelete table ip own\n"


def test_a_guard_is_added_only_where_the_candidate_has_none() -> None:
    assert ruleset.guarded(OWN, (("ip", "own"),)) == f"create table ip own\n{OWN}"
    created = "create table ip own\n"
    assert ruleset.guarded(created, (("ip", "own"),)) == created


@pytest.mark.parametrize("script", [
    scripts.commit(scripts.Place("nft", "/s"), scripts.Change("token", "add table ip own", "delete table ip own", "note"), 5),
    scripts.waiting(scripts.Place("nft", "/s")),
    scripts.added(scripts.Place("nft", "/s")),
    scripts.confirm(scripts.Place("nft", "/s")),
    scripts.rollback(scripts.Place("nft", "/s")),
    scripts.preview("nft", SITE, OWN, "mark", ("eth0",)),
])  # fmt: skip
def test_a_script_of_which_a_part_is_lost_does_nothing(script: str) -> None:
    """Everything but two variables is inside the function; the call is the very last line."""
    head, _, rest = script.partition("main() {\n")
    assert head.startswith("PATH=")
    assert rest.endswith("\n}\nmain\n")
