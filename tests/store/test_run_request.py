"""The request of a run as a file: what was written is read, and what is wrong with a file is one sentence."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from islandmode.core.errors import InputError, Refused
from islandmode.store.run_request import REQUEST, RunRequest, read_request, request_in
from tests.ui.test_runs_commands import ask

GROUND = {"kind": "lab", "name": "plant", "lives_by": {"processes": [[7, "1"]]}}


def request_of(workspace: Path) -> RunRequest:
    return RunRequest(
        "2026-01-a", workspace, "drills/weekly.yaml", "rehearsal", "ann", GROUND, ends_lab=True, recorded=False
    )


def test_what_was_asked_for_is_read_again(tmp_path: Path) -> None:
    asked = request_of(tmp_path)
    assert read_request(asked.wait()) == asked
    assert read_request(replace(asked, recorded=True, ends_lab=False).wait()) == replace(
        asked, recorded=True, ends_lab=False
    )


def test_a_request_that_waits_is_no_run_and_goes_when_it_is_withdrawn(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = request_of(tmp_path)
    asked.wait()
    assert ask("runs", workspace=tmp_path) == 0
    assert capsys.readouterr().out == "No run yet.\n"
    asked.withdraw()
    asked.withdraw()
    assert list((tmp_path / "runs").iterdir()) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"v": 2}, "is not a request of this version (format 1)"),
        ({"run": "../../etc"}, "names no run in a workspace"),
        ({"run": "--at-once"}, "names no run in a workspace"),
        ({"run": ".hidden"}, "names no run in a workspace"),
        ({"run": ""}, "names no run in a workspace"),
        ({"workspace": "here"}, "names no run in a workspace"),
        ({"mode": 7}, "lacks a part of a request, or has one of another type"),
        ({"drill": None}, "lacks a part of a request, or has one of another type"),
        ({"ground": []}, "lacks a part of a request, or has one of another type"),
        ({"ends_lab": "yes"}, "lacks a part of a request, or has one of another type"),
    ],
    ids=str,
)
def test_a_request_that_is_none_says_so(tmp_path: Path, change: dict[str, Any], said: str) -> None:
    path = request_of(tmp_path).wait()
    path.write_text(json.dumps(json.loads(path.read_text()) | change), encoding="utf-8")
    with pytest.raises(InputError, match=said.replace("(", r"\(").replace(")", r"\)")):
        read_request(path)


@pytest.mark.parametrize("data", [b"", b"[]", b"{", b"\xff\xfe"])
def test_a_file_that_is_no_request_says_so(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "request.json"
    path.write_bytes(data)
    with pytest.raises(InputError, match=r"request\.json"):
        read_request(path)
    assert request_in(tmp_path) is None


def test_a_run_of_an_earlier_version_has_none(tmp_path: Path) -> None:
    assert request_in(tmp_path) is None
    (tmp_path / REQUEST).symlink_to(request_of(tmp_path).wait())
    assert request_in(tmp_path) is None


def test_a_folder_that_takes_no_request_refuses_the_drill(tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("a file", encoding="utf-8")
    with pytest.raises(Refused, match=r"The request of the run cannot be written to .* Nothing was touched\."):
        request_of(tmp_path).wait()


def test_a_request_for_another_workspace_is_not_conducted(tmp_path: Path) -> None:
    path = request_of(tmp_path / "theirs").wait()
    with pytest.raises(InputError, match="asks for a run in"):
        ask("conduct", str(path), workspace=tmp_path)


def test_a_request_for_a_lab_that_is_gone_touches_nothing(tmp_path: Path) -> None:
    path = request_of(tmp_path).wait()
    with pytest.raises(Refused, match="Lab plant was taken down meanwhile"):
        ask("conduct", str(path), workspace=tmp_path)
    assert not path.exists()
