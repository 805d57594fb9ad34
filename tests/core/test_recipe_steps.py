from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest

from islandmode.core.recipe.due import due_lines, is_anothers, is_ours
from islandmode.core.recipe.model import STEPS
from islandmode.core.recipe.place import ConduitAt, PointAt
from islandmode.core.recipe.reading import Shown
from islandmode.core.recipe.shipped import SHIPPED
from islandmode.core.recipe.steps import Ready, RunValues, planned, step_lines
from islandmode.core.recipe.window import REST, Meaning, armed_window, isolating_window, meaning, owner_of
from islandmode.core.recipe.words import placeholders
from tests.core.recipe_plant import ACLS, ENDS, NOW, OFFICE, RUN, RUNNING, VENDOR, point, recipe, sent

POINTS = {
    "fortios-schedule": point(OFFICE),
    "ios-time-range": point(OFFICE, VENDOR, options=ACLS),
    "ios-revert": point(OFFICE, VENDOR, options=ACLS),
}
WIDE = point(replace(OFFICE, outer_networks=(ip_network("0.0.0.0/0"), ip_network("::/0"))), options=ACLS)
"""Its outer networks hold every address, the management's too."""
IPV6_ONLY = replace(OFFICE, outer_networks=OFFICE.outer_networks[1:])


def golden() -> dict[tuple[str, str], list[str]]:
    found: dict[tuple[str, str], list[str]] = {}
    lines: list[str] = []
    for line in (Path(__file__).parent / "recipe_lines.txt").read_text().splitlines():
        if line.startswith("== "):
            name, _, step = line.removeprefix("== ").partition(": ")
            lines = found[name, step] = []
        elif line and not line.startswith("#"):
            lines.append(line)
    return found


def written(lines: tuple[Ready, ...]) -> Iterator[str]:
    for line in lines:
        yield line.send
        yield from [f"    must: {line.must}"] if line.must else []
        yield from [f"    must_not: {line.must_not}"] if line.must_not else []


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("name", SHIPPED)
def test_each_step_of_each_recipe_is_exactly_these_lines(name: str, step: str) -> None:
    assert list(written(step_lines(recipe(name), step, POINTS[name], RUNNING))) == golden().get((name, step), [])


def test_the_golden_lines_are_of_every_recipe_that_ships() -> None:
    assert {name for name, _ in golden()} == set(SHIPPED)


@pytest.mark.parametrize("name", SHIPPED)
def test_restore_is_the_same_for_every_run_so_that_it_fits_the_card(name: str) -> None:
    before = step_lines(recipe(name), "restore", POINTS[name], planned(300.0))
    assert before == step_lines(recipe(name), "restore", POINTS[name], RunValues("another", 60.0, ENDS))


@pytest.mark.parametrize("name", ["fortios-schedule", "ios-time-range"])
def test_every_isolating_line_that_has_a_moment_brings_the_end(name: str) -> None:
    lines = sent(step_lines(recipe(name), "isolate", POINTS[name], RUNNING))
    assert sum("10:21" in line for line in lines) == len(POINTS[name].conduits)
    before = sent(step_lines(recipe(name), "isolate", POINTS[name], planned(300.0)))
    assert sum("this-runs-end" in line for line in before) == len(POINTS[name].conduits)


def test_a_stage_sends_the_lines_of_its_own_conduits_only() -> None:
    at = POINTS["ios-time-range"]
    lines = sent(step_lines(recipe("ios-time-range"), "isolate", at, RUNNING, ["vendor-line"]))
    assert [line for line in lines if "islandmode" in line] == ["time-range islandmode_vendor-line"]


def test_numbers_of_two_stages_never_meet() -> None:
    at = POINTS["ios-revert"]
    stages = [step_lines(recipe("ios-revert"), "isolate", at, RUNNING, [conduit.name]) for conduit in at.conduits]
    numbers = [{line.split()[0] for line in sent(stage) if line[0].isdigit()} for stage in stages]
    assert numbers == [{"1", "3"}, {"2", "4"}]


def test_numbers_do_not_depend_on_which_conduits_a_stage_has() -> None:
    four = replace(VENDOR, inner_networks=VENDOR.inner_networks[:1])
    six = replace(OFFICE, outer_networks=OFFICE.outer_networks[1:])
    at, shipped = point(four, six, options=ACLS), recipe("ios-time-range")
    whole = sent(step_lines(shipped, "provision", at, RUNNING))
    only_six = sent(step_lines(shipped, "provision", at, RUNNING, ["office-line"]))
    numbered = [line for line in only_six if "deny" in line]
    assert numbered
    assert not set(numbered) - set(whole)
    assert not [line for line in only_six if "ip access-list" in line]


def test_a_pending_change_is_restored_for_all_conduits_because_confirming_stops_the_one_timer() -> None:
    at = POINTS["ios-revert"]
    assert step_lines(recipe("ios-revert"), "restore", at, RUNNING, ["office-line"]) == step_lines(
        recipe("ios-revert"), "restore", at, RUNNING
    )


def test_a_pending_change_is_confirmed_last_and_after_every_deny_was_looked_for() -> None:
    lines = step_lines(recipe("ios-revert"), "restore", POINTS["ios-revert"], RUNNING)
    removed = [line.send for line in lines if line.send.startswith("no deny")]
    looked = [line.send for line in lines if line.must_not]
    assert (lines[-1].send, len(looked)) == ("configure confirm", len(removed))
    assert sent(lines).index(looked[0]) > sent(lines).index(removed[-1])


@pytest.mark.parametrize("name", ["ios-time-range", "ios-revert"])
def test_a_conduit_of_one_family_gets_lines_of_that_family_only(name: str) -> None:
    at = PointAt("edge", ip_address("10.20.0.1"), ACLS, (IPV6_ONLY,))
    steps = [step_lines(recipe(name), step, at, RUNNING) for step in ("provision", "isolate", "restore")]
    lines = [line for step in steps for line in sent(step)]
    assert not [line for line in lines if "ip access-list" in line]
    assert [line for line in lines if "fd10:20::/64" in line]


def test_a_device_that_is_managed_over_ipv6_is_excepted_over_ipv6() -> None:
    at = replace(WIDE, management=ip_address("fd10:20::1"))
    lines = sent(step_lines(recipe("ios-time-range"), "provision", at, RUNNING))
    assert [line for line in lines if "permit" in line] == [
        "sequence 3 permit tcp fd10:20::/64 host fd10:20::1 eq 22 time-range islandmode_office-line",
        "sequence 5 permit tcp host fd10:20::1 eq 22 fd10:20::/64 time-range islandmode_office-line",
    ]


def test_only_the_port_of_the_management_is_let_pass_and_only_while_the_denies_act() -> None:
    lines = sent(step_lines(recipe("ios-time-range"), "provision", replace(WIDE, management_port=2222), RUNNING))
    assert [line for line in lines if "permit" in line] == [
        "1 permit tcp 10.20.0.0 0.0.0.255 host 10.20.0.1 eq 2222 time-range islandmode_office-line",
        "3 permit tcp host 10.20.0.1 eq 2222 10.20.0.0 0.0.0.255 time-range islandmode_office-line",
    ]


@pytest.mark.parametrize(
    "at", [POINTS["ios-time-range"], replace(WIDE, management_zone="office")], ids=["narrow networks", "from outside"]
)
@pytest.mark.parametrize("step", ["provision", "keep_closed"])
def test_where_no_deny_meets_the_management_nothing_is_let_pass(at: PointAt, step: str) -> None:
    assert not [line for line in sent(step_lines(recipe("ios-time-range"), step, at, RUNNING)) if "permit" in line]


@pytest.mark.parametrize("name", ["fortios-schedule", "ios-time-range"])
def test_what_is_kept_closed_has_no_end_no_object_of_a_drill_and_no_number_that_is_taken(name: str) -> None:
    at = point(OFFICE, VENDOR, options=ACLS)
    closed = sent(step_lines(recipe(name), "keep_closed", at, RUNNING))
    assert closed == sent(step_lines(recipe(name), "keep_closed", at, planned(0)))
    assert not [line for line in closed if "islandmode_" in line]
    numbers = [
        {line.split()[0] for line in sent(step_lines(recipe(name), step, at, RUNNING)) if line[0].isdigit()}
        for step in ("provision", "keep_closed")
    ]
    assert not numbers[0] & numbers[1]


@pytest.mark.parametrize(
    ("network", "line"),
    [
        ("10.0.0.0/8", "2 deny ip 10.20.0.0 0.0.0.255 10.0.0.0 0.255.255.255 log time-range islandmode_office-line"),
        ("10.9.8.7/32", "1 deny ip 10.20.0.0 0.0.0.255 host 10.9.8.7 log time-range islandmode_office-line"),
        ("0.0.0.0/0", "2 deny ip 10.20.0.0 0.0.0.255 any log time-range islandmode_office-line"),
    ],
)
def test_a_network_is_written_as_the_access_list_shows_it(network: str, line: str) -> None:
    at = point(replace(OFFICE, outer_networks=(ip_network(network),)), options=ACLS)
    assert line in sent(step_lines(recipe("ios-time-range"), "provision", at, RUNNING))


def clocked(window: Meaning, *, isolating: bool = False) -> Shown:
    left_s = None if window.says in {"rest", "over"} or window.ends is None else (window.ends - NOW).total_seconds()
    return Shown(isolating, in_place=True, window=window, left_s=left_s)


AT_REST = clocked(meaning(REST, NOW))
ARMED = clocked(meaning(armed_window(RUN, ENDS), NOW))
ISOLATING = clocked(meaning(isolating_window(RUN, ENDS), NOW), isolating=True)
OVER = clocked(meaning(isolating_window("a-dead-run", NOW), NOW))
OTHERS = clocked(meaning(isolating_window("another-run", ENDS), NOW), isolating=True)


@pytest.mark.parametrize(
    ("step", "shown", "is_due"),
    [
        ("arm", AT_REST, True),
        ("arm", ARMED, False),
        ("isolate", ARMED, True),
        ("isolate", ISOLATING, False),
        ("arm", OTHERS, False),
        ("isolate", OTHERS, False),
        ("renew", OTHERS, False),
        ("restore", OTHERS, False),
        ("arm", OVER, True),
        ("restore", AT_REST, False),
        ("restore", ARMED, True),
        ("restore", ISOLATING, True),
        ("restore", OVER, True),
    ],
)
@pytest.mark.parametrize("name", ["fortios-schedule", "ios-time-range"])
def test_what_is_so_already_or_another_run_s_is_not_written(
    name: str, step: str, shown: Shown, *, is_due: bool
) -> None:
    at = point(OFFICE, options=ACLS)
    lines = due_lines(recipe(name), step, at, RUNNING, {"office-line": shown}, ["office-line"])
    assert lines == (step_lines(recipe(name), step, at, RUNNING) if is_due else ())


def test_of_two_conduits_only_the_due_is_written() -> None:
    at, shown = POINTS["ios-time-range"], {"office-line": AT_REST, "vendor-line": ISOLATING}
    lines = due_lines(recipe("ios-time-range"), "restore", at, RUNNING, shown, list(shown))
    assert lines == step_lines(recipe("ios-time-range"), "restore", at, RUNNING, ["vendor-line"])


def test_what_was_not_read_is_written() -> None:
    at = POINTS["fortios-schedule"]
    lines = due_lines(recipe("fortios-schedule"), "restore", at, RUNNING, {}, ["office-line"])
    assert lines == step_lines(recipe("fortios-schedule"), "restore", at, RUNNING)


def test_whose_a_window_is_stands_in_it() -> None:
    shipped = recipe("fortios-schedule")
    assert is_ours(shipped, ISOLATING, RUN)
    assert is_ours(shipped, ARMED, RUN)
    assert not is_ours(shipped, OTHERS, RUN)
    assert owner_of(RUN) != owner_of("another-run")
    assert is_anothers(shipped, OTHERS, RUN)
    assert not is_anothers(shipped, OVER, RUN)
    assert is_anothers(shipped, clocked(Meaning("to-come", None, ENDS)), RUN)
    own = clocked(Meaning("to-come", owner_of(RUN), ENDS))
    at = point(OFFICE)
    assert due_lines(shipped, "restore", at, RUNNING, {"office-line": own}, ["office-line"])


@pytest.mark.parametrize(("owner", "is_another"), [("another", True), (RUN, False), (None, False)])
def test_whose_a_timer_is_stands_beside_it(owner: str | None, *, is_another: bool) -> None:
    own = recipe("fortios-schedule").model_copy(update={"cycle": "own-timer"})
    assert is_anothers(own, Shown(isolating=True, left_s=20.0, owner=owner), RUN) is is_another


def test_a_pending_change_cannot_tell_two_runs_of_one_login_apart() -> None:
    assert is_ours(recipe("ios-revert"), Shown(isolating=False, pending=True, owner="drill"), RUN)


@pytest.mark.parametrize("name", SHIPPED)
def test_a_plan_knows_no_value_of_a_run(name: str) -> None:
    for step in ("arm", "isolate", "renew"):
        with_run = step_lines(recipe(name), step, POINTS[name], RUNNING)
        before = step_lines(recipe(name), step, POINTS[name], planned(300.0))
        assert len(before) == len(with_run)
        assert not [line for line in sent(before) if "2026" in line or RUN in line]


def test_a_name_in_braces_is_found_in_a_line_and_not_in_a_pattern_s_own_braces() -> None:
    assert [found.name for found in placeholders("a {{b}} {object} {end(%H)}")] == ["object", "end"]
    assert [found.name for found in placeholders(r"\d{4} {object}", in_line=False)] == ["object"]


def test_every_conduit_of_the_plant_is_known() -> None:
    at = POINTS["ios-revert"]
    assert [at.conduit(name) for name in ("office-line", "vendor-line")] == [OFFICE, VENDOR]
    assert isinstance(at.conduit("office-line"), ConduitAt)
