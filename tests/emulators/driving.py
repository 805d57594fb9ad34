"""Drives an emulated device by the lines of a recipe, one line at a time, as a drill does: through the product's console, or typed.

`StockConsole` is netmiko as it comes: it shows what an emulator says to another program, and what netmiko does by itself.
"""

from __future__ import annotations

import re
import time
from collections.abc import Collection, Iterable
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from netmiko import BaseConnection, ConnectHandler

from islandmode.core.recipe.model import Recipe
from islandmode.core.recipe.place import PointAt
from islandmode.core.recipe.preflight import Unmet, asks_of_needs, unmet_needs
from islandmode.core.recipe.reading import Shown, Unread, read_count, read_state, read_time, refused_by, was_already_so
from islandmode.core.recipe.steps import Ready, RunValues, asked_once, asks_of, step_lines
from islandmode.core.recipe.words import compiled
from islandmode.isolation.by_recipe.console import Console
from islandmode.isolation.platform import Access
from islandmode.system.clock import MachineClock
from tests.emulators.device import CliSession
from tests.emulators.plant import PASSWORD, USER
from tests.emulators.server import SshServer
from tests.patience import PATIENCE_S

PROMPT = r"(?:^|\n|\r)edge ?(?:\([^)\n]*\))? ?[>#$] ?$"


class StockConsole:
    """A session through netmiko as it comes."""

    def __init__(self, server: SshServer, kind: str, folder: Path, **more: Any) -> None:
        known_hosts = folder / "known_hosts"
        known_hosts.write_text(server.known_host, encoding="ascii")
        wanted = {"username": USER, "password": PASSWORD, "alt_key_file": str(known_hosts)} | more
        self.connection: BaseConnection = ConnectHandler(
            device_type=kind,
            host=server.host,
            port=server.port,
            ssh_strict=True,
            alt_host_keys=True,
            read_timeout_override=PATIENCE_S,
            conn_timeout=PATIENCE_S,
            banner_timeout=PATIENCE_S,
            auth_timeout=PATIENCE_S,
            **wanted,
        )
        self.is_over = False

    def say(self, line: str, prompt: str = PROMPT) -> str:
        """Send a line, and give what is shown until the next prompt, without the line and the prompt."""
        self.connection.write_channel(line + "\n")
        # A first prompt may be shown twice; the line itself is what its answer begins after.
        shown = self.read_until(re.escape(line) + r"[\s\S]*" + prompt)
        return re.sub(prompt, "\n", shown.split(line, 1)[1].replace("\r", "")).removeprefix("\n")

    def read_until(self, pattern: str) -> str:
        """Read until something is shown. netmiko alone would wait to the end of its patience on a connection that is lost."""
        shown, until_s = "", time.monotonic() + PATIENCE_S
        while not re.search(pattern, shown):
            client = self.connection.remote_conn_pre
            transport = client.get_transport() if client else None
            came = self.connection.read_channel()
            if not came and not (transport and transport.is_active()):
                raise ConnectionError("the connection is lost")
            if time.monotonic() > until_s:
                raise AssertionError(f"not within {PATIENCE_S:g} s: {pattern}; shown: {shown}")
            shown += came
            time.sleep(0.005)
        return shown

    def close(self) -> None:
        """Log out, if nothing ended it before."""
        if not self.is_over:
            self.connection.disconnect()
        self.is_over = True

    def abort(self) -> None:
        """Let go of the connection without a word."""
        # paramiko says goodbye also where nobody hears it.
        with suppress(EOFError, OSError):
            self.connection.paramiko_cleanup()
        self.is_over = True


class Typist:
    """A session without SSH, for what has nothing to do with it."""

    def __init__(self, session: CliSession | None) -> None:
        assert session is not None
        self.session = session

    def say(self, line: str) -> str:
        """Type a line; the connection must hold."""
        reply = self.session.device.take(self.session, line)
        if reply.hangs_up:
            raise ConnectionError(line)
        return reply.text


Speaks = Console | StockConsole | Typist


def opened(server: SshServer, recipe: Recipe, folder: Path) -> Console:
    """Log in as a drill does."""
    known_hosts = folder / "known_hosts"
    known_hosts.write_text(server.known_host, encoding="ascii")
    access = Access(server.host, server.port, USER, "sudo", known_hosts, PASSWORD)
    console = Console(access, recipe, MachineClock.of_this_boot())
    console.open()
    return console


class RefusedError(Exception):
    """A line was refused, or its answer is not what it must be."""


def carry_out(
    console: Speaks, recipe: Recipe, step: str, at: PointAt, run: RunValues, only: Collection[str] | None = None
) -> None:
    """Send the lines of a step."""
    send(console, recipe, step_lines(recipe, step, at, run, only))


def send(console: Speaks, recipe: Recipe, lines: Iterable[Ready]) -> None:
    """Send lines, each after the prompt of the one before it; stop at the first that is refused."""
    for line in lines:
        answer = console.say(line.send)
        refused = None if was_already_so(recipe, answer) else refused_by(recipe, answer)
        if refused is not None:
            raise RefusedError(f"{line.send}: {refused}")
        if line.must is not None and not compiled(line.must).search(answer):
            raise RefusedError(f"{line.send} does not show {line.must}: {answer}")
        if line.must_not is not None and compiled(line.must_not).search(answer):
            raise RefusedError(f"{line.send} shows {line.must_not}: {answer}")


def time_of(console: Speaks, recipe: Recipe) -> datetime:
    """Ask for the device's own time."""
    assert recipe.device_time is not None
    told = read_time(recipe.device_time, console.say(recipe.device_time.ask))
    assert isinstance(told, datetime), told
    return told


def state_of(console: Speaks, recipe: Recipe, at: PointAt, conduit: str) -> Shown | Unread:
    """Ask for the state of a conduit."""
    answers = {ask: console.say(ask) for ask in asked_once(asks_of(recipe, recipe.reads.state, at, conduit))}
    return read_state(recipe, at, conduit, answers, time_of(console, recipe))


def shown_of(console: Speaks, recipe: Recipe, at: PointAt, conduit: str) -> Shown:
    """Ask for the state of a conduit, which must be readable."""
    state = state_of(console, recipe, at, conduit)
    assert isinstance(state, Shown), state
    return state


def count_of(console: Speaks, recipe: Recipe, at: PointAt, conduit: str) -> int | Unread:
    """Ask what was counted."""
    answers = {ask: console.say(ask) for ask in asked_once(asks_of(recipe, recipe.reads.counts, at, conduit))}
    return read_count(recipe, at, conduit, answers)


def unmet(console: Speaks, recipe: Recipe, at: PointAt) -> list[Unmet]:
    """Ask for what a recipe needs, and give what is not so."""
    return list(unmet_needs(recipe, at, {ask: console.say(ask) for ask in asks_of_needs(recipe, at)}))
