"""A fake of a Linux firewall: it understands the lines that we write to nft, and nothing else, and keeps a tape of all it is asked.

The driver, its nft channel, the session and the point above it are the product's own. Each look at the clock takes a
millisecond, so that every moment in a reading is the same each time.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import Any

from islandmode.isolation.nftables import firewall_reading
from islandmode.isolation.nftables.point import NftablesPoint, NftAccess, NftSession
from islandmode.isolation.session import DeviceSession
from napalm_nftables.errors import LinkLost
from napalm_nftables.link import Answer
from tests.isolation.nftables.plant import RUN, planned

RECORDED = Path(__file__).parent / "recorded"
UPTIME_S = 1000.25
SITE_RULES = "table inet site { # handle 1\n\tchain forward { # handle 2\n\t}\n}\n"
FACTS = {
    "host": "fw.plant.example",
    "kernel": "6.1.0",
    "uptime": str(UPTIME_S),
    "system": "Debian 12",
    "model": "box",
    "serial": "",
    "version": "nftables v1.0.6",
}
PLAIN = {
    "ip route show table all; ip rule show": "default via 10.0.0.1 dev eth1\n0: from all lookup local\n",
    "ip -6 route show table all; ip -6 rule show": "fe80::/64 dev eth4 expires 17sec\nfd10:40::/64 dev eth4\n",
    "ip -brief address show": "eth4 UP 10.40.0.1/24\neth1 UP 10.10.0.1/24\n",
    "ip -oneline link show": "2: eth1: <UP>\n1: lo: <UP>\n",
}
LOOKS = {
    firewall_reading.LINKS: "links",
    firewall_reading.ADDRESSES: "addresses",
    firewall_reading.ROUTES[4]: "routes-v4",
    firewall_reading.ROUTES[6]: "routes-v6",
    firewall_reading.SOCKETS: "sockets",
    firewall_reading.QDISCS: "qdiscs",
}
_TOKENS = re.compile(r'"[^"]*"|\{[^}]*\}|\S+')
_COMMANDS = re.compile(r"(?:[^;{}]|\{[^}]*\})+")
_NO_SUCH, _EXISTS = "Could not process rule: No such file or directory", "Could not process rule: File exists"


class TickingClock:
    """A clock that goes on by a millisecond each time that it is read."""

    boot_id = "boot"

    def __init__(self) -> None:
        self.now_us = 0

    def monotonic_us(self) -> int:
        """Read the clock."""
        self.now_us += 1000
        return self.now_us

    def utc_us(self) -> int:
        """Read the clock as UTC."""
        return self.now_us

    async def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.now_us += round(seconds * 1_000_000)


def _error(what: str, line: str) -> str:
    return f"Error: {what}\n{line}\n^^^^"


class Refused(Exception):
    """A line that nft does not take, with its word for it."""


@dataclass
class Table:
    """One table: sets of elements with their timeout, chains, rules and counters."""

    sets: dict[str, dict[tuple[str, ...], int | None]] = field(default_factory=dict)
    chains: dict[str, tuple[str, int]] = field(default_factory=dict)
    rules: list[tuple[str, list[str]]] = field(default_factory=list)
    counters: list[str] = field(default_factory=list)


@dataclass
class FakeFirewall:
    """What stands on the device, what its files say, and what goes wrong on it."""

    clock: TickingClock = field(default_factory=TickingClock)
    tables: dict[str, Table] = field(default_factory=dict)
    tape: list[str] = field(default_factory=list)
    saved: str = "table inet site {\n}\n"
    flowtables: tuple[str, ...] = ()
    packets: int = 3
    uptime: str = f"{UPTIME_S} 4.00"
    fails: dict[str, str] = field(default_factory=dict)
    """What a command that contains some words says when it fails."""
    on_line: Callable[[str], str] = lambda line: line
    """Changes a line before it is taken, or does something to the device first."""
    on_ask: Callable[[str], str | None] = lambda _: None
    """Gives an answer of its own to a question."""

    def take(self, line: str) -> str:
        """Let nft take one line, as a whole or not at all; returns what it complains of."""
        before = deepcopy(self.tables)
        try:
            for command in _COMMANDS.findall(self.on_line(line)):
                self._do(command.strip())
        except Refused as refused:
            self.tables = before
            return f"{_error(str(refused), line)}\n"
        return ""

    def _do(self, command: str) -> None:
        verb, what, _inet, name, *rest = _TOKENS.findall(command)
        if what == "table":
            self._table(verb, name)
            return
        if name not in self.tables:
            raise Refused(_NO_SUCH)
        table = self.tables[name]
        if what == "set":
            table.sets[rest[0]] = {}
        elif what == "chain":
            words = rest[1].strip("{ }").split()
            table.chains[rest[0]] = (words[3], int(words[5].rstrip(";")))
        elif what == "rule":
            table.rules.append((rest[0], rest[1:]))
        elif what == "counter":
            self._counter(verb, table, rest[0])
        elif what == "element":
            self._elements(verb, table.sets[rest[0]], rest[1])
        else:
            raise AssertionError(f"the fake does not know {command}")

    def _table(self, verb: str, name: str) -> None:
        if verb == "create" and name in self.tables:
            raise Refused(_EXISTS)
        if verb == "delete":
            if name not in self.tables:
                raise Refused(_NO_SUCH)
            del self.tables[name]
            return
        self.tables.setdefault(name, Table())

    def _counter(self, verb: str, table: Table, name: str) -> None:
        if verb == "delete":
            if name not in table.counters:
                raise Refused(_NO_SUCH)
            table.counters.remove(name)
        else:
            table.counters.append(name)

    def _elements(self, verb: str, there: dict[tuple[str, ...], int | None], said: str) -> None:
        for one in said.strip("{ }").split(", "):
            names, _, timeout = one.partition(" timeout ")
            key = tuple(re.findall(r'"([^"]*)"', names))
            if verb == "delete":
                if key not in there:
                    raise Refused(_NO_SUCH)
                del there[key]
            else:
                there[key] = int(timeout.rstrip("s")) if timeout else None

    def answer(self, question: str) -> str:
        """Let nft answer one question."""
        said = self.on_ask(question)
        if said is not None:
            return said
        if question == "list flowtables":
            rows = (
                [{"flowtable": {"family": "inet", "name": "fast", "dev": list(self.flowtables)}}]
                if self.flowtables
                else []
            )
        elif question == "list tables":
            rows = [{"table": {"family": "inet", "name": name}} for name in ("site", *self.tables)]
        elif question.startswith("list ruleset "):
            rows = []
        else:
            _, what, _, name, *rest = question.split()
            if name not in self.tables:
                return _error("No such file or directory", question)
            rows = self._set(name, rest[0]) if what == "set" else self._listing(name)
        return json.dumps({"nftables": [{"metainfo": {"version": "1.0.6"}}, *rows]})

    def _set(self, table: str, name: str) -> list[dict[str, Any]]:
        elements: list[Any] = []
        for key, timeout in self.tables[table].sets[name].items():
            value: Any = key[0] if len(key) == 1 else {"concat": list(key)}
            timed = {"elem": {"val": value, "timeout": timeout, "expires": timeout}}
            elements.append(value if timeout is None else timed)
        return [{"set": {"name": name, "table": table, **({"elem": elements} if elements else {})}}]

    def _listing(self, name: str) -> list[dict[str, Any]]:
        table = self.tables[name]
        rows: list[dict[str, Any]] = [{"table": {"family": "inet", "name": name}}]
        rows += [{"counter": {"name": one, "packets": 0}} for one in table.counters]
        rows += [row for one in table.sets for row in self._set(name, one)]
        rows += [
            {"chain": {"name": chain, "hook": hook, "prio": priority}}
            for chain, (hook, priority) in table.chains.items()
        ]
        return [*rows, *({"rule": _rule(chain, words, self.packets)} for chain, words in table.rules)]


def _rule(chain: str, words: list[str], packets: int) -> dict[str, Any]:
    """Write a rule as nft writes it back."""
    left, about = list(words), {}
    expressions: list[dict[str, Any]] = []
    while left:
        word = left.pop(0)
        if word == "counter":
            expressions.append({"counter": {"packets": packets, "bytes": 100 * packets}})
        elif word in ("accept", "drop"):
            expressions.append({word: None})
        elif word == "comment":
            about["comment"] = left.pop(0).strip('"')
        else:
            expressions.append({"match": _match(word, left)})
    return {"chain": chain, **about, "expr": expressions}


def _match(word: str, left: list[str]) -> dict[str, Any]:
    key: dict[str, Any]
    if word in ("ip", "ip6", "icmpv6"):
        key = {"payload": {"protocol": word, "field": left.pop(0)}}
    else:
        key = {"meta": {"key": left.pop(0) if word == "meta" else word}}
    if left[0] == ".":
        del left[0]
        key = {"concat": [key, {"meta": {"key": left.pop(0)}}]}
    operator = left.pop(0) if left[0] == "!=" else "=="
    value = left.pop(0)
    listed = [one.strip(' "') for one in value.strip("{}").split(",")]
    return {"op": operator, "left": key, "right": {"set": listed} if value.startswith("{") else value.strip('"')}


class FakeChannel:
    """The channel on which nft runs."""

    def __init__(self, device: FakeFirewall, command: str) -> None:
        self._device = device
        # The shell says the line by which the words of nft begin.
        self._unread = command.partition("; ")[0].removeprefix("echo ").encode() + b"\n"
        # Where the link breaks no exit code comes any more.
        self.exit_status, self.status_event = -1, Event()
        self.status_event.set()

    def settimeout(self, _: float) -> None:
        """Never wait."""

    def close(self) -> None:
        """End."""

    def recv_ready(self) -> bool:
        """Say that nothing is left."""
        return False

    def sendall(self, data: bytes) -> None:
        """Take lines, the last of which is the mark."""
        said = ""
        for line in data.decode().splitlines():
            if line.startswith("list table inet napalm_nftables_mark_"):
                own = self._device.on_ask("list")
                said += f"{own or _error('No such file or directory', line)}\n"
                continue
            self._device.tape.append(f"nft: {line}")
            said += f"{self._device.answer(line)}\n" if line.startswith("list ") else self._device.take(line)
        self._unread += said.encode()

    def recv(self, size: int) -> bytes:
        """Give what is left of the answer."""
        if not self._unread:
            raise TimeoutError
        data, self._unread = self._unread[:size], self._unread[size:]
        return data


class FakeLink:
    """The SSH connection."""

    alive = True
    login = None
    printed = ""

    def __init__(self, device: FakeFirewall, what: str) -> None:
        self._device = device
        self._what = what

    def open(self) -> None:
        """Log in."""

    def close(self) -> None:
        """End; that comes from the session's own thread, at any moment, so that the tape does not tell it."""

    def abort(self) -> None:
        """Reset."""
        self._device.tape.append(f"{self._what}: reset")

    def channel(self, command: str, deadline_s: float | None = None) -> FakeChannel:
        """Start nft."""
        self._device.tape.append(f"{self._what}: starts {command} within {deadline_s}")
        if "nft" in self._device.fails:
            raise LinkLost(self._device.fails["nft"])
        return FakeChannel(self._device, command)

    def run(self, command: str, stdin: str = "", deadline_s: float | None = None) -> Answer:
        """Run a command."""
        device = self._device
        shown = f"{self._what}: runs {command}" + (f" <<< {stdin.strip()} within {deadline_s}" if stdin else "")
        device.tape.append(shown)
        for words, why in device.fails.items():
            if words in command:
                code, _, said = why.partition(" ")
                return Answer("", said, int(code))
        if stdin:
            return Answer(device.take(stdin.rstrip("\n")), "", 0)
        return Answer(self._said(command), "", 0)

    def _said(self, command: str) -> str:
        if command in LOOKS:
            return (RECORDED / f"lab-fw.{LOOKS[command]}.txt").read_text(encoding="utf-8")
        if command == "cat /proc/uptime":
            return self._device.uptime
        if "tell host" in command:
            facts = [f"fact {name} {value}" for name, value in FACTS.items()]
            return "\n".join([*facts, "fact interface eth1", "fact interface eth4"]) + "\n"
        if "list ruleset" in command:
            ours = (f"table inet {name} {{\n}}\n" for name in self._device.tables)
            return SITE_RULES + "".join(ours)
        if command.startswith("[ ! -e"):
            return self._device.saved
        return next(said for plain, said in PLAIN.items() if command.endswith(f"; {plain}"))


class FakePoint(NftablesPoint):
    """The product's point, on a fake firewall."""

    def __init__(
        self,
        device: FakeFirewall,
        conduits: tuple[str, ...],
        *,
        run: str | None = RUN,
        known_hosts: Path = Path("/nowhere"),
    ) -> None:
        self._device = device
        access = NftAccess("127.0.0.1", 22, "drill", "sudo", known_hosts=known_hosts)
        super().__init__("fw", planned(conduits), access, device.clock, run)

    def _session(self, what: str, known_hosts: Path) -> DeviceSession[NftSession]:
        made: DeviceSession[NftSession] = super()._session(what, known_hosts)
        made._driver.firewall.link = FakeLink(self._device, what)  # type: ignore[assignment]
        return made


def tidy(tape: Iterable[str]) -> list[str]:
    """Write what was drawn at random under one name."""
    return [re.sub(r"\bbegin[0-9a-f]{16}\b", "BEGIN", re.sub(r'"[0-9a-f]{14}"', '"TICKET"', line)) for line in tape]
