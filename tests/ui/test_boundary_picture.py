"""The boundary as a picture: each conduit and each other way is named, and what was seen is told by words and by shape."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from dataclasses import replace
from itertools import combinations

import pytest

from islandmode.core.episodes import Seen
from islandmode.core.ways_seen import Passage
from islandmode.ui.picture.text import text_width
from islandmode.ui.report.boundary_plot import SIZE, BoundaryPlot, Text, boundary_plot
from islandmode.ui.report.judged import render_report
from tests.core.given import Documents, given
from tests.core.rows_other_ways import by_modem, other_way
from tests.core.spoilt import both, carrier_outside
from tests.core.story import RESTORE, STEP, VENDORS, Story, add_from, recount
from tests.core.test_boundary import modem

SVG = "{http://www.w3.org/2000/svg}"
TESTED = both(other_way(), by_modem(port=9))
WORDY = "radio bridge of the laboratory to the car park of the office building and to the gate"
MANY = both(
    TESTED,
    carrier_outside,
    other_way("second-link-of-the-quality-laboratory", round="corporate-line3", what=WORDY, owner="Quality " * 8),
    other_way("spare-router", round="corporate-line3", between=["carrier", "line3"], what="LTE router", owner="W" * 60),
)
Happens = Callable[[Story], None]
Box = tuple[float, float, float, float]


def plot_of(story: Story) -> BoundaryPlot:
    drawn = boundary_plot(story.plan, story.judge(), story.records)
    assert drawn is not None
    return drawn


def picture_of(story: Story) -> ET.Element:
    page = render_report(story.plan, story.judge(), story.records, story.episodes(), configuration_diffs={})
    (found,) = re.findall(r'<svg class="plot boundary".*?</svg>', page, re.DOTALL)
    return ET.fromstring(found)  # noqa: S314 - our own bytes


def drawn_as(picture: ET.Element, kind: str) -> dict[str, ET.Element]:
    """Give the lines of one kind by their names, which are the only bold words at their left."""
    groups = [group for group in picture.iter(f"{SVG}g") if group.get("class") == kind]
    return {name: group for group in groups for text in group.iter(f"{SVG}text") if (name := text.text or "")}


def nothing(story: Story) -> None:
    """Let the drill be as it should."""


def leaking(story: Story) -> None:
    story.see("modem-to-hmi", Seen.GOOD, VENDORS, RESTORE, "")


def lost(story: Story) -> None:
    told = {"outcome": "unknown", "why": "it was not reached"}
    story.records = [
        replace(record, data={**record.data, **told})
        if record.kind == "collect.result" and record.data["vantage"] == "vendor"
        else record
        for record in story.records
    ]


@pytest.mark.parametrize(
    ("spoil", "happens", "passage", "said"),
    [
        (TESTED, nothing, Passage.SHUT, "✔ shut in the hold, by 1 probe"),
        (TESTED, leaking, Passage.LEAK, "✖ LEAK modem-to-hmi passed in the hold"),
        (TESTED, lost, Passage.UNKNOWN, "? not known modem-to-hmi has samples that cannot be relied on"),
        (other_way(), nothing, Passage.UNTESTED, "– not tested no severed probe goes by it"),
    ],
    ids=["shut", "leak", "not known", "not tested"],
)
def test_an_other_way_is_drawn_dashed_with_what_was_seen(
    spoil: Callable[[Documents], None], happens: Happens, passage: Passage, said: str
) -> None:
    story = Story(given(spoil).plan())
    happens(story)
    (way,) = (way for way in plot_of(story).ways if way.is_other)
    assert way.passage is passage
    told = " ".join(text.text for text in sorted(way.texts, key=lambda text: (text.x, text.y)))
    assert told == f"filler-modem cellular modem on the filler owner Line 3 maintenance {said}"
    picture = picture_of(story)
    lines = drawn_as(picture, "other-way")["filler-modem"], drawn_as(picture, "conduit")["remote-access"]
    other, conduit = (next(iter(line.iter(f"{SVG}path"))) for line in lines)
    assert other.get("stroke-dasharray")
    assert not conduit.get("stroke-dasharray")
    # Round what isolates the conduit, and not through it.
    at = float((other.get("d") or "").split()[1].partition("H")[0])
    for gate in (rect for rect in picture.iter(f"{SVG}rect") if rect.get("class") == "gate"):
        top = float(gate.get("y") or 0)
        assert not top <= at <= top + float(gate.get("height") or 0)


def test_every_look_has_a_shape_of_its_own() -> None:
    """In grey, and without its words, a leak is no shut way."""
    shapes = set()
    for happens in (nothing, leaking, lost):
        story = Story(given(TESTED).plan())
        happens(story)
        mark = list(drawn_as(picture_of(story), "other-way")["filler-modem"])[1]
        shapes.add((mark.tag, re.sub(r"[-0-9. ]+", "", mark.get("d") or "")))
    assert len(shapes) == 3, shapes


def test_a_conduit_says_what_isolates_it_or_that_nothing_does() -> None:
    held = plot_of(Story())
    assert [way.passage for way in held.ways] == [Passage.SHUT] * 3
    assert (len(held.gates), held.note) == (3, "")
    left = plot_of(Story(given(modem).plan()))
    (bare,) = (way for way in left.ways if way.passage is Passage.OPEN)
    said = " ".join(text.text for text in sorted(bare.texts, key=lambda text: (text.x, text.y)))
    assert said == "modem open no isolation point stands on it, accepted by nobody"
    assert len(left.gates) == len(left.ways) - 1


def test_what_a_firewall_counted_is_no_shut_conduit_whatever_the_probes_saw() -> None:
    story = Story()
    recount(story, add_from(RESTORE - STEP, "corporate-line3", "eth1 to eth4"))
    drawn = plot_of(story)
    (way,) = (way for way in drawn.ways if way.passage is not Passage.SHUT)
    said = " ".join(text.text for text in sorted(way.texts, key=lambda text: (text.x, text.y)))
    assert said == "corporate-line3 conduit-firewall ✖ LEAK a firewall counted what passed in the hold"


def box(text: Text) -> Box:
    width = text_width(text.text, SIZE, bold=text.bold)
    left = text.x - width / 2 if text.middle else text.x
    return left, text.y - SIZE + 2, left + width, text.y + 2


def overlap(box: Box, other: Box) -> bool:
    return box[0] < other[2] and other[0] < box[2] and box[1] < other[3] and other[1] < box[3]


@pytest.mark.parametrize("spoil", [TESTED, MANY], ids=["one way", "many ways with long names"])
def test_no_word_runs_into_another_into_a_mark_or_out_of_the_picture(spoil: Callable[[Documents], None]) -> None:
    drawn = plot_of(Story(given(spoil).plan()))
    texts = [*drawn.heads, *(text for zone in drawn.zones for text in zone.texts)]
    texts += [text for way in drawn.ways for text in way.texts]
    boxes = [(text.text, box(text)) for text in texts]
    for name, (left, top, right, bottom) in boxes:
        assert 0 <= left < right <= drawn.width, name
        assert 0 <= top < bottom <= drawn.height, name
    assert [pair for pair in combinations(boxes, 2) if overlap(pair[0][1], pair[1][1])] == []
    marks = [(drawn.middle - 10, way.y - 8, drawn.middle + 10, way.y + 8) for way in drawn.ways]
    assert [name for name, place in boxes if any(overlap(place, mark) for mark in marks)] == []
    ends = [(zone.x, zone.y, zone.x + zone.width, zone.y + zone.height) for zone in drawn.zones]
    assert [pair for pair in combinations(ends, 2) if overlap(*pair)] == []
