"""Six drills in which faults strike at random times, for CI; `make at-random` plays sixty, from a seed of the day."""

from __future__ import annotations

from pathlib import Path

import pytest

from islandmode.rehearse.lab import Lab
from tests.crash.at_random import drawn, play_random
from tests.crash.matrix import play_again_if_refused

pytestmark = [pytest.mark.lab, pytest.mark.longest, pytest.mark.more]

ROWS = {row.name: row for row in map(drawn, range(19, 25))}


def test_a_seed_draws_the_same_strikes_in_every_process() -> None:
    """A seed that was printed is played again to see what it found."""
    assert drawn(20).name == "seed 20: firewall restarted at 5.1 s, disk frozen at 7.0 s for 3.7 s"


@pytest.mark.parametrize("name", ROWS)
def test_whatever_strikes_and_when_the_plant_is_back_in_time(lab: Lab, tmp_path: Path, name: str) -> None:
    assert play_again_if_refused(ROWS[name], lab, tmp_path / "row", play_random).wrong == []
