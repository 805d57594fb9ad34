"""A fake firewall with Junos' commit confirmed, and a fake NAPALM driver of it, written from documents: no Junos was at hand.

From "Commit the configuration" and "Confirmed commits" of the Junos OS CLI and NETCONF guides, and from NAPALM 5.2's junos driver:

* a commit takes effect as a whole; with a timer it goes back to what was there before, unless any further commit comes first
* any further commit confirms it, of any user, whatever it changes
* its timer is a number of minutes; the newest revision tells it, with its user and client
* the candidate is shared, and what somebody left in it goes out with the next commit; while it holds such edits it cannot be locked

How it writes a difference is `show | compare`. A line of configuration is a `set` line here, without Junos' grammar.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from napalm.base import NetworkDriver
from napalm.base.exceptions import (
    CommitConfirmException,
    CommitError,
    ConnectionClosedException,
    LockError,
    MergeConfigException,
)

from tests.isolation.by_recipe.world import JumpingClock
from tests.patience import wait_until

SITES_OWN = (
    "set version 21.4R3",
    "set system host-name edge",
    "set security policies from-zone office to-zone line policy allow then permit",
    "set security policies from-zone line to-zone office policy allow then permit",
)
COLLEAGUE = "set system syslog host 10.20.0.5"


@dataclass(frozen=True)
class Revision:
    """A commit as the device lists it."""

    at_s: float
    user: str
    client: str
    comment: str = ""


@dataclass
class FakeJunos:
    """The device: one configuration in force, one shared candidate, and at most one commit that waits."""

    clock: JumpingClock
    active: list[str] = field(default_factory=lambda: list(SITES_OWN))
    candidate: list[str] = field(default_factory=lambda: list(SITES_OWN))
    revisions: list[Revision] = field(default_factory=list)
    lock: threading.RLock = field(default_factory=threading.RLock)
    is_locked_by_drivers: bool = True
    says_what_is_missing: bool = False
    _back_to: list[str] | None = None
    _until_s: float = 0.0

    def __post_init__(self) -> None:
        """Begin with the commit that made the configuration."""
        self.revisions.append(Revision(self.clock.now_s - 3600.0, "admin", "cli"))

    def settle(self) -> None:
        """Let the timer do what it has to have done by now."""
        with self.lock:
            if self._back_to is not None and self.clock.now_s >= self._until_s:
                self.active, self._back_to = self._back_to, None
                self.candidate = list(self.active)
                self.revisions.append(
                    Revision(self._until_s, "root", "other", "rollback of a commit that was not confirmed")
                )

    @property
    def waits(self) -> bool:
        """Tell whether a commit waits to be confirmed."""
        self.settle()
        return self._back_to is not None

    def load(self, lines: Iterable[str]) -> None:
        """Merge lines into the candidate."""
        for line in lines:
            if line.startswith("set "):
                if line not in self.candidate:
                    self.candidate.append(line)
            elif line.startswith("delete "):
                path = "set " + line.removeprefix("delete ")
                if self.says_what_is_missing and not any(f"{kept} ".startswith(f"{path} ") for kept in self.candidate):
                    raise MergeConfigException("warning: statement not found")
                self.candidate[:] = [
                    kept for kept in self.candidate if kept != path and not kept.startswith(path + " ")
                ]
            else:
                raise MergeConfigException(f"error: syntax error: {line}")

    def commit(self, user: str, client: str, minutes: int | None = None) -> None:
        """Put the candidate in force, and confirm whatever waited."""
        self.settle()
        before = self.active
        self.active = list(self.candidate)
        comment = "" if minutes is None else f"commit confirmed, rollback in {minutes}mins"
        self._back_to, self._until_s = (None, 0.0) if minutes is None else (before, self.clock.now_s + 60.0 * minutes)
        self.revisions.append(Revision(self.clock.now_s, user, client, comment))

    def compare(self) -> str:
        """Write what the candidate changes, as `show | compare` does."""
        taken = [("-", line) for line in self.active if line not in self.candidate]
        added = [("+", line) for line in self.candidate if line not in self.active]
        found: list[str] = []
        for mark, line in (*taken, *added):
            *path, last = line.removeprefix("set ").split(" policy ", 1)
            heading = f"[edit {' '.join(path)}]" if path else "[edit]"
            if heading not in found[-1:] and not any(one == heading for one in found):
                found.append(heading)
            found.append(f"{mark}   {'policy ' if path else ''}{last};")
        return "\n".join(found)

    def told(self, line: str) -> str:
        """Answer a question."""
        self.settle()
        newest = self.revisions[-1]
        if line == "show version":
            return "Hostname: edge\nJunos: 21.4R3-S4.9\n"
        if line == "show system uptime":
            return f"Current time: {self._moment(self.clock.now_s)} UTC\n"
        if line == "show system commit revision detail":
            comment = f"Comment   : {newest.comment}\n" if newest.comment else ""
            head = f"Revision  : re0-{len(self.revisions)}\nUser      : {newest.user}\nClient    : {newest.client}\n"
            return f"{head}Time      : {self._moment(newest.at_s)} UTC\n{comment}"
        if line == "show configuration | display set":
            return "\n".join(self.active) + "\n"
        if line == "show system configuration database usage":
            return "nobody edits\n" if self.candidate == self.active else "edited by colleague\n"
        return f"error: unknown command: {line}\n"

    def _moment(self, at_s: float) -> str:
        began = datetime.fromtimestamp(self.clock.utc_began_us / 1_000_000, UTC)
        return (began + timedelta(seconds=at_s - self.clock.began_s)).strftime("%Y-%m-%d %H:%M:%S")

    def denies(self, source: str, target: str) -> bool:
        """Tell whether a policy of a drill denies from one zone to another."""
        self.settle()
        head = f"set security policies from-zone {source} to-zone {target} policy islandmode_"
        return any(line.startswith(head) and line.endswith(" then deny") for line in self.active)

    def by_hand(self, commands: Iterable[str]) -> None:
        """Take what a person types on the console."""
        for command in commands:
            if command == "commit":
                self.commit("admin", "cli")
            elif command not in {"configure", "exit"}:
                self.load((command,))

    def colleague_commits(self) -> None:
        """Take a commit of somebody else, which confirms what waits."""
        self.load((COLLEAGUE,))
        self.commit("colleague", "cli")


@dataclass
class Held:
    """What is to happen to a call of a driver: `load` or `commit`."""

    what: str
    call: str


@dataclass
class Way:
    """The way of one point to the device."""

    is_open: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        """Be open."""
        self.is_open.set()


@dataclass
class Wire:
    """What all drivers of one device share: its faults, and what is under way to it."""

    device: FakeJunos
    held: Held | None = None
    under_way: list[tuple[Callable[[], None], float]] = field(default_factory=list)
    look_takes_s: float = 0.0
    denies_waiting: bool = False
    """Whether the driver finds no commit that waits, whatever the device answers."""
    lives_s: list[float | None] = field(default_factory=list)
    """By when each commit had to come, as the session said it before."""
    at: dict[str, Callable[[], None]] = field(default_factory=dict)
    """What happens on the device right before the next such call comes."""


class FakeJunosDriver(NetworkDriver):  # type: ignore[misc]  # napalm is untyped
    """NAPALM's driver of the fake firewall; what Islandmode may never call fails the test."""

    def __init__(self, wire: Wire, way: Way, user: str = "drill") -> None:
        """Contact nothing."""
        self._wire, self._way, self._user = wire, way, user
        self._is_reset = threading.Event()
        self._life_s: float | None = None

    def open(self) -> None:
        """Log in."""
        self._wait_for(self._way.is_open)

    def close(self) -> None:
        """Is not called: some drivers take a waiting commit back with it."""
        raise AssertionError("the driver's own close was called")

    def reset(self) -> None:
        """Lose the connection."""
        self._is_reset.set()

    def bound(self, life_s: float | None) -> None:
        """Take down by when the next commit must have come; Junos has nothing of the kind."""
        self._life_s = life_s

    def is_alive(self) -> dict[str, bool]:
        """Tell whether the connection stands."""
        return {"is_alive": not self._is_reset.is_set()}

    def cli(self, commands: list[str], encoding: str = "text") -> dict[str, Any]:
        """Answer questions."""
        self._wait_for(self._way.is_open)
        if "show system uptime" in commands and self._wire.look_takes_s:
            # A look ends with the device's time.
            self._wire.device.clock.pass_by(self._wire.look_takes_s)
        with self._wire.device.lock:
            return {command: self._wire.device.told(command) for command in commands}

    def load_merge_candidate(self, filename: str | None = None, config: str | None = None) -> None:
        """Merge lines into the shared candidate."""
        assert config is not None
        self._do("load", lambda: self._load(config.splitlines()))

    def _load(self, lines: list[str]) -> None:
        device = self._wire.device
        device.settle()
        if device.is_locked_by_drivers and device.candidate != device.active:
            raise LockError("error: configuration database modified")
        device.load(lines)

    def compare_config(self) -> str:
        """Write what the candidate changes."""
        with self._wire.device.lock:
            return self._wire.device.compare()

    def commit_config(self, message: str = "", revert_in: int | None = None) -> None:
        """Commit; a message would hide the timer, which NAPALM reads from the comment."""
        assert message == ""
        if revert_in is not None and revert_in % 60:
            raise CommitConfirmException("For Junos devices revert_in must be a multiple of 60 (60, 120, 180...)")
        minutes = None if revert_in is None else revert_in // 60
        self._wire.lives_s.append(self._life_s)
        self._do("commit", lambda: self._wire.device.commit(self._user, "netconf", minutes))

    def discard_config(self) -> None:
        """Go back to what is in force; the exclusive lock kept everybody else out meanwhile."""
        with self._wire.device.lock:
            self._wire.device.candidate = list(self._wire.device.active)

    def has_pending_commit(self) -> bool:
        """Tell whether a commit waits."""
        return self._wire.device.waits and not self._wire.denies_waiting

    def rollback(self) -> None:
        """Must not be called."""
        raise AssertionError("rollback was called")

    def confirm_commit(self) -> None:
        """Must not be called."""
        raise AssertionError("confirm_commit was called")

    def _do(self, call: str, act: Callable[[], None]) -> None:
        self._wait_for(self._way.is_open)
        wire, held = self._wire, self._wire.held
        wire.at.pop(call, lambda: None)()
        if held is not None and held.call == call:
            wire.held = None
            if held.what == "under way":
                wire.under_way.append((act, wire.device.clock.now_s))
            elif held.what == "reply lost":
                with wire.device.lock:
                    act()
            self._wait_for(threading.Event())
        with wire.device.lock:
            if self._is_reset.is_set():
                raise ConnectionClosedException("the connection was reset")
            act()

    def _wait_for(self, event: threading.Event) -> None:
        wait_until(lambda: event.is_set() or self._is_reset.is_set(), "the way opens, or the connection is reset")
        if self._is_reset.is_set():
            # What a session had loaded goes with its lock.
            self.discard_config()
            raise ConnectionClosedException("the connection was reset")


class FakeWithoutTimerDriver(FakeJunosDriver):
    """A driver whose commit takes no timer."""

    def commit_config(self, message: str = "") -> None:  # type: ignore[override]
        """Commit for good."""
        raise CommitError("for good")


class FakeWithoutCommitDriver(NetworkDriver):  # type: ignore[misc]  # napalm is untyped
    """A driver that has of NAPALM's base class what takes `revert_in`, and so no commit at all."""

    def __init__(self) -> None:
        """Contact nothing."""

    def close(self) -> None:
        """Do nothing."""
