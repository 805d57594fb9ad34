"""An isolate that is given up while its line is under way: its answer is heard beside the restore, which does not wait for it."""

from __future__ import annotations

import threading

import anyio
import pytest

from islandmode.isolation import session
from tests.isolation.nftables.fake_firewall import FakeFirewall, FakePoint
from tests.patience import PATIENCE_S, wait_until

ONE = ("corporate-line3",)


@pytest.fixture(autouse=True)
def _a_busy_machine_is_no_silent_device(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "LAST_ANSWER_S", PATIENCE_S)


class Slow:
    """Takes the line that isolates, or the ticket for it, when a test lets it."""

    def __init__(self, device: FakeFirewall, words: str) -> None:
        self.has_come, self.may_act = threading.Event(), threading.Event()
        self._words = words
        device.on_line = self._line

    def _line(self, line: str) -> str:
        if self._words in line and not self.has_come.is_set():
            self.has_come.set()
            wait_until(self.may_act.is_set, "the line may act")
        return line

    async def given_up(self, point: FakePoint) -> None:
        async with anyio.create_task_group() as stage:
            stage.start_soon(point.isolate, ONE, PATIENCE_S)
            await anyio.to_thread.run_sync(wait_until, self.has_come.is_set, "the line comes")
            stage.cancel_scope.cancel()


def isolating(device: FakeFirewall) -> bool:
    return any(table.sets["hold"] for name, table in device.tables.items() if name.startswith("islandmode_"))


def test_once_it_was_answered_no_line_of_it_may_act_any_more() -> None:
    device = FakeFirewall()

    async def story() -> None:
        point = FakePoint(device, ONE)
        assert (await point.arm(ONE, 60.0, PATIENCE_S)).done
        slow = Slow(device, " hold ")
        await slow.given_up(point)
        latest_us = point.late_until_us
        assert latest_us > device.clock.monotonic_us()
        async with anyio.create_task_group() as beside:
            beside.start_soon(point.restore, ONE, PATIENCE_S)
            # The restore is over on the device while the line is still under way.
            await anyio.to_thread.run_sync(wait_until, lambda: not device.tables, "the device is restored")
            slow.may_act.set()
        assert point.late_until_us < latest_us
        assert point.late_until_us <= device.clock.monotonic_us() + 1
        assert not isolating(device)
        await point.close()

    anyio.run(story, backend="asyncio")


def test_what_was_given_up_with_its_ticket_isolates_nothing() -> None:
    device = FakeFirewall()

    async def story() -> None:
        point = FakePoint(device, ONE)
        assert (await point.arm(ONE, 60.0, PATIENCE_S)).done
        slow = Slow(device, " ticket ")
        await slow.given_up(point)
        assert point.late_until_us == 0
        slow.may_act.set()
        restored = await point.restore(ONE, PATIENCE_S)
        assert restored.value is not None
        assert restored.value.clear
        sent = [line for line in device.tape if line.startswith("nft: ")]
        assert not [line for line in sent if " hold " in line]
        await point.close()

    anyio.run(story, backend="asyncio")


@pytest.mark.parametrize("words", [" ticket ", " hold "])
def test_where_no_memory_was_left_no_further_line_leaves_and_one_under_way_is_known(
    words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    device = FakeFirewall()

    async def story() -> None:
        point = FakePoint(device, ONE)
        assert (await point.arm(ONE, 60.0, PATIENCE_S)).done
        slow = Slow(device, words)

        def none_to_wait_with(_: float) -> None:
            wait_until(slow.has_come.is_set, "the line comes")
            raise MemoryError

        def none_to_give_up_with(_: object) -> bool:
            raise MemoryError

        with monkeypatch.context() as starved:
            starved.setattr(anyio, "move_on_after", none_to_wait_with)
            starved.setattr(session.DeviceSession, "give_up", none_to_give_up_with)
            with pytest.raises(MemoryError):
                await point.isolate(ONE, PATIENCE_S)
        assert (point.late_until_us > device.clock.monotonic_us()) is (words == " hold ")
        async with anyio.create_task_group() as beside:
            beside.start_soon(point.restore, ONE, PATIENCE_S)
            await anyio.to_thread.run_sync(wait_until, lambda: not device.tables, "the device is restored")
            slow.may_act.set()
        assert not isolating(device)
        sent = [line for line in device.tape if line.startswith("nft: ")]
        assert words == " hold " or not [line for line in sent if " hold " in line]
        await point.close()

    anyio.run(story, backend="asyncio")
