"""Modbus/TCP on the vantage beside the conductor, through pymodbus; read-only by construction, twice over.

Only the four read functions are reachable from here, and a guard at the last place before the wire raises on any
other function code, so that no change above it could ever write to a plant.
"""

from __future__ import annotations

import socket
from typing import Any

from pymodbus.client import AsyncModbusTcpClient
from pymodbus.exceptions import ModbusException
from pymodbus.pdu import ModbusPDU

from islandmode.observe.looks import Bad, Fresh, Value, judge_value

READS = frozenset({1, 2, 3, 4})


class WriteRefused(Exception):
    """Something asked for a Modbus function that could change a plant; nothing left this process."""


def guard(sending: bool, pdu: ModbusPDU) -> ModbusPDU:  # noqa: FBT001 - pymodbus calls it so
    """Let read functions pass; raise on anything else before it is sent."""
    if sending and pdu.function_code not in READS:
        raise WriteRefused(f"Modbus function {pdu.function_code} is not a read")
    return pdu


class ModbusLook:
    """Keeps one connection, as a considerate client of an old PLC does, and drops it after any trouble."""

    overlaps = False

    def __init__(self, probe: dict[str, Any]) -> None:
        """Know the target."""
        self._probe = probe
        self._fresh = Fresh(probe.get("changes_within"))
        self._client: AsyncModbusTcpClient | None = None

    async def __call__(self) -> Value:
        """Read the register and judge it."""
        try:
            value = await self._read()
        except BaseException:
            # After a timeout an old answer may still come; it must find no open connection.
            if self._client is not None:
                self._client.close()
            self._client = None
            raise
        return judge_value(self._probe, self._fresh, value)

    async def _read(self) -> int:
        probe = self._probe
        if self._client is None:
            # No retries and no reconnecting of its own: each sample must say what it saw, when it saw it.
            settings: dict[str, Any] = {"timeout": probe.get("timeout", 0.8), "retries": 0, "reconnect_delay": 0}
            self._client = AsyncModbusTcpClient(probe["target"], port=probe["port"], trace_pdu=guard, **settings)
            if not await self._client.connect():
                # The library says only that it failed. Where this process can open no socket, that is its own trouble.
                socket.socket().close()
                raise Bad("connection refused or not answered")
        reads = {
            "coil": self._client.read_coils,
            "discrete": self._client.read_discrete_inputs,
            "holding": self._client.read_holding_registers,
            "input": self._client.read_input_registers,
        }
        try:
            answer = await reads[probe.get("table", "input")](
                probe.get("address", 0), count=1, device_id=probe.get("unit", 1)
            )
        except ModbusException as error:
            raise Bad(f"no answer ({error})") from None
        if answer.isError():
            raise Bad(f"Modbus exception {getattr(answer, 'exception_code', '')}")
        return int(answer.bits[0]) if answer.bits else int(answer.registers[0])
