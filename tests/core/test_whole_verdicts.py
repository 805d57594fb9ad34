"""Every word and number of the verdict, for the perfect drill and for each story in which one thing goes otherwise.

`verdicts.txt` is read like a page of the manual: what happened, and all that the verdict then says. A change of the judge that
changes any of it shows there; `python -m tests.core.verdicts` writes the page anew.
"""

from __future__ import annotations

import pytest

from tests.core.spoilt_stories import STORIES
from tests.core.verdicts import PAGE, difference
from tests.pages import written


@pytest.mark.parametrize("name", STORIES)
def test_the_verdict_says_this_and_nothing_else(name: str) -> None:
    assert difference(name) == written(PAGE)[name]


def test_the_page_tells_every_story_and_no_other() -> None:
    assert list(written(PAGE)) == list(STORIES)


def test_these_change_nothing_and_every_other_story_does() -> None:
    assert {name for name, lines in written(PAGE).items() if not lines} == {
        "somebody on this side refuses",
        "the firewall refuses, and the target does",
        "packets go just after the order",
        "the checks after never ended",
        "preflight refuses",
    }
