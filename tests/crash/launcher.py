"""Runs the real command line, and does something terrible to itself at one moment: a test's launcher, no hook in the product.

    launcher.py [--at CALL:WHEN:NUMBER --do WHAT] [--mark FILE] [--guardian absent|CALL:WHEN:NUMBER] islandmode run ...

CALL is a call on an isolation point: arm, isolate, renew or restore. WHEN:

    intent    the call has not been made yet; where a record comes first, it is durable
    leaving   the line is about to leave for the device, its ticket was read back
    sent      the line has left for the device, nothing has come back
    acted     the device has acted and answered, the product has not heard of it
    result    the product has recorded the result

A ticket is a call of its own, and so are the candidate and the commit of NAPALM's driver: isolate-candidate, isolate-commit, and with another
call in front likewise. `stop-sshd` stops every sshd in the network namespace of the process named by --sshd-of, for
as many seconds as --for says; `stop-sshd-and-die` also kills this process as soon as its line waits there.

NUMBER counts from 1. With `--guardian`, the guardian is a line at whose other end nobody is and that looks alive, or is
killed at such a moment itself. The moment is written into FILE first, on this machine's monotonic clock.
"""

from __future__ import annotations

import argparse
import errno
import multiprocessing
import os
import re
import signal
import socket
import struct
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import islandmode.isolation
from islandmode.core import limits
from islandmode.core.entry import Entry
from islandmode.core.record import Record
from islandmode.isolation.point import IsolationPoint
from islandmode.operate import conducting
from islandmode.operate import run as operate_run
from islandmode.run.lifeline_pipes import PipeLifeline
from islandmode.run.outermost import exit_code_of
from islandmode.store.journal import Journal
from islandmode.system.clock import Clock, MachineClock
from islandmode.system.disk import MachineDisk
from islandmode.ui import cli, program
from napalm_nftables.channel import NftChannel
from napalm_nftables.link import DeviceLink
from napalm_nftables.scripts import BAD_CANDIDATE

CALLS = ("arm", "isolate", "renew", "restore")
RECORDS = {
    "arm.result": "arm",
    "isolate.result": "isolate",
    "dead_man.renew": "renew",
    "restore.attempt": "restore",
}
HOUR_US = 3_600_000_000
READY_S = 90.0
"""How long a guardian may take to say that it is ready: this program runs in containers too, where the tests are not."""
TICKET = re.compile(r"add element \S+ \S+ ticket ")
SCRIPTS = {
    "candidate": re.compile(rf"\|\| exit {BAD_CANDIDATE}\b"),
    "commit": re.compile(r"^  cat > undo\.", re.MULTILINE),
}
"""What the scripts of NAPALM's driver have that no other has."""


@dataclass
class Moment:
    """The moment, and what happens at it."""

    call: str
    when: str
    number: int
    act: Callable[[], None]
    mark: Path | None
    seen: Counter[tuple[str, str]]
    calling: str = ""
    """The call that is under way: a line that is sent belongs to it."""

    def reach(self, call: str, when: str) -> None:
        """Count a moment, and act at the chosen moment."""
        self.seen[call, when] += 1
        if (call, when) == (self.call, self.when) and self.seen[call, when] == self.number:
            if self.mark is not None:
                self.mark.write_text(f"{time.monotonic()}", encoding="ascii")
            self.act()


class WatchedPoint:
    """An isolation point whose calls pass moments; all else is the point's own."""

    def __init__(self, point: IsolationPoint, moment: Moment) -> None:
        self._point, self._moment = point, moment

    def __getattr__(self, name: str) -> Any:
        inner = getattr(self._point, name)
        if name not in CALLS:
            return inner

        async def call(*arguments: Any) -> Any:
            self._moment.reach(name, "intent")
            self._moment.calling = name
            reading = await inner(*arguments)
            self._moment.reach(name, "acted")
            return reading

        return call


def watch(moment: Moment) -> None:
    """Let points, device channels and journals pass moments."""
    open_point, write = islandmode.isolation.open_point, NftChannel.write
    append, keep, feed = Journal.append, Journal.keep, DeviceLink._feed

    def watched_point(*arguments: Any, **options: Any) -> WatchedPoint:
        return WatchedPoint(open_point(*arguments, **options), moment)

    def leave(send: Callable[[], None], line: str) -> None:
        script = next((name for name, pattern in SCRIPTS.items() if pattern.search(line)), "")
        call = "ticket" if TICKET.search(line) else f"{moment.calling}-{script}" if script else moment.calling
        moment.reach(call, "leaving")
        send()
        if DIES_WHEN_SENT:
            kill()
        moment.reach(call, "sent")

    def watched_write(channel: NftChannel, line: str) -> None:
        LAST_CHANNEL[:] = [channel]
        leave(lambda: write(channel, line), line)

    def watched_feed(link: DeviceLink, channel: Any, stdin: str) -> None:
        leave(lambda: feed(link, channel, stdin), stdin)

    async def watched_append(journal: Journal, entry: Entry) -> Record:
        record = await append(journal, entry)
        moment.reach(RECORDS.get(record.kind, record.kind), "result")
        return record

    def watched_keep(journal: Journal, kind: str, data: dict[str, Any]) -> Record:
        record = keep(journal, kind, data)
        moment.reach(RECORDS.get(kind, kind), "result")
        return record

    put(islandmode.isolation, "open_point", watched_point)
    put(NftChannel, "write", watched_write)
    put(DeviceLink, "_feed", watched_feed)
    put(Journal, "append", watched_append)
    put(Journal, "keep", watched_keep)


def put(where: Any, name: str, value: Any) -> None:
    """Put another thing in the place of a name."""
    setattr(where, name, value)


LAST_CHANNEL: list[NftChannel] = []
BROKEN_SYNC = multiprocessing.Event()
"""Shared with the child that writes."""
STEP_US = [0]
DIES_WHEN_SENT: list[bool] = []
SSHD_OF: list[int] = []
STOPPED_FOR_S = [0.0]


def kill() -> None:
    """Die as of a power cut."""
    os.kill(os.getpid(), signal.SIGKILL)


def stop() -> None:
    """Freeze; somebody else may wake us."""
    os.kill(os.getpid(), signal.SIGSTOP)


def fail_sync() -> None:
    """From now on nothing becomes durable."""
    BROKEN_SYNC.set()


def drop_session() -> None:
    """Reset the connection to the device, in the middle of a commit."""
    # An end of its own for the socket below SSH: nothing of the product, nor of SSH, is told.
    below = LAST_CHANNEL[0]._channel.get_transport().sock
    assert isinstance(below, socket.socket)
    below.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    below.shutdown(socket.SHUT_RDWR)


def stop_sshd() -> None:
    """Stop the device's sshd; a separate process resumes it later, even if every other process has died."""
    there = Path(f"/proc/{SSHD_OF[0]}/ns/net").readlink()
    found = [one.name for one in Path("/proc").iterdir() if one.name.isdigit() and is_sshd(one, there)]
    later = f"sleep {STOPPED_FOR_S[0]}; kill -CONT {' '.join(found)}"
    subprocess.run(["kill", "-STOP", *found], check=True)
    subprocess.Popen(["sh", "-c", later], start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def is_sshd(process: Path, there: Path) -> bool:
    """Tell whether a process is an sshd in a network namespace; an ended process is not."""
    try:
        name = (process / "comm").read_text(encoding="utf-8")
        return name.startswith("sshd") and (process / "ns" / "net").readlink() == there
    except OSError:
        return False


def stop_sshd_and_die() -> None:
    """Stop the device's sshd, and die when the line waits in its queue."""
    stop_sshd()
    DIES_WHEN_SENT.append(True)


def step(hours: int) -> None:
    """Step what the product takes for UTC; the machine's clock is never set."""
    STEP_US[0] = hours * HOUR_US


ACTS: dict[str, Callable[[], None]] = {
    "kill": kill,
    "stop": stop,
    "fail-sync": fail_sync,
    "drop-session": drop_session,
    "stop-sshd": stop_sshd,
    "stop-sshd-and-die": stop_sshd_and_die,
    "utc+1h": lambda: step(1),
    "utc-1h": lambda: step(-1),
}


def sync_or_fail(descriptor: int) -> None:
    """Sync, until that is broken."""
    if BROKEN_SYNC.is_set():
        raise OSError(errno.EIO, os.strerror(errno.EIO))
    os.fsync(descriptor)


class SteppedClock(MachineClock):
    """This machine's clock, whose UTC may be stepped."""

    def utc_us(self) -> int:
        return super().utc_us() + STEP_US[0]


class NobodyThere:
    """A lifeline that looks alive, and at whose other end nobody is: the guardian's layer is off."""

    def __init__(self, argv: Sequence[str], clock: Clock) -> None:
        pass

    async def ready(self, deadline_s: float) -> str | None:
        return None

    def tell(self, line: str) -> None:
        pass

    def silent_s(self) -> float | None:
        return 0.0

    def taken_over(self) -> bool:
        return False

    async def close(self) -> None:
        pass


def dying_guardian(at: str, mark: Path | None) -> Callable[[Sequence[str], Clock], PipeLifeline]:
    """Start the guardian through this launcher, to die at a moment of its own."""

    def make(argv: Sequence[str], clock: Clock) -> PipeLifeline:
        python, _, module, *rest = argv
        marked = ("--mark", str(mark)) if mark is not None else ()
        return PipeLifeline((python, __file__, "--at", at, "--do", "kill", *marked, module, *rest), clock)

    return make


def main() -> None:
    """Read the command line and run the product's."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--at", default="never:never:0")
    parser.add_argument("--do", choices=sorted(ACTS), default="kill")
    parser.add_argument("--mark", type=Path)
    parser.add_argument("--guardian", default="real")
    parser.add_argument("--sshd-of", type=int)
    parser.add_argument("--for", type=float, default=0.0, dest="stopped_for_s")
    # The product's own word comes first, so that its other processes know this one for what it is.
    parser.add_argument("islandmode", choices=["islandmode"])
    parser.add_argument("arguments", nargs=argparse.REMAINDER)
    given = parser.parse_args()
    SSHD_OF[:] = [given.sshd_of]
    STOPPED_FOR_S[:] = [given.stopped_for_s]
    call, when, number = given.at.split(":")
    watch(Moment(call, when, int(number), ACTS[given.do], given.mark, Counter()))
    put(operate_run, "MachineDisk", lambda: MachineDisk(sync_or_fail))
    put(operate_run, "MachineClock", SteppedClock)
    # Before anything is armed a busy machine may take its time.
    put(limits, "ready_s", lambda _plan: READY_S)
    if given.guardian == "absent":
        put(conducting, "PipeLifeline", NobodyThere)
    elif given.guardian != "real":
        put(conducting, "PipeLifeline", dying_guardian(given.guardian, given.mark))
    sys.exit(exit_code_of(lambda: program.command(given.arguments), cli.CRASH_FILE))


if __name__ == "__main__":
    main()
