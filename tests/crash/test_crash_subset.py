"""Rows of the crash matrix that together touch every layer, for CI; `make crash-matrix` plays all of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from islandmode.rehearse.lab import Lab
from tests.crash.matrix import play_again_if_refused
from tests.crash.sections import MATRIX
from tests.more import first_of

pytestmark = [pytest.mark.lab, pytest.mark.longest]

ROWS = {row.name: row for row in MATRIX if row.fast}


@pytest.mark.parametrize("name", first_of(ROWS))
def test_whatever_dies_the_plant_comes_back_by_the_layer_that_is_left(lab: Lab, tmp_path: Path, name: str) -> None:
    played = play_again_if_refused(ROWS[name], lab, tmp_path / "row")
    assert played.wrong == []
    assert played.acted == ROWS[name].layer
