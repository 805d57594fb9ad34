"""The state of an emulated IOS device, and what it makes of packets and of time; ios.py says from which documents it was written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from tests.emulators.clock import DeviceClock
from tests.emulators.device import Account, CliSession, Device
from tests.emulators.ios_config import Interface, IosConfig
from tests.emulators.ios_lists import AccessList
from tests.emulators.network import Family, Packet, Zone


@dataclass(frozen=True)
class RevertTimer:
    """A change that waits to be confirmed, and what comes back if it is not."""

    minutes: int
    user: str
    told: datetime
    due_up_s: float
    before: IosConfig


@dataclass
class ConfigLock:
    """The session that alone may configure. `holder` is None where no test types into it."""

    user: str
    line: int
    holder: CliSession | None = None
    by: str = "configure terminal lock"


class IosState(Device):
    """A router. Its access lists are bound by `bind`; everything else is entered as it would be at the command line."""

    serial_form = "FDOEMULATED"

    def __init__(
        self,
        name: str,
        clock: DeviceClock,
        zones: Mapping[str, Zone],
        accounts: Mapping[str, Account] | None = None,
        *,
        enable_secret: str | None = None,
        archive: bool = True,
        keeps_numbers: bool = True,
    ) -> None:
        super().__init__(name, clock, zones, accounts)
        self.running = IosConfig(name, archive_path="flash:drill-arch" if archive else None)
        for interface in dict.fromkeys(found for zone in zones.values() for found in zone.interfaces):
            self.running.interfaces[interface] = Interface(interface)
        self.startup: IosConfig | None = self.running.copy()
        self.timer: RevertTimer | None = None
        self.enable_secret = enable_secret
        self.keeps_numbers = keeps_numbers
        self.time_zone = "CET"
        self.changed = clock.local
        self.changed_by = "console"
        self.hsrp: list[str] = []
        """What `show standby brief` says of its groups, such as `Active` or `Standby`."""
        self.config_lock: ConfigLock | None = None
        self.is_exclusive = False
        """Whether each session that configures locks the configuration: `configuration mode exclusive auto`."""
        self.says_lock_as_before_xe = False
        """Whether a refusal is worded as releases before IOS-XE have it."""

    def bind(self, interface: str, lists: Mapping[tuple[Family, str], str]) -> None:
        """Bind access lists to an interface, with a line that lets everything pass, and save."""
        for (family, way), name in lists.items():
            self.running.interfaces[interface].lists[family, way] = name
            self.running.lists.setdefault((family, name), AccessList(name, family))
        self.enter(
            line
            for (family, _), name in lists.items()
            for line in (
                ("ip access-list extended " if family == 4 else "ipv6 access-list ") + name,
                "1000 permit ip any any" if family == 4 else "permit ipv6 any any sequence 1000",
            )
        )
        self.save()

    def enter(self, lines: Iterable[str]) -> None:
        """Enter configuring lines as a person at the console does: not in the log, and none may be refused."""
        session = self.new_session(0, "console")
        for line in ("configure terminal", *lines, "end"):
            said = session.answer(line)
            if "%" in said:
                raise AssertionError(f"{line}: {said}")

    def save(self) -> None:
        """Make what runs what a restart loads."""
        with self.lock:
            self.startup = self.running.copy()

    def is_active(self, name: str) -> bool:
        """Tell whether a time range is in force; one that does not exist is."""
        found = self.running.time_ranges.get(name)
        return found is None or found.in_force(self.clock, self.faults)

    # What a device does.

    def settle(self) -> None:
        """Take back what was not confirmed in time."""
        locked = self.config_lock
        if locked is not None and locked.holder is not None and locked.holder.is_over:
            self.config_lock = None
        timer = self.timer
        if timer is not None and timer.due_up_s <= self.clock.up_s:
            self.go_back()

    def go_back(self) -> None:
        """Bring back everything that the timer remembers, also where somebody else changed it since."""
        if self.timer is not None:
            self.running, self.timer = self.timer.before.copy(), None

    def lets_through(self, packet: Packet) -> bool:
        """Ask the lists of both interfaces; what the device itself receives meets the inward one only."""
        return all(listed.lets_through(packet, self.is_active) for listed in self._on_the_way(packet))

    def carry(self, packet: Packet, packets: int = 1) -> bool:
        """Let packets through or not, and count them at the line that they meet."""
        with self.lock:
            self.settle()
            for listed in self._on_the_way(packet):
                entry = listed.meeting(packet, self.is_active)
                if entry is not None:
                    entry.matches += packets
                if not listed.lets_through(packet, self.is_active):
                    return False
            return True

    def _on_the_way(self, packet: Packet) -> list[AccessList]:
        ways = [(packet.inward, "in")] + ([(packet.outward, "out")] if packet.outward is not None else [])
        names = [self.running.interfaces[name].lists.get((packet.family, way)) for name, way in ways]
        found = [self.running.lists.get((packet.family, name)) for name in names if name is not None]
        return [listed for listed in found if listed is not None]

    def restarted(self) -> None:
        """Load what was saved; a timer is forgotten."""
        self.timer, self.config_lock = None, None
        if self.startup is not None:
            self.running = self.startup.copy()
        if not self.keeps_numbers:
            for listed in self.running.lists.values():
                listed.resequence(10, 10)

    def failed_over(self) -> None:
        """Go on with what the other router has: nothing but what is saved is in common."""
        self.restarted()

    def configuration(self) -> str:
        """The running configuration."""
        with self.lock:
            self.settle()
            return self.running.text()
