"""A TCP connection on which a question gets its own answer, also when older answers arrive first.

Standard library only and Python 3.9: it goes to far hosts with the worker.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import struct
from typing import Any, Protocol

from islandmode.observe.answers import REFUSED, Bad, Trace, Unknown, hear_icmp, icmp_sender, refusal

UNREAD_MAX_BYTES = 4 * 1024 * 1024


class Lost(Exception):
    """The connection ended; `error` is None where the other end closed it properly."""

    def __init__(self, error: Exception | None) -> None:
        """Keep what ended it."""
        super().__init__("the connection was closed" if error is None else "the connection was reset")
        self.error = error
        self.when = ""
        """Said where it ended before this question was asked."""


class Incoming(asyncio.Protocol):
    """Bytes that have arrived on a connection and were not read yet; bounded."""

    def __init__(self) -> None:
        """Nothing has come yet."""
        self._data = bytearray()
        self._lost: Lost | None = None
        self._news = asyncio.Event()
        self._transport: asyncio.BaseTransport | None = None
        self.traces: list[Trace] = []
        """Looks that wait for an answer now."""

    @property
    def lost(self) -> Lost | None:
        """Tell whether, and how, the connection has ended."""
        return self._lost

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Keep the bytes, and wake the waiting reader."""
        for trace in self.traces:
            trace.began = True
        self._data += data
        self._news.set()
        if len(self._data) > UNREAD_MAX_BYTES and isinstance(self._transport, asyncio.Transport):
            self._transport.abort()

    def eof_received(self) -> None:
        """Note that the other end closed."""
        self._end(None)

    def connection_lost(self, exc: Exception | None) -> None:
        """Note how it ended."""
        self._end(exc)

    def _end(self, error: Exception | None) -> None:
        if self._lost is None:
            self._lost = Lost(error)
        self._news.set()

    async def _more(self) -> None:
        if self._lost is not None:
            raise self._lost
        self._news.clear()
        await self._news.wait()

    async def first(self) -> bytes:
        """Return the unread bytes as soon as there are any; they stay unread."""
        while not self._data:
            await self._more()
        return bytes(self._data)

    async def exactly(self, size: int) -> bytes:
        """Read so many bytes."""
        while len(self._data) < size:
            await self._more()
        return self._take(size)

    async def line(self, most: int) -> bytes:
        """Read to the next line feed; returns the line without its end, which may lack the carriage return."""
        while (end := self._data.find(b"\n")) < 0:
            if len(self._data) > most:
                break
            await self._more()
        if not 0 <= end <= most:
            raise Bad("the answer has a line of more than %d bytes" % most)
        line = self._take(end + 1)[:-1]
        return line[:-1] if line.endswith(b"\r") else line

    def _take(self, size: int) -> bytes:
        taken = bytes(self._data[:size])
        del self._data[:size]
        return taken

    def clear(self) -> None:
        """Drop the unread bytes."""
        self._data.clear()


class Talk(Protocol):
    """How one protocol puts questions and takes in answers."""

    def number(self, asked: int) -> int:
        """Give the number of a question."""
        ...

    def question(self, number: int) -> bytes:
        """Put a question into bytes."""
        ...

    async def next(self, incoming: Incoming) -> tuple[int, Any]:
        """Take in one answer, with the number of its question."""
        ...


async def connected(target: str, port: int) -> socket.socket:
    """Open a TCP connection; names the refusing host where the system reports it."""
    try:
        family = socket.AF_INET6 if ipaddress.ip_address(target).version == 6 else socket.AF_INET
    except ValueError:
        raise Unknown("the target is not an address") from None
    try:
        opened = socket.socket(family, socket.SOCK_STREAM)
    except OSError as error:
        raise refusal(error) from None
    try:
        opened.setblocking(False)
        hear_icmp(opened, wanted=True)
        await asyncio.get_running_loop().sock_connect(opened, (target, port))
        # An open connection outlives ICMP errors, as TCP means it to: a canary must be able to go on after restore.
        hear_icmp(opened, wanted=False)
    except OSError as error:
        sender = icmp_sender(opened)
        opened.close()
        raise refusal(error, sender) from None
    except BaseException:
        opened.close()
        raise
    return opened


class Connection:
    """A connection that is opened once; answers find the question that they answer by its number."""

    def __init__(self, target: str, port: int, talk: Talk) -> None:
        """Know the target; nothing is connected yet."""
        self._target, self._port, self._talk = target, port, talk
        self._incoming = Incoming()
        self._transport: asyncio.Transport | None = None
        self._listening: asyncio.Future[None] | None = None
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._unanswered: set[int] = set()
        self._asked = 0
        self._over: Exception | None = None

    @property
    def is_open(self) -> bool:
        """Tell whether questions can be asked."""
        return self._transport is not None and self._incoming.lost is None and self._over is None

    async def open(self, trace: Trace) -> None:
        """Connect; an accepted connection counts as an answer."""
        opened = await connected(self._target, self._port)
        trace.accepted = True
        loop = asyncio.get_running_loop()
        try:
            self._transport, self._incoming = await loop.create_connection(Incoming, sock=opened)
        except BaseException:
            opened.close()
            raise

    def close(self) -> None:
        """Drop the connection at once: an answer that is still on its way must not answer a later question."""
        if self._listening is not None:
            self._listening.cancel()
        if self._transport is not None:
            self._transport.abort()
        self._transport = self._listening = None

    async def ask(self, trace: Trace) -> Any:
        """Ask once; returns the answer to this very question, raises `Lost` when the connection has ended."""
        if isinstance(self._over, Bad):
            raise Bad("the connection was given up, as %s" % self._over, REFUSED)
        if self._transport is None or self._incoming.lost is not None:
            lost = self._incoming.lost or Lost(None)
            lost.when = " with an earlier answer still due" if self._unanswered else " after the answer"
            raise lost
        self._asked += 1
        number = self._talk.number(self._asked)
        try:
            question = self._talk.question(number)
        except (struct.error, KeyError, TypeError, ValueError):
            raise Unknown("the question cannot be put into bytes, so nothing was sent") from None
        if not self._unanswered:
            # What comes unasked answers nothing: some devices send more bytes than they say.
            self._incoming.clear()
        self._unanswered.add(number)
        self._waiting[number] = asyncio.get_running_loop().create_future()
        self._incoming.traces.append(trace)
        try:
            self._listen_on()
            self._transport.write(question)
            return await self._waiting[number]
        finally:
            del self._waiting[number]
            self._incoming.traces.remove(trace)

    def _listen_on(self) -> None:
        """Take in answers while any is due, also to questions whose sample has ended."""
        if self._listening is None or self._listening.done():
            self._listening = asyncio.ensure_future(self._listen())
            self._listening.add_done_callback(self._ended)

    async def _listen(self) -> None:
        while self._unanswered:
            number, answer = await self._talk.next(self._incoming)
            if number not in self._unanswered:
                raise Bad("it answered question %d, which was not asked" % number)
            self._unanswered.discard(number)
            waiting = self._waiting.get(number)
            if waiting is not None and not waiting.done():
                waiting.set_result(answer)

    def _ended(self, listening: asyncio.Future[None]) -> None:
        failure = None if listening.cancelled() else listening.exception()
        if failure is None:
            return
        # The boundary between answers is lost.
        self._over = failure if isinstance(failure, Exception) else None
        if self._transport is not None:
            self._transport.abort()
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(failure)


def ended(lost: Lost, trace: Trace) -> Bad:
    """Say how a connection ended where an answer was to come."""
    when = " in the middle of an answer" if trace.began else lost.when or " instead of an answer"
    return Bad(str(lost) + when, REFUSED)
