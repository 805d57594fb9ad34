"""What a plan with a person's hand in it needs to be run, and how it is told."""

from __future__ import annotations

from typing import Any

from islandmode.core.hand import GLANCE_MAX_S, back_told, hand_problems, no_timer_told, seeing
from islandmode.core.people_told import people_told
from islandmode.core.plan import Plan
from islandmode.core.record import Record
from islandmode.core.records import HandAsked, HandConfirmed, Noted, RequestIgnored
from islandmode.simulate.person import hands_of, with_hand
from tests.run import simulated_drill
from tests.run.simulated_drill import Shape

POINT, CONDUIT = "vendor-firewall", "remote-access"


def plan() -> Plan:
    return with_hand(simulated_drill.make(Shape(two_points=True)), POINT)


def changed(**more: Any) -> Plan:
    point = plan().points[POINT]
    return plan().model_copy(update={"points": {**plan().points, POINT: point.model_copy(update=more)}})


def sentences(of: Plan) -> list[str]:
    return [problem.sentence for problem in hand_problems(of)]


def test_a_plan_with_a_named_person_an_acceptance_and_a_near_probe_may_run() -> None:
    assert sentences(plan()) == []
    assert set(seeing(plan(), CONDUIT)) == {"vendor-out-v4", "vendor-out-v6"}


def test_without_a_person_or_without_an_acceptance_it_may_not() -> None:
    hands = hands_of((CONDUIT,))
    nobody = hands.model_copy(update={"person": None, "answers_within": None})
    assert ["nobody is named who would be asked" in one for one in sentences(changed(by_hand=nobody))] == [True]
    not_accepted = hands.model_copy(update={"accept_no_timer": None})
    assert ["so nothing restores it by itself" in one for one in sentences(changed(by_hand=not_accepted))] == [True]


def test_a_second_device_on_its_conduit_is_refused_because_no_probe_tells_them_apart() -> None:
    both = plan()
    other = both.points["line-firewall"].model_copy(update={"conduits": ("corporate-line3", CONDUIT)})
    (told,) = sentences(both.model_copy(update={"points": {**both.points, "line-firewall": other}}))
    assert f"line-firewall isolates {CONDUIT} too" in told


def test_only_quick_near_severed_probes_that_are_no_canary_count() -> None:
    slow = plan()
    probes = {
        name: planned.model_copy(update={"probe": planned.probe.model_copy(update={"timeout": GLANCE_MAX_S + 1})})
        for name, planned in slow.probes.items()
    }
    (told,) = sentences(slow.model_copy(update={"probes": probes}))
    assert f"no severed probe shows from the operations host whether {CONDUIT} passes" in told


def test_the_plan_says_that_nothing_restores_it_by_itself_and_who_is_asked() -> None:
    told = no_timer_told(plan().points[POINT])
    assert told == (
        "nothing restores this by itself (accepted by the plant manager); R. Ortiz (shift lead; radio 4) is asked, and has 20 s for each act"
    )
    nobody = changed(by_hand=hands_of((CONDUIT,)).model_copy(update={"person": None, "answers_within": None}))
    assert "nobody is named who would be asked, so no run isolates it" in no_timer_told(nobody.points[POINT])
    assert no_timer_told(plan().points["line-firewall"]) == ""


def test_nobody_says_read_back_of_what_a_person_restored() -> None:
    points = plan().points
    assert back_told(points, [POINT]) == f"a probe passed through {POINT}"
    assert back_told(points, points).endswith(
        "and every other isolation point was read back without Islandmode objects"
    )
    assert back_told(points, ["line-firewall"]) == "every isolation point was read back without Islandmode objects"


def record(seq: int, entry: Any) -> Record:
    said = {"kind": entry.record_kind, "data": entry.data(), "seq": seq}
    return Record(**{**BLANK, **said, "utc_us": seq * 1_000_000})


BLANK: dict[str, Any] = {"site": "s", "run": "r", "writer": "conductor", "utc_us": 0, "monotonic_us": 0, "boot_id": "b"}


def test_what_people_were_asked_said_and_noted_is_told_in_order() -> None:
    of_point: dict[str, Any] = {"point": POINT, "ask": "1", "act": "isolate", "person": "R. Ortiz"}
    records = [
        record(3, Noted(author="anna", text="the key is here")),
        record(1, HandAsked(**of_point, conduits=(CONDUIT,), within_s=20.0, told="pull it")),
        record(4, RequestIgnored(file="f.json", why="it confirms nothing: it came too late")),
        record(5, RequestIgnored(file="g.json", why="it is half-written")),
    ]
    others = [record(2, HandConfirmed(**of_point, author="bob"))]
    assert [(said.who, said.what) for said in people_told(records, others)] == [
        ("asked", "pull it"),
        ("R. Ortiz", f"{POINT}: says it is isolated, typed by account bob"),
        ("anna", "note: the key is here"),
        ("not taken", "f.json: it confirms nothing: it came too late"),
    ]
