"""What a run's end prints where its restoration is not proven."""

from __future__ import annotations

from pathlib import Path

import pytest

from islandmode.core.verdict import Restoration
from islandmode.store.rundir import RunDirectory
from islandmode.ui.results import print_result
from tests.core.story import Story
from tests.ui.test_runs_commands import ARMED, SEEN, leave_run


@pytest.mark.parametrize(("steps", "word"), [([*ARMED, SEEN], "UNPROVEN: every"), (ARMED, "STRANDED: restoration was")])
def test_stranded_is_said_only_of_points_that_were_not_seen(
    steps: list[tuple[str, dict[str, object]]], word: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    story = Story()
    verdict = story.judge().model_copy(update={"restoration": Restoration.UNPROVEN})
    print_result(story.plan, verdict, RunDirectory(leave_run(tmp_path, "2026-01-a", steps)), as_json=False)
    said = capsys.readouterr().err
    assert said.startswith(word)
    assert "STRANDED" not in said or word.startswith("STRANDED")
