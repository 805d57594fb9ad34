"""Which sockets have something to read: one epoll for all kept connections, behind whatever event loop there is.

An event loop makes an object and a call of its own for each socket that is ready. With a thousand connections that costs more than
the reading, so the loop watches one descriptor here, and the sockets are asked for all at once.

Standard library only and Python 3.9: it goes to far hosts with the worker.
"""

from __future__ import annotations

import asyncio
import select
from collections.abc import Callable
from weakref import WeakKeyDictionary

READ, WRITE = select.EPOLLIN, select.EPOLLOUT
Ready = Callable[[int], None]
"""Called with what a socket is ready for; an error or an end counts as something to read."""


class Readiness:
    """The watched sockets of one event loop; it lives as long as there are any."""

    def __init__(self) -> None:
        """Watch nothing yet; raises OSError where this process can open nothing more."""
        self._epoll = select.epoll()
        self._ready: dict[int, Ready] = {}

    def watch(self, descriptor: int, ready: Ready) -> None:
        """Watch a socket for something to read."""
        if not self._ready:
            asyncio.get_running_loop().add_reader(self._epoll.fileno(), self.hear)
        self._epoll.register(descriptor, READ)
        self._ready[descriptor] = ready

    def wish(self, descriptor: int, *, to_write: bool) -> None:
        """Watch a socket also for room to write, or no longer."""
        self._epoll.modify(descriptor, READ | WRITE if to_write else READ)

    def forget(self, descriptor: int) -> None:
        """Watch a socket no more; call it before the socket is closed."""
        if self._ready.pop(descriptor, None) is None:
            return
        self._epoll.unregister(descriptor)
        if not self._ready:
            loop = asyncio.get_running_loop()
            loop.remove_reader(self._epoll.fileno())
            self._epoll.close()
            del LOOPS[loop]

    def hear(self) -> None:
        """Let every socket take in what has come."""
        if self._epoll.closed:
            return
        for descriptor, events in self._epoll.poll(0):
            # What was ready before may have been closed by what was ready first.
            ready = self._ready.get(descriptor)
            if ready is not None:
                ready(events)


LOOPS: WeakKeyDictionary[asyncio.AbstractEventLoop, Readiness] = WeakKeyDictionary()


def readiness() -> Readiness:
    """Give what watches the sockets of the loop that is running."""
    loop = asyncio.get_running_loop()
    found = LOOPS.get(loop)
    if found is None:
        found = LOOPS[loop] = Readiness()
    return found


def hear() -> None:
    """Take in what has come on the running loop's sockets, before anything more is asked."""
    found = LOOPS.get(asyncio.get_running_loop())
    if found is not None:
        found.hear()
