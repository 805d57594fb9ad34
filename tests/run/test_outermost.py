"""The outermost edge: an exit code and one sentence, and nothing in either, nor in the file of a fault, that must not be there."""

from __future__ import annotations

from pathlib import Path

import pytest

from islandmode.core.errors import Refused
from islandmode.run.outermost import Broken, exit_code_of
from islandmode.system.secrets import KNOWN

SECRET = "the-crash-Pa55word"
SAID = f"\x1b[2J login {SECRET}\ud83d"


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
