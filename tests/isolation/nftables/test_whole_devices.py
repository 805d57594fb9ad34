"""Every line that a point sends to a firewall, and what it makes of every answer, told whole in `devices.txt`.

`python -m tests.isolation.nftables.told_devices` writes the page anew.
"""

from __future__ import annotations

import pytest

from tests.isolation.nftables.told_devices import PAGE, PLOTS, told
from tests.pages import written


@pytest.mark.parametrize("name", PLOTS)
def test_this_is_sent_and_this_is_made_of_the_answers(name: str) -> None:
    assert told(name) == written(PAGE)[name]


def test_the_page_tells_every_story_and_no_other() -> None:
    assert list(written(PAGE)) == list(PLOTS)
