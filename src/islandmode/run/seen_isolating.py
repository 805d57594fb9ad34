"""Which conduits a device was read back to isolate."""

from __future__ import annotations

from islandmode.isolation.point import PointState


def isolates_all(state: PointState | None, conduits: tuple[str, ...]) -> bool:
    """Tell whether a device shows all of some conduits isolated."""
    return state is not None and isolating_of(state, conduits) == conduits


def isolating_of(state: PointState, conduits: tuple[str, ...]) -> tuple[str, ...]:
    """Give those of some conduits that a device shows isolated."""
    return tuple(
        name
        for name in conduits
        if name in state.conduits and state.conduits[name].stands and state.conduits[name].isolating
    )


def not_isolated_told(state: PointState | None, conduits: tuple[str, ...]) -> str:
    """Name the conduits that a device does not show isolated, and after them those that it does."""
    there = isolating_of(state, conduits) if state is not None else ()
    missing = ", ".join(name for name in conduits if name not in there)
    return f"{missing}, and isolates {', '.join(there)}" if there and missing else ", ".join(conduits)
