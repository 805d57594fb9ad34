"""An isolation point of a dry run: it can be looked at, and whatever would change its device raises."""

from __future__ import annotations

from typing import Any, NoReturn, cast

from islandmode.isolation.point import IsolationPoint

LOOKS = frozenset(
    {"name", "capabilities", "late_until_us", "facts", "state", "ready", "try_login", "close"}
    | {"configuration", "rights", "role", "sync"}
    | {"asked", "tells", "confirm", "withdraw"}
)
"""What may be asked of a point: all of `isolation.point` that only looks, or that only speaks with a person."""


class NotInDryRun(RuntimeError):
    """Somebody asked for a change in a dry run; a fault of this program."""


class _ReadOnly:
    """Passes on what only looks."""

    def __init__(self, point: IsolationPoint) -> None:
        self._point = point

    def __getattr__(self, name: str) -> Any:
        if name in LOOKS:
            return getattr(self._point, name)

        def refuse(*_: object, **__: object) -> NoReturn:
            raise NotInDryRun(f"{name} was asked for in a dry run")

        return refuse


def read_only(point: IsolationPoint) -> IsolationPoint:
    """Give a point of which nothing can be asked that changes its device."""
    return cast("IsolationPoint", _ReadOnly(point))
