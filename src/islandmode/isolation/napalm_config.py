"""Isolation through a NAPALM driver: nftables, on the driver's own held-open nft channel.

Two sessions. The *work* session does what preflight and the hold need. The *restore* session is opened and tried when
arming, so that a restore never waits for a login; once a restore is seen, the work session's socket is closed.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from napalm import get_network_driver
from napalm.base.exceptions import NapalmException

from islandmode.core.outcome import Outcome, Reading
from islandmode.core.plan import PlanPoint
from islandmode.core.rendering import Capabilities
from islandmode.isolation.point import ConduitState, Configuration, Facts, PointState
from islandmode.isolation.recipes import nftables as recipe
from islandmode.isolation.session import DeviceSession, DeviceTrouble
from islandmode.system.clock import Clock

T = TypeVar("T")
ANSWER_S = 4.0
CONNECT_S = 10
SETTLE_ASKS = 3


@dataclass(frozen=True)
class Access:
    """How to log in, with secrets resolved; never printed."""

    host: str
    port: int
    user: str
    become: str
    known_hosts: Path
    password: str | None = field(default=None, repr=False)
    key_file: str | None = field(default=None, repr=False)


class NftSession:
    """A NAPALM driver with its held-open nft channel, as a device session wants it."""

    def __init__(self, access: Access) -> None:
        """Make the driver; nothing is contacted yet."""
        options = {
            "port": access.port,
            "alt_key_file": str(access.known_hosts),
            "key_file": access.key_file,
            "become": access.become,
        }
        self.driver = get_network_driver("nftables")(access.host, access.user, access.password, CONNECT_S, options)
        self._channel: Any = None

    def open(self) -> None:
        """Connect and log in once."""
        self.driver.open()

    def close(self) -> None:
        """End channel and connection."""
        self.driver.close()

    def abandon(self) -> None:
        """Close the socket at once, from any thread."""
        self.driver.abandon()

    @property
    def nft(self) -> Any:
        """The held-open nft; started by the first line."""
        if self._channel is None:
            self._channel = self.driver.open_channel()
        return self._channel

    def ask(self, line: str) -> list[dict[str, Any]]:
        """Ask for a listing and return its objects; raises TimeoutError when nothing comes, which makes it unknown."""
        answer = self.nft.ask(line, ANSWER_S)
        if answer is None:
            raise TimeoutError(self.nft.errors() or "nft did not answer")
        return list(json.loads(answer)["nftables"])


class NftablesPoint:
    """An isolation point on a Linux firewall that runs nftables."""

    def __init__(self, name: str, planned: PlanPoint, access: Access, between: recipe.Between, clock: Clock) -> None:
        """Know the device; nothing is contacted yet."""
        self._name = name
        self._interfaces = planned.interfaces
        self._between = between
        self._clock = clock
        self._make: Callable[[], NftSession] = lambda: NftSession(access)
        self._work = self._session("work")
        self._restore = self._session("restore")

    def _session(self, what: str) -> DeviceSession[NftSession]:
        return DeviceSession(f"{self._name}-{what}", self._make, self._clock, (NapalmException,))

    @property
    def name(self) -> str:
        """Name of the isolation point in the site."""
        return self._name

    @property
    def capabilities(self) -> Capabilities:
        """What nftables can do, from our own table."""
        return recipe.CAPABILITIES

    async def _call(self, work: Callable[[NftSession], T], deadline_s: float) -> Reading[T]:
        if self._work.dead:
            self._work = self._session("work")
        return await self._work.call(work, deadline_s)

    async def facts(self, deadline_s: float) -> Reading[Facts]:
        """Log in (one attempt) and read facts; nothing is changed."""

        def work(session: NftSession) -> Facts:
            told = session.driver.get_facts()
            saved = session.driver.get_config(retrieve="startup")["startup"]
            return Facts(
                hostname=told["hostname"],
                model=told["model"],
                os_version=told["os_version"],
                interfaces=tuple(told["interface_list"]),
                saved_has_ours=recipe.PREFIX in saved,
            )

        return await self._call(work, deadline_s)

    async def configuration(self, deadline_s: float) -> Reading[Configuration]:
        """Read running and saved ruleset, routes and addresses, for the comparison before and after."""
        commands = {
            "routes": "ip route show table all",
            "routes-v6": "ip -6 route show table all",
            "addresses": "ip -brief address show",
        }

        def work(session: NftSession) -> Configuration:
            config = session.driver.get_config()
            shown = session.driver.cli(list(commands.values()))
            texts = {part: _sorted(shown[command]) for part, command in commands.items()}
            return Configuration({"ruleset": config["running"], "saved": config["startup"], **texts})

        return await self._call(work, deadline_s)

    async def arm(self, conduits: tuple[str, ...], for_s: float, deadline_s: float) -> Reading[PointState]:
        """Create the objects, start their timers, open the restore session, and return what was read back."""
        if self._restore.dead:
            self._restore = self._session("restore")
        ready = await self._restore.call(lambda session: session.ask("list tables"), deadline_s)
        if not ready.done:
            why = f"the restore session could not be opened: {ready.why}"
            return Reading(Outcome.NOT_DONE, None, why, ready.asked_us, ready.answered_us)
        line = recipe.arm_line(conduits, self._between, self._interfaces, for_s)

        def work(session: NftSession) -> PointState:
            session.nft.write(line)
            state = self._read(session, conduits)
            said = session.nft.errors()
            if "exists" in said:
                raise DeviceTrouble(f"an islandmode object already covers {' or '.join(conduits)}; another run has it")
            if not any(one.present for one in state.conduits.values()):
                raise DeviceTrouble(said or "nothing was created")
            return state

        return await self._call(work, deadline_s)

    async def isolate(self, conduits: tuple[str, ...], deadline_s: float) -> Reading[PointState]:
        """Put armed conduits into isolation and read back."""
        return await self._write(recipe.isolate_line(conduits, self._between, self._interfaces), conduits, deadline_s)

    async def renew(self, conduits: tuple[str, ...], for_s: float, deadline_s: float) -> Reading[PointState]:
        """Extend running timers; fails on an expired one."""
        line = recipe.renew_line(conduits, self._between, self._interfaces, for_s)
        return await self._write(line, conduits, deadline_s)

    async def _write(self, line: str, conduits: tuple[str, ...], deadline_s: float) -> Reading[PointState]:
        """Write one line, then read back on the following one; a device that complains has changed nothing."""

        def work(session: NftSession) -> PointState:
            session.nft.errors()
            session.nft.write(line)
            state = self._read(session, conduits)
            said = session.nft.errors()
            if said:
                raise DeviceTrouble(said)
            return state

        return await self._call(work, deadline_s)

    async def restore(self, conduits: tuple[str, ...], deadline_s: float) -> Reading[PointState]:
        """Delete the objects, close sessions that could still write, and read back that they are gone. Idempotent."""
        if self._restore.dead:
            self._restore = self._session("restore")

        def work(session: NftSession) -> PointState:
            session.nft.write(recipe.restore_line(conduits))
            return self._read(session, conduits)

        reading = await self._restore.call(work, deadline_s)
        self._work.abandon()
        return reading

    async def state(self, conduits: tuple[str, ...], deadline_s: float) -> Reading[PointState]:
        """Read what the device shows now."""
        return await self._call(lambda session: self._read(session, conduits), deadline_s)

    async def flush(self, conduits: tuple[str, ...], deadline_s: float) -> Reading[tuple[int, int]]:
        """Drop tracked sessions that cross the conduits, filtered by outer interface; counts before and after.

        conntrack filters by address, not by interface, so the filter is every address that the outer interfaces route.
        """
        outer = {one for name in conduits for one in self._interfaces[self._between[name][0]]}

        def work(session: NftSession) -> tuple[int, int]:
            nets: list[list[str]] = []
            for flag in ("-4", "-6"):
                for one in sorted(outer):
                    shown = session.driver.cli([f"ip {flag} route show dev {one}"])
                    for line in next(iter(shown.values())).splitlines():
                        net = line.split()[0]
                        if "/" in net and not net.startswith("fe80"):
                            family = "ipv4" if flag == "-4" else "ipv6"
                            nets += [["-f", family, "-s", net], ["-f", family, "-d", net]]
            before = session.driver.track_sessions([["-L", *words] for words in nets])
            session.driver.track_sessions([["-D", *words] for words in nets])
            return before, session.driver.track_sessions([["-L", *words] for words in nets])

        return await self._call(work, deadline_s)

    async def denied(self, conduits: tuple[str, ...], deadline_s: float) -> Reading[dict[str, int]]:
        """Count packets that the isolation has dropped, by conduit and direction."""

        def work(session: NftSession) -> dict[str, int]:
            counts: dict[str, int] = {}
            for conduit in conduits:
                for row in session.ask(f"list table inet {recipe.table_of(conduit)}"):
                    rule = row.get("rule", {})
                    packets = [part["counter"]["packets"] for part in rule.get("expr", ()) if "counter" in part]
                    if packets and "comment" in rule:
                        key = f"{conduit} {rule['comment']}"
                        counts[key] = counts.get(key, 0) + packets[0]
            return counts

        return await self._call(work, deadline_s)

    async def close(self) -> None:
        """End all sessions; never changes the device."""
        self._work.close()
        self._restore.close()

    def _read(self, session: NftSession, conduits: tuple[str, ...]) -> PointState:
        # `list tables` always answers, so that an absent table is an answer and not a silence.
        tables = {row["table"]["name"] for row in session.ask("list tables") if "table" in row}
        return PointState({name: self._read_one(session, name, tables) for name in conduits})

    def _read_one(self, session: NftSession, conduit: str, tables: set[str]) -> ConduitState:
        table = recipe.table_of(conduit)
        if table not in tables:
            return ConduitState(present=False, armed_s=None, isolating=False)
        outer, inner = self._between[conduit]
        wanted = set(recipe.pairs_of(self._interfaces[outer], self._interfaces[inner]))
        sets = {row["set"]["name"]: row["set"] for row in session.ask(f"list table inet {table}") if "set" in row}
        armed, hold = _elements(sets.get("armed", {})), _elements(sets.get("hold", {}))
        left = [armed.get(pair) for pair in wanted]
        armed_s = None if None in left or not left else min(float(value) for value in left if value is not None)
        return ConduitState(present=True, armed_s=armed_s, isolating=armed_s is not None and wanted <= set(hold))


def _elements(listed: dict[str, Any]) -> dict[recipe.Pair, float | None]:
    """Give each pair of a set and its remaining seconds; None where the element has no timer."""
    found: dict[recipe.Pair, float | None] = {}
    for item in listed.get("elem", ()):
        element = item.get("elem", item)
        concat = element.get("val", element)["concat"]
        found[concat[0], concat[1]] = element.get("expires")
    return found


def _sorted(text: str) -> str:
    # The kernel lists routes and addresses in the order they came, which no one means anything by.
    return "\n".join(sorted(line.strip() for line in text.splitlines())) + "\n"
