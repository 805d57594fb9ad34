"""Some of the ten thousand seeds, on every run of the tests: no invariant breaks. `make seeds` plays all of them."""

from __future__ import annotations

import pytest

from tests.more import first_of
from tests.run.sweep import tell_each

BATCH = 100


@pytest.mark.parametrize("first", first_of(range(0, 200, BATCH)))
def test_no_invariant_breaks(first: int) -> None:
    seeds = range(first, first + BATCH)
    told = tell_each(seeds)
    assert [each.seed for each in told] == list(seeds)
    assert {each.seed: each.wrong for each in told if each.wrong} == {}
