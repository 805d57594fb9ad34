"""What every record of a journal is made of: a model that is strict when it is written, and tolerant when it is read. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, InstanceOf

from islandmode.core.record import plain

StopBy = Literal[
    "signal",
    "abort_when",
    "flying_blind",
    "dead_man",
    "isolate",
    "internal",
    "guardian",
    "abort",
    "window",
    "lock_out",
    "person",
    "return",
    "word",
]
"""What stops a drill before its plan is complete."""
Outcome = Literal["done", "not done", "unknown"]
When = Literal["before", "after"]
HandAct = Literal["be there", "isolate", "restore"]
"""What a person is asked for at a device that is isolated by hand."""
Text = InstanceOf[str]
"""Words that a device, a host or a person may have said: not all of them are text that could be encoded."""
_READING = "reading"
FOREIGN: Mapping[str, Any] = {_READING: True}


class Entry(BaseModel):
    """What a record says, beside who wrote it and when."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)
    record_kind: ClassVar[str]

    def data(self) -> dict[str, Any]:
        """Give what was said as JSON values, in the order of the fields."""
        given = self.model_fields_set
        return {name: plain(getattr(self, name)) for name in type(self).model_fields if name in given}


class OfPoint(Entry):
    """A record of one isolation point."""

    point: str


class OfConduits(OfPoint):
    """A record of some conduits on one isolation point."""

    conduits: tuple[str, ...]
