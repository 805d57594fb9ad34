"""A thousand PLCs at 10 Hz by one worker on one core, beside other readers: python bench/thousand_plcs.py [targets] [hertz] [seconds] [rounds].

The targets are one server in C on loopback (bench/plcs/server.c), on a core of its own; each reader has the other core, and its own turn
in each round. BEFORE=FOLDER, the `src` of another checkout, adds that checkout's worker. In each turn, once all connections stand:

    sampled   the share of the slots of the stretch with a good sample
    late      how long after its slot a sample was asked: the half, and 99 in 100, at most
    CPU       the share of one core
    MB        peak memory

The minimal reader judges nothing and writes nothing: it is the floor on an event loop, and the worker's CPU is given as a multiple of it.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
from array import array
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

HERE = Path(__file__).parent / "plcs"
SOURCE = Path(__file__).parents[1] / "src"
TARGETS, HERTZ, SECONDS, ROUNDS = 1000, 10, 8, 3
WARM_S, SLACK_S = 5.0, 120.0
FLOOR = "minimal, uvloop"


@dataclass(frozen=True)
class Turn:
    """What one reader did in one round."""

    sampled: float
    late_ms: float
    late_p99_ms: float
    cpu: float
    peak_mb: float


@dataclass(frozen=True)
class Load:
    """What is read, and for how long."""

    port: int
    targets: int
    every_us: int
    seconds: float

    @property
    def slots(self) -> float:
        """Count the slots of the stretch."""
        return self.targets * self.seconds * 1e6 / self.every_us

    def schedule(self) -> str:
        """Give it as a worker's schedule."""
        probe = {
            "kind": "modbus",
            "port": self.port,
            "unit": 1,
            "table": "input",
            "timeout": 0.8,
            "changes_within": 5.0,
        }
        where = (f"127.1.{number // 250}.{number % 250 + 1}" for number in range(self.targets))
        probes = {f"plc-{number}": {**probe, "target": target} for number, target in enumerate(where)}
        end_s = WARM_S + self.seconds + 1
        about = {"run": "bench", "vantage": "here", "sample_every_s": self.every_us / 1e6, "end_after_s": end_s}
        return json.dumps({**about, "probes": probes}) + "\n"


def built(folder: Path, name: str, *libraries: str) -> Path:
    """Compile a program of the bench."""
    program = folder / name
    subprocess.run(["cc", "-O2", "-o", program, HERE / f"{name}.c", *libraries], check=True)
    return program


def readers(folder: Path, load: Load) -> dict[str, list[str]]:
    """Give the command line of each reader that this machine has, and say which it lacks."""
    file, about = str(folder / "samples"), [str(load.port), str(load.targets), str(load.every_us)]
    stretch = [str(WARM_S), str(load.seconds), file]
    python, worker = [sys.executable, str(HERE / "reader.py")], [sys.executable, str(HERE / "worker_reader.py")]
    spool = str(folder / "spool")
    found = {
        "worker, uvloop": [*worker, *stretch, spool, "uvloop"],
        "worker, asyncio": [*worker, *stretch, spool, "asyncio"],
        "worker, nothing spooled": [*worker, *stretch, spool, "asyncio", "unspooled"],
        FLOOR: [*python, "minimal-uvloop", *about, *stretch],
        "minimal, asyncio": [*python, "minimal", *about, *stretch],
        "epoll in Python": [*python, "epoll", *about, *stretch],
        "pymodbus, uvloop": [*python, "pymodbus-uvloop", *about, *stretch],
    }
    if os.environ.get("BEFORE"):
        found = {**found, "worker before": found["worker, asyncio"]}
    if Path("/usr/include/modbus/modbus.h").exists():
        program = built(folder, "libmodbus_reader", "-lmodbus", "-lpthread", "-I/usr/include/modbus")
        found["libmodbus in C, threads"] = [str(program), *about, *stretch]
    else:
        print("Not measured: libmodbus, of which libmodbus-dev is not installed.")
    if importlib.util.find_spec("uvloop") is None:
        print("Not measured: what needs uvloop, which is not installed.")
        found = {name: argv for name, argv in found.items() if "uvloop" not in name}
    return found


@contextmanager
def served(folder: Path, targets: int, core: int) -> Iterator[int]:
    """Serve the targets on a core; gives their port."""
    argv = ["taskset", "-c", str(core), str(built(folder, "server")), str(targets)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            yield int(server.stdout.readline())
        finally:
            server.kill()


def lateness_us(rows: Mapping[int, list[int]], every_us: int) -> tuple[list[int], int]:
    """Tell how late each sample was asked, and how many slots they used. A target's grid is where its earliest sample stands in a slot."""
    late, used = [], 0
    for asked_us in rows.values():
        first = asked_us[0]
        earliest = min((us - first + every_us // 4) % every_us - every_us // 4 for us in asked_us)
        since = [us - first - earliest for us in asked_us]
        late += [us % every_us for us in since]
        used += len({us // every_us for us in since})
    return sorted(late) or [0], used


def turn(name: str, argv: list[str], folder: Path, load: Load, core: int) -> Turn:
    """Let one reader read."""
    shutil.rmtree(folder / "spool", ignore_errors=True)
    source = os.environ["BEFORE"] if name == "worker before" else str(SOURCE)
    done = subprocess.run(
        ["taskset", "-c", str(core), *argv],
        input=load.schedule() if name.startswith("worker") else "",
        env={**os.environ, "PYTHONPATH": source},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        timeout=WARM_S + load.seconds + SLACK_S,
    )
    cpu_s, peak_kib = done.stdout.splitlines()[-1].split()
    samples = array("q")
    samples.frombytes((folder / "samples").read_bytes())
    asked_us: dict[int, list[int]] = {}
    for number, asked, good in zip(samples[::4], samples[1::4], samples[3::4], strict=True):
        if good:
            asked_us.setdefault(number, []).append(asked)
    late, used = lateness_us(asked_us, load.every_us)
    return Turn(
        used / load.slots,
        late[len(late) // 2] / 1000,
        late[len(late) * 99 // 100] / 1000,
        float(cpu_s) / load.seconds,
        int(peak_kib) / 1024,
    )


def measure(targets: int, hertz: int, seconds: int, rounds: int) -> None:
    """Measure, and print medians and ratios."""
    cores = sorted(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory() as name, served(Path(name), targets, cores[0]) as port:
        folder, load = Path(name), Load(port, targets, round(1e6 / hertz), seconds)
        asked = readers(folder, load)
        taken: dict[str, list[Turn]] = {reader: [] for reader in asked}
        for _ in range(rounds):
            for reader, argv in asked.items():
                taken[reader].append(turn(reader, argv, folder, load, cores[-1]))
    print(f"{targets} Modbus targets at {hertz} Hz, {seconds} s, one core; medians of {rounds} rounds:")
    print(f"{'':24}  sampled   late half / p99 ms   CPU  x floor   MB")
    floor = median(each.cpu for each in taken[FLOOR if FLOOR in taken else "minimal, asyncio"])
    for reader, turns in taken.items():
        middle = Turn(*(median(getattr(each, part) for each in turns) for part in Turn.__dataclass_fields__))
        print(
            f"{reader:24} {middle.sampled:7.2%}  {middle.late_ms:8.2f} / {middle.late_p99_ms:7.2f}  "
            f"{middle.cpu:6.0%}  {middle.cpu / floor:6.2f}  {middle.peak_mb:4.0f}"
        )


if __name__ == "__main__":
    given = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, usual in (("targets", TARGETS), ("hertz", HERTZ), ("seconds", SECONDS), ("rounds", ROUNDS)):
        given.add_argument(name, nargs="?", type=int, default=usual)
    asked = given.parse_args()
    if shutil.which("cc") is None:
        print("Nothing is measured: the targets are a program in C, and there is no cc.")
    else:
        measure(asked.targets, asked.hertz, asked.seconds, asked.rounds)
