"""The wait for a backlog, once the plant is back: a request to stop ends it, and a stop before the restore does not."""

from __future__ import annotations

import asyncio

import pytest

from islandmode.core import limits
from islandmode.core.lifecycle import Phase
from islandmode.run.conductor import Conductor
from islandmode.run.progress import Stop
from islandmode.simulate.faults import Fault, Kind
from tests.run.simulated_drill import Shape
from tests.run.simulated_run import Ended, run

DRAINS_S = 600.0
SIGNAL = Stop("signal", "SIGINT was received.")


def waited_s(monkeypatch: pytest.MonkeyPatch, *faults: Fault, stop_after_s: float | None = None) -> float:
    """Play a run whose backlog never drains, and say for how long it was waited for; the stop comes while it is waited for."""
    monkeypatch.setattr(limits, "drained_within_s", lambda _plan: DRAINS_S)
    settle = Conductor._settle

    async def never_drains(self: Conductor) -> None:
        monkeypatch.setattr(self._witness, "not_good", lambda: ("historian-buffer",))
        if stop_after_s is not None:
            asyncio.get_running_loop().call_later(stop_after_s, self._latch.pull, SIGNAL)
        await settle(self)

    monkeypatch.setattr(Conductor, "_settle", never_drains)
    ended: Ended = run(1, Shape(), faults)
    assert ended.claims.restored
    ((since_us,), (until_us,)) = ended.times("verify.started"), ended.times("verify.done")
    return (until_us - since_us) / 1_000_000


def test_a_backlog_is_waited_for_as_long_as_the_drill_says(monkeypatch: pytest.MonkeyPatch) -> None:
    assert DRAINS_S <= waited_s(monkeypatch) < DRAINS_S + 1.0


@pytest.mark.parametrize("aborted", [False, True])
def test_a_stop_once_the_plant_is_back_ends_the_wait(monkeypatch: pytest.MonkeyPatch, *, aborted: bool) -> None:
    """Also a second stop, of a run that was aborted in its hold."""
    faults = (Fault(Kind.ABORT, Phase.HOLDING, 0.2),) if aborted else ()
    assert waited_s(monkeypatch, *faults, stop_after_s=60.0) < 61.0


def test_an_abort_in_the_hold_leaves_the_backlog_to_be_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    assert waited_s(monkeypatch, Fault(Kind.ABORT, Phase.HOLDING, 0.2)) >= DRAINS_S
