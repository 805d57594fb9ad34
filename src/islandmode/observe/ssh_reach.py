"""A worker's host that is logged in to: each verb is one login of the system's `ssh`, and none stays open.

The program that runs there (observe/far.py) is put there by the run, or a person installed it once; then the account's key can be
restricted to it. Logged in to is what the site names, with a host key that is known before.
"""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import anyio

from islandmode.core.text import cleaned
from islandmode.observe.far_program import far_program, sum_of_far_program
from islandmode.observe.reach import Verb
from islandmode.system.openssh import FAILED, NOT_FOUND, OpenSsh
from islandmode.system.process import EMPTY_ENVIRONMENT, end_group

PUT = """import sys
if sys.version_info < (3, 9): sys.exit(print("Python %d.%d is too old there; 3.9 or newer is needed" % sys.version_info[:2]))
import hashlib, os
folder = os.path.expanduser("~/.cache/islandmode")
try:
    os.makedirs(folder, mode=0o700, exist_ok=True)
    data = sys.stdin.buffer.read()
    found = hashlib.sha256(data).hexdigest()
    path = os.path.join(folder, "worker-%s.pyz" % found[:16])
    with open(path + ".new", "wb") as file: file.write(data)
    os.replace(path + ".new", path)
except OSError as error:
    sys.exit(print("%s: %s" % (folder, error.strerror)))
print(found, path)
"""
PUT_THERE = re.compile(r"([0-9a-f]{64}) (/.*)")
SAID_MAX_CHARACTERS = 1000
NO_PROGRAM = {2, 126, NOT_FOUND}
"""Exit codes of a Python that does not find its file, and of a shell that may not start a program, or does not find it."""


class SshReach:
    """A host that is logged in to for each verb."""

    call_s = 30.0
    proves_start = True
    keeps_spool = True

    def __init__(
        self,
        way: OpenSsh,
        run: str,
        vantage: str,
        *,
        python: str = "python3",
        installed: bool = False,
        spool: str | None = None,
    ) -> None:
        """Know the way and the host; nothing is contacted yet. `installed` says that the key may only start what a person put there."""
        self._way, self._run, self._vantage = way, run, vantage
        self._python, self._installed, self._spool = python, installed, spool
        self._sum = sum_of_far_program()
        self._program = ""

    def argv(self, verb: Verb) -> list[str]:
        """Log in and do one thing."""
        return self._way.argv(self._command(verb))

    def _command(self, verb: str) -> str:
        asked = [verb, self._run, self._vantage, *([self._sum] if verb == "run" else [])]
        if self._installed:
            # A restricted key runs what stands in authorized_keys, which takes these words from the login.
            return shlex.join(asked)
        spool = [] if self._spool is None else ["--spool", self._spool]
        return shlex.join([self._python, "-I", self._program, *spool, *asked])

    def environment(self) -> Mapping[str, str]:
        """Give `ssh` nothing of this process's environment."""
        return EMPTY_ENVIRONMENT

    async def prepare(self) -> str:
        """Put the program there, and see its sum; where a person installed it, it is asked for its sum when it starts."""
        if self._installed:
            return ""
        argv = self._way.argv(shlex.join([self._python, "-I", "-c", PUT]))
        process = await anyio.open_process(
            argv, env=self.environment(), stderr=subprocess.DEVNULL, start_new_session=True
        )
        said = b""
        try:
            if process.stdin is not None and process.stdout is not None:
                with suppress(anyio.BrokenResourceError):
                    await process.stdin.send(far_program())
                await process.stdin.aclose()
                with suppress(anyio.EndOfStream):
                    said = await process.stdout.receive(4096)
            code = await process.wait()
        finally:
            end_group(process)
            with anyio.CancelScope(shield=True):
                await process.aclose()
        word = cleaned(said.decode(errors="replace").strip())[:SAID_MAX_CHARACTERS]
        put = PUT_THERE.fullmatch(word)
        if code == 0 and put is not None and put[1] == self._sum:
            self._program = put[2]
            return ""
        return self.trouble(code) or f"the worker could not be put there ({word or f'exit code {code}'})"

    def trouble(self, code: int | None) -> str:
        """Say what ssh said of the way, or that there is no Python."""
        if code == FAILED:
            return self._way.why()
        if self._installed and code in NO_PROGRAM:
            return (
                "no worker is started by that key; see that its line in authorized_keys begins as `islandmode vantage worker` prints it, "
                "and that the Python and the file that it names are there"
            )
        if code == NOT_FOUND:
            return f"there is no {self._python} there; name the Python to use, 3.9 or newer, under python of the vantage's ssh"
        return ""

    def spools_in(self, folder: Path) -> bool:
        """Keep its spool where it stands, until it is collected."""
        del folder
        return False

    def close(self) -> None:
        """Forget the key."""
        self._way.close()
