from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import anyio

from islandmode.system.clock import MachineClock
from islandmode.system.process import start, stop

CLOCK = MachineClock.of_this_boot()
STUBBORN = (
    "import signal, sys; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); sys.stdin.read()"
)
PARENT = """
import sys
from islandmode.system.process import start
child = start(["sleep", "1000"], with_us=True)
print(child.pid, flush=True)
sys.stdin.read()
"""
ROOT = Path(__file__).resolve().parents[2]


def first_line(child: subprocess.Popen[bytes]) -> bytes:
    assert child.stdout is not None
    return child.stdout.readline()


def test_a_child_has_a_session_and_pipes_of_its_own() -> None:
    child = start(["cat"], with_us=True)
    assert os.getsid(child.pid) == child.pid
    assert child.stdin is not None
    child.stdin.write(b"hello\n")
    child.stdin.flush()
    assert first_line(child) == b"hello\n"
    assert anyio.run(lambda: stop(child, clock=CLOCK)) == -signal.SIGTERM


def test_no_word_of_a_command_is_read_by_a_shell() -> None:
    child = start(["printf", "%s", "$HOME; `id` *"], with_us=True)
    assert child.communicate(timeout=60)[0] == b"$HOME; `id` *"


def test_a_child_that_does_not_listen_is_killed() -> None:
    child = start([sys.executable, "-c", STUBBORN], with_us=True)
    assert first_line(child) == b"deaf\n"
    assert anyio.run(lambda: stop(child, clock=CLOCK, term_s=0.05)) == -signal.SIGKILL


def test_ending_one_that_has_ended_is_nothing() -> None:
    child = start(["true"], with_us=False)
    child.wait(60)
    assert anyio.run(lambda: stop(child, clock=CLOCK)) == 0
    assert anyio.run(lambda: stop(child, clock=CLOCK)) == 0


def test_what_a_gone_child_did_not_read_is_no_trouble() -> None:
    child = start(["true"], with_us=False)
    child.wait(60)
    assert child.stdin is not None
    child.stdin.write(b"nobody reads this")
    assert anyio.run(lambda: stop(child, clock=CLOCK)) == 0


def state(pid: int) -> str:
    """Read a process's state letter; "gone" when there is none."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return "gone"


def test_a_child_dies_with_us_even_by_kill_9() -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment
    )
    assert parent.stdin is not None
    child = int(first_line(parent))
    assert state(child) not in {"gone", "Z"}
    parent.kill()
    parent.wait()

    async def until_dead() -> None:
        with anyio.fail_after(60):
            # Nobody may be there to reap it, in which case it stays a zombie.
            while state(child) not in {"gone", "Z"}:
                await anyio.sleep(0.01)

    anyio.run(until_dead)
    assert parent.stdout is not None
    parent.stdin.close()
    parent.stdout.close()
