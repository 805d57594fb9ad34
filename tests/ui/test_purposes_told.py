"""What an operator wrote for people, people are told: in the plan, on the card, in the report."""

from __future__ import annotations

import io

from rich.console import Console

from islandmode.ui.plan_text import print_plan
from tests.core.given import given, put
from tests.ui.card_reading import words
from tests.ui.cards import card_of


def planned(**service: str) -> str:
    console = Console(file=io.StringIO(), width=240)
    print_plan(given(lambda at: at.drill["service"].update(service)).plan(), console)
    written = console.file
    assert isinstance(written, io.StringIO)
    return written.getvalue()


def test_the_plan_says_what_each_probe_is_for_and_what_must_go_on() -> None:
    said = planned(autonomy_target="36 h")
    assert "Line 3 filling, target >= 40 bottles/min, autonomy target 36 h (declared, not tested)" in said
    assert "  plc-filler: The filler's program runs" in said
    assert "  vendor-to-hmi: Remote service reaches the HMI" in said


def test_without_an_autonomy_target_none_is_told() -> None:
    service = given(lambda at: at.drill["service"].pop("autonomy_target")).drill.service
    assert service.told == "Line 3 filling, target >= 40 bottles/min"


def test_the_card_says_what_a_dead_flow_was_for() -> None:
    flow = ("conduits", "remote-access", "flows", 0, "purpose")
    said = words(card_of(given(lambda at: put(at.site, *flow, "Looks <at> the HMI")).plan()))
    assert "nuisance: vendor-to-hmi, tcp/8080, on remote-access: Looks <at> the HMI" in said
