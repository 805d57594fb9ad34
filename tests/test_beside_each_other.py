"""How tests are played beside each other on a machine that may be busy: what they share is made once, and none waits too briefly."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.patience import LONG_PATIENCE_S

TESTS = Path(__file__).parent
AT_LEAST_S = 60
WAITS = {"run", "check_output", "communicate", "wait", "join", "fail_after", "wait_for", "wait_passing", "wait_until"}
SHARE = """
import os, time
from pathlib import Path
import pytest

@pytest.fixture(scope="module")
def dear() -> None:
    with Path("made").open("a") as made:
        made.write(f"{__name__}\\n")

@pytest.mark.parametrize("number", range(6))
def test_shares(dear: None, number: int) -> None:
    time.sleep(0.05)

@pytest.mark.longest
def test_is_begun_first() -> None:
    with Path("began").open("a") as began:
        began.write("longest ")

def test_is_begun_later() -> None:
    time.sleep(0.3)
    with Path("began").open("a") as began:
        began.write("another ")
"""


@pytest.mark.more
def test_what_a_file_makes_once_is_made_once_however_many_processes_there_are(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text((TESTS / "conftest.py").read_text("utf-8"), encoding="utf-8")
    marks = 'markers = ["longest: is begun first"]'
    config = f'[tool.pytest.ini_options]\npythonpath = ["{TESTS.parent}"]\n{marks}\n'
    (tmp_path / "pyproject.toml").write_text(config, encoding="utf-8")
    for name in ("one", "two"):
        (tmp_path / f"test_{name}.py").write_text(SHARE, encoding="utf-8")
    argv = [sys.executable, "-m", "pytest", "--import-mode=importlib", "--numprocesses", "3"]
    played = subprocess.run(argv, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=LONG_PATIENCE_S)
    assert "16 passed" in played.stdout, played.stdout
    assert sorted((tmp_path / "made").read_text("utf-8").split()) == ["test_one", "test_two"]
    assert (tmp_path / "began").read_text("utf-8").split()[:2] == ["longest", "longest"]


def seconds_of(call: ast.Call) -> Iterator[float]:
    """Give the seconds that a call waits at most, where they stand in it as a number."""
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    if name not in WAITS:
        return
    given = [one.value for one in call.keywords if one.arg == "timeout"]
    if name in {"communicate", "wait", "join", "fail_after", "wait_passing"}:
        given += call.args[:1]
    if name == "wait_for":
        given += call.args[1:2]
    for one in given:
        if isinstance(one, ast.Constant) and isinstance(one.value, int | float):
            yield one.value


def calls_of(node: ast.AST) -> Iterator[ast.Call]:
    """Walk through the calls of a program, without those of which it wants that their time ends."""
    if isinstance(node, ast.With | ast.AsyncWith):
        wanted = " ".join(ast.unparse(one) for one in node.items)
        if "TimeoutError" in wanted or "TimeoutExpired" in wanted:
            return
    if isinstance(node, ast.Call):
        yield node
    for child in ast.iter_child_nodes(node):
        yield from calls_of(child)


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("run(argv, timeout=20)", [20]),
        ("thread.join(0.5)", [0.5]),
        ("await asyncio.wait_for(ended.wait(), 5)", [5]),
        ("with anyio.fail_after(20): pass", [20]),
        ("run(argv, timeout=PATIENCE_S)", []),
        ("with pytest.raises(TimeoutError): thread.join(0.5)", []),
        ("ModbusProbe(timeout=0.3)", []),
    ],
)
def test_a_wait_is_known_by_its_call(line: str, found: list[float]) -> None:
    program = f"async def test() -> None:\n    {line}"
    assert [seconds for call in calls_of(ast.parse(program)) for seconds in seconds_of(call)] == found


def test_no_test_waits_for_less_than_a_minute_for_something_to_appear() -> None:
    """What proves that nothing comes is to run out of its time, and says so."""
    short = [
        f"{path.relative_to(TESTS)}:{call.lineno} waits {seconds:g} s; use tests/patience.py"
        for path in sorted(TESTS.rglob("*.py"))
        for call in calls_of(ast.parse(path.read_text(encoding="utf-8")))
        for seconds in seconds_of(call)
        if seconds < AT_LEAST_S
    ]
    assert short == []


def test_what_is_not_read_without_a_lab_needs_one() -> None:
    makefile = (TESTS.parent / "Makefile").read_text(encoding="utf-8")
    (ignored,) = (line for line in makefile.splitlines() if line.startswith("NO_LAB := "))
    for folder in re.findall(r"--ignore=tests/(\S+)", ignored):
        files = sorted((TESTS / folder).rglob("test_*.py"))
        assert files
        assert [path.name for path in files if not _needs_a_lab(path)] == []


def _needs_a_lab(path: Path) -> bool:
    """Tell whether every test of a file is marked as a test with a lab."""
    marks = [
        node.value
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.Assign) and [ast.unparse(target) for target in node.targets] == ["pytestmark"]
    ]
    return any(ast.unparse(part) == "pytest.mark.lab" for mark in marks for part in ast.walk(mark))
