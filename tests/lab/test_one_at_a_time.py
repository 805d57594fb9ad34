"""One run per conduit: two machines that know nothing of each other, and a hold that is longer than its timer."""

from __future__ import annotations

from pathlib import Path

import pytest

from islandmode.rehearse.lab import Lab
from tests.lab.drills import Drill, drill, end, make_workspace, start, wait_for
from tests.lab.guarded import DRILL, ask, hold_workspace, is_isolated
from tests.patience import wait_until

pytestmark = pytest.mark.lab


def test_of_two_machines_that_start_together_one_drills_and_the_other_leaves_it_alone(lab: Lab, tmp_path: Path) -> None:
    """Two workspaces share no lock: the object on the firewall is the lock."""
    # Long holds: on a busy machine the slower of them must not come when the faster is at its end.
    places = [hold_workspace(tmp_path / name, lab) for name in ("east", "west")]
    started = [start(place, lab.name) for place in places]
    lost, won = first_refused(started, places)
    refused = end(started[lost], places[lost])
    assert refused.code == 4, refused.output
    assert "restore.attempt" not in refused.kinds()
    wait_for(started[won], places[won], "hold.started", stage="vendors")
    assert is_isolated(lab)
    assert ask(places[won], lab, "abort").returncode == 0
    drilled = end(started[won], places[won])
    assert drilled.verdict["restoration"] == "proven", drilled.output
    assert [stop["data"]["by"] for stop in drilled.records() if stop["kind"] == "stop"] == ["abort"]
    assert not is_isolated(lab)


def first_refused(started: list[Drill], places: list[Path]) -> tuple[int, int]:
    """Wait until a drill is refused for the other; give the places of both, the refused drill's first."""

    def lost() -> list[int]:
        ended = [number for number in range(2) if started[number].poll() is not None]
        return [number for number in ended if not started[number].begins_again(places[number])]

    wait_until(lambda: bool(lost()), "the second is refused")
    first = lost()[0]
    return first, 1 - first


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
