"""The catalog: operators' YAML files become values, and every complaint is placed in the file that caused it.

A workspace has `drills/*.yaml` (one drill each), `inventory/*.yaml` (one site each) and `probes/*.yaml` (packs); `recipes.py` reads
its recipes. Hidden files are no input: an editor's lock file and what a Mac leaves beside each file have such names. A drill needs
its own site and its own probes; what is wrong elsewhere stops `validate`, but no drill.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from islandmode.core.drill import Drill
from islandmode.core.errors import InputError, Place
from islandmode.core.json_schema import Part, schema_of
from islandmode.core.probe import Probe, ProbePack
from islandmode.core.problem import Problem
from islandmode.core.quantities import AS_WRITTEN, DURATION_PATTERN, written
from islandmode.core.site import Site
from islandmode.store import folders
from islandmode.store.complaints import complaint
from islandmode.store.yaml_tree import PathInFile, YamlTree, read_yaml, show

DRILLS, INVENTORY, PROBES, RECIPES = folders.DRILLS, folders.INVENTORY, folders.PROBES, folders.RECIPES
ENDINGS = (".yaml", ".yml")
OTHER_FILES = {
    "a site": ("zones", "conduits", "isolation_points", "vantages"),
    "a probe pack": ("probes",),
    "the topology of a lab": ("topology", "mgmt"),
}
"""By what a file shows that it is no drill: keys that no drill has."""
COMPLAINTS_MAX = 20
M = TypeVar("M", bound=BaseModel)
_Wrong = tuple[InputError, ...]


class InputErrors(InputError):
    """Several things wrong in the operator's files, a line each; a file that is wrong throughout is cut short."""

    def __init__(self, errors: Sequence[InputError]) -> None:
        """Join the errors in their order; each file has its share of them."""
        files: dict[str, list[str]] = {}
        for error in errors:
            files.setdefault(error.place.file if error.place else "", []).append(str(error))
        lines = []
        for file, said in files.items():
            lines += said[:COMPLAINTS_MAX]
            more = len(said) - COMPLAINTS_MAX
            lines += [f"{file}: and {more} more."] if more > 0 else []
        super().__init__("\n".join(lines))
        self.errors = tuple(errors)


@dataclass(frozen=True)
class Loaded:
    """A drill with all that it refers to, and where each came from; `left_out` says what is wrong elsewhere and not needed."""

    drill: Drill
    site: Site
    probes: Mapping[str, Probe]
    drill_tree: YamlTree
    site_tree: YamlTree
    probe_trees: Mapping[str, YamlTree]
    left_out: tuple[InputError, ...] = ()

    def place(self, source: str, path: PathInFile) -> Place:
        """Place a path of one of the files; a path into the probes begins with the probe's name."""
        if source == "probes":
            tree = self.probe_trees.get(str(path[0])) if path else None
            return tree.place(("probes", *path)) if tree is not None else Place(PROBES)
        return (self.drill_tree if source == "drill" else self.site_tree).place(path)


def load(workspace: Path, drill: str) -> Loaded:
    """Load a drill by its path or name, its site, and the probes of the workspace; what the drill does not need stops nothing."""
    _refuse_two_files(workspace, drill)
    drill_tree = read_drill(workspace, drill)
    inventory, packs = _read_all(workspace, INVENTORY), _read_all(workspace, PROBES)
    try:
        value = validate(Drill, drill_tree)
    except InputError as wrong:
        raise all_of((*each_of(wrong), *_wrong_with_site(inventory, drill_tree))) from None
    with _collected() as errors:
        with errors.collect():
            site_tree = _site_tree(inventory, value.site, drill_tree)
            site = validate(Site, site_tree)
        with errors.collect():
            probes, trees, broken = _probes_of(packs, probes_needed(value))
    left_out = (*inventory.wrong, *broken)
    return Loaded(value, site, probes, drill_tree, site_tree, trees, left_out)


def _wrong_with_site(inventory: _Folder, drill_tree: YamlTree) -> _Wrong:
    """Say what is wrong with the site of a drill that cannot be read itself, so that both are told at once."""
    site = drill_tree.document.get("site")
    try:
        if isinstance(site, str):
            validate(Site, _site_tree(inventory, site, drill_tree))
    except InputError as error:
        return each_of(error)
    return ()


def probes_needed(drill: Drill) -> frozenset[str]:
    """List every probe that a drill names."""
    return frozenset((*drill.asked, *(rule.probe for rule in drill.abort_when)))


def read_drill(workspace: Path, drill: str) -> YamlTree:
    """Find a drill's file by its path or name, and read it; a file that is another kind of file is refused as that."""
    tree = read_yaml(*_drill_file(workspace, drill))
    told_by = {key: kind for kind, keys in OTHER_FILES.items() for key in keys if key in tree.document}
    if told_by and not {"drill", "stages"} & tree.document.keys():
        key, kind = next(iter(told_by.items()))
        sentence = f"This file is {kind}, and a drill is needed here; known drills: {_known_drills(workspace)}."
        raise InputError(sentence, tree.place((key,), of_key=True))
    return tree


def _refuse_two_files(workspace: Path, drill: str) -> None:
    """Refuse a name that two files have: one would silently stand for the other."""
    found = [_shown(workspace, path) for path in files(workspace, DRILLS) if path.stem == drill]
    if len(found) > 1:
        raise InputError(f"There are two drills called {show(drill)}, {' and '.join(found)}; name one by its path.")


def _drill_file(workspace: Path, drill: str) -> tuple[Path, str]:
    named = [workspace / DRILLS / f"{drill}{ending}" for ending in ENDINGS]
    for candidate in (workspace / drill, Path(drill), *named):
        try:
            if candidate.is_file():
                return candidate, _shown(workspace, candidate)
        except OSError as error:
            raise InputError(
                f"The drill {show(drill)} cannot be looked up ({error.strerror}); give its name, or the path of its file."
            ) from None
    near = difflib.get_close_matches(Path(drill).stem, [path.stem for path in files(workspace, DRILLS)], 1)
    hint = f' Did you mean "{near[0]}"?' if near else ""
    raise InputError(f"There is no drill {show(drill)}; known drills: {_known_drills(workspace)}.{hint}")


def _known_drills(workspace: Path) -> str:
    names = (path.stem for path in files(workspace, DRILLS))
    return ", ".join(names) or f"none, {workspace / DRILLS} has no .yaml file"


@dataclass(frozen=True)
class _Folder:
    """One of the operators' folders, file by file: what could be read, or why it could not."""

    files: tuple[YamlTree | InputError, ...]

    @property
    def trees(self) -> tuple[YamlTree, ...]:
        """Give the files that could be read."""
        return tuple(file for file in self.files if isinstance(file, YamlTree))

    @property
    def wrong(self) -> _Wrong:
        """Say what is wrong with the other files."""
        return tuple(file for file in self.files if isinstance(file, InputError))


def _read_all(workspace: Path, folder: str) -> _Folder:
    found: list[YamlTree | InputError] = []
    for path in files(workspace, folder):
        try:
            found.append(read_yaml(path, _shown(workspace, path)))
        except InputError as error:
            found.append(error)
    return _Folder(tuple(found))


def sites_named(workspace: Path, site: str) -> tuple[tuple[YamlTree, ...], _Wrong]:
    """Give every file that defines a site, the one with the site's own name first, and what is wrong in the others."""
    inventory = _read_all(workspace, INVENTORY)
    found = [tree for tree in inventory.trees if name_of_site(tree) == site]
    return tuple(sorted(found, key=lambda tree: Path(tree.file).stem != site)), inventory.wrong


def inventory(workspace: Path) -> tuple[tuple[YamlTree, ...], _Wrong]:
    """Give every file of the inventory that can be read, and what is wrong in the others."""
    found = _read_all(workspace, INVENTORY)
    return found.trees, found.wrong


def sites_with(workspace: Path, key: str) -> tuple[tuple[str, ...], _Wrong]:
    """Name the sites whose files have a part, each once, and what is wrong in files that cannot be read."""
    inventory = _read_all(workspace, INVENTORY)
    named = (name_of_site(tree) for tree in inventory.trees if key in tree.document)
    return tuple(dict.fromkeys(named)), inventory.wrong


def name_of_site(tree: YamlTree) -> str:
    """Give the name of the site that a file defines: the name that stands in it, or else the file's own."""
    return show(str(tree.document.get("site", Path(tree.file).stem)))


def _site_tree(inventory: _Folder, site: str, drill_tree: YamlTree) -> YamlTree:
    """Find the one file that defines a drill's site."""
    found = [tree for tree in inventory.trees if name_of_site(tree) == site]
    # A file that says which site it is comes before a file that only bears the site's name.
    found = [tree for tree in found if "site" in tree.document] or found
    if len(found) == 1:
        return found[0]
    if found:
        raise _twice(site, found[0], found[1])
    missing = no_site(site, dict.fromkeys(name_of_site(tree) for tree in inventory.trees), drill_tree)
    # The site may be in a file that could not be read, most likely in one with the site's name.
    likely = [error for error in inventory.wrong if error.place and Path(error.place.file).stem == site]
    raise _joined(likely or [*inventory.wrong, missing])


def no_site(site: str, known: Iterable[str], drill_tree: YamlTree) -> InputError:
    """Complain of a drill for a site that no file defines."""
    names = list(known)
    near = difflib.get_close_matches(site, names, 1)
    hint = f' Did you mean "{near[0]}"?' if near else ""
    sentence = f'There is no site "{site}" in {INVENTORY}/; known sites: {", ".join(names) or "none"}.{hint}'
    return InputError(sentence, drill_tree.place(("site",)))


def _twice(site: str, first: YamlTree, second: YamlTree) -> InputError:
    sentence = f'Site "{site}" is already defined in {first.file}; a name may be used once.'
    return InputError(sentence, second.place(("site",)))


def _probes_of(packs: _Folder, needed: frozenset[str]) -> tuple[dict[str, Probe], dict[str, YamlTree], _Wrong]:
    """Load the packs' probes; where something is wrong with them, only the needed probes, if nothing is wrong with these."""
    try:
        with _collected() as errors:
            return *_probes_in(packs.files, errors), ()
    except InputError as wrong:
        only = [replace(tree, document=kept) for tree in packs.trees if (kept := _only(tree.document, needed))]
        try:
            with _collected() as errors:
                found, trees = _probes_in(only, errors)
        except InputError as narrower:
            said = {str(error): error for error in (*each_of(wrong), *each_of(narrower))}
            raise _joined(list(said.values())) from None
        if not needed <= found.keys():
            raise
        return found, trees, each_of(wrong)


def each_of(error: InputError) -> _Wrong:
    """Give the single errors that an error holds."""
    return error.errors if isinstance(error, InputErrors) else (error,)


def _only(pack: Mapping[str, Any], needed: frozenset[str]) -> dict[str, Any]:
    """Give a pack with no more than the probes that are needed; empty where it has none of them."""
    probes = pack.get("probes")
    kept = {name: probe for name, probe in probes.items() if name in needed} if isinstance(probes, dict) else {}
    return {**pack, "probes": kept} if kept else {}


def load_probes(workspace: Path) -> tuple[dict[str, Probe], dict[str, YamlTree]]:
    """Load every probe pack, and which file each probe is in; a probe's name may stand in one pack only."""
    with _collected() as errors:
        return _probes_in(_read_all(workspace, PROBES).files, errors)


def _probes_in(packs: Iterable[YamlTree | InputError], errors: _Errors) -> tuple[dict[str, Probe], dict[str, YamlTree]]:
    probes: dict[str, Probe] = {}
    trees: dict[str, YamlTree] = {}
    for tree in packs:
        with errors.collect():
            if isinstance(tree, InputError):
                raise tree
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
    """Load every site of the workspace by name; a site stands in one of its files only."""
    with _collected() as errors:
        found = _sites_in(_read_all(workspace, INVENTORY), errors)
    return {name: site for name, (_, site) in found.items() if site is not None}


def read_sites(workspace: Path) -> tuple[dict[str, tuple[YamlTree, Site]], tuple[InputError, ...]]:
    """Read every site that can be read, by name, each with its file, and say what is wrong with the others."""
    errors = _Errors()
    found = _sites_in(_read_all(workspace, INVENTORY), errors)
    return {name: (tree, site) for name, (tree, site) in found.items() if site is not None}, tuple(errors.found)


def _sites_in(inventory: _Folder, errors: _Errors) -> dict[str, tuple[YamlTree, Site | None]]:
    """Read the sites of the inventory, each with its file; None for what is no site as it stands."""
    errors.found.extend(inventory.wrong)
    found: dict[str, tuple[YamlTree, Site | None]] = {}
    for tree in inventory.trees:
        with errors.collect():
            name = name_of_site(tree)
            if name in found:
                raise _twice(name, found[name][0], tree)
            found[name] = tree, None
            found[name] = tree, validate(Site, tree)
    return found


@dataclass(frozen=True)
class Workspace:
    """All of the operators' files, as far as they can be read, and everything that is wrong in the rest."""

    drills: tuple[tuple[YamlTree, Drill], ...]
    sites: Mapping[str, tuple[YamlTree, Site | None]]
    probes: Mapping[str, Probe]
    probe_trees: Mapping[str, YamlTree]
    unread_probes: frozenset[str]
    """Names of probes that stand in packs in which something is wrong."""
    unread_inventory: bool
    """Whether a file of the inventory is no YAML: any site may be in it."""
    errors: tuple[InputError, ...]


def read_workspace(workspace: Path) -> Workspace:
    """Read every drill, site and probe pack, and keep what is wrong for later."""
    errors = _Errors()
    inventory, packs = _read_all(workspace, INVENTORY), _read_all(workspace, PROBES)
    drills = tuple(_drills_in(_read_all(workspace, DRILLS), errors))
    sites = _sites_in(inventory, errors)
    probes, trees = _probes_in(packs.files, errors)
    written = [tree.document.get("probes") for tree in packs.trees]
    names = {str(name) for pack in written if isinstance(pack, dict) for name in pack}
    unread = frozenset(names - probes.keys())
    return Workspace(drills, sites, probes, trees, unread, bool(inventory.wrong), tuple(errors.found))


def _drills_in(folder: _Folder, errors: _Errors) -> Iterator[tuple[YamlTree, Drill]]:
    errors.found.extend(folder.wrong)
    trees: dict[str, YamlTree] = {}
    for tree in folder.trees:
        with errors.collect():
            drill = validate(Drill, tree)
            first = trees.setdefault(drill.drill, tree)
            if first is not tree:
                sentence = (
                    f'Drill "{drill.drill}" is already defined in {first.file}; give each drill a name of its own.'
                )
                errors.found.append(InputError(sentence, tree.place(("drill",))))
            yield tree, drill


def files(workspace: Path, folder: str) -> tuple[Path, ...]:
    """List the YAML files of one of the operators' folders; hidden files are no input."""
    found = (path for ending in ENDINGS for path in workspace.glob(f"{folder}/*{ending}"))
    return tuple(sorted(path for path in found if not path.name.startswith(".")))


def schemas() -> dict[str, dict[str, Any]]:
    """Give the JSON Schemas that editors check drills, sites, probe packs and recipes against."""
    # Imported late: what restores a plant reads files too, and needs no recipe's model, and no people.
    from islandmode.core.people import PeopleFile  # noqa: PLC0415 - only an editor's schema needs it
    from islandmode.core.policy import PolicyFile  # noqa: PLC0415 - as above
    from islandmode.core.recipe.model import Recipe  # noqa: PLC0415 - as above

    models: tuple[tuple[str, type[BaseModel]], ...] = (
        *(("drill", Drill), ("site", Site), ("probes", ProbePack)),
        *(("recipe", Recipe), ("people", PeopleFile), ("policy", PolicyFile)),
    )
    return {name: schema_of(model, _as_written) for name, model in models}


def _as_written(told: Part) -> Part:
    """Say in a schema what pydantic leaves out: a single item may stand for a list, and names have one form only."""
    if told.get("pattern") == DURATION_PATTERN and isinstance(told.get("default"), float):
        told["default"] = written(told["default"])
    if "patternProperties" in told:
        told["additionalProperties"] = False
    if told.get("type") == "array" and "items" in told:
        return {"anyOf": [told, told["items"]]}
    return told


def problem_error(loaded: Loaded, problems: Iterable[Problem]) -> InputError:
    """Turn planning's problems into one error with a place for each."""
    return all_of(InputError(problem.sentence, loaded.place(problem.source, problem.path)) for problem in problems)


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
        raise _joined(errors.found)


def _joined(errors: Sequence[InputError]) -> InputError:
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
    raise all_of(found)


def all_of(errors: Iterable[InputError]) -> InputError:
    """Make one error of several, each said once, in the order of the files and their lines; there must be some."""
    unique = {str(error): error for error in errors}.values()
    return _joined(sorted(unique, key=_where))


def _where(error: InputError) -> tuple[str, int, int]:
    place = error.place or Place("")
    return place.file, place.line, place.column
