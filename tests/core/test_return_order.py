"""The order of a return to service: what is refused when it is planned, and what it changes in plans and digests."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from pydantic import ValidationError

from islandmode.core.drill import ReturnStep
from islandmode.core.limits import sampling_s, window_s
from islandmode.core.planning.digest import drill_digest
from islandmode.core.planning.plan_drill import PlanRefused
from islandmode.core.returning import returns_of, returns_s
from tests.core.given import Documents, given, put

GOOD: list[dict[str, Any]] = [
    {"restore": ["corporate"]},
    {"restore": "remote-access", "by_word": True, "within": "1 min"},
]


def in_order(order: list[Any]) -> Callable[[Documents], object]:
    return lambda documents: put(documents.drill, "restore_order", order)


def problems(order: list[Any], **able: Any) -> list[str]:
    with pytest.raises(PlanRefused) as refused:
        given(in_order(order)).plan(**able)
    return [problem.sentence for problem in refused.value.problems]


def test_a_stage_stands_for_its_conduits_and_each_wait_is_known() -> None:
    drill = given(in_order(GOOD)).drill
    assert [(step.conduits, step.word_within_s) for step in returns_of(drill)] == [
        (("corporate-dmz", "corporate-line3"), None),
        (("remote-access",), 60.0),
    ]
    assert returns_s(drill) == 70.0
    assert returns_of(drill)[1].told == "remote-access, when a person gives the word, within 1 min"


@pytest.mark.parametrize(
    ("order", "told"),
    [
        (
            [{"restore": ["corporate"]}, {"restore": ["remote"]}],
            "remote is no conduit that this drill isolates and no stage of it; known: ",
        ),
        (
            [{"restore": ["corporate"]}, {"restore": ["remote-access", "corporate-dmz"]}],
            "Conduit corporate-dmz is restored in step 1 already; name it once.",
        ),
        (
            [{"restore": ["corporate"]}],
            "restore_order leaves out remote-access; add a step that restores what this drill isolates.",
        ),
        (
            [GOOD[0], {**GOOD[1], "within": "3 min"}],
            "The whole restore in order may take 200 s: 10 s for each step, and the waits for a person's word. That must be less than",
        ),
    ],
)
def test_an_order_that_cannot_be_followed_is_refused(order: list[Any], told: str) -> None:
    assert any(sentence.startswith(told) for sentence in problems(order))


def test_a_device_that_gives_all_back_at_once_stands_in_one_step() -> None:
    (told,) = problems(GOOD, timer="device")
    assert told == "conduit-firewall (nftables) gives all its conduits back at once; put them into one step."
    given(in_order([{"restore": ["corporate", "vendors"]}])).plan(timer="device")


@pytest.mark.parametrize("step", [{"by_word": True}, {"within": "10 s"}])
def test_a_wait_for_a_word_has_an_end(step: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="expected by_word: true and within together, or neither"):
        ReturnStep.model_validate({"restore": ["a"], **step})


def test_a_drill_without_an_order_has_the_digests_and_the_plan_that_it_had() -> None:
    plain, ordered = given(), given(in_order(GOOD))
    plan = plain.plan()
    assert "restore_order" not in json.loads(plan.model_dump_json())["drill"]
    assert plan.drill_digest == drill_digest(plain.drill, plain.site, plain.probes)
    other = ordered.plan()
    assert other.drill_digest != plan.drill_digest
    assert (
        other.drill.restore_order
        == type(other).model_validate_json(other.model_dump_json(by_alias=True)).drill.restore_order
    )
    # The order of the conduits within a step means nothing.
    same = given(in_order([{"restore": ["corporate-line3", "corporate-dmz"]}, GOOD[1]])).plan()
    assert same.drill_digest == other.drill_digest


def test_a_run_may_take_as_much_longer_as_its_return() -> None:
    plain, ordered = given().plan(), given(in_order(GOOD)).plan()
    assert window_s(ordered) - window_s(plain) == sampling_s(ordered) - sampling_s(plain) == 70.0
