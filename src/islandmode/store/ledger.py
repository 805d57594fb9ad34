"""The ledger of a workspace, `runs/ledger.jsonl`: read whole, and only ever written behind its end."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from islandmode.core.errors import InputError
from islandmode.core.ledger import (
    OPENED,
    Attempt,
    Checkpoint,
    Ledger,
    attempts_of,
    attempts_told,
    checkpoint_of,
    next_line,
    read_ledger,
    spent_in,
    with_line,
)
from islandmode.core.text import cleaned
from islandmode.store.rundir import RUNS
from islandmode.system import modes
from islandmode.system.disk import make_folder, sync_folder, write_all
from islandmode.system.machine_state import read_plain
from islandmode.system.modes import open_file

LEDGER, ACKNOWLEDGED, SENDING = "ledger.jsonl", ".ledger-acknowledged.json", ".ledger-sending"
NEW_LEDGER = "keep the file as evidence, find out what happened to it, and move it away: the next run opens a new ledger, under another name"


@dataclass(frozen=True)
class Entered:
    """What became of a line: the checkpoint with it and how earlier attempts at the drill ended, or why it was not entered."""

    checkpoint: Checkpoint | None
    earlier: str = ""
    attempt: int = 0
    why: str = ""
    """What is wrong with the ledger."""
    spent: str = ""
    """Which approval of the line was spent before, and where; then nothing was entered."""

    def words(self) -> bytes:
        """Write it for the process that asked."""
        return json.dumps(asdict(self)).encode("ascii")

    @classmethod
    def read(cls, words: bytes) -> Entered:
        """Read what `words` wrote."""
        said = json.loads(words)
        at = said.pop("checkpoint")
        return cls(None if at is None else Checkpoint(**at), **said)


def path_of(workspace: Path) -> Path:
    """Give the ledger's file."""
    return workspace / RUNS / LEDGER


def ledger_of(workspace: Path) -> Ledger:
    """Read the ledger of a workspace; without a line where it was not opened yet. Raises `InputError` where it cannot be read."""
    path = path_of(workspace)
    try:
        return read_ledger(read_plain(path))
    except FileNotFoundError:
        return Ledger()
    except OSError as error:
        raise InputError(
            f"{path} cannot be read ({error.strerror}); it is the ledger of this workspace's runs."
        ) from error


def enter(workspace: Path, kind: str, utc: str, data: Mapping[str, Any]) -> Entered:
    """Write a line behind the others, durably, and open the ledger before its first line. Waits for the disk; raises OSError.

    Nothing is written behind a line that is wrong. A line that was never whole is written over: nothing was armed on it.
    """
    path = path_of(workspace)
    make_folder(path.parent)
    descriptor = open_file(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW)
    with os.fdopen(descriptor, "r+b", buffering=0) as file:
        # Two runs of a workspace may begin at the same moment, at different firewalls.
        fcntl.flock(file.fileno(), fcntl.LOCK_EX)
        ledger = read_ledger(file.readall())
        if ledger.why:
            return Entered(None, why=ledger.why)
        if twice := _spent_before(ledger, data):
            return Entered(None, spent=twice)
        kept = sum(map(len, ledger.kept))
        new = [] if ledger.lines else [next_line(ledger, OPENED, utc, {"ledger": secrets.token_hex(8)})]
        for line in new:
            ledger = with_line(ledger, line)
        earlier = _attempts(ledger, data)
        new.append(next_line(ledger, kind, utc, data))
        file.truncate(kept)
        file.seek(kept)
        write_all(file.fileno(), b"".join(new))
        os.fsync(file.fileno())
        sync_folder(path.parent)
    told = attempts_told(earlier, str(data.get("drill_digest", "")))
    return Entered(checkpoint_of(with_line(ledger, new[-1])), told, len(earlier) + 1)


def _spent_before(ledger: Ledger, data: Mapping[str, Any]) -> str:
    """Name an approval of a line that another line has spent; two runs that begin together must not share it."""
    spent = spent_in(ledger)
    twice = (approval["id"] for approval in data.get("approvals", ()) if approval["id"] in spent)
    return next((f"{name} in line {spent[name]}" for name in twice), "")


@contextmanager
def sending(workspace: Path) -> Iterator[None]:
    """Be the only process of a workspace that sends its ledger's lines elsewhere: of two, the older state must not come last. Waits; raises OSError."""
    descriptor = open_file(path_of(workspace).with_name(SENDING), os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def write_acknowledged(workspace: Path, receiver: str, line: int, utc: str) -> None:
    """Remember which line a receiver off this host acknowledged last; raises OSError. What counts stands in each run's journal."""
    said = {"receiver": receiver, "line": line, "utc": utc}
    modes.write_text(path_of(workspace).with_name(ACKNOWLEDGED), json.dumps(said) + "\n")


def last_told(workspace: Path) -> str:
    """Say what a receiver acknowledged last; empty where none ever did."""
    try:
        said = json.loads(read_plain(path_of(workspace).with_name(ACKNOWLEDGED)))
        told = f"line {int(said['line'])} acknowledged by {said['receiver']} at {str(said['utc'])[:19]}Z"
    except (OSError, ValueError, KeyError, TypeError):
        return ""
    return cleaned(told)


def _attempts(ledger: Ledger, data: Mapping[str, Any]) -> tuple[Attempt, ...]:
    return attempts_of(ledger, str(data.get("site", "")), str(data.get("drill", ""))) if "drill" in data else ()
