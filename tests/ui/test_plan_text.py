"""The plan in words: what a stage does, what stays isolated from earlier stages, how all of it is undone, and whose flows die."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.core.given import Documents, given, put
from tests.core.spoilt import ANN, FIREWALL, lost_edits_accepted, second_firewall
from tests.ui.test_boundary_told import plan_text


def two_firewalls(at: Documents) -> None:
    """Let another firewall isolate the vendors' conduit, in the first stage."""
    second_firewall(at, isolates=["remote-access"])
    put(at.site, *FIREWALL, "isolates", ["corporate-line3", "corporate-dmz", "dmz-line3"])


def stages(spoil: Callable[[Documents], object] = lambda _: None, **able: Any) -> list[list[str]]:
    """Give the lines of each stage, without the frame."""
    lines = [line.strip("│ ") for line in plan_text(given(spoil).plan(**able)).splitlines()]
    starts = [place for place, line in enumerate(lines) if line.startswith("╭─ stage ")]
    return [lines[start:end] for start, end in zip(starts, [*starts[1:], len(lines)], strict=True)]


def test_a_stage_says_what_stays_isolated_and_undoes_every_point_that_is() -> None:
    first, second = stages(two_firewalls)
    assert not any(line.startswith(("still isolated", "undo on conduit-firewall")) for line in first)
    assert [line for line in first if line.startswith("undo")] == ["undo on inner-firewall"]
    assert "still isolated since stage vendors: remote-access" in second
    assert {line for line in second if line.startswith("undo")} == {
        "undo on inner-firewall, isolated since stage vendors",
        "undo on conduit-firewall",
    }
    at = second.index("undo on inner-firewall, isolated since stage vendors")
    assert second[at + 1] == "restore remote-access"


def test_the_lines_of_one_firewall_undo_both_stages_on_it() -> None:
    _, second = stages()
    assert "still isolated since stage vendors: remote-access" in second
    at = second.index("undo on conduit-firewall")
    assert set(second[at + 1 : at + 4]) == {
        f"restore {name}" for name in ("remote-access", "corporate-dmz", "corporate-line3")
    }


def test_a_probe_of_a_later_stage_is_not_isolated_yet_and_no_continuity() -> None:
    first, second = stages()
    alive, later, dead = (
        first.index(f"{what}:") for what in ("must stay alive", "not isolated yet, so must still pass", "must be dead")
    )
    assert any(line.startswith("plc-filler: ") for line in first[alive:later])
    assert not any(line.startswith("office-to-plc") for line in first[alive:later])
    assert any(line.startswith("office-to-plc: ") for line in first[later:dead])
    assert not any(line.startswith("not isolated yet") for line in second)


@pytest.mark.parametrize(("renewable", "since"), [(True, "its timer was last set"), (False, "it was armed")])
def test_the_timer_says_when_it_acts_at_the_latest(*, renewable: bool, since: str) -> None:
    for stage in stages(renewable=renewable):
        assert f"on conduit-firewall, undone by the device itself at most 180 s after {since}" in stage


def test_the_plan_says_what_a_flow_is_for_whose_it_is_and_who_watches_it() -> None:
    first, _ = stages()
    at = first.index("vendor-to-hmi on remote-access: The filler's maker looks at the HMI when called")
    probes = "vendor-to-hmi, vendor-to-hmi-v6, vendor-canary"
    assert first[at + 1 : at + 3] == ["tcp/8080", f"owner Line 3 maintenance; severed probes try 100%: {probes}"]


def test_a_flow_that_nobody_watches_and_a_stage_without_flows_say_so() -> None:
    flow = {"name": "backup", "source": "10.40.0.30", "destination": "10.15.0.10", "service": "udp/873", "owner": "IT"}
    first, _ = stages(lambda at: at.site["conduits"]["remote-access"]["flows"].append(flow))
    at = first.index("backup on remote-access")
    assert first[at + 1 : at + 3] == ["udp/873", "owner IT; no severed probe tries it"]
    first, _ = stages(lambda at: put(at.site, "conduits", "remote-access", "flows", []))
    assert "flows that die: none declared" in first


def test_a_plan_says_whose_edits_a_timer_takes_back_and_who_accepted_that() -> None:
    plan = given(lost_edits_accepted).plan(reverts="everything")
    words = " ".join(line.strip("│ ") for line in plan_text(plan).splitlines())
    more = "everything that was changed since, other people's edits too"
    assert f"; its timer takes back {more} (accepted by {ANN})" in words


@pytest.mark.parametrize(
    ("able", "told"),
    [
        ({}, []),
        ({"lag_s": 100.0, "rounding_s": 20.0}, ["on the device, up to 120 s late,"]),
        ({"covers": ("forward",)}, ["; it does not isolate what ends on the device itself and tunnels"]),
    ],
)
def test_a_plan_says_of_a_platform_what_an_engineer_would_not_expect(able: dict[str, Any], told: list[str]) -> None:
    words = " ".join(line.strip("│ ") for line in plan_text(given().plan(**able)).splitlines())
    expected = ("late,", "its timer takes back", "it does not isolate")
    assert [one for one in expected if one in words] == [one for one in expected if any(one in each for each in told)]
    assert all(each in words for each in told)


def test_a_drill_of_one_stage_has_one_stage() -> None:
    def all_at_once(at: Documents) -> None:
        first, *later = at.drill["stages"]
        first["isolate"] = [*first["isolate"], *(conduit for stage in later for conduit in stage["isolate"])]
        at.drill["stages"] = [first]

    assert " s of hold in 1 stage\n" in plan_text(given(all_at_once).plan())
    assert " s of hold in 2 stages\n" in plan_text(given().plan())
