"""No probe may need a rule that the plant lacks: what the allow-list permits nowhere needs none, and is told as not tested."""

from __future__ import annotations

from ipaddress import ip_network

import pytest

from islandmode.core.planning.paths import permitted_ways
from islandmode.core.planning.plan_drill import check
from islandmode.core.verdict import Restoration, Result
from tests.core.given import Documents, Values, given, put
from tests.core.spoilt import both, without
from tests.core.story import Story, codes

CORPORATE_LINE = ("office-to-plc", "office-to-plc-v6", "line3-to-erp", "line3-to-erp-v6", "office-canary")


def only_inward_over_ipv4(at: Documents) -> None:
    """Let the corporate network only ask a PLC over IPv4, as many plants do."""
    flows = at.site["conduits"]["corporate-line3"]["flows"]
    put(
        at.site,
        "conduits",
        "corporate-line3",
        "flows",
        [flows[0] | {"source": ["10.10.0.20"], "destination": ["10.40.0.10"]}],
    )


def probed_only_there(at: Documents) -> None:
    only_inward_over_ipv4(at)
    without("office-to-plc-v6", "line3-to-erp", "line3-to-erp-v6")(at)


def told(whole: Values) -> list[str]:
    return [way.told for stage in whole.plan().stages for way in stage.closed]


def test_where_everything_is_permitted_nothing_is_closed() -> None:
    assert told(given()) == []


def test_what_the_allow_list_permits_nowhere_needs_no_probe_and_is_told() -> None:
    assert told(given(probed_only_there)) == [
        "corporate-line3 inward over IPv6",
        "corporate-line3 outward over IPv4",
        "corporate-line3 outward over IPv6",
    ]


def test_what_is_permitted_still_needs_its_probe() -> None:
    lacking = given(both(probed_only_there, without("office-to-plc", "office-canary")))
    (problem,) = check(lacking.drill, lacking.site, lacking.probes)
    assert "no severed probe crosses it inward over IPv4 (inward is" in problem.sentence


def test_what_a_probe_tries_is_tested_though_no_flow_is_declared() -> None:
    assert told(given(only_inward_over_ipv4)) == []


def test_a_conduit_without_any_flow_is_isolated_with_others_and_not_tested() -> None:
    def no_flows(at: Documents) -> None:
        put(at.site, "conduits", "corporate-line3", "flows", [])
        without(*CORPORATE_LINE)(at)

    whole = given(no_flows)
    assert len(told(whole)) == 4
    verdict = Story(whole.plan()).judge()
    assert (verdict.verdict, verdict.restoration, codes(verdict)) == (Result.HELD, Restoration.PROVEN, set())
    assert [way.told for way in verdict.closed_by_rule] == told(whole)


def test_a_conduit_whose_probes_do_not_come_back_is_not_taken_for_closed() -> None:
    story = Story(given(probed_only_there).plan())
    for name in ("office-to-plc", "office-canary"):
        story.samples[name] = []
    assert story.judge().restoration is Restoration.UNPROVEN


@pytest.mark.parametrize("source", ["203.0.113.9", "10.40.0.99"])
def test_a_flow_with_an_end_that_is_not_where_it_should_be_closes_nothing(source: str) -> None:
    site = given(only_inward_over_ipv4).site
    conduit = site.conduits["corporate-line3"]
    odd = conduit.flows[0].model_copy(update={"source": (ip_network(source),)})
    conduits = {**site.conduits, "corporate-line3": conduit.model_copy(update={"flows": (odd,)})}
    ways = permitted_ways(site.model_copy(update={"conduits": conduits}), "corporate-line3")
    assert ways == {("inward", 4), ("outward", 4)}


def test_ends_of_two_families_permit_nothing() -> None:
    site = given(only_inward_over_ipv4).site
    conduit = site.conduits["corporate-line3"]
    mixed = conduit.flows[0].model_copy(update={"source": (ip_network("fd10:10::20"),)})
    conduits = {**site.conduits, "corporate-line3": conduit.model_copy(update={"flows": (mixed,)})}
    assert permitted_ways(site.model_copy(update={"conduits": conduits}), "corporate-line3") == frozenset()
