"""The process edge: children in sessions of their own, that end when told.

A terminal's Ctrl-C goes to its whole foreground group; a child in a session of its own does not get it, and goes on
until the parent ends it.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress

import anyio
from anyio.abc import ByteReceiveStream, Process
from anyio.streams.buffered import BufferedByteReceiveStream

from islandmode.system.clock import Clock

EMPTY_ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"}
"""The whole environment of a child, besides the variables given by name: nothing is inherited from the starting shell."""
CREDENTIALS = "CREDENTIALS_DIRECTORY"
"""The variable by which systemd says in which folder the credentials of a unit are; it is a path, and no secret."""
TERM_S = 3.0
KILL_S = 2.0
STEP_S = 0.01


def start(argv: Sequence[str], *, environment: Mapping[str, str] = EMPTY_ENVIRONMENT) -> subprocess.Popen[bytes]:
    """Start a child in a session of its own, with pipes to its standard input and output; no shell is used.

    It gets this environment and nothing from the parent's, which may hold secrets.
    """
    return subprocess.Popen(
        list(argv),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        # Not inherited: a child may outlive its parent, and would hold the caller's pipe or terminal open.
        stderr=subprocess.DEVNULL,
        env=environment,
        start_new_session=True,
    )


def environment_of_guards() -> dict[str, str]:
    """Give the environment of a process that must be able to log in without the shell that started the run."""
    return EMPTY_ENVIRONMENT | ({CREDENTIALS: os.environ[CREDENTIALS]} if CREDENTIALS in os.environ else {})


class PipeStream(ByteReceiveStream):
    """The read end of a pipe for anyio's buffered streams. It needs no thread; a pipe that fails counts as ended."""

    def __init__(self, number: int) -> None:
        """Take a descriptor, which stays its owner's."""
        os.set_blocking(number, False)
        self._number = number

    async def receive(self, max_bytes: int = 65536) -> bytes:
        """Wait for bytes."""
        while True:
            await anyio.wait_readable(self._number)
            try:
                data = os.read(self._number, max_bytes)
            except BlockingIOError:
                continue
            except OSError:
                data = b""
            if not data:
                raise anyio.EndOfStream
            return data

    async def aclose(self) -> None:
        """Do nothing: the pipe is its owner's."""


async def first_word(said: BufferedByteReceiveStream, most_bytes: int) -> bytes:
    """Wait for the first line of a child; where it does not end within bounds, give what there is of it."""
    try:
        return await said.receive_until(b"\n", most_bytes)
    except (anyio.IncompleteRead, anyio.DelimiterNotFound):
        return await said.receive(most_bytes) if said.buffer else b""


def hear_of_children_without_threads() -> None:
    """Let asyncio hear of a child's end from the kernel: before Python 3.12 it starts a thread for each, and may hang in that."""
    if sys.version_info < (3, 12):
        asyncio.set_child_watcher(asyncio.PidfdChildWatcher())


def end_group(process: Process) -> None:
    """Kill a program that leads a session, and everything that it started there, unless it has ended."""
    if process.returncode is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


async def stop(child: subprocess.Popen[bytes], *, clock: Clock, term_s: float = TERM_S) -> int | None:
    """End a child process: ask, wait, kill; returns its exit code, and closes its pipes. A second call has no effect.

    None means that it is still alive: a process that is blocked in a write to a frozen disk cannot be ended before the disk answers.
    """
    if child.poll() is None:
        child.terminate()
        await _ends(child, clock, term_s)
    if child.poll() is None:
        child.kill()
        await _ends(child, clock, KILL_S)
    for pipe in (child.stdin, child.stdout, child.stderr):
        if pipe is not None:
            _close(pipe)
    code = child.poll()
    if code is None:
        # From here on init owns it; without this Python would complain that it still runs.
        child.returncode = 0
    return code


async def _ends(child: subprocess.Popen[bytes], clock: Clock, longest_s: float) -> None:
    left_s = longest_s
    while child.poll() is None and left_s > 0:
        await clock.sleep(STEP_S)
        left_s -= STEP_S


def _close(pipe: object) -> None:
    """Close a pipe; what was still buffered for a child that has gone is lost, and that is right."""
    try:
        pipe.close()  # type: ignore[attr-defined] # Popen's pipes have no common type
    except BrokenPipeError:
        return
