"""The report as its readers meet it: what failed, when, whose flows and what to do, in one file that needs nothing else."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, timedelta, timezone, tzinfo
from html.parser import HTMLParser

import pytest

from islandmode.core.entered import LedgerEntered
from islandmode.core.episodes import Episode, Heard, Seen
from islandmode.core.judging.timeline import timeline_of
from islandmode.core.ledger import Checkpoint
from islandmode.core.what_to_do import WHAT_TO_DO
from islandmode.system.own_program import program_anywhere
from islandmode.ui.report.judged import render_report
from islandmode.ui.report.moments import Moments, lasted
from tests.core.given import Documents, given, put
from tests.core.spoilt import ANN, lost_edits_accepted
from tests.core.story import CORPORATE, END, MIDDLE, RESTORE, SECOND, STEP, Story
from tests.ui.test_boundary_told import plain

BEGUN_US = 1_796_000_000_000_000
"""2026-11-30 00:53:20 UTC."""
PACIFIC = timezone(timedelta(hours=-8), "PST")
DAY_S = 86_400
LARGEST_BYTES = 1_000_000
VOID = {"meta", "br", "link", "img"}


def told(story: Story, zone: tzinfo = UTC) -> str:
    records = [replace(one, utc_us=one.utc_us + BEGUN_US) for one in story.records]
    header = {"operator": "ann", "version": "0.9", "mode": "rehearsal", "lab": "plant"}
    records[0] = replace(records[0], data=header)
    episodes = story.episodes()
    return render_report(story.plan, story.judge(), records, episodes, configuration_diffs={}, zone=zone)


def leaking() -> Story:
    story = Story()
    story.see("office-to-plc", Seen.GOOD, MIDDLE, MIDDLE + SECOND)
    return story


def first_pages(document: str) -> str:
    return plain(document.partition('<h1 class="behind">')[0])


def test_the_first_page_of_a_breach_says_what_when_whose_and_what_to_do() -> None:
    said = first_pages(told(leaking(), PACIFIC))
    assert "✖ breached" in said
    assert "Leak: office-to-plc still passed into the isolated side over corporate-line3" in said
    assert "16:53:36.0 to 16:53:36.9 (16.0 to 16.9 s of the run)" in said
    assert "Process engineering" in said
    assert WHAT_TO_DO["leak"] in said
    assert "✖ did not die" in said
    assert "✖ LEAK office-to-plc" in said


def test_the_first_page_says_start_end_duration_time_zone_and_version() -> None:
    said = first_pages(told(Story(), PACIFIC))
    begun = (
        "2026-11-29 16:53:20 to 16:53:47, PST (UTC-08:00) · 27.0 s · rehearsal in the lab · run by ann · Islandmode 0.9"
    )
    assert begun in said
    facts = " ".join(said.split())
    for fact in (
        "Start 2026-11-29 16:53:20",
        "End 2026-11-29 16:53:47",
        "Duration 27.0 s",
        "Time zone PST (UTC-08:00)",
    ):
        assert fact in facts
    assert "16:53:24.0 to 16:53:44.0 (20.0 s)" in said


def test_the_first_page_says_which_attempt_at_the_drill_it_was() -> None:
    """Else a drill could be run until it holds, and its report would be like that of a first try."""
    story = Story()
    assert "at this drill" not in told(story)
    earlier = "2 on the ledger: 1 breached, 1 without result"
    at = Checkpoint("07c1f533e7617d78", 6, "", "ab" * 32)
    said = {
        "ledger": at.ledger,
        "size": at.size,
        "root": at.root,
        "sha256": at.sha256,
        "attempt": 3,
        "earlier": earlier,
    }
    story.add(STEP, LedgerEntered.record_kind, **said)
    document = told(story)
    assert f"3 at this drill (before it: {earlier})" in first_pages(document)
    assert at.told() in document
    assert at.told() not in first_pages(document)


def test_a_drill_that_held_says_that_nothing_failed_and_nothing_is_red() -> None:
    document = told(Story())
    said = first_pages(document)
    assert "✔ Nothing failed." in said
    assert "✔ died" in said
    assert "✖" not in said
    body = document.partition("</defs>")[2].partition("</svg>")[0]
    assert "#b3261e" not in body
    assert "url(#leak)" not in body


def test_a_stranded_drill_says_first_what_restores_the_plant() -> None:
    story = leaking()
    story.drop("restore.seen")
    said = first_pages(told(story))
    assert said.index("✖ restoration unproven") < said.index("Leak: ")
    assert f"then run `{program_anywhere()} restore run`" in said
    assert "and not seen restored" in said


def test_many_findings_of_a_kind_are_one_thing_to_do() -> None:
    story = Story()
    leaks = story.plan.stages[1].dead
    for probe in leaks:
        story.see(probe, Seen.GOOD, MIDDLE, MIDDLE + SECOND)
    document = told(story)
    said = first_pages(document)
    assert said.count(WHAT_TO_DO["leak"]) == 1
    assert f"And {len(leaks) - 4} more of this kind" in said
    assert plain(document).count("Leak: ") == len(leaks) + 4


def test_tables_of_probes_stand_behind_what_people_read() -> None:
    document = told(leaking())
    before, _, after = document.partition('<h1 class="behind">')
    assert "Probe by probe" not in before
    assert after.index("Findings") < after.index("Probe by probe")
    assert "h1.behind{break-before:page" in document


class Reader(HTMLParser):
    """Notes every element that a page opens, and whether each is closed in its turn."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_a_report_says_whose_edits_a_timer_would_take_back_and_who_accepted_that() -> None:
    said = plain(told(Story(given(lost_edits_accepted).plan(reverts="commit"))))
    more = "the whole commit, other people&#39;s edits in it too"
    assert f"conduit-firewall: undo tier A; its timer takes back {more} (accepted by {ANN})" in said
    assert "takes back" not in plain(told(Story()))


def test_a_report_needs_nothing_else_and_runs_nothing() -> None:
    document = told(leaking())
    reader = Reader()
    reader.feed(document)
    assert reader.open == []
    assert not {tag for tag, _ in reader.seen} & {"script", "link", "img", "iframe", "object"}
    names = {name for _, attributes in reader.seen for name in attributes}
    assert not {name for name in names if name in ("src", "href") or name.startswith("on")}
    assert not re.search(r"@import|url\((?!#)", document)


EVIL = "<img src=x onerror=alert(1)>&\"'"


def test_nothing_that_an_operator_or_a_device_wrote_is_markup() -> None:
    def spoil(at: Documents) -> None:
        put(at.drill["service"], "name", EVIL)
        put(at.drill["service"], "target", EVIL)
        for conduit in at.site["conduits"].values():
            for flow in conduit["flows"]:
                put(flow, "owner", EVIL)

    story = Story(given(spoil).plan())
    story.see("office-to-plc", Seen.BAD, MIDDLE, MIDDLE + SECOND, EVIL, heard=Heard.ANSWER)
    story.see("plc-filler", Seen.BAD, MIDDLE, MIDDLE + 2 * SECOND, EVIL)
    story.add(END, "preflight.finding", code="point-login", sentence=EVIL, refuses=False)
    story.records[0] = replace(story.records[0], data={"operator": EVIL, "version": EVIL, "mode": EVIL})
    document = render_report(
        story.plan, story.judge(), story.records, story.episodes(), configuration_diffs={EVIL: EVIL}, zone=UTC
    )
    assert document.count("&lt;img") > 10
    assert "<img" not in document


def looks(style: str, where: str) -> str:
    return style.partition(where)[2]


def test_a_phone_stacks_the_tables_and_paper_is_a4() -> None:
    style = told(Story()).partition("<style>")[2].partition("</style>")[0]
    assert "table.stack td{display:block" in looks(style, "@media(max-width:640px){")
    assert "@page{size:A4" in looks(style, "@media print{")


def dense(end_us: int) -> tuple[Episode, ...]:
    """A probe at ten samples a second that changes its mind every half second, and later once in every pixel's width."""
    kinds = ((Seen.GOOD, Heard.ANSWER), (Seen.BAD, Heard.NOTHING), (Seen.UNKNOWN, Heard.UNKNOWN))
    often = [(at_us, 500_000) for at_us in range(0, end_us // 2, 500_000)]
    seldom = [(at_us, 113 * SECOND) for at_us in range(end_us // 2, end_us, 113 * SECOND)]
    return tuple(
        Episode("", seen, at_us, at_us + length_us - STEP, length_us // STEP, STEP, at_us, "x" * 80, heard)
        for number, (at_us, length_us) in enumerate((*often, *seldom))
        for seen, heard in [kinds[number % 3]]
    )


def test_a_report_of_a_day_in_which_answers_came_and_went_stays_small() -> None:
    story = Story()
    verdict = story.judge()
    stretch = DAY_S * SECOND // END
    moments = ("asked_us", "answered_us")
    story.records = [
        replace(
            one,
            utc_us=one.utc_us * stretch,
            monotonic_us=one.monotonic_us * stretch,
            data=one.data | {name: one.data[name] * stretch for name in moments if name in one.data},
        )
        for one in story.records
    ]
    for at_us in range(CORPORATE * stretch, RESTORE * stretch, 20 * SECOND):
        story.look(at_us)
    story.records.sort(key=lambda one: one.monotonic_us)
    one = dense(DAY_S * SECOND)
    assert len(one) > 86_000
    episodes = dict.fromkeys(list(story.plan.probes)[:3], one)
    few = render_report(story.plan, verdict, story.records, episodes, configuration_diffs={})
    # The others would take as much room each as those that were drawn.
    assert few.count("h1v") > 300
    bars = sum(map(len, re.findall(r'<path d="M[^"]*"', few)))
    assert len(few.encode()) + bars * len(story.plan.probes) // len(episodes) < LARGEST_BYTES
    assert "more readings between these in the journal. The least that any reading found left was 60 s." in plain(few)
    assert "8 h" in few
    timeline = timeline_of([stage.name for stage in story.plan.stages], story.records)
    assert timeline.seconds(timeline.windows[-1].end_us) > DAY_S * 0.99


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.04, "0.0 s"), (59.94, "59.9 s"), (61, "1 min 01 s"), (3600, "1 h 00 min 00 s"), (90_061, "25 h 01 min 01 s")],
)
def test_durations_are_told_as_people_say_them(seconds: float, said: str) -> None:
    assert lasted(seconds) == said


def test_a_moment_of_another_day_says_the_day() -> None:
    moments = Moments(BEGUN_US, PACIFIC)
    assert moments.clock(1.25) == "16:53:21.2"
    assert moments.clock(DAY_S) == "2026-11-30 16:53:20.0"


@pytest.mark.parametrize(
    ("zone", "said"),
    [
        (UTC, "UTC"),
        (PACIFIC, "PST (UTC-08:00)"),
        (timezone(timedelta(hours=5, minutes=45), "+0545"), "UTC+05:45"),
        (timezone(-timedelta(hours=3, minutes=30), "NST"), "NST (UTC-03:30)"),
    ],
)
def test_a_time_zone_is_told_by_its_distance_from_utc(zone: tzinfo, said: str) -> None:
    assert Moments(BEGUN_US, zone).zone_told == said


def test_only_parts_that_were_compared_are_called_the_same() -> None:
    same, unread = Story(), Story()
    assert "conduit-firewall: the same before and after, line by line: ruleset." in plain(told(same))
    unread.drop("configuration.compared")
    assert "the same before and after" not in plain(told(unread))
    assert "conduit-firewall: its configuration before and after could not be compared." in plain(told(unread))
