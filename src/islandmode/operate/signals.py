"""Signals to the process of a run: until it ends each is a request to restore, and from then on none ends it."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import anyio
from anyio.abc import TaskStatus

from islandmode.run.progress import Stop, StopLatch

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


async def receive_signals(latch: StopLatch, *, task_status: TaskStatus[None]) -> None:
    """Turn INT, TERM and HUP into one request to restore; later signals change nothing, the restore goes on."""
    try:
        with anyio.open_signal_receiver(*SIGNALS) as received:
            task_status.started()
            async for number in received:
                latch.pull(Stop("signal", f"{signal.Signals(number).name} was received."))
    finally:
        ignore_signals()


def ignore_signals() -> None:
    """Let no signal end this process: its run has ended, and what came of that is still to be written and said.

    An abort is a request first and a signal a moment later, so a run may have obeyed before the signal comes. They are
    heard for nothing and not ignored: a process that starts while a signal is ignored would ignore it too.
    """
    for number in SIGNALS:
        signal.signal(number, _heard_for_nothing)


def _heard_for_nothing(_number: int, _frame: FrameType | None) -> None:
    """Do nothing."""


@contextmanager
def heard_as_before() -> Iterator[None]:
    """Hear signals at the end as at the beginning, whatever was ignored in between."""
    before = {number: signal.getsignal(number) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
