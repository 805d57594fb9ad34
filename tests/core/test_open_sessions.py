"""Which sessions that a device tracks pass what is about to be isolated."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from islandmode.core.open_sessions import Tracked, crossing, read_tracked
from islandmode.core.plan import Plan
from islandmode.operate.plan import plan_of

PROJECT = Path(__file__).parents[2]
LISTED = """\
tcp      6 431999 ESTABLISHED src=10.10.0.20 dst=10.40.0.10 sport=51234 dport=502 src=10.40.0.10 dst=10.10.0.20 sport=502 dport=51234 [ASSURED] mark=0 use=1
tcp      6 20 TIME_WAIT src=10.10.0.20 dst=10.40.0.10 sport=51235 dport=502 src=10.40.0.10 dst=10.10.0.20 sport=502 dport=51235 [ASSURED] mark=0 use=1
tcp      6 300 ESTABLISHED src=fd10:10::20 dst=fd10:40::10 sport=51236 dport=22 src=fd10:40::10 dst=fd10:10::20 sport=22 dport=51236 [ASSURED] use=1
udp      17 20 src=10.10.0.20 dst=10.40.0.10 sport=5353 dport=53 [UNREPLIED] src=10.40.0.10 dst=10.10.0.20 sport=53 dport=5353 mark=0 use=1
udp      17 120 src=10.10.0.20 dst=10.40.0.10 sport=5354 dport=53 src=10.40.0.10 dst=10.10.0.20 sport=53 dport=5354 [ASSURED] mark=0 use=1
icmp     1 29 src=10.10.0.20 dst=10.40.0.10 type=8 code=0 id=7 src=10.40.0.10 dst=10.10.0.20 type=0 code=0 id=7 mark=0 use=1
conntrack v1.4.7 (conntrack-tools): 6 flow entries have been shown.
tcp      6 300 ESTABLISHED src=nonsense dst=10.40.0.10 sport=x dport=22
"""


@pytest.fixture(scope="module")
def plan() -> Plan:
    return plan_of(PROJECT, "quarterly-isolation")[1]


def test_what_is_established_or_answered_is_read() -> None:
    assert list(read_tracked(LISTED)) == [
        Tracked("tcp", "10.10.0.20", 51234, "10.40.0.10", 502),
        Tracked("tcp", "fd10:10::20", 51236, "fd10:40::10", 22),
        Tracked("udp", "10.10.0.20", 5354, "10.40.0.10", 53),
    ]


def test_sessions_across_an_isolated_conduit_are_found_in_both_directions(plan: Plan) -> None:
    there = Tracked("tcp", "10.10.0.20", 50000, "10.40.0.10", 3389)
    back = Tracked("tcp", "10.40.0.10", 50000, "10.10.0.20", 502)
    inside = Tracked("tcp", "10.40.0.10", 50000, "10.40.0.20", 22)
    found = list(crossing(plan, "conduit-firewall", iter((there, back, inside))))
    assert [(one.tracked, one.conduit, one.engineering) for one in found] == [
        (there, "corporate-line3", "RDP"),
        (back, "corporate-line3", ""),
    ]
    assert found[0].told == "10.10.0.20 port 50000 to 10.40.0.10, tcp/3389 (RDP), on corporate-line3"


def test_an_engineering_port_of_another_protocol_is_none(plan: Plan) -> None:
    one = replace(Tracked("udp", "10.10.0.20", 50000, "10.40.0.10", 22))
    assert [each.engineering for each in crossing(plan, "conduit-firewall", iter((one,)))] == [""]


def test_a_conduit_that_stays_open_is_not_looked_at(plan: Plan) -> None:
    one = Tracked("tcp", "10.20.0.10", 50000, "10.40.0.10", 22)
    assert list(crossing(plan, "conduit-firewall", iter((one,)))) == []
