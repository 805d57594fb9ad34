"""No probe can write, whatever its schedule says: over any text and number, one reading request leaves, or nothing does."""

from __future__ import annotations

import asyncio
import io
import json
import struct
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from islandmode.observe import http, looks, modbus
from islandmode.observe.answers import Unknown
from tests.observe.plant import left_behind
from tests.patience import PATIENCE_S

POSTS = (
    '/api/tags HTTP/1.1\nHost: a\n\nPOST /api/setpoint HTTP/1.1\nHost: a\nContent-Length: 9\n\n{"sp":99}GET /api/tags'
)
SOMEWHERE = {"target": "127.0.0.1", "port": 80}
NO_BYTES = (Unknown, ValueError, TypeError, KeyError)
"""What a connection takes as: nothing is sent."""


class Asked(BaseHTTPRequestHandler):
    """Reads requests as the standard library's server does, and only notes them."""

    protocol_version = "HTTP/1.1"

    def setup(self) -> None:
        self.rfile, self.wfile = self.request, io.BytesIO()

    def finish(self) -> None:
        self.wfile.close()

    def __getattr__(self, name: str) -> Callable[[], None]:
        """Do the same for every method that there is."""
        if not name.startswith("do_"):
            raise AttributeError(name)
        return lambda: self.server.append((self.command, self.requestline.split()[1]))  # type: ignore[attr-defined]

    def send_error(self, *about: Any, **more: Any) -> None:
        self.server.append(("error", about))  # type: ignore[attr-defined]

    def log_message(self, *about: Any) -> None:
        pass


def requests_in(data: bytes) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    Asked(io.BytesIO(data), ("127.0.0.1", 1), found)  # type: ignore[arg-type]
    return found


def test_the_reader_of_this_test_finds_a_second_request() -> None:
    data = b"GET /a HTTP/1.1\r\nHost: a\r\n\r\nPOST /b HTTP/1.1\r\nHost: a\r\n\r\n"
    assert requests_in(data) == [("GET", "/a"), ("POST", "/b")]


ANY = st.none() | st.booleans() | st.integers() | st.floats() | st.binary() | st.text(st.characters())
PATHS = st.text(st.characters()) | st.builds(
    "/{}".format, st.text(st.sampled_from(" \r\n\t\0/%?#aGETPOS:1.\x85\u2028é"))
)


@settings(max_examples=1500, deadline=None)
@given(
    path=PATHS | ANY, target=st.sampled_from(["10.0.0.1", "fd10::1", "fe80::1%eth0\r\nX: y"]) | st.text(st.characters())
)
@example(path=POSTS, target="10.0.0.1")
@example(path=POSTS.replace("\n", "\r\n"), target="10.0.0.1")
@example(path="/a b", target="10.0.0.1")
@example(path="/\u0120\u010a", target="10.0.0.1")
def test_one_get_leaves_or_nothing(path: Any, target: str) -> None:
    talk = http.HttpTalk({"target": target, "port": 80, "path": path})
    try:
        data = talk.question(1)
    except NO_BYTES:
        return
    assert data.isascii()
    assert requests_in(data) == [("GET", path)]


@settings(max_examples=1500, deadline=None)
@given(
    number=st.integers(0, 70_000),
    unit=ANY,
    table=st.sampled_from(sorted(modbus.READ_FUNCTIONS)) | ANY,
    address=st.integers(0, 65535) | ANY,
    kind=st.sampled_from(sorted(modbus.REGISTERS)) | ANY,
)
@example(number=1, unit=1, table="holding", address=7, kind="int32")
def test_a_question_for_one_number_leaves_or_nothing(
    number: int, unit: Any, table: Any, address: Any, kind: Any
) -> None:
    try:
        talk = modbus.ModbusTalk({"unit": unit, "table": table, "address": address, "type": kind})
        data = talk.question(talk.number(number))
    except (*NO_BYTES, struct.error):
        return
    assert len(data) == 12
    assert data[7] in {1, 2, 3, 4}
    assert data[8:] == address.to_bytes(2, "big") + bytes([0, 2 if kind.endswith("32") else 1])


@settings(max_examples=500, deadline=None)
@given(data=st.binary(max_size=20) | st.binary(min_size=12, max_size=12))
@example(data=b"\0\1\0\0\0\6\1\6\0\0\0\1")
@example(data=b"\0\1\0\0\0\6\1\4\0\0\0\2")
@example(data=b"\0\1\0\0\0\6\1\4\0\0\0\3")
def test_the_last_place_before_the_wire_lets_no_other_frame_pass(data: bytes) -> None:
    reads = len(data) == 12 and data[2:6] == b"\0\0\0\6" and data[7] in {1, 2, 3, 4}
    reads = reads and data[10:] in {b"\0\1", b"\0\2"}
    if reads:
        assert modbus.guard(data) == data
    else:
        with pytest.raises(Unknown):
            modbus.guard(data)


@pytest.mark.parametrize("function", [code for code in range(256) if code not in {1, 2, 3, 4}])
def test_no_other_function_passes(function: int) -> None:
    with pytest.raises(Unknown, match="nothing was sent"):
        modbus.guard(b"\0\1\0\0\0\6\1" + bytes([function]) + b"\0\0\0\1")


SPOILT: dict[str, dict[str, Any]] = {
    "an HTTP look that posts": {"kind": "http", "path": POSTS},
    "an HTTP canary that posts": {"kind": "canary", "ask": "http", "path": POSTS},
    "a path with a space": {"kind": "http", "path": "/a b"},
    "a path with an umlaut": {"kind": "http", "path": "/füllung"},
    "half a surrogate pair": {"kind": "http", "path": "/\ud83d"},
    "a path that is a number": {"kind": "http", "path": 7},
    "a table that writes": {"kind": "modbus", "table": "write"},
    "a canary of a table that writes": {"kind": "canary", "table": 6},
    "a unit that is too high": {"kind": "modbus", "unit": 300},
    "an address in text": {"kind": "modbus", "address": "\0\6"},
}


@pytest.mark.parametrize("name", SPOILT)
def test_a_schedule_from_elsewhere_sends_nothing(name: str) -> None:
    """On a real connection: not one byte arrives, and the sample says that the probe could not ask."""

    async def drill() -> tuple[bytes, dict[str, Any]]:
        got = bytearray()
        ended = asyncio.Event()

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                while data := await reader.read(1000):
                    got.extend(data)
            except ConnectionError:
                pass
            writer.close()
            ended.set()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        probe = {"target": "127.0.0.1", "port": server.sockets[0].getsockname()[1], **SPOILT[name]}
        look = looks.LOOKS[probe["kind"]](probe)
        row = await looks.sample(look, 5.0)
        await left_behind(look)
        await asyncio.wait_for(ended.wait(), PATIENCE_S)
        server.close()
        return bytes(got), row

    got, row = asyncio.run(drill())
    assert got == b""
    assert row["seen"] == "unknown"
    assert row["why"].endswith("so nothing was sent")
    json.dumps(row).encode()


@pytest.mark.parametrize("target", ["plant.example", "", "127.0.0.1\r\n", "10.0.0.300"])
@pytest.mark.parametrize("look", [looks.TcpLook, looks.HttpLook, looks.ModbusLook])
def test_what_is_no_address_is_not_looked_up(target: str, look: Callable[[Any], Any]) -> None:
    row = asyncio.run(looks.sample(look({"kind": "tcp", "target": target, "port": 9}), 5.0))
    assert (row["seen"], row["why"], row["heard"]) == ("unknown", "the target is not an address", "unknown")
