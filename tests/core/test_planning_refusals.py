"""Every reason not to plan a drill: one row each, with the place in the file and the whole sentence."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from islandmode.core.capabilities import Works
from islandmode.core.hand import no_timer_told
from islandmode.core.plan import Plan
from islandmode.core.planning.plan_drill import PlanRefused, Problem, check, check_site, make_plan
from tests.core.given import Documents, given, put
from tests.core.rows_names import ADDRESSES, NAMES
from tests.core.rows_other_ways import BY_OTHER_WAYS, OTHER_WAYS
from tests.core.rows_paths import DEVICES, PATHS
from tests.core.rows_site import SITES
from tests.core.rows_vantages import GOOD, VANTAGES
from tests.core.spoilt import ANN, FIREWALL, Row, lost_edits_accepted, without

ROWS = (*NAMES, *ADDRESSES, *PATHS, *DEVICES, *SITES, *VANTAGES, *OTHER_WAYS, *BY_OTHER_WAYS)


def refusals(spoil: Callable[[Documents], object], **able: Any) -> tuple[Problem, ...]:
    """Plan the spoilt drill and return why it was refused."""
    with pytest.raises(PlanRefused) as refused:
        given(spoil).plan(**able)
    return refused.value.problems


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_one_fault_makes_one_problem_at_its_place(row: Row) -> None:
    spoilt = given(row.spoil)
    problems = check(spoilt.drill, spoilt.site, spoilt.probes)
    assert [(each.source, each.path) for each in problems] == [(row.source, row.path)]
    found = problems[0].sentence
    assert found == row.sentence if row.sentence.endswith((".", "?")) else found.startswith(row.sentence)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_no_plan_is_made_from_what_check_refuses(row: Row) -> None:
    spoilt = given(row.spoil)
    assert refusals(row.spoil) == check(spoilt.drill, spoilt.site, spoilt.probes)


@pytest.mark.parametrize("row", [*SITES, *VANTAGES, *OTHER_WAYS], ids=lambda row: row.name)
def test_a_site_is_refused_by_itself_too(row: Row) -> None:
    assert [each.path for each in check_site(given(row.spoil).site)] == [row.path]


@pytest.mark.parametrize("allow", GOOD)
def test_a_login_that_a_flow_permits_is_planned_and_part_of_what_is_approved(
    allow: Callable[[Documents], object],
) -> None:
    plan = given(allow).plan()
    login = plan.vantages["office"].ssh
    assert login is not None
    assert login.user == "witness"
    assert plan.plan_digest != given(lambda _: None).plan().plan_digest


PLATFORM_ROWS: tuple[tuple[str, dict[str, Any], tuple[str | int, ...], str], ...] = (
    (
        "undo tier too weak",
        {"undo_tier": "B"},
        ("limits", "undo_tier"),
        (
            "undo_tier A is demanded, but conduit-firewall (nftables) offers only tier B; use a stronger isolation point "
            "or have the demand lowered."
        ),
    ),
    (
        "timer too short",
        {"dead_man_min_s": 300.0},
        ("limits", "dead_man"),
        "dead_man (180 s) is shorter than conduit-firewall can do (300 s); lengthen it.",
    ),
    (
        "timer too long",
        {"dead_man_max_s": 60.0},
        ("limits", "dead_man"),
        "dead_man (180 s) is longer than conduit-firewall allows (60 s); shorten it.",
    ),
    (
        "timer would be rounded",
        {"granularity_s": 50.0, "shown_step_s": 1.0},
        ("limits", "dead_man"),
        (
            "dead_man (180 s) is not a whole multiple of 50 s, the step of conduit-firewall's timer, and would be rounded "
            "there; give a multiple."
        ),
    ),
    (
        "a second stage would confirm the first",
        {"timer": "device", "further": "confirms"},
        ("stages", 1, "isolate"),
        (
            "Stages vendors and corporate both isolate on conduit-firewall (nftables), which has one timer for the whole device: "
            "the later stage's change would take the timer off what the earlier stage isolated, and nothing would restore that "
            "by itself; isolate both in one stage."
        ),
    ),
    (
        "isolating takes longer than allowed",
        {"works_s": Works(isolate=5.0)},
        ("limits", "isolate_within"),
        "isolate_within (5 s) cannot be kept by conduit-firewall (nftables), which needs 5 s for that change alone; lengthen it.",
    ),
    (
        "restoring takes longer than allowed",
        {"works_s": Works(restore=45.0)},
        ("limits", "restore_within"),
        "restore_within (10 s) cannot be kept by conduit-firewall (nftables), which needs 45 s for that change alone; lengthen it.",
    ),
    (
        "a timer ends before it can be set again",
        {"works_s": Works(renew=90.0)},
        ("limits", "dead_man"),
        (
            "dead_man (180 s) is too short for conduit-firewall (nftables): it is set again when half of it is left, which may "
            "wait for a stage to be isolated; both together take 90 s, so make it longer than 180 s."
        ),
    ),
    (
        "timers that run down while a point is armed",
        {"works_s": Works(arm=90.0)},
        ("limits", "dead_man"),
        (
            "dead_man (180 s) is too short for conduit-firewall (nftables), which needs 90 s to be armed: the timers of all points run "
            "meanwhile, and are set again when half of them is left; make it longer than 180 s."
        ),
    ),
    (
        "a timer that may be as late as it is long",
        {"lag_s": 120.0, "rounding_s": 60.0},
        ("limits", "dead_man"),
        (
            "dead_man (180 s) means little on conduit-firewall (nftables), whose own timer may be 180 s late; lengthen it to "
            "more than 180 s, or use another isolation point."
        ),
    ),
    (
        "a hold shorter than the step of the timer",
        {"shown_step_s": 10.0},
        ("stages", 0, "hold"),
        (
            "hold (8 s) is shorter than the step in which conduit-firewall (nftables) shows what is left of its timer (10 s), so "
            "a timer that does not run would not be noticed during the hold; lengthen it."
        ),
    ),
)
NOT_ISOLATED: tuple[tuple[str, dict[str, Any], list[str]], ...] = (
    (
        "open connections go on",
        {"cuts_established": "no"},
        [
            (
                "On conduit-firewall (nftables) connections that are open go on while a conduit is isolated, so it isolates nothing; "
                "use another isolation point."
            )
        ],
    ),
    (
        "what is forwarded goes on",
        {"covers": ("to_device",)},
        [
            (
                "On conduit-firewall (nftables) what it forwards goes on while a conduit is isolated, so it isolates nothing; "
                "use another isolation point."
            )
        ],
    ),
    (
        "a family that it does not know",
        {"families": (4,)},
        [
            f"conduit-firewall (nftables) cannot isolate IPv6, which {conduit} carries; use another isolation point for it."
            for conduit in ("remote-access", "corporate-dmz", "corporate-line3")
        ],
    ),
)


@pytest.mark.parametrize(
    ("able", "path", "sentence"), [row[1:] for row in PLATFORM_ROWS], ids=[r[0] for r in PLATFORM_ROWS]
)
def test_a_platform_that_cannot_do_it_is_refused(
    able: dict[str, Any], path: tuple[str | int, ...], sentence: str
) -> None:
    assert refusals(lambda _: None, **able) == (Problem("drill", path, sentence),)


@pytest.mark.parametrize(("able", "sentences"), [row[1:] for row in NOT_ISOLATED], ids=[row[0] for row in NOT_ISOLATED])
def test_a_platform_that_would_not_isolate_is_refused(able: dict[str, Any], sentences: list[str]) -> None:
    found = refusals(lambda _: None, **able)
    assert {(each.source, each.path) for each in found} == {("site", (*FIREWALL, "platform"))}
    assert [each.sentence for each in found] == sentences


@pytest.mark.parametrize(
    "able",
    [
        {"timer": "device", "further": "keeps"},
        {"works_s": Works(isolate=4.9, restore=9.9, renew=85.0)},
        {"works_s": Works(arm=89.9)},
        {"lag_s": 119.0, "rounding_s": 60.0},
        {"shown_step_s": 8.0},
    ],
)
def test_a_platform_that_just_keeps_it_is_planned(able: dict[str, Any]) -> None:
    assert given(lambda _: None).plan(**able).points["conduit-firewall"].platform == "nftables"


@pytest.mark.parametrize(
    ("reverts", "more"),
    [
        ("commit", "the whole commit, other people's edits in it too"),
        ("everything", "everything that was changed since, other people's edits too"),
    ],
)
def test_a_timer_that_takes_back_other_people_s_edits_is_planned_only_where_somebody_accepts_that(
    reverts: str, more: str
) -> None:
    (found,) = refusals(lambda _: None, reverts=reverts)
    assert (found.source, found.path) == ("site", (*FIREWALL, "platform"))
    assert found.sentence == (
        f"If nobody restores conduit-firewall (nftables) in time, its timer takes back {more}. Use another isolation point, or "
        "have that accepted for this isolation point: accept_lost_edits: {accepted_by: NAME}."
    )
    plan = given(lost_edits_accepted).plan(reverts=reverts)
    assert plan.points["conduit-firewall"].takes_back_told == f"its timer takes back {more} (accepted by {ANN})"
    assert Plan.model_validate_json(plan.model_dump_json(by_alias=True)) == plan


def test_who_accepted_lost_edits_is_part_of_what_is_approved() -> None:
    others = given(lambda at: put(at.site, *FIREWALL, "accept_lost_edits", {"accepted_by": "Bo"}))
    assert others.plan(reverts="commit").plan_digest != given(lost_edits_accepted).plan(reverts="commit").plan_digest


def test_lost_edits_are_accepted_only_where_there_are_some() -> None:
    (found,) = refusals(lost_edits_accepted)
    assert (found.source, found.path) == ("site", (*FIREWALL, "accept_lost_edits"))
    assert found.sentence == (
        "The timer of conduit-firewall (nftables) takes back nothing but the isolation, so there are no lost edits to "
        "accept; take accept_lost_edits out."
    )


def test_a_plan_whose_timers_take_back_the_isolation_only_says_nothing_of_lost_edits() -> None:
    point = given().plan().model_dump(mode="json")["points"]["conduit-firewall"]
    assert "lost_edits_accepted_by" not in point


def test_one_timer_for_the_device_is_enough_for_one_stage() -> None:
    def one_stage(at: Documents) -> None:
        first, second = at.drill["stages"]
        at.drill["stages"] = [{**first, "isolate": [*first["isolate"], *second["isolate"]]}]

    assert len(given(one_stage).plan(timer="device", further="confirms").stages) == 1


def test_a_point_that_cannot_renew_must_last_while_the_slowest_is_armed() -> None:
    for arm_s, fits in ((80.0, True), (89.0, False)):
        spoilt = given(lambda at: put(at.drill, "stages", 0, "hold", "60 s"))
        if fits:
            spoilt.plan(renewable=False, works_s=Works(arm=arm_s))
        else:
            with pytest.raises(PlanRefused, match=r"but this drill needs 186 s: 89 s to arm, 72 s of hold"):
                spoilt.plan(renewable=False, works_s=Works(arm=arm_s))


def test_a_platform_that_cannot_renew_bounds_the_holds_too() -> None:
    (found,) = refusals(lambda at: put(at.drill, "stages", 0, "hold", "5 min"), renewable=False)
    assert found.path == ("stages", 0, "hold")
    assert "cannot renew its timer and allows 180 s" in found.sentence


def test_a_run_that_just_fits_a_device_that_cannot_renew_is_planned() -> None:
    fits = given(lambda at: (put(at.site, *FIREWALL, "renewable", False), put(at.drill, "limits", "dead_man", "45 s")))
    plan = fits.plan()
    assert plan.points["conduit-firewall"].capabilities.renewable is False


def test_all_problems_are_told_at_once() -> None:
    def spoil(at: Documents) -> None:
        without("office-to-plc-v6")(at)
        put(at.site, *FIREWALL, "management", "zone", "corporate")
        put(at.drill, "limits", "restore_within", "1 h")

    found = {each.path for each in refusals(spoil, undo_tier="C")}
    untested: tuple[str | int, ...] = ("stages", 1, "isolate", 1)
    limits = {("limits", "restore_within"), ("limits", "undo_tier")}
    assert found == {untested, (*FIREWALL, "management", "zone"), *limits}


def test_a_misspelt_name_is_not_buried_under_what_follows_from_it() -> None:
    spoilt = given(lambda at: put(at.drill, "severed", 0, "vendor-to-hmy"))
    (found,) = check(spoilt.drill, spoilt.site, spoilt.probes)
    assert found.sentence.endswith('Did you mean "vendor-to-hmi"?')


def test_only_families_that_both_zones_have_must_be_crossed() -> None:
    def v4_vendors(at: Documents) -> None:
        put(at.site, "zones", "vendors", "networks", ["10.15.0.0/24"])
        put(at.site, "vantages", "vendor", "address", ["10.15.0.10"])
        for flow in at.site["conduits"]["remote-access"]["flows"]:
            flow.update({key: [end for end in flow[key] if ":" not in end] for key in ("source", "destination")})
        without("vendor-to-hmi-v6", "line3-to-vendor-v6")(at)

    assert given(v4_vendors).plan().stages[0].dead == ("vendor-to-hmi", "line3-to-vendor", "vendor-canary")


def test_zones_without_a_common_family_cannot_be_tested() -> None:
    def apart(at: Documents) -> None:
        put(at.site, "zones", "vendors", "networks", ["fd10:15::/64"])
        put(at.site, "zones", "line3", "networks", ["10.40.0.0/24", "172.31.255.0/24"])

    spoilt = given(apart)
    sentences = [each.sentence for each in check(spoilt.drill, spoilt.site, spoilt.probes)]
    assert (
        "Zones vendors and line3 share no address family, so no probe can cross remote-access; give both networks of one family."
        in sentences
    )


def test_a_missing_rendering_is_a_fault_of_ours_and_not_of_the_file() -> None:
    whole = given()
    with pytest.raises(KeyError):
        make_plan(whole.drill, whole.site, whole.probes, {})


def test_management_beyond_an_isolated_conduit_is_refused_without_a_direct_path_too() -> None:
    def no_direct_path(at: Documents) -> None:
        del at.site["conduits"]["corporate-line3"]
        at.drill["stages"][1]["isolate"].remove("corporate-line3")
        at.site["isolation_points"]["conduit-firewall"]["isolates"].remove("corporate-line3")
        without("office-to-plc", "office-to-plc-v6", "line3-to-erp", "line3-to-erp-v6", "office-canary")(at)
        put(at.site, *FIREWALL, "management", {"address": "10.10.0.1", "zone": "corporate"})

    (found,) = refusals(no_direct_path)
    assert found.path == (*FIREWALL, "management", "zone")
    assert "once corporate-dmz is isolated" in found.sentence


def test_management_over_a_conduit_that_stays_open_is_allowed() -> None:
    plan = given(lambda at: put(at.site, *FIREWALL, "management", {"address": "10.20.0.1", "zone": "dmz"})).plan()
    assert plan.points["conduit-firewall"].place == "10.20.0.1"


UNTIMED: dict[str, Any] = {"timer": "none", "undo_tier": "D", "arms": "with_isolate", "renewable": False}


def tier_d_accepted(at: Documents, by: str = "M. Keller, plant manager") -> object:
    put(at.drill, "limits", "undo_tier", "D")
    return put(at.site, *FIREWALL, "accept_no_timer", {"accepted_by": by})


def test_a_device_that_nothing_restores_by_itself_must_be_accepted_and_no_other_can_be() -> None:
    (found,) = refusals(lambda at: put(at.drill, "limits", "undo_tier", "D"), **UNTIMED)
    assert (found.source, found.path) == ("site", (*FIREWALL, "platform"))
    assert found.sentence == (
        "Nothing on conduit-firewall (nftables) restores by itself what is isolated there: if this machine dies, it stays isolated until somebody "
        "restores it. Use another isolation point, or have that accepted for this one: accept_no_timer: {accepted_by: NAME}."
    )
    assert given(tier_d_accepted).plan(**UNTIMED).points["conduit-firewall"].capabilities.timer == "none"
    (found,) = refusals(tier_d_accepted)
    assert (found.source, found.path) == ("site", (*FIREWALL, "accept_no_timer"))
    assert found.sentence.endswith("restores it by itself, so there is nothing to accept; take accept_no_timer out.")


def test_who_accepts_that_nothing_restores_is_approved_with_the_plan() -> None:
    plans = [given(partial(tier_d_accepted, by=by)).plan(**UNTIMED) for by in ("M. Keller", "M. Keller", "P. Roth")]
    assert plans[0].plan_digest == plans[1].plan_digest != plans[2].plan_digest
    assert (
        no_timer_told(plans[2].points["conduit-firewall"])
        == "nothing on the device restores this by itself (accepted by P. Roth)"
    )
    assert (
        "no_timer_accepted_by"
        not in given().plan().model_dump(mode="json", by_alias=True)["points"]["conduit-firewall"]
    )


def test_an_acceptance_that_names_nobody_is_refused_with_what_to_write() -> None:
    def old(at: Documents) -> object:
        put(at.drill, "limits", "undo_tier", "D")
        return put(at.site, *FIREWALL, "accepts_tier", "D")

    (found,) = refusals(old, **UNTIMED)
    assert (found.source, found.path) == ("site", (*FIREWALL, "accepts_tier"))
    assert found.sentence == (
        "accepts_tier names nobody who accepts that nothing on conduit-firewall restores by itself; write accept_no_timer: {accepted_by: NAME} in its place."
    )
    (found,) = refusals(old)
    assert found.sentence.endswith("restores by itself; take it out.")
