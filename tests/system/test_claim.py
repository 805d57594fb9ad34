from __future__ import annotations

import threading
from pathlib import Path

import pytest

from islandmode.system.claim import FileClaim


def test_a_claim_is_free_until_somebody_takes_it(tmp_path: Path) -> None:
    ours, theirs = FileClaim(tmp_path), FileClaim(tmp_path)
    ours.make()
    assert [ours.free, theirs.take(), ours.free, ours.take()] == [True, True, False, False]


def test_exactly_one_of_many_takes_it(tmp_path: Path) -> None:
    FileClaim(tmp_path).make()
    gate = threading.Barrier(16)
    taken: list[bool] = []

    def grab() -> None:
        gate.wait()
        taken.append(FileClaim(tmp_path).take())

    threads = [threading.Thread(target=grab) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert taken.count(True) == 1


def test_a_claim_that_cannot_be_seen_is_not_free(tmp_path: Path) -> None:
    claim = FileClaim(tmp_path / "no-such-run")
    assert not claim.free
    assert not claim.take()
    with pytest.raises(OSError, match="No such file"):
        claim.make()
