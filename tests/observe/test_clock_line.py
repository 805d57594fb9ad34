"""A far host whose clock runs at another rate: what it saw is placed where it truly was, within the uncertainty that is stated."""

from __future__ import annotations

import socket
import threading
import time
from pathlib import Path
from typing import Any

import anyio
import pytest

from islandmode.core.clocks import clock_line
from islandmode.core.episodes import Seen
from islandmode.core.placing import Placed
from islandmode.core.probe import TcpProbe
from islandmode.observe.process_vantage import ProcessVantage
from islandmode.observe.reach import LocalReach, Verb
from islandmode.observe.vantage import Offset, Schedule
from islandmode.system.clock import MachineClock
from tests.observe.test_process_vantage import target
from tests.patience import PATIENCE_S

CLOCK = MachineClock.of_this_boot()
SKEWED = """
import runpy, sys, time
rate, began, true_ns = float(sys.argv[1]), {began}, time.monotonic_ns
time.monotonic_ns = lambda: began + 7_000_000_000_000 + round((true_ns() - began) * rate)
sys.argv = sys.argv[2:]
runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
"""
"""Runs a module on a clock that is nearly two hours ahead and goes faster than it should."""


class SkewedReach(LocalReach):
    def __init__(self, spool: Path, ppm: float) -> None:
        super().__init__(spool)
        self._began, self._rate = time.monotonic_ns(), 1 + ppm / 1_000_000

    def argv(self, verb: Verb) -> list[str]:
        python, _, module, *words = super().argv(verb)
        return [python, "-c", SKEWED.format(began=self._began), str(self._rate), module, *words]


class Listener:
    """Something that accepts connections, and stops and begins to do so at moments that are known."""

    def __init__(self) -> None:
        self.at: list[tuple[int, int]] = []
        """From when to when each change took: a sample asked before it, or after it, saw what was then."""
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # Bound to a port by its number, it keeps that port while it does not listen: nobody else answers there meanwhile.
        self._socket.bind(("127.0.0.1", self.port))
        self._listen()

    def _listen(self) -> None:
        self._socket.listen(100)
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                self._socket.accept()[0].close()
            except OSError:
                return

    def change(self) -> None:
        """Stop, or begin again."""
        before_us = CLOCK.monotonic_us()
        if len(self.at) % 2 == 0:
            self._socket.shutdown(socket.SHUT_RDWR)
        else:
            self._listen()
        self.at.append((before_us, CLOCK.monotonic_us()))


@pytest.mark.parametrize(
    ("lasts_s", "ppm", "every_s"),
    [
        pytest.param(6.0, 20_000.0, 0.02, id="a clock that is 2 % fast"),
        pytest.param(1800.0, 50.0, 0.02, id="half an hour at 50 ppm", marks=pytest.mark.minutes),
    ],
)
def test_what_a_far_host_saw_is_placed_where_it_was(tmp_path: Path, lasts_s: float, ppm: float, every_s: float) -> None:
    listener = Listener()
    probe = target(TcpProbe, listener.port, timeout=0.5)
    one = ProcessVantage(
        "corporate", clock=CLOCK, far=True, reach=SkewedReach(tmp_path / "spool", ppm), kept=tmp_path / "kept"
    )

    async def drill() -> tuple[list[dict[str, Any]], Any]:
        before = await one.offset(PATIENCE_S)
        started = await one.start(Schedule("run-1", "corporate", {"port": probe}, every_s, lasts_s + 300), PATIENCE_S)
        assert started.done, started.why
        # The first change soon, the second late: in the middle a mean of both measurements would be right as well.
        for wait_s in (lasts_s * 0.2, lasts_s * 0.6, lasts_s * 0.2):
            await anyio.sleep(wait_s)
            if len(listener.at) < 2:
                listener.change()
        after = await one.offset(PATIENCE_S)
        collected = await one.collect(PATIENCE_S)
        await one.stop()
        assert before.value is not None
        assert after.value is not None
        assert collected.value is not None, collected.why
        return [measured(before.value), measured(after.value)], collected.value.spool

    offsets, spool = anyio.run(drill)
    line = clock_line(offsets)
    assert line is not None
    # So far the clocks went apart meanwhile: without a line nobody could tell where a sample belongs.
    assert abs(offsets[1]["monotonic_us"] - offsets[0]["monotonic_us"]) > lasts_s * ppm * 0.9
    samples = Placed({"port": "corporate"}, {"corporate": spool}, {"corporate": line}).samples()["port"]
    assert len(samples) > lasts_s / every_s / 4
    (dies, died), (comes, came) = listener.at
    open_us = line.uncertainty_us
    for sample in samples:
        if sample.seen is Seen.GOOD:
            assert not died + open_us < sample.asked_us < sample.answered_us < comes - open_us
        elif "refused" in sample.why:
            assert not sample.answered_us < dies - open_us
            assert not sample.asked_us > came + open_us
    assert {Seen.GOOD, Seen.BAD} <= {sample.seen for sample in samples}


def measured(offset: Offset) -> dict[str, Any]:
    return {"monotonic_us": offset.monotonic_us, "uncertainty_us": offset.uncertainty_us, "at_us": offset.at_us}
