"""A session at the login user's shell on a device that runs Linux: each line is a command of its own, with its output and nothing else.

A console has a prompt to wait for, and a shell's may be a mere `$`. So here each line has an SSH channel of its own, which ends when the
command does.
"""

from __future__ import annotations

from collections.abc import Sequence

from islandmode.core.errors import InputError
from islandmode.core.recipe.drivers import SHELL
from islandmode.core.recipe.model import Recipe
from islandmode.core.text import cleaned
from islandmode.isolation.by_recipe.trouble import ConnectionEnded, LoginFailed, NoAnswer, NothingSent
from islandmode.isolation.platform import Access, Transcript
from islandmode.system.clock import Clock
from napalm_nftables.errors import FirewallError, NoCommand
from napalm_nftables.link import DeviceLink
from napalm_nftables.transport import Login

CONNECT_S, ANSWER_S = 60.0, 600.0
"""Longer than any caller waits: the session's own deadline resets the connection, and that ends the wait."""


class ShellSession:
    """A shell as a device session wants it."""

    def __init__(self, access: Access, recipe: Recipe, clock: Clock, transcript: Transcript | None = None) -> None:
        """Know the device; nothing is contacted yet."""
        if recipe.driver != SHELL:
            raise InputError(f"{recipe.recipe}: a shell is driven by {SHELL}, and driver says {recipe.driver}.")
        self._access, self._transcript = access, transcript
        login = Login(
            host=access.host,
            port=access.port,
            user=access.user,
            timeout_s=CONNECT_S,
            password=access.password or "",
            key=access.key,
            known_hosts=access.known_hosts,
        )
        self._link = DeviceLink(login)
        self._is_over = False
        self.let_in = ""
        self.greeting = ""

    def open(self) -> None:
        """Log in once; nothing is changed."""
        try:
            self._link.open()
        except FirewallError as error:
            self.abort()
            raise LoginFailed(str(error)) from error

    def say(self, line: str, answers: Sequence[tuple[str, str]] = ()) -> str:
        """Run a command and give what it printed; `NothingSent` where it did not leave, `NoAnswer`, and so unknown, where it did."""
        if cleaned(line) != line or not line.strip():
            raise NothingSent("a line with a control character, or without words, was not sent")
        if answers:
            raise NothingSent("a command of a shell of its own asks nothing back, so that there is nothing to answer")
        if self._is_over or not self._link.alive:
            raise ConnectionEnded("the connection is lost, and the line was not sent")
        if self._transcript is not None:
            self._transcript.sent(line)
        try:
            answer = self._link.run(line, deadline_s=ANSWER_S)
        except NoCommand as error:
            self.let_in = str(error)
            raise NoAnswer(str(error)) from error
        except FirewallError as error:
            raise NoAnswer(f"the connection broke before the answer came: {error}") from error
        self.greeting = self.greeting or self._link.printed
        text = answer.stdout + answer.stderr
        if self._transcript is not None:
            self._transcript.heard(text)
        return text

    def close(self) -> None:
        """End the connection in good order; nothing is changed."""
        self._is_over = True
        self._link.close()

    def abort(self) -> None:
        """Reset the connection at once, from any thread."""
        self._is_over = True
        self._link.abort()
