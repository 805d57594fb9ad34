"""What firewalls counted, judged: the perfect drill of the quarterly plan with counters that say something else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from ipaddress import ip_address

import pytest

from islandmode.core.egress import ways_of
from islandmode.core.episodes import Seen
from islandmode.core.record import Record
from islandmode.core.verdict import Finding, Result, Verdict
from islandmode.ui.report.judged import render_report
from tests.core.given import Documents
from tests.core.given import given as given_files
from tests.core.story import CORPORATE, POINT, RESTORE, SECOND, STEP, VENDORS, Story, add_from, codes, recount

OFFICE = "corporate-line3"


def only(verdict: Verdict, code: str) -> Finding:
    (found,) = [one for one in verdict.findings if one.code == code]
    return found


def test_a_perfect_drill_is_held_by_probes_and_counters() -> None:
    verdict = Story().judge()
    assert verdict.sentence == "held (probes and firewall counters)"
    assert verdict.witness.not_seen == ()
    assert verdict.witness.last_read_s == 0.02
    assert {row.isolated for row in verdict.witness.counted} == {0}


@pytest.mark.parametrize("way", ["eth1 to eth4", "eth4 to eth1", "eth1 to the firewall", "the firewall to eth1"])
def test_one_packet_more_while_isolated_is_a_leak_with_its_number(way: str) -> None:
    story = Story()
    recount(story, add_from(RESTORE - STEP, OFFICE, way))
    verdict = story.judge()
    found = only(verdict, "egress-leak")
    assert (verdict.verdict, found.result, found.stage, found.conduit) == (
        Result.BREACHED,
        Result.BREACHED,
        "corporate",
        OFFICE,
    )
    assert "counted 1 packet that passed" in found.sentence
    assert f"({way})" in found.sentence
    assert verdict.leaks == 1
    assert found.records
    assert verdict.sentence == "breached"


@pytest.mark.parametrize("way", ["eth1 to an unnamed interface", "an unnamed interface to eth4"])
def test_an_interface_that_the_site_does_not_name_is_a_way_round(way: str) -> None:
    story = Story()
    recount(story, add_from(RESTORE - STEP, OFFICE, way, 7))
    found = only(story.judge(), "egress-leak")
    assert "7 packets" in found.sentence
    assert "another way round" in found.sentence


def test_a_path_that_the_site_declares_nowhere_is_told_once_and_never_held() -> None:
    story = Story()
    for conduit in ("remote-access", "corporate-dmz"):
        recount(story, add_from(RESTORE - STEP, conduit, "eth2 to eth3", 4))
    verdict = story.judge()
    assert only(verdict, "undeclared-path").result is Result.INCONCLUSIVE
    assert verdict.verdict is Result.INCONCLUSIVE
    assert verdict.leaks == 0


@pytest.mark.parametrize("late", [True, False])
def test_what_passed_until_the_isolation_was_in_force_is_no_leak(*, late: bool) -> None:
    """As late as the site's own limit allows, by what the probes saw."""
    story = Story()
    for name in story.plan.stages[1].dead if late else ():
        if name not in story.plan.stages[0].dead:
            story.see(name, Seen.GOOD, CORPORATE, CORPORATE + 2 * SECOND)
    story.look(CORPORATE + 3 * SECOND)
    story.records.sort(key=lambda one: one.monotonic_us)
    recount(story, add_from(CORPORATE + 2 * SECOND, OFFICE, "eth1 to eth4", 9))
    assert ("egress-leak" in codes(story.judge())) is not late


def test_silence_without_a_control_is_not_seen() -> None:
    story = Story()

    def deaf(_: Record, egress: dict[str, dict[str, int]]) -> None:
        egress.get(OFFICE, {}).pop("eth1 to eth4", None)

    recount(story, deaf)
    verdict = story.judge()
    told = f"{OFFICE} from corporate to line3 (eth1 to eth4 on {POINT})"
    assert verdict.sentence == f"held (probes only; not seen: {told})"
    report = render_report(story.plan, verdict, story.records, {}, configuration_diffs={})
    assert "Seen by probes only." in report
    assert f"<li>{told}</li>" in report


def test_counters_of_the_firewalls_own_that_never_moved_are_not_seen() -> None:
    story = Story()

    def deaf(_: Record, egress: dict[str, dict[str, int]]) -> None:
        for counts in egress.values():
            counts.pop("anywhere to the firewall", None)

    recount(story, deaf)
    assert f"{OFFICE} onto {POINT} itself" in story.judge().witness.not_seen


def lose_last(story: Story) -> None:
    """Let the last reading be four seconds old when the restore is ordered."""
    story.records = [
        one for one in story.records if one.kind != "dead_man.read" or one.monotonic_us < RESTORE - 4 * SECOND
    ]
    story.look(RESTORE - 4 * SECOND)
    story.records.sort(key=lambda one: one.monotonic_us)


def lose_all(story: Story) -> None:
    """Let nobody read the device while it is isolated."""
    story.drop("dead_man.read")


def lose_counters(story: Story) -> None:
    """Let somebody take the rules that count away, and nothing else."""
    recount(story, lambda record, egress: egress.pop(OFFICE, None) if record.monotonic_us > RESTORE - SECOND else None)


def zero_counters(story: Story) -> None:
    """Let somebody set the counters to zero."""

    def zero(record: Record, egress: dict[str, dict[str, int]]) -> None:
        if record.monotonic_us > RESTORE - SECOND:
            egress[OFFICE] = {}

    recount(story, zero)


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (lose_last, "egress-unread"),
        (lose_all, "egress-unread"),
        (lose_counters, "egress-gone"),
        (zero_counters, "egress-gone"),
    ],
)
def test_a_reading_that_is_missing_is_inconclusive(spoil: Callable[[Story], None], code: str) -> None:
    story = Story()
    spoil(story)
    verdict = story.judge()
    assert codes(verdict) == {code}
    assert verdict.verdict is Result.INCONCLUSIVE


def test_how_old_a_last_reading_may_be_is_what_the_platform_needs_for_one() -> None:
    # The same four seconds, on a device that is read every five.
    story = Story(given_files().plan(read_every_s=5.0))
    lose_last(story)
    assert codes(story.judge()) == set()
    assert f"the last 4.0 s before the restore was ordered on {POINT}" in story.judge().witness.not_seen


def test_a_single_reading_is_told_as_one() -> None:
    story = Story()
    lose_all(story)
    story.look(RESTORE - SECOND)
    story.records.sort(key=lambda one: one.monotonic_us)
    sentences = {one.sentence for one in story.judge().findings if one.code == "egress-unread"}
    assert {one.partition(" were ")[2] for one in sentences} == {
        "read 1 time while it was isolated; it takes two readings to show what moved."
    }


def test_a_last_reading_that_is_a_little_old_is_told() -> None:
    story = Story()
    story.records = [
        one for one in story.records if one.kind != "dead_man.read" or one.monotonic_us < RESTORE - 4 * SECOND
    ]
    story.look(RESTORE - SECOND)
    story.records.sort(key=lambda one: one.monotonic_us)
    verdict = story.judge()
    assert verdict.verdict is Result.HELD
    assert f"the last 1.0 s before the restore was ordered on {POINT}" in verdict.witness.not_seen


@pytest.mark.parametrize(("witness", "words"), [("denies", "counts only what it drops"), ("none", "counts nothing")])
def test_a_device_that_counts_no_egress_never_proves_that_nothing_passed(witness: str, words: str) -> None:
    story = Story()
    story.plan = given_files().plan(witness=witness)
    verdict = story.judge()
    assert verdict.verdict is Result.HELD
    assert verdict.witness.basis == "probes only"
    assert f"{OFFICE} by {POINT}, which {words}" in verdict.witness.not_seen


def test_an_old_record_without_counts_is_not_called_counted() -> None:
    story = Story()
    story.records = [
        replace(one, data={key: value for key, value in one.data.items() if key != "egress"}) for one in story.records
    ]
    assert story.judge().witness.basis == "probes only"


def test_declared_pairs_of_other_conduits_are_not_counted_and_everything_else_is() -> None:
    values = given_files()
    ways = {way.name: way for way in ways_of(values.site, OFFICE, values.site.isolation_points[POINT].interfaces)}
    assert {name: way.kind for name, way in ways.items()} == {
        "the firewall to anywhere": "control",
        "anywhere to the firewall": "control",
        "eth1 to eth4": "across",
        "eth4 to eth1": "across",
        "eth1 to the firewall": "firewall",
        "the firewall to eth1": "firewall",
        "eth1 to an unnamed interface": "unnamed",
        "an unnamed interface to eth1": "unnamed",
        "eth4 to an unnamed interface": "unnamed",
        "an unnamed interface to eth4": "unnamed",
        # The site joins corporate and vendors nowhere; DMZ and line it joins, and vendors and line.
        "eth1 to eth2": "undeclared",
        "eth2 to eth1": "undeclared",
    }
    # On the outer side only what carries an address of the line counts; on the inner side everything.
    assert {str(net) for net in ways["eth1 to an unnamed interface"].networks} >= {"10.40.0.0/24", "fd10:40::/64"}
    assert ways["eth4 to an unnamed interface"].networks == ()


def test_a_way_into_ot_zones_that_a_firewall_does_not_border_is_counted_too() -> None:
    """The enterprise firewall of two in series is managed from a zone behind the second: over its management interface too."""

    def add_operations(at: Documents) -> None:
        operations = {"level": 3, "owner": "Operations", "networks": ["10.60.0.0/16", "172.31.0.0/16"]}
        office = {"level": 4, "owner": "IT", "networks": "10.60.7.0/24"}
        lab = {"level": 4, "owner": "IT", "networks": "192.168.7.0/24"}
        at.site["zones"] |= {"operations": operations, "office-annex": office, "office-lab": lab}

    site = given_files(add_operations).site
    ways = {way.name: way for way in ways_of(site, OFFICE, site.isolation_points[POINT].interfaces)}
    counted = ways["eth1 to an unnamed interface"].networks

    def is_counted(address: str) -> bool:
        return any(ip_address(address) in network for network in counted)

    # The line's own, and the operations zone without an office that lies within its network; no zone outside OT.
    assert all(is_counted(one) for one in ("10.40.0.1", "10.60.6.255", "10.60.8.0", "172.31.0.1"))
    assert not any(is_counted(one) for one in ("10.60.7.0", "10.60.7.255", "192.168.7.1", "10.20.0.10", "10.15.0.10"))
    assert ways["an unnamed interface to eth1"].networks == counted


def test_an_ot_zone_to_which_the_site_joins_the_outer_one_is_judged_by_that_conduit() -> None:
    site = given_files().site
    ways = {way.name: way for way in ways_of(site, "corporate-dmz", site.isolation_points[POINT].interfaces)}
    told = {str(network) for network in ways["eth1 to an unnamed interface"].networks}
    assert {"10.20.0.0/24"} <= told
    assert not {"10.40.0.0/24", "172.31.255.0/24"} & told


def test_vendors_are_counted_in_the_first_stage_from_its_own_isolation_on() -> None:
    story = Story()
    recount(story, add_from(VENDORS + 2 * SECOND, "remote-access", "eth2 to eth4", 5))
    found = only(story.judge(), "egress-leak")
    assert found.stage == "vendors"
    assert "5 packets" in found.sentence
