"""What a command that only looks takes for a disk that does not answer: a thread that waits, and not one that works."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.patience import PATIENCE_S

LOOKS = """
import sys, time
from pathlib import Path
from islandmode.ui import silent_disk
silent_disk.PATIENCE_S = 0.4
with silent_disk.looking(Path(sys.argv[1])) as watch:
    {reads}
print("read")
"""
WORKS = "ends = time.thread_time() + 1.2\n    while time.thread_time() < ends: pass"
WAITS = "time.sleep(60)"
WAITS_LATER = "watch.at(Path('/later')); time.sleep(60)"
ELSEWHERE = "with watch.elsewhere(): time.sleep(1.2)"


def look(reads: str, where: Path) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-c", LOOKS.format(reads=reads), str(where)]
    return subprocess.run(argv, capture_output=True, text=True, check=False, timeout=PATIENCE_S)


@pytest.mark.parametrize("reads", [WORKS, ELSEWHERE], ids=["works", "waits for something else"])
def test_a_reader_that_works_or_waits_for_no_disk_is_let_be(tmp_path: Path, reads: str) -> None:
    ended = look(reads, tmp_path)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "read\n", "")


@pytest.mark.parametrize(("reads", "where"), [(WAITS, None), (WAITS_LATER, "/later")], ids=["at first", "later"])
def test_a_reader_that_only_waits_is_given_up_with_what_it_read(tmp_path: Path, reads: str, where: str | None) -> None:
    ended = look(reads, tmp_path)
    assert (ended.returncode, ended.stdout) == (5, "")
    assert f"{where or tmp_path} could not be read: the disk did not answer within 0.4 s." in ended.stderr
