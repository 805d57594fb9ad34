"""What a journal says: strict where it is written, tolerant of other versions where it is read."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import ValidationError

from islandmode.core.device_records import ArmIntent, ArmResult, RestoreUnseen
from islandmode.core.entry import Entry, StopBy
from islandmode.core.judging.run import STOPS
from islandmode.core.record import Record
from islandmode.core.records import KINDS, BaselineDone, RunRefused, Stopped, VantageLooked, VantageOffset, unlike
from islandmode.store.journal import read_journal
from tests.run.simulated_run import RESUMED, run_seed

SOURCE = Path(__file__).parents[2] / "src" / "islandmode"


def record(kind: str, data: dict[str, Any]) -> Record:
    return Record(0, "riverside", "run-1", "conductor", "boot", 1, 1, kind, data)


def entries() -> list[type[Entry]]:
    found: list[type[Entry]] = []
    left = list(Entry.__subclasses__())
    while left:
        one = left.pop()
        left += one.__subclasses__()
        found += [one] if "record_kind" in vars(one) else []
    return found


def test_every_kind_has_one_model_and_is_written_somewhere() -> None:
    assert {one.record_kind: one for one in entries()} == dict(KINDS)
    texts = [path.read_text(encoding="utf-8") for path in SOURCE.rglob("*.py") if path.name != "records.py"]
    # A hole is written by the journal itself, where no model may be made.
    unwritten = {one.__name__ for one in entries() if not any(f"{one.__name__}" in text for text in texts)}
    assert unwritten == {"JournalHole"}


def test_every_reason_to_stop_is_judged() -> None:
    assert set(get_args(StopBy)) == set(STOPS)


def test_whatever_is_written_is_what_its_model_takes() -> None:
    """What a restore notes is not checked when it is written, so it is here: in runs with every kind of fault."""
    seen: set[str] = set()
    for seed in random.Random(12).sample(range(10_000), 25):
        ended = run_seed(seed)
        disk = ended.plant.disk
        resumed = read_journal(disk.after_power_loss(RESUMED)).records if RESUMED in disk.files else ()
        for one in (*ended.claims.records, *ended.claims.others, *resumed):
            KINDS[one.kind].model_validate_json(json.dumps(one.data))
            assert unlike(one) == ""
            seen.add(one.kind)
    assert {"restore.attempt", "restore.seen", "stop", "guardian.took_over", "resume.ended", "saved.looked"} <= seen


ODD: list[tuple[type[Entry], dict[str, Any]]] = [
    (ArmIntent, {"point": "fw", "conduits": ("a",)}),
    (ArmIntent, {"point": "fw", "conduits": ("a",), "for_s": 1.0, "more": 1}),
    (ArmIntent, {"point": 7, "conduits": ("a",), "for_s": 1.0}),
    (ArmIntent, {"point": "fw", "conduits": "a", "for_s": 1.0}),
    (ArmIntent, {"point": "fw", "conduits": ("a",), "for_s": "1"}),
    (Stopped, {"by": "a later reason", "why": ""}),
    (RunRefused, {"why": "", "code": "a later code"}),
    (RunRefused, {"why": "", "code": ""}),
    (VantageOffset, {"vantage": "erp", "when": "before", "outcome": "done", "why": ""}),
    (VantageOffset, {"vantage": "erp", "when": "later", "outcome": "not done", "why": ""}),
    (VantageLooked, {"what": ("It is bad.",), "codes": (), "probes": ()}),
]


@pytest.mark.parametrize(("made", "data"), ODD)
def test_what_is_odd_is_not_written(made: type[Entry], data: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        made(**data)


def test_an_entry_says_what_it_was_given_in_the_order_of_its_fields() -> None:
    reading: dict[str, Any] = {"outcome": "done", "why": "", "armed_s": {"a": None}, "isolating": {"a": False}}
    more: dict[str, Any] = {"answered_us": 2, "asked_us": 1, "egress": {"a": {"x": 1}}}
    told = ArmResult(for_s=1.0, conduits=("a",), point="fw", **more, **reading).data()
    assert json.dumps(told) == (
        '{"point": "fw", "conduits": ["a"], "for_s": 1.0, "outcome": "done", "why": "", "armed_s": {"a": null}, '
        '"isolating": {"a": false}, "egress": {"a": {"x": 1}}, "asked_us": 1, "answered_us": 2}'
    )
    assert BaselineDone(bad=()).data() == {"bad": []}


def test_what_a_device_says_need_be_no_text_that_can_be_encoded() -> None:
    assert RestoreUnseen(point="fw", why="it said \udce9").data()["why"] == "it said \udce9"


def test_an_entry_cannot_be_changed() -> None:
    with pytest.raises(ValidationError):
        BaselineDone(bad=()).bad = ("x",)  # type: ignore[misc]  # that it is refused is what is tested


@pytest.mark.parametrize(
    ("one", "lacking"),
    [
        (record("of.tomorrow", {"what": 1}), ""),
        (record("restore.unseen", {"point": "fw", "why": "", "since": "tomorrow"}), ""),
        (record("stop", {"by": "a later reason", "why": "It was time."}), ""),
        (record("run.refused", {"why": "It was late.", "by": ""}), ""),
        (record("run.refused", {"why": "It was late.", "by": "", "code": "a later code"}), ""),
        (record("run.refused", {"why": "It was late.", "by": "", "code": 7}), "code"),
        (record("stop", {"by": "signal"}), "why"),
        (record("stop", {"by": ["signal"], "why": ""}), "by"),
        (record("restore.seen", {"point": ["fw"]}), "point, asked_us, answered_us"),
        (record("arm.intent", {"not_json": "x"}), "point, conduits, for_s"),
        (record("arm.intent", {"point": "fw", "conduits": ["a"], "for_s": 180}), ""),
    ],
)
def test_what_another_version_wrote_is_read_as_far_as_it_goes(one: Record, lacking: str) -> None:
    assert unlike(one) == lacking
