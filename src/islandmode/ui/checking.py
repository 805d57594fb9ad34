"""Check a whole workspace: drills, sites, probes and lab topologies, every layer of each, and say everything at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from islandmode import isolation
from islandmode.core.drill import Drill
from islandmode.core.errors import InputError
from islandmode.core.plan import Plan
from islandmode.core.planning import check_in_part, check_site
from islandmode.core.problem import Problem
from islandmode.core.site import Site
from islandmode.rehearse.topology import POINT_LABEL, Topology, read_topology
from islandmode.store import catalog
from islandmode.store.catalog import Loaded, Workspace
from islandmode.store.yaml_tree import YamlTree
from islandmode.system.own_program import typed
from islandmode.ui.lab_place import lab_of_site
from islandmode.ui.planning import fault_at, plan_loaded

LAB, TOPOLOGY_ENDING = "lab", ".clab.yml"


@dataclass(frozen=True)
class Checked:
    """What is good in a workspace, by file, and everything that is wrong in it."""

    plans: dict[str, Plan]
    sites: dict[str, Site]
    errors: tuple[InputError, ...]


def check_workspace(workspace: Path) -> Checked:
    """Read and check all that there is; touches nothing. Raises `InputError` where there is neither a drill nor a site."""
    found = catalog.read_workspace(workspace)
    if not any(catalog.files(workspace, folder) for folder in (catalog.DRILLS, catalog.INVENTORY)):
        raise InputError(
            f"There is no drill in {workspace / catalog.DRILLS} and no site in {workspace / catalog.INVENTORY}; start a "
            f"workspace with `{typed('init', 'DIR')}`."
        )
    sites_read = [(tree, site) for tree, site in found.sites.values() if site is not None]
    errors = [*found.errors, *_topologies(workspace, sites_read)]
    sites: dict[str, Site] = {}
    for tree, site in found.sites.values():
        if site is not None:
            wrong = tuple(_site_errors(tree, site))
            errors += wrong
            sites |= {tree.file: site} if not wrong else {}
    plans: dict[str, Plan] = {}
    for tree, drill in found.drills:
        try:
            plans[tree.file] = _plan(found, tree, drill)
        except InputError as error:
            errors += catalog.each_of(error)
    bad = {error.place.file for error in errors if error.place is not None}
    return Checked(
        {file: plan for file, plan in plans.items() if file not in bad},
        {file: site for file, site in sites.items() if file not in bad},
        tuple(errors),
    )


def _topologies(workspace: Path, sites: Sequence[tuple[YamlTree, Site]]) -> Iterator[InputError]:
    """Check every topology of the folder, and those that sites name, each against its site."""
    read: dict[Path, Topology] = {}
    named = [workspace / site.lab.topology for _, site in sites if site.lab is not None]
    in_folder = (path for path in (workspace / LAB).glob(f"*{TOPOLOGY_ENDING}") if not path.name.startswith("."))
    for path in sorted({*in_folder, *(path for path in named if path.is_file())}):
        try:
            read[path] = read_topology(path)
        except InputError as error:
            yield from (_from_workspace(workspace, path, one) for one in catalog.each_of(error))
    for tree, site in sites:
        if site.lab is not None:
            place = lab_of_site(site.lab, tree.place(("lab", "topology")), None, None)
            try:
                topology = read.get(place.file(workspace))
            except InputError as error:
                yield error
            else:
                yield from _unlike(tree, site, topology) if topology is not None else ()


def _unlike(tree: YamlTree, site: Site, topology: Topology) -> Iterator[InputError]:
    """Find what a site says that its lab does not have: a rehearsal would end at it after the lab came up."""
    where, known = topology.file.name, ", ".join(topology.nodes)
    for name, vantage in site.vantages.items():
        if vantage.node is not None and vantage.node not in topology.nodes:
            sentence = f"There is no node {vantage.node} in the lab ({where}); known nodes: {known}."
            yield InputError(sentence, tree.place(("vantages", name, "node")))
    for name in site.isolation_points:
        if name not in topology.points:
            sentence = (
                f"No node of the lab ({where}) is isolation point {name}; give the node that stands for it the label "
                f"{POINT_LABEL}: {name}."
            )
            yield InputError(sentence, tree.place(("isolation_points", name), of_key=True))


def _from_workspace(workspace: Path, path: Path, error: InputError) -> InputError:
    """Name a file from the workspace, as the other files are named."""
    if error.place is None:
        return error
    return InputError(error.message, replace(error.place, file=str(path.relative_to(workspace))))


def _site_errors(tree: YamlTree, site: Site) -> Iterator[InputError]:
    problems = check_site(site)
    yield from (InputError(one.sentence, tree.place(one.path)) for one in problems)
    for name, point in site.isolation_points.items() if not problems else ():
        try:
            isolation.render_rescue(name, point, {one: site.conduits[one].between for one in point.isolates})
        except InputError as error:
            yield InputError(error.message, tree.place(fault_at(name, point)))


def _plan(found: Workspace, tree: YamlTree, drill: Drill) -> Plan:
    """Plan a drill of the workspace; raises `InputError` with everything that can be found wrong with it."""
    site_tree, site = found.sites.get(drill.site, (None, None))
    missing = catalog.probes_needed(drill) & found.unread_probes
    if site is None or site_tree is None or missing:
        names = found.probes.keys() | found.unread_probes
        wrong = [_placed(tree, one) for one in check_in_part(drill, site, names)]
        if site_tree is None and not found.unread_inventory:
            wrong.append(catalog.no_site(drill.site, found.sites, tree))
        raise catalog.InputErrors(wrong)
    return plan_loaded(Loaded(drill, site, found.probes, tree, site_tree, found.probe_trees))


def _placed(tree: YamlTree, problem: Problem) -> InputError:
    return InputError(problem.sentence, tree.place(problem.path))
