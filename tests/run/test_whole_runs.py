"""Every record, every sentence that is shown, and every change of a device, when one thing goes otherwise in a drill.

`runs.txt` tells what was said and done, and when; a change of the conductor, the guardian, the dead-man or the preflight that
changes any of it shows there. `python -m tests.run.told_runs` writes the page anew.
"""

from __future__ import annotations

import pytest

from tests.pages import written
from tests.run.told_runs import PAGE, PLOTS, difference


@pytest.mark.parametrize("name", PLOTS)
def test_the_run_goes_so_and_not_otherwise(name: str) -> None:
    assert difference(name) == written(PAGE)[name]


def test_the_page_tells_every_story_and_no_other() -> None:
    assert list(written(PAGE)) == list(PLOTS)
