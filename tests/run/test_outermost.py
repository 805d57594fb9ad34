"""The outermost edge: an exit code and one sentence, and nothing in either, nor in the file of a fault, that must not be there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from islandmode.core.errors import Refused
from islandmode.run.outermost import Broken, exit_code_of
from islandmode.system.redaction import KNOWN

SECRET = "the-crash-Pa55word"
SAID = f"\x1b[2J login {SECRET}\ud83d"


INTERNAL = "islandmode: internal error ({}); {}. Please report it.\n"
STRANDED = "islandmode: STRANDED: "


def refuse() -> int:
    raise Refused(SAID)


def fail() -> int:
    raise ValueError(SAID)


def break_off() -> int:
    raise Broken(restored=False) from KeyError(SAID)


@pytest.mark.parametrize(("command", "code"), [(refuse, 4), (fail, 7), (break_off, 5)])
def test_no_secret_and_no_escape_leaves_the_program(
    command: object, code: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    KNOWN.learn(SECRET)
    crash_file = tmp_path / "runs" / "internal-error.txt"
    assert callable(command)
    assert exit_code_of(command, crash_file) == code
    kept = crash_file.read_text(encoding="utf-8") if crash_file.exists() else ""
    said = capsys.readouterr().err
    assert [text for text in (kept, said) if SECRET in text or "\x1b" in text or "\ud83d" in text] == []
    told = said if command is refuse else kept
    assert "login [secret]" in told
    assert ("Traceback" in kept) == (command is not refuse)
    assert "Traceback" not in said


def put_back() -> int:
    raise Broken(restored=True) from OSError("x")


@pytest.mark.parametrize(
    ("command", "code", "kind"), [(fail, 7, "ValueError"), (break_off, 5, "KeyError"), (put_back, 7, "OSError")]
)
def test_a_fault_of_the_program_is_named_by_its_cause_with_where_its_details_are(
    command: Callable[[], int], code: int, kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    crash_file = tmp_path / "runs" / "internal-error.txt"
    assert exit_code_of(command, crash_file) == code
    said = capsys.readouterr().err
    assert said.endswith(INTERNAL.format(kind, f"details are in {crash_file}"))
    assert said.startswith(STRANDED) == (code == 5)
    assert 'Traceback (most recent call last):\n  File "' in crash_file.read_text(encoding="utf-8")
    (tmp_path / "taken").write_text("a file where a folder is needed", encoding="utf-8")
    assert exit_code_of(command, tmp_path / "taken" / "x.txt") == code
    assert capsys.readouterr().err.endswith(INTERNAL.format(kind, "its details could not be written"))


def test_a_command_gives_its_own_code_and_says_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told: list[tuple[int, list[str]]] = []
    assert exit_code_of(lambda: 3, tmp_path / "x", lambda code, said: told.append((code, list(said)))) == 3
    assert (told, capsys.readouterr().err) == ([], "")
    assert not (tmp_path / "x").exists()


def test_what_a_person_is_told_of_an_end_a_machine_is_told_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told: list[tuple[int, list[str]]] = []
    for command in (refuse, break_off):
        exit_code_of(command, tmp_path / "x", lambda code, said: told.append((code, list(said))))
    lines = capsys.readouterr().err.splitlines()
    assert [code for code, _ in told] == [4, 5]
    assert [f"islandmode: {line}" for _, said in told for line in said] == lines
    assert len(lines) == 3
