"""The legacy HMI client in the office: one long Modbus/TCP connection to a PLC, polled twice a second.

Its state is in /run/legacy-client.json: how often it connected and how many answers it had.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from pathlib import Path

from pymodbus.client import AsyncModbusTcpClient
from pymodbus.exceptions import ModbusException

from polling import Plc

POLL_S = 0.5
STATE = Path("/run/legacy-client.json")


async def run(plc: Plc) -> None:
    """Poll on one connection for as long as it lasts; connect again when it is lost."""
    connects = answers = 0
    while True:
        client = AsyncModbusTcpClient(plc.address, timeout=3, retries=0, reconnect_delay=0)
        try:
            if await client.connect():
                connects += 1
                while not (await client.read_input_registers(0, count=6, device_id=1)).isError():
                    answers += 1
                    STATE.write_text(json.dumps({"connects": connects, "answers": answers}), encoding="ascii")
                    await asyncio.sleep(POLL_S)
        except (ModbusException, OSError):
            pass
        finally:
            client.close()
        await asyncio.sleep(POLL_S)


def main() -> None:
    """Read the command line and run."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--plc", required=True)
    given = parser.parse_args()
    asyncio.run(run(Plc("plc", given.plc)))


if __name__ == "__main__":
    main()
