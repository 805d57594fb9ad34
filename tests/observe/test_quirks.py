"""What odd devices do, and the one thing that every vantage says of each: near and far run the same worker."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from islandmode.observe import looks
from islandmode.observe.answers import ANSWER, NOTHING, REFUSED
from islandmode.observe.worker import Worker
from tests.observe.plant import Page, left_behind
from tests.observe.quirks import MODBUS, WEB, ModbusServer, Serve, WebServer
from tests.patience import PATIENCE_S

TIMES = 5
GOOD = [("good", number, "", ANSWER) for number in range(1, TIMES + 1)]
Row = tuple[str, Any, str, str]


def asked(serve: Serve, probe: dict[str, Any], times: int = TIMES) -> list[Row]:
    """Ask a server a few times as a worker does, one sample after the other."""

    async def ask() -> list[Row]:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        probe["port"] = server.sockets[0].getsockname()[1]
        look = looks.LOOKS[probe["kind"]](probe)
        rows = []
        for _ in range(times):
            row = await looks.sample(look, probe.get("timeout", 5.0))
            rows.append((row["seen"], row["value"], row["why"], row["heard"]))
            await asyncio.sleep(0.06)
        # With the connection that the look keeps, the server's own work ends, before its loop does.
        await left_behind(look)
        server.close()
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            await asyncio.wait_for(task, PATIENCE_S)
        return rows

    return asyncio.run(ask())


def worked(serve: Serve, probe: dict[str, Any], times: int = TIMES) -> list[Row]:
    """Let a worker ask, which puts its questions without waiting for the answers."""

    async def work() -> list[Row]:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        probe["port"] = server.sockets[0].getsockname()[1]
        page = Page()
        schedule = {"sample_every_s": 0.06, "end_after_s": PATIENCE_S, "probes": {"one": {"timeout": 5.0, **probe}}}
        # A page has what a worker asks of its spool, but is not a spool.
        worker = Worker(schedule, page, looks.LOOKS)  # type: ignore[arg-type]

        def then() -> None:
            if len(page.asked()) >= times:
                worker.end("asked")

        page.then = then
        await worker.run()
        await left_behind(worker._askers["one"].look)
        server.close()
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            await asyncio.wait_for(task, PATIENCE_S)
        return [(row["seen"], row["value"], row["why"], row["heard"]) for row in page.asked()]

    return asyncio.run(work())


BOTH = pytest.mark.parametrize("ask", [asked, worked])
Ask = Callable[..., list[Row]]


def modbus_probe(kind: str = "modbus", **more: Any) -> dict[str, Any]:
    return {"kind": kind, "ask": "modbus", "target": "127.0.0.1", "unit": 1, **more}


def bad(why: str, heard: str = ANSWER) -> list[Row]:
    return [("bad", None, why, heard)] * TIMES


NOT_ASKED = "it answered question %d, which was not asked"
UNFIT = "the answer does not fit the question: "
SAID_OF_MODBUS: dict[str, list[Row]] = {
    "plain": GOOD,
    "transaction 0": bad(NOT_ASKED % 0),
    "transaction swapped": bad(NOT_ASKED % 256),
    "transaction too high": bad(NOT_ASKED % 2),
    "unit 0": bad("unit 0 answered instead of unit 1"),
    "unit 255": bad("unit 255 answered instead of unit 1"),
    "trailing bytes": GOOD,
    "trailing bytes, long": GOOD,
    "trailing bytes inside": bad(UNFIT + "4 bytes of values, announced as 2, instead of 2"),
    "more registers": bad(UNFIT + "4 bytes of values, announced as 4, instead of 2"),
    "exception 2": bad("Modbus exception 2 (illegal data address)"),
    "exception 6": bad("Modbus exception 6 (server device busy)"),
    "exception 11": bad("Modbus exception 11 (gateway target device failed to respond)"),
    "exception 99": bad("Modbus exception 99 (not a known one)"),
    "busy every third": [*GOOD[:2], *bad("Modbus exception 6 (server device busy)")[:1], *GOOD[3:]],
    "serial frames": bad("the answer is not Modbus/TCP"),
}


@BOTH
@pytest.mark.parametrize("quirk", MODBUS)
def test_a_modbus_device_gets_the_one_judgement(quirk: str, ask: Ask) -> None:
    server = ModbusServer(quirk)
    assert ask(server.serve, modbus_probe()) == SAID_OF_MODBUS[quirk]
    assert server.functions == {4}


KEPT = {"plain", "trailing bytes", "trailing bytes, long", "busy every third", "unit 0", "unit 255", "more registers"}


@BOTH
@pytest.mark.parametrize("quirk", sorted(KEPT))
def test_a_connection_whose_answers_can_be_told_apart_is_kept(quirk: str, ask: Ask) -> None:
    server = ModbusServer(quirk)
    ask(server.serve, modbus_probe())
    assert server.connections == 1


@pytest.mark.parametrize("quirk", MODBUS)
def test_a_canary_judges_as_the_other_probes_do_and_opens_no_second_connection(quirk: str) -> None:
    server = ModbusServer(quirk)
    rows = asked(server.serve, modbus_probe("canary"))
    assert rows[0] == SAID_OF_MODBUS[quirk][0]
    assert server.connections == 1
    if quirk in KEPT:
        assert rows == SAID_OF_MODBUS[quirk]
    elif not rows[1][2].startswith(("Modbus exception", UNFIT)):
        # Where one answer ends and the next begins is lost with the first; nothing is asked on it any more.
        why = f"the connection was given up, as {rows[0][2]}, and a canary opens no other"
        assert rows[1:] == [("bad", None, why, NOTHING)] * (TIMES - 1)


@BOTH
@pytest.mark.parametrize("then", ["closes", "resets", "closes when idle"])
def test_a_close_between_two_questions_is_normal(then: str, ask: Ask) -> None:
    server = ModbusServer(then=then)
    assert ask(server.serve, modbus_probe()) == GOOD
    assert server.connections == TIMES


@pytest.mark.parametrize(("then", "how"), [("closes", "closed"), ("resets", "reset"), ("closes when idle", "closed")])
def test_a_canary_whose_connection_ended_says_so_once_and_is_dead_from_then_on(then: str, how: str) -> None:
    server = ModbusServer(then=then)
    gone = ("bad", None, f"the connection was {how}, and a canary opens no other", NOTHING)
    assert asked(server.serve, modbus_probe("canary")) == [
        GOOD[0],
        ("bad", None, f"the connection was {how} after the answer", REFUSED),
        *[gone] * (TIMES - 2),
    ]
    assert server.connections == 1


@BOTH
def test_a_close_that_crosses_the_question_is_answered_by_one_reconnect(ask: Ask) -> None:
    server = ModbusServer(then="closes at the second")
    assert ask(server.serve, modbus_probe()) == GOOD
    assert server.connections == TIMES


@BOTH
def test_an_answer_that_breaks_off_is_not_asked_for_again(ask: Ask) -> None:
    server = ModbusServer(then="breaks off at the second")
    broken = bad("the connection was closed in the middle of an answer")[0]
    assert ask(server.serve, modbus_probe()) == [GOOD[0], broken, GOOD[1], broken, GOOD[2]]


@BOTH
def test_a_device_that_closes_instead_of_answering_is_bad_after_one_connection_each_time(ask: Ask) -> None:
    server = ModbusServer(then="closes instead")
    assert ask(server.serve, modbus_probe()) == bad("the connection was closed instead of an answer")
    assert server.connections == server.questions == TIMES


@BOTH
def test_an_answer_in_single_bytes_is_an_answer(ask: Ask) -> None:
    server = ModbusServer(then="single bytes")
    assert ask(server.serve, modbus_probe()) == GOOD
    assert server.connections == 1


@BOTH
def test_an_answer_that_lacks_a_byte_is_not_silence(ask: Ask) -> None:
    server = ModbusServer(then="one byte short")
    assert ask(server.serve, modbus_probe(timeout=0.2), 1) == bad("the answer was not whole in time")[:1]


def test_a_late_answer_is_missed_and_answers_no_later_question() -> None:
    server = ModbusServer(then="late first")
    rows = asked(server.serve, modbus_probe(timeout=0.4))
    assert [row[:3] for row in rows] == [("bad", None, "no answer in time"), *[row[:3] for row in GOOD[1:]]]
    canary = asked(ModbusServer(then="late first").serve, modbus_probe("canary", timeout=0.4))
    assert [row[:3] for row in canary] == [row[:3] for row in rows]


PATHS = {"value": "tag/value", "quality": "tag/quality", "fresh": "tag/source_time", "changes_within": 60.0}
NOT_JSON = "the answer is not the JSON that was expected"
SAID_OF_THE_WEB: dict[str, list[Row]] = {
    "another packing": bad("the answer is packed as br, which was not asked for"),
    "gzip that is none": bad("the answer is packed as gzip and cannot be unpacked"),
    "gzip of very much": bad("the answer is longer than 1048576 bytes")[:1] + bad(NOT_JSON)[1:],
    "103 without end": bad("more than 8 interim answers"),
    "204": bad("HTTP 204"),
    "302": bad("HTTP 302"),
    "503": bad("HTTP 503"),
    "a login page": bad(NOT_JSON),
    "chunks of no size": bad("the answer's chunks make no sense"),
    "two lengths": bad("the answer states two lengths"),
    "a negative length": bad("the answer states no length"),
    "TLS": bad("the answer is not HTTP, it looks like TLS"),
    "no HTTP": bad("the answer is not HTTP"),
    "endless header": bad("the answer has a line of more than 16384 bytes"),
    "NaN": bad("no value: nan"),
    "NaN as text": bad("no value: NaN"),
    "infinity": bad("no value: inf"),
    "null": bad("no value: null"),
    "half a surrogate pair": [("good", "Tank \\ud83d", "", ANSWER)] * TIMES,
    "escape sequences": [("good", "a\\x1b[31mb\\x00\\u202e", "", ANSWER)] * TIMES,
    "a very long number": [("good", "9" * 200, "", ANSWER)] * TIMES,
    "a number that is too long": bad(NOT_JSON),
    "time of NaN": bad("no value: nan"),
    "quality 0": bad("quality 0 (Good in OPC UA, Bad in OPC DA: where it is good, the probe says good_quality: [0])"),
    "quality 1": bad("quality 1"),
    "quality Bad": bad("quality Bad"),
    "quality of half a pair": bad("quality Tank \\ud83d"),
}


@pytest.mark.parametrize("quirk", WEB)
def test_a_web_server_gets_the_one_judgement(quirk: str) -> None:
    server = WebServer(quirk)
    probe = {"kind": "http", "target": "127.0.0.1", "path": "/api", **PATHS}
    assert asked(server.serve, probe) == SAID_OF_THE_WEB.get(quirk, GOOD)
    assert server.connections == server.questions == TIMES


@pytest.mark.parametrize(
    ("words", "quirk", "seen"),
    [
        ([0], "quality 0", "good"),
        ([0], "quality 192", "bad"),
        (["Bad"], "quality Bad", "good"),
        ([1], "quality true", "bad"),
        ([True], "quality 1", "bad"),
    ],
)
def test_a_sites_own_words_for_good_quality_count_instead(words: list[Any], quirk: str, seen: str) -> None:
    probe = {"kind": "http", "target": "127.0.0.1", "good_quality": words, **PATHS}
    assert [row[0] for row in asked(WebServer(quirk).serve, probe)] == [seen] * TIMES
