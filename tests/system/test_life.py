"""Who lives is the kernel's word: a lock that is held, by the account of its file."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from islandmode.system.life import Holder, hold_life, holder_of, lockers, within
from tests.children import dying_with_us

HOLD = (
    "import sys; from pathlib import Path; from islandmode.system.life import hold_life; hold_life(Path(sys.argv[1]))"
)
FOREIGN = """
import fcntl, os, sys
os.setgroups([]); os.setgid(65534); os.setuid(65534)
descriptor = os.open(sys.argv[1], os.O_RDONLY)
fcntl.flock(descriptor, fcntl.LOCK_EX)
"""


@contextmanager
def child(code: str, path: Path) -> Iterator[subprocess.Popen[str]]:
    """Run a program on a file, up to where it has done what it does, and keep it there."""
    argv = [sys.executable, "-c", f"{code}\nprint('there', flush=True); sys.stdin.read()", str(path)]
    pipe = subprocess.PIPE
    with subprocess.Popen(dying_with_us(argv), stdin=pipe, stdout=pipe, text=True) as running:
        assert running.stdout is not None
        assert running.stdout.readline() == "there\n"
        yield running


def test_a_lock_is_held_until_its_process_ends(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    assert holder_of(lock) is None
    with child(HOLD, lock) as holding:
        assert holder_of(lock) == Holder(holding.pid)
        assert lockers(lock) == (holding.pid,)
    assert holder_of(lock) is None
    assert lockers(lock) == ()


def test_a_lock_is_never_seen_free_before_it_is_held(tmp_path: Path) -> None:
    descriptor = hold_life(tmp_path / "lock")
    try:
        assert [path.name for path in tmp_path.iterdir()] == ["lock"]
        assert holder_of(tmp_path / "lock") == Holder(os.getpid())
    finally:
        os.close(descriptor)


def test_a_lock_that_any_reader_of_the_file_took_says_nothing(open_folder: Path) -> None:
    """Otherwise any reader of the file could make a dead run look alive, and a stranded plant look attended."""
    os.close(hold_life(open_folder / "lock"))
    with child(FOREIGN, open_folder / "lock"):
        assert holder_of(open_folder / "lock") is None


def test_a_process_that_only_reads_the_file_is_no_locker(tmp_path: Path) -> None:
    descriptor = hold_life(tmp_path / "lock")
    with child("import sys; held = open(sys.argv[1])", tmp_path / "lock") as reading:
        assert reading.pid not in lockers(tmp_path / "lock")
    os.close(descriptor)


def test_a_lock_goes_on_in_a_child_that_was_given_it(tmp_path: Path) -> None:
    descriptor = hold_life(tmp_path / "lock")
    given = subprocess.Popen(["sleep", "60"], pass_fds=(descriptor,))
    try:
        os.close(descriptor)
        assert lockers(tmp_path / "lock") == (given.pid,)
    finally:
        given.kill()
        given.wait()


def test_what_hangs_is_given_up(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(TimeoutError, match=r"did not answer within 0\.05 s"):
        within(0.05, (tmp_path / "pipe").read_bytes)
    # Let the thread end.
    (tmp_path / "pipe").write_bytes(b"")
    assert within(5.0, lambda: 7) == 7
    with pytest.raises(FileNotFoundError):
        within(5.0, (tmp_path / "none").read_bytes)
    with pytest.raises(ValueError, match="invalid literal"):
        within(5.0, lambda: int("no number"))


def test_looking_needs_no_right_to_write(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    os.close(hold_life(lock))
    lock.chmod(0o444)
    look = f"import sys; from pathlib import Path; from islandmode.system.life import holder_of; print(holder_of(Path({str(lock)!r})))"
    assert subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True).stdout == "None\n"
