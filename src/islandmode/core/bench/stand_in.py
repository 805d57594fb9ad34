"""The name that a bench's stand-in has in place of a conduit's. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from islandmode.core.plan import PlanPoint

STAND_IN = "STAND_IN"
"""No conduit has capitals in its name, nor an underscore, so that no object of a drill ever has this name on a device."""

NOT_BY_ITSELF = "{} is not there any more as it was armed: it was taken away, or the device restarted, so that its own end was not seen"
"""What is said of an object, by its name, whose timer did not end it."""


def is_stand_in(planned: PlanPoint) -> bool:
    """Tell whether a point is made for a bench's stand-in."""
    return planned.conduits == (STAND_IN,)
