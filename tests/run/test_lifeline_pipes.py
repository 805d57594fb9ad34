"""The lifeline over real pipes: a guardian that says nothing, ends, is late or takes over, and the folder of requests.

The other end is a small program that says what the test wants; it waits for its input, so that nothing depends on how fast this
machine is.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import anyio
import pytest

from islandmode.run import lifeline_pipes
from islandmode.run.lifeline_pipes import REQUEST_BYTES, FolderRequests, PipeHearing, PipeLifeline
from tests.isolation.nftables.fake_firewall import TickingClock
from tests.patience import PATIENCE_S

pytestmark = pytest.mark.anyio
SAYS = (
    "import sys; say = lambda *lines: (sys.stdout.write(''.join(f'{one}\\n' for one in lines)), sys.stdout.flush()); "
)
READY = SAYS + "say('ready'); "


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@asynccontextmanager
async def guardian(program: str) -> AsyncIterator[tuple[PipeLifeline, TickingClock]]:
    """Make the conductor's end, with this program at the other."""
    clock = TickingClock()
    made = PipeLifeline((sys.executable, "-c", program), clock)
    try:
        yield made, clock
    finally:
        process = made._process
        await made.close()
        if process is not None:
            _end(process.pid)


def _end(pid: int) -> None:
    """End a program that the product let go, and which Popen takes for ended since."""
    with suppress(ProcessLookupError, ChildProcessError):
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def until(condition: Callable[[], bool]) -> None:
    with anyio.fail_after(PATIENCE_S):
        while not condition():
            await anyio.sleep(0.01)


@pytest.mark.parametrize(
    ("program", "why"),
    [
        (READY + "sys.stdin.read()", None),
        (SAYS + "say('refused fw: no route to it'); sys.stdin.read()", "fw: no route to it"),
        (SAYS + "say('who are you')", "who are you"),
        (SAYS + "sys.stdout.write('refused in tw'); sys.stdout.flush()", "in tw"),
        ("pass", "it ended at once"),
    ],
)
async def test_a_guardian_is_ready_when_it_says_so_and_else_says_why(program: str, why: str | None) -> None:
    async with guardian(program) as (made, _):
        assert await made.ready(PATIENCE_S) == why


async def test_a_guardian_that_says_nothing_is_waited_for_as_long_as_was_said() -> None:
    async with guardian("import sys; sys.stdin.read()") as (made, _):
        assert await made.ready(0.05) == "it did not say ready within 0.05 s"


async def test_a_guardian_that_cannot_be_started_is_none() -> None:
    made = PipeLifeline(("/nowhere/at/all",), TickingClock())
    assert await made.ready(PATIENCE_S) == "it could not be started (No such file or directory)"
    made.tell("beat")
    assert made.silent_s() is None
    assert made.taken_over() is False
    await made.close()


async def test_a_guardian_is_silent_for_as_long_as_it_did_not_say_here() -> None:
    program = READY + "[say('here' if line == 'beat\\n' else f'heard {line!r}') for line in sys.stdin]"
    async with guardian(program) as (made, clock):
        assert await made.ready(PATIENCE_S) is None
        first_s = made.silent_s()
        assert first_s == 0.001
        made.tell("nonsense")
        clock.now_us += 5_000_000
        # What it says beside that is no sign of life.
        assert (made.silent_s() or 0.0) > 5.0
        made.tell("beat")
        await until(lambda: (made.silent_s() or 9.0) < 1.0)
        assert made.taken_over() is False


async def test_a_line_may_come_in_pieces_and_several_at_once() -> None:
    program = READY + (
        "[(say(*line.split()) if ';' not in line else (sys.stdout.write(line.strip(';\\n')), sys.stdout.flush())) "
        "for line in sys.stdin]"
    )
    async with guardian(program) as (made, clock):
        assert await made.ready(PATIENCE_S) is None
        clock.now_us += 9_000_000
        made.tell("he;")
        await until(lambda: made.silent_s() is not None and made._heard == b"he")
        made.tell("re take")
        await until(lambda: (made.silent_s() or 9.0) < 1.0)
        assert made.taken_over() is False
        made.tell("taken here")
        await until(made.taken_over)
        # What was said once stays said.
        assert made.taken_over() is True


async def test_a_guardian_that_ended_is_gone_and_telling_it_raises_nothing() -> None:
    async with guardian(READY + "say('taken')") as (made, _):
        assert await made.ready(PATIENCE_S) is None
        await until(lambda: made.silent_s() is None)
        assert made.taken_over() is True
        made.tell("beat")
        made.tell("beat")
        assert made.silent_s() is None


async def test_a_guardian_that_closed_its_ears_is_gone_at_the_next_line() -> None:
    async with guardian(f"{READY}import os, time; os.close(0); time.sleep(600)") as (made, _):
        assert await made.ready(PATIENCE_S) is None

        def told() -> bool:
            made.tell("beat")
            return made.silent_s() is None

        await until(told)


async def test_a_guardian_that_reads_nothing_holds_nobody_up() -> None:
    async with guardian(READY + "import time; time.sleep(600)") as (made, _):
        assert await made.ready(PATIENCE_S) is None
        for _ in range(3):
            # More than a pipe takes.
            made.tell("x" * 60_000)
        assert made.silent_s() is not None


async def test_letting_go_ends_the_line_and_not_the_guardian() -> None:
    async with guardian(READY + "sys.stdin.read(); import time; time.sleep(600)") as (made, _):
        assert await made.ready(PATIENCE_S) is None
        process = made._process
        assert process is not None
        await made.close()
        assert _lives(process.pid)
        assert process.returncode == 0
        made.tell("beat")


class Pipes:
    """The guardian's end, and what a test holds of it."""

    def __init__(self) -> None:
        source, self.say = os.pipe()
        self.hear, sink = os.pipe()
        self.ends = (source, sink)
        self.hearing = PipeHearing(source, sink)


async def test_the_guardian_hears_line_by_line_until_the_conductor_is_gone() -> None:
    pipes = Pipes()
    os.write(pipes.say, b"owe fw\nbeat\nrest")
    assert [await pipes.hearing.next_line() for _ in range(2)] == ["owe fw", "beat"]
    with anyio.move_on_after(0.05):
        await pipes.hearing.next_line()
    os.write(pipes.say, b"ored\n\xff\n")
    assert [await pipes.hearing.next_line() for _ in range(2)] == ["restored", "\ufffd"]
    os.write(pipes.say, b"cut off")
    os.close(pipes.say)
    assert await pipes.hearing.next_line() is None
    pipes.hearing.answer("here")
    assert os.read(pipes.hear, 100) == b"here\n"
    os.close(pipes.hear)
    pipes.hearing.answer("here")
    assert [os.get_blocking(one) for one in pipes.ends] == [False, False]
    for one in pipes.ends:
        os.close(one)


async def test_a_conductor_that_ends_no_line_is_taken_for_gone_and_fills_no_memory() -> None:
    pipes = Pipes()
    os.write(pipes.say, b"x" * lifeline_pipes.CHUNK)
    assert await pipes.hearing.next_line() is None
    for one in (*pipes.ends, pipes.say, pipes.hear):
        os.close(one)


def put(path: Path, data: bytes) -> None:
    """Put a file there whole, as a request is written: it is looked for all the time."""
    beside = path.with_suffix(".part")
    beside.write_bytes(data)
    beside.replace(path)


async def test_a_request_is_given_once_and_again_when_it_has_become_another(tmp_path: Path) -> None:
    before = set(threading.enumerate())
    requests = FolderRequests(tmp_path)
    # It must never keep the process that it looks for from ending.
    assert [one.daemon for one in set(threading.enumerate()) - before] == [True]
    found: list[tuple[str, bytes]] = []

    def heard(count: int) -> Callable[[], bool]:
        def look() -> bool:
            found.extend(requests.fresh())
            return len(found) >= count

        return look

    (tmp_path / "note.txt").write_bytes(b"no request")
    put(tmp_path / "a.json", b"one")
    await until(heard(1))
    assert found == [("a.json", b"one")]
    put(tmp_path / "a.json", b"another")
    put(tmp_path / "b\x1b.json", b"x" * (REQUEST_BYTES + 5))
    await until(heard(3))
    assert sorted(found[1:]) == [("a.json", b"another"), ("b\\x1b.json", b"x" * REQUEST_BYTES)]
    assert requests.fresh() == ()


async def test_what_is_no_plain_file_keeps_nobody_waiting(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(b"not for us")
    folder = tmp_path / "requests"
    folder.mkdir()
    os.mkfifo(folder / "a.json")
    (folder / "b.json").mkdir()
    (folder / "c.json").symlink_to(secret)
    (folder / "d.json").write_bytes(b"abort")
    requests = FolderRequests(folder)
    found: dict[str, bytes] = {}

    def seen() -> bool:
        found.update(requests.fresh())
        return "d.json" in found

    await until(seen)
    assert found["d.json"] == b"abort"
    assert all(data == b"" for name, data in found.items() if name != "d.json")
    assert "c.json" not in found


async def test_a_folder_that_is_not_there_yet_is_looked_for_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lifeline_pipes, "LOOK_EVERY_S", 0.01)
    requests = FolderRequests(tmp_path / "later")
    assert requests.fresh() == ()
    (tmp_path / "later").mkdir()
    (tmp_path / "later" / "a.json").write_bytes(b"abort")
    found: list[tuple[str, bytes]] = []

    def seen() -> bool:
        found.extend(requests.fresh())
        return bool(found)

    await until(seen)
    assert found == [("a.json", b"abort")]


async def test_a_guardian_knows_the_folder_of_systemds_credentials_and_nothing_else_of_the_shell(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", "/run/credentials/drill.service")
    monkeypatch.setenv("FIREWALL_PASSWORD", "hunter2-canary")
    async with guardian("import os; print('refused', sorted(set(os.environ) - {'LC_CTYPE'}), flush=True)") as (made, _):
        assert await made.ready(PATIENCE_S) == "['CREDENTIALS_DIRECTORY', 'LANG', 'PATH']"
