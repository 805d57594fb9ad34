from __future__ import annotations

from typing import Any

import pytest

from islandmode.core.errors import InputError
from islandmode.core.recipe.place import at_point, place_problems
from islandmode.core.site import Site, SitePoint
from tests.core.recipe_plant import ACLS, recipe

OPTIONS = {
    "fortios-schedule": {"time_zone": "Europe/Berlin"},
    "ios-time-range": ACLS | {"time_zone": "Europe/Berlin"},
    "ios-revert": ACLS,
}


def site(**changes: Any) -> Site:
    document: dict[str, Any] = {
        "site": "north",
        "zones": {
            "office": {"level": 4, "owner": "IT", "networks": ["10.10.0.0/16", "fd10:10::/48"]},
            "line": {"level": 2, "owner": "OT", "networks": ["10.20.0.0/24", "fd10:20::/64"]},
        },
        "conduits": {"office-line": {"between": ["office", "line"], "owner": "OT"}},
        "isolation_points": {
            "edge": {
                "platform": "fortios-schedule",
                "management": {"address": "10.20.0.1", "zone": "line"},
                "login": {"user": "drill"},
                "interfaces": {"office": ["port1", "port2"], "line": ["port5"]},
                "isolates": ["office-line"],
            }
        },
        "vantages": {"here": {"zone": "line", "address": ["10.20.0.9"]}},
    }
    for path, value in changes.items():
        *way, last = path.split("__")
        node = document
        for key in way:
            node = node[key.replace("_line", "-line")]
        node[last] = value
    return Site.model_validate(document)


def said(name: str, options: dict[str, Any] | None = None, **changes: Any) -> list[tuple[tuple[str | int, ...], str]]:
    plant = site(isolation_points__edge__options=OPTIONS[name] if options is None else options, **changes)
    point: SitePoint = plant.isolation_points["edge"]
    between = {conduit: plant.conduits[conduit].between for conduit in point.isolates}
    networks = {zone: told.networks for zone, told in plant.zones.items()}
    found = place_problems(recipe(name), "edge", point, between, networks)
    return [(problem.path, problem.sentence) for problem in found]


@pytest.mark.parametrize("name", OPTIONS)
def test_a_point_that_says_everything_is_taken(name: str) -> None:
    assert said(name) == []


def test_a_device_whose_clock_ends_an_isolation_needs_its_zone() -> None:
    (found,) = said("fortios-schedule", {})
    assert found[0] == ("isolation_points", "edge", "options")
    assert found[1].startswith("edge ends an isolation by its own clock, so say in which time zone that is: ")


def test_an_option_that_is_missing() -> None:
    (found,) = said("ios-revert", {key: value for key, value in ACLS.items() if key != "acl_in"})
    assert found[1] == (
        "edge needs the option acl_in: the IPv4 access list bound inward on the interface that faces the inner zone; add it under options."
    )


def test_an_option_of_a_family_that_is_not_there_is_not_missed() -> None:
    four = {key: value for key, value in ACLS.items() if "6" not in key}
    assert len(said("ios-revert", four)) == 2
    assert said("ios-revert", four, zones__office__networks=["10.10.0.0/16"]) == []


@pytest.mark.parametrize("given", ["OT IN", "OT;reload", 'OT"', "", "1OT"])
def test_an_option_that_would_be_more_than_a_word_of_a_line(given: str) -> None:
    (found,) = said("ios-revert", ACLS | {"acl_in": given})
    assert found[0] == ("isolation_points", "edge", "options", "acl_in")
    assert found[1].startswith(f'"{given}" is not what ios-revert takes for acl_in: ')


def test_an_interface_that_is_missing() -> None:
    (found,) = said("fortios-schedule", isolation_points__edge__interfaces={"line": ["port5"]})
    assert found == (
        ("isolation_points", "edge", "interfaces"),
        "edge isolates office-line but names no interface towards zone office; add it under interfaces.",
    )


def test_an_interface_that_the_lines_do_not_name_is_not_missed() -> None:
    assert said("ios-revert", isolation_points__edge__interfaces={}) == []
    (found,) = said("ios-time-range", isolation_points__edge__interfaces={})
    assert "names no interface towards zone line" in found[1]


@pytest.mark.parametrize("name", ['port1"', "port 1", "port1\nend", "", "-x"])
def test_an_interface_that_would_be_more_than_a_word_of_a_line(name: str) -> None:
    (found,) = said("fortios-schedule", isolation_points__edge__interfaces={"office": [name], "line": ["port5"]})
    assert found[0] == ("isolation_points", "edge", "interfaces", "office", 0)
    assert "is no interface name; it has 1 to 63 letters, digits or _.:/-." in found[1]


def test_an_interface_that_leads_to_both_ends() -> None:
    (found,) = said("fortios-schedule", isolation_points__edge__interfaces={"office": ["port5"], "line": ["port5"]})
    assert found[1].startswith("Interface port5 of edge leads to both ends of office-line")


def test_a_conduit_whose_object_would_have_too_long_a_name() -> None:
    long = "office-and-all-suppliers-line"
    (found,) = said(
        "fortios-schedule",
        conduits={long: {"between": ["office", "line"], "owner": "OT"}},
        isolation_points__edge__isolates=[long],
    )[:1]
    assert found == (
        ("isolation_points", "edge", "isolates", 0),
        (
            f'On edge (fortios-schedule) {long} would be "islandmode_{long}", which has 40 characters; the device takes 31, so give the conduit a '
            "name of at most 20."
        ),
    )


def test_a_conduit_without_networks_of_a_family_that_is_isolated() -> None:
    (found,) = said(
        "ios-revert",
        {},
        zones__office__networks=["10.10.0.0/16"],
        zones__line__networks=["fd10:20::/64"],
        vantages__here__address=["fd10:20::9"],
    )
    assert found[0] == ("conduits", "office-line", "between")
    assert "the zones of office-line have no networks of that family at both ends" in found[1]


def test_what_the_lines_need_is_gathered() -> None:
    plant = site()
    networks = {zone: told.networks for zone, told in plant.zones.items()}
    at = at_point("edge", plant.isolation_points["edge"], {"office-line": ("office", "line")}, networks)
    conduit = at.conduit("office-line")
    assert (conduit.outer_zone, conduit.inner_zone) == ("office", "line")
    assert (conduit.outer_interfaces, conduit.inner_interfaces) == (("port1", "port2"), ("port5",))
    assert [str(network) for network in conduit.outer_networks] == ["10.10.0.0/16", "fd10:10::/48"]


def test_networks_that_are_not_known_are_told_and_not_left_out() -> None:
    """A line that should name them would isolate nothing, or a look would show nothing."""
    plant = site()
    point = plant.isolation_points["edge"]
    with pytest.raises(
        InputError, match="The networks of zone line are not known, which the lines for office-line on edge may name"
    ):
        at_point("edge", point, {"office-line": ("office", "line")}, {"office": plant.zones["office"].networks})


def test_a_device_that_nothing_logs_in_to_takes_no_line() -> None:
    plant = site()
    point = plant.isolation_points["edge"].model_copy(update={"management": None})
    with pytest.raises(InputError, match="Nothing logs in to edge"):
        at_point("edge", point, {}, {})


@pytest.mark.parametrize("name", OPTIONS)
def test_a_deny_that_would_meet_the_management_is_refused_where_the_recipe_does_not_except_it(name: str) -> None:
    """A network within another belongs to the zone with the narrower one, and an access list knows nothing of that."""
    found = said(name, zones__office__networks=["0.0.0.0/0", "fd10:10::/48"])
    if name != "ios-revert":
        assert found == []
        return
    (problem,) = found
    assert problem[0] == ("isolation_points", "edge", "management", "address")
    assert problem[1].startswith(
        "edge (ios-revert) is managed at 10.20.0.1, which lies within 0.0.0.0/0 of zone office: isolating office-line would drop the "
    )


def test_a_device_that_is_managed_from_outside_is_no_such_case() -> None:
    outside = {"address": "10.10.0.1", "zone": "office"}
    assert said("ios-revert", isolation_points__edge__management=outside) == []
