"""Flows as a firewall's engineer writes them: networks, ranges of ports and protocols, and what a probe tries of them."""

from __future__ import annotations

from ipaddress import IPv4Network
from typing import Any

import pytest
from hypothesis import given as given_any
from hypothesis import strategies as st
from ruamel.yaml import YAML

from islandmode.core.planning.paths import permitted_ways
from islandmode.core.planning.plan_drill import check_site
from islandmode.core.preflight import judge_plan
from tests.core.given import PROJECT, Documents, given, put
from tests.core.spoilt import adding, both, tcp, without

AD = [
    "tcp/53", "udp/53", "tcp/88", "udp/88", "tcp/135", "tcp/389", "udp/389", "tcp/445", "tcp/464", "udp/464", "tcp/636",
    "tcp/3268-3269", "tcp/49152-65535", "icmp",
]  # fmt: skip


def directory(at: Documents) -> None:
    """Let the line's hosts log on at the domain controllers of the company: one flow."""
    flow = {
        "name": "directory",
        "source": ["10.40.0.0/24", "fd10:40::/64"],
        "destination": "10.10.0.0/28",
        "service": AD,
        "owner": "IT",
        "purpose": "Logon",
    }
    at.site["conduits"]["corporate-line3"]["flows"].append(flow)


@pytest.mark.parametrize(
    ("probe", "hits"),
    [
        (tcp("here", "10.10.0.10", 88), True),
        (tcp("here", "10.10.0.10", 49152), True),
        (tcp("here", "10.10.0.10", 65535), True),
        (tcp("here", "10.10.0.10", 3269), True),
        ({"kind": "icmp", "vantage": "here", "target": "10.10.0.10"}, True),
        (tcp("here", "10.10.0.10", 49151), False),
        (tcp("here", "10.10.0.10", 3270), False),
        (tcp("here", "10.10.0.20", 88), False),
        (tcp("here", "fd10:10::10", 88), False),
        (tcp("office", "10.40.0.10", 88), False),
    ],
    ids=str,
)
def test_one_flow_lists_services_networks_and_ranges(probe: dict[str, Any], *, hits: bool) -> None:
    whole = given(both(directory, adding("drill", "severed", "logon", **probe)))
    flow = next(flow for flow in whole.plan().stages[1].dying_flows if flow.flow == "directory")
    assert flow.service == ", ".join(AD)
    assert flow.purpose == "Logon"
    assert flow.probes == (("logon",) if hits else ())
    assert (flow.covered, flow.sampled) == (1 / len(AD) if hits else 0.0, hits)
    assert flow.cover == ("7%, sampled" if hits else "not watched")


def test_a_flow_of_which_only_some_is_tried_is_advice() -> None:
    probe = tcp("here", "10.10.0.10", 88)
    plan = given(both(directory, adding("drill", "severed", "logon", **probe))).plan()
    assert (
        "Severed probes test only 7% of flow directory on corporate-line3 (owner IT), each network and range of ports by some of "
        "its hosts and ports only."
    ) in [each.sentence for each in judge_plan(plan)]
    whole = given(lambda at: put(at.site, "conduits", "corporate-line3", "flows", 0, "service", "tcp/502-503")).plan()
    assert (
        "Severed probes test all of flow office-to-plc on corporate-line3 (owner Process engineering), each network and range of "
        "ports by some of its hosts and ports only."
    ) in [each.sentence for each in judge_plan(whole)]


def test_the_flow_in_the_documentation_is_right() -> None:
    text = (PROJECT / "docs" / "flows.md").read_text(encoding="utf-8")
    (flow,) = YAML(typ="safe", pure=True).load(text.partition("```yaml\n")[2].partition("```")[0])["flows"]
    assert flow["service"] == AD
    site = given(lambda at: at.site["conduits"]["corporate-line3"]["flows"].append(flow)).site
    assert check_site(site) == ()


@pytest.mark.parametrize(
    ("service", "covered"),
    [
        ("tcp", 1.0),
        ("any", 1.0),
        ("tcp/502-503", 1.0),
        ("tcp/1-501", 0.0),
        ("udp", 0.0),
        ("esp", 0.0),
        ("sctp/502", 0.0),
    ],
)
def test_a_protocol_without_ports_is_all_of_them(service: str, covered: float) -> None:
    whole = given(lambda at: put(at.site, "conduits", "corporate-line3", "flows", 0, "service", service))
    flow = next(flow for flow in whole.plan().stages[1].dying_flows if flow.flow == "office-to-plc")
    assert (flow.covered, flow.sampled) == (covered, covered > 0)


@pytest.mark.parametrize(
    ("key", "entries", "covered"),
    [
        ("service", ["tcp/502", "tcp/502"], 1.0),
        ("service", ["tcp/502", "tcp/502-502"], 1.0),
        ("service", ["tcp", "tcp/8080"], 1.0),
        ("service", ["tcp/8080", "any", "udp"], 1.0),
        ("service", ["tcp/500-510", "tcp/505-508"], 1.0),
        ("service", ["tcp/502", "tcp/503", "tcp/503"], 1 / 2),
        ("service", ["tcp/500-510", "tcp/505-515"], 1 / 2),
        ("service", ["tcp/502", "udp"], 1 / 2),
        ("service", ["tcp/502", "udp", "udp/53"], 1 / 2),
        ("source", ["10.10.0.20", "10.10.0.20"], 1.0),
        ("source", ["10.10.0.20", "10.10.0.0/24"], 1.0),
        ("source", ["10.10.0.20", "10.10.0.10", "10.10.0.10"], 1 / 2),
        ("destination", ["10.40.0.0/25", "10.40.0.10", "10.40.0.11"], 1.0),
        ("destination", ["10.40.0.10", "10.40.0.128/25", "10.40.0.200"], 1 / 2),
    ],
    ids=str,
)
def test_what_another_entry_contains_counts_once(key: str, entries: list[str], covered: float) -> None:
    def listed(at: Documents) -> None:
        flow = at.site["conduits"]["corporate-line3"]["flows"][0]
        flow.update({"source": "10.10.0.20", "destination": "10.40.0.10", "service": "tcp/502"} | {key: entries})

    whole = given(both(listed, without("office-to-plc-v6")))
    flow = next(flow for flow in whole.plan().stages[1].dying_flows if flow.flow == "office-to-plc")
    assert flow.covered == covered


def test_the_share_in_the_documentation_is_right() -> None:
    """Two destinations by nine services are eighteen parts, of which three are tried."""
    text = (PROJECT / "docs" / "flows.md").read_text(encoding="utf-8")
    (flow,) = YAML(typ="safe", pure=True).load(text.split("```yaml\n")[2].partition("```")[0])["flows"]
    assert (len(flow["destination"]), len(flow["service"])) == (2, 9)
    target = flow["destination"][0]
    whole = given(
        both(
            lambda at: at.site["conduits"]["corporate-line3"]["flows"].append(flow),
            adding("drill", "severed", "ldap", **tcp("here", target, 389)),
            adding("drill", "severed", "rpc", **tcp("here", target, 49200)),
            adding("drill", "severed", "ping", kind="icmp", vantage="here", target=target),
        )
    )
    told = next(one for one in whole.plan().stages[1].dying_flows if one.flow == flow["name"])
    assert (told.covered, told.cover) == (3 / 18, "17%, sampled")
    assert "3 of 18" in text
    assert "*17%, sampled*" in text


def test_a_network_permits_the_ways_between_its_zones() -> None:
    def only_networks(at: Documents) -> None:
        flows = [
            {"name": "all", "source": "10.10.0.0/25", "destination": "10.40.0.0/24", "service": "any", "owner": "IT"}
        ]
        put(at.site, "conduits", "corporate-line3", "flows", flows)

    assert permitted_ways(given(only_networks).site, "corporate-line3") == {("inward", 4)}


@given_any(
    held=st.dictionaries(
        st.tuples(st.integers(0, 15), st.integers(28, 32)), st.sampled_from(["dmz", "line3", "vendors"]), max_size=8
    ),
    wanted=st.tuples(st.integers(0, 15), st.integers(28, 32)),
)
def test_the_zones_of_a_network_are_those_of_its_addresses(
    held: dict[tuple[int, int], str], wanted: tuple[int, int]
) -> None:
    def network(at: tuple[int, int]) -> IPv4Network:
        return IPv4Network(f"198.51.100.{at[0]}/{at[1]}", strict=False)

    site = given().site
    mine = {network(at): zone for at, zone in held.items()}
    zones = {
        name: zone.model_copy(update={"networks": tuple(one for one, its in mine.items() if its == name)})
        for name, zone in site.zones.items()
    }
    site = site.model_copy(update={"zones": zones})
    assert site.zones_of(network(wanted)) == {site.zone_of(address) for address in network(wanted)}
