"""For what a run was refused stands in its record as a code, so that no program need read the sentence."""

from __future__ import annotations

from typing import Any, get_args

import pytest

from islandmode.core.errors import RefusedFor
from islandmode.core.lifecycle import Phase
from islandmode.core.outcome import Outcome, Reading
from islandmode.observe.vantage import Schedule
from islandmode.simulate.faults import Fault, Kind
from islandmode.simulate.plant import SimulatedPlant
from islandmode.simulate.vantage import SimulatedVantage
from tests.run.simulated_drill import Shape
from tests.run.simulated_run import run

PLC = "10.40.0.50"
ALWAYS: dict[str, Any] = {"for_s": 1e6}


def _fault(phase: Phase, kind: Kind, call: str = "", **more: Any) -> tuple[Fault, ...]:
    once = {"call": call, "times": 1} if call else {}
    return (Fault(**{"kind": kind, "phase": phase, "after_s": 0.0} | once | more),)  # type: ignore[arg-type]


REFUSED: dict[str, tuple[RefusedFor, tuple[Fault, ...]]] = {
    "Ctrl-C": ("stopped", _fault(Phase.PREFLIGHT, Kind.SIGNAL)),
    "an abort in the baseline": ("stopped", _fault(Phase.BASELINE, Kind.ABORT, after_s=1.0)),
    "a disk that is full": ("stopped", _fault(Phase.PREFLIGHT, Kind.DISK_FULL)),
    "a login that is refused": ("preflight", _fault(Phase.PREFLIGHT, Kind.REFUSED, "facts")),
    "a state that is refused": ("preflight", _fault(Phase.PREFLIGHT, Kind.REFUSED, "state")),
    "a configuration that is refused": ("preflight", _fault(Phase.PREFLIGHT, Kind.REFUSED, "configuration")),
    "a device that is silent": ("late", _fault(Phase.PREFLIGHT, Kind.LOST_REPLY, "facts")),
    "a state that does not come": ("late", _fault(Phase.PREFLIGHT, Kind.LOST_REPLY, "state")),
    "a configuration that does not come": ("late", _fault(Phase.PREFLIGHT, Kind.LOST_REPLY, "configuration")),
    "a worker that says nothing": ("late", _fault(Phase.BASELINE, Kind.WORKER_NOT_STARTED, target="office")),
    "a guardian that cannot log in": ("guardian", _fault(Phase.BASELINE, Kind.REFUSED, "ready")),
    "a probe that says nothing": ("late", _fault(Phase.BASELINE, Kind.WORKER_DIES, target="office")),
    "a probe that is bad": ("baseline", _fault(Phase.BASELINE, Kind.OUTAGE, target=PLC, **ALWAYS)),
    "a probe that is bad and one that says nothing": (
        "baseline",
        _fault(Phase.BASELINE, Kind.OUTAGE, target=PLC, **ALWAYS)
        + _fault(Phase.BASELINE, Kind.WORKER_DIES, target="office"),
    ),
    "an arm that is refused": ("arming", _fault(Phase.ARMED, Kind.REFUSED, "arm")),
    "an arm that is not answered": ("late", _fault(Phase.ARMED, Kind.LOST_REPLY, "arm")),
}


@pytest.mark.parametrize("what", REFUSED)
def test_the_record_of_a_refused_run_says_for_what(what: str) -> None:
    code, faults = REFUSED[what]
    ended = run(1, Shape(two_points=True), faults)
    assert ended.claims.refused
    assert [one.data["code"] for one in ended.claims.records if one.kind == "run.refused"] == [code]


class Unwilling(SimulatedVantage):
    """A worker that says at once that it cannot start."""

    async def start(self, schedule: Schedule, deadline_s: float) -> Reading[None]:
        now_us = self._clock.monotonic_us()
        return Reading(Outcome.NOT_DONE, None, "no Python is there", now_us, now_us)


def test_a_worker_that_says_that_it_cannot_start_is_not_late() -> None:
    def prepare(plant: SimulatedPlant) -> None:
        plant.vantages["office"].__class__ = Unwilling

    ended = run(1, Shape(two_points=True), prepare=prepare)
    assert [one.data["code"] for one in ended.claims.records if one.kind == "run.refused"] == ["vantage"]


def test_every_code_is_shown_here() -> None:
    # tests/run/test_by_hand.py shows a run that is refused because nobody is there, tests/run/test_go_wait.py what has to do with the go.
    elsewhere = {"vantage", "person", "go", "veto", "changed"}
    assert {code for code, _ in REFUSED.values()} | elsewhere == {*get_args(RefusedFor)}
