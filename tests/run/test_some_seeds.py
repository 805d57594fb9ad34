"""Two hundred and fifty of the ten thousand seeds, on every run of the tests: no invariant breaks. `make seeds` plays all of them."""

from __future__ import annotations

import pytest

from tests.run.sweep import tell_each

BATCH = 125


@pytest.mark.parametrize("first", range(0, 250, BATCH))
def test_no_invariant_breaks(first: int) -> None:
    seeds = range(first, first + BATCH)
    told = tell_each(seeds)
    assert [each.seed for each in told] == list(seeds)
    assert {each.seed: each.wrong for each in told if each.wrong} == {}
