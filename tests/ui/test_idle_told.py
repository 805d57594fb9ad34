"""An idle drill says nowhere that production went on: not in the plan, on the card, while it runs, at its end, or in its report.

Each look is at the same words of a drill whose plant runs, where there are such words: they would be missed.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from rich.console import Console

from islandmode.core.lifecycle import Phase
from islandmode.core.plant_state import IDLE_SHOWS
from islandmode.core.refusal import Refusal
from islandmode.store.rundir import RunDirectory
from islandmode.ui.plan_text import print_plan
from islandmode.ui.report.refused import render_refusal
from islandmode.ui.results import print_result
from tests.core.given import given
from tests.core.interlocked import idle, interlocked
from tests.core.story import Story
from tests.ui.card_reading import words
from tests.ui.cards import card_of
from tests.ui.test_boundary_told import plain
from tests.ui.test_live import drawn_on_a_terminal, moment
from tests.ui.test_report import told
from tests.ui.test_runs_commands import ARMED, SEEN, ask, leave_run

CLAIMS = re.compile(
    r"must keep running|keeps? running|kept running|ran as an island|goes on\b|went on\b|without halting|(?<!not )running",
    re.IGNORECASE,
)
"""Words by which a reader would take production for going on."""
OF_NAMES = re.compile(r"filler-running(?!=1)|plant_state running|a plant that runs")
"""Names of probes, which say nothing of what was seen."""


def claims(said: str) -> list[str]:
    return CLAIMS.findall(OF_NAMES.sub("", " ".join(said.split())))


def story(*, is_idle: bool) -> Story:
    return Story(given(idle if is_idle else interlocked).plan())


def plan(*, is_idle: bool) -> str:
    console = Console(file=io.StringIO(), width=240)
    print_plan(story(is_idle=is_idle).plan, console)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def card(*, is_idle: bool) -> str:
    return " ".join(words(card_of(story(is_idle=is_idle).plan)))


def live(*, is_idle: bool) -> str:
    return drawn_on_a_terminal(moment(Phase.HOLDING, "vendors", plc_filler="good"), plan=story(is_idle=is_idle).plan)


def report(*, is_idle: bool) -> str:
    return plain(told(story(is_idle=is_idle)))


def refusal(*, is_idle: bool) -> str:
    of = story(is_idle=is_idle)
    return plain(render_refusal(of.plan, "run", Refusal("interlock", "It runs.", ()), of.records, lab=True))


SURFACES = (plan, card, live, report, refusal)


@pytest.mark.parametrize("surface", SURFACES, ids=lambda surface: surface.__name__)
def test_nothing_that_is_shown_claims_production_of_an_idle_plant(surface: Callable[..., str]) -> None:
    said = surface(is_idle=True)
    assert claims(said) == []
    assert IDLE_SHOWS in said or "not part of this drill" in said or "shows nothing of production" in said


@pytest.mark.parametrize("surface", [plan, report], ids=lambda surface: surface.__name__)
def test_of_a_plant_that_runs_the_same_words_are_said(surface: Callable[..., str]) -> None:
    """What finds nothing in an idle drill must find something where it is said."""
    assert claims(surface(is_idle=False))


@pytest.mark.parametrize("surface", SURFACES, ids=lambda surface: surface.__name__)
def test_of_a_plant_that_runs_no_idle_word_is_said(surface: Callable[..., str]) -> None:
    said = surface(is_idle=False)
    assert not any(word in said for word in ("not running", "not part of this drill", "nothing of production"))


def ended(folder: Path, capsys: pytest.CaptureFixture[str], *, is_idle: bool, as_json: bool) -> str:
    of = story(is_idle=is_idle)
    directory = RunDirectory(leave_run(folder, f"run-{is_idle}", [*ARMED, SEEN]))
    print_result(of.plan, of.judge(), directory, as_json=as_json)
    return capsys.readouterr().out


def test_the_end_of_an_idle_run_says_what_it_shows(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    end = partial(ended, tmp_path, capsys)
    said = end(is_idle=True, as_json=False)
    assert f"; {IDLE_SHOWS}" in " ".join(said.split())
    assert claims(said) == []
    assert "not running" not in end(is_idle=False, as_json=False)


def test_what_machines_read_says_the_state_of_an_idle_plant(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    end = partial(ended, tmp_path, capsys)
    assert json.loads(end(is_idle=True, as_json=True))["plant_state"] == "idle"
    assert "plant_state" not in json.loads(end(is_idle=False, as_json=True))


def test_an_idle_run_that_is_shown_again_says_the_same(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    directory = leave_run(tmp_path, "2026-01-a", [*ARMED, SEEN])
    verdict = story(is_idle=True).judge()
    (directory / "verdict.json").write_text(json.dumps(verdict.model_dump(mode="json")), encoding="utf-8")
    assert ask("show", workspace=tmp_path) == 0
    assert f"{verdict.sentence}, restoration" in " ".join(capsys.readouterr().out.split())
