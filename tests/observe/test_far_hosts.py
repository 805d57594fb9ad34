"""What goes to far hosts needs nothing but Python 3.9 and its standard library; ruff holds the syntax to that."""

from __future__ import annotations

import ast
import sys
import tomllib
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
SOURCE = PROJECT / "src"
STARTS = (
    "islandmode.observe.far",
    "islandmode.observe.worker",
    "islandmode.observe.worker_host",
    "islandmode.observe.last_words",
)


def imports(module: str) -> set[str]:
    """Name what a module imports; of this package, the modules themselves."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path_of(module).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            inner = [f"{node.module}.{alias.name}" for alias in node.names]
            found.update(one if path_of(one).is_file() else node.module for one in inner)
    return found


def path_of(module: str) -> Path:
    return SOURCE.joinpath(*module.split(".")).with_suffix(".py")


def closure() -> set[str]:
    """Name every module that the worker brings along."""
    found, open_ones = set[str](), set(STARTS)
    while open_ones:
        module = open_ones.pop()
        found.add(module)
        if module.startswith("islandmode."):
            open_ones |= imports(module) - found
    return found


def test_a_worker_brings_the_standard_library_and_a_few_files_of_this_project() -> None:
    own = {module for module in closure() if module.startswith("islandmode")}
    # uvloop is taken where it is installed; test_sampling.py runs a worker where it is not.
    assert {module.partition(".")[0] for module in closure() - own} <= sys.stdlib_module_names | {"uvloop"}
    names = {
        "answers",
        "connection",
        "far",
        "http",
        "grid",
        "kit",
        "last_words",
        "looks",
        "modbus",
        "own_clocks",
        "readiness",
        "spooling",
        "values",
        "worker",
        "worker_host",
    }
    assert own == {f"islandmode.observe.{name}" for name in names} | {
        "islandmode.core.text",
        "islandmode.core.spool_rows",
    }


def test_all_of_them_are_held_to_an_old_python() -> None:
    document = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))
    held = {
        pattern for pattern, version in document["tool"]["ruff"]["per-file-target-version"].items() if version == "py39"
    }
    assert held == {
        "src/islandmode/core/text.py",
        "src/islandmode/observe/{answers,connection,far,grid,http,kit,last_words,looks,modbus,own_clocks,readiness,spooling,values,worker,worker_host}.py",
        "src/islandmode/core/spool_rows.py",
    }
