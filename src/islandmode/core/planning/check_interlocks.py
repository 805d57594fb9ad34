"""Checks of a drill's interlocks: each must be able to show what the drill's plant state needs, and be heard in the holds. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from islandmode.core.drill import Drill
from islandmode.core.planning.paths import HERE, is_far
from islandmode.core.plant_state import Interlock
from islandmode.core.probe import BITS, REACH, ModbusProbe, Probe
from islandmode.core.problem import Problem


def interlock_problems(drill: Drill, probes: Mapping[str, Probe]) -> Iterator[Problem]:
    """Find interlocks that show nothing in this drill; all names must be known."""
    state = drill.plant_state
    for index, interlock in enumerate(drill.interlocks):
        path = ("interlocks", index)
        probe = probes[interlock.probe]
        if interlock.must_read(state) is None:
            sentence = (
                f"Interlock {interlock.probe} says nothing of plant_state {state}; add {state}: what it must read then, or take the "
                "interlock out."
            )
            yield Problem("drill", path, sentence)
        yield from (Problem("drill", (*path, "probe"), sentence) for sentence in _unfit(interlock, probe))
        if isinstance(probe, ModbusProbe):
            yield from _unreadable(interlock, index, probe)
    if drill.is_idle and not any(interlock.tells_the_state for interlock in drill.interlocks):
        sentence = (
            "plant_state idle needs an interlock that reads otherwise in a plant that runs (running: 1, idle: 0), or nothing would show that "
            "production is not running; add one under interlocks."
        )
        yield Problem("drill", ("plant_state",), sentence)


def _unfit(interlock: Interlock, probe: Probe) -> Iterator[str]:
    if not isinstance(probe, ModbusProbe):
        yield f"Interlock {interlock.probe} must be a Modbus probe, which reads one number; its kind is {probe.kind}."
    elif probe.changes_within is not None:
        yield f"Interlock {interlock.probe} must read one value and changes_within wants a new one; give the interlock a probe without it."
    elif probe.minimum is not None or probe.maximum is not None:
        yield (
            f"Interlock {interlock.probe} has a minimum or a maximum of its own, and the drill says what it must read; give the interlock a probe "
            "without them."
        )
    if is_far(probe.vantage):
        yield (
            f'Interlock {interlock.probe} asks from vantage "{probe.vantage}", of which nothing is heard while the plant is isolated; use a probe '
            f'from vantage "{HERE}".'
        )


def _unreadable(interlock: Interlock, index: int, probe: ModbusProbe) -> Iterator[Problem]:
    lowest, highest = (0, 1) if probe.table in BITS else REACH[probe.register_type]
    for key, value in (("running", interlock.running), ("idle", interlock.idle)):
        if value is not None and not lowest <= value <= highest:
            sentence = f'"{key}" must be a whole number from {lowest} to {highest}, which is what {interlock.probe} can read; found {value}.'
            yield Problem("drill", ("interlocks", index, key), sentence)


def as_interlock(drill: Drill, name: str, probe: Probe) -> Probe:
    """Give a probe as the drill asks it: one of an interlock is good while it reads what the plant state needs, and nothing else."""
    value = next((lock.must_read(drill.plant_state) for lock in drill.interlocks if lock.probe == name), None)
    return probe if value is None else probe.model_copy(update={"minimum": value, "maximum": value})
