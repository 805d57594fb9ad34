"""Both readers, the standard library's and the protocol libraries', against the same real servers."""

from __future__ import annotations

import asyncio
import os
import resource
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest
from pymodbus.client import AsyncModbusTcpClient

from islandmode.observe import http, looks, modbus
from islandmode.observe.worker import Worker
from tests.observe.plant import Plant, listen

Look = Callable[[], Awaitable[looks.Value]]
MODBUS: dict[str, Callable[[Any], Look]] = {"far": looks.ModbusLook, "near": modbus.ModbusLook}
HTTP: dict[str, Callable[[Any], Look]] = {"far": looks.HttpLook, "near": http.HttpLook}
TAG = "tags/plc.heartbeat/"


class Page:
    """A spool that is kept in memory."""

    full = left = False

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []

    def add(self, row: dict[str, Any]) -> None:
        self.rows.append(row)


def seen(look: Look, probe: dict[str, Any], times: int = 1, pause_s: float = 0.0) -> list[tuple[str, Any, str]]:
    """Look as a worker does, one sample after the other."""

    async def sample() -> list[tuple[str, Any, str]]:
        page = Page()
        schedule = {"sample_every_s": 1, "end_after_s": 60, "probes": {"one": probe}}
        # A page has what a worker asks of its spool, and is none.
        worker = Worker(schedule, page, {probe["kind"]: lambda _: look})  # type: ignore[arg-type]
        for _ in range(times):
            await worker._look("one", looks.monotonic_us())
            await asyncio.sleep(pause_s)
        await left_behind(look)
        return [(row["seen"], row["value"], row["why"]) for row in page.rows]

    return asyncio.run(sample())


async def left_behind(look: Any) -> None:
    """Close what a library keeps open; a worker leaves that to the end of its process."""
    if isinstance(look, modbus.ModbusLook) and look._client is not None:
        look._client.close()
    if isinstance(look, http.HttpLook):
        await look._client.aclose()
    await asyncio.sleep(0)


def modbus_probe(port: int, **more: Any) -> dict[str, Any]:
    return {"kind": "modbus", "target": "127.0.0.1", "port": port, "timeout": 2, **more}


def http_probe(plant: Plant, **more: Any) -> dict[str, Any]:
    return {"kind": "http", "target": "127.0.0.1", "port": plant.hmi_port, "path": "/api/tags", "timeout": 2, **more}


@pytest.mark.parametrize("side", MODBUS)
@pytest.mark.parametrize(
    ("table", "address", "value"),
    [("input", 1, 620), ("holding", 0, 600), ("coil", 0, 1), ("coil", 1, 0), ("discrete", 0, 0), ("discrete", 1, 1)],
)
def test_both_readers_read_the_same(plant: Plant, side: str, table: str, address: int, value: int) -> None:
    probe = modbus_probe(plant.plc_port, table=table, address=address)
    assert seen(MODBUS[side](probe), probe) == [("good", value, "")]


@pytest.mark.parametrize("side", MODBUS)
def test_an_exception_and_a_value_out_of_range_are_bad(plant: Plant, side: str) -> None:
    probe = modbus_probe(plant.plc_port, address=9000)
    assert seen(MODBUS[side](probe), probe) == [("bad", None, "Modbus exception 2")]
    for limits in ({"minimum": 621}, {"maximum": 619}):
        probe = modbus_probe(plant.plc_port, address=1, **limits)
        assert seen(MODBUS[side](probe), probe) == [("bad", None, "out of range: 620")]


@pytest.mark.parametrize("side", MODBUS)
def test_a_heartbeat_that_freezes_while_the_plc_answers_is_bad(plant: Plant, side: str) -> None:
    probe = modbus_probe(plant.plc_port, changes_within=0.4)
    assert {one[0] for one in seen(MODBUS[side](probe), probe, 10, 0.1)} == {"good"}
    plant.frozen = True
    last = seen(MODBUS[side](probe), probe, 8, 0.1)[-1]
    assert last[0] == "bad"
    assert last[2].startswith("stale: it has stood at ")


@pytest.mark.parametrize("side", HTTP)
def test_an_hmi_is_judged_by_its_source_time_and_quality(plant: Plant, side: str) -> None:
    probe = http_probe(
        plant, value=TAG + "value", quality=TAG + "quality", fresh=TAG + "source_time", changes_within=0.4
    )
    assert set(seen(HTTP[side](probe), probe, 8, 0.1)) == {("good", 7, "")}
    plant.quality = "bad"
    assert seen(HTTP[side](probe), probe) == [("bad", None, "quality bad")]
    plant.quality, plant.frozen = "good", True
    assert seen(HTTP[side](probe), probe, 8, 0.1)[-1][2].startswith("stale")


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
def test_both_readers_judge_an_http_answer_the_same(plant: Plant, answer: str) -> None:
    plant.answer, expected = ANSWERS[answer]
    probe = http_probe(plant, value="a")
    results = [seen(look(probe), probe)[0] for look in HTTP.values()]
    assert [result[0] for result in results] == [expected] * 2
    assert results[0][1] == results[1][1]
    assert isinstance(results[0][1], (int, str, type(None)))
    assert len(str(results[0][1])) <= looks.VALUE_MAX_CHARACTERS


BODIES = {
    "no value": b"\x04\x02",
    "half a value": b"\x04\x02\x00",
    "another function": b"\x03\x02\x00\x07",
    "more than asked": b"\x04\x04\x00\x07\x00\x08",
    "a coil where a register was asked": b"\x04\x01\x01",
}


@pytest.mark.parametrize("body", BODIES)
def test_an_answer_that_does_not_fit_the_question_is_not_a_value(body: str) -> None:
    with pytest.raises(looks.Bad, match="does not fit"):
        looks.modbus_value(BODIES[body], "input")


def served(serve: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]], plant: Plant) -> int:
    port: int = plant.do(listen(serve))
    return port


@pytest.mark.parametrize("look", [looks.ModbusLook, modbus.ModbusLook, looks.HttpLook, http.HttpLook, looks.CanaryLook])
def test_a_server_that_accepts_and_never_answers_is_bad(plant: Plant, look: Callable[[Any], Look]) -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    kind = "http" if look in {looks.HttpLook, http.HttpLook} else "modbus"
    probe = {"kind": kind, "target": "127.0.0.1", "port": served(silent, plant), "timeout": 0.2}
    assert seen(look(probe), probe)[0][0] == "bad"


@pytest.mark.parametrize("look", [looks.TcpLook, looks.ModbusLook, modbus.ModbusLook, looks.HttpLook, http.HttpLook])
def test_a_closed_port_is_bad_and_our_own_lack_of_sockets_is_unknown(plant: Plant, look: Callable[[Any], Look]) -> None:
    kind = "http" if look in {looks.HttpLook, http.HttpLook} else "modbus"
    closed = {"kind": kind, "target": "127.0.0.1", "port": 1, "timeout": 2}
    assert seen(look(closed), closed)[0][0] == "bad"

    async def starved() -> None:
        one = look(closed)
        with pytest.raises(OSError, match="Too many open files") as found, no_descriptors():
            await one()
        assert found.value.errno in looks.OWN_TROUBLE
        await left_behind(one)

    asyncio.run(starved())


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
    for count, look in enumerate(MODBUS.values(), 1):
        probe = modbus_probe(plant.relay.port, timeout=0.3)
        one = look(probe)

        async def drill(one: Look = one) -> None:
            for _ in range(5):
                await one()
            plant.relay.passing.clear()
            with pytest.raises((TimeoutError, looks.Bad)):
                await asyncio.wait_for(one(), 0.3)
            plant.relay.passing.set()
            for _ in range(5):
                await one()
            await left_behind(one)

        asyncio.run(drill())
        assert plant.relay.connections == 2 * count


def test_a_canary_keeps_its_connection_and_answers_again_when_it_passes(plant: Plant) -> None:
    probe = {"kind": "canary", "target": "127.0.0.1", "port": plant.relay.port, "timeout": 0.3}
    look = looks.CanaryLook(probe)

    async def drill() -> None:
        await look()
        plant.relay.passing.clear()
        for _ in range(3):
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(look(), 0.05)
        plant.relay.passing.set()
        for _ in range(20):
            # A server may answer only the first of many questions that come at once, as they do now.
            with suppress(TimeoutError):
                assert isinstance(await asyncio.wait_for(look(), 0.3), int)
                break
        else:
            pytest.fail("it never answered again")
        assert look._connection._waiting == {}

    asyncio.run(drill())
    assert plant.relay.connections == 1
    assert set(plant.relay.functions) == {4}


def numbered(delay_s: float) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]:
    """Make a server that answers question n with the value n, byte by byte, the first ones late."""

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

    async def drill() -> looks.Value:
        for _ in range(3):
            # It gives up at another byte of the answer each time.
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(look(), 0.03)
        return await asyncio.wait_for(look(), 5)

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

    async def drill() -> looks.Value:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(look(), 0.05)
        return await look()

    assert asyncio.run(drill()) == 200


def test_a_canary_whose_connection_was_reset_says_so_and_never_opens_another(plant: Plant) -> None:
    opened = 0

    async def closing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal opened
        opened += 1
        await reader.readexactly(12)
        writer.close()

    probe = {"kind": "canary", "target": "127.0.0.1", "port": served(closing, plant), "timeout": 2}
    assert seen(looks.CanaryLook(probe), probe, 3) == [("bad", None, "the connection was reset")] * 3
    assert opened == 1


@pytest.mark.parametrize("target", ["127.0.0.1", "::1"])
def test_an_echo_comes_back(target: str) -> None:
    probe = {"kind": "icmp", "target": target, "timeout": 2}
    assert seen(looks.IcmpLook(probe), probe, 3) == [("good", None, "")] * 3


WRITES: dict[str, Callable[[AsyncModbusTcpClient], Awaitable[Any]]] = {
    "coil": lambda client: client.write_coil(0, True),
    "coils": lambda client: client.write_coils(0, [True, False]),
    "register": lambda client: client.write_register(0, 1),
    "registers": lambda client: client.write_registers(0, [1, 2]),
    "mask": lambda client: client.mask_write_register(address=0, and_mask=0, or_mask=1),
    "both": lambda client: client.readwrite_registers(read_address=0, read_count=1, address=0, values=[1]),
    "file": lambda client: client.write_file_record([]),
}


@pytest.mark.parametrize("write", WRITES)
def test_no_write_leaves_even_where_the_library_is_asked_for_one(plant: Plant, write: str) -> None:
    async def drill() -> int:
        client = AsyncModbusTcpClient("127.0.0.1", port=plant.relay.port, trace_pdu=modbus.guard, timeout=2, retries=0)
        assert await client.connect()
        with pytest.raises(modbus.WriteRefused):
            await WRITES[write](client)
        answer = await client.read_input_registers(1)
        client.close()
        return int(answer.registers[0])

    assert asyncio.run(drill()) == 620
    assert plant.relay.functions == [4]
