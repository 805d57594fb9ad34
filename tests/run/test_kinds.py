"""How a run ends on every kind of device, by life cycle, and with people of every kind: they behave as platforms and people do, not as the code wishes.

`kinds.txt` tells it, a line for each kind and story. `python -m tests.run.told_kinds` writes the page anew.
"""

from __future__ import annotations

import pytest

from tests.more import one_in
from tests.pages import written
from tests.run.told_kinds import PAGE, PAGES, told


@pytest.mark.parametrize("kind", one_in(3, PAGES))
def test_a_run_on_this_kind_of_device_ends_so_and_not_otherwise(kind: str) -> None:
    assert list(told(kind)) == written(PAGE)[kind]


def test_the_page_tells_every_kind_and_no_other() -> None:
    assert list(written(PAGE)) == list(PAGES)
