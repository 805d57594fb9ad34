"""Write docs/reference.md from the models that read the operators' files: `make reference`.

The models say everything of a field: its type, whether it must be there, its bounds, what it means, an example. Only the words
round them stand here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from islandmode.core.conduit import SERVICE_PATTERN
from islandmode.core.drill import Drill
from islandmode.core.moments import MOMENT_PATTERN
from islandmode.core.people import PeopleFile
from islandmode.core.policy import PolicyFile
from islandmode.core.probe import PATH_PATTERN, ProbePack, ProbeTarget
from islandmode.core.quantities import (
    DRIVER_PATTERN,
    DURATION_PATTERN,
    KEY_PATTERN,
    NAME_PATTERN,
    WORDS_MAX,
    Seconds,
    written,
)
from islandmode.core.recipe.model import Recipe
from islandmode.core.secret_reference import SECRET_PATTERN
from islandmode.core.signers import PRINCIPAL_PATTERN
from islandmode.core.site import Site
from islandmode.rehearse.lab_file import LabFile
from islandmode.rehearse.node_words import LABELS
from islandmode.store.complaints import PATTERNS

PROJECT = Path(__file__).resolve().parents[1]
PAGE = PROJECT / "docs" / "reference.md"
MINIMAL = Path("docs") / "minimal"
PLAIN = re.compile(r"[A-Za-z0-9./_-][A-Za-z0-9 ./_-]*")
KINDS = {
    NAME_PATTERN: "name",
    DURATION_PATTERN: "duration",
    SERVICE_PATTERN: "service",
    SECRET_PATTERN: "secret reference",
    PATH_PATTERN: "path of a URL",
    DRIVER_PATTERN: "driver",
    KEY_PATTERN: "key",
    MOMENT_PATTERN: "moment",
    PRINCIPAL_PATTERN: "principal",
}
FORMATS = {("ipv4", "ipv6"): "address", ("ipv4network", "ipv6network"): "network"}
TYPES = {"integer": "whole number", "number": "number", "boolean": "`true` or `false`", "string": "text"}


@dataclass(frozen=True)
class Part:
    """One of the operators' files: its model, its heading, and the words above its fields."""

    model: type[BaseModel]
    title: str
    example: str
    about: str
    one_for_list: bool = True
    """Whether one item may stand where a list is meant."""


PARTS = (
    Part(
        Drill,
        "Drill",
        "drills/office.yaml",
        "One file for each drill, in `drills/`. How it is judged: [how to read a verdict](verdict.md); what else must be right before "
        "anything is isolated: [what preflight looks at](preflight.md).",
    ),
    Part(
        Site,
        "Site",
        "inventory/north.yaml",
        "One file for each site, in `inventory/`. What is refused of zones and flows, and what a probe tries of a flow: "
        "[zones and flows](flows.md).",
    ),
    Part(
        ProbePack,
        "Probes",
        "probes/north.yaml",
        "Any number of files, in `probes/`. What a good answer is, and what counts as one that came back: "
        "[what a probe asks](probes.md).",
    ),
    Part(
        Recipe,
        "Recipe",
        "inventory/recipes/routeros-lists.yaml",
        "One file for each recipe, in `inventory/recipes/`; those that ship stand in `src/islandmode/recipes/`. What a placeholder stands "
        "for, what is refused and why: [recipes](recipes.md). The example was written from a manual and never tried.",
    ),
    Part(
        PeopleFile,
        "People",
        "inventory/people/people.yaml",
        "One file, `inventory/people/people.yaml`, beside `policy.yaml`, `allowed_signers` and `revoked_keys`: "
        "[people and approvals](approvals.md).",
    ),
    Part(
        PolicyFile,
        "Policy",
        "inventory/people/policy.yaml",
        "One file, `inventory/people/policy.yaml`. What the two shipped policies demand stands in "
        "[people and approvals](approvals.md).",
    ),
    Part(
        LabFile,
        "Topology",
        "lab/north.clab.yml",
        "The lab's containerlab file, usually in `lab/`; the site names it. What is not listed here is containerlab's own business, and "
        "refused in network namespaces unless it concerns containers only. `boot.sh` in the example is your own program that "
        "gives a node its addresses and starts what it serves (`lab/start.sh` is one, for the plant of this repository; an isolation point "
        "needs sshd and nft): [the lab](lab.md).",
        one_for_list=False,
    ),
)
HEAD = """# Reference: every field of a drill, a site, a probe pack, a recipe, people, a policy and a lab topology

Written from the models that read these files (`make reference`); a test fails where they differ. `islandmode schema` prints the same as
JSON Schemas, with which an editor checks a file while it is written, and `islandmode validate` checks a whole workspace.

The examples are one workspace, in [docs/minimal/](minimal/): `islandmode validate --workspace docs/minimal`. A site and a drill that use
everything: [inventory/riverside.yaml](../inventory/riverside.yaml), [drills/quarterly-isolation.yaml](../drills/quarterly-isolation.yaml).

**Unknown keys are refused**, each with file:line:column; so is a number where text is meant. Where a list is meant, one item may stand alone.
A topology is containerlab's form: there a list is a list, and keys that are not listed here are containerlab's own;
a key that misses a listed one by a letter is refused.

| kind of value | is written as |
|---|---|
"""


def main() -> None:
    """Write the page."""
    PAGE.write_text(page(), encoding="utf-8")


def page() -> str:
    """Give the whole page."""
    return HEAD + "\n".join(_row(*row) for row in _kinds()) + "\n" + "".join(_part(part) for part in PARTS)


def _kinds() -> Iterator[tuple[str, str]]:
    above, most = (next(getattr(one, name) for one in _limits(Seconds) if hasattr(one, name)) for name in ("gt", "le"))
    yield (
        "duration",
        (
            "a number and its unit, `ms`, `s`, `min`, `h` or `d`: `500 ms`, `8 s`, `1.5 min`, `90 d`; "
            f"more than {above:g}, at most {written(most)}"
        ),
    )
    for pattern, kind in KINDS.items():
        if pattern != DURATION_PATTERN:
            yield kind, PATTERNS[pattern]
    yield "words", f"text for people, from 1 to {WORDS_MAX} characters"
    yield "address", 'an IPv4 or IPv6 address, IPv6 in quotation marks: `10.10.0.10`, `"fd10:10::10"`'
    yield "network", 'an IPv4 or IPv6 network, with its length: `10.10.0.0/24`, `"fd10:10::/64"`'


def _limits(annotated: Any) -> list[Any]:
    """Give the bounds that stand on a type."""
    return [one for given in get_args(annotated) for one in getattr(given, "metadata", ())]


def _part(part: Part) -> str:
    file = PROJECT / MINIMAL / part.example
    text = f"\n## {part.title}\n\n{part.about}\n\nThe least that is a whole file:\n\n```yaml\n{file.read_text(encoding='utf-8')}```\n"
    named = {model.__name__: model for model in models_of(part.model)}
    for model in named.values():
        schema = model.model_json_schema()
        text += f"\n### {heading(model, part)}\n\n{_told(model)}\n\n"
        text += "| key | takes | needed | bounds | means | example |\n|---|---|---|---|---|---|\n"
        text += "\n".join(_field(model, name, part, schema, named) for name in fields_of(model)) + "\n"
    if part.model is LabFile:
        text += "\n### Labels of a node\n\n| label | means | example |\n|---|---|---|\n"
        text += (
            "\n".join(_row(f"`{label}`", means, f"`{example}`") for label, (means, example) in LABELS.items()) + "\n"
        )
    return text


def models_of(top: Any) -> tuple[type[BaseModel], ...]:
    """Give a file's models, each once, in the order in which its fields lead to them; what probes have in common comes first."""
    found: dict[type[BaseModel], None] = {}

    def walk(kind: Any) -> None:
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            if issubclass(kind, ProbeTarget):
                found.setdefault(ProbeTarget)
            if kind not in found:
                found[kind] = None
                for field in kind.model_fields.values():
                    walk(field.annotation)
        for one in get_args(kind):
            walk(one)

    walk(top)
    return tuple(found)


def fields_of(model: type[BaseModel]) -> tuple[str, ...]:
    """Name the fields of a model; a probe's are without those that every probe has."""
    common = ProbeTarget.model_fields if issubclass(model, ProbeTarget) and model is not ProbeTarget else {}
    return tuple(name for name in model.model_fields if name not in common)


def heading(model: type[BaseModel], part: Part) -> str:
    """Give a section's heading, which no other part of the page has."""
    if model is part.model:
        return f"{part.title}: the file"
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", "Every Probe" if model is ProbeTarget else model.__name__).lower()
    return f"{part.title}: {words.removeprefix(part.title.lower()).strip()}"


def _anchor(model: type[BaseModel], part: Part) -> str:
    return re.sub(r"[^a-z0-9 -]", "", heading(model, part).lower()).replace(" ", "-")


def _told(model: type[BaseModel]) -> str:
    """Give a model's own words, with code marked as in the docstring."""
    return " ".join((model.__doc__ or "").split())


def _field(
    model: type[BaseModel], name: str, part: Part, schema: dict[str, Any], named: dict[str, type[BaseModel]]
) -> str:
    field = model.model_fields[name]
    key = field.alias or name
    takes, bounds = _type(schema["properties"][key], part, named)
    # A list that also takes a single item has its length in the field and not in the schema.
    least = next((one.min_length for one in field.metadata if hasattr(one, "min_length")), None)
    bounds = bounds or (f"at least {least}" if least is not None and takes != "words" else "")
    return _row(f"`{key}`", takes, _needed(field), bounds, field.description or "", _example(field))


def _needed(field: FieldInfo) -> str:
    if field.is_required():
        return "**yes**"
    default = field.get_default(call_default_factory=True)
    if default is None or default in ("", (), {}) or isinstance(default, BaseModel):
        return "no"
    return f"no: `{written(default) if isinstance(default, float) else yaml(default)}`"


def _example(field: FieldInfo) -> str:
    return f"`{yaml(field.examples[0])}`" if field.examples else ""


def yaml(value: Any) -> str:
    """Write a value as it stands in YAML, on one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{yaml(key)}: {yaml(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return f"[{', '.join(map(yaml, value))}]"
    return value if isinstance(value, str) and PLAIN.fullmatch(value) else json.dumps(value)


def _type(node: dict[str, Any], part: Part, defs: dict[str, type[BaseModel]]) -> tuple[str, str]:
    """Say what a field takes, and within which bounds."""
    if "$ref" in node:
        model = defs[node["$ref"].rpartition("/")[2]]
        return f"[{heading(model, part).partition(': ')[2]}](#{_anchor(model, part)})", ""
    several = [one for one in node.get("anyOf", node.get("oneOf", ())) if one.get("type") != "null"]
    if several:
        of_formats = FORMATS.get(tuple(one.get("format") for one in several))
        told = [_type(one, part, defs) for one in several]
        return of_formats or " or ".join(dict.fromkeys(one for one, _ in told)), "; ".join(
            one for _, one in told if one
        )
    if "enum" in node or "const" in node:
        return ", ".join(f"`{yaml(one)}`" for one in node.get("enum", [node.get("const")])), ""
    if node.get("type") == "array":
        return _list(node, part, defs)
    if node.get("type") == "object":
        item = next(iter(node.get("patternProperties", {}).values()), None) or node["additionalProperties"]
        inner, bounds = _type(item, part, defs)
        return f"mapping: {_keys(node)} to {inner}", _and(_range(node), bounds)
    kind = KINDS.get(node.get("pattern", "")) or _titled(node) or ("words" if _is_words(node) else TYPES[node["type"]])
    return kind, "" if kind == "words" else _range(node)


def _is_words(node: dict[str, Any]) -> bool:
    return "minLength" in node and node.get("maxLength") == WORDS_MAX


def _keys(node: dict[str, Any]) -> str:
    """Say what the keys of a mapping are."""
    return next((KINDS.get(pattern, "text") for pattern in node.get("patternProperties", {})), "text")


def _titled(node: dict[str, Any]) -> str:
    """Give the name of a kind of value that has one; the titles that pydantic gives begin with a capital."""
    title = str(node.get("title", ""))
    return title if title[:1].islower() else ""


def _list(node: dict[str, Any], part: Part, defs: dict[str, type[BaseModel]]) -> tuple[str, str]:
    if "prefixItems" in node:
        return (
            f"list of {len(node['prefixItems'])}: {', '.join(_type(one, part, defs)[0] for one in node['prefixItems'])}",
            "",
        )
    inner, bounds = _type(node["items"], part, defs)
    return f"{inner}, or a list of them" if part.one_for_list else f"list: {inner}", _and(_range(node), bounds)


def _range(node: dict[str, Any]) -> str:
    least = node.get("minimum", node.get("minItems", node.get("minProperties")))
    most = node.get("maximum", node.get("maxItems", node.get("maxProperties")))
    if least is None and most is None:
        return ""
    return f"{least} to {most}" if most is not None else f"at least {least}"


def _and(*bounds: str) -> str:
    return "; ".join(one for one in bounds if one)


def _row(*cells: str) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


if __name__ == "__main__":
    main()
