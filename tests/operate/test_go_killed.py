"""A code stays in no file of a run, also where the process that wrote it was killed before it could take it away."""

from __future__ import annotations

import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from islandmode.core.moments import utc_text
from islandmode.core.request import Request, write_request
from islandmode.run.lifeline_pipes import FolderRequests
from islandmode.store import rundir
from islandmode.store.rundir import RunDirectory
from tests.run.test_lifeline_pipes import until

pytestmark = pytest.mark.anyio

CODE = "abandon ability able about above absent"
RUN = "20270109-0730"


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    """Give a run whose conductor lives, and hears nobody."""
    directory = rundir.create(tmp_path, RUN)
    directory.hold_conductor()
    return directory


def typing(run: RunDirectory) -> subprocess.Popen[bytes]:
    shift = utc_text(datetime.now(UTC) + timedelta(hours=4))
    # Tests may be played by a program that ignores that its terminal closed, and a child would inherit that.
    argv = ("env", "--default-signal=HUP", sys.executable, "-m", "islandmode", "go", RUN, "--code", CODE)
    more = ("--shift-ends", shift, "--workspace", str(run.workspace))
    return subprocess.Popen((*argv, *more), stdout=subprocess.PIPE)


async def killed_while_it_waits(run: RunDirectory, how: signal.Signals) -> None:
    """Type the go, and kill what typed it once the answer is written."""
    typed = typing(run)
    try:
        await until(lambda: any(run.requests.iterdir()) or typed.poll() is not None)
        assert typed.poll() is None
    finally:
        typed.send_signal(how)
        typed.communicate()
    assert typed.returncode == -how


@pytest.mark.parametrize("how", [signal.SIGHUP, signal.SIGKILL])
async def test_a_code_that_was_typed_in_a_terminal_that_closed_is_taken_away(
    run: RunDirectory, how: signal.Signals
) -> None:
    await killed_while_it_waits(run, how)
    (left,) = run.requests.iterdir()
    assert CODE.encode() in left.read_bytes()
    heard = FolderRequests(run.requests, forgets_go=True)
    await until(lambda: not left.exists())
    assert [CODE.encode() in data for _, data in heard.fresh()] == [True]


def test_a_seal_takes_away_what_no_conductor_read(run: RunDirectory) -> None:
    go = write_request(Request("go", RUN, "a", "jo", 1, answer="go", code=CODE))
    abort = write_request(Request("abort", RUN, "b", "jo", 1))
    for name, data in {"a.json": go, ".b.new": go, ".c.new": go[:-9], "abort.json": abort}.items():
        (run.requests / name).write_bytes(data)
    sums = run.seal().read_text()
    assert [path.name for path in run.requests.iterdir()] == ["abort.json"]
    assert [line.partition("  ")[2] for line in sums.splitlines()] == ["requests/abort.json"]
    assert not any(CODE.encode() in path.read_bytes() for path in run.root.rglob("*") if path.is_file())


async def test_a_guardian_leaves_the_answer_to_the_conductor(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(write_request(Request("go", RUN, "a", "jo", 1, answer="go", code=CODE)))
    other = FolderRequests(tmp_path)
    await until(lambda: bool(other.fresh()))
    assert path.exists()
    heard = FolderRequests(tmp_path, forgets_go=True)
    await until(lambda: not path.exists())
    assert len(heard.fresh()) == 1


def test_only_a_whole_answer_is_taken_away_while_the_run_goes_on(tmp_path: Path) -> None:
    """A file that somebody writes by hand is read again once it is whole."""
    requests = FolderRequests(tmp_path / "none", forgets_go=True)
    whole = write_request(Request("go", RUN, "a", "jo", 1, answer="go", code=CODE))
    path = tmp_path / "a.json"
    for data, stays in ((whole[:-9], True), (whole, False)):
        path.write_bytes(data)
        requests._look_at(path)
        assert path.exists() is stays
