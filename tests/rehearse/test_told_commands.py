"""Commands that a refusal of a lab tells somebody to type: they mean this very lab, and a script that is there."""

from __future__ import annotations

from pathlib import Path

import pytest

from islandmode.rehearse.lab import build_command, lab_up_command
from islandmode.system import own_program


@pytest.fixture(autouse=True)
def _called_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(own_program.VARIABLE, "islandmode")


def test_a_lab_is_brought_up_from_its_own_file_under_its_own_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "lab" / "north.clab.yml"
    words = "islandmode lab up --lab north --topology {} --backend containerlab"
    told = lab_up_command("north", tmp_path / ".lab", file, "containerlab")
    assert told == f"{words.format('lab/north.clab.yml')} --workspace {tmp_path}"
    monkeypatch.chdir(tmp_path)
    assert lab_up_command("north", Path(".lab"), file, "containerlab") == words.format("lab/north.clab.yml")
    elsewhere = Path("/somewhere/else.clab.yml")
    assert lab_up_command("north", Path(".lab"), elsewhere, "containerlab") == words.format(elsewhere)


def test_a_build_script_is_named_where_it_is(tmp_path: Path) -> None:
    script = tmp_path / "a plant" / "lab" / "build-image"
    script.parent.mkdir(parents=True)
    elsewhere = "`sh lab/build-image hmi` in a workspace that `islandmode init DIR` has started"
    assert build_command(tmp_path / "a plant", "lab/build-image", "hmi") == elsewhere
    assert build_command(None, "lab/build-image", "hmi") == elsewhere
    script.write_text("", encoding="ascii")
    assert build_command(tmp_path / "a plant", "lab/build-image", "hmi") == f"`sh '{script}' hmi`"
