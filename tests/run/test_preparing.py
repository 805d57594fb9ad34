"""A stage on several devices: each gets ready before the first of them is ordered to isolate."""

from __future__ import annotations

from dataclasses import replace

import pytest

from islandmode.core.lifecycle import Phase
from islandmode.isolation import table
from islandmode.run import preparing
from islandmode.simulate.faults import Fault, Kind
from islandmode.simulate.kinds import OWN_TIMER
from islandmode.simulate.point import SimulatedPoint
from tests.run.simulated_drill import Shape
from tests.run.simulated_run import Ended, run
from tests.run.test_arming import LINE, VENDOR, Steady

UNPREPARED = Fault(kind=Kind.REFUSED, phase=Phase.ARMED, target=LINE, call="prepare", times=1)
REFUSES = Fault(kind=Kind.REFUSED, phase=Phase.ISOLATING, target=LINE, call="isolate", times=1)


@pytest.fixture
def prepared(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Let simulated devices get ready, which platforms in the table say of themselves, and note which did."""
    asked: list[str] = []
    prepare = SimulatedPoint.prepare

    async def noted(point: SimulatedPoint, *arguments: object) -> object:
        asked.append(point.name)
        return await prepare(point, *arguments)  # type: ignore[arg-type] # passed on as they came

    monkeypatch.setattr(SimulatedPoint, "prepare", noted)
    monkeypatch.setattr(preparing, "preparing", lambda _planned, point: point)
    return asked


def played(*faults: Fault, one_stage: bool = True) -> Ended:
    return run(1, Shape.of(OWN_TIMER, two_points=True, one_stage=one_stage), faults, dice_type=Steady)


def isolated(ended: Ended) -> list[str]:
    found = [
        (one.at_us, name)
        for name, device in ended.plant.devices.items()
        for one in device.tape
        if one.what == "isolating"
    ]
    return [name for _, name in sorted(found)]


def test_every_device_of_a_stage_is_ready_before_the_first_is_ordered(prepared: list[str]) -> None:
    ended = played()
    assert (ended.claims.verdict, ended.violations) == ("held", ())
    assert sorted(prepared) == sorted((LINE, VENDOR))
    assert sorted(isolated(ended)) == sorted((LINE, VENDOR))


def test_a_stage_of_one_device_waits_for_nothing(prepared: list[str]) -> None:
    assert played(one_stage=False).claims.verdict == "held"
    assert prepared == []


def test_a_device_that_was_not_ready_is_ordered_first_and_alone(prepared: list[str]) -> None:
    ended = played(UNPREPARED)
    assert (ended.claims.verdict, ended.violations) == ("held", ())
    assert isolated(ended) == [LINE, VENDOR]
    assert len(prepared) == 2


@pytest.mark.usefixtures("prepared")
def test_where_it_refuses_no_other_device_of_the_stage_was_isolated() -> None:
    ended = played(UNPREPARED, REFUSES)
    assert (ended.claims.restoration, ended.violations) == ("proven", ())
    assert ended.claims.verdict != "held"
    assert isolated(ended) == []


@pytest.mark.usefixtures("prepared")
def test_a_device_that_does_not_answer_beforehand_ends_the_drill_with_all_restored() -> None:
    silent = replace(UNPREPARED, kind=Kind.HANG, call="", for_s=30.0, times=1 << 30)
    ended = played(silent)
    assert ended.violations == (), ended.story()
    assert not any(device.objects for device in ended.plant.devices.values())


def test_only_a_platform_whose_points_can_is_asked() -> None:
    able = {name for name, platform in table.IN_CODE.items() if platform.prepares}
    assert able == {"nftables"}
