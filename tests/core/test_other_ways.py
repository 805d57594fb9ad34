"""Other ways round a conduit, and targets that stand for another address: planned, tested, and told when something passes."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from pydantic import TypeAdapter, ValidationError

from islandmode.core.episodes import Heard, Seen
from islandmode.core.plan import Plan
from islandmode.core.preflight import judge_plan
from islandmode.core.probe import Probe
from islandmode.core.verdict import Restoration, Result
from tests.core.given import Documents, given, put
from tests.core.rows_other_ways import MODEM, by_modem, other_way, translated
from tests.core.spoilt import both, tcp
from tests.core.story import CORPORATE, END, RESTORE, VENDORS, Story, codes

NAMED = f"{MODEM} (cellular modem on the filler, owner Line 3 maintenance)"
TESTED = both(other_way(), by_modem())


def advice(plan: Plan, code: str) -> list[str]:
    return [found.sentence for found in judge_plan(plan) if found.code == code]


def test_a_way_by_which_no_probe_goes_is_named_and_makes_no_island() -> None:
    plan = given(other_way()).plan()
    assert plan.boundary.told == (
        f"No island of dmz and line3: no severed probe goes by {NAMED}, which leads round remote-access."
    )
    assert advice(plan, "other-way-untested") == [
        f"Severed probes test nothing of other way {NAMED}, which leads round remote-access: nobody would see what passes there."
    ]
    verdict = Story(plan).judge()
    assert (verdict.verdict, verdict.island, verdict.island_told) == (Result.HELD, False, plan.boundary.told)


def test_a_way_by_which_a_probe_goes_is_tested_and_the_island_is_one() -> None:
    plan = given(TESTED).plan()
    (way,) = plan.boundary.other_ways
    assert way.told == f"round remote-access: {NAMED}, vendors to line3; tested by modem-to-hmi"
    assert not advice(plan, "other-way-untested")
    planned = plan.probes["modem-to-hmi"]
    assert (planned.crosses, planned.through, planned.direction) == ("remote-access", None, "inward")
    assert [("modem-to-hmi" in stage.dead) for stage in plan.stages] == [True, True]
    verdict = Story(plan).judge()
    assert (verdict.verdict, verdict.island, verdict.restoration) == (Result.HELD, True, Restoration.PROVEN)
    assert "and a severed probe goes by every other way" in verdict.island_told


def test_a_held_connection_by_a_way_does_not_test_it() -> None:
    canary = both(other_way(), by_modem(kind="canary", ask="http"))
    assert given(canary).plan().boundary.untested


def test_a_probe_by_a_way_tests_no_flow_of_the_conduit_and_asks_for_none() -> None:
    plan = given(both(TESTED, lambda at: at.drill["severed"].remove("vendor-to-hmi"))).plan
    with pytest.raises(Exception, match="only a canary crosses it inward over IPv4"):
        plan()
    flows = [flow for stage in given(TESTED).plan().stages for flow in stage.dying_flows]
    assert not any("modem-to-hmi" in flow.probes for flow in flows)
    assert not advice(given(both(other_way(), by_modem(port=9))).plan(), "probe-without-flow")


def test_a_way_from_a_zone_of_its_own_is_tested_from_there() -> None:
    def carrier(at: Documents) -> None:
        put(at.site, "zones", "carrier", {"level": 5, "owner": "Carrier", "networks": ["192.0.2.0/24"]})
        put(at.site, "vantages", "phone", {"zone": "carrier", "address": "192.0.2.7"})

    plan = given(both(carrier, other_way(between=["carrier", "line3"]), by_modem(vantage="phone"))).plan()
    assert plan.boundary.other_ways[0].between == ("carrier", "line3")
    assert plan.probes["modem-to-hmi"].direction == "inward"


def test_what_passes_by_a_way_in_the_hold_is_a_leak_that_names_it() -> None:
    story = Story(given(TESTED).plan())
    story.see("modem-to-hmi", Seen.GOOD, VENDORS, RESTORE, "")
    verdict = story.judge()
    assert (verdict.verdict, verdict.leaks) == (Result.BREACHED, 1)
    (leak,) = (finding for finding in verdict.findings if finding.code == "leak")
    assert f"still passed into the isolated side by {NAMED}, round remote-access (IPv4" in leak.sentence
    assert (leak.probe, leak.conduit) == ("modem-to-hmi", "remote-access")


@pytest.mark.parametrize(
    ("sender", "counts", "result"),
    [
        ("10.40.0.20", "none", Result.BREACHED),
        ("10.15.0.1", "none", Result.HELD),
        ("", "none", Result.INCONCLUSIVE),
    ],
)
def test_a_firewall_that_counted_nothing_says_nothing_of_a_way_round_it(
    sender: str, counts: str, result: Result
) -> None:
    story = Story(given(TESTED).plan())
    story.see("modem-to-hmi", Seen.BAD, VENDORS, RESTORE, "refused", heard=Heard.REFUSED, sender=sender)
    assert story.judge().verdict is result, counts


def test_a_way_that_does_not_come_back_is_not_proven_by_the_conduit() -> None:
    story = Story(given(TESTED).plan())
    story.see("modem-to-hmi", Seen.BAD, RESTORE, END, "no answer")
    verdict = story.judge()
    assert "no-control-after" in codes(verdict)
    assert verdict.restoration is Restoration.UNPROVEN


def test_a_target_that_stands_for_a_host_is_planned_as_that_host_and_asked_as_itself() -> None:
    plan = given(translated()).plan()
    planned = plan.probes["office-to-nat"]
    assert (planned.zone, planned.crosses, planned.direction) == ("line3", "corporate-line3", "inward")
    assert str(planned.probe.target) == "10.10.0.99"
    assert planned.how_told == "asks 10.10.0.99, which stands for 10.40.0.10"
    (flow,) = (flow for stage in plan.stages for flow in stage.dying_flows if flow.flow == "office-to-plc")
    assert "office-to-nat" in flow.probes
    assert Plan.model_validate_json(plan.model_dump_json(by_alias=True)) == plan


def test_lab_and_plant_have_one_drill_digest_whatever_is_translated() -> None:
    direct = given(translated(target="10.40.0.10", stands_for=None)).plan()
    through = given(translated()).plan()
    assert direct.drill_digest == through.drill_digest
    assert direct.plan_digest != through.plan_digest


@pytest.mark.parametrize("spoil", [other_way(), TESTED])
def test_a_way_is_part_of_the_intent_and_of_the_plan(spoil: Callable[[Documents], object]) -> None:
    plain, plan = given().plan(), given(spoil).plan()
    assert plan.drill_digest != plain.drill_digest
    assert plan.plan_digest != plain.plan_digest
    assert Plan.model_validate_json(plan.model_dump_json(by_alias=True)) == plan


def test_a_plan_without_either_has_neither_word() -> None:
    # What the site declares for a live drill says *by* of something else.
    written = given().plan().model_dump_json(by_alias=True, exclude={"declared"})
    assert "stands_for" not in written
    assert '"by":' not in written
    assert "other_ways" not in written


@pytest.mark.parametrize(
    ("sender", "result"),
    [
        ("10.10.0.99", Result.INCONCLUSIVE),
        ("10.40.0.10", Result.BREACHED),
        ("10.10.0.1", Result.HELD),
    ],
)
def test_a_refusal_by_the_translated_address_may_be_the_translators(sender: str, result: Result) -> None:
    plan = given(translated()).plan(witness="none")
    story = Story(plan)
    story.see("office-to-nat", Seen.BAD, CORPORATE, RESTORE, "refused", heard=Heard.REFUSED, sender=sender)
    assert story.judge().verdict is result


@pytest.mark.parametrize(
    ("stands_for", "why"),
    [
        ("10.40.0.10", "differ from target; where no device translates the address, leave it out"),
        ("fd10:40::10", "be an IPv4 address, as target is"),
    ],
)
def test_what_a_target_cannot_stand_for_is_refused(stands_for: str, why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        TypeAdapter[Probe](Probe).validate_python({**tcp("office", "10.40.0.10"), "stands_for": stands_for})
