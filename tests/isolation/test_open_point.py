"""The table of platforms: what is rendered of the operators' files, and what a point is given to log in with."""

from __future__ import annotations

from pathlib import Path

import pytest

from islandmode.core.errors import InputError, NoSecret
from islandmode.core.plan import PlanPoint
from islandmode.core.problem import listed
from islandmode.core.recipe.shipped import SHIPPED
from islandmode.core.site import Login, Management
from islandmode.isolation import open_point, render, render_rescue
from islandmode.isolation.nftables import recipe
from islandmode.isolation.nftables.point import NftablesPoint, NftAccess
from islandmode.isolation.table import IN_CODE
from tests.core.given import given
from tests.isolation.nftables.fake_firewall import TickingClock
from tests.isolation.nftables.plant import planned

NAME = "conduit-firewall"
UNKNOWN = rf'^fw: There is no platform "magic"; known: {listed((*IN_CODE, *SHIPPED))}\.$'


def test_a_point_is_rendered_for_the_stages_and_the_dead_man_of_its_drill() -> None:
    values = given()
    point = values.site.isolation_points[NAME]
    found = render(NAME, point, values.drill, values.site)
    assert found.point == NAME
    assert [(one.stage, one.conduits) for one in found.stages] == [
        (stage.name, tuple(one for one in stage.isolate if one in point.isolates)) for stage in values.drill.stages
    ]
    assert set(found.ways) == set(found.conduits)
    assert all(found.ways.values())
    assert f" timeout {values.drill.limits.dead_man:.0f}s" in found.arm[0]
    assert found.restore == tuple(f"nft '{recipe.restore_line((one,))}'" for one in found.conduits)


def test_a_rescue_is_rendered_without_anything_to_count() -> None:
    values = given()
    point = values.site.isolation_points[NAME]
    found = render_rescue(NAME, point, {"remote-access": ("vendors", "line3")}, {})
    assert found.conduits == ("remote-access",)
    assert [one.stage for one in found.stages] == ["rescue"]
    assert found.ways == {"remote-access": ()}
    assert "counted" not in found.arm[0]
    assert f" timeout {recipe.CAPABILITIES.dead_man_min_s:.0f}s" in found.arm[0]
    assert found.restore == (f"nft '{recipe.restore_line(('remote-access',))}'",)


def test_a_platform_that_is_not_known_is_refused_with_those_that_are() -> None:
    values = given()
    point = values.site.isolation_points[NAME].model_copy(update={"platform": "magic"})
    with pytest.raises(InputError, match=UNKNOWN):
        render("fw", point, values.drill, values.site)
    with pytest.raises(InputError, match=UNKNOWN):
        render_rescue("fw", point, {}, {})


@pytest.mark.parametrize(
    ("login", "secret"),
    [
        (Login(user="drill", password="env:PW", become="root"), {"password": "secret of env:PW", "key": None}),
        (Login(user="drill", key="file:KEY"), {"password": None, "key": "secret of file:KEY"}),
        (
            Login(user="drill", password="env:PW", become="enable", enable="env:EN"),
            {"password": "secret of env:PW", "key": None, "enable": "secret of env:EN"},
        ),
    ],
)
@pytest.mark.parametrize("run", ["a-run", None])
def test_a_point_logs_in_with_what_the_site_says(login: Login, secret: dict[str, str | None], run: str | None) -> None:
    management = Management.model_validate({"address": "10.40.0.1", "zone": "line3", "port": 2222})
    point: PlanPoint = planned(("corporate-line3",)).model_copy(update={"management": management, "login": login})
    made = open_point(
        "fw", point, secrets=lambda name: f"secret of {name}", known_hosts=Path("/k"), clock=TickingClock(), run=run
    )
    assert isinstance(made, NftablesPoint)
    assert made.name == "fw"
    assert made._owner == (run or recipe.ANY_RUN)
    assert made._access == NftAccess(
        host="10.40.0.1",
        port=2222,
        user="drill",
        become=login.become,
        known_hosts=Path("/k"),
        password=secret["password"],
        key=secret["key"],
        enable=secret.get("enable"),
    )
    firewall = made._sessions.work._driver.firewall
    options = firewall.link.login
    assert (options.host, options.port, options.user, options.timeout_s) == ("10.40.0.1", 2222, "drill", 10.0)
    assert (options.password, options.key, options.known_hosts) == (secret["password"] or "", secret["key"], Path("/k"))
    assert firewall.become == login.become
    assert firewall.nft.endswith("/usr/sbin/nft")
    assert "secret" not in repr(made._access)


@pytest.mark.parametrize("key", ["password", "key", "enable"])
def test_a_secret_that_cannot_be_had_says_where_its_reference_stands(key: str) -> None:
    def missing(reference: str) -> str:
        raise InputError(f"The secret {reference} is empty; give it a value.")

    login = Login.model_validate({"user": "drill", key: "file:fw"})
    point = planned(("corporate-line3",)).model_copy(update={"login": login})
    with pytest.raises(NoSecret, match=r"^The secret file:fw is empty; give it a value\.$") as refused:
        open_point("fw", point, secrets=missing, known_hosts=Path("/k"), clock=TickingClock(), run=None)
    assert refused.value.path == ("isolation_points", "fw", "login", key)
