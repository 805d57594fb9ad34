"""No run arms that does not stand in the ledger."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import anyio
import pytest

from islandmode.core.entered import LedgerAcknowledged, LedgerEntered
from islandmode.core.errors import Refused
from islandmode.core.lifecycle import Phase
from islandmode.core.record import ARMING
from islandmode.run.conductor import Conductor
from islandmode.run.progress import Stop, StopLatch
from islandmode.run.run_place import RunPlace
from islandmode.simulate.faults import Fault, Kind
from tests.run.simulated_run import run


async def cannot() -> LedgerEntered:
    raise Refused("The run could not be entered in the ledger. Nothing was touched.")


class NotEntered(Conductor):
    """A conductor whose workspace has a ledger that takes no line."""

    def __init__(self, *of: Any, place: RunPlace, **more: Any) -> None:
        super().__init__(*of, place=replace(place, enter=cannot), **more)


def test_a_run_that_cannot_be_entered_is_refused_and_arms_nothing() -> None:
    ended = run(1, conductor=NotEntered)
    assert ended.violations == ()
    assert ended.claims.refused
    assert "could not be entered in the ledger" in ended.why
    kinds = {record.kind for record in ended.claims.records}
    assert kinds.isdisjoint(ARMING)
    assert LedgerEntered.record_kind not in kinds


@pytest.mark.parametrize(
    "faults", [(), (Fault(Kind.SIGNAL, Phase.BASELINE, 0.5),), (Fault(Kind.SIGNAL, Phase.ARMED, 0.005),)]
)
def test_a_run_is_entered_before_anything_is_about_to_be_armed(faults: tuple[Fault, ...]) -> None:
    ended = run(1, faults=faults)
    kinds = [record.kind for record in ended.claims.records]
    armed = [number for number, kind in enumerate(kinds) if kind in ARMING]
    entered = [number for number, kind in enumerate(kinds) if kind == LedgerEntered.record_kind]
    assert len(entered) <= 1
    assert not armed or (entered and entered[0] < armed[0])
    assert bool(armed) == (faults == () or faults[0].phase is Phase.ARMED)


async def not_taken(entered: LedgerEntered) -> LedgerAcknowledged:
    return LedgerAcknowledged(receiver="nobody", line=entered.size, acknowledged=False, said="Connection refused")


async def demanded(_entered: LedgerEntered) -> LedgerAcknowledged:
    raise Refused("The ledger's receiver did not acknowledge line 2. Nothing was touched.", "preflight")


class Asks(Conductor):
    """A conductor that has its line acknowledged off this host."""

    asks: Any = staticmethod(not_taken)

    def __init__(self, *of: Any, place: RunPlace, latch: StopLatch, **more: Any) -> None:
        super().__init__(*of, place=replace(place, acknowledge=self.asks), latch=latch, **more)


class Demands(Asks):
    """A conductor whose receiver must acknowledge."""

    asks = staticmethod(demanded)


class AsksOneThatHangs(Asks):
    """A conductor whose receiver says nothing, and that is stopped meanwhile."""

    def __init__(self, *of: Any, latch: StopLatch, **more: Any) -> None:
        async def hangs(_entered: LedgerEntered) -> LedgerAcknowledged:
            latch.pull(Stop("signal", "SIGINT was received."))
            await anyio.sleep_forever()
            raise AssertionError

        self.asks = hangs
        super().__init__(*of, latch=latch, **more)


def test_a_line_that_was_not_acknowledged_is_on_record_before_anything_is_armed() -> None:
    ended = run(1, conductor=Asks)
    kinds = [record.kind for record in ended.claims.records]
    assert kinds.index("ledger.entered") + 1 == kinds.index("ledger.acknowledged") < kinds.index("arm.intent")
    assert (ended.violations, ended.claims.verdict) == ((), "held")


@pytest.mark.parametrize(
    ("conductor", "why"), [(Demands, "did not acknowledge line 2"), (AsksOneThatHangs, "SIGINT was received")]
)
def test_a_run_whose_line_must_be_acknowledged_or_that_is_stopped_meanwhile_arms_nothing(
    conductor: type[Conductor], why: str
) -> None:
    ended = run(1, conductor=conductor)
    assert ended.violations == ()
    assert ended.claims.refused
    assert why in ended.why
    assert {record.kind for record in ended.claims.records}.isdisjoint(ARMING)
