"""What `abort` and `restore` say and enter, over directories such as runs leave."""

from __future__ import annotations

from pathlib import Path

import pytest

from islandmode.store.active import RunRecord
from islandmode.store.rundir import RunDirectory
from islandmode.ui.stop_commands import _covers
from tests.system.test_life import HOLD, child
from tests.ui.test_runs_commands import ARMED, ask, leave_run

LEFT = {"fw": ("a", "b", "c")}


def of_record(points: dict[str, tuple[str, ...]] | None) -> RunDirectory:
    root = Path("/plant/runs/2026-01-a")
    return RunDirectory(root, None if points is None else RunRecord(root, 0, root.name, Path("/plant"), {}, points))


@pytest.mark.parametrize(
    ("seen", "left", "recorded", "covered"),
    [
        pytest.param({"fw": ("a",)}, LEFT, LEFT, False, id="fewer conduits"),
        pytest.param({"fw": ("c", "b", "a", "d")}, LEFT, LEFT, True, id="these and more"),
        pytest.param({"other": ("a", "b", "c")}, LEFT, LEFT, False, id="another point"),
        pytest.param({"fw": ("a", "b", "c")}, {"?": ()}, LEFT, True, id="no plan, and recorded"),
        pytest.param({"fw": ("a",)}, {"?": ()}, LEFT, False, id="no plan, and recorded with more"),
        pytest.param({"fw": ("a", "b", "c")}, {"?": ()}, None, False, id="no plan and no record"),
    ],
)
def test_a_restore_by_the_drill_covers_a_run_conduit_by_conduit(
    seen: dict[str, tuple[str, ...]],
    left: dict[str, tuple[str, ...]],
    recorded: dict[str, tuple[str, ...]] | None,
    *,
    covered: bool,
) -> None:
    assert _covers(seen, left, of_record(recorded)) is covered


def test_an_abort_before_anything_was_armed_claims_no_restoration(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = leave_run(tmp_path, "2026-01-a", ARMED[:1])
    with child(HOLD, root / "lock.conductor") as running:
        assert ask("abort", workspace=tmp_path) == 0
        assert running.wait(10) != 0
    assert capsys.readouterr().out == "2026-01-a: stopped before anything was armed.\n"
