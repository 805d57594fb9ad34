"""The contract tells a platform that breaks the arming rule, over a simulated device that breaks it on purpose.

Its changes refer to nothing that was armed: an isolate that comes when no timer runs isolates, and nothing ends that.
"""

from __future__ import annotations

import re
from inspect import getmembers, isfunction

import pytest

from tests.isolation.contract import BREAKS_ARMING_RULE, Contract
from tests.isolation.pending.fake import PendingBench

TELLING = {
    "test_the_device_restores_by_itself_and_nothing_isolates_after_that",
    "test_nothing_isolates_after_a_restore",
}
STORIES = {name: story for name, story in getmembers(Contract, isfunction) if name.startswith("test_")}


class UnarmedBench(PendingBench):
    """A platform that says of itself that it arms before it isolates, over a device that isolates unarmed too."""

    kind = "change timer"


@pytest.mark.parametrize("name", sorted(TELLING))
def test_a_device_that_isolates_without_a_timer_does_not_pass(name: str) -> None:
    with pytest.raises(AssertionError, match=re.escape(BREAKS_ARMING_RULE)):
        STORIES[name](Contract(), UnarmedBench())


@pytest.mark.parametrize("name", sorted(set(STORIES) - TELLING))
def test_in_all_else_it_keeps_the_contract(name: str) -> None:
    STORIES[name](Contract(), UnarmedBench())
