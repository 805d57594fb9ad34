"""The worker of the vantage beside the conductor: the same schedule and spool, with the full protocol libraries."""

from __future__ import annotations

from islandmode.observe.http import HttpLook
from islandmode.observe.looks import LOOKS
from islandmode.observe.modbus import ModbusLook
from islandmode.observe.worker import main

if __name__ == "__main__":
    main({**LOOKS, "modbus": ModbusLook, "http": HttpLook})
