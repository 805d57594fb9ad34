"""What the machine knows of its labs, without one: lists, refusals and ends."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from islandmode.core.errors import InputError, Refused
from islandmode.rehearse.processes import started, vantage_point
from islandmode.store.active import record_lab, record_run
from islandmode.ui.program import command
from islandmode.ui.workspace import start_workspace
from tests.run import simulated_drill
from tests.ui.test_runs_commands import forget_locks


def lives_by(pid: int, begun: str) -> dict[str, object]:
    return {**vantage_point(), "processes": [[pid, begun]]}


def lab(*arguments: str, workspace: Path) -> int:
    return command(["lab", *arguments, "--workspace", str(workspace)])


def test_a_lab_that_nobody_knows_is_bad_input(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(InputError, match=r"There is no lab plant in .*\.lab\.$"):
        lab("down", workspace=tmp_path)
    assert capsys.readouterr().out == ""


def test_a_lab_of_that_name_elsewhere_is_named_and_not_ended(tmp_path: Path) -> None:
    other = tmp_path / "other"
    record_lab("plant", other / ".lab", "namespaces", "one", lives_by(os.getpid(), started(os.getpid())))
    with pytest.raises(InputError, match=f"islandmode lab down --lab plant --workspace {other}`"):
        lab("down", workspace=tmp_path)


def test_the_list_names_labs_whose_folders_are_gone_and_none_that_are_dead(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert lab("list", workspace=tmp_path) == 0
    assert capsys.readouterr().out == "No lab is up on this machine.\n"
    record_lab("dead", tmp_path / ".lab", "namespaces", "two", lives_by(os.getpid(), "1"))
    record_lab("half", tmp_path / ".lab", "namespaces", "", {})
    record_lab("plant", tmp_path / ".lab", "namespaces", "one", lives_by(os.getpid(), started(os.getpid())))
    record_run("2026-01-a", tmp_path, simulated_drill.make(), {"identity": "one", "name": "plant"})
    assert lab("list", workspace=tmp_path) == 0
    assert capsys.readouterr().out == (
        f"plant  namespaces  {tmp_path}  up, but its folder is gone; `islandmode lab down --lab plant --workspace {tmp_path}` "
        "ends it, used by 2026-01-a\n"
    )
    forget_locks()


def test_a_lab_that_a_run_uses_is_not_taken_down(tmp_path: Path) -> None:
    mine = lives_by(os.getpid(), started(os.getpid()))
    record_lab("plant", tmp_path / ".lab", "namespaces", "one", mine)
    record_run("2026-01-a", tmp_path, simulated_drill.make(), {"identity": "one", "name": "plant", "lives_by": mine})
    with pytest.raises(Refused, match="Lab plant is used by 2026-01-a, which goes on or was not seen restored"):
        lab("down", workspace=tmp_path)
    forget_locks()
    with pytest.raises(Refused, match="Lab plant is used by 2026-01-a"):
        lab("down", workspace=tmp_path)


def test_a_lab_is_not_taken_down_while_it_cannot_be_told_who_uses_it(tmp_path: Path, machine_state: Path) -> None:
    record_lab("plant", tmp_path / ".lab", "namespaces", "one", lives_by(os.getpid(), started(os.getpid())))
    (machine_state / "runs").mkdir()
    (machine_state / "runs" / "a.json").write_text("[]", encoding="utf-8")
    with pytest.raises(Refused, match="it is not known whether a run uses lab plant"):
        lab("down", workspace=tmp_path)


def test_a_lab_is_not_brought_up_over_one_whose_folder_is_gone(tmp_path: Path) -> None:
    record_lab("plant", tmp_path / ".lab", "namespaces", "one", lives_by(os.getpid(), started(os.getpid())))
    with pytest.raises(InputError, match="Lab plant is up and its folder in"):
        lab("up", workspace=tmp_path)


def test_a_lab_whose_folder_is_gone_is_never_said_to_be_over(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is isolated in it stays isolated: neither `status` nor `restore --drill` may say that it went with the lab."""
    folder = tmp_path / "riverside"
    assert start_workspace(folder) == 0
    record_lab("plant", folder / ".lab", "namespaces", "one", lives_by(os.getpid(), started(os.getpid())))
    command(["status", "--workspace", str(folder)])
    end = f"`islandmode lab down --lab plant --workspace {folder}`"
    assert f"Lab plant is up but its folder is gone; end it with {end}.\n" in capsys.readouterr().out
    assert command(["status", "--devices", "--workspace", str(folder)]) == 5
    with pytest.raises(Refused, match=r"is up but its folder in .* is gone: .* stays isolated"):
        command(["restore", "--drill", "quarterly-isolation", "--workspace", str(folder)])
