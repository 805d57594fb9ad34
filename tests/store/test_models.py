"""What holds for every model of the operators' files: defaults keep their own rules, each key is read, old plans are read."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
from jsonschema import Draft202012Validator
from pydantic import BaseModel, TypeAdapter

from islandmode.core.drill import NOT_READ_YET, Drill
from islandmode.core.plan import Plan
from islandmode.core.probe import ProbePack
from islandmode.core.quantities import AS_WRITTEN
from islandmode.core.site import Site
from islandmode.store import catalog
from tests.core.given import Documents, documents, given

SOURCE = Path(__file__).resolve().parents[2] / "src" / "islandmode"


def models_in(kind: Any) -> Iterator[type[BaseModel]]:
    """Yield every model that a type is made of."""
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        yield kind
        for field in kind.model_fields.values():
            yield from models_in(field.annotation)
    for part in get_args(kind):
        yield from models_in(part)


MODELS = tuple(dict.fromkeys(model for top in (Drill, Site, ProbePack) for model in models_in(top)))
FIELDS = tuple((model, name) for model in MODELS for name in model.model_fields)


def test_the_models_are_found() -> None:
    assert {model.__name__ for model in MODELS} >= {"Drill", "AbortRule", "Flow", "Login", "ModbusProbe", "CanaryProbe"}


@pytest.mark.parametrize(("model", "name"), FIELDS, ids=lambda value: getattr(value, "__name__", value))
def test_a_default_keeps_the_rules_of_its_own_field(model: type[BaseModel], name: str) -> None:
    field = model.model_fields[name]
    if field.is_required():
        return
    default = field.get_default(call_default_factory=True)
    written = TypeAdapter(field.rebuild_annotation()).dump_json(default)
    assert TypeAdapter(field.rebuild_annotation()).validate_json(written, strict=True) == default


def properties(node: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    if isinstance(node, dict):
        yield from node.get("properties", {}).items()
        for inner in node.values():
            yield from properties(inner)
    for item in node if isinstance(node, list) else ():
        yield from properties(item)


@pytest.mark.parametrize("kind", ["drill", "site", "probes"])
def test_a_default_in_a_schema_is_what_an_operator_could_write(kind: str) -> None:
    schema = catalog.schemas()[kind]
    defaults = [(name, told) for name, told in properties(schema) if told.get("default") is not None]
    assert defaults
    for name, told in defaults:
        with_parts = told | {"$defs": schema.get("$defs", {})}
        assert [str(wrong) for wrong in Draft202012Validator(with_parts).iter_errors(told["default"])] == [], name


def test_durations_in_a_schema_have_units() -> None:
    told = dict(properties(catalog.schemas()["drill"]))
    assert (told["sample_every"]["default"], told["settle"]["default"]) == ("1 s", "2 s")


@pytest.mark.parametrize("kind", ["drill", "site", "probes"])
def test_the_operators_own_files_fit_the_schemas(kind: str) -> None:
    whole = documents()
    found = {"drill": whole.drill, "site": whole.site, "probes": {"probes": whole.probes}}[kind]
    assert [str(wrong) for wrong in Draft202012Validator(catalog.schemas()[kind]).iter_errors(found)] == []


def words_read() -> set[str]:
    """Give every attribute that the code reads, and every text in what goes to far hosts: there a probe is a mapping."""
    found: set[str] = set()
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute):
                found.add(node.attr)
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and "observe" in path.parts:
                found.add(node.value)
    return found


READ_WHERE_IT_STANDS = {"zero_based": "its own probe's check of the address"}


def test_every_key_is_read() -> None:
    """By name only: `owner` of a zone counts as read where the owner of a flow is, so a new key needs a look at its reader."""
    read = words_read() | READ_WHERE_IT_STANDS.keys()
    keys = {(model.__name__, name, model.model_fields[name].alias or name) for model, name in FIELDS}
    assert sorted(key for key in keys if not {key[1], key[2]} & read) == []


def test_a_plan_of_an_earlier_version_is_read_with_the_keys_that_nothing_read() -> None:
    """A restore needs the plan of its run, whatever an operator had written into the drill."""
    plan = given().plan()
    old = json.loads(plan.model_dump_json(by_alias=True))
    old["drill"] |= {"schedule": {"every": "banana"}, "approvals": {"live": ["nobody"]}, "exercise": {"roles": 7}}
    old["drill"]["service"] |= {"name": "", "target": "x" * 999}
    for stage in old["stages"]:
        for flow in stage["dying_flows"]:
            del flow["purpose"], flow["sampled"]
    for planned in old["probes"].values():
        if planned["probe"]["kind"] == "modbus":
            del planned["probe"]["type"], planned["probe"]["word_order"], planned["probe"]["zero_based"]
            planned["probe"] |= {"address": 40001}
    read = Plan.model_validate_json(json.dumps(old))
    assert read.points == plan.points
    assert not any(hasattr(read.drill, key) for key in NOT_READ_YET)
    assert read.drill.approvals is None


def test_a_plan_keeps_who_else_has_to_approve_its_drill() -> None:
    plan = given(lambda at: at.drill.update(approvals={"also_signed_by": "ot-security"})).plan()
    read = Plan.model_validate_json(plan.model_dump_json(by_alias=True))
    assert read == plan
    assert read.drill.approvals is not None
    assert "approvals" not in given().plan().model_dump(mode="json")["drill"]


def test_a_plan_that_asks_for_a_bit_is_read_back_as_it_was() -> None:
    """It says of a coil too what a register would be, which an operator must not write."""

    def spoil(at: Documents) -> None:
        at.probes["plc-mixer"] |= {"table": "discrete"}
        del at.probes["plc-mixer"]["changes_within"]

    plan = given(spoil).plan()
    assert Plan.model_validate_json(plan.model_dump_json(by_alias=True)) == plan


def test_as_written_these_keys_are_refused() -> None:
    drill = json.dumps(documents().drill | {"schedule": None})
    with pytest.raises(ValueError, match="schedule"):
        Drill.model_validate_json(drill, context=AS_WRITTEN)
