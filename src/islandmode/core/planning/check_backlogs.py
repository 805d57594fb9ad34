"""Checks of a drill's backlogs: each must be a number that is heard from the operations host. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from islandmode.core.drill import Drill
from islandmode.core.planning.paths import HERE, is_far
from islandmode.core.probe import BITS, REACH, ModbusProbe, Probe
from islandmode.core.problem import Problem, unknown


def backlog_names(drill: Drill, probes: Collection[str]) -> Iterator[Problem]:
    """Find backlogs that no pack has, or whose probe the drill lists a second time."""
    names = [backlog.probe for backlog in drill.backlogs]
    locks = [lock.probe for lock in drill.interlocks]
    for index, name in enumerate(names):
        path = ("backlogs", index, "probe")
        if name not in probes:
            yield unknown("drill", path, "probe", name, probes)
        elif name in (*drill.continuity, *drill.severed, *locks, *names[:index]):
            sentence = f"Probe {name} is listed twice, once under backlogs; give the backlog a probe of its own."
            yield Problem("drill", path, sentence)


def backlog_problems(drill: Drill, probes: Mapping[str, Probe]) -> Iterator[Problem]:
    """Find backlogs that show no number; all names must be known."""
    for index, backlog in enumerate(drill.backlogs):
        probe = probes[backlog.probe]
        for sentence in _unfit(backlog.probe, probe):
            yield Problem("drill", ("backlogs", index, "probe"), sentence)
        if isinstance(probe, ModbusProbe):
            lowest, highest = (0, 1) if probe.table in BITS else REACH[probe.register_type]
            if not lowest <= backlog.at_most <= highest:
                sentence = f'"at_most" must be a whole number from {lowest} to {highest}, which is what {backlog.probe} can read; found {backlog.at_most}.'
                yield Problem("drill", ("backlogs", index, "at_most"), sentence)


def _unfit(name: str, probe: Probe) -> Iterator[str]:
    if not isinstance(probe, ModbusProbe):
        yield f"Backlog {name} must be a Modbus probe, which reads one number; its kind is {probe.kind}."
    elif probe.changes_within is not None or probe.minimum is not None or probe.maximum is not None:
        yield f"Backlog {name} has changes_within, a minimum or a maximum of its own, and the drill says its level; give the backlog a probe without them."
    if is_far(probe.vantage):
        yield f'Backlog {name} asks from vantage "{probe.vantage}", of which nothing is heard while the run goes on; use a probe from vantage "{HERE}".'


def as_backlog(drill: Drill, name: str, probe: Probe) -> Probe:
    """Give a probe as the drill asks it: one of a backlog is good while it reads no more than its level."""
    level = next((backlog.at_most for backlog in drill.backlogs if backlog.probe == name), None)
    return probe if level is None else probe.model_copy(update={"maximum": level})
