"""Processes of a lab, as this machine numbers them: who is below whom, who is alive, and since when."""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def numbers(anchor: int) -> dict[int, int]:
    """Map the anchor's process numbers to this machine's."""
    found: dict[int, int] = {}
    waiting = [anchor]
    while waiting:
        pid = waiting.pop()
        waiting += children(pid)
        try:
            lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            continue
        inner = next((line.split()[1:] for line in lines if line.startswith("NSpid:")), [])
        if len(inner) > 1:
            found[int(inner[1])] = pid
    return found


def children(pid: int) -> list[int]:
    """List the processes that a process started."""
    try:
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()]
    except OSError:
        return []


def started(pid: int) -> str:
    """Read when a process started, in clock ticks: with the number, its identity on this boot."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[19]
    except OSError:
        return ""


def vantage_point() -> dict[str, str]:
    """Identify where process numbers are valid: this boot, and this process-id namespace."""
    boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    return {"boot": boot, "numbered_in": str(Path("/proc/self/ns/pid").readlink())}


def still_lives(lives_by: Mapping[str, Any]) -> bool | None:
    """Tell whether one of the processes by which a lab lives is still that very process; None where that cannot be told.

    It asks the kernel, and no file: a lab whose folder was deleted lives on.
    """
    here = vantage_point()
    if not {*here, "processes"} <= lives_by.keys():
        return None
    if lives_by["boot"] != here["boot"]:
        return False
    if lives_by["numbered_in"] != here["numbered_in"]:
        return None
    try:
        known = [(int(pid), str(begun)) for pid, begun in lives_by["processes"]]
    except (TypeError, ValueError, OverflowError):
        # A journal or a record may be spoilt, or another account's.
        return None
    return any(bool(begun) and started(pid) == begun for pid, begun in known)


def kill(pid: int) -> None:
    """Kill a process that may be gone already."""
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def is_alive(pid: int) -> bool:
    """Tell whether a process runs and is not only waiting to be reaped."""
    try:
        return (
            Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[0] != "Z"
        )
    except OSError:
        return False


def pids(userland: int) -> tuple[int, ...]:
    """List every process of a node: its first process, and all below it."""
    found, waiting = [], [userland]
    while waiting:
        found.append(waiting.pop())
        waiting += children(found[-1])
    return tuple(sorted(found))


def shares_user_namespace(pid: int) -> bool:
    """Tell whether a process is in the current user namespace."""
    try:
        return Path(f"/proc/{pid}/ns/user").readlink() == Path("/proc/self/ns/user").readlink()
    except OSError:
        return False
