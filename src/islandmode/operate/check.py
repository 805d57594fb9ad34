"""Check a whole workspace: drills, sites, probes, recipes and lab topologies, every layer of each, and say everything at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from islandmode import isolation
from islandmode.core.drill import Drill
from islandmode.core.errors import InputError
from islandmode.core.people import expired
from islandmode.core.plan import Plan
from islandmode.core.planning.plan_drill import check_in_part, check_site
from islandmode.core.problem import Problem
from islandmode.core.recipe.loaded import LoadedRecipe, Recipes
from islandmode.core.recipe.shipped import SHIPPED
from islandmode.core.site import Site
from islandmode.core.text import in_words
from islandmode.operate.approving import now_of
from islandmode.operate.declared import ahead_of_calendar
from islandmode.operate.plan import plan_loaded
from islandmode.rehearse.lab_place import lab_of_site
from islandmode.rehearse.site_in_lab import lab_faults, needed_faults, site_faults
from islandmode.rehearse.topology import Topology, read_with_places
from islandmode.store import catalog
from islandmode.store.catalog import Loaded, Workspace
from islandmode.store.people import SIGNERS, PeopleRead, people_read, shown
from islandmode.store.recipes import own_recipes, read_shipped
from islandmode.store.yaml_tree import YamlTree
from islandmode.system.own_program import typed

LAB, TOPOLOGY_ENDING = "lab", ".clab.yml"


@dataclass(frozen=True)
class Checked:
    """What is good in a workspace, by file, and everything that is wrong in it."""

    plans: dict[str, Plan]
    sites: dict[str, Site]
    probes: dict[str, int]
    """How many probes each pack has."""
    topologies: dict[str, Topology]
    recipes: dict[str, LoadedRecipe]
    people: dict[str, str]
    """What each file of the people says, where there are any."""
    errors: tuple[InputError, ...]
    unlike: tuple[Unlike, ...]
    """Those of the errors that concern a site and its lab together."""

    def wrong_with(self, file: str) -> list[InputError]:
        """Give what is wrong in a file, and in another file that does not fit it."""
        together = [fault.error for fault in self.unlike if file in (fault.site, fault.topology)]
        return [error for error in self.errors if (error.place and error.place.file == file) or error in together]


@dataclass(frozen=True)
class Unlike:
    """A fault of a site or its lab that only shows where both are looked at; by their files."""

    site: str
    topology: str
    error: InputError


@dataclass(frozen=True)
class _Labs:
    """The lab topologies of a workspace that could be read, by their files, and everything wrong with them."""

    read: dict[str, tuple[Topology, YamlTree]]
    errors: tuple[InputError, ...]
    unlike: tuple[Unlike, ...]


def check_workspace(workspace: Path) -> Checked:
    """Read and check all that there is; touches nothing. Raises `InputError` where there is neither a drill nor a site."""
    found = catalog.read_workspace(workspace)
    if not any(catalog.files(workspace, folder) for folder in (catalog.DRILLS, catalog.INVENTORY)):
        raise InputError(
            f"There is no drill in {workspace / catalog.DRILLS} and no site in {workspace / catalog.INVENTORY}; start a "
            f"workspace with `{typed('init', 'DIR')}`."
        )
    labs = _labs(workspace, found)
    own = own_recipes(workspace)
    recipes = own.beside(_shipped_named(found))
    people = people_read(workspace)
    errors = [*found.errors, *labs.errors, *(fault.error for fault in labs.unlike), *own.errors, *people.errors]
    sites: dict[str, Site] = {}
    for tree, site in found.sites.values():
        if site is not None:
            wrong = tuple(_site_errors(tree, site, recipes))
            errors += wrong
            sites |= {tree.file: site} if not wrong else {}
    plans: dict[str, Plan] = {}
    for tree, drill in found.drills:
        try:
            plans[tree.file] = _plan(found, tree, drill, recipes)
        except InputError as error:
            errors += catalog.each_of(error)
    bad = {error.place.file for error in errors if error.place is not None}
    probes = Counter(tree.file for tree in found.probe_trees.values())
    return Checked(
        {file: plan for file, plan in plans.items() if file not in bad},
        {file: site for file, site in sites.items() if file not in bad},
        {file: number for file, number in probes.items() if file not in bad},
        {file: topology for file, (topology, _) in labs.read.items() if file not in bad},
        {loaded.file: loaded for loaded in own.good.values() if loaded.file not in bad},
        told_of_people(people, now_of()),
        tuple(errors),
        labs.unlike,
    )


def _labs(workspace: Path, found: Workspace) -> _Labs:
    """Check every topology of the folder, and those that sites name, each against its sites."""
    read: dict[str, tuple[Topology, YamlTree]] = {}
    errors: list[InputError] = []
    sites = [(tree, site) for tree, site in found.sites.values() if site is not None]
    named = [workspace / site.lab.topology for _, site in sites if site.lab is not None]
    for path in sorted({*topology_files(workspace), *(path for path in named if path.is_file())}):
        shown = str(path.relative_to(workspace))
        try:
            read[shown] = read_with_places(path, shown)
        except InputError as error:
            errors += catalog.each_of(error)
    for tree, site in sites:
        if site.lab is not None:
            try:
                lab_of_site(site.lab, tree.place(("lab", "topology")), None, None).file(workspace)
            except InputError as error:
                errors.append(error)
    return _Labs(read, tuple(errors), tuple(_unlike(found, read)))


def topology_files(workspace: Path) -> tuple[Path, ...]:
    """List the lab topologies of the usual folder; hidden files are no input."""
    found = (workspace / LAB).glob(f"*{TOPOLOGY_ENDING}")
    return tuple(sorted(path for path in found if not path.name.startswith(".")))


def _unlike(found: Workspace, read: Mapping[str, tuple[Topology, YamlTree]]) -> Iterator[Unlike]:
    """Hold sites and their labs against each other: a rehearsal would end at what one says and the other does not bear out."""
    sites = [(tree, site) for tree, site in found.sites.values() if site is not None]
    is_every_site_read = len(sites) == len(found.sites) and not found.unread_inventory
    unnamed = [site for _, site in sites if site.lab is None]
    for file, (topology, places) in read.items():
        here = [(tree, site) for tree, site in sites if site.lab is not None and str(Path(site.lab.topology)) == file]
        for tree, site in here:
            for fault in site_faults(site, topology):
                error = InputError(fault.sentence, tree.place(fault.path, of_key=fault.of_key))
                yield Unlike(tree.file, file, error)
        # A label may be meant for a site that cannot be read, or that leaves its lab to the command line.
        if here and is_every_site_read:
            for fault in lab_faults(topology, [*(site for _, site in here), *unnamed]):
                error = InputError(fault.sentence, places.place(fault.path, of_key=fault.of_key))
                for tree, _ in here:
                    yield Unlike(tree.file, file, error)


def _shipped_named(found: Workspace) -> dict[str, LoadedRecipe]:
    """Read the recipes that ship and that a site names."""
    sites = (site for _, site in found.sites.values() if site is not None)
    named = {point.platform for site in sites for point in site.isolation_points.values()}
    return read_shipped(named & set(SHIPPED))


def _site_errors(tree: YamlTree, site: Site, recipes: Recipes) -> Iterator[InputError]:
    problems = (*check_site(site), *isolation.problems(site, recipes), *ahead_of_calendar(site))
    yield from (_placed(tree, problem) for problem in problems)


def _plan(found: Workspace, tree: YamlTree, drill: Drill, recipes: Recipes) -> Plan:
    """Plan a drill of the workspace; raises `InputError` with everything that can be found wrong with it."""
    site_tree, site = found.sites.get(drill.site, (None, None))
    missing = catalog.probes_needed(drill) & found.unread_probes
    if site is None or site_tree is None or missing:
        names = found.probes.keys() | found.unread_probes
        wrong = [_placed(tree, problem) for problem in check_in_part(drill, site, names)]
        if site_tree is None and not found.unread_inventory:
            wrong.append(catalog.no_site(drill.site, found.sites, tree))
        raise catalog.InputErrors(wrong)
    return plan_loaded(Loaded(drill, site, found.probes, tree, site_tree, found.probe_trees), recipes)


def _placed(tree: YamlTree, problem: Problem) -> InputError:
    return InputError(problem.sentence, tree.place(problem.path))


def refuse_unlike_lab(loaded: Loaded, plan: Plan, topology: Topology) -> None:
    """Refuse a drill whose points and vantages a lab does not have as the site says; what the drill does not use stops nothing."""
    # Which interfaces a device has is asked of the device itself, at preflight.
    faults = list(needed_faults(loaded.site, topology, plan.points, plan.vantages))
    if faults:
        raise catalog.all_of(
            InputError(fault.sentence, loaded.site_tree.place(fault.path, of_key=fault.of_key)) for fault in faults
        )


def told_of_people(read: PeopleRead, now: datetime) -> dict[str, str]:
    """Say of each file of the people what was found in it, and whose keys have all expired: they sign nothing any more."""
    told = dict(read.told)
    if read.people is not None and (over := expired(read.people.persons, read.people.signers, now)):
        told[shown(SIGNERS)] += (
            f"; every key of {in_words(over)} has expired (valid-before), so no signature of these persons counts any more"
        )
    return told
