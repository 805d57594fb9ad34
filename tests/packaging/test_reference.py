"""The field reference: never behind the models, each field explained, and its examples are what an operator may write."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from pydantic import BaseModel, TypeAdapter, ValidationError

from islandmode.core.drill import Drill
from islandmode.core.quantities import AS_WRITTEN
from islandmode.rehearse.namespaces.honoured import read_for_namespaces
from islandmode.rehearse.node_words import LABELS
from islandmode.ui.program import command
from scripts import field_reference
from tests.packaging.installed import PROJECT

DOCS = PROJECT / "docs"
MINIMAL = DOCS / "minimal"


PAGE = field_reference.page()
MODELS = tuple(model for part in field_reference.PARTS for model in field_reference.models_of(part.model))
FIELDS = tuple((model, name) for model in MODELS for name in field_reference.fields_of(model))
NAMES = [f"{model.__name__}.{name}" for model, name in FIELDS]


def test_the_committed_page_is_what_the_models_say() -> None:
    assert (DOCS / "reference.md").read_text(encoding="utf-8") == PAGE, "Run `make reference` and commit the page."


@pytest.mark.parametrize(("model", "name"), FIELDS, ids=NAMES)
def test_every_field_says_what_it_means(model: type[BaseModel], name: str) -> None:
    field = model.model_fields[name]
    assert re.fullmatch(r"[A-Z0-9`].{12,}\.", field.description or ""), "a sentence for an engineer of a plant"
    assert f"| `{field.alias or name}` |" in PAGE


@pytest.mark.parametrize(("model", "name"), FIELDS, ids=NAMES)
def test_every_value_has_an_example_that_is_accepted(model: type[BaseModel], name: str) -> None:
    field = model.model_fields[name]
    leads_to_another_section = bool(field_reference.models_of(field.annotation))
    assert bool(field.examples) or leads_to_another_section
    for example in field.examples or ():
        kind = TypeAdapter(field.rebuild_annotation())
        kind.validate_json(json.dumps(example), strict=True, context=AS_WRITTEN)


def test_an_example_that_breaks_its_field_would_be_found() -> None:
    kind = TypeAdapter(Drill.model_fields["settle"].rebuild_annotation())
    with pytest.raises(ValidationError):
        kind.validate_json("2", strict=True, context=AS_WRITTEN)


def test_what_is_said_of_lists_numbers_and_defaults_is_what_the_models_hold() -> None:
    lines = [line for line in PAGE.splitlines() if line.startswith("| `")]
    # Of fields that have one name in several places, the first.
    rows = {line.split(" | ")[0].strip("| `"): line for line in reversed(lines)}
    assert "| address or network, or a list of them | **yes** | at least 1 |" in rows["destination"]
    assert "| list of 2: name, name | **yes** |" in rows["between"]
    assert "| whole number | no: `1` | 0 to 255 |" in rows["unit"]
    assert "| duration | no: `1 s` |" in rows["sample_every"]
    assert "| mapping: name to [zone](#site-zone) | **yes** | at least 2 |" in rows["zones"]
    assert "more than 0, at most 90 d |" in PAGE


def test_every_link_of_the_page_leads_somewhere() -> None:
    page = PAGE
    headings = {
        re.sub(r"[^a-z0-9 -]", "", line.lstrip("# ").lower()).replace(" ", "-")
        for line in page.splitlines()
        if line.startswith("#")
    }
    links = set(re.findall(r"\]\(([^)]+)\)", page))
    assert {"flows.md", "probes.md", "preflight.md", "verdict.md"} <= links
    assert {link[1:] for link in links if link.startswith("#")} <= headings
    assert [link for link in links if not link.startswith("#") and not (DOCS / link).exists()] == []


def test_the_examples_are_one_workspace_that_validates_plans_and_is_drawn(capsys: pytest.CaptureFixture[str]) -> None:
    assert command(["validate", "--workspace", str(MINIMAL)]) == 0
    assert capsys.readouterr().out.startswith("drills/office.yaml: good. 1 stage, 10 s of hold at north")
    assert command(["plan", "office", "--workspace", str(MINIMAL)]) == 0
    assert "office-to-plc" in capsys.readouterr().out
    assert command(["lab", "graph", "--workspace", str(MINIMAL)]) == 0
    assert "Lab north, site north" in capsys.readouterr().out
    assert set(read_for_namespaces(MINIMAL / "lab" / "north.clab.yml", "").points) == {"firewall"}


def test_every_label_that_a_lab_has_is_explained() -> None:
    files = [*(PROJECT / "lab").glob("*.clab.yml"), *(PROJECT / "src" / "islandmode" / "rehearse").glob("*.py")]
    named = {label for file in files for label in labels_in(file)}
    assert named == set(LABELS)


def labels_in(file: Path) -> set[str]:
    text = file.read_text(encoding="utf-8")
    form = r'"(islandmode\.[a-z-]+)"' if file.suffix == ".py" else r"(islandmode\.[a-z-]+):"
    return set(re.findall(form, text))
