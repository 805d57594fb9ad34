"""A device that says anything: a link that stands in for SSH and draws its answers, by a seed, from what is nearly right.

The driver, its nft channel, the session and the point above it are the product's own.
"""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

from islandmode.isolation.nftables.point import NftablesPoint, NftAccess, NftSession
from islandmode.isolation.session import DeviceSession
from islandmode.system.clock import MachineClock
from napalm_nftables.errors import DeviceSilent, LinkLost
from napalm_nftables.link import Answer
from tests.isolation.heard import NASTY_TEXTS, SECRET
from tests.isolation.nftables.plant import BETWEEN, INTERFACES, RUN, planned
from tests.isolation.nftables.test_recipe import element, listing

CLOCK = MachineClock.of_this_boot()
NASTY: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1e308, 10**30, float("nan"), float("inf"), "", [], {}, [[]], [None], {"a": {}}),
    *NASTY_TEXTS,
)
TEXTS = (
    *("table inet plant { # handle 1\n", "\tchain input {\n", "\t}\n", "}\n", "\tset a {\n", "\t\tflags timeout\n"),
    *("\t\telements = { 10.0.0.1,\n", "table inet islandmode_corporate_dmz {\n", f"# password {SECRET}\n"),
    *(f"snmp-server community {SECRET} RO\n", "\x1b[31mred\x1b[0m\n", "\ud83d\n", "\x00\x85\u2028\r\n", "# handle 7\n"),
    *(f"-----BEGIN PRIVATE KEY-----\n{SECRET}\n-----END PRIVATE KEY-----\n", "+++\n--- a\n@@\n", "\n", "x" * 500),
)


def spoilt(dice: random.Random, value: Any, share: float) -> Any:
    """Copy a JSON value with a share of its parts replaced, taken out or doubled."""
    if dice.random() < share:
        return dice.choice(NASTY)
    if isinstance(value, dict):
        return {
            (str(dice.choice(NASTY)) if dice.random() < share / 4 else name): spoilt(dice, part, share)
            for name, part in value.items()
            if dice.random() >= share / 2
        }
    if isinstance(value, list):
        kept = [spoilt(dice, part, share) for part in value if dice.random() >= share / 2]
        return kept + kept[: dice.randrange(3)] if dice.random() < share else kept
    return value


def text(dice: random.Random) -> str:
    """Draw the text of a configuration."""
    return "".join(dice.choice(TEXTS) for _ in range(dice.randrange(12)))


class SayingChannel:
    """Stands in for the channel on which nft runs."""

    def __init__(self, dice: random.Random) -> None:
        self._dice = dice
        self._unread = b""

    def settimeout(self, _: float) -> None:
        """Never wait."""

    def close(self) -> None:
        """End."""

    def sendall(self, data: bytes) -> None:
        """Take lines, the last of which is the mark, and think of an answer."""
        dice = self._dice
        if dice.random() < 0.02:
            raise OSError("the link broke")
        *lines, mark = data.decode().splitlines()
        if not mark.startswith("list table inet napalm_nftables_mark_"):
            # A change: nft says nothing, or complains.
            complaint = f"Error: Could not process rule: {dice.choice(NASTY)}\n{mark}\n^^^^\n"
            self._unread += complaint.encode("utf-8", "surrogatepass") if dice.random() < 0.1 else b""
            return
        said = [self._answer(line) for line in lines if line.startswith("list ")]
        if dice.random() < 0.1:
            said.insert(0, f"Error: syntax error {dice.choice(NASTY)}\n{lines[0] if lines else mark}\n^^^^")
        if dice.random() < 0.95:
            said.append(f"Error: No such file or directory\n{mark}\n^^^^")
        answer = "\n".join(said) + "\n"
        if dice.random() < 0.05:
            answer = answer[: dice.randrange(len(answer))]
        self._unread += answer.encode("utf-8", "surrogatepass")

    def _answer(self, line: str) -> str:
        dice = self._dice
        if dice.random() < 0.15:
            return f"Error: No such file or directory\n{line}\n^^^^"
        if dice.random() < 0.05:
            return dice.choice(("{" * 5000, '{"nftables": ' + "[" * 5000, "{}", "null", "{\x1b", '{"nftables": 1e999}'))
        return json.dumps(spoilt(dice, json.loads(self._table()), dice.choice((0.0, 0.01, 0.05, 0.3))))

    def _table(self) -> str:
        outer, inner = (INTERFACES[zone][0] for zone in BETWEEN["corporate-line3"])
        pairs = ((outer, inner), (inner, outer), (outer, outer))
        held = self._dice.choice((0.0, 0.9, 1.0))
        return listing(
            [element(*pair, expires=self._dice.randrange(90)) for pair in pairs],
            [element(*pair, expires=None) for pair in pairs if self._dice.random() < held],
        )

    def recv(self, size: int) -> bytes:
        """Give what is left of the answer."""
        if not self._unread:
            raise TimeoutError
        data, self._unread = self._unread[:size], self._unread[size:]
        return data


class SayingLink:
    """Stands in for an SSH connection."""

    alive = True
    login = None

    def __init__(self, dice: random.Random) -> None:
        self._dice = dice

    def open(self) -> None:
        """Log in."""

    def close(self) -> None:
        """End."""

    def abort(self) -> None:
        """End."""

    def channel(self, _command: str, _deadline_s: float | None = None) -> SayingChannel:
        """Start nft, or fail."""
        if self._dice.random() < 0.02:
            raise DeviceSilent(f"banner {self._dice.choice(NASTY)}")
        return SayingChannel(self._dice)

    def run(self, command: str, stdin: str = "", deadline_s: float | None = None) -> Answer:
        """Answer a command."""
        dice = self._dice
        if dice.random() < 0.03:
            raise LinkLost(f"{command}: {dice.choice(NASTY)}")
        facts = ["fw", "6.1", "12.5", "Debian", "m", "s", "nftables v1.0.6", "eth1", "eth4"]
        said = "\n".join(str(spoilt(dice, facts, 0.05))) if dice.random() < 0.3 else "\n".join(facts)
        said = said if "uname" in command or "hostname" in command else text(dice)
        return Answer(said, text(dice) if dice.random() < 0.1 else "", int(dice.random() < 0.1))


class SayingPoint(NftablesPoint):
    """The product's point, on such a device."""

    def __init__(self, dice: random.Random) -> None:
        self._dice = dice
        access = NftAccess("127.0.0.1", 22, "drill", "sudo", known_hosts=Path("/nowhere"))
        super().__init__("conduit-firewall", planned(("corporate-line3",)), access, CLOCK, RUN)

    def _session(self, what: str, known_hosts: Path) -> DeviceSession[NftSession]:
        made: DeviceSession[NftSession] = super()._session(what, known_hosts)
        made._driver.firewall.link = SayingLink(self._dice)  # type: ignore[assignment]
        return made
