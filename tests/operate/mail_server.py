"""A mail server on loopback that does what a test says: takes, refuses, hangs, or goes away in the middle."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

ANSWERS: dict[str, str | None] = {
    "EHLO": "250 mail",
    "MAIL": "250 ok",
    "RCPT": "250 ok",
    "DATA": "354 go on",
    ".": "250 2.0.0 queued as 4711",
}


@dataclass
class MailServer:
    """The server; `answers` is what it says to each command, and None where it says nothing."""

    port: int
    answers: dict[str, str | None]
    goes_at: str = ""
    messages: list[bytes] = field(default_factory=list)

    def serve(self, server: socket.socket) -> None:
        """Serve until the socket is closed."""
        with suppress(OSError):
            while True:
                connection, _ = server.accept()
                with connection, suppress(OSError), connection.makefile("rwb", buffering=0) as lines:
                    self._talk(lines)

    def _talk(self, lines: socket.SocketIO) -> None:
        self._say(lines, "220 mail")
        message: list[bytes] | None = None
        while line := lines.readline():
            word = line[:4].decode().strip().upper()
            if message is not None and line != b".\r\n":
                message.append(line)
                continue
            if message is not None:
                word = "."
                self.messages.append(b"".join(message))
            message = [] if word == "DATA" else None
            if word == self.goes_at:
                # Nobody can tell whether more was to come.
                lines.write(b"250")
                return
            answer = self.answers.get(word, "250 ok")
            if answer is None:
                lines.read()
                return
            self._say(lines, answer)

    def _say(self, lines: socket.SocketIO, words: str) -> None:
        lines.write(f"{words}\r\n".encode())


@contextmanager
def mail_server(goes_at: str = "", **answers: str | None) -> Iterator[MailServer]:
    """Run a mail server until the test ends; `done` stands for the end of the message."""
    given = {"." if word == "done" else word.upper(): answer for word, answer in answers.items()}
    with socket.create_server(("127.0.0.1", 0)) as server:
        made = MailServer(server.getsockname()[1], ANSWERS | given, "." if goes_at == "done" else goes_at.upper())
        thread = threading.Thread(target=made.serve, args=(server,), daemon=True)
        thread.start()
        try:
            yield made
        finally:
            server.shutdown(socket.SHUT_RDWR)
            thread.join()
