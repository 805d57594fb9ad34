"""The simulated world's event loop: hours of drill in milliseconds, the same order of everything for the same seed.

How it works. asyncio runs on this loop through anyio's `loop_factory`. Nothing here waits: when no callback is ready,
time jumps to the next timer. Callbacks that are ready at the same moment run in an order drawn from the seed, so a
thousand seeds try a thousand interleavings, and a seed always gives the same interleaving. anyio keeps its tasks in sets,
whose order depends on memory addresses; so ready callbacks are put into order of their tasks' birth before the shuffle.

What the world forbids, because it would let real time in: threads, sockets, child processes and blocking sleeps.
They raise at the place that tried. A world with nothing ready and no timer set is a deadlock; a world that runs for too
many steps, or for too much of its own time, has lost its way. All of these are raised as `WorldFault`.
"""

from __future__ import annotations

import asyncio
import heapq
import os
import random
import socket
import subprocess
import threading
import time
from asyncio import events
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from concurrent.futures import Executor
from contextlib import ExitStack, contextmanager
from contextvars import Context, ContextVar, copy_context
from dataclasses import dataclass
from typing import Any, NoReturn, TypeVar, TypeVarTuple

import anyio

PROCESS: ContextVar[str] = ContextVar("process", default="")
"""The simulated process to which a task belongs; its children inherit it. What belongs to none is the world itself."""

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

FORBIDDEN: tuple[tuple[Any, str, str], ...] = (
    (threading.Thread, "start", "a thread was started"),
    (socket.socket, "__init__", "a socket was opened"),
    (socket, "getaddrinfo", "a host name was looked up"),
    (subprocess.Popen, "__init__", "a child process was started"),
    (os, "fork", "a child process was started"),
    (time, "sleep", "a blocking sleep was called"),
)
"""What would let the real world in, and how to say that it was tried."""


class WorldFault(BaseException):
    """The simulated world cannot go on. Not an `Exception`: code under test must not be able to swallow it."""


class Deadlock(WorldFault):
    """Nothing is ready and no timer is set: a task that waits now waits for ever."""


class Endless(WorldFault):
    """The limit on steps or on virtual time was passed."""


class Forbidden(WorldFault):
    """Something reached out of the simulated world."""


@dataclass(frozen=True)
class LoopLimits:
    """Where a world must have ended: callbacks run, callbacks run at one moment, and its own seconds."""

    steps: int = 2_000_000
    steps_at_one_moment: int = 20_000
    virtual_s: float = 4 * 3600.0


class WorldLoop(asyncio.AbstractEventLoop):
    """Event loop with virtual time and an order of ready callbacks that only the seed decides."""

    def __init__(self, seed: int, limits: LoopLimits) -> None:
        """Start at virtual second 0."""
        self._random = random.Random(seed)
        self._limits = limits
        self._now_s = 0.0
        self._ready: list[asyncio.Handle] = []
        self._timers: list[tuple[float, int, asyncio.TimerHandle]] = []
        self._timer_number = 0
        self._task_numbers: dict[int, int] = {}
        self._tasks: list[asyncio.Task[Any]] = []
        self._stopping = False
        self._running = False
        self._closed = False
        self._fault: WorldFault | None = None
        self._allowance = 1
        self.thread = threading.get_ident()
        self.steps = 0
        self._steps_now = 0
        self.unhandled: list[str] = []
        self._stopped: dict[str, list[asyncio.Handle]] = {}
        self._contexts: dict[str, Context] = {}

    # Processes: nothing of a stopped one runs, not even a `finally`; time goes on without it.

    def start_process(self, name: str, coroutine: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Run a coroutine as the main task of a process."""
        context = self._contexts[name] = copy_context()
        context.run(PROCESS.set, name)
        made: asyncio.Task[T] = self.create_task(coroutine, context=context)
        return made

    def signal_process(self, name: str, receive: Callable[[], object]) -> None:
        """Let a process receive something from the world, when it runs."""
        self.call_soon(receive, context=self._contexts[name])

    def stop_process(self, name: str) -> None:
        """Stop a process between two of its steps, as SIGSTOP does; one that never goes on was killed."""
        self._stopped.setdefault(name, [])

    def resume_process(self, name: str) -> None:
        """Let a stopped process go on where it stood."""
        self._ready.extend(self._stopped.pop(name, ()))

    def _holds(self, handle: asyncio.Handle) -> bool:
        if not self._stopped:
            return False
        # Every handle keeps the context it runs in; asyncio's types do not say so.
        held = self._stopped.get(handle._context.get(PROCESS, ""))  # type: ignore[attr-defined]
        if held is None:
            return False
        held.append(handle)
        return True

    # Time, and what is due at it.

    def time(self) -> float:
        """Read the world's monotonic clock in seconds."""
        return self._now_s

    def call_soon(
        self, callback: Callable[[*Ts], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.Handle:
        """Run a callback at this very moment, in an order that the seed decides."""
        handle = asyncio.Handle(callback, args, self, context)
        self._ready.append(handle)
        return handle

    def call_soon_threadsafe(
        self, callback: Callable[[*Ts], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.Handle:
        """Serve the interpreter's own Ctrl-C handling; any other thread is refused."""
        if threading.get_ident() != self.thread:
            self.refuse("another thread called into the world")
        return self.call_soon(callback, *args, context=context)

    def call_later(
        self, delay: float, callback: Callable[[*Ts], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.TimerHandle:
        """Run a callback after some virtual seconds."""
        return self.call_at(self._now_s + delay, callback, *args, context=context)

    def call_at(
        self, when: float, callback: Callable[[*Ts], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.TimerHandle:
        """Run a callback at a virtual second."""
        handle = asyncio.TimerHandle(when, callback, args, self, context)
        self._timer_number += 1
        heapq.heappush(self._timers, (when, self._timer_number, handle))
        return handle

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """Ignore the news: cancelled timers are passed over when their time comes."""

    # One turn: everything that is ready now, in the seed's order.

    def _turn(self) -> None:
        while self._timers and self._timers[0][2].cancelled():
            heapq.heappop(self._timers)
        if not self._ready:
            self._jump()
        while self._timers and self._timers[0][0] <= self._now_s:
            self._ready.append(heapq.heappop(self._timers)[2])
        batch, self._ready = self._ready, []
        if len(batch) > 1:
            batch.sort(key=self._birth)
            self._random.shuffle(batch)
        while batch:
            handle = batch.pop()
            if not handle.cancelled() and not self._holds(handle):
                handle._run()
                self.steps += 1
                self._steps_now += 1
            if self._fault is not None or self._too_many():
                self._ready.extend(batch)
                self._raise_fault(self._fault or self._endless())

    def _jump(self) -> None:
        if not self._timers:
            waiting = sorted(task.get_name() for task in self._tasks if not task.done())
            self._raise_fault(
                Deadlock(f"Nothing is ready and no timer is set; these tasks wait: {', '.join(waiting)}.")
            )
        self._now_s = max(self._now_s, self._timers[0][0])
        self._steps_now = 0
        if self._now_s > self._limits.virtual_s * self._allowance:
            self._raise_fault(Endless(f"The world is still going on after {self._limits.virtual_s:g} virtual seconds."))

    def _too_many(self) -> bool:
        limits, times = self._limits, self._allowance
        return self.steps > limits.steps * times or self._steps_now > limits.steps_at_one_moment * times

    def _endless(self) -> Endless:
        here, at_s = self._steps_now, self._now_s
        return Endless(f"The world took {self.steps} steps, {here} of them at {at_s:.6f} s without moving on.")

    def _birth(self, handle: asyncio.Handle) -> int:
        """Order a callback by the birth of the task it belongs to; callbacks of no task keep their order, first."""
        owner = getattr(handle._callback, "__self__", None)  # type: ignore[attr-defined]
        return self._task_numbers.get(id(owner), 0) if isinstance(owner, asyncio.Task) else 0

    def _raise_fault(self, fault: WorldFault) -> NoReturn:
        # What is left must still be able to end: each fault opens the limits once more for the clean-up after it.
        self._fault = None
        self._allowance += 1
        raise fault

    def refuse(self, what: str) -> NoReturn:
        """Raise here, and end the world even if the caller swallows it."""
        self._fault = Forbidden(f"{what[0].upper()}{what[1:]} in the simulated world, where only the loop may run.")
        raise self._fault

    # The life of the loop, as asyncio asks for it.

    def run_forever(self) -> None:
        """Run until `stop`."""
        self._running = True
        events._set_running_loop(self)
        try:
            while not self._stopping:
                self._turn()
        finally:
            self._stopping = False
            self._running = False
            events._set_running_loop(None)

    def run_until_complete(self, future: Any) -> Any:
        """Run until a future or coroutine is done, and return its result."""
        waited = asyncio.ensure_future(future, loop=self)
        waited.add_done_callback(lambda _: self.stop())
        self.run_forever()
        return waited.result()

    def stop(self) -> None:
        """End after this turn."""
        self._stopping = True

    def is_running(self) -> bool:
        """Tell whether the loop runs."""
        return self._running

    def is_closed(self) -> bool:
        """Tell whether the loop was closed."""
        return self._closed

    def close(self) -> None:
        """Forget everything that was still due."""
        self._closed = True
        self._ready.clear()
        self._timers.clear()
        self._tasks.clear()

    async def shutdown_asyncgens(self) -> None:
        """Do nothing: the world keeps no asynchronous generators."""

    async def shutdown_default_executor(self, timeout: float | None = None) -> None:
        """Do nothing: the world has no threads."""

    def create_future(self) -> asyncio.Future[Any]:
        """Make a future of this loop."""
        return asyncio.Future(loop=self)

    def create_task(self, coro: Any, **options: Any) -> asyncio.Task[Any]:
        """Make a task and remember when it was born."""
        task: asyncio.Task[Any] = asyncio.Task(coro, loop=self, **options)
        # Tasks are kept until the end, so that an address never stands for two of them.
        self._tasks.append(task)
        self._task_numbers[id(task)] = len(self._tasks)
        return task

    def get_task_factory(self) -> None:
        """Say that tasks are made in the plain way."""

    def get_debug(self) -> bool:
        """Say that asyncio's debug mode, which reads the real clock, is off."""
        return False

    def set_debug(self, enabled: bool) -> None:
        """Refuse to turn debug mode on."""

    def get_exception_handler(self) -> None:
        """Say that errors in callbacks are kept for the end of the world."""

    def default_exception_handler(self, context: dict[str, Any]) -> None:
        """Keep an exception that no task handled."""
        self.call_exception_handler(context)

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        """Keep an exception that no task handled; `run_world` raises it."""
        error = context.get("exception")
        self.unhandled.append(f"{context.get('message')} ({error!r})")

    def run_in_executor(self, executor: Executor | None, func: Callable[[*Ts], T], *args: *Ts) -> asyncio.Future[T]:
        """Refuse: there are no threads here."""
        self.refuse("a thread pool was asked for")


def run_world(seed: int, main: Callable[[], Awaitable[T]], *, limits: LoopLimits | None = None) -> T:
    """Run `main` in a world of its own and return its result; equal seeds give equal runs.

    Raises what `main` raises, or a `WorldFault`; either carries a note that names the seed.
    """
    # What the base class leaves abstract is what the world does not have: sockets, pipes, signals, child processes.
    loop = WorldLoop(seed, limits or LoopLimits())  # type: ignore[abstract]
    try:
        with _watched(loop):
            result = anyio.run(main, backend="asyncio", backend_options={"loop_factory": lambda: loop})
    except BaseException as error:
        error.add_note(f"World seed {seed}, at virtual second {loop.time():.6f}, after {loop.steps} steps.")
        raise
    if loop.unhandled:
        raise WorldFault(f"World seed {seed}: nobody handled: {'; '.join(loop.unhandled)}")
    return result


@contextmanager
def _watched(loop: WorldLoop) -> Iterator[None]:
    """Refuse forbidden things in this thread while the world runs; other threads do not notice."""
    # The interpreter's audit events would need no replacing, but before 3.13 they say nothing of sleeps and threads.
    with ExitStack() as undo:
        for owner, name, what in FORBIDDEN:
            real = getattr(owner, name)
            undo.callback(setattr, owner, name, real)
            setattr(owner, name, _refusing(loop, real, what))
        yield


def _refusing(loop: WorldLoop, real: Callable[..., object], what: str) -> Callable[..., object]:
    def refused(*args: Any, **options: Any) -> object:
        if threading.get_ident() == loop.thread:
            loop.refuse(what)
        return real(*args, **options)

    return refused
