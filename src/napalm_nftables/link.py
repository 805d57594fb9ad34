"""One SSH connection to a device: commands with exit codes, channels, and an end that no hung call can prevent.

`abort` may be called from another thread at any moment. It resets the TCP connection instead of closing it, so that
what still waits in this machine's send queue is thrown away. What has arrived in the device's own queue is not: a server
that was held up reads it when it goes on, even if the connection is gone.
"""

from __future__ import annotations

import secrets
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import paramiko

from napalm_nftables.errors import DeviceSilent, LinkLost, NoCommand
from napalm_nftables.transport import Login, log_in

ANSWER_MAX_BYTES = 16 * 1024 * 1024
SESSIONS = 2
"""The held-open nft, and one command."""
OPENINGS = 5
"""How often a session is asked for, with a round trip between, before the device counts as one that opens too few."""
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


@dataclass(frozen=True)
class Answer:
    """What one command answered."""

    stdout: str
    stderr: str
    code: int

    @property
    def why(self) -> str:
        """Give the device's own words for a failure."""
        return (self.stderr or self.stdout).strip() or f"exit code {self.code}"


class DeviceLink:
    """A connection to one device; opened once, and never again after `abort` or `close`."""

    def __init__(self, login: Login) -> None:
        """Know where to log in; nothing is contacted yet."""
        self.login = login
        self._sock: socket.socket | None = None
        self._session: paramiko.Transport | None = None
        self._ended = False
        self.printed = ""
        """The first line of what the device printed before the last command, which a login file did."""

    def open(self) -> None:
        """Connect and log in, once."""
        with self._bounded(self.login.timeout_s):
            try:
                sock = socket.create_connection((self.login.host, self.login.port), self.login.timeout_s)
            except OSError as error:
                raise DeviceSilent(f"{self.login.device} cannot be reached: {error}.") from None
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._sock = sock
            if self._ended:
                self.abort()
            try:
                self._session = log_in(self.login, sock)
            finally:
                if self._session is None:
                    # A connection whose login was refused stays open, and a thread with it.
                    self.abort()

    @property
    def alive(self) -> bool:
        """Tell whether the connection stands, as far as this side knows."""
        transport = self._transport()
        return transport is not None and transport.is_active()

    def abort(self) -> None:
        """End the connection at once and throw away what was not sent yet; safe from any thread, never blocks."""
        self._ended = True
        sock = self._sock
        if sock is None:
            return
        try:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
            sock.close()
        except OSError:
            # Already closed by the other side's end of the connection: nothing is left that could be sent.
            return

    def close(self) -> None:
        """End the connection in good order; the device is not changed."""
        session, self._session = self._session, None
        if session is not None and not self._ended:
            session.close()
        self.abort()

    def run(self, command: str, stdin: str = "", deadline_s: float | None = None) -> Answer:
        """Run one command and wait for its exit code; past the deadline the connection is ended."""
        # A login file may print: what came before the mark is not the command's.
        mark = f"mark{secrets.token_hex(8)}"
        with self._bounded(deadline_s or self.login.timeout_s):
            channel = self.channel(f"echo {mark}; echo {mark} >&2; {command}")
            if stdin:
                self._feed(channel, stdin)
            channel.shutdown_write()
            stdout = self._whole(channel.makefile("rb"), command)
            stderr = self._whole(channel.makefile_stderr("rb"), command)
            code = channel.recv_exit_status()
            channel.close()
        if code == -1:
            raise LinkLost(f"The connection to {self.login.device} ended before the command did.")
        before, marked, answer = stdout.partition(f"{mark}\n")
        earlier, split, complaint = stderr.partition(f"{mark}\n")
        self.printed = _first_line(before) or (_first_line(earlier) if split else "")
        if not marked:
            told = dict.fromkeys(f'"{words}"' for words in (_first_line(before), _last_line(stderr)) if words)
            words = f"said {' and '.join(told)}" if told else f"ended with exit code {code}, without a word"
            raise self._no_command(
                f"it ran no command and {words}; give that user a plain shell such as /bin/sh, without a forced command, and a "
                "password that has not expired"
            )
        return Answer(answer, complaint if split else stderr, code)

    def _feed(self, channel: paramiko.Channel, stdin: str) -> None:
        channel.sendall(stdin.encode())

    def _whole(self, answer: paramiko.file.BufferedFile[Any], command: str) -> str:
        """Read an answer to its end; an endless answer must not fill the memory that a restore needs."""
        data = answer.read(ANSWER_MAX_BYTES + 1)
        if len(data) > ANSWER_MAX_BYTES:
            self.abort()
            raise LinkLost(f"{self.login.device} answered more than {ANSWER_MAX_BYTES} bytes to {command}.")
        return data.decode(errors="replace")

    def channel(self, command: str, deadline_s: float | None = None) -> paramiko.Channel:
        """Start a command on a channel of its own and leave it open."""
        transport = self._transport()
        if transport is None:
            raise LinkLost(f"There is no connection to {self.login.device}.")
        with self._bounded(deadline_s or self.login.timeout_s):
            channel = self._open_session(transport, deadline_s or self.login.timeout_s)
            channel.exec_command(command)
        return channel

    def _open_session(self, transport: paramiko.Transport, deadline_s: float) -> paramiko.Channel:
        for _ in range(OPENINGS):
            with suppress(paramiko.ChannelException):
                return transport.open_session(timeout=deadline_s)
            # The session of the command before may still count there. A round trip later its end was read.
            transport.global_request("keepalive@openssh.com", wait=True)
        raise self._no_command(
            f"it opens too few sessions on one connection, and {SESSIONS} are needed at once; set MaxSessions {SESSIONS} or more in "
            "its sshd_config"
        )

    def _no_command(self, what: str) -> NoCommand:
        return NoCommand(self.login.device, self.login.user, what)

    def _transport(self) -> paramiko.Transport | None:
        return None if self._ended else self._session

    @contextmanager
    def _bounded(self, deadline_s: float) -> Iterator[None]:
        """Bound a block of calls that paramiko would let wait for ever, and name their failure."""
        timer = threading.Timer(deadline_s, self.abort)
        timer.daemon = True
        timer.start()
        try:
            yield
        except (paramiko.SSHException, OSError, EOFError) as error:
            ended = "was ended" if self._ended else "broke"
            why = str(error) or "the device closed it"
            raise LinkLost(f"The connection to {self.login.device} {ended} in the middle of a call: {why}.") from None
        finally:
            timer.cancel()


def _first_line(text: str) -> str:
    return next((line.strip().rstrip(".") for line in text.splitlines() if line.strip()), "")


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1].rstrip(".") if lines else ""
