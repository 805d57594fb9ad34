"""The program containerlab itself: where it is, what it needs to run here, and what it says when it fails."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import stat
import subprocess
import sys
import time
from pathlib import Path

from islandmode.core.errors import Refused
from islandmode.rehearse.lab import LabFailed, build_command

VERSION = "0.79.0"
MODULES = Path("/proc/modules")
LOCK, LOG = "containerlab.lock", "containerlab.log"
STEP_S = 0.05
# Containerlab would look for a newer version of itself, and wait for an answer.
QUIET = {"CLAB_VERSION_CHECK": "disable", "NO_COLOR": "1"}
SAID_IN_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
EXEC_FAILED = re.compile(r"^Failed to execute command .*\bnode=(?P<node>\S+)")
LOG_LINE = re.compile(r"^\d\d:\d\d:\d\d (?P<level>[A-Z]{4}) (?P<text>.*)$")


def program(workspace: Path | None = None) -> str:
    """Find containerlab: a user's own, else the program that `sh lab/build-containerlab` made; refuses with what to do."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    built = cache / "islandmode" / f"containerlab-{VERSION}"
    found = shutil.which("containerlab") or (str(built) if os.access(built, os.X_OK) else None)
    if found is None:
        build = build_command(workspace, "lab/build-containerlab")
        raise Refused(f"Containerlab is not installed; install it, or build it with {build}.")
    if os.geteuid() != 0 and not Path(found).stat().st_mode & stat.S_ISUID:
        raise Refused("Containerlab makes links between networks, which only root may; run this command as root.")
    return found


def run_program(words: tuple[str, ...], *, base: Path, within_s: float) -> None:
    """Run containerlab with its lab folders below `base`; raises `LabFailed` with its own reason.

    A node whose `exec` line failed is no failure to containerlab, but it is one of the lab.
    """
    base.mkdir(parents=True, exist_ok=True)
    with (base / LOCK).open("w", encoding="ascii") as lock, (base / LOG).open("w+", encoding="utf-8") as log:
        _take_turn(lock.fileno(), within_s)
        environment = {**os.environ, **QUIET, "CLAB_LABDIR_BASE": str(base)}
        # Its output goes to a file and it has a process group of its own: if this process is interrupted or killed, containerlab
        # still finishes, and the next call waits for its turn. Killed half-way, it would leave ends of links on this machine.
        child = subprocess.Popen(
            [*_around(), program(), *words],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=environment,
            start_new_session=True,
            pass_fds=(lock.fileno(),),
        )
        code = _wait(child, words[0], within_s)
        log.seek(0)
        said = log.read()
    if code != 0:
        raise LabFailed(f"Containerlab could not {words[0]} the lab: {_reason(said)}")
    not_booted = boots_that_failed(said)
    if not_booted:
        raise LabFailed(
            "; ".join(f"{node} did not boot: {why or 'it said nothing'}" for node, why in not_booted.items())
        )


def _take_turn(descriptor: int, within_s: float) -> None:
    """Wait for a containerlab that still works on this lab; it holds the lock until it ends, also when its caller has ended."""
    for _ in range(round(within_s / STEP_S)):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(STEP_S)
        else:
            return
    raise LabFailed(f"Another containerlab has been at work on this lab for {within_s:g} s; end it, then try again.")


def _wait(child: subprocess.Popen[bytes], word: str, within_s: float) -> int:
    try:
        return child.wait(within_s)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
        raise LabFailed(f"Containerlab did not {word} within {within_s:g} s.") from None
    except KeyboardInterrupt:
        child.wait(within_s)
        raise


def _around() -> list[str]:
    """Give what has to stand before the program on a kernel without loadable modules; nothing on any other."""
    if MODULES.exists():
        return []
    if os.geteuid() != 0:
        raise Refused("This kernel cannot load modules, which containerlab requires; run this command as root.")
    sys.stderr.write("This kernel has no loadable modules; containerlab is shown an empty list of them.\n")
    return ["unshare", "--mount", sys.executable, str(Path(__file__).with_name("without_modules.py"))]


def boots_that_failed(said: str) -> dict[str, str]:
    """Find in containerlab's log the nodes whose `exec` lines failed, with the last thing that each of them said."""
    failed: dict[str, str] = {}
    node = ""
    for line in (SAID_IN_COLOUR.sub("", line) for line in said.splitlines()):
        entry = LOG_LINE.match(line)
        if entry is not None:
            found = EXEC_FAILED.search(entry["text"])
            node = found["node"] if found else ""
            if node:
                failed[node] = ""
        elif node and line.strip().startswith("│"):
            failed[node] = line.strip().lstrip("│").strip() or failed[node]
    return failed


def _reason(said: str) -> str:
    """Take the reason out of what containerlab printed: its last error, or its last line."""
    lines = [SAID_IN_COLOUR.sub("", line).strip() for line in said.splitlines()]
    errors = [match["text"] for line in lines if (match := LOG_LINE.match(line)) and match["level"] in ("ERRO", "FATA")]
    plain = [line for line in lines if line and not LOG_LINE.match(line) and line != "ERROR"]
    return errors[-1] if errors else " ".join(plain) or "it said nothing."
