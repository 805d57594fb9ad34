"""An other way: a path round a conduit that no isolation point of the conduit stands on."""

from __future__ import annotations

from pydantic import Field

from islandmode.core.frozen import Frozen
from islandmode.core.quantities import Name, Words


class OtherWay(Frozen):
    """A way round a conduit: a modem on a skid, a second link, a carrier's network.

    While that conduit is isolated, nothing may pass by this way either. A drill isolates nothing on it.
    """

    round: Name = Field(
        description="The conduit that it leads round. While a drill isolates that conduit, nothing may pass by this way either.",
        examples=["remote-access"],
    )
    between: tuple[Name, Name] | None = Field(
        default=None,
        description="The two zones that it joins, the outer, less trusted zone first; left out where these are the conduit's own.",
        examples=[["carrier", "line3"]],
    )
    what: Words = Field(
        description="What it is, and where: it stands in the plan and in the report.",
        examples=["cellular modem on the filler"],
    )
    owner: Words = Field(description="Who answers for it.", examples=["Line 3 maintenance"])
