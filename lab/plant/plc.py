"""A PLC: a small honest process behind Modbus/TCP.

Input registers (function 4): 0 heartbeat, 1 tank level (0.1 %), 2 and 3 count (low and high word), 4 rate (bottles or
batches a minute), 5 temperature (0.1 C). Holding register 0: level setpoint (0.1 %). Discrete inputs: 0 level alarm,
1 running, 2 in batch (running, and something in the tank), 3 bypass active. Coils: 0 run command, 1 bypass key. SIGUSR1 freezes the program while the communication goes on; SIGUSR2 lets it run again.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
from dataclasses import dataclass, field

from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

SCAN_S = 0.1
COILS, DISCRETE, HOLDING, INPUT = 1, 2, 3, 4
WRITE_HOLDING = 16


@dataclass
class Process:
    """A tank that is filled to a setpoint and emptied by a machine."""

    rate_per_min: float
    outflow: float
    level: float = 62.0
    count: float = 1000.0
    temperature: float = 21.5
    heartbeat: int = 0
    setpoint: float = 60.0
    running: bool = True
    bypassed: bool = False
    frozen: bool = field(default=False)

    def scan(self) -> None:
        """Run the program once, as a PLC does every scan."""
        if self.frozen:
            return
        self.heartbeat = (self.heartbeat + 1) % 65536
        valve = min(max((self.setpoint - self.level) * 0.5 + 0.5, 0.0), 1.0)
        inflow = valve * self.outflow * 2
        out = self.outflow if self.running and self.level > 0 else 0.0
        self.level = min(max(self.level + (inflow - out) * SCAN_S, 0.0), 100.0)
        if self.in_batch:
            self.count += self.rate_per_min / 60 * SCAN_S
        # Warms towards 35 C while the machine runs, cools towards 18 C while it does not.
        target = 35.0 if self.running else 18.0
        self.temperature += (target - self.temperature) * SCAN_S / 600

    def inputs(self) -> list[int]:
        """Give the input registers."""
        count = int(self.count)
        rate = round(self.rate_per_min) if self.in_batch else 0
        words = [self.heartbeat, round(self.level * 10), count & 0xFFFF, count >> 16, rate]
        return [*words, round(self.temperature * 10)]

    @property
    def in_batch(self) -> bool:
        """Tell whether the machine works on something."""
        return self.running and self.level > 1

    @property
    def alarm(self) -> bool:
        """Tell whether the level is out of bounds."""
        return not 5 <= self.level <= 95


PROCESSES = {"mixer": Process(6.0, 0.8), "filler": Process(48.0, 1.2)}


def device(process: Process) -> SimDevice:
    """Make the four tables of a PLC."""
    return SimDevice(
        1,
        (
            [SimData(0, values=[process.running] + [False] * 15, datatype=DataType.BITS)],
            [SimData(0, count=16, values=False, datatype=DataType.BITS)],
            [SimData(0, count=16, datatype=DataType.REGISTERS)],
            [SimData(0, count=16, datatype=DataType.REGISTERS)],
        ),
    )


async def serve(process: Process, port: int) -> None:
    """Scan and serve until killed."""
    server = ModbusTcpServer(device(process), address=("", port))
    await server.serve_forever(background=True)
    await server.async_setValues(1, WRITE_HOLDING, 0, [round(process.setpoint * 10)])
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGUSR1, setattr, process, "frozen", True)
    loop.add_signal_handler(signal.SIGUSR2, setattr, process, "frozen", False)
    due = loop.time()
    while True:
        process.setpoint = (await server.async_getValues(1, HOLDING, 0, 1))[0] / 10
        process.running, process.bypassed = map(bool, (await server.async_getValues(1, COILS, 0, 2))[:2])
        process.scan()
        await publish(server, process)
        due += SCAN_S
        await asyncio.sleep(max(due - loop.time(), 0))


async def publish(server: ModbusTcpServer, process: Process) -> None:
    """Put the process image into the tables that clients read."""
    device_values = server.async_setValues
    await device_values(1, INPUT, 0, process.inputs())
    await device_values(1, DISCRETE, 0, [process.alarm, process.running, process.in_batch, process.bypassed])


def main() -> None:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--process", choices=sorted(PROCESSES), required=True)
    parser.add_argument("--port", type=int, default=502)
    given = parser.parse_args()
    asyncio.run(serve(PROCESSES[given.process], given.port))


if __name__ == "__main__":
    main()
