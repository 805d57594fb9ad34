"""What a restore of an unproven run looks for: an isolation that somebody saved comes back with a restart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import anyio
import pytest

from islandmode.core.firewall import Unread
from islandmode.core.outcome import Outcome, Reading
from islandmode.core.plan import PlanPoint
from islandmode.isolation.point import Facts, IsolationPoint
from islandmode.isolation.recipes.nftables import MEND_SAVED, SAVED
from islandmode.ui.devices import left_in_saved
from tests.run import simulated_drill


@dataclass
class FakePoint:
    """Says one thing of itself."""

    reading: Reading[Facts]
    closed: bool = False

    async def facts(self, deadline_s: float) -> Reading[Facts]:
        """Say it."""
        await anyio.lowlevel.checkpoint()
        return self.reading

    async def close(self) -> None:
        """Note it."""
        self.closed = True


def planned() -> PlanPoint:
    (point,) = simulated_drill.make().points.values()
    return point.model_copy(update={"platform": "nftables"})


@pytest.mark.parametrize(
    ("reading", "said"),
    [
        pytest.param(Reading(Outcome.DONE, Facts()), [], id="clean"),
        pytest.param(Reading(Outcome.DONE, Facts(saved_absent=("/etc/none",))), [], id="an include that is not there"),
        pytest.param(Reading(Outcome.DONE, Facts(saved_ours=(SAVED,))), [MEND_SAVED], id="saved"),
        pytest.param(Reading(Outcome.DONE, Facts(saved_unread=(Unread(SAVED, "Denied"),))), ["Denied"], id="unread"),
        pytest.param(Reading(Outcome.DONE, Facts(trouble="no sudo")), ["no sudo"], id="logged in and of no use"),
        pytest.param(Reading(Outcome.UNKNOWN, why="no answer"), ["no answer"], id="no answer"),
        pytest.param(Reading(Outcome.NOT_DONE), ["could not be read: not done"], id="no login"),
    ],
)
def test_only_a_saved_configuration_that_was_read_and_is_clean_says_nothing(
    reading: Reading[Facts], said: list[str]
) -> None:
    point = FakePoint(reading)
    found = anyio.run(left_in_saved, {"fw": cast(IsolationPoint, point)}, {"fw": planned()})
    assert len(found) == len(said)
    assert all(word in sentence and "fw" in sentence for word, sentence in zip(said, found, strict=True))
    assert point.closed
