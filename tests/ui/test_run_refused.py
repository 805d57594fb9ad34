"""A machine with no room for another process refuses a run, with a sentence and nothing touched."""

from __future__ import annotations

import resource
from pathlib import Path

import anyio
import pytest

from islandmode.core.errors import Refused
from islandmode.operate.conducting import _claim, _restore_would_work
from islandmode.store.journal import Journal
from islandmode.store.rundir import RunDirectory
from tests.store.given import MemoryFile, TickingClock


def test_a_claim_that_cannot_be_looked_at_refuses_the_run(tmp_path: Path) -> None:
    file = MemoryFile()

    async def begin() -> None:
        journal = Journal(file, TickingClock(), site="riverside", run="run-1", writer="conductor")
        before = resource.getrlimit(resource.RLIMIT_NOFILE)
        # What is open stays open; nothing more can be opened.
        resource.setrlimit(resource.RLIMIT_NOFILE, (3, before[1]))
        try:
            await _claim(RunDirectory(tmp_path), journal)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, before)

    with pytest.raises(Refused, match=r"no room for another process .*Nothing was touched\.$"):
        anyio.run(begin)
    assert file.calls[-1] == "close"


def test_a_proof_that_cannot_be_started_says_so(tmp_path: Path) -> None:
    why = anyio.run(_restore_would_work, (str(tmp_path / "no-such-program"),), 60.0)
    assert why == "`islandmode restore` could not be started on this machine: No such file or directory."


def test_a_proof_is_given_the_time_that_it_was_given() -> None:
    """The plan's platforms say how long a login may take; what does not answer by then would not restore in time either."""
    why = anyio.run(_restore_would_work, ("sleep", "600"), 0.2)
    assert why == "`islandmode restore` would not be able to restore: it did not answer within 0.2 s."
