"""Poll PLCs over Modbus/TCP and keep the last value of each tag with its quality and source time. For the lab's programs."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from pymodbus.client import AsyncModbusTcpClient
from pymodbus.exceptions import ModbusException

from serving import now_utc

TAGS = {"heartbeat": 0, "level": 1, "rate": 4, "temperature": 5}
POLL_S = 0.1


@dataclass
class Tag:
    """One value as a person should read it: what, how good, and how old."""

    value: int | None = None
    quality: str = "bad"
    source_time: str = ""


@dataclass
class Plc:
    """One polled PLC."""

    name: str
    address: str
    tags: dict[str, Tag] = field(default_factory=dict)

    async def poll_forever(self, every_s: float = POLL_S) -> None:
        """Poll until killed; a silent PLC keeps its last values, marked bad, with their old source time."""
        for tag in (*TAGS, "count"):
            self.tags[tag] = Tag()
        while True:
            client = AsyncModbusTcpClient(self.address, timeout=1, retries=0, reconnect_delay=0)
            try:
                if await client.connect():
                    while await self._poll(client):
                        await asyncio.sleep(every_s)
            except (ModbusException, OSError):
                pass
            finally:
                client.close()
            for one in self.tags.values():
                one.quality = "bad"
            await asyncio.sleep(0.3)

    async def _poll(self, client: AsyncModbusTcpClient) -> bool:
        answer = await client.read_input_registers(0, count=6, device_id=1)
        if answer.isError():
            return False
        words, now = answer.registers, now_utc()
        for tag, register in TAGS.items():
            self.tags[tag] = Tag(words[register], "good", now)
        self.tags["count"] = Tag(words[2] + (words[3] << 16), "good", now)
        return True


def parse_plcs(given: list[str]) -> list[Plc]:
    """Read NAME=ADDRESS pairs."""
    return [Plc(name, address) for name, _, address in (pair.partition("=") for pair in given)]
