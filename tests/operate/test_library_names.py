"""The names of the library: each is there, and a name costs only what it needs."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from islandmode import operate

PAGE = Path(__file__).resolve().parents[2] / "docs" / "library.md"


def test_every_name_is_there() -> None:
    for name in operate.__all__:
        assert getattr(operate, name).__name__ == name


def test_a_name_that_is_none_is_an_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'isolate_everything'"):
        _ = operate.isolate_everything


def test_no_two_names_are_of_one_thing() -> None:
    assert len({id(getattr(operate, name)) for name in operate.__all__}) == len(operate.__all__)


def test_the_page_names_what_is_there() -> None:
    page = PAGE.read_text(encoding="utf-8")
    rows = [line for line in page.splitlines() if line.startswith("| `")]
    table = [name for row in rows for name in re.findall(r"(\w+)\(", row.split("|")[1])]
    assert {"DrillOrder", "StopOrder"} <= set(table)
    imported = re.findall(r"from islandmode\.operate import (.*)", page)
    assert imported
    named = {*table, *(name for line in imported for name in line.split(", "))}
    assert named <= set(operate.__all__)


def test_a_stop_is_imported_without_what_a_drill_needs() -> None:
    look = (
        "import sys; from islandmode.operate import abort, StopOrder; "
        "print(sorted({'anyio', 'pydantic', 'napalm', 'islandmode.run.conductor'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True)
    assert done.stdout == "['anyio']\n"
