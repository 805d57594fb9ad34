"""The catalog: operators' YAML files become values, and every complaint is placed in the file that caused it.

A workspace has `drills/*.yaml` (one drill each), `inventory/*.yaml` (one site each) and `probes/*.yaml` (packs).
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

from pydantic import BaseModel, ValidationError

from islandmode.core.drill import Drill
from islandmode.core.errors import InputError, Place
from islandmode.core.probe import Probe, ProbePack
from islandmode.core.quantities import AS_WRITTEN
from islandmode.core.site import Site
from islandmode.store.complaints import complaint
from islandmode.store.yaml_tree import PathInFile, YamlTree, read_yaml, show

DRILLS, INVENTORY, PROBES = "drills", "inventory", "probes"
ENDINGS = (".yaml", ".yml")
COMPLAINTS_MAX = 20
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
    """Several things wrong in the operator's files, a line each; a file that is wrong throughout is cut short."""

    def __init__(self, errors: Sequence[InputError]) -> None:
        """Join the errors, the first one first."""
        lines = [str(error) for error in errors[:COMPLAINTS_MAX]]
        more = len(errors) - len(lines)
        super().__init__("\n".join([*lines, f"... and {more} more."] if more else lines))
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
        """Place a path of one of the files; a path into the probes begins with the probe's name."""
        if source == "probes":
            tree = self.probe_trees.get(str(path[0])) if path else None
            return tree.place(("probes", *path)) if tree is not None else Place(PROBES)
        return (self.drill_tree if source == "drill" else self.site_tree).place(path)


def load(workspace: Path, drill: str) -> Loaded:
    """Load a drill by its path or name, its site, and every probe of the workspace."""
    drill_tree = read_yaml(*_drill_file(workspace, drill))
    value = validate(Drill, drill_tree)
    with _collected() as errors:
        with errors.collect():
            site, site_tree = _load_site(workspace, value, drill_tree)
        with errors.collect():
            probes, trees = load_probes(workspace)
    return Loaded(value, site, probes, drill_tree, site_tree, trees)


def _drill_file(workspace: Path, drill: str) -> tuple[Path, str]:
    named = [workspace / DRILLS / f"{drill}{ending}" for ending in ENDINGS]
    for candidate in (workspace / drill, Path(drill), *named):
        try:
            if candidate.is_file():
                return candidate, _shown(workspace, candidate)
        except OSError as error:
            raise InputError(f"The drill {show(drill)} cannot be looked up ({error.strerror}).") from None
    names = [path.stem for path in files(workspace, DRILLS)]
    near = difflib.get_close_matches(Path(drill).stem, names, 1)
    hint = f' Did you mean "{near[0]}"?' if near else ""
    known = ", ".join(names) or f"none, {workspace / DRILLS} has no .yaml file"
    raise InputError(f"There is no drill {show(drill)}; known drills: {known}.{hint}")


def _load_site(workspace: Path, drill: Drill, drill_tree: YamlTree) -> tuple[Site, YamlTree]:
    trees = _site_trees(workspace)
    if drill.site not in trees:
        near = difflib.get_close_matches(drill.site, trees, 1)
        hint = f' Did you mean "{near[0]}"?' if near else ""
        raise InputError(
            f'There is no site "{drill.site}" in {INVENTORY}/; known sites: {", ".join(trees) or "none"}.{hint}',
            drill_tree.place(("site",)),
        )
    return validate(Site, trees[drill.site]), trees[drill.site]


def _site_trees(workspace: Path) -> dict[str, YamlTree]:
    """Read every file of the inventory; a site stands in one of them only."""
    trees: dict[str, YamlTree] = {}
    for path in files(workspace, INVENTORY):
        tree = read_yaml(path, _shown(workspace, path))
        name = show(str(tree.document.get("site", path.stem)))
        if name in trees:
            raise InputError(
                f'Site "{name}" is already defined in {trees[name].file}; a name may be used once.',
                tree.place(("site",)),
            )
        trees[name] = tree
    return trees


def load_probes(workspace: Path) -> tuple[dict[str, Probe], dict[str, YamlTree]]:
    """Load every probe pack, and which file each probe is in; a probe's name may stand in one pack only."""
    probes: dict[str, Probe] = {}
    trees: dict[str, YamlTree] = {}
    with _collected() as errors:
        for path in files(workspace, PROBES):
            with errors.collect():
                tree = read_yaml(path, _shown(workspace, path))
                for name, probe in validate(ProbePack, tree).probes.items():
                    with errors.collect():
                        if name in probes:
                            raise InputError(
                                f'Probe "{name}" is already defined in {trees[name].file}; a name may be used once.',
                                tree.place(("probes", name), of_key=True),
                            )
                        probes[name], trees[name] = probe, tree
    return probes, trees


def load_sites(workspace: Path) -> dict[str, Site]:
    """Load every site of the workspace by name."""
    return {name: validate(Site, tree) for name, tree in _site_trees(workspace).items()}


def files(workspace: Path, folder: str) -> tuple[Path, ...]:
    """List the YAML files of one of the operators' folders."""
    return tuple(sorted(path for ending in ENDINGS for path in workspace.glob(f"{folder}/*{ending}")))


def schemas() -> dict[str, dict[str, Any]]:
    """Give the JSON Schemas that editors check drills, sites and probe packs against."""
    models: tuple[tuple[str, type[BaseModel]], ...] = (("drill", Drill), ("site", Site), ("probes", ProbePack))
    dialect = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    return {name: dialect | _for_editors(model.model_json_schema()) for name, model in models}


def _for_editors(node: Any) -> Any:
    """Say in a schema what pydantic's does not: one item may stand for a list, and names have one form only."""
    if isinstance(node, list):
        return [_for_editors(item) for item in node]
    if not isinstance(node, dict):
        return node
    told = {key: _for_editors(value) for key, value in node.items()}
    if "patternProperties" in told:
        told["additionalProperties"] = False
    if told.get("type") == "array" and "items" in told:
        return {"anyOf": [told, told["items"]]}
    return told


def problem_error(loaded: Loaded, problems: Iterable[Problem]) -> InputError:
    """Turn planning's problems into one error with a place for each."""
    return _one([InputError(problem.sentence, loaded.place(problem.source, problem.path)) for problem in problems])


class _Errors:
    """Errors of several files, kept until all were read."""

    def __init__(self) -> None:
        self.found: list[InputError] = []

    @contextmanager
    def collect(self) -> Iterator[None]:
        """Keep an error for later instead of ending at it."""
        try:
            yield
        except InputErrors as errors:
            self.found.extend(errors.errors)
        except InputError as error:
            self.found.append(error)


@contextmanager
def _collected() -> Iterator[_Errors]:
    """Read as much as can be read, then complain about everything at once."""
    errors = _Errors()
    yield errors
    if errors.found:
        raise _one(errors.found)


def _one(errors: Sequence[InputError]) -> InputError:
    return errors[0] if len(errors) == 1 else InputErrors(errors)


def _shown(workspace: Path, path: Path) -> str:
    """Name a file as the operator would: from the workspace where it lies in it."""
    resolved, root = path.resolve(), workspace.resolve()
    return str(resolved.relative_to(root)) if resolved.is_relative_to(root) else str(path)


def validate(model: type[M], tree: YamlTree) -> M:
    """Make a value of a file's plain values, or complain of each with its place; strictly, so that "22" is no port and 5 no address."""
    try:
        return model.model_validate_json(json.dumps(tree.document), strict=True, context=AS_WRITTEN)
    except ValidationError as refused:
        found = [complaint(model, tree, dict(error)) for error in refused.errors(include_url=False)]
    unique = {str(error): error for error in found}.values()
    raise _one(sorted(unique, key=_line))


def _line(error: InputError) -> tuple[int, int]:
    return (error.place.line, error.place.column) if error.place is not None else (0, 0)
