"""What is said of each flow comes from what was seen of it, never from the plan."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from islandmode.core.episodes import Heard, Seen
from islandmode.core.flows_told import Concerned, Fate, FlowTold, concerned_by, concerned_by_probes, flows_told, seen_of
from islandmode.core.plan import Plan
from islandmode.core.verdict import Result
from tests.core.given import Documents, given, put
from tests.core.story import CORPORATE, END, MIDDLE, RESTORE, SECOND, STEP, VENDORS, Story, add_from, recount


def told_of(story: Story) -> dict[str, FlowTold]:
    return {one.flow.flow: one for one in flows_told(story.plan, story.judge(), story.records)}


def unprobed() -> Plan:
    """The same drill on a site with one more flow that no probe asks for."""

    def spoil(at: Documents) -> None:
        flow = dict(at.site["conduits"]["corporate-line3"]["flows"][0])
        put(at.site["conduits"]["corporate-line3"], "flows", [*at.site["conduits"]["corporate-line3"]["flows"], flow])
        put(flow, "name", "printing")
        put(flow, "service", "tcp/9100")

    return given(spoil).plan()


def test_in_a_perfect_run_every_flow_died_and_passes_again() -> None:
    told = told_of(Story()).values()
    assert {one.fate for one in told} == {Fate.DIED}
    assert {(one.as_expected, one.back) for one in told} == {(True, True)}


def leak(story: Story) -> None:
    story.see("office-to-plc", Seen.GOOD, CORPORATE, RESTORE)


def leak_in_one_family(story: Story) -> None:
    story.see("office-to-plc-v6", Seen.BAD, MIDDLE, MIDDLE + SECOND, "exception 2", heard=Heard.ANSWER)


def leak_in_a_later_stage(story: Story) -> None:
    story.see("vendor-to-hmi", Seen.GOOD, MIDDLE, MIDDLE + SECOND)


@pytest.mark.parametrize(
    ("spoil", "flow"),
    [(leak, "office-to-plc"), (leak_in_one_family, "office-to-plc"), (leak_in_a_later_stage, "vendor-to-hmi")],
)
def test_a_flow_that_a_probe_saw_pass_did_not_die(spoil: Callable[[Story], None], flow: str) -> None:
    story = Story()
    spoil(story)
    told = told_of(story)
    assert (told[flow].fate, told[flow].as_expected) == (Fate.DID_NOT_DIE, False)
    assert told[flow].first_s is not None
    assert {one.fate for name, one in told.items() if name != flow} == {Fate.DIED}


def lose_samples(story: Story) -> None:
    story.lose("erp-to-historian", CORPORATE, RESTORE)


def lose_some(story: Story) -> None:
    story.lose("erp-to-historian-v6", MIDDLE, MIDDLE + 4 * SECOND)


def never_alive(story: Story) -> None:
    story.see("erp-to-historian", Seen.BAD, 0, CORPORATE, "no answer in time")


def unknown_throughout(story: Story) -> None:
    story.see("erp-to-historian", Seen.UNKNOWN, CORPORATE, RESTORE, "the host has no address")


def refused_by_somebody(story: Story) -> None:
    story.see("erp-to-historian", Seen.BAD, MIDDLE, MIDDLE + SECOND, "reset", heard=Heard.REFUSED, sender="")


def spool_is_spoilt(story: Story) -> None:
    story.drop("collect.result", vantage="erp")


def chain_is_broken(story: Story) -> None:
    story.change("collect.result", chain_ok=False, chain_why="Line 3.")


def counted_across(story: Story) -> None:
    recount(story, add_from(RESTORE - STEP, "corporate-dmz", "eth1 to eth3", 5))


@pytest.mark.parametrize(
    "spoil",
    [
        lose_samples,
        lose_some,
        never_alive,
        unknown_throughout,
        refused_by_somebody,
        spool_is_spoilt,
        chain_is_broken,
        counted_across,
    ],
)
def test_a_flow_whose_silence_proves_nothing_was_not_seen(spoil: Callable[[Story], None]) -> None:
    story = Story()
    spoil(story)
    one = told_of(story)["erp-to-historian"]
    assert (one.fate, one.as_expected) == (Fate.NOT_SEEN, None)


def test_a_flow_of_a_stage_that_was_not_reached_was_not_seen() -> None:
    story = Story()
    story.records = [one for one in story.records if one.data.get("stage") != "corporate"]
    told = told_of(story)
    assert told["erp-to-historian"].why == "its stage was not reached"
    assert told["erp-to-historian"].fate is Fate.NOT_SEEN


def test_a_flow_that_an_earlier_stage_stopped_died_and_not_as_expected() -> None:
    story = Story()
    story.see("office-to-plc", Seen.BAD, VENDORS + SECOND, RESTORE, "no answer in time")
    one = told_of(story)["office-to-plc"]
    assert (one.fate, one.as_expected) == (Fate.DIED, False)


def test_a_flow_that_no_probe_asks_for_was_not_seen() -> None:
    assert told_of(Story(unprobed()))["printing"].fate is Fate.NOT_SEEN


def deaf(story: Story) -> None:
    """Take away what the firewall counted before, without which its silence proves nothing."""
    recount(story, lambda _, egress: egress.get("corporate-line3", {}).clear())


def unread(story: Story) -> None:
    story.drop("dead_man.read")


@pytest.mark.parametrize("spoil", [deaf, unread])
def test_a_flow_that_is_watched_in_part_died_only_where_the_firewall_counted_nothing(
    spoil: Callable[[Story], None],
) -> None:
    story = Story()
    assert told_of(story)["production-orders"].why == "50% of it was watched, and the firewall counted nothing"
    spoil(story)
    assert told_of(story)["production-orders"].fate is Fate.NOT_SEEN
    # One that is watched whole needs no firewall for that.
    assert told_of(story)["office-to-plc"].fate is Fate.DIED


def test_a_network_of_which_a_host_was_tried_died_only_where_the_firewall_counted_nothing() -> None:
    def networks(at: Documents) -> None:
        flow = at.site["conduits"]["corporate-line3"]["flows"][0]
        flow.update(source=["10.10.0.0/24", "fd10:10::20"])

    story = Story(given(networks).plan())
    assert told_of(story)["office-to-plc"].why == "a sample of it was watched, and the firewall counted nothing"
    deaf(story)
    told = told_of(story)["office-to-plc"]
    assert (told.fate, told.why) == (Fate.NOT_SEEN, "a sample of it was watched and died; nobody saw the rest")


def test_a_flow_that_was_not_seen_to_pass_again_is_told_apart() -> None:
    story = Story()
    story.see("vendor-to-hmi", Seen.BAD, RESTORE, END, "no answer in time")
    told = told_of(story)
    assert (told["vendor-to-hmi"].fate, told["vendor-to-hmi"].back) == (Fate.DIED, False)
    assert told["office-to-plc"].back is True


@pytest.mark.parametrize(
    ("spoil", "code", "owners", "service"),
    [
        (leak, "leak", {"Process engineering": ("office-to-plc",)}, ""),
        (
            counted_across,
            "egress-leak",
            {"Production planning": ("erp-to-historian", "historian-to-erp")},
            "",
        ),
        (
            lambda story: story.see("plc-filler", Seen.BAD, MIDDLE, MIDDLE + 2 * SECOND, "no answer in time"),
            "continuity-gap",
            {},
            "Line 3 filling",
        ),
    ],
)
def test_a_finding_names_whose_flows_it_concerns(
    spoil: Callable[[Story], Any], code: str, owners: dict[str, tuple[str, ...]], service: str
) -> None:
    story = Story()
    spoil(story)
    found = [one for one in story.judge().findings if one.code == code]
    concerned = concerned_by(story.plan, found)
    assert (concerned.owners, concerned.service) == (owners, service)


def test_a_probe_that_asks_for_no_declared_flow_names_its_conduit() -> None:
    plan = given(lambda at: put(at.probes["office-to-plc"], "port", 503)).plan()
    concerned = concerned_by_probes(plan, ["office-to-plc", "of-another-plan"])
    assert concerned == Concerned(conduits=("corporate-line3",))


def test_a_device_that_was_not_seen_restored_concerns_everybody() -> None:
    story = Story()
    story.drop("restore.seen")
    found = [one for one in story.judge().findings if one.code == "stranded"]
    flows = {flow for flows in concerned_by(story.plan, found).owners.values() for flow in flows}
    assert flows == {flow.flow for stage in story.plan.stages for flow in stage.dying_flows}


def words(story: Story, probe: str) -> dict[str, tuple[str, Result]]:
    verdict = story.judge()
    return {row.stage: seen_of(verdict, row) for row in verdict.rows if row.probe == probe}


def test_a_probe_that_passed_once_before_its_stage_took_effect_was_dead() -> None:
    story = Story()
    story.see("vendor-to-hmi", Seen.GOOD, VENDORS, VENDORS + 3 * STEP)
    assert words(story, "vendor-to-hmi")["vendors"] == ("dead", Result.HELD)


def test_a_leak_is_told_in_every_window_in_which_it_passed() -> None:
    story = Story()
    story.see("vendor-to-hmi", Seen.GOOD, VENDORS, RESTORE)
    told = words(story, "vendor-to-hmi")
    assert told["vendors"] == told["corporate"] == ("passes", Result.BREACHED)
    assert told["before"] == told["after"] == ("alive", Result.HELD)
