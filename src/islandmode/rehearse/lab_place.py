"""Which lab is meant, and from which file it comes up; apart from what a rehearsal needs, so that asking about a lab is quick.

A site names its lab. What is given by hand comes first, and where neither says anything it is the lab that `islandmode init` brings.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from islandmode.core.errors import InputError, Place

if TYPE_CHECKING:
    # Pydantic's models are most of the processor time of a command that only asks which runs go on.
    from islandmode.core.site import SiteLab
    from islandmode.store.labs import NamedLab

STATE = ".lab"
TOPOLOGY = Path("lab") / "plant.clab.yml"
NAME = "plant"


@dataclass(frozen=True)
class LabPlace:
    """A lab: its name, its file in the workspace, and who names that."""

    name: str
    topology: Path
    said_at: Place | None = None
    """Where a site names the file; None when a person named it, or it is the default."""
    site: str | None = None
    """The site that names it, where that is known."""

    def file(self, workspace: Path) -> Path:
        """Find the file; raises `InputError` where it is not there, placed in the site that names it."""
        path = workspace / self.topology
        if self.said_at is not None and not path.is_file():
            sentence = f"There is no lab topology {self.topology} in the workspace; write it, or correct its name."
            raise InputError(sentence, self.said_at)
        return path


def lab_of_site(lab: SiteLab | None, place: Place | None, name: str | None, topology: Path | None) -> LabPlace:
    """Choose the lab of a drill: what is given by hand comes first, then what its site names."""
    own = NAME if lab is None else lab.name
    if topology is not None or lab is None:
        return LabPlace(name or own, topology or TOPOLOGY)
    return LabPlace(name or own, Path(lab.topology), place)


def lab_meant(
    workspace: Path, name: str | None = None, topology: Path | None = None, site: str | None = None
) -> LabPlace:
    """Choose the lab for a command that names no drill; raises `InputError` where the sites of the workspace name several."""
    if name is not None and topology is not None:
        return LabPlace(name, topology)
    from islandmode.store.labs import labs_named  # noqa: PLC0415 - only where it is needed, as it is slow

    named, wrong = labs_named(workspace)
    if wrong:
        raise wrong[0]
    fitting = _narrowed(named, lambda entry: entry.site == site)
    fitting = _narrowed(fitting, lambda entry: Path(entry.lab.topology) == topology)
    fitting = _narrowed(fitting, lambda entry: entry.lab.name == name)
    found = {(name or entry.lab.name, topology or Path(entry.lab.topology)) for entry in fitting}
    if len(found) > 1:
        told = ", ".join(f"{entry.lab.name} from {entry.lab.topology} (site {entry.site})" for entry in named)
        raise InputError(f"The sites of this workspace name several labs: {told}. Say which with --lab or --topology.")
    chosen = next(iter(found), (name or NAME, topology or TOPOLOGY))
    sites = [entry.site for entry in fitting if Path(entry.lab.topology) == chosen[1]]
    said_at = fitting[0].tree.place(("lab", "topology")) if fitting and topology is None else None
    return LabPlace(*chosen, said_at, sites[0] if len(sites) == 1 else None)


def _narrowed(labs: Sequence[NamedLab], fits: Callable[[NamedLab], bool]) -> Sequence[NamedLab]:
    """Keep the sites that fit; all of them when none fits: a site's lab may run under another name."""
    return [named for named in labs if fits(named)] or labs


def lab_named_by(workspace: Path, site: str) -> str:
    """Give the name of the lab that a site names; the default name where the site cannot be read."""
    return names_meant(workspace, None, site)[0]


def names_meant(workspace: Path, name: str | None, site: str | None = None) -> tuple[str, ...]:
    """Name the labs for a command that must not fail because of a fault in a site's file."""
    if name is not None:
        return (name,)
    from islandmode.store.labs import labs_named  # noqa: PLC0415 - only where it is needed, as it is slow

    named, _ = labs_named(workspace)
    return tuple(dict.fromkeys(entry.lab.name for entry in named if site in (None, entry.site))) or (NAME,)
