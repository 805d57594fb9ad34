from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.observe.plant import Plant, running_plant


@pytest.fixture
def plant() -> Iterator[Plant]:
    with running_plant() as plant:
        yield plant
