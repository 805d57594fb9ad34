"""No name is cut, in any table, however narrow a terminal or a pipe is: two may differ in their last letters only."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from islandmode.core.lifecycle import Phase
from islandmode.core.plan import Plan
from islandmode.core.verdict import Verdict
from islandmode.rehearse.lab import NodeStatus
from islandmode.run.progress import Progress
from islandmode.store.rundir import RunDirectory
from islandmode.ui.lab_commands import print_nodes
from islandmode.ui.name_table import NameTable
from islandmode.ui.plan_text import print_plan
from islandmode.ui.program import command
from islandmode.ui.results import print_result
from tests.core.given import PROJECT, given
from tests.core.story import Story
from tests.ui.test_live import drawn_on_a_terminal
from tests.ui.test_runs_commands import ARMED, SEEN, leave_run

LONGEST = 40
WIDTHS = (None, 80, 60, 41, 30, 12)
Print = Callable[[Path], set[str]]


def long(name: str) -> str:
    """Make a name as long as one may be, which differs from others at its end only."""
    return f"{'the-same-beginning-of-every-name-of-them-all'[: LONGEST - len(name) - 1]}-{name}"


def lengthened(document: Any, names: set[str]) -> Any:
    """Give a document in which every name is long."""
    if isinstance(document, dict):
        return {lengthened(key, names): lengthened(value, names) for key, value in document.items()}
    if isinstance(document, list):
        return [lengthened(one, names) for one in document]
    return long(document) if document in names else document


def names_of(plan: Plan) -> set[str]:
    """Give every name that a person reads in a plan."""
    flows = {flow.flow for stage in plan.stages for flow in stage.dying_flows}
    stages = {stage.name for stage in plan.stages}
    return {*plan.probes, *plan.points, *plan.conduits, *plan.vantages, *plan.boundary.zones, *stages, *flows}


def long_plan() -> Plan:
    plan = given().plan()
    return Plan.model_validate(lengthened(plan.model_dump(mode="json", by_alias=True), names_of(plan)))


def the_plan(_: Path) -> set[str]:
    plan = long_plan()
    print_plan(plan)
    return names_of(plan) - {*plan.vantages}


def the_result(folder: Path) -> set[str]:
    story = Story()
    document = lengthened(story.judge().model_dump(mode="json"), names_of(story.plan))
    print_result(story.plan, Verdict.model_validate(document), RunDirectory(folder / long("run")), as_json=False)
    plan = long_plan()
    return {*plan.probes, *plan.vantages, *(stage.name for stage in plan.stages)}


def a_lab(_: Path) -> set[str]:
    nodes = [NodeStatus(long(name), "PLC", ("10.40.0.10", "fd10:40::10"), (1, 2)) for name in ("plc-a", "plc-b")]
    print_nodes(nodes)
    return {one.name for one in nodes}


def the_runs(folder: Path) -> set[str]:
    name = long("2026-01-01")
    leave_run(folder, name, [*ARMED, SEEN])
    assert command(["runs", "-w", str(folder)]) == 0
    return {name}


TABLES: dict[str, Print] = {"plan": the_plan, "result": the_result, "lab status": a_lab, "runs": the_runs}


@pytest.fixture(params=WIDTHS, ids=lambda width: f"{width or 'pipe'}")
def width(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int | None:
    """Set how wide a terminal says it is; a pipe says nothing."""
    given_width: int | None = request.param
    if given_width is None:
        monkeypatch.delenv("COLUMNS", raising=False)
    else:
        monkeypatch.setenv("COLUMNS", str(given_width))
    return given_width


@pytest.mark.parametrize("table", TABLES)
def test_every_name_is_whole(table: str, width: int | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = TABLES[table](tmp_path)
    said = capsys.readouterr().out
    assert names
    assert "…" not in said
    assert lost(names, said, width) == set()


def test_the_live_view_cuts_no_name(width: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LINES", "400")
    plan = long_plan()
    lamps = dict.fromkeys(plan.probes, "good")
    said = drawn_on_a_terminal(Progress(Phase.BASELINE, None, 10_000_000, lamps, {}, "x"), plan=plan)  # type: ignore[arg-type]
    said = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", said)
    assert "…" not in said.replace("… waiting", "")
    assert lost({*plan.probes, *plan.vantages}, said, width) == set()


def lost(names: set[str], said: str, width: int | None) -> set[str]:
    """Give the names that cannot be read: on one line where there is room for them, else folded over lines that follow."""
    if width is None or width > LONGEST + 10:
        lines = said.splitlines()
        return {name for name in names if not any(name in line for line in lines)}
    together = re.sub(r"[\s│]", "", said)
    return {name for name in names if name not in together}


def test_a_table_whose_names_fit_stays_a_table() -> None:
    out = io.StringIO()
    rows = [("plc-a", "a long tale of what it is for, which goes on", "1"), ("plc-b", "", "22")]
    Console(file=out, width=30).print(NameTable(("node", "for", "processes"), rows))
    lines = [line.rstrip() for line in out.getvalue().splitlines()]
    assert lines[0] == "node   for           processes"
    assert lines[1].startswith("plc-a  a long tale")
    assert lines[-1] == "plc-b                22"


def test_only_one_module_draws_tables() -> None:
    found = [path.name for path in (PROJECT / "src").rglob("*.py") if "rich.table" in path.read_text(encoding="utf-8")]
    assert found == ["name_table.py"]
