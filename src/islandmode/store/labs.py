"""The labs that the sites of a workspace name; whatever else is wrong in a site's file, its lab is found."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from islandmode.core.errors import InputError
from islandmode.core.frozen import Frozen
from islandmode.core.site import SiteLab
from islandmode.store import catalog
from islandmode.store.yaml_tree import YamlTree


@dataclass(frozen=True)
class NamedLab:
    """The lab that a site names, and the file that names it."""

    site: str
    lab: SiteLab
    tree: YamlTree


class _LabPart(Frozen):
    lab: SiteLab


def labs_named(workspace: Path) -> tuple[tuple[NamedLab, ...], tuple[InputError, ...]]:
    """Give the lab of each site that names one, and what is wrong in files that may name another lab."""
    trees, unread = catalog.inventory(workspace)
    found, wrong = list[NamedLab](), list(unread)
    for tree in trees:
        try:
            if tree.document.get("lab") is not None:
                part = catalog.validate(_LabPart, replace(tree, document={"lab": tree.document["lab"]}))
                found.append(NamedLab(catalog.name_of_site(tree), part.lab, tree))
        except InputError as error:
            wrong += catalog.each_of(error)
    return tuple(found), tuple(wrong)
