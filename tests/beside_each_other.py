"""How pytest-xdist shares the tests out: one by one, but for a file that makes something dear once for all of its tests.

xdist's own groups write themselves into a part of a test that pytest has no more since 9.2, and are then ignored.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]

LABS = "tests/lab/"
"""Its files are kept together: two tests that freeze a disk, or take labs apart, must not meet."""
ONCE = re.compile(r"""^@pytest\.fixture\(.*scope="(class|module|session)"|^def setup_module""", re.MULTILINE)


class OneByOne(LoadScopeScheduling):  # type: ignore[misc] # xdist ships no types
    """Gives a process one test after another, and every test of a file that shares something, or uses a lab, to the same process."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return file if LABS in file or _makes_once(self.config.rootpath / file) else nodeid


@cache
def _makes_once(path: Path) -> bool:
    return ONCE.search(path.read_text(encoding="utf-8")) is not None


def scheduler(config: pytest.Config, log: Any) -> OneByOne:
    """Make the scheduler of a test run."""
    return OneByOne(config, log)
