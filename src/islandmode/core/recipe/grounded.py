"""What everything that a recipe says of a device has: where it is from, and how sure that is."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from islandmode.core.frozen import Frozen
from islandmode.core.quantities import KEY_PATTERN, Words

LINE_MAX = 250
PATTERN_MAX = 250

Confidence = Literal["seen", "documented", "unchecked"]
Sent = Annotated[str, StringConstraints(min_length=1, max_length=LINE_MAX)]
"""A line of a device's command line."""
Pattern = Annotated[str, StringConstraints(min_length=1, max_length=PATTERN_MAX)]
"""A regular expression, found anywhere in an answer; capitals and small letters are the same, ^ and $ are ends of lines."""
Key = Annotated[str, StringConstraints(pattern=KEY_PATTERN)]


class Source(Frozen):
    """Where something about the device is written."""

    what: Words = Field(
        description="Title of a document, or what was looked at.", examples=["FortiOS 7.4 CLI reference"]
    )
    url: str = Field(default="", description="Where it is found.", examples=["https://docs.fortinet.com/"])


class Grounded(Frozen):
    """Something said of a device, with where it is from and how sure it is."""

    source: Key | None = Field(
        default=None, description="Key of the source that says so; needed unless it is `unchecked`.", examples=["cli"]
    )
    confidence: Confidence = Field(
        description="`seen` in a program's source or in an output of the device, `documented` by the vendor, or `unchecked`: from "
        "experience, and to be benched.",
        examples=["documented"],
    )
