"""A message handed to a mail server: acknowledged by its 250 after the message. Blocks."""

from __future__ import annotations

import smtplib
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from islandmode.core.text import cleaned
from islandmode.system.append_there import NotAcknowledged

OK, FORWARDS = 250, 251
WHO = "islandmode"
"""Said in the greeting: this machine's own name would have to be looked up, and that may wait for a server."""
SAID_MAX = 200


def hand_over(server: tuple[str, int], sender: str, to: Sequence[str], message: bytes, within_s: float) -> str:
    """Hand a message over; returns the server's word for it. Raises `NotAcknowledged` where it did not take it for everybody."""
    try:
        smtp = smtplib.SMTP(timeout=within_s, local_hostname=WHO)
        try:
            smtp.connect(*server)
            smtp.file = _WholeLines(smtp.file)
            smtp.ehlo_or_helo_if_needed()
            _taken(smtp.mail(sender), "the sender")
            for address in to:
                _taken(smtp.rcpt(address), address)
            said = _taken(smtp.data(message), "the message")
            with suppress(OSError, smtplib.SMTPException):
                # Its answer is waited for by nobody: the message is taken.
                smtp.send("QUIT\r\n")
        finally:
            smtp.close()
    except smtplib.SMTPResponseException as error:
        raise NotAcknowledged(f"{error.smtp_code} {_words(error.smtp_error)}") from error
    except (smtplib.SMTPException, OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise NotAcknowledged(cleaned(why)[:SAID_MAX] or "the connection ended") from error
    return f"{OK} {said}"


class _WholeLines:
    """What the server says, line by line; a line that broke off is no answer."""

    def __init__(self, file: Any) -> None:
        """Read from a file."""
        self._file = file

    def readline(self, size: int) -> bytes:
        """Read a whole line; nothing where it is not whole."""
        line: bytes = self._file.readline(size)
        return line if line.endswith(b"\n") else b""

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def _taken(answer: tuple[int, bytes], what: str) -> str:
    code, said = answer
    if code not in (OK, FORWARDS):
        raise NotAcknowledged(f"it did not take {what} ({code} {_words(said)})")
    return _words(said)


def _words(said: bytes | str) -> str:
    text = said.decode(errors="replace") if isinstance(said, bytes) else said
    return cleaned(" ".join(text.split()))[:SAID_MAX]
