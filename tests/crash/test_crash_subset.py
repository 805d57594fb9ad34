"""Rows of the crash matrix that together touch every layer, for CI; `make crash-matrix` plays all of it."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from tests.crash.matrix import play_all
from tests.crash.playing import Played
from tests.crash.scenarios import MATRIX

pytestmark = [pytest.mark.lab, pytest.mark.longest]

ROWS = {row.name: row for row in MATRIX if row.fast}


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Played]:
    """Every row played once, two at a time; each test looks at one of them."""
    return play_all(list(ROWS.values()), tmp_path_factory.mktemp("crash"))


@pytest.mark.parametrize("name", ROWS)
def test_whatever_dies_the_plant_comes_back_by_the_layer_that_is_left(played: Mapping[str, Played], name: str) -> None:
    assert played[name].wrong == []
    assert played[name].acted == ROWS[name].layer
