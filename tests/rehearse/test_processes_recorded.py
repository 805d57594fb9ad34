"""By what a lab lives, as somebody recorded it: what is malformed tells nothing, and stops nobody."""

from __future__ import annotations

import os
from typing import Any

import pytest

from islandmode.rehearse.processes import started, still_lives, vantage_point


@pytest.mark.parametrize("processes", [7, "ab", [7], [[7]], [["x", "1"]], [[None, "1"]], [[1, "2", "3"]], {"a": 1}])
def test_malformed_processes_do_not_tell_whether_a_lab_lives(processes: Any) -> None:
    assert still_lives({**vantage_point(), "processes": processes}) is None


def test_a_process_lives_or_does_not() -> None:
    mine = {**vantage_point(), "processes": [[os.getpid(), started(os.getpid())]]}
    assert still_lives(mine) is True
    assert still_lives({**mine, "processes": [[os.getpid(), "1"]]}) is False
