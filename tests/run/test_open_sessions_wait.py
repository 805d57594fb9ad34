"""Sessions across what is about to be isolated are listed before the go, and an engineering session means no until a person releases it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import anyio
import pytest

from islandmode.core.open_sessions import OpenSession, Tracked
from islandmode.core.outcome import Outcome, Reading
from islandmode.core.verdict import Result
from islandmode.run import session_list
from islandmode.ui.report.first_pages import _sessions
from tests.run import simulated_drill
from tests.run.simulated_drill import Shape
from tests.run.test_go_wait import GO, NO, SECOND, after, answered, asks, ended_by, result_of

LAPTOP = Tracked("tcp", "192.0.2.7", 40123, "192.0.2.90", 22)
READER = Tracked("tcp", "192.0.2.7", 40124, "192.0.2.90", 502)
TOLD = "192.0.2.7 port 40123 to 192.0.2.90, tcp/22 (SSH), on a"


@dataclass
class Lists:
    """A device that lists at each look what a test says, and goes on with the last."""

    looks: list[tuple[Tracked, ...] | str]
    asked: int = 0
    heard: list[str] = field(default_factory=list)

    async def open_sessions(self, deadline_s: float) -> Reading[tuple[Tracked, ...]]:
        assert deadline_s > 0
        found = self.looks[min(self.asked, len(self.looks) - 1)]
        self.asked += 1
        if isinstance(found, str):
            return Reading(Outcome.NOT_DONE, why=found)
        return Reading(Outcome.DONE, found)


def listing(monkeypatch: pytest.MonkeyPatch, *looks: tuple[Tracked, ...] | str) -> Lists:
    lists = Lists(list(looks))
    monkeypatch.setattr(session_list, "listing_sessions", lambda _planned, _point: lists)
    monkeypatch.setattr(
        session_list,
        "crossing",
        lambda _plan, _point, found: (OpenSession("a", one, "SSH" if one.port == 22 else "") for one in found),
    )
    return lists


def test_an_engineering_session_means_no_until_it_is_released_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    listing(monkeypatch, (LAPTOP, READER))
    ended = ended_by(
        asks(
            after(1.0, **GO),
            after(2.0, answer="release", session="S9", person="R. Ortiz"),
            after(3.0, answer="release", session="S1"),
            after(4.0, answer="release", session="s1", person="R. Ortiz"),
            after(5.0, **(GO | {"code": SECOND})),
        )
    )
    assert answered(ended) == [
        (
            "not taken",
            f"an engineering session is open across what will be isolated (S1: {TOLD}); have it ended, or released by name, and say go again",
        ),
        ("not taken", "no engineering session S9 was listed"),
        ("not taken", "a release needs the session, and the name of the person who lets it be cut"),
        ("released", "R. Ortiz released session s1"),
        ("go", "go by a code of approval-a"),
    ]
    assert ended.verdict is not None
    assert ended.verdict.verdict is Result.HELD
    (listed, *_) = [record.data for record in ended.claims.records if record.kind == "sessions.listed"]
    assert (listed["listed"], listed["count"]) == (True, 2)
    assert listed["sessions"][0] == f"S1: {TOLD}"
    told = list(_sessions(ended.claims.records))
    assert told[0][0] == "Open before the go"
    assert told[0][1].endswith(": 2 sessions")
    assert told[-1] == ("Released", "R. Ortiz released session s1")


def test_without_a_release_nothing_is_armed(monkeypatch: pytest.MonkeyPatch) -> None:
    listing(monkeypatch, (LAPTOP,))
    assert result_of(ended_by(asks(after(1.0, **GO), NO))) == "skipped: no go"


def test_a_session_that_began_while_the_go_was_waited_for_means_no_too(monkeypatch: pytest.MonkeyPatch) -> None:
    listing(monkeypatch, (READER,), (READER, LAPTOP))
    ended = ended_by(asks(after(1.0, **GO), NO))
    assert answered(ended)[0][1].startswith("an engineering session is open across what will be isolated (S1: ")
    assert result_of(ended) == "skipped: no go"


def test_a_session_that_ended_holds_nothing_up(monkeypatch: pytest.MonkeyPatch) -> None:
    listing(monkeypatch, (LAPTOP,), ())
    assert answered(ended_by(asks(after(1.0, **GO)))) == [("go", "go by a code of approval-a")]


def test_what_is_not_listed_is_said_so_and_never_none(monkeypatch: pytest.MonkeyPatch) -> None:
    listing(monkeypatch, "conntrack: not found")
    ended = ended_by(asks(after(1.0, **GO)))
    listed = [record.data for record in ended.claims.records if record.kind == "sessions.listed"]
    assert {(one["listed"], one["why"], one["count"]) for one in listed} == {(False, "conntrack: not found", 0)}
    assert {told.partition(": ")[2] for _, told in _sessions(ended.claims.records)} == {
        "not listed (conntrack: not found)"
    }
    assert answered(ended) == [("go", "go by a code of approval-a")]


def test_a_listing_that_fails_forgets_no_session_that_was_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    listing(monkeypatch, (LAPTOP, READER), "it did not answer within 10 s")
    ended = ended_by(asks(after(1.0, **GO), NO))
    assert answered(ended)[0][1].startswith("an engineering session is open across what will be isolated (S1: ")
    assert result_of(ended) == "skipped: no go"
    last = [record.data for record in ended.claims.records if record.kind == "sessions.listed"][-1]
    assert (last["listed"], last["sessions"][0]) == (False, f"S1: {TOLD}")
    assert last["why"] == "it did not answer within 10 s; what it listed last may be open still"


class Slow(Lists):
    """A device that takes long for every look but the first."""

    async def open_sessions(self, deadline_s: float) -> Reading[tuple[Tracked, ...]]:
        if self.asked:
            await anyio.sleep(6)
        return await super().open_sessions(deadline_s)


def test_a_veto_that_comes_while_the_sessions_are_listed_for_the_go_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    listing(monkeypatch, ())
    slow = Slow([()])
    monkeypatch.setattr(session_list, "listing_sessions", lambda _planned, _point: slow)
    ended = ended_by(asks(after(1.0, **GO), after(4.0, answer="veto", person="The planner", why="A truck waits")))
    assert result_of(ended) == "vetoed"


def test_a_look_that_is_given_up_leaves_what_was_known_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of two devices only the first has answered when the run is stopped."""
    devices = {"a": Lists([(READER,), (READER, LAPTOP)]), "b": Slow([(READER,)])}
    plan = simulated_drill.make(Shape(two_points=True))
    names = dict(zip(plan.points, devices.values(), strict=True))
    listing(monkeypatch)
    monkeypatch.setattr(session_list, "listing_sessions", lambda _planned, point: names[point])
    nobody: Any = Recorded()
    points: dict[str, Any] = {name: name for name in names}
    sessions = session_list.SessionList(plan, points, nobody)

    async def story() -> None:
        await sessions.look()
        with anyio.move_on_after(0.1):
            await sessions.look()

    anyio.run(story)
    assert [listed.asked for listed in devices.values()] == [2, 1]
    assert sessions.unreleased == ()


class Recorded:
    """A journal that keeps nothing."""

    async def append(self, _entry: object) -> None:
        """Keep nothing."""
