"""Threads that wait for work: whose they are."""

from __future__ import annotations

import time

from islandmode.system import ready
from islandmode.system.apart import apart
from islandmode.system.life import within
from tests.patience import PATIENCE_S


def test_a_process_apart_hands_no_work_to_threads_that_it_does_not_have() -> None:
    ready.keep_threads(3)
    until_s = time.monotonic() + PATIENCE_S
    while len(ready._waiting) < 3 and time.monotonic() < until_s:
        time.sleep(0.01)
    assert apart(lambda: within(PATIENCE_S, lambda: None), 2 * PATIENCE_S) == ""
