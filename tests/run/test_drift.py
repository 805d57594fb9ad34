"""A run whose device is not as a dry run of its plan read it is refused, and is not touched."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from islandmode.core.preflight_drift import EarlierReading
from islandmode.run.conductor import Conductor
from islandmode.simulate.plant import SimulatedPlant
from tests.run.simulated_drill import Shape
from tests.run.simulated_run import Ended, run

AS_READ = {"running": "table inet site", "saved": "table inet site"}


def after_a_dry_run(edited: Mapping[str, str], **read: str | None) -> Ended:
    """Run a drill after a dry run had read its devices, with rules of a colleague on some of them."""
    shape = Shape(two_points=True)
    earlier: list[EarlierReading] = []

    class After(Conductor):
        def __init__(self, *given: Any, place: Any, **more: Any) -> None:
            super().__init__(*given, place=replace(place, earlier=tuple(earlier)), **more)

    def prepare(plant: SimulatedPlant) -> None:
        earlier.append(EarlierReading("dry-run-1", {name: {**AS_READ, **read} for name in plant.devices}))
        for name, line in edited.items():
            plant.devices[name].edit(line)

    return run(1, shape, conductor=After, prepare=prepare)


def devices() -> list[str]:
    found: list[str] = []
    run(1, Shape(two_points=True), prepare=lambda plant: found.extend(plant.devices))
    return found


def test_devices_as_they_were_read_are_isolated_and_the_record_says_so() -> None:
    ended = after_a_dry_run({})
    since = [one.data for one in ended.claims.records if one.kind == "configuration.since"]
    assert [one["dry_run"] for one in since] == ["dry-run-1"] * 2
    assert all(not one.get("differs") for one in since)
    assert not ended.claims.refused
    assert not ended.violations


@pytest.mark.parametrize("which", [0, 1, None])
def test_every_device_that_drifted_is_named_and_nothing_is_armed(which: int | None) -> None:
    names = devices() if which is None else [devices()[which]]
    ended = after_a_dry_run(dict.fromkeys(names, "rule of a colleague"))
    assert ended.claims.refused
    kinds = {one.kind for one in ended.claims.records}
    assert not {"arm.intent", "isolate.intent"} & kinds
    found = [
        one.data["sentence"]
        for one in ended.claims.records
        if one.kind == "preflight.finding" and one.data["code"] == "configuration-drifted"
    ]
    assert [sentence.partition(":")[0] for sentence in found] == names
    assert all("not what dry run dry-run-1 read (+ rule of a colleague" in sentence for sentence in found)
    assert ended.why == found[0]
    written = {Path(path).name for path in ended.plant.disk.replaced}
    assert {f"{name}.running.drift.txt" for name in names} <= written


def test_a_reading_that_is_lost_refuses() -> None:
    ended = after_a_dry_run({}, saved=None)
    assert ended.claims.refused
    assert "what dry run dry-run-1 read of its saved configuration is not there any more" in ended.why
