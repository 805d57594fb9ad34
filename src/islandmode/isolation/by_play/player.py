"""One playbook after the other, each in a process of its own that can be ended at once; it tells what the play tells.

it ended well         nothing is raised; whether it isolates, a look at the device tells
it failed             PlayFailed: what it left on the device is to be looked at
it was not begun      NotBegun
it was ended, hung    NoAnswer: what it did is unknown, and so is what of it still acts on the device
"""

from __future__ import annotations

import json
import re
import secrets
import shutil
import subprocess
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from islandmode.core.recipe.plays import PlayRun
from islandmode.isolation import incoming
from islandmode.isolation.by_play import folder as of_play
from islandmode.isolation.by_play.runner import end_all
from islandmode.isolation.by_recipe.trouble import NoAnswer
from islandmode.isolation.platform import Access, Transcript
from islandmode.system.process import start

RUNNER = Path(__file__).with_name("runner.py")
GRACE_S = 3.0
"""The runner ends a play that is late by itself; so much later it counts as hanging, and is ended too."""
WELL, LATE = "successful", "timeout"
NOT_KNOWN = "the device's host key is not the known key, so that no login was attempted"
EXTRA = "islandmode[ansible]"


_HOST_KEY = re.compile(r"Host key verification failed|Host Key checking is enabled|REMOTE HOST IDENTIFICATION")


class NotBegun(Exception):
    """A play was not begun: nothing was changed."""


class PlayFailed(Exception):
    """A play failed, as a whole or in the middle."""


def missing() -> str:
    """Say that Ansible is not installed; empty where it is."""
    absent = [name for name in ("ansible", "ansible_runner") if find_spec(name) is None]
    if not absent:
        return ""
    return f"it is isolated by Ansible plays, and ansible-core or ansible-runner is not installed beside Islandmode; install them: pip install '{EXTRA}'"


class Player:
    """Plays on one device."""

    def __init__(self, device: str, access: Access, transcript: Transcript | None = None) -> None:
        """Know the device; nothing is contacted yet."""
        self._device, self._access, self._transcript = device, access, transcript
        self._child: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()
        self._is_over = False

    def play(self, run: PlayRun, text: str, within_s: float) -> None:
        """Run a playbook to its end; raises as the top of this file says."""
        trouble = missing()
        if trouble:
            raise NotBegun(trouble)
        mark = secrets.token_hex(16)
        try:
            folder = of_play.made_folder(self._access, run.playbook, text)
        except OSError as error:
            raise NotBegun(
                f"{run.playbook} was not begun, because no inventory could be made for it ({error})"
            ) from error
        try:
            child = self._begin(folder, mark)
            is_late = threading.Event()
            late = threading.Timer(within_s + GRACE_S, _kill, (child, is_late))
            late.daemon = True
            late.start()
            try:
                last, ended = self._hear(child, run, folder, within_s)
            finally:
                late.cancel()
                self._end(child, mark)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        self._judge(run, last, {"ended": LATE} if is_late.is_set() else ended, within_s)

    def _begin(self, folder: Path, mark: str) -> subprocess.Popen[bytes]:
        with self._lock:
            if self._is_over:
                raise NotBegun("the step was given up before its play began")
            try:
                self._child = start((sys.executable, "-I", str(RUNNER)), environment=of_play.environment(folder, mark))
            except OSError as error:
                raise NotBegun(f"no process could be started for a play ({error.strerror})") from error
            return self._child

    def _hear(
        self, child: subprocess.Popen[bytes], run: PlayRun, folder: Path, within_s: float
    ) -> tuple[Mapping[str, Any], Mapping[str, Any] | None]:
        """Say what to run, and hear what comes of it: the last event that tells of a task, and how it ended."""
        assert child.stdin is not None  # noqa: S101 - it was started with both pipes
        assert child.stdout is not None  # noqa: S101 - as above
        given = of_play.variables(self._access, folder, run)
        asked = {
            "folder": str(folder),
            "playbook": run.playbook,
            "inventory": of_play.inventory(self._device),
            "variables": given,
            "within_s": within_s,
            "password": self._access.password,
            "key": of_play.key_text(self._access),
        }
        self._sent(f"ansible-playbook {run.playbook} {json.dumps(given['conduits'])}")
        last: Mapping[str, Any] = {}
        # Who reads has ended: the reason comes below, where its output ends too.
        with suppress(BrokenPipeError):
            child.stdin.write(json.dumps(asked).encode() + b"\n")
            child.stdin.flush()
        for line in child.stdout:
            with suppress(ValueError):
                told = json.loads(line)
                if "ended" in told:
                    return last, told
                last = (
                    told if told.get("event") != "begun" or last.get("event") not in {"failed", "unreachable"} else last
                )
                self._heard(f"{told.get('utc')} {told.get('event')}: {told.get('task')} {told.get('words')}".rstrip())
        return last, None

    def _judge(self, run: PlayRun, last: Mapping[str, Any], ended: Mapping[str, Any] | None, within_s: float) -> None:
        task = f', in the task "{incoming.word(str(last["task"]))}"' if last.get("task") else ""
        if ended is None:
            raise NoAnswer(
                f"the process that ran {run.playbook} was ended{task}, so that what the play did is not known"
            )
        status = str(ended["ended"])
        self._heard(f"ended: {status}")
        if status == LATE:
            raise NoAnswer(
                f"{run.playbook} did not end within {within_s:.0f} s and was ended{task}, so that what it did is not known"
            )
        if status != WELL:
            told = str(last.get("words") or ended.get("words") or "")
            words = NOT_KNOWN if _HOST_KEY.search(told) else incoming.quoted(told) or "it does not say why"
            raise PlayFailed(f"{run.playbook} failed{task}: {words}")

    def _end(self, child: subprocess.Popen[bytes], mark: str) -> None:
        """See that no process of the play is left."""
        with self._lock:
            self._child = None
        child.kill()
        end_all(mark)
        for pipe in (child.stdin, child.stdout):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()
        child.wait()

    def end(self) -> None:
        """End the play that goes on, if one does, and let none begin any more; from any thread, and at once.

        Who began it hears that its process is gone, and then ends what that has started.
        """
        self._is_over = True
        child = self._child
        if child is not None:
            child.kill()

    def _sent(self, line: str) -> None:
        if self._transcript is not None:
            self._transcript.sent(line)

    def _heard(self, text: str) -> None:
        if self._transcript is not None:
            self._transcript.heard(text)


def _kill(child: subprocess.Popen[bytes], is_late: threading.Event) -> None:
    is_late.set()
    child.kill()
