"""The state of an emulated FortiOS device, and what it makes of packets and of time; fortios.py says from which documents it was written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from ipaddress import ip_network

from islandmode.core.recipe.words import read_moment
from tests.emulators.clock import DeviceClock
from tests.emulators.device import Account, Device
from tests.emulators.fortios_tables import MOMENT, Table, Values, factory_tables
from tests.emulators.network import Address, Family, Packet, Zone, packets
from tests.emulators.spans import Span, Timed

ONETIME = "firewall schedule onetime"


@dataclass(frozen=True)
class Transaction:
    """A batch of changes that another session has open in workspace mode: the table and entry of each object that it edits."""

    edits: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, eq=False)
class OpenConnection:
    """A connection that was let through, as the firewall keeps it: by where it came in and where it went out."""

    inward: str
    outward: str
    family: Family


class FortiState(Device):
    """A firewall. What a site has besides the denies is entered with `enter`, as at the command line."""

    serial_form = "FGTEMULATED000"

    def __init__(
        self,
        name: str,
        clock: DeviceClock,
        zones: Mapping[str, Zone],
        accounts: Mapping[str, Account] | None = None,
        *,
        version: str = "7.6.4",
        pages: bool = False,
    ) -> None:
        super().__init__(name, clock, zones, accounts)
        self.version = version
        self.tables = factory_tables(dict.fromkeys(found for zone in zones.values() for found in zone.interfaces))
        self.tables["system global"].entries[""]["hostname"] = (name,)
        if not pages:
            self.tables["system console"].entries[""]["output"] = ("standard",)
        self.schedules: dict[str, Timed] = {}
        self.connections: list[OpenConnection] = []
        self.transactions: list[Transaction] = []
        self.locks_at = "edit"
        """The word at which an object that is locked is refused: `edit`, or `end`; which of them it is was not found."""
        self.pair = "standalone"
        """What `get system ha status` says of the pair's step; `out-of-sync` among others."""
        self.ha_mode = "standalone"
        """What `get system status` says of its role, such as `a-p, primary`."""
        self.members: list[FortiState] = [self]
        """The members of its cluster that it hears, itself among them."""

    @property
    def hostname(self) -> str:
        """The name that prompts show."""
        return self.tables["system global"].value("", "hostname")[0]

    def enter(self, lines: Iterable[str]) -> None:
        """Enter lines as a person at the console does: not in the log, and none may be refused."""
        session = self.new_session(0, "console")
        for line in lines:
            said = session.answer(line)
            if "fail" in said or "error" in said:
                raise AssertionError(f"{line}: {said}")

    # What a test asks and does.

    def connect(self, source: str, target: str, family: Family = 4) -> OpenConnection:
        """Open a connection from a zone to another, which must pass."""
        with self.lock:
            self.settle()
            packet = packets(self.zones, source, target, family)[0]
            if packet.outward is None or not self.lets_through(packet):
                raise AssertionError(f"{packet} does not pass")
            opened = OpenConnection(packet.inward, packet.outward, family)
            self.connections.append(opened)
            return opened

    def goes_on(self, connection: OpenConnection) -> bool:
        """Tell whether the packets of an open connection still pass, in both directions."""
        with self.lock:
            self.settle()
            return connection in self.connections

    def reached_from(self, source: str, family: Family = 4) -> bool:
        """Tell whether the device itself can be reached from a zone."""
        with self.lock:
            self.settle()
            zone = self.zones[source]
            target = next(iter(zone.hosts(family)))
            return any(
                self.lets_through(Packet(inward, None, host, target))
                for inward in zone.interfaces
                for host in zone.hosts(family)
            )

    def is_locked(self, path: str, key: str) -> bool:
        """Tell whether somebody edits an object in workspace mode."""
        return any((path, key) in found.edits for found in self.transactions)

    def form_cluster(self, other: FortiState) -> None:
        """Take another firewall in, as FGCP does: it takes over all that was entered here, and whatever one is told the other has too.

        That a change on the secondary comes to the primary too is a guess, and so is how long either takes: both come at once here.
        """
        other.tables, other.schedules, other.connections = self.tables, self.schedules, self.connections
        other.lock = self.lock
        other.serials = [f"{other.serial_form}3"]
        self.members = other.members = [self, other]
        self.ha_mode, other.ha_mode = "a-p, primary", "a-p, secondary"
        self.pair = other.pair = "in-sync"

    def hand_over(self) -> None:
        """Have the cluster fail over: primary and secondary change their roles."""
        for member in self.members:
            member.ha_mode = "a-p, secondary" if member.ha_mode == "a-p, primary" else "a-p, primary"

    # What it does.

    def settle(self) -> None:
        """Nothing comes due but what schedules say, which is looked at with each packet."""

    def kept(self, table: Table, key: str) -> None:
        """An entry was written: a schedule acts by it from now on, or somewhat later."""
        if table.path == ONETIME:
            values = table.entries[key]
            starts, ends = (read_moment(MOMENT, " ".join(values[name])) for name in ("start", "end"))
            self.schedules.setdefault(key, Timed()).write(Span(starts, ends), self.clock)
        elif table.path == "system admin":
            (profile,) = table.value(key, "accprofile")
            groups = self.tables["system accprofile"].value(profile, "fwgrp")
            parts = self.tables["system accprofile fwgrp-permission"].value("", "schedule")
            may = "read-write" in {*groups, *(parts if groups == ("custom",) else ())}
            self.accounts[key] = Account(" ".join(table.value(key, "password")), may_configure=may)
            self.public_keys[key] = " ".join(table.value(key, "ssh-public-key1"))
        elif table.path == "system ntp":
            self.clock.is_kept = table.value("", "ntpsync") == ("enable",)

    def gone(self, table: Table, key: str) -> None:
        """An entry was deleted."""
        if table.path == ONETIME:
            self.schedules.pop(key, None)

    def is_active(self, schedule: str) -> bool:
        """Tell whether a schedule is in force."""
        found = self.schedules.get(schedule)
        return found is None or found.in_force(self.clock, self.faults)

    def lets_through(self, packet: Packet) -> bool:
        """Ask the policies in their order; nothing passes that no policy lets, and everything reaches the device that none denies."""
        if packet.outward is None:
            table = self.tables["firewall local-in-policy" + ("6" if packet.family == 6 else "")]
            action = self._first(table, packet, {"intf": packet.inward}, "")
            return action != "deny"
        interfaces = {"srcintf": packet.inward, "dstintf": packet.outward}
        return (
            self._first(self.tables["firewall policy"], packet, interfaces, "6" if packet.family == 6 else "")
            == "accept"
        )

    def _first(self, table: Table, packet: Packet, interfaces: Mapping[str, str], suffix: str) -> str | None:
        """Give the action of the first policy that is about a packet and in force."""
        for key, values in table.entries.items():
            if table.value(key, "status")[0] == "disable" or not self.is_active(table.value(key, "schedule")[0]):
                continue
            meets = all({name, "any"} & set(values[field]) for field, name in interfaces.items())
            ends = {f"srcaddr{suffix}": packet.source, f"dstaddr{suffix}": packet.target}
            if meets and all(self._among(values, field, address, packet.family) for field, address in ends.items()):
                return table.value(key, "action")[0]
        return None

    def _among(self, values: Values, field: str, address: Address, family: Family) -> bool:
        table = self.tables["firewall address" + ("6" if family == 6 else "")]
        name = "ip6" if family == 6 else "subnet"
        return any(
            address in ip_network("/".join(table.value(key, name)), strict=False)
            for key in values.get(field, ())
            if key in table.entries
        )

    def restarted(self) -> None:
        """All that was entered is saved with each `end`; open connections are not kept."""
        self.connections.clear()
        self.transactions.clear()

    def configuration(self) -> str:
        """The whole configuration."""
        with self.lock:
            return "".join(self.shown(path) for path, table in self.tables.items() if not table.is_within)

    def shown(self, path: str, key: str | None = None) -> str:
        """Write a table, or one entry of it, as `show` does."""
        table = self.tables[path]
        hidden = ("end",) if self.faults.hides_timer and path == ONETIME else ()
        lines = [line for entry in table.entries if key in {None, entry} for line in table.block(entry, hidden)]
        return f"config {path}\n" + "".join(f"    {line}\n" for line in lines) + "end\n"
