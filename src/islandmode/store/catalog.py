"""The catalog: operators' YAML files become values, and every complaint is placed in the file that caused it.

A workspace has `drills/*.yaml` (one drill each), `inventory/*.yaml` (one site each) and `probes/*.yaml` (packs).
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

from pydantic import BaseModel, ValidationError

from islandmode.core.drill import Drill
from islandmode.core.errors import InputError, Place
from islandmode.core.probe import Probe, ProbePack
from islandmode.core.site import Site
from islandmode.store.yaml_tree import PathInFile, YamlTree, read_yaml

DRILLS, INVENTORY, PROBES = "drills", "inventory", "probes"
M = TypeVar("M", bound=BaseModel)


class Problem(Protocol):
    """What planning complains of: which kind of file, the path in it, and the sentence."""

    @property
    def source(self) -> str:
        """One of drill, site, probes."""
        ...

    @property
    def path(self) -> PathInFile:
        """Path of keys and indexes from the top of the file."""
        ...

    @property
    def sentence(self) -> str:
        """What is wrong, what was expected, what to do."""
        ...


class InputErrors(InputError):
    """Several things wrong in the operator's files, a line each."""

    def __init__(self, errors: Sequence[InputError]) -> None:
        """Join the errors, the first one first."""
        super().__init__("\n".join(str(error) for error in errors))
        self.errors = tuple(errors)


@dataclass(frozen=True)
class Loaded:
    """A drill with all that it refers to, and where each came from."""

    drill: Drill
    site: Site
    probes: Mapping[str, Probe]
    drill_tree: YamlTree
    site_tree: YamlTree
    probe_trees: Mapping[str, YamlTree]

    def place(self, source: str, path: PathInFile) -> Place:
        """Place a path of one of the files."""
        if source == "probes":
            tree = self.probe_trees.get(str(path[0])) if path else None
            return tree.place(("probes", *path)) if tree is not None else Place(PROBES)
        return (self.drill_tree if source == "drill" else self.site_tree).place(path)


def load(workspace: Path, drill: str) -> Loaded:
    """Load a drill by its path or name, its site, and every probe of the workspace."""
    drill_tree = read_yaml(*_drill_file(workspace, drill))
    value = _validate(Drill, drill_tree)
    site, site_tree = _load_site(workspace, value, drill_tree)
    probes, trees = load_probes(workspace)
    return Loaded(value, site, probes, drill_tree, site_tree, trees)


def _drill_file(workspace: Path, drill: str) -> tuple[Path, str]:
    for candidate in (workspace / drill, Path(drill)):
        if candidate.is_file():
            return candidate, _shown(workspace, candidate)
    named = workspace / DRILLS / f"{drill}.yaml"
    if named.is_file():
        return named, _shown(workspace, named)
    known = ", ".join(path.stem for path in files(workspace, DRILLS)) or f"none, {workspace / DRILLS} has no .yaml file"
    raise InputError(f"There is no drill {drill}; known drills: {known}.")


def _load_site(workspace: Path, drill: Drill, drill_tree: YamlTree) -> tuple[Site, YamlTree]:
    known: list[str] = []
    for path in files(workspace, INVENTORY):
        tree = read_yaml(path, _shown(workspace, path))
        known.append(str(tree.document.get("site", path.stem)))
        if known[-1] == drill.site:
            return _validate(Site, tree), tree
    raise InputError(
        f"There is no site {drill.site} in {INVENTORY}/; known sites: {', '.join(known) or 'none'}.",
        drill_tree.place(("site",)),
    )


def load_probes(workspace: Path) -> tuple[dict[str, Probe], dict[str, YamlTree]]:
    """Load every probe pack; a probe name may stand in one pack only."""
    probes: dict[str, Probe] = {}
    trees: dict[str, YamlTree] = {}
    for path in files(workspace, PROBES):
        tree = read_yaml(path, _shown(workspace, path))
        pack = _validate(ProbePack, tree)
        for name, probe in pack.probes.items():
            if name in probes:
                raise InputError(
                    f"Probe {name} is already defined in {trees[name].file}; a name may be used once.",
                    tree.place(("probes", name), of_key=True),
                )
            probes[name], trees[name] = probe, tree
    return probes, trees


def load_sites(workspace: Path) -> dict[str, Site]:
    """Load every site of the workspace by name."""
    found: dict[str, Site] = {}
    for path in files(workspace, INVENTORY):
        site = _validate(Site, read_yaml(path, _shown(workspace, path)))
        found[site.site] = site
    return found


def files(workspace: Path, folder: str) -> tuple[Path, ...]:
    """List the YAML files of one of the operators' folders."""
    return tuple(sorted((*workspace.glob(f"{folder}/*.yaml"), *workspace.glob(f"{folder}/*.yml"))))


def schemas() -> dict[str, dict[str, Any]]:
    """Give the JSON Schemas that editors check drills, sites and probe packs against."""
    return {name: model.model_json_schema() for name, model in (("drill", Drill), ("site", Site), ("probes", ProbePack))}


def problem_error(loaded: Loaded, problems: Iterable[Problem]) -> InputError:
    """Turn planning's problems into one error with a place for each."""
    errors = [InputError(problem.sentence, loaded.place(problem.source, problem.path)) for problem in problems]
    return errors[0] if len(errors) == 1 else InputErrors(errors)


def _shown(workspace: Path, path: Path) -> str:
    """Name a file as the operator would: from the workspace where it lies in it."""
    resolved, root = path.resolve(), workspace.resolve()
    return str(resolved.relative_to(root)) if resolved.is_relative_to(root) else str(path)


def _validate(model: type[M], tree: YamlTree) -> M:
    try:
        return model.model_validate(tree.document)
    except ValidationError as refused:
        errors = [_input_error(model, tree, dict(error)) for error in refused.errors(include_url=False)]
        unique = list({str(error): error for error in errors}.values())
        raise (unique[0] if len(unique) == 1 else InputErrors(unique)) from None


def _input_error(model: type[BaseModel], tree: YamlTree, error: Mapping[str, Any]) -> InputError:
    path = _path_in_file(tree, error["loc"])
    kind = str(error["type"])
    if kind == "extra_forbidden":
        known = _known_keys(model, error["loc"])
        near = difflib.get_close_matches(str(path[-1]), known, 1)
        hint = f' Did you mean "{near[0]}"?' if near else f" Known keys: {', '.join(known)}." if known else ""
        return InputError(f'Unknown key "{path[-1]}".{hint}', tree.place(path, of_key=True))
    if kind == "missing":
        return InputError(f'The key "{error["loc"][-1]}" is missing here.', tree.place(path))
    said = str(error["msg"]).removeprefix("Value error, ")
    said = said[0].lower() + said[1:]
    given = _value_at(tree.document, path)
    shown = f" (found {given!r})" if not isinstance(given, dict | list) and given is not None else ""
    name = ".".join(str(part) for part in path)
    return InputError(f"{name}: {said}{shown}.", tree.place(path))


def _path_in_file(tree: YamlTree, location: Sequence[str | int]) -> PathInFile:
    """Drop what pydantic adds to a location (union tags, "[key]") and what the operator wrote as one item, not a list."""
    node: Any = tree.document
    path: list[str | int] = []
    for part in location:
        if isinstance(node, dict) and part in node:
            node = node[part]
        elif isinstance(node, list) and isinstance(part, int) and part < len(node):
            node = node[part]
        elif part is location[-1] and part != "[key]" and not isinstance(part, int):
            path.append(part)
            continue
        else:
            continue
        path.append(part)
    return tuple(path)


def _value_at(document: Any, path: PathInFile) -> Any:
    for part in path:
        try:
            document = document[part]
        except (KeyError, IndexError, TypeError):
            return None
    return document


def _known_keys(model: type[BaseModel], location: Sequence[str | int]) -> list[str]:
    """List the keys that are known where an unknown one stands, by walking the model's own schema."""
    schema = model.model_json_schema()
    node: dict[str, Any] = schema
    for part in location[:-1]:
        node = _deeper(schema, node, part)
    return sorted(_resolved(schema, node).get("properties", {}))


def _deeper(schema: dict[str, Any], node: dict[str, Any], part: str | int) -> dict[str, Any]:
    node = _resolved(schema, node)
    if part in node.get("properties", {}):
        return dict(node["properties"][part])
    if "discriminator" in node and part in node["discriminator"].get("mapping", {}):
        return {"$ref": node["discriminator"]["mapping"][part]}
    if isinstance(part, int):
        return dict(node.get("items", node))
    more = node.get("additionalProperties") or next(iter(node.get("patternProperties", {}).values()), None)
    return dict(more) if isinstance(more, dict) else node


def _resolved(schema: dict[str, Any], node: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in node:
        node = schema["$defs"][node["$ref"].rsplit("/", 1)[-1]]
    return node
