"""One run per conduit: two machines that know nothing of each other, and a hold that is longer than its timer."""

from __future__ import annotations

from pathlib import Path

import pytest

from islandmode.rehearse.lab import Lab
from tests.lab.drills import drill, end, make_workspace, start
from tests.lab.guarded import DRILL, is_isolated

pytestmark = pytest.mark.lab


def test_of_two_machines_that_start_together_one_drills_and_the_other_leaves_it_alone(lab: Lab, tmp_path: Path) -> None:
    """Two workspaces share no lock: the object on the firewall is the lock."""
    places = [make_workspace(tmp_path / name, lab.state_dir) for name in ("east", "west")]
    started = [start(place, lab.name, again=0) for place in places]
    ended = [end(running, place) for running, place in zip(started, places, strict=True)]
    won, lost = sorted(ended, key=lambda one: one.code)
    assert (won.code, lost.code) == (0, 4), won.output + lost.output
    assert won.verdict["restoration"] == "proven"
    assert "restore.attempt" not in lost.kinds()
    assert not is_isolated(lab)


def test_a_hold_longer_than_the_timer_is_renewed_to_its_end(lab: Lab, tmp_path: Path) -> None:
    changes = {
        DRILL: lambda text: (
            text.replace("hold: 2 s", "hold: 9 s")
            .replace("dead_man: 3 min", "dead_man: 8 s")
            .replace("isolate_within: 5 s", "isolate_within: 3 s")
            .replace("restore_within: 10 s", "restore_within: 5 s")
        )
    }
    ended = drill(make_workspace(tmp_path, lab.state_dir, changes), lab.name)
    assert ended.code == 0, ended.output
    assert ended.kinds().count("dead_man.renew") >= 2
    left = [one["data"]["armed_s"] for one in ended.records() if one["kind"] == "dead_man.read"]
    assert min(seconds for conduits in left for seconds in conduits.values()) > 1.0
