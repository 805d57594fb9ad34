"""The ledger's file: only ever written behind its end, by one process at a time, and never behind a line that is wrong."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from islandmode.core.errors import InputError
from islandmode.core.ledger import BEGUN, ENDED, Ledger, checkpoint_of
from islandmode.store.ledger import Entered, enter, ledger_of, path_of

NOW = "2026-11-28T02:54:12.000000Z"
RUN = {"run": "a", "mode": "rehearsal", "site": "riverside", "drill": "quarterly", "drill_digest": "d1"}


def test_the_first_line_opens_it_and_every_line_gives_its_checkpoint(tmp_path: Path) -> None:
    first = enter(tmp_path, BEGUN, NOW, RUN)
    assert [line.kind for line in ledger_of(tmp_path).lines] == ["opened", "begun"]
    assert first == Entered(checkpoint_of(ledger_of(tmp_path)), "none on the ledger", 1)
    enter(tmp_path, ENDED, NOW, {"run": "a", "begun": 2, "result": "breached"})
    second = enter(tmp_path, BEGUN, NOW, {**RUN, "run": "b"})
    assert second == Entered(checkpoint_of(ledger_of(tmp_path)), "1 on the ledger: 1 breached", 2)
    assert Entered.read(second.words()) == second
    assert path_of(tmp_path).stat().st_mode & 0o777 == 0o640


def test_without_a_file_it_has_no_line(tmp_path: Path) -> None:
    assert ledger_of(tmp_path) == Ledger()


@pytest.mark.parametrize("length", [1, 30])
def test_a_line_that_was_never_whole_is_written_over(tmp_path: Path, length: int) -> None:
    enter(tmp_path, BEGUN, NOW, RUN)
    whole = path_of(tmp_path).read_bytes()
    path_of(tmp_path).write_bytes(whole + whole.splitlines()[-1][:length])
    assert ledger_of(tmp_path).torn
    assert enter(tmp_path, BEGUN, NOW, {**RUN, "run": "b"}).attempt == 2
    assert path_of(tmp_path).read_bytes().startswith(whole)
    assert [line.text("run") for line in ledger_of(tmp_path).lines] == ["", "a", "b"]


def test_a_file_whose_first_line_was_never_whole_is_opened_anew(tmp_path: Path) -> None:
    path_of(tmp_path).parent.mkdir()
    path_of(tmp_path).write_bytes(b'{"line":1,"ki')
    assert enter(tmp_path, BEGUN, NOW, RUN).attempt == 1
    assert ledger_of(tmp_path).why == ""


def test_nothing_is_written_behind_a_line_that_is_wrong(tmp_path: Path) -> None:
    enter(tmp_path, BEGUN, NOW, RUN)
    altered = path_of(tmp_path).read_bytes().replace(b'"run":"a"', b'"run":"b"') + b"{}\n"
    path_of(tmp_path).write_bytes(altered)
    entered = enter(tmp_path, BEGUN, NOW, RUN)
    assert entered == Entered(None, why="line 3 cannot be read")
    assert Entered.read(entered.words()) == entered
    assert path_of(tmp_path).read_bytes() == altered


def test_a_link_in_its_place_is_not_followed(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_bytes(b"mine\n")
    path_of(tmp_path).parent.mkdir()
    path_of(tmp_path).symlink_to(elsewhere)
    with pytest.raises(OSError, match="symbolic link"):
        enter(tmp_path, BEGUN, NOW, RUN)
    assert elsewhere.read_bytes() == b"mine\n"
    with pytest.raises(InputError, match="cannot be read"):
        ledger_of(tmp_path)


def test_runs_that_begin_at_the_same_moment_get_a_line_each(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from islandmode.store.ledger import enter\n"
        "for number in range(20): enter(Path(sys.argv[1]), 'begun', sys.argv[2], {'run': f'{sys.argv[3]}-{number}'})"
    )
    argv = (sys.executable, "-c", code, str(tmp_path), NOW)
    running = [subprocess.Popen((*argv, str(number)), env=dict(os.environ)) for number in range(3)]
    assert [process.wait() for process in running] == [0, 0, 0]
    ledger = ledger_of(tmp_path)
    assert (ledger.why, len(ledger.lines)) == ("", 61)
    assert len({line.text("run") for line in ledger.lines}) == 61
