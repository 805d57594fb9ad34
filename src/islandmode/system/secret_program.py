"""A program that prints a secret: started without a shell and with a deadline. Nothing that it prints is ever repeated.

It ends when its process ends, not when its output does: what it left running in the background may hold that open.
"""

from __future__ import annotations

import os
import pwd
import selectors
import signal
import stat
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from islandmode.system.clock import Clock
from islandmode.system.process import EMPTY_ENVIRONMENT

WITHIN_S = 3.0
"""The guardian and the proof of a restore have 5 s to start beside their login, and each asks for the secret again."""
KILL_S = 1.0
CHUNK = 65536


class NotPrinted(Exception):
    """Why a program gave no secret, as the end of a sentence that begins with its name."""


def printed_by(argv: Sequence[str], clock: Clock, *, within_s: float, most_bytes: int) -> bytes:
    """Give what a program prints on its standard output; raises `NotPrinted`, and ends the program then."""
    child = _start(argv)
    try:
        data = _read(child, clock, within_s, most_bytes)
        code = child.wait()
    except BaseException:
        _kill(child)
        raise
    finally:
        if child.stdout is not None:
            child.stdout.close()
    if code:
        how = f"ended with exit code {code}" if code > 0 else f"was ended by signal {-code}"
        raise NotPrinted(f"{how}; run it as this account to see why")
    if not data.strip():
        raise NotPrinted("printed nothing; it must print the secret on its standard output")
    return data


def _start(argv: Sequence[str]) -> subprocess.Popen[bytes]:
    try:
        if Path(argv[0]).stat().st_mode & stat.S_IWOTH:
            raise NotPrinted(f"can be changed by every account; protect it: chmod o-w {argv[0]}")
        return subprocess.Popen(
            list(argv),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=_environment(),
            cwd="/",
            start_new_session=True,
        )
    except OSError as error:
        raise NotPrinted(
            f"cannot be started ({error.strerror}); name a program that this account may execute"
        ) from None


def _environment() -> dict[str, str]:
    """Give the same environment in every process of a run: the guardian's own is empty."""
    with suppress(KeyError):
        return EMPTY_ENVIRONMENT | {"HOME": pwd.getpwuid(os.geteuid()).pw_dir}
    return dict(EMPTY_ENVIRONMENT)


def _read(child: subprocess.Popen[bytes], clock: Clock, within_s: float, most_bytes: int) -> bytes:
    """Read until the program has ended and its pipe is empty."""
    assert child.stdout is not None  # noqa: S101 - it was asked for
    pipe, ended, data = child.stdout.fileno(), os.pidfd_open(child.pid), b""
    until_us = clock.monotonic_us() + round(within_s * 1_000_000)
    try:
        with selectors.DefaultSelector() as ready:
            for number in (pipe, ended):
                ready.register(number, selectors.EVENT_READ)
            while len(data) <= most_bytes:
                left_s = (until_us - clock.monotonic_us()) / 1_000_000
                if left_s <= 0:
                    raise NotPrinted(
                        f"did not end within {within_s:g} s; it can ask nobody, and must print the secret by itself"
                    )
                numbers = {key.fd for key, _ in ready.select(left_s)}
                if pipe in numbers:
                    chunk = os.read(pipe, CHUNK)
                    data += chunk
                    if not chunk:
                        ready.unregister(pipe)
                elif ended in numbers:
                    return data
        raise NotPrinted(f"printed more than {most_bytes} bytes; it must print the secret and nothing else")
    finally:
        os.close(ended)


def _kill(child: subprocess.Popen[bytes]) -> None:
    """End a program with all that it started in its session, and do not wait long for that."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, signal.SIGKILL)
    try:
        child.wait(KILL_S)
    except subprocess.TimeoutExpired:
        # From here on init owns it; without this Python would complain that it still runs.
        child.returncode = 0
