"""The life of a run: which phase may follow which. All of it is in this one table.

It keeps two rules, and tests walk the table to show them: wherever something may be isolated, restore is one legal
step away; and nothing reaches FINISHED without restoration having been seen, once anything was armed.
"""

from __future__ import annotations

from enum import StrEnum


class Phase(StrEnum):
    """Where a run stands."""

    PLANNED = "planned"
    PREFLIGHT = "preflight"
    BASELINE = "baseline"
    ARMED = "armed"
    ISOLATING = "isolating"
    HOLDING = "holding"
    RETURNING = "returning"
    RESTORING = "restoring"
    STRANDED = "stranded"
    RESTORED = "restored"
    COLLECTED = "collected"
    FINISHED = "finished"


class Event(StrEnum):
    """What moves a run from one phase to another."""

    PREFLIGHT_STARTED = "preflight started"
    BASELINE_STARTED = "baseline started"
    ARMING_STARTED = "arming started"
    ISOLATE_STARTED = "isolate started"
    STAGE_ISOLATED = "stage isolated"
    RETURN_STARTED = "return started"
    RESTORE_STARTED = "restore started"
    RESTORE_SEEN = "restore seen"
    RESTORE_UNSEEN = "restore unseen"
    COLLECT_STARTED = "collect started"
    FINISHED = "finished"


class IllegalMove(Exception):
    """An event that may not happen in this phase; nothing was changed."""


MOVES: dict[Phase, dict[Event, Phase]] = {
    Phase.PLANNED: {Event.PREFLIGHT_STARTED: Phase.PREFLIGHT},
    Phase.PREFLIGHT: {Event.BASELINE_STARTED: Phase.BASELINE},
    # From here on an object may stand on a device: ARMED means arming has begun, not that it has succeeded.
    Phase.BASELINE: {Event.ARMING_STARTED: Phase.ARMED},
    Phase.ARMED: {Event.ISOLATE_STARTED: Phase.ISOLATING, Event.RESTORE_STARTED: Phase.RESTORING},
    Phase.ISOLATING: {Event.STAGE_ISOLATED: Phase.HOLDING, Event.RESTORE_STARTED: Phase.RESTORING},
    Phase.HOLDING: {
        Event.ISOLATE_STARTED: Phase.ISOLATING,
        Event.RETURN_STARTED: Phase.RETURNING,
        Event.RESTORE_STARTED: Phase.RESTORING,
    },
    # Some conduits are given back by the drill's order, and others are isolated still; nothing more is isolated.
    Phase.RETURNING: {Event.RETURN_STARTED: Phase.RETURNING, Event.RESTORE_STARTED: Phase.RESTORING},
    Phase.RESTORING: {Event.RESTORE_SEEN: Phase.RESTORED, Event.RESTORE_UNSEEN: Phase.STRANDED},
    Phase.STRANDED: {Event.RESTORE_STARTED: Phase.RESTORING},
    Phase.RESTORED: {Event.COLLECT_STARTED: Phase.COLLECTED},
    Phase.COLLECTED: {Event.FINISHED: Phase.FINISHED},
    Phase.FINISHED: {},
}

MAY_BE_ISOLATED = frozenset(
    {Phase.ARMED, Phase.ISOLATING, Phase.HOLDING, Phase.RETURNING, Phase.RESTORING, Phase.STRANDED}
)
"""Phases in which an Islandmode object may stand on a device."""


def next_phase(phase: Phase, event: Event) -> Phase:
    """Return the phase after an event; raises `IllegalMove` and changes nothing when the table has no such move."""
    try:
        return MOVES[phase][event]
    except KeyError:
        raise IllegalMove(f"{event.value} is not possible while {phase.value}") from None
