"""A TCP connection on which a question gets its own answer, also when older answers arrive first.

Standard library only and Python 3.9: it goes to far hosts with the worker.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import struct
import types
from collections.abc import Callable, Coroutine, Generator
from typing import Any, Optional, Protocol

from islandmode.observe.answers import NOTHING, REFUSED, SILENCE, Bad, Trace, Unknown, hear_icmp, icmp_sender, refusal
from islandmode.observe.readiness import WRITE, readiness

UNREAD_MAX_BYTES = 4 * 1024 * 1024
READ_BYTES = 16 * 1024
Told = Callable[[Any, Optional[Exception]], None]
"""Called once with the answer to a question, or with why it got no answer."""

Whole = Callable[[bytes], Optional[tuple[int, Any]]]
"""What a talk may have beside `next`: takes an answer that came in one piece, or gives None."""


class Lost(Exception):
    """The connection ended; `error` is None where the other end closed it properly."""

    def __init__(self, error: Exception | None) -> None:
        """Keep what ended it."""
        # After a quarter of an hour in which nothing came back, the system ends a connection by itself.
        self.silent = isinstance(error, OSError) and error.errno in SILENCE
        how = (
            "closed" if error is None else "given up by its own host, as nothing came back" if self.silent else "reset"
        )
        super().__init__("the connection was " + how)
        self.error = error
        self.when = ""
        """Said where it ended before this question was asked."""


class Incoming:
    """Bytes that have arrived on a connection and were not read yet, for a reader that waits for nothing else."""

    def __init__(self) -> None:
        """Nothing has come yet."""
        self._data = bytearray()
        self._lost: Lost | None = None

    @property
    def lost(self) -> Lost | None:
        """Tell whether, and how, the connection has ended."""
        return self._lost

    def take_in(self, data: bytes) -> bool:
        """Keep what came; false where it is too much."""
        self._data += data
        return len(self._data) <= UNREAD_MAX_BYTES

    def end(self, error: Exception | None) -> None:
        """Note how the connection ended; the first way stays."""
        if self._lost is None:
            self._lost = Lost(error)

    async def _more(self) -> None:
        if self._lost is not None:
            raise self._lost
        await _until_there_is_more()

    async def first(self) -> bytes:
        """Return the unread bytes as soon as there are any; they stay unread."""
        while not self._data:
            await self._more()
        return bytes(self._data)

    async def exactly(self, size: int) -> bytes:
        """Read so many bytes."""
        data = self._data
        while len(data) < size:
            await self._more()
        taken = bytes(data[:size])
        del data[:size]
        return taken

    async def line(self, most: int) -> bytes:
        """Read to the next line feed; returns the line without its end, which may lack the carriage return."""
        while (end := self._data.find(b"\n")) < 0:
            if len(self._data) > most:
                break
            await self._more()
        if not 0 <= end <= most:
            raise Bad("the answer has a line of more than %d bytes" % most)
        line = bytes(self._data[:end])
        del self._data[: end + 1]
        return line[:-1] if line.endswith(b"\r") else line

    def clear(self) -> None:
        """Drop the unread bytes."""
        self._data.clear()


@types.coroutine
def _until_there_is_more() -> Generator[None, None, None]:
    """Stop a reader here; its connection goes on with it when bytes have come, with no task and no event."""
    yield


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
        self._whole: Whole | None = getattr(talk, "whole", None)
        self._untouched = False
        """Since nothing was due, only whole answers have come, so the next byte begins an answer."""
        self._incoming = Incoming()
        self._socket: socket.socket | None = None
        self._unsent = bytearray()
        self._listening: Coroutine[Any, Any, None] | None = None
        self._waiting: dict[int, tuple[Trace, Told]] = {}
        self._unanswered: set[int] = set()
        self._asked = 0
        self._over: Exception | None = None
        self.is_open = False
        """Questions can be asked."""

    async def open(self, trace: Trace) -> None:
        """Connect; an accepted connection counts as an answer."""
        opened = await connected(self._target, self._port)
        trace.accepted = True
        try:
            opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            readiness().watch(opened.fileno(), self._ready)
        except OSError as error:
            # The target has accepted: whatever this is, it is this machine's own.
            opened.close()
            raise Unknown((error.strerror or type(error).__name__).lower()) from None
        self._socket, self._incoming, self.is_open = opened, Incoming(), self._over is None

    def close(self) -> None:
        """Drop the connection at once: an answer that is still on its way must not answer a later question."""
        self._listening = None
        self._leave()

    async def ask(self, trace: Trace) -> Any:
        """Ask once; returns the answer to this very question, raises `Lost` when the connection has ended."""
        answered = asyncio.get_running_loop().create_future()

        def told(answer: Any, failure: Exception | None) -> None:
            if answered.done():
                return
            if failure is None:
                answered.set_result(answer)
            else:
                answered.set_exception(failure)

        self.put(trace, told)
        try:
            return await answered
        finally:
            self.give_up(told)

    def put(self, trace: Trace, told: Told) -> None:
        """Ask once, and be told later; raises what `ask` raises where that is known at once."""
        if isinstance(self._over, Bad):
            raise Bad("the connection was given up, as %s" % self._over, REFUSED)
        if self._socket is None or self._incoming.lost is not None:
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
            self._untouched = True
        self._unanswered.add(number)
        self._send(self._socket, question)
        self._waiting[number] = (trace, told)

    def give_up(self, told: Told) -> None:
        """Tell no more; an answer that comes later answers nothing."""
        for number, (_, each) in list(self._waiting.items()):
            if each == told:
                del self._waiting[number]

    def _send(self, opened: socket.socket, question: bytes) -> None:
        """Send what there is room for, and keep the rest until there is."""
        sent = 0
        try:
            if not self._unsent:
                sent = opened.send(question)
        except BlockingIOError:
            pass
        except OSError as error:
            self._end(error)
            raise self._incoming.lost or Lost(error) from None
        if sent < len(question):
            self._unsent += question[sent:]
            readiness().wish(opened.fileno(), to_write=True)

    def _send_on(self, opened: socket.socket) -> None:
        try:
            del self._unsent[: opened.send(self._unsent)]
            if not self._unsent:
                readiness().wish(opened.fileno(), to_write=False)
        except BlockingIOError:
            pass
        except OSError as error:
            self._end(error)

    def _ready(self, events: int) -> None:
        """Take in what has come, and let the answers in it be told."""
        opened = self._socket
        if opened is not None and events & WRITE:
            self._send_on(opened)
            opened = self._socket
        if opened is None or not events & ~WRITE:
            return
        try:
            data = opened.recv(READ_BYTES)
        except BlockingIOError:
            return
        except OSError as error:
            self._end(error)
            return
        if not data:
            self._end(None)
            return
        for trace, _ in self._waiting.values():
            trace.began = True
        if self._untouched and self._whole is not None:
            # The usual case: an answer in one piece.
            found = self._whole(data)
            if found is not None and found[0] in self._unanswered:
                self._answered(*found)
                return
        self._untouched = False
        if self._incoming.take_in(data):
            self._listen_on()
        else:
            self._end(None)

    def _end(self, error: Exception | None) -> None:
        """Close the connection that has ended, and let what came before be read."""
        self._incoming.end(error)
        self._leave()
        self._listen_on()

    def _leave(self) -> None:
        self.is_open = False
        opened, self._socket = self._socket, None
        if opened is not None:
            readiness().forget(opened.fileno())
            opened.close()

    def _listen_on(self) -> None:
        """Take in answers while any is due, also to questions whose sample has ended."""
        if not self._unanswered:
            return
        if self._listening is None:
            self._listening = self._listen()
        try:
            self._listening.send(None)
        except (Bad, Lost) as failure:
            self._fail(failure)
        except Exception as failure:
            # A fault of this program's own: the sample says so, and so does the loop.
            self._fail(failure)
            raise

    async def _listen(self) -> None:
        while True:
            while not self._unanswered:
                await _until_there_is_more()
            number, answer = await self._talk.next(self._incoming)
            if number not in self._unanswered:
                raise Bad("it answered question %d, which was not asked" % number)
            self._answered(number, answer)

    def _answered(self, number: int, answer: Any) -> None:
        self._unanswered.discard(number)
        waiting = self._waiting.pop(number, None)
        if waiting is not None:
            waiting[1](answer, None)

    def _fail(self, failure: Exception) -> None:
        """Ask nothing more: the boundary between answers is lost."""
        self._over, self._listening = failure, None
        self._incoming.end(None)
        self._leave()
        waiting = list(self._waiting.values())
        self._waiting.clear()
        for _, told in waiting:
            told(None, failure)


def ended(lost: Lost, trace: Trace) -> Bad:
    """Say how a connection ended where an answer was to come."""
    if lost.silent and not trace.began:
        return Bad(str(lost), NOTHING)
    when = " in the middle of an answer" if trace.began else lost.when or " instead of an answer"
    return Bad(str(lost) + when, REFUSED)
