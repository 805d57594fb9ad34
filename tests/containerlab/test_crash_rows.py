"""Rows of the crash matrix in containers: whatever dies, the plant comes back by the layer that is left."""

from __future__ import annotations

from pathlib import Path

import pytest

from islandmode.rehearse.containers.lab import ContainerLab
from tests.crash.matrix import play_again_if_refused
from tests.crash.scenarios import Layer
from tests.crash.sections import MATRIX

pytestmark = pytest.mark.lab

# Those of CI's subset in which another process than the conductor must act: that is what a container could get in the way of.
ROWS = {
    row.name: row
    for row in MATRIX
    if row.fast
    and not row.recipe
    and row.way is None
    and (row.layer in {Layer.GUARDIAN, Layer.RESUME} or row.do == "stop")
}


@pytest.mark.parametrize("name", ROWS)
def test_whatever_dies_the_plant_comes_back_by_the_layer_that_is_left(
    lab: ContainerLab, place: Path, name: str
) -> None:
    folder = place / "rows" / str(list(ROWS).index(name))
    folder.parent.mkdir(exist_ok=True)
    played = play_again_if_refused(ROWS[name], lab, folder)
    assert played.wrong == []
    assert played.acted == ROWS[name].layer
