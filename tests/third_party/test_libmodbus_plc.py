"""The PLC in C on libmodbus: the process of its sibling in Python, to the last register, whatever clients do to it."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from islandmode.rehearse.namespaces.backend import NamespacesLab
from tests.lab.drills import PROJECT
from tests.lab.rogue.bypass import in_node
from tests.patience import PATIENCE_S

pytestmark = pytest.mark.lab

READ_ALL = """
import json
from pymodbus.client import ModbusTcpClient

client = ModbusTcpClient("10.40.0.11", timeout=5)
assert client.connect()
print(json.dumps({
    "inputs": client.read_input_registers(0, count=16, device_id=1).registers,
    "holding": client.read_holding_registers(0, count=16, device_id=1).registers,
    "discrete": client.read_discrete_inputs(0, count=16, device_id=1).bits,
    "coils": client.read_coils(0, count=16, device_id=1).bits,
    "outside": client.read_input_registers(16, count=1, device_id=1).exception_code,
}))
"""
CROWD = """
import socket

crowd = [socket.create_connection(("10.40.0.11", 502), 5) for _ in range(40)]
for number, one in enumerate(crowd):
    one.sendall(b"GET / HTTP/1.1" if number % 2 else bytes(4))
"""


def read_all(lab: NamespacesLab) -> dict[str, Any]:
    """Read every table once, and one register that does not exist."""
    argv = lab.enter("ops", (sys.executable, "-c", READ_ALL), network_only=True)
    done = subprocess.run(argv, check=False, capture_output=True, text=True, timeout=PATIENCE_S)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def signal_plc(lab: NamespacesLab, name: str) -> None:
    in_node(lab, "plc-filler", "sh", "-c", f"kill -{name} $(cat /run/plc.pid)")


@contextmanager
def frozen(lab: NamespacesLab) -> Iterator[None]:
    """Stop the program while the communication goes on."""
    signal_plc(lab, "USR1")
    try:
        yield
    finally:
        signal_plc(lab, "USR2")


def sibling(scans: int) -> Any:
    """Run the process of lab/plant/plc.py for so many scans."""
    spec = importlib.util.spec_from_file_location("plc", PROJECT / "lab" / "plant" / "plc.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # A dataclass looks its own module up.
    sys.modules["plc"] = module
    try:
        spec.loader.exec_module(module)
    finally:
        del sys.modules["plc"]
    process = module.PROCESSES["filler"]
    for _ in range(scans):
        process.scan()
    return process


def test_every_register_is_what_the_simulated_plc_would_have_after_as_many_scans(lab: NamespacesLab) -> None:
    with frozen(lab):
        read_all(lab)  # A scan that was under way ends.
        found = read_all(lab)
        assert read_all(lab) == found, "a frozen program must not go on"
    process = sibling(found["inputs"][0])
    assert found["inputs"] == process.inputs() + [0] * 10
    assert found["holding"] == [600] + [0] * 15
    assert found["discrete"] == [process.alarm, process.running] + [False] * 14
    assert found["coils"] == [True] + [False] * 15
    assert found["outside"] == 2


def test_a_program_that_was_frozen_runs_on(lab: NamespacesLab) -> None:
    with frozen(lab):
        before = read_all(lab)["inputs"][0]
    readings = [before]
    while len(set(readings)) < 3:
        assert len(readings) < 50
        readings.append(read_all(lab)["inputs"][0])


def test_clients_that_crowd_in_and_talk_nonsense_do_not_stop_it(lab: NamespacesLab) -> None:
    before = read_all(lab)["inputs"][0]
    argv = lab.enter("ops", (sys.executable, "-c", CROWD), network_only=True)
    subprocess.run(argv, check=True, timeout=PATIENCE_S)
    readings = [before]
    while len(set(readings)) < 3:
        assert len(readings) < 50
        readings.append(read_all(lab)["inputs"][0])
