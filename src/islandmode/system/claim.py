"""The claim on a run: a small file. Once it is renamed, the conductor may do nothing but restore.

Renaming needs no room on a full disk, and succeeds for exactly one of several processes. On a frozen disk renaming blocks, and
on a hanging disk reading blocks as well: so a run asks through a child process, and an answer that comes too late is *unknown*.
"""

from __future__ import annotations

import asyncio
import os
import socket
from contextlib import suppress
from pathlib import Path
from typing import Protocol

import anyio

from islandmode.system.apart import ANSWER_BYTES, Apart, apart
from islandmode.system.modes import open_file

FREE, TAKEN = "claim.conductor", "claim.taken"
ANSWER_S = 2.0
LOOK, TAKE = b"look", b"take"


class Claim(Protocol):
    """The right to change devices in a run: the conductor's, until another process takes it."""

    async def take(self) -> bool | None:
        """Take the run from its conductor; true for exactly one caller, None when the disk did not say. Never raises."""
        ...

    async def is_free(self) -> bool | None:
        """Tell whether the conductor may still do more than restore; None when the disk did not say. Never raises."""
        ...


class FileClaim:
    """A claim in a run's folder."""

    def __init__(self, folder: Path) -> None:
        """Know the folder."""
        self._free, self._taken = folder / FREE, folder / TAKEN

    def make(self) -> None:
        """Create the claim, before anything is armed; raises OSError."""
        os.close(open_file(self._free, os.O_CREAT | os.O_EXCL | os.O_WRONLY))

    def rename(self) -> None:
        """Take the run from its conductor; raises OSError when another process has."""
        self._free.rename(self._taken)

    def exists(self) -> bool:
        """Tell whether it is still free."""
        return self._free.exists()

    def take_within(self, within_s: float) -> str:
        """Take the run from its conductor, and wait no longer for the disk; returns why that was not seen. Never raises."""
        return apart(self.rename, within_s)


class ClaimApart:
    """A claim as conductor and guardian use it: a child process looks and renames, so that neither waits for a disk."""

    def __init__(self, folder: Path) -> None:
        """Start the child, which a restore must not have to start; raises OSError."""
        claim = FileClaim(folder)
        self._child = Apart(lambda line: _serve(line, claim))
        self._asked = 0
        self._answers: dict[int, asyncio.Future[bool]] = {}
        self._silent = False
        self._loop: asyncio.AbstractEventLoop | None = None

    async def take(self) -> bool | None:
        """Take the run from its conductor; true for exactly one caller, None when the disk did not say. Never raises."""
        return await self._ask(TAKE)

    async def is_free(self) -> bool | None:
        """Tell whether the conductor may still do more than restore; None when the disk did not say. Never raises."""
        # A disk that once did not answer is not asked again: the conductor restores already.
        return None if self._silent else await self._ask(LOOK)

    async def _ask(self, word: bytes) -> bool | None:
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
            self._loop.add_reader(self._child.line.fileno(), self._hear)
        self._asked += 1
        answer: asyncio.Future[bool] = self._loop.create_future()
        self._answers[self._asked] = answer
        try:
            self._child.line.send(word + b" %d" % self._asked)
            with anyio.fail_after(ANSWER_S):
                return await answer
        except OSError:
            # TimeoutError is one of them.
            self._silent = True
            return None

    def _hear(self) -> None:
        try:
            while said := self._child.line.recv(ANSWER_BYTES):
                number, yes = said.split()
                answer = self._answers.pop(int(number), None)
                if answer is not None and not answer.done():
                    answer.set_result(yes == b"1")
        except BlockingIOError:
            return
        except OSError:
            pass
        # The child is gone; a waiting caller learns that from its deadline.
        self._listen_no_more()

    def close(self) -> None:
        """Let the child go; the claim is not changed."""
        self._listen_no_more()
        self._child.let_go()

    def _listen_no_more(self) -> None:
        if self._loop is not None:
            self._loop.remove_reader(self._child.line.fileno())


def _serve(line: socket.socket, claim: FileClaim) -> None:
    while said := line.recv(ANSWER_BYTES):
        word, number = said.split()
        yes = False
        # A claim that cannot be seen does not count as free.
        with suppress(OSError):
            if word == LOOK:
                yes = claim.exists()
            else:
                claim.rename()
                yes = True
        line.send(number + (b" 1" if yes else b" 0"))
