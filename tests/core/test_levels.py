"""Level hard: what a plan refuses, and what becomes of a run whose interface did not get everything back."""

from __future__ import annotations

import pytest

from islandmode.core.difference import compare_parts, lost_lines
from islandmode.core.plan import PlanPoint
from islandmode.core.planning.check_level import level_problems
from islandmode.core.planning.plan_drill import PlanRefused
from islandmode.core.site import Pair, Site
from tests.core.given import Documents, given, put
from tests.core.spoilt import FIREWALL

POINT = FIREWALL[-1]
AT = ("isolation_points", POINT, "level")


def hard(at: Documents) -> object:
    return put(at.site, *FIREWALL, "level", "hard")


def the_site() -> Site:
    return Site.model_validate(given(hard).site)


def test_a_plan_says_which_interfaces_go_down_and_another_plan_keeps_its_digest() -> None:
    planned, before = given(hard).plan().points[POINT], given(lambda _: None).plan()
    assert planned.goes_down == ("eth2", "eth1")
    assert planned.level_told == (
        "hard: eth2 and eth1 goes down while isolated; the routes and addresses that are lost by that are compared before and after"
    )
    assert "level" not in before.points[POINT].model_dump()
    assert before.points[POINT].goes_down == ()
    assert PlanPoint.model_validate(planned.model_dump()).level == "hard"


def test_a_stage_takes_no_interface_down_by_which_another_conduit_goes() -> None:
    def late(at: Documents) -> None:
        hard(at)
        put(at.drill, "stages", 1, "isolate", ["corporate-line3"])

    with pytest.raises(PlanRefused) as refused:
        given(late).plan()
    found = [one for one in refused.value.problems if one.path == ("stages", 1, "isolate")]
    assert [one.sentence for one in found] == [
        (
            f"Stage corporate takes interface eth1 of {POINT} down (level: hard) to isolate corporate-line3, and corporate-dmz goes by it too; isolate "
            f"corporate-dmz in the same stage or before, or write level: deny at {POINT}."
        )
    ]


def test_a_device_that_is_managed_by_what_goes_down_is_refused() -> None:
    site = the_site()
    assert not list(level_problems(POINT, site.isolation_points[POINT], site))
    point = site.isolation_points[POINT]
    same = point.model_copy(update={"interfaces": point.interfaces | {"line3": point.interfaces["vendors"]}})
    (found,) = level_problems(POINT, same, site)
    assert (found.path, found.sentence) == (
        AT,
        (
            f"{POINT} is managed from zone line3, to which interface eth2 of {POINT} leads, and level hard takes eth2 down with remote-access: no restore could "
            "log in. Manage the device by another interface, or write level: deny."
        ),
    )


def test_a_member_of_a_pair_is_refused() -> None:
    site = the_site()
    pair = Pair.model_validate({"members": [POINT, "other"], "virtual_addresses": ["10.0.0.1"]})
    (found,) = level_problems(POINT, site.isolation_points[POINT], site.model_copy(update={"pairs": {"both": pair}}))
    assert found.path == AT
    assert found.sentence.startswith(f"{POINT} is a member of pair both, whose members watch each other")


def test_what_did_not_come_back_is_told_apart_from_what_was_added() -> None:
    before, after = "a\nb\nc\nc\n", "b\nd\nc\na\n"
    diff = compare_parts({"routes": before}, {"routes": after})["routes"]
    lost, rest = lost_lines(diff)
    assert lost == ["c"]
    assert "+d" in rest
    assert not [line for line in rest.splitlines()[2:] if line.startswith("-")]
