from __future__ import annotations

import threading
from contextlib import AbstractContextManager, closing
from pathlib import Path

import anyio
import pytest

from islandmode.system.claim import ClaimApart, FileClaim
from tests.system.hanging_disk import unanswered_mount


def claiming(folder: Path) -> AbstractContextManager[ClaimApart]:
    return closing(ClaimApart(folder))


def test_a_claim_is_free_until_somebody_takes_it(tmp_path: Path) -> None:
    FileClaim(tmp_path).make()

    async def play() -> list[bool | None]:
        with claiming(tmp_path) as ours, claiming(tmp_path) as theirs:
            return [await ours.is_free(), await theirs.take(), await ours.is_free(), await ours.take()]

    assert anyio.run(play) == [True, True, False, False]


def test_exactly_one_of_many_takes_it(tmp_path: Path) -> None:
    FileClaim(tmp_path).make()
    gate = threading.Barrier(16)
    taken: list[bool] = []

    def grab() -> None:
        gate.wait()
        try:
            FileClaim(tmp_path).rename()
        except FileNotFoundError:
            taken.append(False)
        else:
            taken.append(True)

    threads = [threading.Thread(target=grab) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert taken.count(True) == 1


def test_a_claim_that_cannot_be_seen_is_not_free(tmp_path: Path) -> None:
    nowhere = tmp_path / "no-such-run"

    async def play() -> list[bool | None]:
        with claiming(nowhere) as claim:
            return [await claim.is_free(), await claim.take()]

    assert anyio.run(play) == [False, False]
    assert FileClaim(nowhere).take_within(60) == "No such file or directory"
    with pytest.raises(OSError, match="No such file"):
        FileClaim(nowhere).make()


@pytest.mark.lab
def test_a_claim_on_a_disk_that_says_nothing_is_unknown_and_holds_nobody_up(tmp_path: Path) -> None:
    """Other tasks are still served meanwhile: the loop goes on."""
    FileClaim(tmp_path).make()
    beats = 0

    async def beat() -> None:
        nonlocal beats
        while True:
            await anyio.sleep(0.05)
            beats += 1

    async def play() -> list[bool | None]:
        async with anyio.create_task_group() as beside:
            with claiming(tmp_path) as claim:
                beside.start_soon(beat)
                said = [await claim.is_free(), await claim.is_free(), await claim.take()]
                beside.cancel_scope.cancel()
        return said

    with unanswered_mount(tmp_path):
        assert anyio.run(play) == [None, None, None]
        assert "did not answer" in FileClaim(tmp_path).take_within(0.2)
    assert beats > 10
