"""The lab's files are containerlab's own format: held to the schema that containerlab ships, as its source has it."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from ruamel.yaml import YAML

from tests.lab.drills import PROJECT
from tests.patience import LONG_PATIENCE_S, PATIENCE_S

pytestmark = pytest.mark.lab

MODULE = "github.com/srl-labs/containerlab"
TOPOLOGIES = sorted([*(PROJECT / "lab").glob("*.clab.yml"), *(PROJECT / "examples").glob("*/lab/*.clab.yml")])
PLANT = PROJECT / "lab" / "plant.clab.yml"


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    """The schema of the very release that lab/tools/go.mod pins."""
    subprocess.run(
        ["go", "mod", "download", MODULE], cwd=PROJECT / "lab" / "tools", check=True, timeout=LONG_PATIENCE_S
    )
    asked = ["go", "list", "-m", "-f", "{{.Dir}}", MODULE]
    found = subprocess.run(
        asked, cwd=PROJECT / "lab" / "tools", check=True, capture_output=True, text=True, timeout=PATIENCE_S
    )
    text = Path(found.stdout.strip(), "schemas", "clab.schema.json").read_text(encoding="utf-8")
    # Python's patterns know no classes of letters and numbers by those names.
    read: dict[str, Any] = json.loads(text.replace(r"\\p{L}", "a-zA-Z").replace(r"\\p{N}", "0-9"))
    return read


def complaints(schema: dict[str, Any], document: dict[str, Any]) -> list[str]:
    """List what the schema holds against a document."""
    validator = jsonschema.validators.validator_for(schema)(schema)
    return [
        f"{'/'.join(str(step) for step in error.path)}: {error.message}" for error in validator.iter_errors(document)
    ]


@pytest.mark.parametrize("path", TOPOLOGIES, ids=lambda path: path.name)
def test_a_topology_keeps_to_containerlabs_own_schema(schema: dict[str, Any], path: Path) -> None:
    assert complaints(schema, YAML(typ="safe").load(path.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize(
    ("where", "key"), [((), "site"), (("topology",), "zones"), (("topology", "nodes", "fw"), "isolation-point")]
)
def test_that_schema_refuses_a_key_of_our_own(schema: dict[str, Any], where: tuple[str, ...], key: str) -> None:
    """Why what Islandmode reads of its own is in labels."""
    document = YAML(typ="safe").load(PLANT.read_text(encoding="utf-8"))
    place = document
    for step in where:
        place = place[step]
    place[key] = "ours"
    assert any(key in one for one in complaints(schema, document))
