from __future__ import annotations

import errno
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from islandmode.core.errors import Refused
from islandmode.system.disk import hold_conduits
from tests.children import dying_with_us

ROOT = Path(__file__).resolve().parents[2]
HOLDER = """
import sys
from pathlib import Path
from islandmode.system.disk import hold_conduits
with hold_conduits(Path(sys.argv[1]), "north", tuple(sys.argv[2:])):
    print("held", flush=True)
    sys.stdin.read()
"""


@contextmanager
def another_run(folder: Path, *conduits: str) -> Iterator[subprocess.Popen[str]]:
    """Hold conduits in another process."""
    argv = dying_with_us([sys.executable, "-c", HOLDER, str(folder), *conduits])
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        try:
            yield process
        finally:
            process.kill()


def test_a_second_run_is_refused_and_told_who_has_it(tmp_path: Path) -> None:
    with another_run(tmp_path, "b") as other:
        with pytest.raises(Refused) as refused, hold_conduits(tmp_path, "north", ("a", "b")):
            pytest.fail("held twice")
        assert str(refused.value) == (
            f"Another run has conduit b (process {other.pid}). Wait for its end, or abort it. Nothing was touched."
        )
        # What was taken before the refusal is free again.
        with hold_conduits(tmp_path, "north", ("a",)):
            pass


def test_other_conduits_and_other_sites_are_free(tmp_path: Path) -> None:
    with another_run(tmp_path, "b"), hold_conduits(tmp_path, "north", ("a",)), hold_conduits(tmp_path, "south", ("b",)):
        assert (tmp_path / "north.a.lock").read_text() == str(os.getpid())


def test_a_run_that_was_killed_holds_nothing(tmp_path: Path) -> None:
    with another_run(tmp_path, "a") as other:
        other.kill()
        other.wait()
        with hold_conduits(tmp_path, "north", ("a",)):
            assert (tmp_path / "north.a.lock").read_text() == str(os.getpid())
    assert (tmp_path / "north.a.lock").read_text() == ""


def test_a_conduit_named_twice_is_held_once(tmp_path: Path) -> None:
    with hold_conduits(tmp_path, "north", ("a", "a")):
        assert [path.name for path in tmp_path.iterdir()] == ["north.a.lock"]


def test_a_folder_that_cannot_be_made_refuses_the_run(tmp_path: Path) -> None:
    (tmp_path / "runs").write_bytes(b"")
    with (
        pytest.raises(Refused, match=rf"cannot be written \({os.strerror(errno.ENOTDIR)}\)\. Nothing was touched\.$"),
        hold_conduits(tmp_path / "runs" / ".locks", "north", ("a",)),
    ):
        pytest.fail("held without a file")
