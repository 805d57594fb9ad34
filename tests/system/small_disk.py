"""Real disks of 64 KiB, each in a mount namespace of its own that goes with the process that looks at it.

python -m tests.system.small_disk MOUNT_POINT CASE     inside: mounts the disk, plays one case, says what happened
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import anyio

from islandmode.core.errors import Refused
from islandmode.core.spool import KeptSpool
from islandmode.core.spool_lines import Expected
from islandmode.observe.spooling import Spool
from islandmode.store import rundir
from islandmode.system.disk import MachineDisk
from islandmode.system.segments import segments_in
from tests.children import dying_with_us
from tests.patience import PATIENCE_S

ROOT = Path(__file__).resolve().parents[2]
SIZE_BYTES = 64 * 1024


def on_a_small_disk(case: str) -> str:
    """Play a case on a disk that nobody else sees; returns what it said."""
    # Mounting needs a namespace of one's own, and without root's rights a user namespace around it.
    rootless = () if os.getuid() == 0 else ("--map-root-user",)
    with tempfile.TemporaryDirectory() as folder:
        inside = [sys.executable, "-m", "tests.system.small_disk", folder, case]
        own = ["unshare", *rootless, "--mount", "--pid", "--fork", "--kill-child=KILL", "--", *inside]
        argv = dying_with_us(own)
        path = os.pathsep.join((str(ROOT), str(ROOT / "src")))
        environment = {**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"}
        done = subprocess.run(
            argv, capture_output=True, text=True, timeout=PATIENCE_S, env=environment, cwd=ROOT, check=False
        )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


async def reserve(folder: Path) -> str:
    """Ask for more than there is."""
    try:
        await MachineDisk().create(folder / "lines", 2 * SIZE_BYTES)
    except OSError as error:
        return f"{error.strerror}; left behind: {names(folder) or 'nothing'}"
    return "created"


async def fill(folder: Path) -> str:
    """Let a neighbour take every free byte, then write what was reserved."""
    file = await MachineDisk().create(folder / "lines", SIZE_BYTES // 4)
    fill_up(folder)
    for _ in range(8):
        await file.write_synced(b"x" * 999 + b"\n")
    await file.close()
    return f"written {(folder / 'lines').stat().st_size} bytes on a full disk"


async def overflow(folder: Path) -> str:
    """Write until the disk is full, make room, and write again."""
    file = await MachineDisk().create(folder / "lines")
    fill_up(folder)
    said: list[str] = []
    for _ in range(2):
        try:
            for _ in range(100):
                await file.write_synced(b"x" * 4095 + b"\n")
        except OSError as error:
            said.append(str(error.strerror))
        (folder / "neighbour").unlink(missing_ok=True)
    await file.close()
    lines = (folder / "lines").read_bytes().split(b"\n")
    return f"{', then '.join(said)}; trusted lines {'whole' if set(lines[:-1]) <= {b'x' * 4095} else 'broken'}"


async def spool(folder: Path) -> str:
    """Let a neighbour take every free byte while a worker samples, and go on sampling."""
    kept = Spool(str(folder), {"run": "run-1", "vantage": "here", "probes": {"plc": {}}}, None, SIZE_BYTES // 2)
    good = {"probe": "plc", "seen": "good", "heard": "answer", "why": "", "sender": ""}
    for number in range(41):
        kept.add({**good, "asked_us": number, "answered_us": number, "value": number})
        if number == 0:
            kept.close_segment()
            fill_up(folder)
    kept.close_segment("asked")
    kept.forget_reserve()
    expected = Expected("run-1", "here", frozenset(["plc"]))
    reading = KeptSpool(lambda: segments_in(folder), expected).read()
    return f"{reading.samples} samples, {'whole' if reading.whole else reading.why}"


async def no_room(folder: Path) -> str:
    """Start a worker whose schedule takes more room than there is."""
    probe = {"kind": "tcp", "target": "127.0.0.1", "port": 9, "timeout": 0.2}
    schedule = {"run": "r", "vantage": "v", "sample_every_s": 0.02, "end_after_s": 86_400, "probes": {"p": probe}}
    argv = [sys.executable, "-m", "islandmode.observe.worker", "run", str(folder / "spool")]
    done = await anyio.run_process(argv, input=json.dumps(schedule).encode() + b"\n", check=False)
    return f"{done.stdout.decode().strip()}; left behind: {names(folder) or 'nothing'}"


async def read_only(folder: Path) -> str:
    """Write where nothing can be written."""
    mount("remount,ro", folder)
    said = []
    disk = MachineDisk()
    for write in (disk.create(folder / "lines"), disk.replace(folder / "whole", b"")):
        try:
            await write
        except OSError as error:
            said.append(str(error.strerror))
    return ", ".join(said)


def names(folder: Path) -> list[str]:
    """List what lies in a folder."""
    return [path.name for path in folder.iterdir()]


def fill_up(folder: Path) -> None:
    """Take every free byte of a disk."""
    with (folder / "neighbour").open("wb", buffering=0) as file:
        try:
            while file.write(b"x" * 4096):
                pass
        except OSError:
            return


def mount(options: str, folder: Path) -> None:
    """Mount a small disk, or mount it again."""
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], check=True)


async def run(folder: Path) -> str:
    """Begin a run."""
    try:
        rundir.create(folder, "run-1")
    except Refused as refused:
        sentence = str(refused).replace(f"{folder}/", "")
        return f"{sentence} Left behind: {names(folder / rundir.RUNS) or 'nothing'}"
    return "begun"


CASES = {
    "no room": no_room,
    "run": run,
    "reserve": reserve,
    "fill": fill,
    "overflow": overflow,
    "spool": spool,
    "read-only": read_only,
}


if __name__ == "__main__":
    mount(f"size={SIZE_BYTES}", Path(sys.argv[1]))
    print(anyio.run(CASES[sys.argv[2]], Path(sys.argv[1])))
