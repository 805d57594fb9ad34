"""Records of this machine that are malformed: each is named as unread, and hides or stops nothing else."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from islandmode.rehearse.processes import started, vantage_point
from islandmode.store.active import known, record_lab, record_run
from tests.run import simulated_drill
from tests.ui.test_runs_commands import ask, forget_locks

LIVES_BY = {**vantage_point(), "processes": [[os.getpid(), started(os.getpid())]]}
MALFORMED: list[Any] = [7, [7], [["x", "1"]], [[True, "1"]], [[1]], [[1, 2]]]


def spoil(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    document = json.loads(path.read_bytes())
    change(document)
    path.write_text(json.dumps(document), encoding="utf-8")


@pytest.mark.parametrize(
    "change",
    [
        *(
            pytest.param(
                lambda one, p=processes: one["ground"]["lives_by"].update(processes=p), id=f"processes {processes}"
            )
            for processes in MALFORMED
        ),
        pytest.param(lambda one: one["points"].update({"conduit-firewall": "remote-access"}), id="conduits no list"),
        pytest.param(lambda one: one["points"].update({"conduit-firewall": [7]}), id="a conduit is a number"),
        pytest.param(lambda one: one.update(run="../../etc"), id="a run with a path"),
        pytest.param(lambda one: one.update(run="--at-once"), id="a run that is an option"),
        pytest.param(lambda one: one.update(workspace="here"), id="a workspace that depends on who asks"),
    ],
)
@pytest.mark.parametrize("verb", ["status", "abort"])
def test_a_malformed_record_of_a_run_is_unread(
    verb: str, change: Callable[[dict[str, Any]], object], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "runs").mkdir()
    record = record_run("2026-01-a", tmp_path, simulated_drill.make(), {"identity": "one", "lives_by": LIVES_BY})
    forget_locks()
    assert [one.run for one in known().runs] == ["2026-01-a"]
    spoil(record.path, change)
    assert (known().runs, len(known().unread)) == ((), 1)
    assert ask(verb, workspace=tmp_path) == 5
    assert "it is no record of this version" in capsys.readouterr().err


@pytest.mark.parametrize("processes", MALFORMED, ids=str)
def test_a_malformed_record_of_a_lab_is_unread(processes: Any, tmp_path: Path) -> None:
    record = record_lab("plant", tmp_path / ".lab", "namespaces", "one", LIVES_BY)
    assert len(known().labs) == 1
    spoil(record.path, lambda one: one["lives_by"].update(processes=processes))
    assert (known().labs, len(known().unread)) == ((), 1)


def test_a_record_of_the_version_before_this_one_names_the_lab_of_its_run(tmp_path: Path) -> None:
    ground = {"name": "plant", "identity": "one", "lives_by": LIVES_BY}
    record = record_run("2026-01-a", tmp_path, simulated_drill.make(), ground)
    spoil(record.path, lambda one: one.update(lab=one.pop("ground")))
    assert [dict(one.ground) for one in known().runs] == [{"kind": "lab", **ground}]
