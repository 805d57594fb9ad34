"""What every emulated device has: a clock, sessions, knobs for faults, a log of all it received, and traffic that it lets through or not.

A device is a state machine without any I/O: `SshServer` (server.py) lets people log in to it, and a test may also type into a session
directly. Sessions of a device share its state, so one lock is held while a line is carried out or the state is asked about.
"""

from __future__ import annotations

import re
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import count

from tests.emulators.clock import DeviceClock
from tests.emulators.faults import Faults
from tests.emulators.network import Family, Packet, Zone, packets

HIDDEN = "(not shown)"


@dataclass(frozen=True)
class Account:
    """Who may log in, and with which rights."""

    password: str
    may_configure: bool = True


@dataclass(frozen=True)
class Line:
    """A line as a device received it, by the device's own clocks. `configures` says whether it could change a configuration."""

    text: str
    user: str
    session: int
    at: datetime
    up_s: float
    configures: bool


@dataclass(frozen=True)
class Reply:
    """What a device says to a line; where `hangs_up`, the connection ends instead."""

    text: str = ""
    hangs_up: bool = False


class CliSession(ABC):
    """Somebody's session at the command line."""

    more = "--More-- "
    after_more = "\r         \r"

    def __init__(self, device: Device, number: int, user: str) -> None:
        self.device = device
        self.number = number
        self.user = user
        self.is_over = False
        self.hears_secret = False
        """Whether what is typed next is a password: neither shown nor kept."""

    @property
    @abstractmethod
    def prompt(self) -> str:
        """What is shown before a line is typed."""

    @property
    @abstractmethod
    def page_lines(self) -> int | None:
        """How many lines are shown at once; None where all are."""

    @abstractmethod
    def configures(self, line: str) -> bool:
        """Tell whether a line could change a configuration, or begins to."""

    @abstractmethod
    def answer(self, line: str) -> str:
        """Carry a line out, and give what is shown."""

    def interrupted(self) -> None:  # noqa: B027 - most devices only show the prompt again
        """Ctrl-C was typed."""

    def ended(self) -> None:  # noqa: B027 - as above
        """Ctrl-Z was typed."""


class Device(ABC):
    """A device that people log in to."""

    serial_form = "EMULATED"

    def __init__(
        self, name: str, clock: DeviceClock, zones: Mapping[str, Zone], accounts: Mapping[str, Account] | None = None
    ) -> None:
        self.name = name
        self.clock = clock
        self.zones = dict(zones)
        self.accounts = dict(accounts or {"drill": Account("between-drills")})
        self.public_keys: dict[str, str] = {}
        """The keys, in OpenSSH's form, by which somebody may log in, by user."""
        self.faults = Faults()
        self.lock = threading.RLock()
        self.log: list[Line] = []
        self.logins: list[str] = []
        self.names_given: list[str] = []
        """The users that anybody has named to its SSH server."""
        self.too_early: list[Line] = []
        """Configuring lines that came before arm; see `expect_arm`."""
        self.hang_up: Callable[[], None] = lambda: None
        """Ends every connection; the server puts itself here."""
        self.sessions: list[CliSession] = []
        self._numbers = count(1)
        self._arm: list[str] | None = None
        self.serials = [f"{self.serial_form}1", f"{self.serial_form}2"]
        """The serial numbers of a pair that is managed at one address; the first is of the member that answers."""
        self._away_until_s = 0.0

    # What a test asks and does.

    def passes(self, source: str, target: str, family: Family = 4) -> bool:
        """Tell whether anything new from a zone to another would pass now, on any way and between any of their networks."""
        return any(self.ways(source, target, family).values())

    def ways(self, source: str, target: str, family: Family = 4) -> dict[str, bool]:
        """Tell for each way from a zone to another whether something new would pass now."""
        with self.lock:
            self.settle()
            return {str(packet): self.lets_through(packet) for packet in packets(self.zones, source, target, family)}

    def expect_arm(self, lines: Sequence[str]) -> None:
        """From now on these must be the first configuring lines, in this order; others that come before are kept in `too_early`."""
        with self.lock:
            self._arm = list(lines)
            self.too_early.clear()

    def received(self, *, configuring: bool = False) -> list[str]:
        """List the lines that came; only those that could change a configuration, if wanted."""
        with self.lock:
            return [line.text for line in self.log if line.configures or not configuring]

    @property
    def was_touched(self) -> bool:
        """Whether any line came that could change a configuration."""
        return bool(self.received(configuring=True))

    def restart(self, takes_s: float = 0.0) -> None:
        """Lose all sessions and begin again with what is saved; nobody is let in while it starts."""
        with self.lock:
            self._away_until_s = self.clock.up_s + takes_s
            self._end_sessions()
            self.restarted()

    def fail_over(self, takes_s: float = 0.0) -> None:
        """Have the other member answer from now on: sessions are lost, and what the pair has in common is there."""
        with self.lock:
            self._away_until_s = self.clock.up_s + takes_s
            self._end_sessions()
            self.serials.reverse()
            self.failed_over()

    # What a family of devices says.

    @abstractmethod
    def settle(self) -> None:
        """Carry out what has come due by the device's clock."""

    @abstractmethod
    def lets_through(self, packet: Packet) -> bool:
        """Tell whether a packet that belongs to nothing that was open would pass."""

    @abstractmethod
    def restarted(self) -> None:
        """Begin again with what is saved."""

    def failed_over(self) -> None:  # noqa: B027 - a pair that has everything in common goes on as it was
        """Go on with what the other member has."""

    @abstractmethod
    def configuration(self) -> str:
        """The running configuration, as text."""

    @abstractmethod
    def new_session(self, number: int, user: str) -> CliSession:
        """Make a session."""

    # What the server, or a test without it, does.

    def may_log_in(self, user: str, password: str) -> bool:
        """Tell whether somebody gave the right password."""
        account = self.accounts.get(user)
        return account is not None and account.password == password

    @property
    def is_full(self) -> bool:
        """Tell whether there is no place left for a session, or whether it still starts."""
        with self.lock:
            if self.clock.up_s < self._away_until_s:
                return True
            self.sessions = [session for session in self.sessions if not session.is_over]
            most = self.faults.sessions_most
            return most is not None and len(self.sessions) >= most

    def log_in(self, user: str) -> CliSession | None:
        """Open a session; None where there is no place left."""
        with self.lock:
            self.settle()
            if self.is_full:
                return None
            session = self.new_session(next(self._numbers), user)
            self.sessions.append(session)
            self.logins.append(user)
            return session

    def take(self, session: CliSession, text: str) -> Reply:
        """Receive a line: note it, do what the faults say, or carry it out."""
        with self.lock:
            self.settle()
            if session.is_over:
                return Reply(hangs_up=True)
            self._note(session, text)
            self._strike(is_carried_out=False)
            crash = self.faults.crashes_at(text)
            if crash is not None and not crash.executes:
                return self._crashed(session, restarts=crash.restarts)
            rejection = self.faults.rejection(text)
            answer = session.answer(text) if rejection is None else rejection
            self._strike(is_carried_out=True)
            if crash is not None:
                return self._crashed(session, restarts=crash.restarts)
            return Reply(answer)

    def _strike(self, *, is_carried_out: bool) -> None:
        if self.faults.strikes is not None and self.log[-1].configures:
            self.faults.strikes(sum(line.configures for line in self.log), is_carried_out)

    def _note(self, session: CliSession, text: str) -> None:
        configures = not session.hears_secret and session.configures(text)
        shown = HIDDEN if session.hears_secret else text
        line = Line(shown, session.user, session.number, self.clock.local, self.clock.up_s, configures)
        self.log.append(line)
        if self._arm and text == self._arm[0]:
            self._arm.pop(0)
        elif self._arm and configures:
            self.too_early.append(line)

    def _crashed(self, session: CliSession, *, restarts: bool) -> Reply:
        if restarts:
            self.restart()
        session.is_over = True
        return Reply(hangs_up=True)

    def _end_sessions(self) -> None:
        for session in self.sessions:
            session.is_over = True
        self.sessions.clear()
        self.hang_up()


def filtered(text: str, kind: str, pattern: str) -> str:
    """Keep the lines of an answer that a pipe lets through."""
    lines = text.splitlines()
    found = re.compile(pattern)
    if kind == "begin":
        first = next((index for index, line in enumerate(lines) if found.search(line)), len(lines))
        lines = lines[first:]
    else:
        lines = [line for line in lines if bool(found.search(line)) == (kind == "include")]
    return "".join(f"{line}\n" for line in lines)
