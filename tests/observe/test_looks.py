"""The looks of every vantage, against real servers."""

from __future__ import annotations

import asyncio
import errno
import os
import resource
import struct
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from islandmode.core.judging.probes import ONE_QUESTION
from islandmode.observe import looks, modbus
from islandmode.observe.answers import NOTHING, REFUSED, Bad, Trace, Unknown, Value
from islandmode.observe.connection import Incoming, Lost, ended
from islandmode.observe.readiness import Readiness
from islandmode.observe.values import VALUE_MAX_CHARACTERS
from islandmode.observe.worker import Worker
from tests.observe.plant import Page, Plant, left_behind, listen
from tests.patience import PATIENCE_S

Look = Callable[[Trace], Awaitable[Value]]
TAG = "tags/plc.heartbeat/"


def seen(look: Look, probe: dict[str, Any], times: int = 1, pause_s: float = 0.0) -> list[tuple[str, Any, str]]:
    """Look as a worker does, one sample after the other."""

    async def sample() -> list[tuple[str, Any, str]]:
        page = Page()
        schedule = {"sample_every_s": 1, "end_after_s": 60, "probes": {"one": probe}}
        # A page has what a worker asks of its spool, but is not a spool.
        worker = Worker(schedule, page, {probe["kind"]: lambda _: look})  # type: ignore[arg-type]
        for _ in range(times):
            await worker._look(worker._askers["one"], looks.monotonic_us())
            await asyncio.sleep(pause_s)
        await left_behind(look)
        return [(row["seen"], row["value"], row["why"]) for row in page.rows]

    return asyncio.run(sample())


def modbus_probe(port: int, **more: Any) -> dict[str, Any]:
    return {"kind": "modbus", "target": "127.0.0.1", "port": port, "timeout": 2, **more}


def http_probe(plant: Plant, **more: Any) -> dict[str, Any]:
    return {"kind": "http", "target": "127.0.0.1", "port": plant.hmi_port, "path": "/api/tags", "timeout": 2, **more}


@pytest.mark.parametrize(
    ("table", "address", "value"),
    [("input", 1, 620), ("holding", 0, 600), ("coil", 0, 1), ("coil", 1, 0), ("discrete", 0, 0), ("discrete", 1, 1)],
)
def test_every_table_is_read(plant: Plant, table: str, address: int, value: int) -> None:
    probe = modbus_probe(plant.plc_port, table=table, address=address)
    assert seen(looks.ModbusLook(probe), probe) == [("good", value, "")]


def test_an_exception_and_a_value_out_of_range_are_bad(plant: Plant) -> None:
    probe = modbus_probe(plant.plc_port, address=9000)
    assert seen(looks.ModbusLook(probe), probe) == [("bad", None, "Modbus exception 2 (illegal data address)")]
    for limits in ({"minimum": 621}, {"maximum": 619}):
        probe = modbus_probe(plant.plc_port, address=1, **limits)
        assert seen(looks.ModbusLook(probe), probe) == [("bad", None, "out of range: 620")]


@pytest.mark.parametrize(
    ("about", "value"),
    [
        ({"address": 4}, 65485),
        ({"address": 4, "type": "int16"}, -51),
        ({"address": 5, "type": "int32"}, -100_000),
        ({"address": 5, "type": "uint32"}, 4_294_867_296),
        ({"address": 7, "type": "int32", "word_order": "low-first"}, -100_000),
        ({"address": 7, "type": "int32"}, 0x7960FFFE),
        ({"address": 0, "type": "int16"}, 600),
    ],
    ids=str,
)
def test_a_register_is_read_as_what_it_holds(plant: Plant, about: dict[str, Any], value: int) -> None:
    probe = modbus_probe(plant.plc_port, table="holding", **about)
    assert seen(looks.ModbusLook(probe), probe) == [("good", value, "")]
    for limits, answer in (
        ({"minimum": value, "maximum": value}, ("good", value, "")),
        ({"minimum": value + 1}, ("bad", None, f"out of range: {value}")),
        ({"maximum": value - 1}, ("bad", None, f"out of range: {value}")),
    ):
        probe = modbus_probe(plant.plc_port, table="holding", **about, **limits)
        assert seen(looks.ModbusLook(probe), probe) == [answer]


def test_one_register_is_no_answer_where_two_were_asked() -> None:
    with pytest.raises(Bad, match="2 bytes of values, announced as 2, instead of 4"):
        modbus.value(b"\x03\x02\xff\xcd", "holding", "int32")


def test_a_heartbeat_that_freezes_while_the_plc_answers_is_bad(plant: Plant) -> None:
    probe = modbus_probe(plant.plc_port, changes_within=0.4)
    assert {one[0] for one in seen(looks.ModbusLook(probe), probe, 10, 0.1)} == {"good"}
    plant.frozen = True
    last = seen(looks.ModbusLook(probe), probe, 8, 0.1)[-1]
    assert last[0] == "bad"
    assert last[2].startswith("stale: it has stood at ")


def test_an_hmi_is_judged_by_its_source_time_and_quality(plant: Plant) -> None:
    probe = http_probe(
        plant, value=TAG + "value", quality=TAG + "quality", fresh=TAG + "source_time", changes_within=0.4
    )
    assert set(seen(looks.HttpLook(probe), probe, 8, 0.1)) == {("good", 7, "")}
    plant.quality = "bad"
    assert seen(looks.HttpLook(probe), probe) == [("bad", None, "quality bad")]
    plant.quality, plant.frozen = "good", True
    assert seen(looks.HttpLook(probe), probe, 8, 0.1)[-1][2].startswith("stale")


ANSWERS = {
    "asked too often": (b"HTTP/1.1 429 Slow\r\nContent-Length: 0\r\n\r\n", "unknown"),
    "server error": (b"HTTP/1.1 503 Sorry\r\nContent-Length: 0\r\n\r\n", "bad"),
    "another document": (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]", "bad"),
    "no JSON": (b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n<a>", "bad"),
    "very deep": (b"HTTP/1.1 200 OK\r\nContent-Length: 200000\r\n\r\n" + b"[" * 200_000, "bad"),
    "too long": (b"HTTP/1.1 200 OK\r\nContent-Length: 3000000\r\n\r\n" + b" " * 3_000_000, "bad"),
    "no HTTP": (b"220 welcome\r\n\r\n", "bad"),
    "chunks": (b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{"a":\r\n3\r\n 7}\r\n0\r\n\r\n', "good"),
    "a long text": (b'HTTP/1.1 200 OK\r\nContent-Length: 1008\r\n\r\n{"a":"' + b"x" * 1000 + b'"}', "good"),
    "a fraction": (b'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{"a":1.5}', "good"),
}


@pytest.mark.parametrize("answer", ANSWERS)
def test_an_http_answer_is_judged_whatever_it_is(plant: Plant, answer: str) -> None:
    plant.answer, expected = ANSWERS[answer]
    probe = http_probe(plant, value="a")
    result = seen(looks.HttpLook(probe), probe)[0]
    assert result[0] == expected
    assert isinstance(result[1], (int, str, type(None)))
    assert len(str(result[1])) <= VALUE_MAX_CHARACTERS


FRAME = st.builds(
    lambda number, unit, body, more: struct.pack("!HHHB", number, 0, len(body) + 1, unit) + body + more,
    st.integers(0, 65535),
    st.integers(0, 255),
    st.binary(max_size=300),
    st.just(b"") | st.binary(max_size=20),
)


@given(FRAME | st.binary(max_size=40))
def test_an_answer_in_one_piece_is_taken_as_it_would_be_in_many(data: bytes) -> None:
    found = modbus.ModbusTalk.whole(data)
    if found is None:
        return
    incoming = Incoming()
    incoming.take_in(data)
    with pytest.raises(StopIteration) as ended:
        modbus.ModbusTalk.next(incoming).send(None)
    assert ended.value.value == found
    assert not incoming._data


@given(st.integers(0, 65535), st.integers(0, 255), st.binary(min_size=1, max_size=253))
def test_every_answer_in_one_piece_is_seen_to_be_one(number: int, unit: int, body: bytes) -> None:
    data = struct.pack("!HHHB", number, 0, len(body) + 1, unit) + body
    assert modbus.ModbusTalk.whole(data) == (number, (unit, body))
    assert modbus.ModbusTalk.whole(data[:-1]) is None


BODIES = {
    "no value": b"\x04\x02",
    "half a value": b"\x04\x02\x00",
    "another function": b"\x03\x02\x00\x07",
    "more than asked": b"\x04\x04\x00\x07\x00\x08",
    "a coil where a register was asked": b"\x04\x01\x01",
}


@pytest.mark.parametrize("body", BODIES)
def test_an_answer_that_does_not_fit_the_question_is_not_a_value(body: str) -> None:
    with pytest.raises(Bad, match="does not fit"):
        modbus.value(BODIES[body], "input")


def served(serve: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]], plant: Plant) -> int:
    port: int = plant.do(listen(serve))
    return port


@pytest.mark.parametrize("look", [looks.ModbusLook, looks.HttpLook, looks.CanaryLook])
def test_a_server_that_accepts_and_never_answers_is_bad(plant: Plant, look: Callable[[Any], Look]) -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    kind = "http" if look is looks.HttpLook else "modbus"
    probe = {"kind": kind, "target": "127.0.0.1", "port": served(silent, plant), "timeout": 0.2}
    assert seen(look(probe), probe)[0] == ("bad", None, "no answer in time")


@pytest.mark.parametrize("look", [looks.TcpLook, looks.ModbusLook, looks.HttpLook, looks.CanaryLook])
def test_a_closed_port_is_bad_and_our_own_lack_of_sockets_is_unknown(plant: Plant, look: Callable[[Any], Look]) -> None:
    kind = "http" if look is looks.HttpLook else "modbus"
    closed = {"kind": kind, "target": "127.0.0.1", "port": 1, "timeout": 2}
    assert seen(look(closed), closed) == [("bad", None, "connection refused")]

    async def starved() -> None:
        one = look(closed)
        with pytest.raises(Unknown, match="too many open files"), no_descriptors():
            await one(Trace())

    asyncio.run(starved())


def test_a_connection_that_this_machine_cannot_watch_is_unknown(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*about: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Readiness, "watch", full)
    probe = modbus_probe(plant.plc_port)
    assert seen(looks.ModbusLook(probe), probe) == [("unknown", None, "no space left on device")]


@contextmanager
def no_descriptors() -> Iterator[None]:
    """Let this process open nothing more."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    lowest = os.dup(0)
    os.close(lowest)
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_continuity_keeps_one_connection_and_opens_another_after_a_timeout(plant: Plant) -> None:
    probe = modbus_probe(plant.relay.port, timeout=0.3)
    one = looks.ModbusLook(probe)

    async def drill() -> None:
        for _ in range(5):
            await one(Trace())
        plant.relay.passing.clear()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(one(Trace()), 0.3)
        plant.relay.passing.set()
        for _ in range(5):
            await one(Trace())
        await left_behind(one)

    asyncio.run(drill())
    assert plant.relay.connections == 2


def test_a_canary_keeps_its_connection_and_answers_again_when_it_passes(plant: Plant) -> None:
    probe = {"kind": "canary", "target": "127.0.0.1", "port": plant.relay.port, "timeout": 0.3}
    look = looks.CanaryLook(probe)

    async def drill() -> None:
        await look(Trace())
        plant.relay.passing.clear()
        for _ in range(3):
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(look(Trace()), 0.05)
        plant.relay.passing.set()
        for _ in range(round(PATIENCE_S / 0.3)):
            # A server may answer only the first of many questions that come at once, as they do now.
            with suppress(TimeoutError):
                assert isinstance(await asyncio.wait_for(look(Trace()), 0.3), int)
                break
        else:
            pytest.fail("it never answered again")
        assert look._connection._waiting == {}
        await left_behind(look)

    asyncio.run(drill())
    assert plant.relay.connections == 1
    assert set(plant.relay.functions) == {4}


def numbered(delay_s: float) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]:
    """Make a server that answers question n with the value n, byte by byte, the first answers late."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        number = 0
        try:
            while True:
                question = await reader.readexactly(12)
                number += 1
                if number <= 3:
                    await asyncio.sleep(delay_s)
                for byte in question[:4] + b"\x00\x05\x01\x04\x02" + number.to_bytes(2, "big"):
                    writer.write(bytes([byte]))
                    await asyncio.sleep(0.002)
        except (asyncio.IncompleteReadError, OSError):
            writer.close()

    return serve


def test_an_answer_in_pieces_that_comes_late_is_never_taken_for_another(plant: Plant) -> None:
    probe = {"kind": "canary", "target": "127.0.0.1", "port": served(numbered(0.02), plant), "timeout": 5}
    look = looks.CanaryLook(probe)

    async def drill() -> Value:
        for _ in range(3):
            # It gives up at another byte of the answer each time.
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(look(Trace()), 0.03)
        last = await asyncio.wait_for(look(Trace()), PATIENCE_S)
        await left_behind(look)
        return last

    assert asyncio.run(drill()) == 4


def test_an_http_canary_counts_its_answers(plant: Plant) -> None:
    asked = 0

    async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal asked
        try:
            while True:
                await reader.readuntil(b"\r\n\r\n")
                asked += 1
                status = 500 if asked == 1 else 200
                await asyncio.sleep(0.2 if asked == 1 else 0)
                writer.write(b"HTTP/1.1 %d X\r\nContent-Length: 0\r\n\r\n" % status)
        except (asyncio.IncompleteReadError, OSError):
            writer.close()

    probe = {"kind": "canary", "ask": "http", "target": "127.0.0.1", "port": served(slow, plant), "timeout": 5}
    look = looks.CanaryLook(probe)

    async def drill() -> Value:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(look(Trace()), 0.05)
        status = await look(Trace())
        await left_behind(look)
        return status

    assert asyncio.run(drill()) == 200


@pytest.mark.parametrize("target", ["127.0.0.1", "::1"])
def test_an_echo_comes_back(target: str) -> None:
    probe = {"kind": "icmp", "target": target, "timeout": 2}
    assert seen(looks.IcmpLook(probe), probe, 3) == [("good", None, "")] * 3


def test_the_judge_knows_which_kinds_ask_one_question_at_a_time() -> None:
    """Slots that pass while such a question waits count as used; of every other kind a missing slot is missing."""
    assert {kind for kind, look in looks.LOOKS.items() if not look.overlaps} == ONE_QUESTION


def test_a_connection_that_its_own_system_gave_up_was_refused_by_nobody() -> None:
    """Linux does so after a quarter of an hour; tests/lab/test_far_vantages.py has it happen."""
    given_up, reset = Lost(TimeoutError(errno.ETIMEDOUT, "")), Lost(ConnectionResetError(errno.ECONNRESET, ""))
    canary = looks.CanaryLook({"target": "127.0.0.1", "port": 1, "table": "input", "address": 0})
    silent = canary.failed(given_up, Trace())
    assert isinstance(silent, Bad)
    assert (silent.heard, str(silent)) == (
        NOTHING,
        "the connection was given up by its own host, as nothing came back",
    )
    begun = Trace()
    begun.began = True
    for lost, trace in ((reset, Trace()), (given_up, begun)):
        assert ended(lost, trace).heard == REFUSED
