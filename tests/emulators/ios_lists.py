"""Access lists of IOS: lines with numbers, as they are written and shown, and which packets they meet."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network, IPv6Network, ip_address, ip_network

from tests.emulators.network import Address, Family, Network, Packet

STEP, MOST = 10, 2147483647
PROTOCOLS = ("tcp", "udp", "icmp", "ospf", "eigrp", "esp", "gre", "pim")
PORTS = ("eq", "neq", "gt", "lt")
FLAGS = ("log", "log-input", "fragments", "established")


class SyntaxTrouble(Exception):
    """A line that cannot be read; `word` is the number of the word at which it goes wrong, None where it is too short."""

    def __init__(self, word: int | None) -> None:
        super().__init__(word)
        self.word = word


@dataclass
class Entry:
    """A line of an access list. `matches` is what it has met."""

    number: int
    action: str
    protocol: str
    source: Network
    target: Network
    source_ports: tuple[str, ...] = ()
    ports: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    time_range: str | None = None
    matches: int = 0

    @property
    def rule(self) -> tuple[object, ...]:
        """Everything that it says but its number: by this it is the same as another."""
        ends = self.source, self.source_ports, self.target, self.ports
        return self.action, self.protocol, *ends, self.flags, self.time_range

    def words(self, shown: str = "") -> str:
        """Write it without its number; `shown` is the state of its time range."""
        source, target = (_written(self.source), *self.source_ports), (_written(self.target), *self.ports)
        parts = [self.action, self.protocol, *source, *target, *self.flags]
        if self.time_range is not None:
            parts.append(f"time-range {self.time_range}{shown}")
        return " ".join(parts)

    def meets(self, packet: Packet) -> bool:
        """Tell whether it is about a packet."""
        if packet.source not in self.source or packet.target not in self.target:
            return False
        if self.protocol not in {"ip", "ipv6", packet.protocol} or "fragments" in self.flags:
            return False
        # A new connection has none of the flags for which `established` looks.
        ports = ((self.source_ports, packet.source_port), (self.ports, packet.port))
        return "established" not in self.flags and all(not told or _port(told, port) for told, port in ports)


@dataclass
class AccessList:
    """An access list by name."""

    name: str
    family: Family
    entries: list[Entry] = field(default_factory=list)

    def add(self, entry: Entry) -> str:
        """Add a line, and give what is said: nothing where it is there already, whatever its number."""
        if any(entry.rule == other.rule for other in self.entries):
            return ""
        if any(entry.number == other.number for other in self.entries):
            return "%Duplicate sequence number\n" if self.family == 4 else "% Duplicate sequence number\n"
        self.entries.append(entry)
        self.entries.sort(key=lambda other: other.number)
        return ""

    def next_number(self) -> int:
        """Give the number of a line that has none."""
        return self.entries[-1].number + STEP if self.entries else STEP

    def remove(self, entry: Entry | int) -> bool:
        """Remove a line by its number or by what it says."""
        before = len(self.entries)
        self.entries = [
            other
            for other in self.entries
            if (other.number != entry if isinstance(entry, int) else other.rule != entry.rule)
        ]
        return len(self.entries) < before

    def resequence(self, first: int, step: int) -> None:
        """Number the lines anew."""
        for place, entry in enumerate(self.entries):
            entry.number = first + place * step

    def meeting(self, packet: Packet, is_active: Callable[[str], bool]) -> Entry | None:
        """Give the first line that is about a packet; a line whose time range is over is as if it were not there."""
        return next(
            (
                entry
                for entry in self.entries
                if (entry.time_range is None or is_active(entry.time_range)) and entry.meets(packet)
            ),
            None,
        )

    def lets_through(self, packet: Packet, is_active: Callable[[str], bool]) -> bool:
        """Tell whether a packet passes: all do where there is no line, and none that no line is about."""
        if not self.entries:
            return True
        entry = self.meeting(packet, is_active)
        return entry is not None and entry.action == "permit"

    def configuration(self) -> str:
        """Write it as the running configuration has it."""
        if self.family == 4:
            head = f"ip access-list extended {self.name}\n"
            return head + "".join(f" {entry.number} {entry.words()}\n" for entry in self.entries)
        head = f"ipv6 access-list {self.name}\n"
        return head + "".join(f" sequence {entry.number} {entry.words()}\n" for entry in self.entries)


def read_entry(words: list[str], family: Family, number: int) -> Entry:
    """Read a line from its action on; raises `SyntaxTrouble`."""
    reader = _Reader(words, family)
    action, protocol, source, source_ports = reader.action(), reader.protocol(), reader.network(), reader.ports()
    entry = Entry(number, action, protocol, source, reader.network(), source_ports, reader.ports())
    reader.options(entry)
    return entry


class _Reader:
    """Reads the words of a line, one after the other."""

    def __init__(self, words: list[str], family: Family) -> None:
        self._words = words
        self._family: Family = family
        self._at = 0

    def _take(self) -> str:
        if self._at >= len(self._words):
            raise SyntaxTrouble(None)
        self._at += 1
        return self._words[self._at - 1]

    def _wrong(self) -> SyntaxTrouble:
        return SyntaxTrouble(self._at - 1)

    def action(self) -> str:
        word = self._take()
        if word not in {"permit", "deny"}:
            raise self._wrong()
        return word

    def protocol(self) -> str:
        word = self._take()
        if word not in {"ip" if self._family == 4 else "ipv6", *PROTOCOLS} and not word.isdigit():
            raise self._wrong()
        return word

    def network(self) -> Network:
        word = self._take()
        try:
            if word == "any":
                return ip_network("0.0.0.0/0" if self._family == 4 else "::/0")
            if word == "host":
                return self._of_family(ip_network(self._take()))
            if self._family == 6:
                return self._of_family(ip_network(word))
            return _with_wildcard(IPv4Address(word), IPv4Address(self._take()))
        except ValueError:
            raise self._wrong() from None

    def _of_family(self, network: Network) -> Network:
        if network.version != self._family:
            raise self._wrong()
        return network

    def ports(self) -> tuple[str, ...]:
        if self._at < len(self._words) and self._words[self._at] in PORTS:
            return self._take(), self._take()
        return ()

    def options(self, entry: Entry) -> None:
        while self._at < len(self._words):
            word = self._take()
            if word in FLAGS:
                entry.flags += (word,)
            elif word == "time-range":
                entry.time_range = self._take()
            elif word == "sequence" and self._family == 6 and self._words[self._at : self._at + 1]:
                entry.number = number_of(self._take())
            else:
                raise self._wrong()


def number_of(word: str) -> int:
    """Read the number of a line; raises `SyntaxTrouble`."""
    if not word.isdigit() or not 0 < int(word) <= MOST:
        raise SyntaxTrouble(0)
    return int(word)


def _with_wildcard(address: IPv4Address, wildcard: IPv4Address) -> IPv4Network:
    """Read a network by its wildcard; a wildcard with gaps is not read."""
    network = ip_network(f"{address}/{IPv4Address(int(wildcard) ^ 0xFFFFFFFF)}", strict=False)
    if not isinstance(network, IPv4Network) or network.hostmask != wildcard:
        raise ValueError(wildcard)
    return network


def _written(network: Network) -> str:
    if network.prefixlen == 0:
        return "any"
    if network.prefixlen == network.max_prefixlen:
        return f"host {_address(network.network_address)}"
    if isinstance(network, IPv6Network):
        return f"{_address(network.network_address)}/{network.prefixlen}"
    return f"{network.network_address} {network.hostmask}"


def _address(address: Address) -> str:
    return str(ip_address(address)).upper()


def _port(ports: tuple[str, ...], port: int) -> bool:
    how, number = ports[0], ports[1]
    if not number.isdigit():
        return False
    wanted = int(number)
    return {"eq": port == wanted, "neq": port != wanted, "gt": port > wanted, "lt": port < wanted}[how]
