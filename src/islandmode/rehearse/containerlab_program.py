"""The program containerlab itself: where it is, what it needs to run here, and what it says when it fails."""

from __future__ import annotations

import os
import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path

from islandmode.core.errors import Refused
from islandmode.rehearse.lab import LabFailed

VERSION = "0.79.0"
MODULES = Path("/proc/modules")
# Containerlab would look for a newer version of itself, and wait for an answer.
QUIET = {"CLAB_VERSION_CHECK": "disable", "NO_COLOR": "1"}
SAID_IN_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
EXEC_FAILED = re.compile(r"^Failed to execute command .*\bnode=(?P<node>\S+)")
LOG_LINE = re.compile(r"^\d\d:\d\d:\d\d (?P<level>[A-Z]{4}) (?P<text>.*)$")


def program() -> str:
    """Find containerlab: a user's own, else the one that `sh lab/build-containerlab` made; refuses with what to do."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    built = cache / "islandmode" / f"containerlab-{VERSION}"
    found = shutil.which("containerlab") or (str(built) if os.access(built, os.X_OK) else None)
    if found is None:
        raise Refused("Containerlab is not installed; install it, or build it with `sh lab/build-containerlab`.")
    if os.geteuid() != 0 and not Path(found).stat().st_mode & stat.S_ISUID:
        raise Refused("Containerlab makes links between networks, which only root may; run this command as root.")
    return found


def run_program(words: tuple[str, ...], *, base: Path, within_s: float) -> None:
    """Run containerlab with its lab folders below `base`; raises `LabFailed` with its own reason.

    A node whose `exec` line failed is no failure to containerlab, but it is one of the lab.
    """
    # When we die it dies too: a deploy that went on by itself would work against whoever clears up after us.
    argv = ["setpriv", "--pdeathsig", "KILL", *_around(), program(), *words]
    environment = {**os.environ, **QUIET, "CLAB_LABDIR_BASE": str(base)}
    try:
        done = subprocess.run(
            argv,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=within_s,
            env=environment,
            # Ctrl-C is ours: a deploy that is half done is destroyed by us, not left by a program that was killed too.
            start_new_session=True,
        )
    except subprocess.TimeoutExpired:
        raise LabFailed(f"Containerlab did not {words[0]} within {within_s:g} s.") from None
    if done.returncode != 0:
        raise LabFailed(f"Containerlab could not {words[0]} the lab: {_reason(done.stderr + done.stdout)}")
    not_booted = boots_that_failed(done.stderr)
    if not_booted:
        raise LabFailed(
            "; ".join(f"{node} did not boot: {why or 'it said nothing'}" for node, why in not_booted.items())
        )


def _around() -> list[str]:
    """Give what has to stand before the program on a kernel without loadable modules; nothing on any other."""
    if MODULES.exists():
        return []
    if os.geteuid() != 0:
        raise Refused(
            "This kernel cannot load modules, which containerlab insists on; only root can help it past that."
        )
    sys.stderr.write("This kernel has no loadable modules; containerlab is shown an empty list of them.\n")
    return ["unshare", "--mount", sys.executable, str(Path(__file__).with_name("without_modules.py"))]


def boots_that_failed(said: str) -> dict[str, str]:
    """Find in containerlab's log the nodes whose `exec` lines failed, with the last thing that each of them said."""
    failed: dict[str, str] = {}
    node = ""
    for line in (SAID_IN_COLOUR.sub("", one) for one in said.splitlines()):
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
