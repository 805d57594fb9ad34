"""A plant on loopback for workers to look at, on a thread of its own: it goes when the test process goes."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from tests.patience import PATIENCE_S

INPUT = 4
SIGNED = [65485, 0xFFFE, 0x7960, 0x7960, 0xFFFE]
"""-51 at 4; -100000 at 5 with the high word first, and at 7 with the low one first."""
SCAN_S = 0.05
Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Relay:
    """Carries TCP to a server, and keeps what it saw: connections made, and the Modbus functions that were asked."""

    def __init__(self) -> None:
        self.connections = 0
        self.functions: list[int] = []
        self.passing = threading.Event()
        self.passing.set()
        self.port = 0
        self._tasks: set[asyncio.Future[None]] = set()

    async def serve(self, port: int) -> None:
        self._to = port
        self.port = await listen(self._client)

    async def _client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._to)
        back = asyncio.ensure_future(self._carry(far_reader, writer, asking=False))
        self._tasks.add(back)
        await self._carry(reader, far_writer, asking=True)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, asking: bool) -> None:
        try:
            while True:
                frame = await reader.readexactly(6)
                frame += await reader.readexactly(int.from_bytes(frame[4:6], "big"))
                if asking:
                    self.functions.append(frame[7])
                # Like a firewall that drops: nothing is lost for good, it comes late.
                while not self.passing.is_set():
                    await asyncio.sleep(0.01)
                writer.write(frame)
        except (OSError, asyncio.IncompleteReadError):
            return
        finally:
            writer.transport.abort()


class Plant:
    """A PLC with a heartbeat, and an HMI that shows it."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.relay = Relay()
        self.frozen = False
        self.heartbeat = 0
        self.quality = "good"
        self.answer = b""
        self.plc_port = self.hmi_port = 0

    def do(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Run something on the plant's own loop."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(20)

    async def start(self) -> None:
        tables = (
            [SimData(0, values=[True] + [False] * 15, datatype=DataType.BITS)],
            [SimData(0, values=[False, True] + [False] * 14, datatype=DataType.BITS)],
            [SimData(0, values=[600] * 4 + SIGNED + [600] * 7, datatype=DataType.REGISTERS)],
            [SimData(0, values=[0, 620] + [7] * 14, datatype=DataType.REGISTERS)],
        )
        self._server = ModbusTcpServer(SimDevice(1, tables), address=("127.0.0.1", 0))
        await self._server.serve_forever(background=True)
        transport: Any = self._server.transport
        self.plc_port = transport.sockets[0].getsockname()[1]
        await self.relay.serve(self.plc_port)
        self.hmi_port = await listen(self._hmi)
        self._scan = asyncio.ensure_future(self._scans())

    async def end(self) -> None:
        """Close everything."""
        while SERVERS:
            SERVERS.pop().close()
        self._scan.cancel()
        await self._server.shutdown()  # type: ignore[no-untyped-call] # the library has no types there
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.sleep(0.01)

    async def _scans(self) -> None:
        while True:
            if not self.frozen:
                self.heartbeat = (self.heartbeat + 1) % 65536
                await self._server.async_setValues(1, INPUT, 0, [self.heartbeat])
            await asyncio.sleep(SCAN_S)

    async def _hmi(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):
            while True:
                await reader.readuntil(b"\r\n\r\n")
                tag = '{"value": %d, "quality": "%s", "source_time": "%d"}'
                body = b'{"tags": {"plc.heartbeat": ' + (tag % (7, self.quality, self.heartbeat)).encode() + b"}}"
                writer.write(self.answer or b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))


SERVERS: list[asyncio.Server] = []


async def listen(serve: Serve) -> int:
    """Serve on a free port of loopback; returns the port. Every connection is closed when its server's work ends."""

    async def served(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await serve(reader, writer)
        except asyncio.CancelledError:
            return
        finally:
            writer.close()

    SERVERS.append(await asyncio.start_server(served, "127.0.0.1", 0))
    return int(SERVERS[-1].sockets[0].getsockname()[1])


class Page:
    """A spool that is kept in memory."""

    full = left = False

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []
        self.then: Callable[[], Any] = lambda: None

    def add(self, row: dict[str, Any]) -> None:
        self.rows.append(row)
        self.then()

    def asked(self) -> list[dict[str, Any]]:
        """Give the rows of slots that were used: on a busy machine a worker may be late for some."""
        return [row for row in self.rows if not row["why"].startswith("the worker was held up")]


async def left_behind(look: Any) -> None:
    """Close the connection that a look keeps; a worker leaves that to the end of its process."""
    connection = getattr(look, "_connection", None)
    if connection is not None:
        connection.close()
    await asyncio.sleep(0.01)


@contextmanager
def running_plant() -> Iterator[Plant]:
    """Run a plant until the end of the block."""
    plant = Plant()
    thread = threading.Thread(target=plant.loop.run_forever, daemon=True)
    thread.start()
    plant.do(plant.start())
    yield plant
    plant.do(plant.end())
    plant.loop.call_soon_threadsafe(plant.loop.stop)
    thread.join(PATIENCE_S)
    plant.loop.close()
