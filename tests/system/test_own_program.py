"""Sentences that say what to do are typed as they stand: by somebody in another shell, another folder, or with nothing on the PATH."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from islandmode.system.own_program import NAME, VARIABLE, program, program_anywhere, typed, typed_at

SOURCE = Path(__file__).resolve().parents[2] / "src" / "islandmode"
VERBS = "abort|restore|status|show|lab|init|validate|run|runs|plan|schema"
COMMAND = re.compile(rf"\b{NAME} (?:{VERBS})\b")
MAY_NAME_A_COMMAND = {
    "core/preflight.py": "it is given the command as it is typed, and has this for a default",
    "core/what_to_do.py": "its sentences get the program as it is typed",
    "run/run_place.py": "as core/preflight.py",
    "ui/ending.py": "names of commands, that nobody is told",
    "ui/picture/scene.py": "it says by what a picture was drawn",
    "operate/conducting.py": "it says which command would not work",
    "core/drill.py": "the description of a key, as the reference prints it",
    "ui/approving.py": "it says to an approver what stops a run on another machine",
}


@pytest.fixture(autouse=True)
def as_outside_of_tests(typed_by_name: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE)


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An environment with an interpreter and our program beside it, and none of it on the PATH."""
    folder = tmp_path / "an environment" / "bin"
    folder.mkdir(parents=True)
    (folder / NAME).write_text('#!/bin/sh\necho "$@"\n', encoding="ascii")
    (folder / NAME).chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(folder / "python"))
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    return folder / NAME


def entered(command: str, *, path: str = "/usr/bin:/bin", folder: str = "/") -> str:
    """Type a command into a shell without this process's environment."""
    ended = subprocess.run(
        ["env", "-i", f"PATH={path}", "sh", "-c", command], cwd=folder, check=True, capture_output=True, text=True
    )
    return ended.stdout


def test_a_program_that_is_not_on_the_path_is_typed_by_its_path(own: Path) -> None:
    assert program() == program_anywhere() == f"'{own}'"
    assert entered(typed("restore", "2026-01-a")) == "restore 2026-01-a\n"


def test_a_program_that_is_on_the_path_is_typed_by_its_name(own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", f"/usr/bin:{own.parent}")
    assert typed("abort") == "islandmode abort"
    assert entered(typed("abort"), path=os.environ["PATH"]) == "abort\n"
    assert program_anywhere() == f"'{own}'"


def test_another_program_of_that_name_is_not_taken_for_this_one(
    own: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / NAME).symlink_to("/bin/true")
    monkeypatch.setenv("PATH", f"{tmp_path / 'other'}:/usr/bin:/bin")
    assert program() == f"'{own}'"
    (tmp_path / "other" / NAME).unlink()
    (tmp_path / "other" / NAME).symlink_to(own)
    assert program() == NAME


def test_without_a_program_the_interpreter_is_named(own: Path) -> None:
    own.unlink()
    assert program() == program_anywhere() == f"'{own.with_name('python')}' -m islandmode"


def test_a_process_in_a_container_says_what_is_typed_outside(own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "/opt/bin/islandmode")
    assert (program(), program_anywhere()) == ("/opt/bin/islandmode", "/opt/bin/islandmode")


def test_a_command_about_a_workspace_names_it_unless_we_stand_there(
    own: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert entered(typed_at(tmp_path, "lab", "down")) == f"lab down --workspace {tmp_path}\n"
    monkeypatch.chdir(tmp_path)
    assert entered(typed_at(tmp_path, "lab", "down")) == "lab down\n"
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert entered(typed_at(tmp_path, "lab", "down")) == f"lab down --workspace {tmp_path}\n"


def texts(path: Path) -> list[str]:
    """Give the texts of a file that are no docstrings, the parts of one sentence together."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    told = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    return [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in told
    ]


def test_no_sentence_takes_the_program_s_name_for_something_that_can_be_typed() -> None:
    """It names a command by `typed`, `typed_at` or `typed_anywhere`: the README's two commands put nothing on the PATH."""
    found = {
        str(path.relative_to(SOURCE))
        for path in SOURCE.rglob("*.py")
        if any(COMMAND.search(text) for text in texts(path))
    }
    assert found - MAY_NAME_A_COMMAND.keys() == set()
    assert MAY_NAME_A_COMMAND.keys() - found == set()
