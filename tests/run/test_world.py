"""The world's own promises: equal seeds give equal runs, time costs nothing, and nothing real gets in."""

from __future__ import annotations

import itertools
import socket
import subprocess
import threading
import time
from collections.abc import Awaitable, Callable

import anyio
import anyio.lowlevel
import anyio.to_thread
import pytest

from islandmode.simulate.clock import SimulatedClock
from islandmode.simulate.world import Deadlock, Endless, Forbidden, LoopLimits, WorldFault, run_world
from tests.patience import PATIENCE_S


def order_of(seed: int) -> tuple[int, ...]:
    """Let six tasks wake at the same moments, and tell in which order they did."""
    order: list[int] = []

    async def wakes(number: int) -> None:
        for _ in range(3):
            await anyio.sleep(0.1)
            order.append(number)

    async def main() -> None:
        async with anyio.create_task_group() as group:
            for number in range(6):
                group.start_soon(wakes, number)

    run_world(seed, main)
    return tuple(order)


def test_equal_seeds_give_equal_orders() -> None:
    assert [order_of(seed) for seed in range(20)] == [order_of(seed) for seed in range(20)]


def test_seeds_try_different_orders() -> None:
    assert len({order_of(seed) for seed in range(20)}) == 20


def test_cancelled_tasks_end_in_an_order_that_only_the_seed_decides() -> None:
    def ends(seed: int) -> tuple[int, ...]:
        order: list[int] = []

        async def waits(number: int) -> None:
            try:
                await anyio.sleep_forever()
            finally:
                order.append(number)

        async def main() -> None:
            async with anyio.create_task_group() as group:
                for number in range(40):
                    group.start_soon(waits, number)
                await anyio.sleep(1.0)
                group.cancel_scope.cancel()

        run_world(seed, main)
        return tuple(order)

    assert [ends(seed) for seed in range(10)] == [ends(seed) for seed in range(10)]


def test_an_hour_takes_no_time_and_is_exact() -> None:
    clock = SimulatedClock()

    async def main() -> int:
        begun_us = clock.monotonic_us()
        for _ in range(3600):
            await clock.sleep(1.0)
        return clock.monotonic_us() - begun_us

    assert run_world(1, main) == 3_600_000_000


def test_a_deadline_cancels_at_its_moment() -> None:
    clock = SimulatedClock()

    async def main() -> int:
        begun_us = clock.monotonic_us()
        with anyio.move_on_after(5.0):
            await anyio.sleep_forever()
        return clock.monotonic_us() - begun_us

    assert run_world(1, main) == 5_000_000


def test_utc_can_be_stepped_and_monotonic_time_does_not_notice() -> None:
    clock = SimulatedClock()

    async def main() -> tuple[int, int]:
        utc_us, mono_us = clock.utc_us(), clock.monotonic_us()
        await clock.sleep(1.0)
        clock.step_utc(-7_200_000_000)
        await clock.sleep(1.0)
        return clock.utc_us() - utc_us, clock.monotonic_us() - mono_us

    assert run_world(1, main) == (-7_198_000_000, 2_000_000)


async def starts_a_thread() -> None:
    threading.Thread(target=print).start()


async def uses_the_thread_pool() -> None:
    await anyio.to_thread.run_sync(print)


async def opens_a_socket() -> None:
    socket.socket()


async def starts_a_child() -> None:
    subprocess.Popen(["true"])  # noqa: ASYNC220 - the careless act that must be refused


async def sleeps_for_real() -> None:
    time.sleep(0.001)  # noqa: ASYNC251 - as above


async def swallows_the_refusal() -> None:
    try:
        time.sleep(0.001)  # noqa: ASYNC251 - as above
    except BaseException:  # noqa: BLE001 - what a careless program does, and must not get away with
        await anyio.sleep(1.0)


@pytest.mark.parametrize(
    "main",
    [
        starts_a_thread,
        uses_the_thread_pool,
        opens_a_socket,
        starts_a_child,
        sleeps_for_real,
        swallows_the_refusal,
    ],
)
def test_the_real_world_is_refused(main: Callable[[], Awaitable[None]]) -> None:
    with pytest.raises(Forbidden):
        run_world(1, main)


def test_the_real_world_is_back_afterwards() -> None:
    before = (threading.Thread.start, socket.socket.__init__, time.sleep)
    with pytest.raises(Forbidden):
        run_world(1, sleeps_for_real)
    assert (threading.Thread.start, socket.socket.__init__, time.sleep) == before


def test_other_threads_live_on_while_a_world_runs() -> None:
    done = threading.Event()

    async def main() -> None:
        # Waits for real, without any of the forbidden calls: the other thread must get through all of them meanwhile.
        assert done.wait(PATIENCE_S)

    def elsewhere() -> None:
        time.sleep(0.001)
        socket.socket().close()
        done.set()

    other = threading.Thread(target=elsewhere)
    other.start()
    run_world(1, main)
    other.join()


def test_a_deadlock_names_who_waits() -> None:
    async def main() -> None:
        await anyio.Event().wait()

    with pytest.raises(Deadlock, match=r"test_a_deadlock_names_who_waits\.<locals>\.main") as caught:
        run_world(7, main)
    assert "World seed 7" in caught.value.__notes__[0]


def test_a_world_that_never_moves_on_is_ended() -> None:
    async def main() -> None:
        while True:
            await anyio.lowlevel.checkpoint()

    with pytest.raises(Endless, match=r"at 0\.000000 s without moving on"):
        run_world(1, main, limits=LoopLimits(steps_at_one_moment=1000))


def test_a_world_that_never_ends_is_ended() -> None:
    async def main() -> None:
        for _ in itertools.count():
            await anyio.sleep(10.0)

    with pytest.raises(Endless, match="after 60 virtual seconds"):
        run_world(1, main, limits=LoopLimits(virtual_s=60.0))


def test_steps_are_limited() -> None:
    async def main() -> None:
        for _ in itertools.count():
            await anyio.sleep(0.001)

    with pytest.raises(Endless, match="steps"):
        run_world(1, main, limits=LoopLimits(steps=500))


def test_an_error_in_a_callback_is_not_lost() -> None:
    clock = SimulatedClock()

    def breaks() -> None:
        raise ValueError("nobody looks here")

    async def main() -> None:
        clock.at(clock.monotonic_us() + 10, breaks)
        await clock.sleep(1.0)

    with pytest.raises(WorldFault, match="nobody looks here"):
        run_world(1, main)


def test_what_main_raises_comes_out_with_the_seed() -> None:
    async def main() -> None:
        await anyio.sleep(2.0)
        raise KeyError("ours")

    with pytest.raises(KeyError) as caught:
        run_world(42, main)
    assert caught.value.__notes__[0].startswith("World seed 42, at virtual second 2.000000")


def test_a_shielded_restore_outlives_the_limits_that_ended_its_world() -> None:
    restored: list[bool] = []

    async def main() -> None:
        try:
            for _ in itertools.count():
                await anyio.sleep(10.0)
        finally:
            with anyio.CancelScope(shield=True):
                await anyio.sleep(5.0)
                restored.append(True)

    with pytest.raises(Endless):
        run_world(1, main, limits=LoopLimits(virtual_s=60.0))
    assert restored == [True]
