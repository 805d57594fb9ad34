"""A console: one session at a device's command line, through netmiko. Lines go out one at a time, and each is answered.

netmiko serves for transport and for what it knows of a kind of device's terminal: the subclass made here sends nothing by itself, at login
or at logout, where netmiko's own would write to some devices' configuration. The login is the strict one of `napalm_nftables`: a known
host key always, and one attempt.

An answer begins behind the line that the device shows back and ends at its prompt. So a prompt that is shown twice, a text at login or
a message in between is no answer. What is not recognised is waited for, up to the session's deadline, and is then *unknown*.
"""

from __future__ import annotations

import codecs
import logging
import re
import threading
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from typing import Any

from netmiko import BaseConnection
from netmiko.exceptions import NetmikoBaseException
from netmiko.ssh_dispatcher import ssh_dispatcher

from islandmode.core.errors import InputError
from islandmode.core.recipe.model import Recipe
from islandmode.core.recipe.words import compiled
from islandmode.core.text import cleaned
from islandmode.isolation import incoming
from islandmode.isolation.by_recipe.prompt import Prompt, is_plain, looks_like_prompt
from islandmode.isolation.by_recipe.screen import Screen, as_wrapped, echo_of, is_page_mark
from islandmode.isolation.by_recipe.trouble import ConnectionEnded, LoginFailed, NoAnswer, NothingSent
from islandmode.isolation.platform import Access, Transcript
from islandmode.system.clock import Clock
from islandmode.system.redaction import KNOWN, redacted
from napalm_nftables.errors import DeviceSilent, FirewallError, LinkLost
from napalm_nftables.link import DeviceLink
from napalm_nftables.transport import Login

CONNECT_S, ANSWER_S = 60.0, 600.0
"""Longer than any caller waits: the session's own deadline resets the connection, and that ends the wait."""
ALIVE_S = 1.0
QUIET_S = 1.5
"""So long nothing comes before a Return is sent to see the prompt again; only where none can answer a question by it."""
QUESTION_S = 10.0
"""So long an unfinished line stands at login before it counts as a question that nobody here can answer."""
RETURNS_MOST = 6
CLOSE_S = 2.0
BEFORE_MOST = 500
"""So many lines are looked through for the line that was sent; a wide one may be shown over several."""
WIDTH, HEIGHT = 511, 1000
ANSWER_MAX = 16 * 1024 * 1024
_CHUNK = 65536
_ACCEPT = re.compile(r"\(press 'a' to accept\)", re.IGNORECASE)
_PASSWORD = re.compile(r"\bpassword\b[^\n]{0,40}:", re.IGNORECASE)
_MESSAGE = re.compile(r"%[A-Z][A-Z0-9_]*(?:-[A-Z0-9_]+)*-[0-7]-[A-Z0-9_]+:")
"""What a router reports by itself, in the middle of whatever it shows."""
_NOTHING_COMMON = re.compile(r"no acceptable (kex algorithm|host key|cipher|mac|compression)")
_IN_COMMON = {"kex algorithm": "key exchange", "mac": "integrity check"}

FIRST_LINES = {
    "cisco_ios": ("terminal length 0", "terminal width 511"),
    "cisco_xe": ("terminal length 0", "terminal width 511"),
}
"""What is sent after the login: settings of this session alone. On FortiOS pages are configuration, so there they are turned."""
LAST_LINES = {"cisco_ios": "exit", "cisco_xe": "exit", "fortinet": "exit", "mikrotik_routeros": "/quit"}
"""How to log out where nothing is being configured; from elsewhere the connection is just ended."""


class _ShellLink(DeviceLink):
    """A connection to a device, with the login user's shell on it."""

    def shell(self, term: str, width: int, height: int) -> Any:
        """Start the shell on a terminal of its own."""
        transport = self._transport()
        if transport is None:
            raise LinkLost(f"There is no connection to {self.login.device}.")
        with self._bounded(self.login.timeout_s):
            channel = transport.open_session(timeout=self.login.timeout_s)
            channel.get_pty(term, width, height)
            channel.invoke_shell()
        return channel


class _Client:
    """What netmiko takes for its SSH client: our own login."""

    def __init__(self, link: _ShellLink) -> None:
        self._link = link

    def connect(self, **_: Any) -> None:
        """Connect and log in, as the link was told and not as netmiko would."""
        self._link.open()

    def invoke_shell(self, *, term: str, width: int, height: int) -> Any:
        """Start the shell."""
        return self._link.shell(term, width, height)

    def close(self) -> None:
        """End the connection."""
        self._link.close()


class _Quiet:
    """Laid over netmiko's class for a kind of device: it sends nothing by itself."""

    link: _ShellLink

    def _build_ssh_client(self) -> _Client:
        return _Client(self.link)

    def special_login_handler(self, delay_factor: float = 1.0) -> None:
        """Answer nothing."""

    def session_preparation(self) -> None:
        """Set nothing."""

    def cleanup(self, command: str = "") -> None:
        """Say nothing."""


@cache
def _quiet(kind: str) -> Any:
    """Lay the quiet class over netmiko's for a kind of device."""
    try:
        known: type[BaseConnection] = ssh_dispatcher(kind)
    except KeyError:
        raise InputError(f'netmiko knows no kind of device named "{kind}"; the recipe names it under driver.') from None
    return type(f"Quiet{known.__name__}", (_Quiet, known), {})


def _connection(kind: str, access: Access) -> Any:
    """Make netmiko's connection to a kind of device, without its habits; nothing is contacted, and no secret is handed over."""
    made = _quiet(kind)(device_type=kind, host=access.host, port=access.port, username=access.user, auto_connect=False)
    # netmiko adds a filter to its log for each connection, and takes it back only after a login.
    logging.getLogger("netmiko").removeFilter(made._secrets_filter)  # noqa: SLF001 - there is no other way
    made._modify_connection_params()  # noqa: SLF001 - some kinds put what they want of a terminal into the user's name
    return made


class Console:
    """A session at a device's command line, as a device session wants it."""

    def __init__(self, access: Access, recipe: Recipe, clock: Clock, transcript: Transcript | None = None) -> None:
        """Know the device; nothing is contacted yet. Raises InputError for a driver that is no kind of netmiko's."""
        maker, _, self._kind = recipe.driver.partition(":")
        if maker != "netmiko" or self._kind.endswith(("_telnet", "_serial")):
            raise InputError(f"{recipe.recipe}: a console is netmiko's, over SSH, and driver says {recipe.driver}.")
        for secret in (access.password, access.enable, access.key if "-----BEGIN" in (access.key or "") else None):
            if secret and redacted(secret[:]) == secret[:]:
                KNOWN.learn(secret)
        self._access = access
        self._clock = clock
        self._transcript = transcript
        self._connection = _connection(self._kind, access)
        self._link = _ShellLink(
            Login(
                host=access.host,
                port=access.port,
                user=self._connection.username,
                timeout_s=CONNECT_S,
                password=access.password or "",
                key=access.key,
                known_hosts=access.known_hosts,
            )
        )
        self._connection.link = self._link
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._channel: Any = None
        self._prompts: list[Prompt] = []
        self._last_prompt = ""
        self._until_us = 0
        self._is_lost = False
        self._reader = threading.Lock()
        self.let_in = ""
        """Why nothing more could be done after a login that worked."""
        self.greeting = ""
        """What the device printed at login."""

    def open(self) -> None:
        """Connect and log in once, find the prompt, get the rights and turn pages off; sends no configuring line."""
        try:
            self._open()
        except BaseException:
            # Whatever was begun is of no use to anybody, and must not hold one of the device's few sessions.
            self._is_lost = True
            self._link.abort()
            raise

    def _open(self) -> None:
        try:
            self._connection.establish_connection(width=WIDTH, height=HEIGHT)
        except FirewallError as error:
            if self._link.alive:
                self.let_in = f"it gave no shell: {incoming.sentence(error)}"
            raise LoginFailed(self._why_not(error)) from error
        except NetmikoBaseException as error:
            raise LoginFailed(
                f"{self._link.login.device} did not complete a login: {incoming.sentence(error)}"
            ) from error
        self._channel = self._connection.remote_conn
        self._until_us = self._after(CONNECT_S)
        try:
            self._find_prompt()
            self._take_rights()
            for line in FIRST_LINES.get(self._kind, ()):
                self._ask(line, ())
        except NoAnswer as error:
            self.let_in = self.let_in or str(error)
            raise LoginFailed(f"{self._link.login.device} let user {self._access.user} in: {self.let_in}") from error

    def _why_not(self, error: FirewallError) -> str:
        found = _NOTHING_COMMON.search(str(error)) if isinstance(error, DeviceSilent) else None
        if found is None:
            return str(error)
        what = _IN_COMMON.get(found[1], found[1])
        return (
            f"{self._link.login.device} offers no {what} that is still accepted here, so no login was attempted; let its SSH settings or "
            "newer firmware offer one (ssh -vv shows what it offers)."
        )

    def say(self, line: str, answers: Sequence[tuple[str, str]] = ()) -> str:
        """Send a line and give its answer, without the line and the prompt; questions are answered as told, each once.

        `NothingSent` where the line did not leave; `NoAnswer`, and so unknown, where it did.
        """
        if not self._reader.acquire(blocking=False):
            raise NothingSent("another line is being answered on this console")
        try:
            for text in (line, *(reply for _, reply in answers)):
                _refuse_controls(text)
            if not line.strip():
                raise NothingSent("a line without words was not sent: its answer could not be told from another")
            if self._channel is None or self.is_lost:
                raise ConnectionEnded(f"the connection to {self._link.login.device} is lost, and the line was not sent")
            self._until_us = self._after(ANSWER_S)
            return self._ask(line, answers)
        finally:
            self._reader.release()

    def close(self) -> None:
        """Log out where nothing is being configured, and end the connection; nothing is changed."""
        last = LAST_LINES.get(self._kind)
        at_top = any(self._last_prompt == prompt.line for prompt in self._prompts)
        if last is not None and at_top and not self.is_lost:
            self._until_us = self._after(CLOSE_S)
            with suppress(NoAnswer):
                self._type(last)
                while self._hear(Screen(), CLOSE_S):
                    pass
        self._is_lost = True
        self._connection.disconnect()
        self._link.close()

    @property
    def is_lost(self) -> bool:
        """Whether what was opened takes no more lines: the connection ended, on either side, or an answer never came."""
        return self._is_lost or (self._channel is not None and not self._link.alive)

    def abort(self) -> None:
        """Reset the connection at once, from any thread: nothing more leaves this machine for it."""
        self._link.abort()

    # The login.

    def _find_prompt(self) -> None:
        """Learn the prompt, and keep what was shown before it."""
        screen = Screen()
        try:
            found, returns = self._shown_twice(screen)
            self._learn(found)
            # One comes for each Return: the last must not be taken for a later answer's end.
            while screen.lines.count(found) < returns and self._hear(screen, QUIET_S):
                pass
        finally:
            self._told(screen.text)
        before = screen.lines[: screen.lines.index(found)] if found in screen.lines else []
        self.greeting = incoming.quoted("\n".join(before).strip())

    def _shown_twice(self, screen: Screen) -> tuple[str, int]:
        """Give the line that ends as prompts do and is shown again, alike, for a Return; and how many Returns were typed."""
        found, returns, accepted, quiet_s = ("", 0), 0, False, 0.0
        while True:
            came = self._hear(screen, QUIET_S)
            quiet_s = 0.0 if came else quiet_s + QUIET_S
            if came and self._channel.recv_ready():
                continue
            tail = screen.tail
            if not accepted and _ACCEPT.search(tail):
                accepted = True
                self._type("a")
            elif looks_like_prompt(tail):
                if tail == found[0] and len(screen.lines) > found[1]:
                    return tail, returns
                if tail != found[0]:
                    found = (tail, len(screen.lines))
                    returns = self._return(returns)
            elif screen.at_margin and quiet_s >= 2 * QUIET_S:
                returns, quiet_s = self._return(returns), 0.0
            elif quiet_s >= QUESTION_S:
                raise NoAnswer(
                    f'it showed no prompt, but "{incoming.quoted(tail)}"; log in once by hand and see to that'
                )

    def _return(self, returns: int) -> int:
        if returns >= RETURNS_MOST:
            raise NoAnswer("it shows another prompt each time, or none; give its prompt a form that stays")
        self._type("")
        return returns + 1

    def _learn(self, line: str) -> None:
        try:
            self._prompts.append(Prompt(line))
        except ValueError:
            raise NoAnswer(f'its prompt "{incoming.quoted(line)}" cannot be told from other text') from None
        self._last_prompt = line

    def _take_rights(self) -> None:
        """Say `enable` where the site wants that and the prompt does not show it yet; a password is typed once and told nobody."""
        if self._access.become != "enable" or self._prompts[-1].mark == "#":
            return
        screen = Screen()
        self._type("enable")
        self._await_echo(screen, "enable")
        if self._await_tail(screen, asks=True):
            secret = self._access.enable
            if not secret:
                raise NoAnswer("it asks for a password for enable, and the site names none under login, enable")
            if cleaned(secret[:]) != secret[:]:
                raise NoAnswer("the password for enable has a control character, and was not sent")
            screen = Screen()
            self._write(secret[:] + self._connection.RETURN)
            if self._await_tail(screen, asks=True):
                raise NoAnswer("it refused the password for enable; one attempt was made")
        self._told(screen.text)
        if not screen.tail.endswith("#"):
            raise NoAnswer(
                f"it gave no more rights for enable: {incoming.quoted(' '.join(screen.lines).strip()) or 'without a word'}"
            )
        self._learn(screen.tail)

    def _await_tail(self, screen: Screen, *, asks: bool) -> bool:
        """Wait for a prompt, or for the question for a password; tells whether it was the question."""
        while True:
            if not self._channel.recv_ready():
                if asks and _PASSWORD.search(screen.tail):
                    return True
                if any(prompt.is_shown(screen.tail) for prompt in self._prompts):
                    return False
            self._hear(screen, QUIET_S)

    # A line and its answer.

    def _ask(self, line: str, answers: Sequence[tuple[str, str]]) -> str:
        screen = Screen()
        try:
            self._type(line)
            self._await_echo(screen, line)
            return self._await_prompt(screen, answers)
        except NoAnswer:
            self._is_lost = True
            raise
        finally:
            self._told(screen.text)

    def _await_echo(self, screen: Screen, line: str) -> None:
        """Read up to the line that was sent, shown back behind a prompt; what came before it belongs to nothing."""
        wanted, screen.keeps_raw = echo_of(line), True
        rest = None
        while rest is None:
            self._hear(screen, ALIVE_S)
            del screen.lines[:-BEFORE_MOST], screen.raw[:-BEFORE_MOST]
            rest = self._behind(wanted, "\n".join(screen.lines))
            for number, raw in enumerate(screen.raw if rest is None else ()):
                if self._behind(wanted, as_wrapped(raw)) == []:
                    rest = screen.lines[number + 1 :]
        screen.keeps_raw = False
        screen.raw.clear()
        screen.lines[:] = rest

    def _behind(self, wanted: re.Pattern[str], text: str) -> list[str] | None:
        """Give the lines behind the line that was sent; None where it does not stand there, behind a prompt or nothing."""
        for found in wanted.finditer(text):
            before = text[text.rfind("\n", 0, found.start()) + 1 : found.start()]
            if any(prompt.stands_before(before) for prompt in self._prompts):
                return text[found.end() + 1 :].split("\n") if found.end() < len(text) else []
        return None

    def _await_prompt(self, screen: Screen, answers: Sequence[tuple[str, str]]) -> str:
        """Read up to the prompt; turn pages, answer questions, and look again for a prompt that a message has covered."""
        left, asked_from, changed, returns, came = list(answers), 0, ("", 0), 0, True
        while True:
            tail = screen.tail
            if came and not self._channel.recv_ready():
                if any(prompt.is_shown(tail) for prompt in self._prompts):
                    self._last_prompt = tail
                    return self._answer(screen)
                if tail and tail == changed[0] and len(screen.lines) > changed[1]:
                    self._learn(tail)
                    del screen.lines[changed[1] :]
                    return self._answer(screen)
                if is_page_mark(tail):
                    self._write(" ")
                elif (reply := _reply(screen, asked_from, left)) is not None:
                    asked_from = len(screen.lines) + 1
                    self._type(reply)
            elif not came and not left and returns < RETURNS_MOST:
                # Where a question may still come, a Return could answer it.
                if screen.at_margin and self._is_covered(screen):
                    returns = self._return(returns)
                elif is_plain(tail) and tail != changed[0]:
                    changed = (tail, len(screen.lines))
                    returns = self._return(returns)
            came = self._hear(screen, QUIET_S)

    def _is_covered(self, screen: Screen) -> bool:
        """Tell whether a prompt was shown already, with messages behind it: then a Return answers no question."""
        return any(prompt.begins(line) for line in screen.lines for prompt in self._prompts)

    def _answer(self, screen: Screen) -> str:
        """Give the answer, without a prompt that messages have covered, and without them."""
        lines = screen.lines
        ends = [at for at, line in enumerate(lines) if any(prompt.begins(line) for prompt in self._prompts)]
        if ends and all(not line or _MESSAGE.search(line) for line in lines[ends[-1] + 1 :]):
            lines = lines[: ends[-1]]
        return "\n".join(lines).strip("\n")

    # The wire.

    def _hear(self, screen: Screen, wait_s: float) -> bool:
        """Read what comes; tells whether anything did within a time."""
        until_us = min(self._after(wait_s), self._until_us)
        while True:
            left_s = (until_us - self._clock.monotonic_us()) / 1_000_000
            if left_s <= 0:
                if until_us >= self._until_us:
                    raise NoAnswer("it did not answer")
                return False
            self._channel.settimeout(min(left_s, ALIVE_S))
            try:
                data = self._channel.recv(_CHUNK)
            except TimeoutError:
                if not self._link.alive:
                    raise NoAnswer("the connection ended before the answer came") from None
                continue
            except (OSError, EOFError) as error:
                raise NoAnswer(f"the connection broke before the answer came: {error}") from error
            if not data:
                raise NoAnswer("the connection ended before the answer came")
            screen.add(self._decoder.decode(data))
            if screen.size > ANSWER_MAX:
                raise NoAnswer(f"it answered more than {ANSWER_MAX} characters, and went on")
            return True

    def _type(self, text: str) -> None:
        """Send a line that may be told."""
        if self._transcript is not None:
            self._transcript.sent(text)
        self._write(text + self._connection.RETURN)

    def _write(self, text: str) -> None:
        self._channel.settimeout(ANSWER_S)
        try:
            self._channel.sendall(text.encode())
        except (OSError, EOFError) as error:
            raise NoAnswer(f"the connection broke while a line was sent: {error}") from error

    def _told(self, text: str) -> None:
        if self._transcript is not None:
            self._transcript.heard(text)

    def _after(self, seconds: float) -> int:
        return self._clock.monotonic_us() + round(seconds * 1_000_000)


def _refuse_controls(text: str) -> None:
    """Refuse what would be two lines, or a key that is no letter."""
    if cleaned(text) != text:
        raise NothingSent("a line with a control character was not sent; a line is letters, and no more than one line")


def _reply(screen: Screen, asked_from: int, left: list[tuple[str, str]]) -> str | None:
    """Give the answer to the question in which the text ends, and take it from those that are left."""
    tail = screen.tail
    if not tail or not left:
        return None
    text = "\n".join((*screen.lines[asked_from:], tail))
    for number, (pattern, reply) in enumerate(left):
        if any(found.end() > len(text) - len(tail) for found in compiled(pattern).finditer(text)):
            del left[number]
            return reply
    return None
