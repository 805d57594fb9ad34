"""What a plan says: steps with undo and timer, what must be alive and what dead, and whose flows die."""

from __future__ import annotations

import pytest

from islandmode.core.plan import Plan
from islandmode.core.planning.plan_drill import check, make_plan
from islandmode.core.probe import CanaryProbe
from tests.core.given import Documents, given, put
from tests.core.spoilt import FIREWALL, adding, both, second_firewall, tcp

VENDOR_DEAD = ("vendor-to-hmi", "vendor-to-hmi-v6", "line3-to-vendor", "line3-to-vendor-v6", "vendor-canary")
CONTINUITY = ("plc-filler", "plc-mixer", "hmi-line3", "historian-buffer")


def test_the_operators_own_files_are_not_refused() -> None:
    whole = given()
    assert check(whole.drill, whole.site, whole.probes) == ()


def test_stages_add_up() -> None:
    first, last = given().plan().stages
    assert first.isolated == ("remote-access",)
    assert last.conduits == ("corporate-dmz", "corporate-line3")
    assert last.isolated == ("remote-access", "corporate-dmz", "corporate-line3")


def test_the_plan_says_who_must_live_and_who_must_die() -> None:
    plan = given().plan()
    first, last = plan.stages
    assert first.dead == VENDOR_DEAD
    later = tuple(name for name in plan.drill.severed if name not in VENDOR_DEAD)
    assert first.alive == (*CONTINUITY, *later)
    assert last.dead == plan.drill.severed
    assert last.alive == CONTINUITY


def test_every_step_carries_its_lines_its_undo_and_its_timer() -> None:
    plan = given().plan()
    (step,) = plan.stages[1].steps
    assert step.point == "conduit-firewall"
    assert step.conduits == ("corporate-dmz", "corporate-line3")
    assert step.isolate == ("isolate corporate-dmz", "isolate corporate-line3")
    assert step.undo == plan.points["conduit-firewall"].rendering.restore
    assert step.timer_s == plan.dead_man_s == 180.0
    assert plan.hold_s == 20.0


def test_each_point_gets_only_its_own_conduits() -> None:
    def shared(at: Documents) -> None:
        first = at.site["isolation_points"]["conduit-firewall"]
        first["isolates"] = ["remote-access", "corporate-line3"]
        second_firewall(at, isolates=["corporate-dmz", "corporate-line3"])

    plan = given(shared).plan()
    assert plan.points["conduit-firewall"].conduits == ("remote-access", "corporate-line3")
    assert plan.points["inner-firewall"].conduits == ("corporate-dmz", "corporate-line3")
    steps = {(stage.name, step.point): step.conduits for stage in plan.stages for step in stage.steps}
    assert steps == {
        ("vendors", "conduit-firewall"): ("remote-access",),
        ("corporate", "conduit-firewall"): ("corporate-line3",),
        ("corporate", "inner-firewall"): ("corporate-dmz", "corporate-line3"),
    }


def test_a_point_that_isolates_nothing_in_this_drill_is_left_alone() -> None:
    assert set(given(second_firewall).plan().points) == {"conduit-firewall"}


@pytest.mark.parametrize(
    ("probe", "crosses", "direction", "family"),
    [
        ("vendor-to-hmi", "remote-access", "inward", 4),
        ("line3-to-vendor-v6", "remote-access", "outward", 6),
        ("historian-to-erp", "corporate-dmz", "outward", 4),
        ("office-to-plc-v6", "corporate-line3", "inward", 6),
        ("plc-filler", None, "inside", 4),
        ("historian-buffer", None, "inside", 4),
    ],
)
def test_paths_follow_the_zones_of_both_ends(probe: str, crosses: str | None, direction: str, family: int) -> None:
    planned = given().plan().probes[probe]
    assert (planned.crosses, planned.direction, planned.family) == (crosses, direction, family)


def test_a_continuity_probe_may_cross_a_conduit_that_stays_open() -> None:
    seen = given(adding("drill", "continuity", "view", **tcp("here", "10.20.0.10"))).plan()
    assert seen.probes["view"].crosses == "dmz-line3"
    assert "view" in seen.stages[1].alive


def test_only_the_operations_host_is_near() -> None:
    far = {name: vantage.far for name, vantage in given().plan().vantages.items()}
    assert far == {"here": False, "historian": True, "vendor": True, "erp": True, "office": True}


def test_the_most_specific_zone_holds_an_address() -> None:
    def nested(at: Documents) -> None:
        put(at.site, "zones", "corporate", "networks", ["10.0.0.0/8", "fd10:10::/64"])

    plan = given(nested).plan()
    assert plan.probes["office-to-plc"].crosses == "corporate-line3"


def test_a_flow_that_dies_names_its_owner_and_what_is_seen_of_it() -> None:
    flows = {flow.flow: flow for stage in given().plan().stages for flow in stage.dying_flows}
    assert set(flows) == {
        "vendor-to-hmi",
        "telemetry-to-vendor",
        "erp-to-historian",
        "historian-to-erp",
        "office-to-plc",
        "production-orders",
    }
    office = flows["office-to-plc"]
    assert (office.owner, office.conduit, office.covered) == ("Process engineering", "corporate-line3", 1.0)
    assert office.probes == ("office-to-plc", "office-to-plc-v6", "office-canary")
    orders = flows["production-orders"]
    assert orders.covered == 0.5
    assert orders.probes == ("line3-to-erp", "line3-to-erp-v6")


def test_flows_on_conduits_that_stay_open_do_not_die() -> None:
    flows = {flow.conduit for stage in given().plan().stages for flow in stage.dying_flows}
    assert "dmz-line3" not in flows


@pytest.mark.parametrize(
    ("change", "covered"),
    [
        (lambda at: put(at.site, "conduits", "corporate-line3", "flows", 0, "service", "tcp/44818"), 0.0),
        (lambda at: put(at.site, "conduits", "corporate-line3", "flows", 0, "service", "udp/502"), 0.0),
        (lambda at: put(at.site, "conduits", "corporate-line3", "flows", 0, "service", "icmp"), 0.0),
        (lambda at: put(at.probes, "office-to-plc-v6", "port", 503), 0.5),
        (lambda at: put(at.site, "conduits", "corporate-line3", "flows", 0, "destination", ["10.40.0.99"]), 0.0),
        (lambda at: put(at.site, "conduits", "corporate-line3", "flows", 0, "source", ["10.10.0.99"]), 0.0),
    ],
    ids=["other port", "other protocol", "icmp", "one probe elsewhere", "other destination", "other source"],
)
def test_a_probe_covers_only_what_it_really_asks(change: object, covered: float) -> None:
    assert callable(change)
    flows = given(change).plan().stages[1].dying_flows
    assert next(flow.covered for flow in flows if flow.flow == "office-to-plc") == covered


def test_an_icmp_probe_covers_an_icmp_flow() -> None:
    echo = {"kind": "icmp", "vantage": "office", "target": "10.40.0.10"}
    icmp = given(
        both(
            adding("drill", "severed", "office-ping", **echo),
            lambda at: put(at.site, "conduits", "corporate-line3", "flows", 0, "service", "icmp"),
        )
    )
    flow = next(flow for flow in icmp.plan().stages[1].dying_flows if flow.flow == "office-to-plc")
    assert (flow.covered, flow.probes) == (0.5, ("office-ping",))


def test_only_ends_of_one_family_are_a_pair() -> None:
    flow = given().site.conduits["dmz-line3"].flows[0]
    assert {(str(source), str(target)) for source, target in flow.pairs} == {
        ("10.20.0.10/32", "10.40.0.10/32"),
        ("10.20.0.10/32", "10.40.0.11/32"),
        ("fd10:20::10/128", "fd10:40::10/128"),
        ("fd10:20::10/128", "fd10:40::11/128"),
    }


def test_what_the_site_does_not_allow_a_platform_cannot_do() -> None:
    def strict(at: Documents) -> None:
        put(at.site, *FIREWALL, "dead_man_max", "10 min")
        put(at.site, *FIREWALL, "renewable", False)

    able = given(strict).plan().points["conduit-firewall"].capabilities
    assert (able.renewable, able.dead_man_max_s) == (False, 600.0)


def test_every_conduit_of_the_quarterly_drill_has_a_canary() -> None:
    plan = given().plan()
    held = {known.crosses for known in plan.probes.values() if isinstance(known.probe, CanaryProbe)}
    assert held == set(plan.conduits)


def test_a_plan_is_the_same_however_often_it_is_made() -> None:
    whole = given()
    assert make_plan(whole.drill, whole.site, whole.probes, whole.renderings()) == whole.plan()


def test_a_plan_survives_being_written_and_read() -> None:
    plan = given().plan()
    assert type(plan).model_validate_json(plan.model_dump_json(by_alias=True)) == plan


def test_a_plan_of_the_version_before_named_the_lab_s_nodes_and_is_read() -> None:
    made = given().plan()
    document = made.model_dump(mode="json", by_alias=True)
    for name, vantage in document["vantages"].items():
        vantage["node"] = name
    assert Plan.model_validate(document) == made
