"""When a worker samples: its grid, what becomes of slots that nobody could use, and that many probes need no more tasks than few."""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from islandmode.observe import looks, worker
from islandmode.observe.answers import Trace
from islandmode.observe.connection import Connection
from islandmode.observe.grid import LATE_SLOTS_MAX, Grid
from islandmode.observe.modbus import ModbusTalk
from islandmode.observe.worker import Worker
from tests.observe.plant import Page, Plant, left_behind, listen
from tests.observe.quirks import ModbusServer
from tests.patience import PATIENCE_S

EVERY_US = 100_000
LATER = st.lists(st.integers(0, 40 * EVERY_US) | st.integers(0, EVERY_US // 3), min_size=1, max_size=30)


@settings(deadline=None)
@given(kinds=st.lists(st.booleans(), min_size=1, max_size=7), later=LATER)
def test_every_slot_is_given_or_counted_as_missed_exactly_once(kinds: list[bool], later: list[int]) -> None:
    overlaps = {f"probe-{place}": kind for place, kind in enumerate(kinds)}
    grid, now_us = Grid(overlaps, EVERY_US, 0), 0
    passed = dict.fromkeys(overlaps, 0)
    for step_us in later:
        now_us += step_us
        for name, due_us, missed in grid.due(now_us):
            begin_us = list(overlaps).index(name) * EVERY_US // len(overlaps)
            passed[name] += missed + 1
            assert due_us == begin_us + (passed[name] - 1) * EVERY_US
            assert due_us <= now_us
            if overlaps[name]:
                assert missed == 0 or missed > LATE_SLOTS_MAX
            else:
                assert due_us + EVERY_US > now_us, "it was not the newest"
    for place, name in enumerate(overlaps):
        begin_us = place * EVERY_US // len(overlaps)
        assert passed[name] == (0 if now_us < begin_us else (now_us - begin_us) // EVERY_US + 1)


def test_the_next_slot_is_the_earliest_and_without_probes_there_is_none() -> None:
    grid = Grid({"first": False, "second": False}, EVERY_US, 1000)
    assert grid.next_us == 1000
    assert [slot[0] for slot in grid.due(1000)] == ["first"]
    assert grid.next_us == 1000 + EVERY_US // 2
    assert Grid({}, EVERY_US, 0).next_us == float("inf")


class Clock:
    """Time that goes on when it is told to."""

    def __init__(self) -> None:
        self.us = 0

    def __call__(self) -> int:
        return self.us


class Prompt:
    """A look with one question at a time; it is answered when the test says so."""

    overlaps = False

    def __init__(self, _: Any) -> None:
        self.told: Callable[..., None] | None = None
        self.given_up = 0

    def put(self, trace: Trace, told: Callable[..., None]) -> bool:
        self.told = told
        return True

    def judged(self, answer: Any) -> Any:
        return answer

    def give_up(self, told: Callable[..., None]) -> None:
        self.given_up += 1

    def answer(self, value: int) -> None:
        told, self.told = self.told, None
        assert told is not None
        told(value, None)


class Turns:
    """A worker whose clock stands, and whose turns are called by the test."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, kind: Any = Prompt) -> None:
        self.clock, self.page = Clock(), Page()
        monkeypatch.setattr(worker, "monotonic_us", self.clock)
        schedule = {"sample_every_s": 0.1, "end_after_s": 3600, "probes": {"one": {"kind": "one", "timeout": 30.0}}}
        self.worker = Worker(schedule, self.page, {"one": kind})  # type: ignore[arg-type] # a page, not a spool
        self.look = self.worker._askers["one"].look
        self.grid = Grid({"one": self.look.overlaps}, EVERY_US, 0)

    def at(self, us: int) -> None:
        self.clock.us = us
        self.worker._turn(self.grid)
        assert self.worker._timer is not None
        self.worker._timer.cancel()

    @property
    def said(self) -> list[tuple[str, Any, str, int]]:
        return [(row["seen"], row["value"], row["why"], row["asked_us"]) for row in self.page.rows]


def in_a_loop(test: Callable[[], None]) -> None:
    async def run() -> None:
        test()

    asyncio.run(run())


def test_slots_for_which_the_worker_was_late_are_counted_in_a_record(monkeypatch: pytest.MonkeyPatch) -> None:
    def test() -> None:
        turns = Turns(monkeypatch)
        turns.at(0)
        turns.look.answer(1)
        turns.at(2 * EVERY_US)
        turns.look.answer(2)
        turns.at(6 * EVERY_US + 5)
        turns.look.answer(3)
        turns.at(7 * EVERY_US)
        turns.look.answer(4)
        turns.at(40 * EVERY_US)
        assert turns.said == [
            ("good", 1, "", 0),
            ("unknown", None, "the worker was held up: 1 sample missed", 2 * EVERY_US),
            ("good", 2, "", 2 * EVERY_US),
            ("unknown", None, "the worker was held up: 3 samples missed", 6 * EVERY_US + 5),
            ("good", 3, "", 6 * EVERY_US + 5),
            ("good", 4, "", 7 * EVERY_US),
            ("unknown", None, "the worker was held up: 32 samples missed", 40 * EVERY_US),
        ]
        assert turns.look.told is not None, "the newest slot is used"

    in_a_loop(test)


def test_slots_that_pass_while_an_answer_is_awaited_are_that_questions(monkeypatch: pytest.MonkeyPatch) -> None:
    def test() -> None:
        turns = Turns(monkeypatch)
        for slot in range(5):
            turns.at(slot * EVERY_US)
        turns.at(9 * EVERY_US)
        assert turns.said == []
        # The answer is taken in before the slots: five passed while it was awaited, two after it came.
        turns.clock.us = 14 * EVERY_US + 5
        turns.look.answer(1)
        turns.at(17 * EVERY_US)
        assert turns.said == [
            ("good", 1, "", 0),
            ("unknown", None, "the worker was held up: 2 samples missed", 17 * EVERY_US),
        ]

    in_a_loop(test)


def test_a_question_without_an_answer_ends_at_its_timeout_and_makes_room(monkeypatch: pytest.MonkeyPatch) -> None:
    def test() -> None:
        turns = Turns(monkeypatch)
        turns.at(0)
        first = turns.look.told
        for slot in range(1, 301):
            turns.at(slot * EVERY_US)
        assert turns.said == [("bad", None, "no answer in time", 0)]
        assert turns.look.given_up == 1
        assert turns.look.told not in {None, first}
        assert first is not None
        first(7, None)
        assert len(turns.said) == 1, "a late answer was written down"

    in_a_loop(test)


def test_late_slots_of_a_kind_that_overlaps_are_used_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    class Slow:
        overlaps = True

        def __init__(self, _: Any) -> None:
            pass

        async def __call__(self, trace: Trace) -> None:
            await asyncio.Event().wait()

    async def test() -> None:
        turns = Turns(monkeypatch, Slow)
        turns.at(9 * EVERY_US)
        assert turns.said == []
        assert len(turns.worker._tasks) == 10
        turns.at(20 * EVERY_US)
        too_many = ("unknown", None, "too many samples under way", 20 * EVERY_US)
        assert turns.said == [too_many] * 5
        for task in turns.worker._tasks:
            task.cancel()

    asyncio.run(test())


def test_a_fault_of_the_program_itself_is_written_down_and_the_worker_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    class Faulty(Prompt):
        def judged(self, answer: Any) -> Any:
            raise ZeroDivisionError

    def test() -> None:
        turns = Turns(monkeypatch, Faulty)
        turns.at(0)
        with pytest.raises(ZeroDivisionError):
            turns.look.answer(1)
        turns.at(EVERY_US)
        assert turns.said == [("unknown", None, "the probe failed (ZeroDivisionError)", 0)]
        assert turns.look.told is not None

    in_a_loop(test)


def test_a_question_that_cannot_be_put_is_written_down_and_the_worker_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    class Unaskable(Prompt):
        def put(self, trace: Trace, told: Callable[..., None]) -> bool:
            raise AttributeError

        def failed(self, failure: Exception, trace: Trace) -> Exception:
            return failure

    def test() -> None:
        turns = Turns(monkeypatch, Unaskable)
        for slot in range(2):
            with pytest.raises(AttributeError):
                turns.at(slot * EVERY_US)
        assert turns.said == [
            ("unknown", None, "the probe failed (AttributeError)", 0),
            ("unknown", None, "the probe failed (AttributeError)", EVERY_US),
        ]

    in_a_loop(test)


def test_a_canary_that_gets_no_answer_keeps_nothing_of_its_questions(plant: Plant) -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    port = plant.do(listen(silent))
    page, kept = Page(), list[int]()

    async def work() -> None:
        probes = {"open": {"kind": "canary", "target": "127.0.0.1", "port": port, "timeout": 0.05}}
        schedule = {"sample_every_s": 0.1, "end_after_s": PATIENCE_S, "probes": probes}
        one = Worker(schedule, page, looks.LOOKS)  # type: ignore[arg-type] # a page, not a spool
        connection = one._askers["open"].look._connection

        def then() -> None:
            kept.append(len(connection._waiting))
            if len(page.asked()) >= 6:
                one.end("asked")

        page.then = then
        assert await one.run() == "asked"
        await left_behind(one._askers["open"].look)

    asyncio.run(work())
    assert {(row["seen"], row["why"]) for row in page.asked()} == {("bad", "no answer in time")}
    assert max(kept) == 0


LOOPS = ["uvloop", "asyncio"]


def on(loop: str, monkeypatch: pytest.MonkeyPatch, work: Any) -> None:
    """Run on a worker's own choice of loop, as where uvloop is installed and as where it is not."""
    if loop == "asyncio":
        monkeypatch.setitem(sys.modules, "uvloop", None)
    worker.run_on_a_loop(work, much=True)


@pytest.mark.parametrize("loop", LOOPS)
def test_every_kind_of_probe_says_the_same_on_every_loop(
    plant: Plant, monkeypatch: pytest.MonkeyPatch, loop: str
) -> None:
    here: dict[str, Any] = {"target": "127.0.0.1", "timeout": PATIENCE_S}
    probes = {
        "plc": {"kind": "modbus", "port": plant.relay.port, "table": "holding", **here},
        "open": {"kind": "canary", "port": plant.relay.port, "table": "holding", **here},
        "hmi": {
            "kind": "http",
            "port": plant.hmi_port,
            "path": "/api/tags",
            "value": "tags/plc.heartbeat/value",
            **here,
        },
        "port": {"kind": "tcp", "port": plant.hmi_port, **here},
        "ping": {"kind": "icmp", **here},
        "closed": {"kind": "modbus", "port": 1, **here},
    }
    page, times, loops = Page(), 4, set[str]()

    async def work() -> None:
        loops.add(type(asyncio.get_running_loop()).__module__.partition(".")[0])
        schedule = {"sample_every_s": 0.05, "end_after_s": PATIENCE_S, "probes": probes}
        one = Worker(schedule, page, looks.LOOKS)  # type: ignore[arg-type] # a page, not a spool

        def then() -> None:
            asked = [row["probe"] for row in page.asked()]
            if all(asked.count(name) >= times for name in probes):
                one.end("asked")

        page.then = then
        assert await one.run() == "asked"
        for asker in one._askers.values():
            await left_behind(asker.look)

    on(loop, monkeypatch, work())
    assert loops == {loop}
    said = {
        name: {(row["seen"], row["value"], row["why"]) for row in page.asked() if row["probe"] == name}
        for name in probes
    }
    assert said == {
        "plc": {("good", 600, "")},
        "open": {("good", 600, "")},
        "hmi": {("good", 7, "")},
        "port": {("good", None, "")},
        "ping": {("good", None, "")},
        "closed": {("bad", None, "connection refused")},
    }


def test_many_probes_whose_connections_stand_need_no_task(plant: Plant) -> None:
    server = ModbusServer()
    port = plant.do(listen(server.serve))
    probe = {"kind": "modbus", "target": "127.0.0.1", "port": port, "timeout": PATIENCE_S}
    names = [f"plc-{number}" for number in range(60)]
    tasks: list[int] = []

    async def work() -> None:
        page = Page()
        schedule = {"sample_every_s": 0.1, "end_after_s": 2 * PATIENCE_S, "probes": dict.fromkeys(names, probe)}
        one = Worker(schedule, page, looks.LOOKS)  # type: ignore[arg-type] # a page, not a spool
        answered = dict.fromkeys(names, 0)

        def then() -> None:
            answered[page.rows[-1]["probe"]] += page.rows[-1]["seen"] == "good"
            if min(answered.values()) >= 2:
                tasks.append(len(asyncio.all_tasks()))
            if min(answered.values()) >= 4:
                one.end("asked")

        page.then = then
        assert await one.run() == "asked"
        for asker in one._askers.values():
            await left_behind(asker.look)

    asyncio.run(work())
    # The test's own task, and what waits for the end.
    assert max(tasks) <= 3
    assert server.connections == len(names)


def nobody(answer: Any, failure: Exception | None) -> None:
    """Wait for no answer."""


def test_questions_for_which_there_is_no_room_are_sent_whole_and_in_order() -> None:
    async def test() -> None:
        listening = socket.create_server(("127.0.0.1", 0))
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection = Connection("127.0.0.1", listening.getsockname()[1], ModbusTalk({}))
        await connection.open(Trace())
        served, _ = listening.accept()
        assert connection._socket is not None
        connection._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        asked = 0
        while len(connection._unsent) < 100:
            connection.put(Trace(), nobody)
            asked += 1
        got = b""
        while len(got) < asked * 12:
            got += await asyncio.wait_for(asyncio.to_thread(served.recv, 65536), PATIENCE_S)
        numbers = [int.from_bytes(got[at : at + 2], "big") for at in range(0, len(got), 12)]
        assert numbers == [number % 65536 for number in range(1, asked + 1)]
        connection.close()
        served.close()
        listening.close()

    asyncio.run(test())
