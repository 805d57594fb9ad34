"""What is said in a schema beside what pydantic says: of every part, once, wherever it stands."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

from pydantic import BaseModel

import islandmode
from islandmode.core.json_schema import Part, schema_of


class Inner(BaseModel):
    names: tuple[str, ...] = ()


class Outer(BaseModel):
    one: Inner
    some: list[Inner | int] = []


def test_every_part_is_given_once_and_the_inner_ones_first() -> None:
    given: list[Any] = []

    def say(part: Part) -> Part:
        given.append(part)
        return {**part, "said": True} if part.get("type") == "string" else part

    told = schema_of(Outer, say)
    assert told["$schema"].endswith("2020-12/schema")
    assert told["$defs"]["Inner"]["properties"]["names"]["items"] == {"type": "string", "said": True}
    assert given.count({"type": "string"}) == 1
    titles = [part.get("title") for part in given]
    assert titles.index("Names") < titles.index("Inner") < titles.index("Outer")


def test_nobody_else_makes_a_schema_for_editors() -> None:
    """A second walk would say other things of the same part; what complains of a file only looks something up in it."""
    making = {
        path.relative_to(Path(islandmode.__file__).parent).as_posix()
        for path in Path(islandmode.__file__).parent.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and node.attr == "model_json_schema"
    }
    assert making == {"core/json_schema.py", "store/complaints.py"}
