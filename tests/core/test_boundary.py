"""Island is said only when it is one: what is isolated, what stays open and who accepted it, and ways round."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from islandmode.core.boundary import Boundary
from islandmode.core.episodes import Seen
from islandmode.core.plan import Plan
from islandmode.core.verdict import UNWATCHED_WAY, Result, Verdict
from tests.core.given import Documents, given, put
from tests.core.spoilt import both, without
from tests.core.story import BASE, END, Story

CORPORATE_LINE = ("office-to-plc", "office-to-plc-v6", "line3-to-erp", "line3-to-erp-v6", "office-canary")
CORPORATE_DMZ = ("erp-to-historian", "erp-to-historian-v6", "historian-to-erp", "historian-to-erp-v6", "erp-canary")


def boundary(spoil: Callable[[Documents], object] = lambda _: None) -> Boundary:
    return given(spoil).plan().boundary


def states(found: Boundary) -> dict[str, str]:
    return {one.conduit: one.state for one in found.conduits}


def isolating(*conduits: str, without_probes: tuple[str, ...]) -> Callable[[Documents], object]:
    """Isolate less in the second stage, and take out the probes that nothing would stop any more."""
    return both(lambda at: put(at.drill, "stages", 1, "isolate", list(conduits)), without(*without_probes))


def modem(at: Documents) -> None:
    """Give the line a modem that no isolation point stands on."""
    put(at.site, "zones", "carrier", {"level": 5, "owner": "Carrier", "networks": ["192.0.2.0/24"]})
    put(at.site, "conduits", "modem", {"between": ["carrier", "line3"], "owner": "Line 3 maintenance"})


def test_the_quarterly_drill_makes_an_island_of_dmz_and_line() -> None:
    found = boundary()
    assert found.zones == ("dmz", "line3")
    assert states(found) == dict.fromkeys(("corporate-dmz", "corporate-line3", "remote-access"), "isolated")
    assert {one.conduit: one.stage for one in found.conduits}["remote-access"] == "vendors"
    assert (found.is_island, found.left, found.ways_round) == (True, (), ())
    assert (
        found.told
        == "Every conduit that the site file names across the boundary of dmz and line3 is isolated in this drill."
    )


def test_a_vpn_that_is_left_open_makes_no_island() -> None:
    def no_vendors(at: Documents) -> None:
        del at.drill["stages"][0]
        without("vendor-to-hmi", "vendor-to-hmi-v6", "line3-to-vendor", "line3-to-vendor-v6", "vendor-canary")(at)

    found = boundary(no_vendors)
    assert [one.conduit for one in found.left] == ["remote-access"]
    assert found.told == "No island of dmz and line3: remote-access is left open, accepted by nobody."
    accepted = boundary(
        both(
            no_vendors, lambda at: put(at.drill, "left_open", [{"conduit": "remote-access", "accepted_by": "Ann, OT"}])
        )
    )
    assert not accepted.is_island
    assert accepted.told == "No island of dmz and line3: remote-access is left open, accepted by Ann, OT."


def test_a_modem_that_cannot_be_isolated_makes_no_island() -> None:
    found = boundary(modem)
    assert states(found)["modem"] == "not isolable"
    assert "modem cannot be isolated (no isolation point stands on it), accepted by nobody" in found.told


def test_a_way_round_in_the_model_is_found() -> None:
    """Only corporate to line is isolated; corporate to DMZ to line stays open."""
    found = boundary(isolating("corporate-line3", without_probes=CORPORATE_DMZ))
    assert found.zones == ("line3",)
    assert [one.conduit for one in found.left] == ["dmz-line3"]
    (way,) = found.ways_round
    assert way.told == "round corporate-line3: corporate to dmz to line3, over corporate-dmz, dmz-line3"
    assert way.told in found.told


def test_an_ot_zone_that_stays_joined_belongs_to_what_must_be_an_island() -> None:
    def packaging(at: Documents) -> None:
        put(at.site, "zones", "line4", {"level": 2, "owner": "Line 4", "networks": ["10.41.0.0/24"]})
        put(at.site, "conduits", "line3-line4", {"between": ["line4", "line3"], "owner": "OT security"})

    joined = boundary(packaging)
    assert joined.zones == ("dmz", "line3", "line4")
    assert joined.is_island
    # Conduits within the boundary stay as they are, and nothing else may be said of them.
    assert states(joined).keys().isdisjoint({"line3-line4", "dmz-line3"})
    told = (
        "Every conduit that the site file names across the boundary of dmz, line3 and line4 is isolated in this drill."
    )
    assert joined.told == told

    def with_own_way_out(at: Documents) -> None:
        packaging(at)
        put(at.site, "conduits", "corporate-line4", {"between": ["corporate", "line4"], "owner": "OT security"})

    found = boundary(with_own_way_out)
    assert states(found)["corporate-line4"] == "not isolable"
    assert [way.conduit for way in found.ways_round] == ["corporate-dmz", "corporate-line3"]
    assert not found.is_island


@pytest.mark.parametrize(
    ("covers", "told"),
    [
        (("forward", "vpn"), "what ends on conduit-firewall is not isolated"),
        (("forward", "to_device"), "what comes out of a tunnel on conduit-firewall is not isolated"),
        (
            ("forward",),
            (
                "what ends on conduit-firewall is not isolated; what comes out of a tunnel on conduit-firewall is not isolated"
            ),
        ),
    ],
)
def test_what_a_platform_does_not_stop_makes_no_island(covers: tuple[str, ...], told: str) -> None:
    plan = given().plan(covers=covers)
    assert not plan.boundary.is_island
    assert plan.boundary.told == f"No island of dmz and line3: {told}."
    verdict = Story(plan).judge()
    assert (verdict.verdict, verdict.island, verdict.island_told) == (Result.HELD, False, plan.boundary.told)
    assert Plan.model_validate_json(plan.model_dump_json(by_alias=True)) == plan


def test_a_platform_that_stops_all_of_it_says_nothing_more_in_the_plan() -> None:
    assert "uncovered" not in given().plan().model_dump(mode="json")["boundary"]


def test_a_site_in_which_everything_is_joined_lists_a_bounded_number_of_ways() -> None:
    def mesh(at: Documents) -> None:
        names = [f"cell{number}" for number in range(7)]
        for number, name in enumerate(names):
            put(at.site, "zones", name, {"level": 2, "owner": "x", "networks": [f"10.99.{number}.0/24"]})
            put(at.site, "conduits", f"corporate-{name}", {"between": ["corporate", name], "owner": "x"})
            put(at.site, "conduits", f"{name}-line3", {"between": [name, "line3"], "owner": "x"})
            for other in names[:number]:
                put(at.site, "conduits", f"{name}-{other}", {"between": [name, other], "owner": "x"})

    assert len(boundary(mesh).ways_round) == 20


def counting_nothing(plan: Plan) -> Plan:
    """Give the plan for devices that count nothing."""
    points = {
        name: point.model_copy(
            update={
                "capabilities": point.capabilities.model_copy(update={"witness": "none"}),
                "rendering": point.rendering.model_copy(update={"ways": {}}),
            }
        )
        for name, point in plan.points.items()
    }
    return plan.model_copy(update={"points": points})


def test_island_is_a_word_of_the_verdict_only_when_it_held_and_nothing_was_left() -> None:
    assert Story().judge().island
    open_vpn = Story(given(modem).plan())
    verdict = open_vpn.judge()
    assert verdict.verdict is Result.HELD
    assert not verdict.island
    assert verdict.boundary == open_vpn.plan.boundary
    breached = Story()
    breached.see("office-to-plc", Seen.GOOD, BASE, END)
    assert not breached.judge().island
    assert breached.judge().island_told == ""


@pytest.mark.parametrize("code", ["point-management-across", "point-interface-unnamed", "point-tunnel"])
def test_a_way_over_the_device_that_no_counter_watched_makes_it_no_island(code: str) -> None:
    def held(plan: Plan, *, noted: bool) -> Verdict:
        story = Story()
        story.plan = plan
        if noted:
            story.add(0, "preflight.finding", code=code, sentence="x", refuses=False)
        verdict = story.judge()
        assert verdict.verdict is Result.HELD
        return verdict

    watched, unwatched = Story().plan, counting_nothing(Story().plan)
    assert held(watched, noted=True).island_told.startswith("The plant ran as an island. ")
    assert held(unwatched, noted=False).island
    found = held(unwatched, noted=True)
    assert not found.island
    assert found.island_told == f"{found.boundary.told} {UNWATCHED_WAY}"


@pytest.mark.parametrize("code", ["host-forwards", "point-part-unread"])
def test_a_way_that_no_counter_can_watch_makes_it_no_island(code: str) -> None:
    story = Story()
    story.add(0, "preflight.finding", code=code, sentence="x", refuses=False)
    verdict = story.judge()
    assert (verdict.verdict, verdict.island) == (Result.HELD, False)


def test_a_plan_of_an_earlier_version_is_read_and_called_no_island() -> None:
    """A restore reads the plan of its run, whatever version wrote it."""
    document = given().plan().model_dump(mode="json", by_alias=True)
    del document["boundary"]
    for stage in document["stages"]:
        del stage["closed"]
    plan = Plan.model_validate(document)
    assert not plan.boundary.is_island
    assert plan.boundary.told == "What stays open is not known: the plan is of an earlier version."
