"""The end of a dry run: what it says was looked at, and what was not."""

from __future__ import annotations

from pathlib import Path

import pytest

from islandmode.operate.plan import plan_of
from islandmode.store.rundir import RunDirectory
from islandmode.ui.results import print_looked

KIRKBY = Path(__file__).parents[2] / "examples" / "kirkby"


def test_a_device_that_a_person_isolates_was_not_read_and_nobody_was_asked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, plan = plan_of(KIRKBY, "all-ways")
    print_looked(plan, RunDirectory(tmp_path))
    said = capsys.readouterr().out.splitlines()
    (read,) = (line for line in said if line.startswith("read "))
    (asked,) = (line for line in said if line.startswith("not asked "))
    by_hand = {name for name, point in plan.points.items() if point.by_hand is not None}
    assert by_hand
    assert all(name in asked and name not in read for name in by_hand)
    assert all(name in read for name in plan.points.keys() - by_hand)
    # A live run goes further, and nothing may sound as if that had been tried.
    assert any(line.startswith("not tried ") and "go at T-0" in line for line in said)
    assert "approvals    There is no inventory/people, so nobody can approve a live run" in "\n".join(said)
