from __future__ import annotations

import ast
import os
import signal
import subprocess
import sys

import anyio
import pytest

from islandmode.system.clock import MachineClock
from islandmode.system.process import EMPTY_ENVIRONMENT, start, stop
from tests.patience import PATIENCE_S

CLOCK = MachineClock.of_this_boot()
STUBBORN = (
    "import signal, sys; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); sys.stdin.read()"
)


def first_line(child: subprocess.Popen[bytes]) -> bytes:
    assert child.stdout is not None
    return child.stdout.readline()


def test_a_child_has_a_session_and_pipes_of_its_own() -> None:
    child = start(["cat"])
    assert os.getsid(child.pid) == child.pid
    assert child.stdin is not None
    child.stdin.write(b"hello\n")
    child.stdin.flush()
    assert first_line(child) == b"hello\n"
    assert anyio.run(lambda: stop(child, clock=CLOCK)) == -signal.SIGTERM


def test_no_word_of_a_command_is_read_by_a_shell() -> None:
    child = start(["printf", "%s", "$HOME; `id` *"])
    assert child.communicate(timeout=PATIENCE_S)[0] == b"$HOME; `id` *"


def test_a_child_knows_nothing_of_our_shell(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLANT_PASSWORD", "canary-4711")
    for environment in (EMPTY_ENVIRONMENT, {"ONLY": "this"}):
        said = start([sys.executable, "-c", "import os; print(dict(os.environ))"], environment=environment)
        known = ast.literal_eval(said.communicate(timeout=PATIENCE_S)[0].decode())
        # Python itself says how it reads and writes text.
        assert known.keys() - {"LC_CTYPE"} == environment.keys()
    assert b"canary" not in start(["env"]).communicate(timeout=PATIENCE_S)[0]


def test_a_child_that_does_not_listen_is_killed() -> None:
    child = start([sys.executable, "-c", STUBBORN])
    assert first_line(child) == b"deaf\n"
    assert anyio.run(lambda: stop(child, clock=CLOCK, term_s=0.05)) == -signal.SIGKILL


def test_ending_one_that_has_ended_is_nothing() -> None:
    child = start(["true"])
    child.wait(PATIENCE_S)
    assert anyio.run(lambda: stop(child, clock=CLOCK)) == 0
    assert anyio.run(lambda: stop(child, clock=CLOCK)) == 0


def test_what_a_gone_child_did_not_read_is_no_trouble() -> None:
    child = start(["true"])
    child.wait(PATIENCE_S)
    assert child.stdin is not None
    child.stdin.write(b"nobody reads this")
    assert anyio.run(lambda: stop(child, clock=CLOCK)) == 0
