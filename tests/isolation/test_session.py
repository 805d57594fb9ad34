"""A device session: its own thread, three outcomes, and an end that a hung call cannot put off."""

from __future__ import annotations

import errno
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import cast

import anyio
import pytest

from islandmode.core.outcome import Outcome, Reading
from islandmode.isolation.incoming import SENTENCE_MAX
from islandmode.isolation.session import RESTORE_TRY_S, DeviceSession, DeviceTrouble, SessionEnded, restore_through
from islandmode.isolation.under_way import Lines
from islandmode.system import ready
from islandmode.system.clock import MachineClock
from islandmode.system.redaction import KNOWN
from tests.isolation.nftables.fake_firewall import TickingClock
from tests.patience import PATIENCE_S, wait_until

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@dataclass
class Device:
    """A driver that does as it is told, until it is aborted."""

    hang_at_open: bool = False
    refuse: str = ""
    nonsense_at_open: bool = False
    done: list[str] = field(default_factory=list)
    aborted: threading.Event = field(default_factory=threading.Event)
    opening: threading.Event = field(default_factory=threading.Event)

    def open(self) -> None:
        self.opening.set()
        if self.hang_at_open:
            self.hang()
        if self.nonsense_at_open:
            raise struct.error("unpack requires a buffer of 4 bytes")
        if self.refuse:
            raise OSError(self.refuse)
        self.done.append("opened")

    def close(self) -> None:
        self.done.append("closed")

    def abort(self) -> None:
        self.aborted.set()

    def hang(self) -> None:
        assert self.aborted.wait(PATIENCE_S), "nobody ended the hung call"

    def write(self, what: str) -> str:
        if self.aborted.is_set():
            raise EOFError("the connection was reset")
        self.done.append(what)
        return what


@contextmanager
def catch_thread_ends() -> Iterator[list[str]]:
    """Collect what ended a thread; a traceback on the terminal is all that anybody would see of it otherwise."""
    died: list[str] = []
    before, threading.excepthook = threading.excepthook, lambda args: died.append(args.exc_type.__name__)
    try:
        yield died
    finally:
        threading.excepthook = before


def session(device: Device) -> DeviceSession[Device]:
    return DeviceSession("device", device, MachineClock.of_this_boot(), ())


async def test_calls_run_in_order_and_bring_their_value() -> None:
    device = Device()
    one = session(device)
    assert not one.opened
    first = await one.call(lambda driver: driver.write("a"), PATIENCE_S)
    second = await one.call(lambda driver: driver.write("b"), PATIENCE_S)
    assert (first.outcome, first.value, second.value) == (Outcome.DONE, "a", "b")
    assert first.asked_us <= first.answered_us <= second.asked_us
    assert device.done == ["opened", "a", "b"]
    assert one.opened


@pytest.mark.parametrize(
    "trouble", [RecursionError("deep"), OverflowError("large"), struct.error("short"), KeyError("x")]
)
async def test_nonsense_is_unknown_and_kills_no_thread(trouble: Exception) -> None:
    def nonsense(_: Device) -> None:
        raise trouble

    with catch_thread_ends() as died:
        reading = await session(Device()).call(nonsense, PATIENCE_S)
        assert (reading.outcome, reading.value) == (Outcome.UNKNOWN, None)
        assert f"could not be read ({type(trouble).__name__}" in reading.why
    assert died == []


async def test_nonsense_at_login_is_not_done_and_not_tried_again() -> None:
    one = session(Device(nonsense_at_open=True))
    first, second = [await one.call(lambda driver: driver.write("a"), PATIENCE_S) for _ in range(2)]
    assert (first.outcome, second.outcome) == (Outcome.NOT_DONE, Outcome.NOT_DONE)
    assert second.why == "the session was given up"


@pytest.mark.parametrize("code", [errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS])
async def test_what_this_machine_lacks_is_no_word_of_the_device_however_the_driver_wraps_it(code: int) -> None:
    def lack(_: Device) -> None:
        raise EOFError("could not connect") from OSError(code, "no room")

    reading = await session(Device()).call(lack, PATIENCE_S)
    assert (reading.outcome, reading.failed_here) == (Outcome.UNKNOWN, True)


@pytest.mark.parametrize(("trouble", "here"), [(MemoryError(), True), (OSError(errno.ECONNREFUSED, "refused"), False)])
async def test_no_memory_is_of_this_machine_and_a_refused_connection_of_the_device(
    trouble: Exception, *, here: bool
) -> None:
    def fail(_: Device) -> None:
        raise trouble

    assert (await session(Device()).call(fail, PATIENCE_S)).failed_here is here


async def test_what_a_device_gives_as_a_reason_is_cleaned_masked_and_short() -> None:
    KNOWN.learn("the-login-Pa55word")
    said = "\x1b[2J\ud83d no; the-login-Pa55word; password=hunter2; " + "x" * 5000

    def refuse(_: Device) -> None:
        raise DeviceTrouble(said)

    reading = await session(Device()).call(refuse, PATIENCE_S)
    assert reading.why.startswith(r"\x1b[2J\ud83d no; [secret]; password=[secret]")
    assert len(reading.why) == SENTENCE_MAX


async def test_what_the_device_refuses_is_not_done_and_the_session_lives() -> None:
    def refuse(driver: Device) -> None:
        raise DeviceTrouble("File exists")

    one = session(Device())
    reading = await one.call(refuse, PATIENCE_S)
    assert (reading.outcome, reading.why) == (Outcome.NOT_DONE, "File exists")
    assert not one.dead
    assert (await one.call(lambda driver: driver.write("a"), PATIENCE_S)).done


async def test_a_connection_that_had_ended_is_not_done_and_the_session_is_over() -> None:
    def refuse(driver: Device) -> None:
        raise SessionEnded("the connection is lost")

    over = session(Device())
    reading = await over.call(refuse, PATIENCE_S)
    assert (reading.outcome, reading.why) == (Outcome.NOT_DONE, "the connection is lost")
    assert over.dead


async def test_a_login_that_fails_is_not_done_and_not_tried_again() -> None:
    device = Device(refuse="refused user drill")
    one = session(device)
    reading = await one.call(lambda driver: driver.write("a"), PATIENCE_S)
    assert (reading.outcome, reading.why) == (Outcome.NOT_DONE, "refused user drill")
    device.refuse = ""
    assert (await one.call(lambda driver: driver.write("b"), PATIENCE_S)).outcome is Outcome.NOT_DONE
    assert "a" not in device.done
    assert "b" not in device.done


async def test_a_connection_lost_in_a_call_is_unknown() -> None:
    def lose(driver: Device) -> None:
        raise EOFError("lost")

    one = session(Device())
    reading = await one.call(lose, PATIENCE_S)
    assert (reading.outcome, reading.value) == (Outcome.UNKNOWN, None)
    assert one.dead


@pytest.mark.parametrize("error", [ValueError("no JSON"), KeyError("nftables"), TypeError("None")])
async def test_an_answer_that_makes_no_sense_is_unknown(error: Exception) -> None:
    def read(driver: Device) -> None:
        raise error

    one = session(Device())
    reading = await one.call(read, PATIENCE_S)
    assert reading.outcome is Outcome.UNKNOWN
    assert "could not be read" in reading.why


async def test_a_call_past_its_deadline_is_unknown_and_its_connection_reset() -> None:
    device = Device()
    one = session(device)

    def late(driver: Device) -> str:
        driver.hang()
        return driver.write("late")

    reading = await one.call(late, 0.05)
    assert reading.outcome is Outcome.UNKNOWN
    assert device.aborted.is_set()
    after = await one.call(lambda driver: driver.write("after"), PATIENCE_S)
    assert after.outcome is Outcome.NOT_DONE
    assert not {"late", "after"} & set(device.done)


async def test_a_session_given_up_while_it_logs_in_never_writes() -> None:
    """The abort may come before there is a connection to reset: the call behind the login must still not run."""
    device = Device(hang_at_open=True)
    one = session(device)
    reading = await one.call(lambda driver: driver.write("late"), 0.05)
    assert reading.outcome is Outcome.UNKNOWN
    behind = await one.call(lambda driver: driver.write("behind"), PATIENCE_S)
    assert behind.outcome is Outcome.NOT_DONE
    assert "late" not in device.done
    assert "behind" not in device.done


async def test_a_cancelled_caller_resets_the_connection() -> None:
    device = Device()
    one = session(device)
    with anyio.move_on_after(0.05):
        await one.call(Device.hang, PATIENCE_S)
    assert device.aborted.is_set()
    assert one.dead


async def test_calls_queued_behind_a_hung_one_are_told() -> None:
    device = Device()
    one = session(device)
    outcomes: list[Outcome] = []

    async def queued() -> None:
        outcomes.append((await one.call(lambda driver: driver.write("queued"), PATIENCE_S)).outcome)

    async with anyio.create_task_group() as group:
        group.start_soon(one.call, Device.hang, 0.2)
        await anyio.sleep(0.05)
        group.start_soon(queued)
    assert outcomes[0] is not Outcome.DONE
    assert "queued" not in device.done


async def test_forty_hung_sessions_do_not_delay_another() -> None:
    hung = [session(Device()) for _ in range(40)]
    async with anyio.create_task_group() as group:
        for one in hung:
            group.start_soon(one.call, Device.hang, PATIENCE_S)
        reading = await session(Device()).call(lambda driver: driver.write("a"), PATIENCE_S)
        assert reading.done
        group.cancel_scope.cancel()


async def test_close_ends_in_the_sessions_own_thread() -> None:
    device = Device()
    one = session(device)
    await one.call(lambda driver: driver.write("a"), PATIENCE_S)
    one.close()
    with anyio.fail_after(PATIENCE_S):
        while device.done[-1] != "closed":
            await anyio.sleep(0.001)
    assert not device.aborted.is_set()


async def restored(
    kept: Device | None, fresh: Device, work: Callable[[Device], str], deadline_s: float = PATIENCE_S
) -> str:
    """Restore through two devices' sessions and tell which one it came through."""
    clock = MachineClock.of_this_boot()
    one = session(kept) if kept is not None else None
    if one is not None:
        await one.call(lambda driver: driver.write("armed"), PATIENCE_S)
    other = session(fresh)
    reading, winner = await restore_through(one, other, work, deadline_s, clock)
    if not reading.done:
        return reading.outcome.value
    return "kept" if winner is one else "fresh"


async def test_a_restore_goes_through_the_session_kept_ready() -> None:
    kept, fresh = Device(), Device()
    assert await restored(kept, fresh, lambda driver: driver.write("gone")) == "kept"
    assert fresh.done == []
    assert not kept.aborted.is_set()


async def test_a_restore_logs_in_anew_where_none_was_kept() -> None:
    assert await restored(None, Device(), lambda driver: driver.write("gone")) == "fresh"


async def test_a_restore_logs_in_anew_where_the_kept_session_hangs_and_resets_that() -> None:
    kept, fresh = Device(), Device()

    def work(driver: Device) -> str:
        if driver is kept:
            driver.hang()
        return driver.write("gone")

    assert await restored(kept, fresh, work) == "fresh"
    assert kept.aborted.is_set()
    assert "gone" not in kept.done


async def test_a_slow_answer_is_not_lost_to_the_second_login() -> None:
    """The device takes longer than our patience with the kept session, and its new login would take longer still."""
    kept, fresh = Device(), Device(hang_at_open=True)

    def work(driver: Device) -> str:
        driver.aborted.wait(RESTORE_TRY_S + 0.3)
        return driver.write("gone")

    assert await restored(kept, fresh, work) == "kept"
    assert fresh.aborted.is_set()


async def test_a_restore_that_nobody_answers_is_unknown_at_its_deadline() -> None:
    def work(driver: Device) -> str:
        driver.hang()
        return "late"

    assert await restored(Device(), Device(), work, 0.3) == Outcome.UNKNOWN.value


@pytest.mark.parametrize("error", [MemoryError(), RuntimeError("can't start new thread")])
async def test_a_machine_without_room_is_said_to_have_failed_and_keeps_nobody_waiting(error: Exception) -> None:
    def run_short(driver: Device) -> None:
        raise error

    one = session(Device())
    reading = await one.call(run_short, PATIENCE_S)
    assert reading.outcome is Outcome.UNKNOWN
    assert "this machine failed, not the device" in reading.why
    assert reading.answered_us - reading.asked_us < PATIENCE_S * 1_000_000


async def test_a_login_without_room_is_not_done_and_its_session_is_given_up() -> None:
    class Short(Device):
        def open(self) -> None:
            raise MemoryError

    one = session(Short())
    reading = await one.call(lambda driver: driver.write("a"), PATIENCE_S)
    assert (reading.outcome, one.dead) == (Outcome.NOT_DONE, True)


async def test_a_thread_that_cannot_be_started_is_not_done_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise RuntimeError("can't start new thread")

    ready._waiting.clear()
    monkeypatch.setattr("_thread.start_new_thread", refuse)
    reading = await session(Device()).call(lambda driver: driver.write("a"), PATIENCE_S)
    assert (reading.outcome, "can't start new thread" in reading.why) == (Outcome.NOT_DONE, True)


class Asked:
    """A session that notes how long it may take; it is done at once."""

    def __init__(self) -> None:
        """Start unasked."""
        self.deadlines_s: list[float] = []

    async def call(self, work: Callable[[Device], str], deadline_s: float) -> Reading[str]:
        """Note it."""
        await anyio.lowlevel.checkpoint()
        self.deadlines_s.append(deadline_s)
        return Reading(Outcome.DONE, work(Device()))


async def test_what_a_restore_has_used_of_its_time_is_taken_off_what_a_session_may_take() -> None:
    asked = Asked()
    reading, _ = await restore_through(
        None, cast(DeviceSession[Device], asked), lambda driver: driver.write("gone"), 2.0, TickingClock()
    )
    assert reading.done
    # The clock went on by a millisecond meanwhile.
    assert asked.deadlines_s == [1.999]


async def test_a_restore_needs_no_thread_that_was_not_there_when_arming(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its kept session hangs, the first new login is refused, the second works: their threads waited for them."""

    def refuse(*_: object) -> None:
        raise RuntimeError("can't start new thread")

    clock = MachineClock.of_this_boot()
    kept = session(Device())
    await kept.call(lambda driver: driver.write("armed"), PATIENCE_S)
    ready.keep_threads(2)
    with anyio.fail_after(PATIENCE_S):
        while len(ready._waiting) < 2:
            await anyio.sleep(0.001)
    monkeypatch.setattr("_thread.start_new_thread", refuse)

    def work(driver: Device) -> str:
        if driver is kept._driver:
            driver.hang()
        return driver.write("gone")

    reading, _ = await restore_through(kept, session(Device(refuse="refused")), work, 0.6, clock)
    assert not reading.done
    reading, _ = await restore_through(None, session(Device()), work, PATIENCE_S, clock)
    assert reading.done


async def test_where_no_memory_is_left_to_wait_for_a_step_no_line_of_it_leaves(monkeypatch: pytest.MonkeyPatch) -> None:
    device, lines, may_go = Device(), Lines(MachineClock.of_this_boot()), threading.Event()
    one, began, ended = session(device), threading.Event(), threading.Event()

    def isolate(driver: Device) -> None:
        began.set()
        try:
            wait_until(may_go.is_set, "nobody waits for this step any more")
            lines.about_to_send(PATIENCE_S)
            driver.write("isolate")
        finally:
            ended.set()

    def no_memory(_: float) -> None:
        wait_until(began.is_set, "the step begins")
        raise MemoryError

    with monkeypatch.context() as starved:
        starved.setattr(anyio, "move_on_after", no_memory)
        with pytest.raises(MemoryError):
            await one.call(isolate, PATIENCE_S, lines)
    may_go.set()
    await anyio.to_thread.run_sync(wait_until, ended.is_set, "the step ends")
    assert "isolate" not in device.done
    assert lines.sent == 0
