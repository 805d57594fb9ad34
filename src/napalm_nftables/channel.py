"""One `nft -i` on the device, held open: a change is one written line, and an answer is asked for on a following line.

`nft -i` says nothing when a line succeeds, and a `list` within a line shows the state from before that line. So
`write` never waits, and `ask` writes its line and then a *mark*: a line that must fail, naming a table that cannot
exist. Errors of earlier lines stand before the mark's own error in the same stream; silence up to the deadline is
*unknown*, and then the channel is dead, because a later answer could not be told from the answer to a later question.
"""

from __future__ import annotations

import itertools
import secrets
import time
from dataclasses import dataclass

import paramiko

from napalm_nftables.errors import LinkLost
from napalm_nftables.firewall import Firewall

_CHUNK, ANSWER_MAX_BYTES = 65536, 4 * 1024 * 1024
_EXIT_CODE_S = 0.2
_NO_RIGHTS = "cache initialization failed"
_MARK = "list table inet napalm_nftables_mark_"


@dataclass(frozen=True)
class NftAnswer:
    """What nft said up to the mark: JSON text for each question, "" where it was refused, and all errors since the last."""

    texts: tuple[str, ...]
    errors: tuple[str, ...]

    @property
    def text(self) -> str:
        """Give the answer to a single question."""
        return self.texts[0]


class NftChannel:
    """A held-open `nft -j -i`. One thread at a time; `end` may come from any thread."""

    def __init__(self, channel: paramiko.Channel, begin: str = "") -> None:
        """Own a channel on which nft was just started, after a line that says where its words begin; see `open_channel`."""
        self._channel = channel
        self._begin = f"{begin}\n".encode() if begin else b""
        self._numbers = itertools.count(1)
        self._received = b""
        self.alive = True

    def write(self, line: str) -> None:
        """Write one line and do not wait: whether it took effect is what `ask` is for."""
        self._send((line,))

    def _send(self, lines: tuple[str, ...]) -> None:
        if any("\n" in line for line in lines):
            raise ValueError("A change, or a question, is one line.")
        try:
            self._channel.sendall("".join(f"{line}\n" for line in lines).encode())
        except (OSError, EOFError, paramiko.SSHException) as error:
            self.alive = False
            words = self._last_words() or self._end() or str(error)
            raise LinkLost(f"The line could not be written to the device: {words}.") from None

    def ask(self, *lines: str, deadline_s: float) -> NftAnswer | None:
        """Write `list` lines at once and return their answers; None when the device was silent up to the deadline."""
        mark = f"{_MARK}{next(self._numbers)}"
        self._send((*lines, mark))
        until_s = time.monotonic() + deadline_s
        while True:
            answer = _split(self._said(), lines, mark)
            if answer is not None:
                self._received = b""
                return answer
            if not self._receive(until_s - time.monotonic()):
                self.alive = False
                return None

    def _said(self) -> str:
        """Give what nft has said since the last answer: what a login file printed before it started is no answer."""
        if self._begin:
            _, begun, rest = self._received.partition(self._begin)
            if not begun:
                return ""
            self._received, self._begin = rest, b""
        return self._received.decode(errors="replace")

    def _end(self) -> str:
        """Say with which exit code it ended; empty where none came. That comes behind the last of its words."""
        self._channel.status_event.wait(_EXIT_CODE_S)
        code = self._channel.exit_status
        return "" if code == -1 else f"it ended with exit code {code}, without a word"

    def _last_words(self) -> str:
        """Give the last line that nft, or what stands before it, has said: why it ended, perhaps."""
        while self._channel.recv_ready():
            self._received += self._channel.recv(_CHUNK)
        said = self._said() if self._begin in self._received else self._received.decode(errors="replace")
        return said.strip().rpartition("\n")[2].rstrip(".")

    def close(self) -> None:
        """End nft on the device by closing its input; the ruleset is not changed."""
        self.alive = False
        self._channel.close()

    def _receive(self, wait_s: float) -> bool:
        if wait_s <= 0:
            return False
        self._channel.settimeout(wait_s)
        try:
            data: bytes = self._channel.recv(_CHUNK)
        except TimeoutError:
            return False
        if not data:
            self.alive = False
            last = self._last_words() or self._end()
            raise LinkLost(f"nft ended on the device, or the connection to it did{f': {last}' if last else ''}.")
        self._received += data
        if len(self._received) > ANSWER_MAX_BYTES:
            self.alive = False
            raise LinkLost(f"nft answered more than {ANSWER_MAX_BYTES} bytes, and went on.")
        return True


def open_channel(firewall: Firewall, deadline_s: float = 10.0) -> NftChannel:
    """Start `nft -i` on the firewall's own connection; whether it works is known after the first `ask`.

    HOME is /dev/null so that nft leaves no history file behind; TERM keeps its line editor quiet.
    """
    begin = f"begin{secrets.token_hex(8)}"
    # One stream for answers and errors: only so is their order certain.
    command = f"echo {begin}; HOME=/dev/null TERM=dumb LC_ALL=C {firewall.nft} -j -i 2>&1"
    return NftChannel(firewall.link.channel(command, deadline_s), begin)


def _split(received: str, lines: tuple[str, ...], mark: str) -> NftAnswer | None:
    """Take the answers out of what was received; None while they are not complete."""
    complete = received.split("\n")[:-1]
    if any(_NO_RIGHTS in part for part in complete):
        # Without root nft answers every line with this, and quotes none.
        return NftAnswer(tuple("" for _ in lines), _errors(complete))
    # The mark's error ends with a line of carets, which must not be left for the next question.
    if mark not in complete[:-1]:
        return None
    listings = [part for part in complete if part.startswith("{")]
    # Listings are matched apart from errors: a program between nft and this end may mix its two streams.
    said = [part for part in complete if not part.startswith("{")]
    at = said.index(mark)
    errors = _errors(said[: at - 1] + said[at + 2 :])
    refused = [any(error.endswith(f" | {line}") for error in errors) for line in lines]
    if len(listings) < refused.count(False):
        # For the same reason the mark may come before a listing.
        return None
    given = iter(listings)
    return NftAnswer(tuple("" if no else next(given) for no in refused), errors)


def _errors(lines: list[str]) -> tuple[str, ...]:
    """Put the lines of each error together, with the line that caused it; a line editor's chatter is left out."""
    found: list[list[str]] = []
    for text in lines:
        if "Error:" in text:
            found.append([text.strip()])
        elif found and text.strip(" ^~"):
            found[-1].append(text.strip())
    return tuple(" | ".join(parts) for parts in found)
