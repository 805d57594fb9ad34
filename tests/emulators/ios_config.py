"""The configuration of an emulated IOS device, as values and as the text that it shows; a copy of it is what a timer brings back."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from datetime import datetime

from islandmode.core.recipe.words import write_moment
from tests.emulators.ios_lists import AccessList
from tests.emulators.network import Family
from tests.emulators.spans import Timed

TOLD = "%H:%M %d %B %Y"
EARLIEST, LATEST = datetime.fromisoformat("1993-01-01T00:00"), datetime.fromisoformat("2035-12-31T23:59")


@dataclass
class TimeRange(Timed):
    """A time range, with its one absolute part."""

    name: str = ""

    def words(self) -> str:
        """Write the absolute part as the device does: two digits for the day."""
        if self.span is None:
            return ""
        parts = [
            f"{name} {write_moment(TOLD, moment)}"
            for name, moment in (("start", self.span.starts), ("end", self.span.ends))
            if moment is not None
        ]
        return " ".join(["absolute", *parts])


@dataclass
class Interface:
    """An interface: the lists that are bound to it, by family and way, and whatever else stands there."""

    name: str
    lists: dict[tuple[Family, str], str] = field(default_factory=dict)
    others: list[str] = field(default_factory=list)

    def configuration(self) -> str:
        """Write it."""
        words = {4: "ip access-group {} {}", 6: "ipv6 traffic-filter {} {}"}
        bound = [words[family].format(name, way) for (family, way), name in sorted(self.lists.items())]
        return f"interface {self.name}\n" + "".join(f" {line}\n" for line in (*self.others, *bound))


@dataclass
class IosConfig:
    """A whole configuration."""

    hostname: str
    version: str = "17.15"
    archive_path: str | None = None
    interfaces: dict[str, Interface] = field(default_factory=dict)
    lists: dict[tuple[Family, str], AccessList] = field(default_factory=dict)
    time_ranges: dict[str, TimeRange] = field(default_factory=dict)
    others: list[str] = field(default_factory=list)
    """Lines that mean nothing to the emulator, such as what a colleague enters."""

    def copy(self) -> IosConfig:
        """Copy all of it."""
        return copy.deepcopy(self)

    def text(self) -> str:
        """Write it, from its version on."""
        parts = [f"version {self.version}\n", f"hostname {self.hostname}\n"]
        if self.archive_path is not None:
            parts.append(f"archive\n path {self.archive_path}\n")
        parts += [interface.configuration() for interface in self.interfaces.values()]
        parts += ["".join(f"{line}\n" for line in self.others)] if self.others else []
        parts += [listed.configuration() for listed in self.lists.values()]
        parts += [
            f"time-range {found.name}\n" + (f" {found.words()}\n" if found.span else "")
            for found in self.time_ranges.values()
        ]
        return "!\n".join([*parts, "end\n"])
