"""`islandmode validate`: what a person may give it, and what it says of what is good."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from islandmode.core.errors import InputError
from islandmode.core.plan import Plan
from islandmode.core.recipe.model import Recipe
from islandmode.core.recipe.parts import grounded_of
from islandmode.core.site import Site
from islandmode.core.text import how_many
from islandmode.operate.check import LAB, Checked, check_workspace, refuse_unlike_lab, topology_files
from islandmode.operate.plan import plan_of
from islandmode.operate.telling import warn_of_left_out
from islandmode.rehearse.lab_place import lab_of_site
from islandmode.rehearse.topology import Topology, read_with_places
from islandmode.store import catalog
from islandmode.store.folders import PEOPLE
from islandmode.store.labs import labs_named
from islandmode.store.people import FILES as FILES_OF_PEOPLE
from islandmode.store.yaml_tree import read_yaml, show
from islandmode.system.own_program import typed_at
from islandmode.ui.spoken import Spoken

CHECKED = (catalog.DRILLS, catalog.INVENTORY, catalog.PROBES, catalog.RECIPES, PEOPLE, LAB)
EXPECTED = (
    f"validate takes a drill ({catalog.DRILLS}/NAME.yaml), a site ({catalog.INVENTORY}/NAME.yaml), a probe pack "
    f"({catalog.PROBES}/NAME.yaml), a recipe ({catalog.RECIPES}/NAME.yaml), a lab topology ({LAB}/NAME.clab.yml, or the file that a site names), or nothing, for all of them"
)


def validate_workspace(workspace: Path) -> int:
    """Check every drill, site, probe pack, recipe and lab topology of a workspace; says everything that is wrong, not only the first."""
    checked = check_workspace(workspace)
    for line in _good(checked).values():
        print(line)
    if not checked.errors:
        return 0
    raise catalog.all_of(checked.errors)


def validate_one(workspace: Path, path: str) -> int:
    """Check one drill with what it needs, or one file of the other folders: a site, a probe pack, a recipe, a lab topology."""
    try:
        found = next((candidate for candidate in (workspace / path, Path(path)) if candidate.exists()), None)
    except OSError:
        # A name that no file can have is no drill's either, and that is said there.
        found = None
    if found is None or (found.is_dir() and _is_drill(workspace, path)):
        return _validate_drill(workspace, path)
    if found.is_dir():
        raise _no_file(found, path)
    # The folder it lies in counts, and not what a link leads to.
    file = found.parent.resolve() / found.name
    folder = next((known for known in CHECKED if file.parent == workspace.resolve() / known), "")
    if folder == PEOPLE and file.name in FILES_OF_PEOPLE:
        return _validate_beside_drills(workspace, str(file.relative_to(workspace.resolve())))
    is_yaml = file.suffix in catalog.ENDINGS and not file.name.startswith(".")
    if _is_topology(workspace, file) or (is_yaml and folder in (catalog.INVENTORY, catalog.PROBES, catalog.RECIPES)):
        return _validate_beside_drills(workspace, str(file.relative_to(workspace.resolve())))
    if not is_yaml or folder == LAB:
        raise _nothing_checked(path)
    if not folder:
        _refuse_of_another_workspace(file, path)
    if folder != catalog.DRILLS:
        _refuse_no_drill(found, path)
    return _validate_drill(workspace, path)


def _is_drill(workspace: Path, path: str) -> bool:
    return any(file.stem == path for file in catalog.files(workspace, catalog.DRILLS))


def _is_topology(workspace: Path, file: Path) -> bool:
    """Tell whether a file is a lab topology of this workspace: one of its folder for them, or one that a site names."""
    named = [workspace / lab.lab.topology for lab in labs_named(workspace)[0]]
    return file in {path.parent.resolve() / path.name for path in (*topology_files(workspace), *named)}


def _nothing_checked(path: str) -> InputError:
    return InputError(f"{show(path)} cannot be checked; {EXPECTED}.")


def _no_file(folder: Path, path: str) -> InputError:
    if _is_workspace(folder):
        return InputError(f"{show(path)} is a workspace; `{typed_at(folder, 'validate')}` checks all of it.")
    return InputError(f"{show(path)} is a folder; {EXPECTED}.")


def _is_workspace(folder: Path) -> bool:
    return any((folder / name).is_dir() for name in (catalog.DRILLS, catalog.INVENTORY))


def _refuse_of_another_workspace(file: Path, path: str) -> None:
    """Refuse a file of another workspace: held against this one, nearly everything in it would seem wrong."""
    folder = next((known for known in CHECKED if file.parent.as_posix().endswith(f"/{known}")), None)
    other = file.parents[1 if folder is None else len(Path(folder).parts)]
    if folder is not None and _is_workspace(other):
        command = typed_at(other, "validate", str(file.relative_to(other)))
        raise InputError(f"{show(path)} belongs to another workspace; `{command}` checks it there.")


def _refuse_no_drill(found: Path, path: str) -> None:
    """Refuse a YAML file outside of drills/ that does not even say that it is a drill."""
    try:
        tree = read_yaml(found, path)
    except InputError as error:
        raise catalog.all_of((error, _nothing_checked(path))) from None
    if "drill" not in tree.document:
        raise _nothing_checked(path)


def _validate_beside_drills(workspace: Path, file: str) -> int:
    checked = check_workspace(workspace)
    wrong = checked.wrong_with(file)
    if wrong:
        raise catalog.all_of(wrong)
    print(_good(checked)[file])
    return 0


def _validate_drill(workspace: Path, drill: str) -> int:
    """Check one drill against its site, the probes and the site's lab; touches nothing."""
    loaded, plan = plan_of(workspace, drill)
    if loaded.site.lab is not None:
        place = lab_of_site(loaded.site.lab, loaded.place("site", ("lab", "topology")), None, None)
        topology, _ = read_with_places(place.file(workspace), str(place.topology))
        refuse_unlike_lab(loaded, plan, topology)
    warn_of_left_out(Spoken(), loaded.left_out)
    print(_good_drill(drill, plan))
    return 0


def _good(checked: Checked) -> dict[str, str]:
    """Say of each file that is good what was found in it."""
    return dict(
        (
            *((file, _good_drill(file, plan)) for file, plan in checked.plans.items()),
            *((file, _good_file(file, _in_site(site))) for file, site in checked.sites.items()),
            *((file, _good_file(file, [(number, "probe")])) for file, number in checked.probes.items()),
            *((file, _good_file(file, _in_recipe(loaded.recipe))) for file, loaded in checked.recipes.items()),
            *((file, _good_file(file, _in_topology(lab))) for file, lab in checked.topologies.items()),
            *((file, f"{file}: good. {told}.") for file, told in checked.people.items()),
        )
    )


def _good_drill(drill: str, plan: Plan) -> str:
    return f"{drill}: good. {how_many(len(plan.stages), 'stage')}, {plan.hold_s:g} s of hold at {plan.drill.site}, drill digest {plan.drill_digest}"


def _good_file(file: str, counted: Iterator[tuple[int, str]] | list[tuple[int, str]]) -> str:
    return f"{file}: good. {', '.join(how_many(number, what) for number, what in counted)}."


def _in_site(site: Site) -> Iterator[tuple[int, str]]:
    yield len(site.zones), "zone"
    yield len(site.conduits), "conduit"
    yield sum(len(conduit.flows) for conduit in site.conduits.values()), "flow"
    yield len(site.isolation_points), "isolation point"
    if site.pairs:
        yield len(site.pairs), "pair"


def _in_recipe(recipe: Recipe) -> Iterator[tuple[int, str]]:
    grounded = [fact.confidence for fact, _ in grounded_of(recipe)]
    yield len(grounded), "fact"
    yield grounded.count("unchecked"), "unchecked fact"


def _in_topology(topology: Topology) -> Iterator[tuple[int, str]]:
    yield len(topology.nodes), "node"
    yield len(topology.links), "link"
    yield len(topology.points), "isolation point"
