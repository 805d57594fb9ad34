"""The line between a drill in a container and its starter outside, on real sockets: words, ends and resets."""

from __future__ import annotations

import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import anyio
import pytest

from islandmode.operate.conducting import hear_starter
from islandmode.rehearse.containers import errand
from islandmode.rehearse.containers.errand import SOCKET_VARIABLE, Desk
from islandmode.run.progress import StopLatch
from islandmode.system import own_program
from tests.patience import PATIENCE_S

pytestmark = pytest.mark.anyio
GONE = "The command that started this drill is gone."


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    opened = Desk(str)
    with opened.open(tmp_path) as path:
        monkeypatch.setenv(SOCKET_VARIABLE, str(path))
        yield opened


@pytest.fixture
def listener(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """A starter that listens and reads nothing."""
    path = tmp_path / "errands"
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listening:
        listening.bind(str(path))
        listening.listen()
        monkeypatch.setenv(SOCKET_VARIABLE, str(path))
        yield listening


async def stop_after(latch: StopLatch) -> str:
    """Hear the starter until something is said or it ends; returns why the drill restores."""
    with anyio.fail_after(PATIENCE_S):
        await hear_starter(latch)
    assert latch.first is not None
    return latch.first.why


async def test_without_a_starter_outside_there_is_no_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(SOCKET_VARIABLE, raising=False)
    latch = StopLatch()
    await hear_starter(latch)
    assert latch.first is None


@pytest.mark.parametrize("early", [True, False], ids=["said before it listens", "said while it listens"])
async def test_a_signal_to_the_starter_is_said_to_the_conductor(desk: Desk, *, early: bool) -> None:
    latch = StopLatch()
    with anyio.fail_after(PATIENCE_S):
        if early:
            desk.say("SIGINT")
        async with anyio.create_task_group() as beside:
            beside.start_soon(hear_starter, latch)
            if not early:
                # It goes to the process that already holds the line, else to the next one: either way it arrives.
                await anyio.sleep(0.2)
                desk.say("SIGINT")
            while latch.first is None:
                await anyio.sleep(0.01)
            beside.cancel_scope.cancel()
        assert latch.first is not None
        assert latch.first.why == "SIGINT was received."


async def test_a_starter_that_is_gone_before_the_call_makes_it_stop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(SOCKET_VARIABLE, str(tmp_path / "errands"))
    assert await stop_after(StopLatch()) == GONE


async def test_a_starter_that_dies_before_it_takes_the_call_makes_it_stop(listener: socket.socket) -> None:
    latch = StopLatch()
    async with anyio.create_task_group() as beside:
        beside.start_soon(hear_starter, latch)
        await anyio.sleep(0.2)
        listener.close()
    assert latch.first is not None
    assert latch.first.why == GONE


async def test_a_starter_that_dies_before_it_reads_makes_it_stop(listener: socket.socket) -> None:
    latch = StopLatch()
    async with anyio.create_task_group() as beside:
        beside.start_soon(hear_starter, latch)
        await anyio.sleep(0.2)
        listener.accept()[0].close()
    assert latch.first is not None
    assert latch.first.why == GONE


def test_a_client_that_hangs_after_the_conductor_ended_is_ended(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C twice: the conductor reads one word, restores and ends; the second is never read, and resets the line."""
    monkeypatch.setattr(errand, "ENDED_WITHIN_S", 0.1)
    desk.child = subprocess.Popen(["sleep", "600"])
    try:
        held = errand.starter_line()
        assert held is not None
        desk.say("SIGINT")
        desk.say("SIGINT")
        assert held.recv(64) == b"SIGINT"
        held.close()
        assert desk.child.wait(PATIENCE_S) == -signal.SIGKILL
    finally:
        desk.child.kill()
        desk.child.wait()


def test_a_command_in_a_container_is_told_how_a_person_types_outside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it says, and the card that it writes, is typed on this machine: its own path is another path in there."""
    fake = tmp_path / "bin" / "docker"
    fake.parent.mkdir()
    fake.write_text(f"#!/bin/sh\nprintf '%s\\n' \"$@\" >'{tmp_path}/asked'\nexit 64\n", encoding="ascii")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{fake.parent}:/usr/bin:/bin")
    assert errand.accompany(tmp_path, str, "ops", ("true",), drill=False) == 0
    asked = (tmp_path / "asked").read_text(encoding="utf-8").splitlines()
    assert f"{own_program.VARIABLE}={own_program.program_anywhere()}" in asked
