"""The table of platforms: what it renders, what it refuses, and that opening a point contacts nothing."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest

from islandmode import isolation
from islandmode.core.conduit import Conduit
from islandmode.core.drill import Drill, Limits, Service, Stage
from islandmode.core.errors import InputError
from islandmode.core.plan import PlanPoint
from islandmode.core.problem import listed
from islandmode.core.recipe.shipped import SHIPPED
from islandmode.core.site import Login, Management, Site, SitePoint, VantagePoint, Zone
from islandmode.isolation.nftables import recipe
from islandmode.isolation.table import IN_CODE
from islandmode.system.clock import MachineClock
from tests.isolation.contract import Contract
from tests.isolation.nftables.plant import planned


def point(platform: str = "nftables") -> SitePoint:
    return SitePoint(
        platform=platform,
        management=Management.model_validate({"address": "192.0.2.1", "zone": "line3"}),
        login=Login(user="drill", password="env:FW_PASSWORD"),
        interfaces={"corporate": ("eth1",), "line3": ("eth4",), "dmz": ("eth3",)},
        isolates=("corporate-line3", "dmz-line3"),
    )


def site() -> Site:
    zones = {
        name: Zone.model_validate({"level": level, "owner": "x", "networks": [network]})
        for name, level, network in (
            ("corporate", 4, "10.1.0.0/24"),
            ("dmz", 3.5, "10.2.0.0/24"),
            ("line3", 2, "10.3.0.0/24"),
        )
    }
    return Site(
        site="riverside",
        zones=zones,
        conduits={
            "corporate-line3": Conduit(between=("corporate", "line3"), owner="x"),
            "dmz-line3": Conduit(between=("dmz", "line3"), owner="x"),
        },
        isolation_points={"fw": point()},
        vantages={"here": VantagePoint.model_validate({"zone": "line3", "address": ["10.3.0.9"]})},
    )


def drill() -> Drill:
    return Drill(
        drill="quarterly",
        site="riverside",
        service=Service(name="filling", target="40"),
        stages=(Stage(name="office", isolate=("corporate-line3",), hold=8.0),),
        limits=Limits(isolate_within=5.0, restore_within=10.0, dead_man=120.0, longest_ot_gap=1.0, undo_tier="A"),
        continuity=("plc",),
        severed=("office-to-plc",),
    )


def test_only_what_the_drill_isolates_is_rendered() -> None:
    rendering = isolation.render("fw", point(), drill(), site())
    assert rendering.conduits == ("corporate-line3",)
    assert "islandmode_dmz_line3" not in rendering.model_dump_json()
    assert '"eth1" . "eth4" timeout 120s' in rendering.arm[0]


def test_a_point_that_no_stage_uses_renders_nothing() -> None:
    other = drill().model_copy(update={"stages": (Stage(name="none", isolate=("remote",), hold=8.0),)})
    rendering = isolation.render("fw", point(), other, site())
    assert (rendering.conduits, rendering.arm, rendering.stages, rendering.restore) == ((), (), (), ())


def test_an_unknown_platform_lists_the_known_ones() -> None:
    with pytest.raises(InputError, match=rf'There is no platform "pf"; known: {listed((*IN_CODE, *SHIPPED))}\.'):
        isolation.render("fw", point("pf"), drill(), site())


def test_opening_a_point_resolves_secrets_and_contacts_nothing() -> None:
    asked: list[str] = []

    def secrets(reference: str) -> str:
        asked.append(reference)
        return "canary-55"

    plan: PlanPoint = planned().model_copy(update={"login": Login(user="drill", password="env:FW_PASSWORD")})
    edge = isolation.open_point(
        "fw", plan, secrets=secrets, known_hosts=Path("none"), clock=MachineClock.of_this_boot(), run="run-1"
    )
    assert edge.name == "fw"
    assert edge.capabilities == recipe.CAPABILITIES
    assert asked == ["env:FW_PASSWORD"]
    assert "canary-55" not in repr(vars(edge))


@pytest.mark.parametrize("name", [name for name, platform in IN_CODE.items() if platform.capabilities.logs_in])
def test_every_platform_that_is_code_and_drives_a_device_is_held_to_the_contract(name: str) -> None:
    contract = import_module(f"tests.isolation.{name.replace('-', '_')}.test_contract")
    benches = [one for one in vars(contract).values() if isinstance(one, type) and issubclass(one, Contract)]
    assert any(one is not Contract and "bench" in vars(one) for one in benches)
