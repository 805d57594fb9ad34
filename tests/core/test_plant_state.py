"""The plant's state in a drill: what it is declared to be, what has to show it, and that an idle drill says nothing of production."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from islandmode.core.episodes import Sample, Seen
from islandmode.core.plan import Plan
from islandmode.core.planning.digest import drill_digest
from islandmode.core.planning.plan_drill import check
from islandmode.core.preflight import judge_baseline
from islandmode.core.verdict import Result, verdict_json
from tests.core.given import Documents, given, put
from tests.core.interlocked import ALARM, RUNNING, idle, interlocked
from tests.core.spoilt import Row, both
from tests.core.story import CORPORATE, MIDDLE, RESTORE, SECOND, VENDORS, Story

BY_VERSION_BEFORE = "db00780b1feb8b60c617ed73a1a1eb92d70045ff91bd074554f3f7fdd85416fc"
"""The drill digest of the shipped drill as the version before plant states gave it: rehearsals of then count on."""


def digest(spoil: Callable[[Documents], object] = lambda _: None) -> str:
    found = given(spoil)
    return drill_digest(found.drill, found.site, found.probes)


def test_a_drill_of_a_plant_that_runs_keeps_its_digest_and_an_idle_one_has_another() -> None:
    assert digest() == digest(lambda at: put(at.drill, "plant_state", "running")) == BY_VERSION_BEFORE
    assert digest(lambda at: put(at.drill, "interlocks", [])) == BY_VERSION_BEFORE
    changes = (
        interlocked,
        idle,
        lambda at: interlocked(at, RUNNING),
        lambda at: interlocked(at, RUNNING | {"running": 0, "idle": 1}),
    )
    found = [digest(change) for change in changes]
    assert len({BY_VERSION_BEFORE, *found}) == 1 + len(found)


def test_a_plan_without_plant_state_says_no_word_of_it() -> None:
    written = given().plan().drill.model_dump()
    assert not {"plant_state", "interlocks"} & written.keys()


ROWS = (
    Row(
        "idle without an interlock",
        lambda at: put(at.drill, "plant_state", "idle"),
        "drill",
        ("plant_state",),
        "plant_state idle needs an interlock that reads otherwise in a plant that runs (running: 1, idle: 0), or nothing would show that "
        "production is not running; add one under interlocks.",
    ),
    Row(
        "idle with an alarm only",
        lambda at: interlocked(at, ALARM, state="idle"),
        "drill",
        ("plant_state",),
        "plant_state idle needs an interlock that reads otherwise",
    ),
    Row(
        "an interlock that says nothing of the state",
        lambda at: interlocked(at, {"probe": "filler-running", "tells": "it runs", "idle": 0, "bad_for": "1 s"}),
        "drill",
        ("interlocks", 0),
        "Interlock filler-running says nothing of plant_state running; add running: what it must read then, or take the interlock out.",
    ),
    Row(
        "an unknown probe",
        lambda at: interlocked(at, RUNNING | {"probe": "filler-runing"}),
        "drill",
        ("interlocks", 0, "probe"),
        'There is no probe "filler-runing"; known: ',
    ),
    Row(
        "a continuity probe",
        lambda at: interlocked(at, RUNNING | {"probe": "plc-filler"}),
        "drill",
        ("interlocks", 0, "probe"),
        "Probe plc-filler is listed twice, once under interlocks; give the interlock a probe of its own.",
    ),
    Row(
        "one probe for two interlocks",
        lambda at: interlocked(at, RUNNING, RUNNING),
        "drill",
        ("interlocks", 1, "probe"),
        "Probe filler-running is listed twice, once under interlocks",
    ),
    Row(
        "a probe that reads no number",
        both(
            lambda at: put(
                at.probes, "filler-running", {"kind": "tcp", "vantage": "here", "target": "10.40.0.11", "port": 502}
            ),
            interlocked,
        ),
        "drill",
        ("interlocks", 0, "probe"),
        "Interlock filler-running must be a Modbus probe, which reads one number; its kind is tcp.",
    ),
    Row(
        "a probe that wants something new",
        both(lambda at: at.probes["filler-running"].update(table="input", changes_within="1 s"), interlocked),
        "drill",
        ("interlocks", 0, "probe"),
        "Interlock filler-running must read one value and changes_within wants a new one; give the interlock a probe without it.",
    ),
    Row(
        "a probe with a range of its own",
        both(lambda at: at.probes["filler-running"].update(minimum=1), interlocked),
        "drill",
        ("interlocks", 0, "probe"),
        "Interlock filler-running has a minimum or a maximum of its own, and the drill says what it must read",
    ),
    Row(
        "a probe from afar",
        both(lambda at: at.probes["filler-running"].update(vantage="historian"), interlocked),
        "drill",
        ("interlocks", 0, "probe"),
        'Interlock filler-running asks from vantage "historian", of which nothing is heard while the plant is isolated; use a probe from '
        'vantage "here".',
    ),
    Row(
        "a bit that must be two",
        lambda at: interlocked(at, RUNNING | {"running": 2}),
        "drill",
        ("interlocks", 0, "running"),
        '"running" must be a whole number from 0 to 1, which is what filler-running can read; found 2.',
    ),
)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_an_interlock_that_shows_nothing_is_refused_at_its_place(row: Row) -> None:
    found = given(row.spoil)
    problems = check(found.drill, found.site, found.probes)
    assert [(each.source, each.path) for each in problems] == [(row.source, row.path)]
    assert problems[0].sentence.startswith(row.sentence)


@pytest.mark.parametrize(("state", "bit"), [("running", 1), ("idle", 0)])
def test_what_the_probe_must_read_follows_the_state(state: str, bit: int) -> None:
    plan = given(lambda at: interlocked(at, state=state)).plan()
    asked = plan.probes["filler-running"]
    assert (asked.role, asked.probe.kind) == ("interlock", "modbus")
    assert (asked.probe.minimum, asked.probe.maximum) == (bit, bit)  # type: ignore[union-attr]
    # Neither alive nor dead: the drill demands a state of it, and no continuity.
    assert all("filler-running" not in (*stage.alive, *stage.dead) for stage in plan.stages)


def samples(plan_of: Story, **changed: Seen) -> dict[str, Sample]:
    return {
        name: Sample(name, 1, SECOND, SECOND, changed.get(name.replace("-", "_"), Seen.GOOD), None, "it is 0")
        for name in plan_of.plan.probes
    }


@pytest.mark.parametrize("seen", [Seen.BAD, Seen.UNKNOWN])
def test_a_plant_in_another_state_is_refused_before_anything_is_armed(seen: Seen) -> None:
    story = Story(given(interlocked).plan())
    found = judge_baseline(story.plan, samples(story, filler_running=seen, plc_filler=Seen.BAD), SECOND)
    assert [finding.code for finding in found] == ["interlock", "baseline-not-good"]
    assert found[0].sentence == (
        "Interlock filler-running from vantage here does not read 1 (the filler runs), as plant_state running needs: it is 0. Nothing was "
        "touched."
    )
    assert found[0].refuses
    silent = {name: sample for name, sample in samples(story).items() if name != "filler-running"}
    assert [finding.code for finding in judge_baseline(story.plan, silent, SECOND)] == ["baseline-silent"]
    assert judge_baseline(story.plan, samples(story), SECOND) == ()


def test_an_idle_drill_is_held_and_says_what_that_shows_and_nothing_more() -> None:
    verdict = Story(given(idle).plan()).judge()
    assert verdict.verdict is Result.HELD
    assert verdict.sentence.endswith("; OT reachable, production not running")
    assert verdict.island_told.startswith("The idle plant was an island. ")
    assert '"plant_state": "idle"' in verdict_json(verdict)
    assert "running" not in {row.expected for row in verdict.rows}
    assert {row.expected for row in verdict.rows if row.role == "interlock"} == {"as needed"}


def test_a_drill_of_a_plant_that_runs_says_no_word_of_a_state() -> None:
    verdict = Story(given(interlocked).plan()).judge()
    assert verdict.verdict is Result.HELD
    assert "not running" not in verdict.sentence + verdict.island_told
    assert "plant_state" not in verdict_json(verdict)


def codes_of(story: Story) -> dict[str, Result]:
    return {
        each.code: each.result for each in story.judge().findings if each.probe is not None and "filler-" in each.probe
    }


def test_an_interlock_that_was_otherwise_for_a_moment_is_a_note() -> None:
    story = Story(given(idle).plan())
    story.see("filler-running", Seen.BAD, MIDDLE, MIDDLE + SECOND, "it is 1")
    assert codes_of(story) == {"interlock-otherwise": Result.HELD}
    assert story.judge().verdict is Result.HELD


@pytest.mark.parametrize(
    ("from_us", "to_us"),
    [(VENDORS, VENDORS + 3 * SECOND), (MIDDLE, MIDDLE + 3 * SECOND), (RESTORE - 3 * SECOND, RESTORE)],
)
def test_an_interlock_that_was_otherwise_for_too_long_leaves_the_state_unknown(from_us: int, to_us: int) -> None:
    story = Story(given(idle).plan())
    story.see("filler-running", Seen.BAD, from_us, to_us, "it is 1")
    verdict = story.judge()
    assert codes_of(story) == {"interlock-unseen": Result.INCONCLUSIVE}
    assert (verdict.verdict, verdict.sentence, verdict.island_told) == (Result.INCONCLUSIVE, "inconclusive", "")


def test_an_interlock_whose_samples_are_missing_leaves_the_state_unknown() -> None:
    story = Story(given(idle).plan())
    story.lose("filler-running", CORPORATE + SECOND, CORPORATE + 4 * SECOND)
    assert codes_of(story) == {"interlock-unseen": Result.INCONCLUSIVE}
    story.lose("filler-running", 0, 10**9)
    assert story.judge().verdict is Result.INCONCLUSIVE


def test_before_and_after_the_isolation_an_interlock_may_be_otherwise() -> None:
    story = Story(given(idle).plan())
    story.see("filler-running", Seen.BAD, RESTORE + 2000, 10**9, "it is 1")
    assert codes_of(story) == {}


def test_an_interlock_adds_nothing_to_the_longest_gap() -> None:
    story = Story(given(idle).plan())
    before = story.judge().longest_ot_gap_s
    story.see("filler-running", Seen.BAD, MIDDLE, MIDDLE + SECOND)
    assert story.judge().longest_ot_gap_s == before


@pytest.mark.parametrize("spoil", [interlocked, idle], ids=["running", "idle"])
def test_a_plan_that_asks_for_a_bit_is_read_back_as_it_was(spoil: Callable[[Documents], object]) -> None:
    """The guardian, and every later restore, has nothing else."""
    plan = given(spoil).plan()
    assert Plan.model_validate_json(plan.model_dump_json(by_alias=True)) == plan
